/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/documents.h"

#include "lib/base/json_difference.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/plan_service.h"

void patch_text(cJSON *json, const char *key, const char *value)
{
    cJSON_AddItemToObject(json, key,
                          str_empty(value) ? cJSON_CreateNull() : cJSON_CreateString(value));
}

static void label(struct object_meta *meta, const char *name, const char *value)
{
    AUTO_FREE char *encoded = label_value(value);
    json_map_set(&meta->labels, name, encoded);
    if (!str_eq(encoded, value))
        json_map_set(&meta->annotations, name, value); /* the true value */
}

static struct owner_reference *add_owner(struct object_meta *meta, const char *kind,
                                         const struct object_meta *owner)
{
    struct json_array *owners = &meta->owners;
    owners->items = mem_resize(owners->items, owners->len + 1, sizeof(struct owner_reference));
    struct owner_reference *reference = &((struct owner_reference *)owners->items)[owners->len++];
    *reference = (struct owner_reference){
        .kind = mem_strdup(kind),
        .name = mem_strdup(owner->name),
        .uid = mem_strdup(owner->uid),
    };
    return reference;
}

static void own(struct object_meta *meta, const char *kind, const struct object_meta *owner)
{
    add_owner(meta, kind, owner)->controller = true;
}

static void add_finalizer(struct object_meta *meta, const char *finalizer)
{
    meta->finalizers.items = mem_alloc(sizeof(char *));
    meta->finalizers.items[0] = mem_strdup(finalizer);
    meta->finalizers.len = 1;
}

char *document_replicaset(const struct module_deployment *md,
                          const struct module_template_spec *template, const char *name,
                          int32_t revision)
{
    struct module_replicaset *rs = NEW(struct module_replicaset);
    rs->meta.name = mem_strdup(name);
    rs->meta.namespace = mem_strdup(md->meta.namespace);
    own(&rs->meta, kind_name(KIND_MODULE_DEPLOYMENT), &md->meta);
    AUTO_FREE char *number = mem_printf("%d", revision);
    label(&rs->meta, LABEL_MODULE_NAME, template->module.name);
    label(&rs->meta, LABEL_MODULE_VERSION, template->module.version);
    label(&rs->meta, LABEL_MODULE_DEPLOYMENT, md->meta.name);
    label(&rs->meta, LABEL_DEPLOYMENT_NAME, md->spec.base_deployment_name);
    label(&rs->meta, LABEL_REVISION, number);
    rs->spec.base_deployment_name = mem_strdup(md->spec.base_deployment_name);
    module_template_spec_copy(&rs->spec.template, template);
    cJSON *json = module_replicaset_write(rs);
    module_replicaset_free(rs);
    return json_text_take(json);
}

char *document_module(const struct module_replicaset *rs, const struct base *base, bool base_is_pod,
                      const struct action *action)
{
    struct module *module = NEW(struct module);
    module->meta.name = module_instance_name(rs->meta.name, base->meta.uid);
    module->meta.namespace = mem_strdup(rs->meta.namespace);
    own(&module->meta, kind_name(KIND_MODULE_REPLICASET), &rs->meta);
    if (base_is_pod)
        add_owner(&module->meta, "Pod", &base->meta)->api_version = mem_strdup("v1");
    add_finalizer(&module->meta, FINALIZER_MODULE);
    const struct owner_reference *md = meta_owner(&rs->meta);
    label(&module->meta, LABEL_MODULE_NAME, rs->spec.template.module.name);
    label(&module->meta, LABEL_MODULE_VERSION, rs->spec.template.module.version);
    label(&module->meta, LABEL_MODULE_DEPLOYMENT, md ? md->name : "");
    label(&module->meta, LABEL_MODULE_REPLICASET, rs->meta.name);
    label(&module->meta, LABEL_DEPLOYMENT_NAME, rs->spec.base_deployment_name);
    label(&module->meta, LABEL_BASE_INSTANCE_IP, base->spec.ip ? base->spec.ip : "");
    label(&module->meta, LABEL_BASE_INSTANCE_NAME, base->meta.name);
    module_spec_copy(&module->spec.module, &rs->spec.template.module);
    module->spec.base_name = mem_strdup(base->meta.name);
    module->spec.base_uid = mem_strdup(base->meta.uid);
    module->spec.replaces = mem_strdup(action->replaces);
    json_map_set(&module->meta.annotations, ANNOTATION_REPLACES_UID, action->replaces_uid);
    module->spec.upgrade_way = action->way;
    module->spec.upgrade_way_name = mem_strdup(upgrade_way_name(action->way));
    module->spec.upgrade_way_reason = str_empty(action->reason) ? NULL : mem_strdup(action->reason);
    cJSON *json = module_write(module);
    module_free(module);
    return json_text_take(json);
}

char *document_service(const struct module_deployment *md,
                       const struct module_template_spec *template)
{
    struct service *service = service_wanted(md, template);
    cJSON *json = service_write(service);
    service_free(service);
    return json_text_take(json);
}

/* A list is replaced as a whole, so what the server gave to the port goes with it. */
static int32_t given_node_port(const struct service *service)
{
    const struct service_port *ports = service->spec.ports.items;
    for (size_t i = 0; i < service->spec.ports.len; i++)
        if (str_eq(ports[i].name, "http"))
            return ports[i].node_port;
    return service->spec.ports.len ? ports[0].node_port : 0;
}

char *patch_service(const struct module_deployment *md, const struct module_template_spec *template,
                    const struct service *present)
{
    struct service *wanted = service_wanted(md, template);
    ((struct service_port *)wanted->spec.ports.items)->node_port = given_node_port(present);
    cJSON *patch = service_write(wanted);
    service_free(wanted);
    cJSON_DeleteItemFromObjectCaseSensitive(patch, "apiVersion");
    cJSON_DeleteItemFromObjectCaseSensitive(patch, "kind");
    if (present->meta.owners.len)
        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(patch, "metadata"),
                                                "ownerReferences");
    cJSON *selector = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(patch, "spec"), "selector");
    for (size_t i = 0; i < present->spec.selector.len; i++)
        if (!cJSON_GetObjectItemCaseSensitive(selector, present->spec.selector.items[i].key))
            cJSON_AddNullToObject(selector, present->spec.selector.items[i].key);
    return json_text_take(patch);
}

char *document_event(const char *name, const char *involved_kind,
                     const struct object_meta *involved, const struct action *action, int32_t count,
                     int64_t wall_ms)
{
    struct event_record *event = NEW(struct event_record);
    event->meta.name = mem_strdup(name);
    event->meta.namespace = mem_strdup(involved->namespace);
    event->involved_kind = mem_strdup(involved_kind);
    event->involved_name = mem_strdup(involved->name);
    event->involved_uid = mem_strdup(involved->uid);
    event->type = mem_strdup(action->number ? "Warning" : "Normal");
    event->reason = mem_strdup(action->reason);
    event->message = mem_strdup(action->message);
    event->count = count;
    event->first_ms = event->last_ms = wall_ms;
    cJSON *json = event_record_write(event);
    event_record_free(event);
    return json_text_take(json);
}

char *patch_event(int32_t count, int64_t last_wall_ms)
{
    char last[TIME_TEXT_SIZE];
    return mem_printf("{\"count\":%d,\"lastTimestamp\":\"%s\"}", count,
                      time_format(last_wall_ms, last));
}

char *patch_replicas(int32_t replicas)
{
    return mem_printf("{\"spec\":{\"replicas\":%d}}", replicas);
}

char *patch_scale(int32_t replicas)
{
    AUTO_FREE char *scale =
        replicas == REPLICAS_SYMMETRIC ? mem_strdup("null") : mem_printf("%d", replicas);
    return mem_printf("{\"metadata\":{\"annotations\":{\"" ANNOTATION_SCALED "\":\"%d\"}},"
                      "\"spec\":{\"replicas\":%d,\"scaleReplicas\":%s}}",
                      replicas, replicas, scale);
}

/* A string as JSON text; NULL as null, which removes the field. */
static char *quoted(const char *value)
{
    return json_text_take(value ? cJSON_CreateString(value) : cJSON_CreateNull());
}

char *patch_renewal(const struct module_template_spec *template, int32_t revision)
{
    AUTO_FREE char *url = quoted(template->module.url);
    return mem_printf("{\"metadata\":{\"labels\":{\"" LABEL_REVISION
                      "\":\"%d\"}},\"spec\":{\"template\":{\"spec\":{\"module\":{\"url\":%s}}}}}",
                      revision, url);
}

char *patch_labels(const struct object_meta *meta, const struct json_map *changes)
{
    cJSON *patch = cJSON_CreateObject(), *to = cJSON_AddObjectToObject(patch, "metadata");
    cJSON_AddStringToObject(to, "uid", meta->uid);
    cJSON *labels = cJSON_AddObjectToObject(to, "labels");
    for (size_t i = 0; i < changes->len; i++)
        patch_text(labels, changes->items[i].key, changes->items[i].value);
    return json_text_take(patch);
}

char *patch_annotation(const char *name, const char *value)
{
    AUTO_FREE char *text = quoted(value);
    return mem_printf("{\"metadata\":{\"annotations\":{\"%s\":%s}}}", name, text);
}

/* A number that confirmed before the batch waited confirms nothing: it goes when the wait begins. */
char *patch_pause(const struct module_deployment *md, bool pause)
{
    bool clear = pause && md->spec.confirm_batch_num;
    return mem_printf("{\"spec\":{\"pause\":%s%s}}", pause ? "true" : "false",
                      clear ? ",\"confirmBatchNum\":null" : "");
}

static cJSON *finalizers_of(const struct object_meta *meta, const char *add, const char *remove)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < meta->finalizers.len; i++)
        if (!original_is_finalizer(meta->finalizers.items[i]) &&
            (!remove || !str_eq(meta->finalizers.items[i], remove)))
            cJSON_AddItemToArray(list, cJSON_CreateString(meta->finalizers.items[i]));
    if (add)
        cJSON_AddItemToArray(list, cJSON_CreateString(add));
    return list;
}

char *patch_finalizers(const struct object_meta *meta, const char *add, const char *remove)
{
    AUTO_FREE char *text = json_text_take(finalizers_of(meta, add, remove));
    return mem_printf("{\"metadata\":{\"finalizers\":%s}}", text);
}

char *patch_claim(const struct module_deployment *md)
{
    cJSON *patch = cJSON_CreateObject(), *to = cJSON_AddObjectToObject(patch, "metadata");
    cJSON_AddItemToObject(to, "finalizers", finalizers_of(&md->meta, FINALIZER_DEPLOYMENT, NULL));
    if (md->spec.replicas >= 0 && !md->spec.scale_replicas_set) {
        AUTO_FREE char *number = mem_printf("%d", md->spec.replicas);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(to, "annotations"), ANNOTATION_SCALED,
                                number);
        cJSON_AddNumberToObject(cJSON_AddObjectToObject(patch, "spec"), "scaleReplicas",
                                md->spec.replicas);
    }
    return json_text_take(patch);
}

/* The base Deployment does not own it any more: that would delete it when spec.baseDeploymentName has long been another. */
static cJSON *owners_without_deployment(const struct object_meta *meta)
{
    cJSON *list = cJSON_CreateArray();
    const struct owner_reference *owners = meta->owners.items;
    for (size_t i = 0; i < meta->owners.len; i++) {
        if (str_eq(owners[i].kind, "Deployment"))
            continue;
        cJSON *owner = cJSON_CreateObject();
        cJSON_AddStringToObject(owner, "apiVersion", owners[i].api_version);
        cJSON_AddStringToObject(owner, "kind", owners[i].kind);
        cJSON_AddStringToObject(owner, "name", owners[i].name);
        cJSON_AddStringToObject(owner, "uid", owners[i].uid);
        if (owners[i].controller)
            cJSON_AddTrueToObject(owner, "controller");
        cJSON_AddItemToArray(list, owner);
    }
    return list;
}

char *patch_cleared(const struct object_meta *meta)
{
    cJSON *patch = cJSON_CreateObject(), *to = cJSON_AddObjectToObject(patch, "metadata");
    bool ours = meta_has_finalizer(meta, FINALIZER_DEPLOYMENT);
    cJSON_AddItemToObject(to, "finalizers",
                          finalizers_of(meta, ours ? NULL : FINALIZER_DEPLOYMENT, NULL));
    cJSON_AddItemToObject(to, "ownerReferences", owners_without_deployment(meta));
    cJSON *labels = cJSON_AddObjectToObject(to, "labels");
    for (size_t i = 0; i < meta->labels.len; i++)
        if (original_is_deployment_label(meta->labels.items[i].key))
            cJSON_AddNullToObject(labels, meta->labels.items[i].key);
    return json_text_take(patch);
}

char *patch_way(enum upgrade_way way, const char *reason)
{
    AUTO_FREE char *why = quoted(reason);
    return mem_printf("{\"spec\":{\"upgradeWay\":\"%s\",\"upgradeWayReason\":%s}}",
                      upgrade_way_name(way), why);
}

/* The difference between two objects' status as a merge patch; both trees are taken. */
static char *status_difference(cJSON *before_taken, cJSON *after_taken)
{
    AUTO_JSON cJSON *none = cJSON_CreateObject();
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(before_taken, "status");
    const cJSON *after = cJSON_GetObjectItemCaseSensitive(after_taken, "status");
    cJSON *change = json_difference(before ? before : none, after ? after : none);
    cJSON *patch = cJSON_CreateObject();
    cJSON_AddItemToObject(patch, "status", change ? change : cJSON_CreateObject());
    json_free(before_taken);
    json_free(after_taken);
    return json_text_take(patch);
}

char *patch_deployment_status(const struct module_deployment *md,
                              const struct module_deployment_status *status)
{
    struct module_deployment changed = *md;
    changed.status = *status;
    return status_difference(module_deployment_write(md), module_deployment_write(&changed));
}

char *patch_replicaset_status(const struct module_replicaset_status *status)
{
    cJSON *patch = cJSON_CreateObject(), *json = cJSON_AddObjectToObject(patch, "status");
    cJSON_AddNumberToObject(json, "replicas", status->replicas);
    cJSON_AddNumberToObject(json, "availableReplicas", status->available_replicas);
    return json_text_take(patch);
}

char *patch_module_status(const struct module *module, const struct module_instance_status *status)
{
    /* Modules of nothing but a status: metadata and spec need not be written to be found equal. */
    const struct module before = {.status = module->status}, after = {.status = *status};
    return status_difference(module_write(&before), module_write(&after));
}
