/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/service.h"

#include "lib/model/model_internal.h"

static const struct json_field port_fields[] = {
    JSON_FIELD(struct service_port, "name", JSON_STRING, name, 0),
    JSON_FIELD(struct service_port, "protocol", JSON_STRING, protocol, 0),
    JSON_FIELD(struct service_port, "port", JSON_INT32, port, 0),
    JSON_FIELD(struct service_port, "targetPort", JSON_TEXT, target_port, 0),
    JSON_FIELD(struct service_port, "nodePort", JSON_INT32, node_port, 0),
    JSON_END,
};

static const struct json_field spec_fields[] = {
    JSON_FIELD(struct service_spec, "type", JSON_STRING, type, 0),
    JSON_FIELD(struct service_spec, "selector", JSON_STRING_MAP, selector, 0),
    JSON_FIELD_ARRAY(struct service_spec, "ports", ports, port_fields, struct service_port),
    JSON_END,
};

static const struct json_field service_fields[] = {
    JSON_FIELD_OBJECT(struct service, "metadata", meta, object_meta_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct service, "spec", spec, spec_fields, 0),
    JSON_END,
};

static const struct object_layout layout = {KIND_SERVICE, service_fields, sizeof(struct service)};

struct service *service_read(const cJSON *json, struct err **err)
{
    return object__read(&layout, json, JSON_UNKNOWN_IGNORE, err);
}

cJSON *service_write(const struct service *service)
{
    return object__write(&layout, service);
}

void service_free(struct service *service)
{
    object__free(&layout, service);
}
