/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_PROTOJSON_INTERNAL_H
#define KOUPLELESS_MODEL_PROTOJSON_INTERNAL_H

#include "lib/model/protojson.h"

/*
 * How protobuf-c lays messages out, in one place for both directions.
 *
 * A field is a member at `offset`; a repeated one a pointer to items there and their number at
 * `quantifier_offset`. A field of a oneof (proto3 `optional` is a oneof of its own) is given where the
 * int at `quantifier_offset` is the field's number. A map is a repeated message of key and value.
 */
#define PROTO_AT(type, message, offset) (*(type *)(void *)((char *)(void *)(message) + (offset)))
#define PROTO_READ(type, message, offset)                                                          \
    (*(type const *)(const void *)((const char *)(const void *)(message) + (offset)))

static inline bool proto_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/** proto__is_map() - whether the repeated field @field is a map<string, ...>. */
bool proto__is_map(const ProtobufCFieldDescriptor *field);

/** proto__item_size() - bytes of one item of a repeated field. */
size_t proto__item_size(ProtobufCType type);

/** proto__json_name() - "base_name" as "baseName"; owned. */
char *proto__json_name(const char *name);

/** proto__name_is() - whether @json is the form in JSON of the field name @name. */
bool proto__name_is(const char *name, const char *json);

/*
 * Messages with a JSON form of their own. Members are read and written as for a plain message; the
 * functions below take the place of that.
 */
struct proto_special {
    const ProtobufCMessageDescriptor *type;

    /* An owned value; NULL: nothing to write. */
    cJSON *(*write)(const ProtobufCMessage *message);

    /* Fills the initialised @message. NULL, or what is expected ("a duration such as \"3.5s\""). */
    const char *(*read)(const cJSON *json, ProtobufCMessage *message);
};

/** proto__special() - the form of messages of @type, or NULL where it is the plain one. */
const struct proto_special *proto__special(const ProtobufCMessageDescriptor *type);

#endif
