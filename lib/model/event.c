/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/model_internal.h"
#include "lib/model/module.h"

static const struct json_field involved_object_fields[] = {
    JSON_FIELD(struct event_record, "kind", JSON_STRING, involved_kind, 0),
    JSON_FIELD(struct event_record, "name", JSON_STRING, involved_name, 0),
    JSON_FIELD(struct event_record, "uid", JSON_STRING, involved_uid, 0),
    JSON_END,
};

const struct json_field event_record_fields[] = {
    JSON_FIELD_OBJECT(struct event_record, "metadata", meta, object_meta_fields, JSON_REQUIRED),
    MODEL_FIELD_SAME("involvedObject", involved_object_fields, 0),
    JSON_FIELD(struct event_record, "type", JSON_STRING, type, 0),
    JSON_FIELD(struct event_record, "reason", JSON_STRING, reason, 0),
    JSON_FIELD(struct event_record, "message", JSON_STRING, message, 0),
    JSON_FIELD(struct event_record, "count", JSON_INT32, count, 0),
    JSON_FIELD(struct event_record, "firstTimestamp", JSON_TIME, first_ms, 0),
    JSON_FIELD(struct event_record, "lastTimestamp", JSON_TIME, last_ms, 0),
    JSON_END,
};

static const struct object_layout layout = {KIND_EVENT, event_record_fields,
                                            sizeof(struct event_record)};

struct event_record *event_record_read(const cJSON *json, struct err **err)
{
    return object__read(&layout, json, JSON_UNKNOWN_IGNORE, err);
}

cJSON *event_record_write(const struct event_record *event)
{
    return object__write(&layout, event);
}

void event_record_free(struct event_record *event)
{
    object__free(&layout, event);
}
