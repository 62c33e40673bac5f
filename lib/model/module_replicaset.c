/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/model_internal.h"

static const struct json_field spec_fields[] = {
    JSON_FIELD(struct module_replicaset_spec, "baseDeploymentName", JSON_STRING,
               base_deployment_name, 0),
    JSON_FIELD_OBJECT(struct module_replicaset_spec, "template", template,
                      model__template_body_fields, JSON_REQUIRED),
    JSON_FIELD(struct module_replicaset_spec, "replicas", JSON_INT32, replicas, JSON_KEEP_ZERO),
    JSON_END,
};

static const struct json_field status_fields[] = {
    JSON_FIELD(struct module_replicaset_status, "replicas", JSON_INT32, replicas, 0),
    JSON_FIELD(struct module_replicaset_status, "availableReplicas", JSON_INT32, available_replicas,
               0),
    JSON_END,
};

const struct json_field module_replicaset_fields[] = {
    JSON_FIELD_OBJECT(struct module_replicaset, "metadata", meta, object_meta_fields,
                      JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module_replicaset, "spec", spec, spec_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module_replicaset, "status", status, status_fields, 0),
    JSON_END,
};

static const struct object_layout layout = {KIND_MODULE_REPLICASET, module_replicaset_fields,
                                            sizeof(struct module_replicaset)};

struct module_replicaset *module_replicaset_read(const cJSON *json, struct err **err)
{
    return object__read(&layout, json, JSON_UNKNOWN_IGNORE, err);
}

cJSON *module_replicaset_write(const struct module_replicaset *rs)
{
    return object__write(&layout, rs);
}

void module_replicaset_free(struct module_replicaset *rs)
{
    object__free(&layout, rs);
}

void module_replicaset_free_slot(struct module_replicaset **rs)
{
    module_replicaset_free(*rs);
}

int32_t revision_number(const struct module_replicaset *rs)
{
    int64_t number = 0;
    str_parse_int64(json_map_get(&rs->meta.labels, LABEL_REVISION), 0, LIMIT_REVISION, &number);
    return (int32_t)number;
}
