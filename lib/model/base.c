/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/model_internal.h"
#include "lib/model/module.h"

static const struct json_field spec_fields[] = {
    JSON_FIELD(struct base_spec, "deployment", JSON_STRING, deployment, 0),
    JSON_FIELD(struct base_spec, "ip", JSON_STRING, ip, 0),
    JSON_FIELD(struct base_spec, "agentAddress", JSON_STRING, agent_address, 0),
    JSON_FIELD(struct base_spec, "node", JSON_STRING, node, 0),
    JSON_FIELD(struct base_spec, "zone", JSON_STRING, zone, 0),
    JSON_FIELD_SET(struct base_spec, "maxModuleCount", JSON_INT32, max_module_count,
                   max_module_count_set),
    JSON_END,
};

static const struct json_field status_fields[] = {
    JSON_FIELD(struct base_status, "phase", JSON_STRING, phase, 0),
    JSON_FIELD(struct base_status, "reason", JSON_STRING, reason, 0),
    JSON_FIELD(struct base_status, "message", JSON_STRING, message, 0),
    JSON_FIELD(struct base_status, "bootId", JSON_STRING, boot_id, 0),
    JSON_FIELD(struct base_status, "lastTransitionTime", JSON_TIME, last_transition_ms, 0),
    JSON_FIELD(struct base_status, "metaspaceFull", JSON_BOOL, metaspace_full, 0),
    JSON_FIELD(struct base_status, "metaspaceMessage", JSON_STRING, metaspace_message, 0),
    JSON_END,
};

const struct json_field base_fields[] = {
    JSON_FIELD_OBJECT(struct base, "metadata", meta, object_meta_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct base, "spec", spec, spec_fields, 0),
    JSON_FIELD_OBJECT(struct base, "status", status, status_fields, 0),
    JSON_END,
};

static const struct object_layout layout = {KIND_BASE, base_fields, sizeof(struct base)};

struct base *base_read(const cJSON *json, struct err **err)
{
    struct base *base = object__read(&layout, json, JSON_UNKNOWN_IGNORE, err);
    if (base && (!base->spec.max_module_count_set || base->spec.max_module_count < 0)) {
        base->spec.max_module_count = -1;
        base->spec.max_module_count_set = false;
    }
    return base;
}

cJSON *base_write(const struct base *base)
{
    return object__write(&layout, base);
}

void base_free(struct base *base)
{
    object__free(&layout, base);
}
