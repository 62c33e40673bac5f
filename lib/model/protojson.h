/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_PROTOJSON_H
#define KOUPLELESS_MODEL_PROTOJSON_H

#include <protobuf-c/protobuf-c.h>

#include "lib/base/json.h"

/*
 * Protobuf messages <-> JSON trees by the descriptors that protobuf-c generates: the fields of our
 * messages are spelled so that the JSON form (lowerCamelCase) is exactly that of the custom
 * resources. So gRPC, files and the Kubernetes API share one form, one parser and one set of errors.
 *
 * Differences from the proto3 JSON mapping, both as Kubernetes does it: 64-bit integers are numbers
 * (up to 15 digits; beyond, decimal text), and koupleless.module.v1.IntOrPercent is 3 or "50%".
 * google.protobuf.Timestamp is RFC 3339 text, from 1970 on, in milliseconds; Duration is "3.5s"; bytes
 * are base64; enums are the names of their values (read in any case); maps are objects.
 */

/**
 * protojson_write() - an owned tree; unset fields, empty strings, zeros and empty lists are left out (explicit
 * optional fields stay).
 */
cJSON *protojson_write(const ProtobufCMessage *message);

/**
 * protojson_read() - an owned message (protobuf_c_message_free_unpacked()) of a tree
 * @unknown: JSON_UNKNOWN_REFUSE names unknown fields and the nearest known one
 * Return: NULL with ERR_INVALID and err->field.
 */
ProtobufCMessage *protojson_read(const ProtobufCMessageDescriptor *type, const cJSON *json,
                                 enum json_unknown unknown, struct err **err);

#endif
