/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/module.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/model/model_internal.h"

static const struct json_field spec_fields[] = {
    JSON_FIELD_OBJECT(struct module_instance_spec, "module", module, module_spec_fields,
                      JSON_REQUIRED),
    JSON_FIELD(struct module_instance_spec, "baseName", JSON_STRING, base_name, 0),
    JSON_FIELD(struct module_instance_spec, "baseUid", JSON_STRING, base_uid, 0),
    JSON_FIELD(struct module_instance_spec, "replaces", JSON_STRING, replaces, 0),
    JSON_FIELD(struct module_instance_spec, "upgradeWay", JSON_STRING, upgrade_way_name, 0),
    JSON_FIELD(struct module_instance_spec, "upgradeWayReason", JSON_STRING, upgrade_way_reason, 0),
    JSON_END,
};

static const struct json_field status_fields[] = {
    JSON_FIELD(struct module_instance_status, "status", JSON_STRING, phase_name, 0),
    JSON_FIELD(struct module_instance_status, "reason", JSON_STRING, reason, 0),
    JSON_FIELD(struct module_instance_status, "message", JSON_STRING, message, 0),
    JSON_FIELD(struct module_instance_status, "lastTransitionTime", JSON_TIME, last_transition_ms,
               0),
    JSON_FIELD(struct module_instance_status, "installDurationMs", JSON_INT32, install_duration_ms,
               0),
    JSON_FIELD(struct module_instance_status, "attempts", JSON_INT32, attempts, 0),
    JSON_FIELD(struct module_instance_status, "digest", JSON_STRING, digest, 0),
    JSON_END,
};

const struct json_field module_fields[] = {
    JSON_FIELD_OBJECT(struct module, "metadata", meta, object_meta_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module, "spec", spec, spec_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module, "status", status, status_fields, 0),
    JSON_END,
};

static const struct object_layout layout = {KIND_MODULE, module_fields, sizeof(struct module)};

static const char *const phase_names[] = {
#define X(id, name) [id] = name,
    MODULE_PHASE_MAP(X)
#undef X
};

static const char *const way_names[] = {
#define X(id, name) [id] = name,
    UPGRADE_WAY_MAP(X)
#undef X
};

struct module *module_read(const cJSON *json, struct err **err)
{
    struct module *module = object__read(&layout, json, JSON_UNKNOWN_IGNORE, err);
    if (!module)
        return NULL;
    int way = enum__read(way_names, ARRAY_LEN(way_names), &module->spec.upgrade_way_name,
                         "spec.upgradeWay", err);
    if (way < 0) {
        module_free(module);
        return NULL;
    }
    module->spec.upgrade_way = (enum upgrade_way)way;
    module_phase_parse(module->status.phase_name, &module->status.phase);
    return module;
}

cJSON *module_write(const struct module *module)
{
    /* The enums are the truth; the names beside them are their form in JSON. */
    struct module named = *module;
    AUTO_FREE char *phase =
        enum__to_write(phase_names, (int)module->status.phase, module->status.phase_name);
    AUTO_FREE char *way =
        enum__to_write(way_names, (int)module->spec.upgrade_way, module->spec.upgrade_way_name);
    named.status.phase_name = phase;
    named.spec.upgrade_way_name = way;
    return object__write(&layout, &named);
}

void module_free(struct module *module)
{
    object__free(&layout, module);
}

const char *module_phase_name(enum module_phase phase)
{
    return phase_names[phase];
}

bool module_phase_parse(const char *name, enum module_phase *ret)
{
    int found = enum__find(phase_names, ARRAY_LEN(phase_names), name);
    if (found >= 0)
        *ret = (enum module_phase)found;
    return found >= 0;
}

const char *upgrade_way_name(enum upgrade_way way)
{
    return way_names[way];
}

char *module_instance_name(const char *rs_name, const char *base_uid)
{
    /* 40 bits: two of 10,000 bases share a name in one of 20,000 fleets. */
    unsigned long long hash = str_hash(base_uid, strlen(base_uid)) & 0xffffffffffULL;
    return mem_printf("%s-%010llx", rs_name, hash);
}
