/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/protojson.h"

#include <inttypes.h>

#include "lib/base/assert.h"
#include "lib/base/base64.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/model/protojson_internal.h"

/*
 * Writing. The depth of a tree is that of the types, none of which contains itself, so no message can
 * nest deeper than our .proto files do.
 */

static cJSON *write_message(const ProtobufCMessage *message);

/* What cJSON prints exactly has 15 digits; a larger number is decimal text, as in proto3's own JSON. */
#define EXACT_MAX UINT64_C(999999999999999)

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static cJSON *write_integer(bool negative, uint64_t value)
{
    if (value <= EXACT_MAX)
        return cJSON_CreateNumber(negative ? -(double)value : (double)value);
    AUTO_FREE char *text = mem_printf("%s%" PRIu64, negative ? "-" : "", value);
    return cJSON_CreateString(text);
}

/* A name of the enum, or the number where this version has no name for it. */
static cJSON *write_enum(const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
    return known ? cJSON_CreateString(known->name) : cJSON_CreateNumber(value);
}

static cJSON *write_bytes(const ProtobufCBinaryData *bytes)
{
    AUTO_FREE char *text = base64_text(bytes->data, bytes->len);
    return cJSON_CreateString(text);
}

/* What stands at @at, which is of the type of @field. NULL: a message that has nothing to say. */
static cJSON *write_value(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return cJSON_CreateNumber(*(const int32_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return cJSON_CreateNumber(*(const uint32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return write_integer(*(const int64_t *)at < 0, magnitude(*(const int64_t *)at));
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return write_integer(/* negative= */ false, *(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return cJSON_CreateNumber((double)*(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return cJSON_CreateNumber(*(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return cJSON_CreateBool(*(const protobuf_c_boolean *)at);
    case PROTOBUF_C_TYPE_ENUM:
        return write_enum(field->descriptor, *(const int *)at);
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(const char *const *)at;
        return cJSON_CreateString(text ? text : "");
    }
    case PROTOBUF_C_TYPE_BYTES:
        return write_bytes(at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return write_message(*(const ProtobufCMessage *const *)at);
    }
    UNREACHABLE("all types are listed");
}

/* Whether a value outside a oneof is the default one, which is the same as not given. */
static bool is_default(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return str_empty(*(const char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len == 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(const ProtobufCMessage *const *)at == NULL;
    case PROTOBUF_C_TYPE_BOOL:
        return !*(const protobuf_c_boolean *)at;
    case PROTOBUF_C_TYPE_FLOAT:
        return *(const float *)at == 0;
    case PROTOBUF_C_TYPE_DOUBLE:
        return *(const double *)at == 0;
    default:
        return proto__item_size(field->type) == 4 ? *(const uint32_t *)at == 0
                                                  : *(const uint64_t *)at == 0;
    }
}

/* On the wire a key may come twice; the last one counts. */
static cJSON *write_map(const ProtobufCMessage *const *entries, size_t len)
{
    struct map seen = {0};
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < len; i++) {
        const ProtobufCFieldDescriptor *fields = entries[i]->descriptor->fields;
        const char *key = PROTO_READ(char *, entries[i], fields[0].offset);
        const char *at = (const char *)(const void *)entries[i] + fields[1].offset;
        cJSON *value = write_value(&fields[1], at);
        value = value ? value : cJSON_CreateNull();
        cJSON *before = map_put(&seen, key ? key : "", value);
        if (before)
            cJSON_Delete(cJSON_DetachItemViaPointer(json, before));
        cJSON_AddItemToObject(json, key ? key : "", value);
    }
    map_done(&seen);
    return json;
}

static cJSON *write_repeated(const ProtobufCFieldDescriptor *field, const void *items, size_t len)
{
    if (proto__is_map(field))
        return write_map(items, len);
    cJSON *json = cJSON_CreateArray();
    for (size_t i = 0; i < len; i++) {
        cJSON *item = write_value(field, (const char *)items + i * proto__item_size(field->type));
        cJSON_AddItemToArray(json, item ? item : cJSON_CreateNull());
    }
    return json;
}

/* The value of a field, or NULL where it is not given. */
static cJSON *write_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *at = (const char *)(const void *)message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t len = PROTO_READ(size_t, message, field->quantifier_offset);
        return len ? write_repeated(field, *(const void *const *)at, len) : NULL;
    }
    bool given = proto_in_oneof(field)
                     ? PROTO_READ(uint32_t, message, field->quantifier_offset) == field->id
                     : !is_default(field, at);
    return given ? write_value(field, at) : NULL;
}

static cJSON *write_message(const ProtobufCMessage *message)
{
    const struct proto_special *special = message ? proto__special(message->descriptor) : NULL;
    if (special)
        return special->write(message);
    cJSON *json = cJSON_CreateObject();
    for (unsigned i = 0; message && i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        cJSON *value = write_field(message, field);
        if (!value)
            continue;
        AUTO_FREE char *name = proto__json_name(field->name);
        cJSON_AddItemToObject(json, name, value);
    }
    return json;
}

cJSON *protojson_write(const ProtobufCMessage *message)
{
    cJSON *json = write_message(message);
    return json ? json : cJSON_CreateNull();
}
