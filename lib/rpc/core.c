/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <grpc/support/log.h>
#include <stdlib.h>

#include <stdint.h>

#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/rpc/rpc_internal.h"

#define MESSAGE_DEPTH_MAX 64
#define PIECE_BYTES 960 /* of memory; small enough for the allocator's fast path */
#define KEEPALIVE_MS 20000
#define KEEPALIVE_TIMEOUT_MS 10000
#define STREAM_WINDOW LIMIT_MIB(1) /* of one message in flight */

/* What gRPC has to say of itself reaches people as the error of a call; its own lines are no log of ours. */
static void say_nothing(gpr_log_func_args *args)
{
    (void)args;
}

void rpc_init(void)
{
    if (!getenv("GRPC_VERBOSITY")) /* whoever asks for them gets them */
        gpr_set_log_function(say_nothing);
    grpc_init();
}

void rpc_register_nothing(void *configuration)
{
    (void)configuration;
}

void rpc_shutdown(void)
{
    grpc_shutdown_blocking();
}

grpc_arg rpc_int_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

/*
 * By default core measures each connection by pings of its own, to find the best window: with hundreds
 * of agents that say little, that was a fifth of the controller's time. Ours is fixed, and large enough.
 * Nor does anybody ask for channelz.
 */
size_t rpc_connection_args(grpc_arg args[RPC_CONNECTION_ARGS])
{
    size_t count = 0;
    args[count++] = rpc_int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)LIMIT_RPC_MESSAGE);
    args[count++] = rpc_int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS);
    args[count++] = rpc_int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS);
    args[count++] = rpc_int_arg(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    args[count++] = rpc_int_arg(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, (int)STREAM_WINDOW);
    args[count++] = rpc_int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0);
    return count;
}

void *rpc_drive(void *cq)
{
    for (;;) {
        grpc_event event = grpc_completion_queue_next(cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        struct rpc_op *op = event.tag;
        TAG_TAKEN(op);
        op->fn(op, event.success != 0);
    }
}

grpc_byte_buffer *rpc_message_buffer(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

/* A varint at *@at; false where there is none. */
static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
    *ret = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *ret |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static const ProtobufCFieldDescriptor *submessage_field(const ProtobufCMessageDescriptor *type,
                                                        uint64_t number)
{
    const ProtobufCFieldDescriptor *field =
        number <= UINT32_MAX ? protobuf_c_message_descriptor_get_field(type, (unsigned)number)
                             : NULL;
    return field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field : NULL;
}

/* protobuf-c recurses without limit; a message that nests too deep is found before it does. */
static bool nests_too_deep(const ProtobufCMessageDescriptor *type, const uint8_t *at,
                           const uint8_t *end, int depth)
{
    uint64_t key, len;
    if (depth > MESSAGE_DEPTH_MAX)
        return true;
    while (at < end && read_varint(&at, end, &key)) {
        const ProtobufCFieldDescriptor *field = submessage_field(type, key >> 3);
        switch (key & 7) {
        case 0:
            if (!read_varint(&at, end, &len))
                return false;
            break;
        case 1:
            at = end - at < 8 ? end : at + 8;
            break;
        case 5:
            at = end - at < 4 ? end : at + 4;
            break;
        case 2:
            if (!read_varint(&at, end, &len) || len > (uint64_t)(end - at))
                return false; /* malformed: unpacking says so */
            if (field && nests_too_deep(field->descriptor, at, at + len, depth + 1))
                return true;
            at += len;
            break;
        default:
            return false;
        }
    }
    return false;
}

/* -- memory of a message -- */

struct rpc_piece {
    struct rpc_piece *next;
    size_t used, bytes;
    uint64_t start[]; /* nothing in a message needs more alignment */
};

static void *take_memory(void *user, size_t bytes)
{
    struct rpc_memory *memory = user;
    struct rpc_piece *piece = memory->pieces;
    size_t rounded = (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
    if (!piece || piece->bytes - piece->used < rounded) {
        size_t room = rounded > PIECE_BYTES ? rounded : PIECE_BYTES;
        piece = mem_alloc(sizeof(*piece) + room);
        piece->bytes = room;
        piece->next = memory->pieces;
        memory->pieces = piece;
    }
    void *taken = (char *)piece->start + piece->used;
    piece->used += rounded;
    return taken;
}

static void leave_memory(void *user, void *pointer)
{
    (void)user; /* it goes with the whole */
    (void)pointer;
}

void rpc_memory_done(struct rpc_memory *memory)
{
    while (memory->pieces) {
        struct rpc_piece *piece = memory->pieces;
        memory->pieces = piece->next;
        mem_free(piece);
    }
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                                size_t len, ProtobufCAllocator *allocator, struct err **err)
{
    if (len > LIMIT_RPC_MESSAGE) {
        err_set(err, ERR_LIMIT, "a message of %zu bytes; at most %zu", len, LIMIT_RPC_MESSAGE);
        return NULL;
    }
    if (nests_too_deep(type, bytes, bytes + len, 0)) {
        err_set(err, ERR_INVALID, "a message nested deeper than %d", MESSAGE_DEPTH_MAX);
        return NULL;
    }
    ProtobufCMessage *message = protobuf_c_message_unpack(type, allocator, len, bytes);
    if (!message)
        err_set(err, ERR_INVALID, "not a %s", type->name);
    return message;
}

ProtobufCMessage *rpc_unpack(const ProtobufCMessageDescriptor *type, const void *bytes, size_t len,
                             struct err **err)
{
    return unpack(type, bytes, len, NULL, err);
}

ProtobufCMessage *rpc_unpack_buffer(const ProtobufCMessageDescriptor *type,
                                    grpc_byte_buffer *buffer, struct rpc_memory *memory,
                                    struct err **err)
{
    ProtobufCAllocator allocator = {take_memory, leave_memory, memory};
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
        err_set(err, ERR_INVALID, "a message that can't be decompressed");
        return NULL;
    }
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    ProtobufCMessage *message =
        unpack(type, GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes), &allocator, err);
    grpc_slice_unref(bytes);
    grpc_byte_buffer_reader_destroy(&reader);
    return message;
}
