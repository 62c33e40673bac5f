/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_RPC_SERVER_H
#define KOUPLELESS_RPC_SERVER_H

#include "lib/rpc/rpc.h"

/*
 * A gRPC server for services that protobuf-c generates.
 *
 * Handlers keep protobuf-c's generated signature (service, request, closure, closure_data) and run on
 * one of the server's threads. closure_data is the call: a handler answers by calling the closure
 * (generated type) with the response, at once or later from any thread, or fails it by
 * rpc_call_fail(). A server stream calls the closure once per message and ends with rpc_call_end().
 * The request stays valid until the call is finished. A handler must not block.
 */
struct rpc_server;
struct rpc_call;

struct rpc_server_options {
    const char *listen; /* "127.0.0.1:9090"; port 0 = any free one */
    struct rpc_tls tls;
    int threads;                /* 0 = half the number of processors, 1 to 4 */
    int64_t idle_connection_ms; /* close connections without calls after this; 0 = never */
};

/** rpc_server_new() - nothing listens yet. ERR_INVALID for bad TLS files. */
int rpc_server_new(struct rpc_server **out, const struct rpc_server_options *options,
                   struct err **err);

/**
 * rpc_server_add() - before start; @service: generated ..._INIT object with its handlers, outlives the server. A
 * method whose handler is NULL is answered ERR_UNIMPLEMENTED.
 */
void rpc_server_add(struct rpc_server *server, ProtobufCService *service);

/**
 * rpc_server_start() - listen and serve, with grpc.health.v1 and reflection (v1, v1alpha) added
 * Return: 0, or -1 with ERR_UNAVAILABLE where the address is taken.
 */
int rpc_server_start(struct rpc_server *server, struct err **err);

/** rpc_server_port() - the port that is listened on, once started. */
int rpc_server_port(const struct rpc_server *server);

/** rpc_server_set_health() - what Health.Check/Watch say of @service ("" = the server). Any thread. */
void rpc_server_set_health(struct rpc_server *server, const char *service, bool serving);

/** rpc_server_forget_health() - nothing is known of @service any more. Any thread. */
void rpc_server_forget_health(struct rpc_server *server, const char *service);

/**
 * rpc_server_stop() - health NOT_SERVING, no new calls, running ones may finish for @grace_ms, then are cancelled
 *
 * Blocks until no handler runs and no call lives. Streams are told to end by their cancel callbacks.
 */
void rpc_server_stop(struct rpc_server *server, int64_t grace_ms);
void rpc_server_free(struct rpc_server *server); /* stops first where needed */

/* -- calls: @call is the closure_data of a handler; any thread; each call is finished exactly once -- */

/** rpc_call_fail() - finishes the call with @e (not NULL, borrowed). */
void rpc_call_fail(struct rpc_call *call, const struct err *e);

/** rpc_call_end() - ends a server stream without error. */
void rpc_call_end(struct rpc_call *call);

/**
 * rpc_call_on_cancel() - @fn(user) is called once, from some thread, when the client went away or the
 * server stops, unless the call was finished before; the handler then still finishes the call. Whoever
 * finishes it on another thread waits until @fn has returned, and may then free @user.
 */
void rpc_call_on_cancel(struct rpc_call *call, void (*fn)(void *user), void *user);

/** rpc_call_cancelled() - whether its client went away, its deadline is over, or the server stops. Any thread. */
bool rpc_call_cancelled(struct rpc_call *call);

/**
 * rpc_call_queue_len() - messages of a stream that wait to be sent; a writer that sees LIMIT_RPC_STREAM_QUEUE ends
 * the stream.
 */
size_t rpc_call_queue_len(struct rpc_call *call);

/**
 * rpc_call_peer() - "ipv4:127.0.0.1:5000"; borrowed. rpc_call_peer_identity() - SPIFFE id or first SAN of a verified
 * client certificate, or NULL.
 */
const char *rpc_call_peer(struct rpc_call *call);
const char *rpc_call_peer_identity(struct rpc_call *call);

#endif
