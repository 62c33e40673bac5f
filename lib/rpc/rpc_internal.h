/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_RPC_RPC_INTERNAL_H
#define KOUPLELESS_RPC_RPC_INTERNAL_H

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>

#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "lib/rpc/server.h"

/* A completion queue's tag: what to do when a batch is over. @ok: as gRPC says. */
struct rpc_op {
    void (*fn)(struct rpc_op *op, bool ok);
};

/*
 * ThreadSanitizer does not see how gRPC, which is not instrumented, hands a tag from the thread that
 * starts a batch to the one that takes its outcome: it is told. gcc and clang name the sanitizer
 * differently.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RPC_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(RPC_TSAN)
void __tsan_release(void *addr);
void __tsan_acquire(void *addr);
#define TAG_GIVEN(tag) __tsan_release(tag)
#define TAG_TAKEN(tag) __tsan_acquire(tag)
#else
#define TAG_GIVEN(tag) ((void)(tag))
#define TAG_TAKEN(tag) ((void)(tag))
#endif

/* -- core.c -- */

/** rpc_drive() - thread body: runs ops of the completion queue @cq until it is shut down. */
void *rpc_drive(void *cq);

/** rpc_register_nothing() - in releases gRPC calls it instead of what registers xDS (cmake/Dependencies.cmake). */
void rpc_register_nothing(void *configuration);

/** rpc_int_arg() - an option of a channel or a server. @key: a string constant. */
grpc_arg rpc_int_arg(const char *key, int value);

/** rpc_connection_args() - what holds for every connection of ours, on either side. Return: how many of @args it took. */
#define RPC_CONNECTION_ARGS 6
size_t rpc_connection_args(grpc_arg args[RPC_CONNECTION_ARGS]);

/** rpc_message_buffer() - @message packed into an owned byte buffer. */
grpc_byte_buffer *rpc_message_buffer(const ProtobufCMessage *message);

/* The memory of one unpacked message: a report has hundreds of strings, which come and go together. {0}: none. */
struct rpc_memory {
    struct rpc_piece *pieces;
};

void rpc_memory_done(struct rpc_memory *memory);

/**
 * rpc_unpack_buffer() - the reverse; @buffer stays the caller's
 * @memory: where the message is put, and with which it goes
 * Return:  the message, or NULL with ERR_INVALID or ERR_LIMIT.
 */
ProtobufCMessage *rpc_unpack_buffer(const ProtobufCMessageDescriptor *type,
                                    grpc_byte_buffer *buffer, struct rpc_memory *memory,
                                    struct err **err);

/* -- status.c: struct err <-> gRPC status with details -- */
grpc_status_code rpc_status_of(enum err_code code);

/** rpc_err_short() - an owned copy of @err, its texts short enough for any client's limit on headers. */
struct err *rpc_err_short(const struct err *err);

/** rpc_details_of() - google.rpc.Status of @err, packed; an owned slice. */
grpc_slice rpc_details_of(const struct err *err);

/** rpc_err_of() - the err that a status with details stands for. @details: NULL where there were none. */
struct err *rpc_err_of(grpc_status_code status, grpc_slice message, const grpc_slice *details);

#define RPC_DETAILS_KEY "grpc-status-details-bin"
#define RPC_ERROR_DOMAIN "koupleless.io"

/* -- tls.c -- */

/** rpc_server_credentials() / rpc_channel_credentials() - owned; NULL with ERR_INVALID. Files are watched for changes. */
grpc_server_credentials *rpc_server_credentials(const struct rpc_tls *tls, struct err **err);
grpc_channel_credentials *rpc_channel_credentials(const struct rpc_tls *tls, struct err **err);

/* -- methods.c: which methods there are -- */
struct rpc_method {
    ProtobufCService *service;
    unsigned index;
    const ProtobufCMessageDescriptor *input;
    bool client_stream, server_stream;
};

/**
 * rpc_methods_add() - @service's methods by path ("/package.Service/Method"); their streaming kind is read from the
 * embedded descriptors.
 */
void rpc_methods_add(struct map *methods, ProtobufCService *service);
void rpc_methods_free(struct map *methods);

/* -- server.c and call.c -- */
struct rpc_server {
    grpc_server *core;
    grpc_server_credentials *credentials;
    grpc_completion_queue *cq;
    pthread_t threads[4];
    int thread_count;
    int port;
    char *listen;
    struct map methods; /* path -> struct rpc_method */
    struct health *health;
    struct reflection *reflection;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t idle;
    int live;            /* calls, and accepts that wait for one */
    struct list streams; /* calls that answer by streams */
    bool started, stopping, shut;
    struct rpc_op shutdown_op;
};

/** rpc_call_accept() - waits for the next call. */
void rpc_call_accept(struct rpc_server *server);

/** rpc_calls_stop_streams() - tells all streams by their cancel callbacks that the server stops. */
void rpc_calls_stop_streams(struct rpc_server *server);

/** rpc_server_stopping() - whether rpc_server_stop() was called. */
bool rpc_server_stopping(struct rpc_server *server);

/** rpc_server_release() - one call less lives. */
void rpc_server_release(struct rpc_server *server);

/* -- health.c, reflection.c -- */
struct health *health_new(void);
void health_free(struct health *health);
ProtobufCService *health_service(struct health *health);
void health_set(struct health *health, const char *service, bool serving);
void health_forget(struct health *health, const char *service);
void health_shutdown(struct health *health); /* everything NOT_SERVING, for good */

struct reflection *reflection_new(const struct map *methods);
void reflection_free(struct reflection *reflection);
ProtobufCService *reflection_service_v1(struct reflection *reflection);
ProtobufCService *reflection_service_v1alpha(struct reflection *reflection);

#endif
