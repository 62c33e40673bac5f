/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/original.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

#define LAST_PREFIX "koupleless.io/"
#define REVISIONS "-replicas-" /* between the name of the ModuleDeployment and the number */

/* What comes after either prefix in @name, or NULL. */
static const char *suffix_of(const char *name)
{
    static const char *const prefixes[] = {LABEL_PREFIX, LAST_PREFIX};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (str_starts_with(name, prefixes[i]))
            return name + strlen(prefixes[i]);
    return NULL;
}

static bool is_one_of(const char *name, const char *const *suffixes, size_t count)
{
    const char *suffix = suffix_of(name);
    for (size_t i = 0; suffix && i < count; i++)
        if (str_eq(suffix, suffixes[i]))
            return true;
    return false;
}

bool original_is_finalizer(const char *finalizer)
{
    static const char *const dead[] = {"module-replicaset-existed", "module-existed",
                                       "allocate-pod"};
    return is_one_of(finalizer, dead, ARRAY_LEN(dead));
}

bool original_is_pod_label(const char *label)
{
    static const char *const dead[] = {"module-instance-count", "delete-pod",
                                       "delete-pod-directly"};
    return is_one_of(label, dead, ARRAY_LEN(dead)) || str_starts_with(label, "module." LAST_PREFIX);
}

bool original_is_deployment_label(const char *label)
{
    static const char *const copied[] = {
        "module-name",
        "module-version",
        "module-deployment",
        "deployment-name",
        "base-instance-ip",
        "base-instance-name",
        "module-replicaset",
        "module-scheduling-strategy",
        "module-replicaset-revision",
    };
    return is_one_of(label, copied, ARRAY_LEN(copied));
}

/* The value of K/@name, whichever K is. */
static const char *label_of(const struct object_meta *meta, const char *name)
{
    for (size_t i = 0; i < meta->labels.len; i++)
        if (is_one_of(meta->labels.items[i].key, &name, 1))
            return meta->labels.items[i].value;
    return NULL;
}

static const struct owner_reference *owner_of(const struct object_meta *meta, const char *kind)
{
    const struct owner_reference *owners = meta->owners.items;
    for (size_t i = 0; i < meta->owners.len; i++)
        if (str_eq(owners[i].kind, kind))
            return &owners[i];
    return NULL;
}

/* The N of "@deployment-replicas-N", or 0. */
static int32_t number_in(const char *name, const char *deployment)
{
    int64_t number;
    size_t len = strlen(deployment);
    if (strncmp(name, deployment, len) != 0 || !str_starts_with(name + len, REVISIONS) ||
        !str_parse_int64(name + len + strlen(REVISIONS), 0, INT32_MAX, &number))
        return 0;
    return (int32_t)number;
}

int32_t original_revision(const struct original *original)
{
    int64_t number = 0;
    (void)str_parse_int64(label_of(original->meta, "module-replicaset-revision"), 0, INT32_MAX,
                          &number);
    return (int32_t)number;
}

static char *key_of(const struct object_meta *meta, const char *name)
{
    return mem_printf("%s/%s", str_empty(meta->namespace) ? "default" : meta->namespace, name);
}

static struct original *original_new(enum object_kind kind, const struct object_meta *meta,
                                     const char *deployment)
{
    struct original *original = NEW(struct original);
    original->kind = kind;
    original->meta = meta;
    original->key = key_of(meta, meta->name);
    original->deployment_key = key_of(meta, deployment);
    return original;
}

/* Ours has always got a base. */
static struct original *read_module(const cJSON *json)
{
    struct module *module = json_get_string(json, "spec.baseUid") ? NULL : module_read(json, NULL);
    const char *deployment = module ? label_of(&module->meta, "module-deployment") : NULL;
    if (!deployment || !label_of(&module->meta, "module-replicaset") || meta_owner(&module->meta)) {
        module_free(module);
        return NULL;
    }
    struct original *original = original_new(KIND_MODULE, &module->meta, deployment);
    original->module = module;
    const struct owner_reference *pod = owner_of(&module->meta, "Pod");
    if (pod && !str_empty(pod->name) && !str_empty(pod->uid)) {
        original->base_key = key_of(&module->meta, pod->name);
        original->base_uid = pod->uid;
    }
    return original;
}

/* Ours ends in the letters of a hash, which has no '-'. */
static struct original *read_replicaset(const cJSON *json)
{
    const char *name = json_get_string(json, "metadata.name");
    struct module_replicaset *rs =
        name && strstr(name, REVISIONS) ? module_replicaset_read(json, NULL) : NULL;
    const struct owner_reference *owner =
        rs ? owner_of(&rs->meta, kind_name(KIND_MODULE_DEPLOYMENT)) : NULL;
    const char *deployment = rs ? label_of(&rs->meta, "module-deployment") : NULL;
    if (!deployment && owner)
        deployment = owner->name;
    if (!deployment || !number_in(name, deployment)) {
        module_replicaset_free(rs);
        return NULL;
    }
    struct original *original = original_new(KIND_MODULE_REPLICASET, &rs->meta, deployment);
    original->rs = rs;
    return original;
}

struct original *original_read(enum object_kind kind, const cJSON *json)
{
    if (kind == KIND_MODULE)
        return read_module(json);
    return kind == KIND_MODULE_REPLICASET ? read_replicaset(json) : NULL;
}

void original_free(struct original *original)
{
    if (!original)
        return;
    mem_free(original->key);
    mem_free(original->deployment_key);
    mem_free(original->base_key);
    module_free(original->module);
    module_replicaset_free(original->rs);
    mem_free(original);
}

bool original_had(const struct module_deployment *md)
{
    for (size_t i = 0; i < md->meta.finalizers.len; i++)
        if (original_is_finalizer(md->meta.finalizers.items[i]))
            return true;
    return false;
}

bool original_made(const struct service *service, const char *module)
{
    const struct json_map *selector = &service->spec.selector;
    if (service->meta.owners.len || service->meta.labels.len || selector->len != 1 ||
        !str_eq(selector->items[0].value, "true"))
        return false;
    AUTO_FREE char *documented = mem_printf(LABEL_TRAFFIC_PREFIX "%s", module);
    AUTO_FREE char *last = mem_printf("module." LAST_PREFIX "%s", module);
    return str_eq(selector->items[0].key, documented) || str_eq(selector->items[0].key, last);
}
