/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_SERVER_INTERNAL_H
#define KOUPLELESS_AGENT_SERVER_INTERNAL_H

#include "koupleless/agent/v1/agent.pb-c.h"
#include "services/agent/messages.h"
#include "services/agent/server.h"

/*
 * What these share: server.c, streams.c, and the files of the methods. operation_calls.c begins operations or waits for
 * one, operation_list_calls.c shows all of them, base_calls.c tells how the base is, drain_calls.c waits for requests in it.
 */

struct agent_server {
    Koupleless__Agent__V1__AgentService_Service service; /* first: handlers get it */
    struct agent_server_options options;
    struct list health_streams, operation_streams;
    int questions; /* of callers, to Arklet: not answered yet */
    bool stopping;
};

/* How soon a call that waits notices that its client left, or the agent stops. */
#define WAIT_SLICE_MS 500

/* One call on its way to the loop and back. */
struct server_call {
    struct loop_event event;
    struct agent_server *server;
    void (*handle)(struct server_call *call); /* on the loop; ends the call and frees this */
    const ProtobufCMessage *request;
    ProtobufCClosure closure;
    struct rpc_call *rpc;

    /* waiting for operations */
    struct operation_waiter waiter;
    const struct operation **operations; /* held */
    size_t count;
    int64_t until_ms;
    void (*reply)(struct server_call *call);
};

/** server_post() - @handle runs on the loop with the call. Any thread. */
void server_post(Koupleless__Agent__V1__AgentService_Service *service,
                 const ProtobufCMessage *request, ProtobufCClosure closure, void *rpc,
                 void (*handle)(struct server_call *call));

/** server_reply() / server_fail() - end the call and free it. */
void server_reply(struct server_call *call, const ProtobufCMessage *response);
void server_fail(struct server_call *call, const struct err *err);

/** server_fail_of_arklet() - the same, of a question that Arklet does not answer. */
void server_fail_of_arklet(struct server_call *call, const struct err *err);

/** server_check_name() - whether @value can be the name, or the version, of a module. Return: 0, or -1: @field is wrong. */
int server_check_name(const char *field, const char *value, struct err **err);

/** ..._init() - set the handlers of their methods. */
void operation_calls_init(Koupleless__Agent__V1__AgentService_Service *service);
void operation_list_calls_init(Koupleless__Agent__V1__AgentService_Service *service);
void base_calls_init(Koupleless__Agent__V1__AgentService_Service *service);
void drain_calls_init(Koupleless__Agent__V1__AgentService_Service *service);

/** health_streams_tell() / operation_streams_tell() - what has changed, to all watchers. */
void health_streams_tell(struct agent_server *server);
void operation_streams_tell(struct agent_server *server, const struct operation *const *operations,
                            size_t count);

/* -- streams.c -- */

/* A call with many answers. It ends when the client leaves or does not read, or the server stops. */
struct stream {
    struct list node;
    struct loop_event end;
    bool end_asked; /* atomic: by the loop, or the thread of a cancellation */
    bool slow;      /* why it ends */
    struct agent_server *server;
    const ProtobufCMessage *request;
    ProtobufCClosure closure;
    struct rpc_call *rpc;
};

/** stream_begin() - makes one of @call, which is freed, in the list @streams, after @first said what there is. */
void stream_begin(struct server_call *call, struct list *streams,
                  void (*first)(struct stream *stream));

/** stream_send() - a message, unless it ends. */
void stream_send(struct stream *stream, const ProtobufCMessage *message);

/* A handler of protobuf-c's signature that posts to on_NAME(). */
#define POSTED(name, Method)                                                                       \
    static void handle_##name(Koupleless__Agent__V1__AgentService_Service *service,                \
                              const Koupleless__Agent__V1__##Method##Request *request,             \
                              Koupleless__Agent__V1__##Method##Response_Closure closure,           \
                              void *rpc)                                                           \
    {                                                                                              \
        server_post(service, &request->base, (ProtobufCClosure)(void (*)(void))closure, rpc,       \
                    on_##name);                                                                    \
    }

#endif
