/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_DOCUMENTS_H
#define KOUPLELESS_CONTROLLER_DOCUMENTS_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

/* The JSON that actions write: new objects and merge patches. Pure; all results are owned text. */

/** patch_text() - adds a string to a merge patch; NULL and "" as null, which removes the member. */
void patch_text(cJSON *json, const char *key, const char *value);

char *document_replicaset(const struct module_deployment *md,
                          const struct module_template_spec *template, const char *name,
                          int32_t revision);

/** document_module() - @base_is_pod: the Pod is an owner too, beside the ModuleReplicaSet, which controls it. */
char *document_module(const struct module_replicaset *rs, const struct base *base, bool base_is_pod,
                      const struct action *action);
char *document_service(const struct module_deployment *md,
                       const struct module_template_spec *template);
char *document_event(const char *name, const char *involved_kind,
                     const struct object_meta *involved, const struct action *action, int32_t count,
                     int64_t wall_ms);
char *patch_event(int32_t count, int64_t last_wall_ms); /* it happened again */

/**
 * patch_service() - makes @present what @md wants; what the server gave, as its nodePort, is kept, and so are its
 * owners where it has some.
 */
char *patch_service(const struct module_deployment *md, const struct module_template_spec *template,
                    const struct service *present);
char *patch_replicas(int32_t replicas); /* of a ModuleReplicaSet */
char *patch_scale(int32_t replicas);    /* of a ModuleDeployment: both of its numbers */
char *patch_renewal(const struct module_template_spec *template, int32_t revision);
/** patch_labels() - @changes of labels, "" = to remove; refused where another object has got the name. */
char *patch_labels(const struct object_meta *meta, const struct json_map *changes);
char *patch_annotation(const char *name, const char *value);
char *patch_pause(const struct module_deployment *md, bool pause);
/** patch_finalizers() - with @add, without @remove (either may be NULL), and without those of the original ModuleController. */
char *patch_finalizers(const struct object_meta *meta, const char *add, const char *remove);
/** patch_claim() - our finalizer for a new ModuleDeployment, and the number that its scale subresource shows. */
char *patch_claim(const struct module_deployment *md);
/** patch_cleared() - our finalizer for what the original ModuleController put on a ModuleDeployment. */
char *patch_cleared(const struct object_meta *meta);
char *patch_way(enum upgrade_way way, const char *reason);
char *patch_deployment_status(const struct module_deployment *md,
                              const struct module_deployment_status *status);
char *patch_replicaset_status(const struct module_replicaset_status *status);
char *patch_module_status(const struct module *module, const struct module_instance_status *status);

#endif
