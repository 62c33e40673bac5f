/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_RPC_CLIENT_H
#define KOUPLELESS_RPC_CLIENT_H

#include "lib/rpc/rpc.h"

/*
 * A gRPC client. One rpc_client per process has the completion queue and its thread; channels are
 * cheap, connect on first use, reconnect by themselves (0.1 to 1 s) and go idle when unused.
 */
struct rpc_client;
struct rpc_channel;
struct rpc_client_call;
struct rpc_server;

struct rpc_client *rpc_client_new(void);

/**
 * rpc_client_new_on() - the same on the queue and the threads of @server, which is freed after it
 *
 * For a program that serves and calls a lot: threads that poll beside each other spend much on waking
 * one another.
 */
struct rpc_client *rpc_client_new_on(struct rpc_server *server);
void rpc_client_free(struct rpc_client *client); /* cancels what runs and waits for the callbacks */

/** rpc_channel_new() - @target: "host:port". ERR_INVALID for bad TLS files. */
int rpc_channel_new(struct rpc_channel **out, struct rpc_client *client, const char *target,
                    const struct rpc_tls *tls, struct err **err);
void rpc_channel_free(struct rpc_channel *channel); /* running calls keep what they need */

struct rpc_options {
    int64_t deadline_ms; /* from now; 0 = none */
    bool wait_for_ready; /* wait for a connection until the deadline, instead of failing at once */
};

/**
 * rpc_done_fn - outcome of a unary call, or end of a stream
 * @response: borrowed for the callback; NULL on failure and at the end of a stream
 * @err:      NULL on success; borrowed. ERR_UNAVAILABLE too where the server dropped the call as it went away
 * Runs on the client's thread: post to a loop, don't work here. Called exactly once per call.
 */
typedef void (*rpc_done_fn)(void *user, const ProtobufCMessage *response, const struct err *err);

/** rpc_message_fn - one message of a server stream, before its done. */
typedef void (*rpc_message_fn)(void *user, const ProtobufCMessage *message);

/**
 * rpc_unary() - call @method ("Place") of @service
 * @service: generated descriptor (koupleless__scheduler__v1__scheduler_service__descriptor)
 * @request: packed before the function returns
 * Return:   handle for rpc_cancel(), valid until done was called; never NULL.
 */
struct rpc_client_call *rpc_unary(struct rpc_channel *channel,
                                  const ProtobufCServiceDescriptor *service, const char *method,
                                  const ProtobufCMessage *request,
                                  const struct rpc_options *options, rpc_done_fn done, void *user);

/** rpc_stream() - a server-streaming call; @message_fn per message, then done. */
struct rpc_client_call *rpc_stream(struct rpc_channel *channel,
                                   const ProtobufCServiceDescriptor *service, const char *method,
                                   const ProtobufCMessage *request,
                                   const struct rpc_options *options, rpc_message_fn message_fn,
                                   rpc_done_fn done, void *user);

/** rpc_cancel() - ends the call early; done follows with ERR_CANCELLED. Any thread, before done returned. */
void rpc_cancel(struct rpc_client_call *call);

/**
 * rpc_unary_wait() - the same, blocking; for command lines and tests
 * @ret_response: owned, protobuf_c_message_free_unpacked()
 */
int rpc_unary_wait(struct rpc_channel *channel, const ProtobufCServiceDescriptor *service,
                   const char *method, const ProtobufCMessage *request,
                   const struct rpc_options *options, ProtobufCMessage **ret_response,
                   struct err **err);

#endif
