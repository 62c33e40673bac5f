/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/assert.h"
#include "lib/base/base64.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/model/protojson.h"
#include "lib/model/protojson_internal.h"

/* Largest integer up to which a double, and so a JSON number here, holds every integer. */
#define EXACT_MAX 9007199254740992.0

/* Where the reader is: a chain of names, written out only for a message. */
struct place {
    const struct place *parent;
    const char *name; /* NULL: an item of the parent, by index */
    size_t index;
    int depth;
};

struct reader {
    enum json_unknown unknown;
    struct err **err;
};

static int read_message(struct reader *r, const cJSON *json, const struct place *at,
                        ProtobufCMessage *message);

static void add_path(struct str *text, const struct place *at)
{
    if (!at->parent)
        return;
    add_path(text, at->parent);
    if (at->name)
        str_printf(text, "%s%s", text->len ? "." : "", at->name);
    else
        str_printf(text, "[%zu]", at->index);
}

static int wrong(struct reader *r, const struct place *at, const char *expected)
{
    struct str path = STR_INIT(LIMIT_KIB(4));
    add_path(&path, at);
    if (path.len)
        err_field(r->err, str_text(&path), "must be %s", expected);
    else
        err_set(r->err, ERR_INVALID, "must be %s", expected);
    str_done(&path);
    return -1;
}

/* -- values -- */

/* An integer of [min, max]: a number, or decimal text as in proto3's own JSON for 64 bits. */
static bool whole_number(const cJSON *json, double min, double max, int64_t *ret)
{
    if (cJSON_IsString(json))
        return str_parse_int64(json->valuestring, min < -EXACT_MAX ? INT64_MIN : (int64_t)min,
                               max > EXACT_MAX ? INT64_MAX : (int64_t)max, ret);
    double value = json->valuedouble;
    if (!cJSON_IsNumber(json) || !(value >= min && value <= max) || fabs(value) > EXACT_MAX ||
        value != trunc(value))
        return false;
    *ret = (int64_t)value;
    return true;
}

static int read_integer(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                        const struct place *at, void *out)
{
    int64_t value;
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!whole_number(json, 0, UINT32_MAX, &value))
            return wrong(r, at, "an integer from 0 to 4294967295");
        *(uint32_t *)out = (uint32_t)value;
        return 0;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        if (!whole_number(json, -DBL_MAX, DBL_MAX, &value))
            return wrong(r, at, "an integer");
        *(int64_t *)out = value;
        return 0;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        if (!whole_number(json, 0, DBL_MAX, &value))
            return wrong(r, at, "an integer, at least 0");
        *(uint64_t *)out = (uint64_t)value;
        return 0;
    default:
        if (cJSON_IsString(json) || !whole_number(json, INT32_MIN, INT32_MAX, &value))
            return wrong(r, at, "an integer from -2147483648 to 2147483647");
        *(int32_t *)out = (int32_t)value;
        return 0;
    }
}

static int read_float(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                      const struct place *at, void *out)
{
    if (!cJSON_IsNumber(json))
        return wrong(r, at, "a number");
    if (field->type == PROTOBUF_C_TYPE_DOUBLE) {
        *(double *)out = json->valuedouble;
        return 0;
    }
    if (fabs(json->valuedouble) > (double)FLT_MAX)
        return wrong(r, at, "a number of 32 bits");
    *(float *)out = (float)json->valuedouble;
    return 0;
}

static int wrong_enum(struct reader *r, const ProtobufCEnumDescriptor *type, const struct place *at)
{
    struct str allowed = STR_INIT(LIMIT_KIB(4));
    str_add(&allowed, "one of ");
    for (unsigned i = 0; i < type->n_values; i++)
        str_printf(&allowed, "%s%s", i ? ", " : "", type->values[i].name);
    wrong(r, at, str_text(&allowed));
    str_done(&allowed);
    return -1;
}

/* By name in any case, or by number. */
static int read_enum(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                     const struct place *at, int *out)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    int64_t number;
    if (cJSON_IsNumber(json) && whole_number(json, INT32_MIN, INT32_MAX, &number)) {
        *out = (int)number;
        return 0;
    }
    for (unsigned i = 0; cJSON_IsString(json) && i < type->n_values; i++) {
        if (strcasecmp(type->values[i].name, json->valuestring))
            continue;
        *out = type->values[i].value;
        return 0;
    }
    return wrong_enum(r, type, at);
}

static int read_bytes(struct reader *r, const cJSON *json, const struct place *at,
                      ProtobufCBinaryData *out)
{
    if (cJSON_IsString(json) && base64_bytes(json->valuestring, &out->data, &out->len))
        return 0;
    return wrong(r, at, "bytes in base64");
}

static int read_new_message(struct reader *r, const ProtobufCMessageDescriptor *type,
                            const cJSON *json, const struct place *at, ProtobufCMessage **out)
{
    ProtobufCMessage *message = mem_alloc(type->sizeof_message);
    type->message_init(message);
    if (read_message(r, json, at, message) < 0) {
        protobuf_c_message_free_unpacked(message, NULL);
        return -1;
    }
    *out = message;
    return 0;
}

/* Fills the zeroed or initialised @out, which is of the type of @field; untouched on failure. */
static int read_value(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                      const struct place *at, void *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_float(r, field, json, at, out);
    case PROTOBUF_C_TYPE_BOOL:
        if (!cJSON_IsBool(json))
            return wrong(r, at, "true or false");
        *(protobuf_c_boolean *)out = cJSON_IsTrue(json);
        return 0;
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(r, field, json, at, out);
    case PROTOBUF_C_TYPE_STRING:
        if (!cJSON_IsString(json))
            return wrong(r, at, "text; quote it");
        *(char **)out = mem_strdup(json->valuestring);
        return 0;
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(r, json, at, out);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_new_message(r, field->descriptor, json, at, out);
    default:
        return read_integer(r, field, json, at, out);
    }
}

/* -- repeated fields and maps -- */

static int read_map_entry(struct reader *r, const ProtobufCMessageDescriptor *type,
                          const cJSON *json, const struct place *at, ProtobufCMessage **out)
{
    ProtobufCMessage *entry = mem_alloc(type->sizeof_message);
    type->message_init(entry);
    PROTO_AT(char *, entry, type->fields[0].offset) = mem_strdup(json->string);
    char *value = (char *)(void *)entry + type->fields[1].offset;
    if (read_value(r, &type->fields[1], json, at, value) < 0) {
        protobuf_c_message_free_unpacked(entry, NULL);
        return -1;
    }
    *out = entry;
    return 0;
}

static int read_repeated(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                         const struct place *at, ProtobufCMessage *message)
{
    bool map = proto__is_map(field);
    if (map ? !cJSON_IsObject(json) : !cJSON_IsArray(json))
        return wrong(r, at, map ? "an object" : "a list");
    size_t size = proto__item_size(field->type);
    size_t count = (size_t)cJSON_GetArraySize(json);
    if (!count)
        return 0;
    /* The list belongs to the message at once, so that a failure frees what is there. */
    char *items = mem_alloc(count * size);
    PROTO_AT(void *, message, field->offset) = items;
    size_t *len = &PROTO_AT(size_t, message, field->quantifier_offset);
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        struct place here = {at, map ? item->string : NULL, *len, at->depth + 1};
        void *out = items + *len * size;
        if ((map ? read_map_entry(r, field->descriptor, item, &here, out)
                 : read_value(r, field, item, &here, out)) < 0)
            return -1;
        (*len)++;
    }
    return 0;
}

/* -- messages -- */

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type,
                                                  const char *name)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (proto__name_is(type->fields[i].name, name))
            return &type->fields[i];
    return NULL;
}

static int unknown_field(struct reader *r, const ProtobufCMessageDescriptor *type,
                         const struct place *at)
{
    char **names = mem_alloc(type->n_fields * sizeof(char *) + 1);
    for (unsigned i = 0; i < type->n_fields; i++)
        names[i] = proto__json_name(type->fields[i].name);
    const char *nearest = str_nearest(at->name, (const char *const *)names, type->n_fields);
    struct str path = STR_INIT(LIMIT_KIB(4));
    add_path(&path, at);
    if (nearest)
        err_field(r->err, str_text(&path), "unknown field; did you mean \"%s\"?", nearest);
    else
        err_field(r->err, str_text(&path), "unknown field");
    str_done(&path);
    for (unsigned i = 0; i < type->n_fields; i++)
        mem_free(names[i]);
    mem_free(names);
    return -1;
}

static int read_oneof(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                      const struct place *at, ProtobufCMessage *message)
{
    if (PROTO_AT(uint32_t, message, field->quantifier_offset))
        return wrong(r, at, "left out: another field is given in its place");
    if (read_value(r, field, json, at, (char *)(void *)message + field->offset) < 0)
        return -1;
    PROTO_AT(uint32_t, message, field->quantifier_offset) = field->id;
    return 0;
}

static int read_field(struct reader *r, const ProtobufCFieldDescriptor *field, const cJSON *json,
                      const struct place *at, ProtobufCMessage *message)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_repeated(r, field, json, at, message);
    if (proto_in_oneof(field))
        return read_oneof(r, field, json, at, message);
    return read_value(r, field, json, at, (char *)(void *)message + field->offset);
}

static bool seen_before(const cJSON *json, const cJSON *item)
{
    return cJSON_GetObjectItemCaseSensitive(json, item->string) != item;
}

static int read_message(struct reader *r, const cJSON *json, const struct place *at,
                        ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const struct proto_special *special = proto__special(type);
    if (special) {
        const char *expected = special->read(json, message);
        return expected ? wrong(r, at, expected) : 0;
    }
    if (at->depth > LIMIT_JSON_DEPTH)
        return wrong(r, at, "nested less deeply");
    if (!cJSON_IsObject(json))
        return wrong(r, at, "an object");
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        struct place here = {at, item->string, 0, at->depth + 1};
        const ProtobufCFieldDescriptor *field = find_field(type, item->string);
        if (!field && r->unknown == JSON_UNKNOWN_REFUSE)
            return unknown_field(r, type, &here);
        if (!field || cJSON_IsNull(item))
            continue;
        if (seen_before(json, item))
            return wrong(r, &here, "given once");
        if (read_field(r, field, item, &here, message) < 0)
            return -1;
    }
    return 0;
}

ProtobufCMessage *protojson_read(const ProtobufCMessageDescriptor *type, const cJSON *json,
                                 enum json_unknown unknown, struct err **err)
{
    struct reader reader = {unknown, err};
    struct place top = {0};
    ProtobufCMessage *message = NULL;
    if (read_new_message(&reader, type, json, &top, &message) < 0)
        return NULL;
    return message;
}
