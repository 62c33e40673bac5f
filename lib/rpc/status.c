/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <string.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "lib/base/str.h"
#include "lib/rpc/rpc_internal.h"

#define TYPE_PREFIX "type.googleapis.com/"
#define DETAILS_MAX 2

static const struct {
    enum err_code code;
    grpc_status_code status;
} table[] = {
    {ERR_INVALID, GRPC_STATUS_INVALID_ARGUMENT},
    {ERR_NOT_FOUND, GRPC_STATUS_NOT_FOUND},
    {ERR_EXISTS, GRPC_STATUS_ALREADY_EXISTS},
    {ERR_CONFLICT, GRPC_STATUS_ABORTED},
    {ERR_EXPIRED, GRPC_STATUS_OUT_OF_RANGE},
    {ERR_PRECONDITION, GRPC_STATUS_FAILED_PRECONDITION},
    {ERR_DENIED, GRPC_STATUS_PERMISSION_DENIED},
    {ERR_UNAUTHENTICATED, GRPC_STATUS_UNAUTHENTICATED},
    {ERR_UNAVAILABLE, GRPC_STATUS_UNAVAILABLE},
    {ERR_TIMEOUT, GRPC_STATUS_DEADLINE_EXCEEDED},
    {ERR_LIMIT, GRPC_STATUS_RESOURCE_EXHAUSTED},
    {ERR_CANCELLED, GRPC_STATUS_CANCELLED},
    {ERR_UNIMPLEMENTED, GRPC_STATUS_UNIMPLEMENTED},
    {ERR_DATA_LOSS, GRPC_STATUS_DATA_LOSS},
    {ERR_INTERNAL, GRPC_STATUS_INTERNAL},
};

grpc_status_code rpc_status_of(enum err_code code)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].code == code)
            return table[i].status;
    return GRPC_STATUS_INTERNAL;
}

static enum err_code code_of(grpc_status_code status)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].status == status)
            return table[i].code;
    return ERR_INTERNAL;
}

/* -- to the wire -- */

/*
 * Clients refuse more than 8 KiB of trailers. The message travels three times, once percent-encoded
 * (up to three bytes for one) and twice in base64.
 */
#define MESSAGE_BYTES_MAX 1024
#define NAME_BYTES_MAX 256 /* of field and reason */

struct err *rpc_err_short(const struct err *err)
{
    struct err *copy = err_copy(err);
    str_shorten(copy->message, MESSAGE_BYTES_MAX);
    str_shorten(copy->reason, NAME_BYTES_MAX);
    str_shorten(copy->field, NAME_BYTES_MAX);
    return copy;
}

static void pack_any(Google__Protobuf__Any *any, const ProtobufCMessage *message)
{
    google__protobuf__any__init(any);
    any->type_url = mem_printf(TYPE_PREFIX "%s", message->descriptor->name);
    any->value.len = protobuf_c_message_get_packed_size(message);
    any->value.data = mem_alloc(any->value.len);
    protobuf_c_message_pack(message, any->value.data);
}

static char default_domain[] = RPC_ERROR_DOMAIN;

static void add_error_info(Google__Protobuf__Any *any, const struct err *err)
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = err->reason ? err->reason : (char *)(uintptr_t)err_code_name(err->code);
    info.domain = default_domain;
    pack_any(any, &info.base);
}

static void add_bad_request(Google__Protobuf__Any *any, const struct err *err)
{
    Google__Rpc__BadRequest__FieldViolation violation =
        GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    violation.field = err->field;
    violation.description = err->message;
    Google__Rpc__BadRequest__FieldViolation *violations[] = {&violation};
    Google__Rpc__BadRequest request = GOOGLE__RPC__BAD_REQUEST__INIT;
    request.n_field_violations = 1;
    request.field_violations = violations;
    pack_any(any, &request.base);
}

grpc_slice rpc_details_of(const struct err *err)
{
    Google__Protobuf__Any details[DETAILS_MAX];
    Google__Protobuf__Any *pointers[DETAILS_MAX];
    size_t count = 0;
    add_error_info(&details[count++], err);
    if (err->field)
        add_bad_request(&details[count++], err);
    for (size_t i = 0; i < count; i++)
        pointers[i] = &details[i];
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = (int32_t)rpc_status_of(err->code);
    status.message = err->message;
    status.n_details = count;
    status.details = pointers;
    grpc_slice slice = grpc_slice_malloc(google__rpc__status__get_packed_size(&status));
    google__rpc__status__pack(&status, GRPC_SLICE_START_PTR(slice));
    for (size_t i = 0; i < count; i++) {
        mem_free(details[i].type_url);
        mem_free(details[i].value.data);
    }
    return slice;
}

/* -- from the wire -- */

static bool is_type(const Google__Protobuf__Any *any, const ProtobufCMessageDescriptor *type)
{
    return str_starts_with(any->type_url, TYPE_PREFIX) &&
           str_eq(any->type_url + strlen(TYPE_PREFIX), type->name);
}

static void read_detail(const Google__Protobuf__Any *any, struct err *err)
{
    if (is_type(any, &google__rpc__error_info__descriptor)) {
        Google__Rpc__ErrorInfo *info =
            google__rpc__error_info__unpack(NULL, any->value.len, any->value.data);
        bool own = info && !str_eq(info->reason, err_code_name(err->code));
        if (own)
            mem_replace(&err->reason, info->reason);
        if (info)
            google__rpc__error_info__free_unpacked(info, NULL);
    } else if (is_type(any, &google__rpc__bad_request__descriptor)) {
        Google__Rpc__BadRequest *request =
            google__rpc__bad_request__unpack(NULL, any->value.len, any->value.data);
        if (request && request->n_field_violations)
            mem_replace(&err->field, request->field_violations[0]->field);
        if (request)
            google__rpc__bad_request__free_unpacked(request, NULL);
    }
}

struct err *rpc_err_of(grpc_status_code status, grpc_slice message, const grpc_slice *details)
{
    struct err *err = NEW(struct err);
    err->code = code_of(status);
    err->message =
        mem_strndup((const char *)GRPC_SLICE_START_PTR(message), GRPC_SLICE_LENGTH(message));
    Google__Rpc__Status *full = details
                                    ? google__rpc__status__unpack(NULL, GRPC_SLICE_LENGTH(*details),
                                                                  GRPC_SLICE_START_PTR(*details))
                                    : NULL;
    if (!full)
        return err;
    for (size_t i = 0; i < full->n_details; i++)
        read_detail(full->details[i], err);
    google__rpc__status__free_unpacked(full, NULL);
    return err;
}
