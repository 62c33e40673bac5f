/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/model/protojson_internal.h"

/* The camel case of "base_name", with the first letter as it comes. */
static char *camel(const char *name, bool upper)
{
    char *out = mem_alloc(strlen(name) + 1);
    char *to = out;
    for (; *name; name++) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        *to++ = upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
        upper = false;
    }
    return out;
}

char *proto__json_name(const char *name)
{
    return camel(name, /* upper= */ false);
}

bool proto__name_is(const char *name, const char *json)
{
    bool upper = false;
    for (; *name; name++) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        char c = upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
        if (*json++ != c)
            return false;
        upper = false;
    }
    return *json == '\0';
}

/* protoc names the entry of `labels` LabelsEntry; protobuf-c keeps no flag that says map. */
bool proto__is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    if (entry->n_fields != 2 || entry->fields[0].type != PROTOBUF_C_TYPE_STRING ||
        strcmp(entry->fields[0].name, "key") != 0 || strcmp(entry->fields[1].name, "value") != 0)
        return false;
    AUTO_FREE char *start = camel(field->name, /* upper= */ true);
    size_t len = strlen(start);
    return strncmp(entry->short_name, start, len) == 0 &&
           strcmp(entry->short_name + len, "Entry") == 0;
}

size_t proto__item_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(uint32_t);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(uint64_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    UNREACHABLE("all types are listed");
}
