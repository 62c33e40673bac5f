/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ORIGINAL_H
#define KOUPLELESS_CONTROLLER_ENGINE_ORIGINAL_H

#include "lib/base/vec.h"
#include "lib/model/module.h"
#include "lib/model/service.h"

/*
 * What the original ModuleController left in a cluster, and how it is told from what is ours. Its objects are of
 * the same kinds, and have these marks:
 *
 *   ModuleDeployment   finalizers K/module-replicaset-existed and K/module-existed, the base Deployment as controlling owner
 *   ModuleReplicaSet   name DEPLOYMENT-replicas-N; finalizer K/module-existed
 *   Module             no spec.baseUid, but a label K/module-replicaset; owner its Pod; finalizer K/allocate-pod
 *   Pod                labels K/module-instance-count, K/delete-pod, K/delete-pod-directly, module.K/MODULE
 *   Service            of no owner and without labels, selects module.K/MODULE=true
 *
 * K is koupleless.alipay.com, as documented, or koupleless.io, as in its last source. Pure.
 */
struct original {
    char *key; /* "namespace/name"; owned */
    enum object_kind kind;
    struct module *module;        /* KIND_MODULE; owned */
    struct module_replicaset *rs; /* KIND_MODULE_REPLICASET; owned */
    const struct object_meta *meta;
    char *deployment_key; /* "namespace/name" of its ModuleDeployment; owned */
    char *base_key;       /* Module: "namespace/name" of its Pod; NULL: it has got none; owned */
    const char *base_uid; /* ... its uid; NULL where base_key is; borrowed */
};

/* In no order. */
struct original_list {
    struct original **items;
    size_t len, cap;
};

/** original_read() - the Module or ModuleReplicaSet of the original that @json is; NULL: it is none. original_free(). */
struct original *original_read(enum object_kind kind, const cJSON *json);
void original_free(struct original *original);

/** original_revision() - number of its revision; 0 where nothing says it. */
int32_t original_revision(const struct original *original);

/** original_is_finalizer() - whether nobody is left who would take @finalizer off. */
bool original_is_finalizer(const char *finalizer);

/**
 * original_is_pod_label() - whether @label of a Pod says nothing to anybody any more. That of traffic where it is not
 * ours too.
 */
bool original_is_pod_label(const char *label);

/** original_is_deployment_label() - whether @label of a ModuleDeployment was copied there by the original. */
bool original_is_deployment_label(const char *label);

/** original_had() - whether finalizers of the original are on @md still. */
bool original_had(const struct module_deployment *md);

/** original_made() - whether @service is the one that the original made for the module called @module. */
bool original_made(const struct service *service, const char *module);

#endif
