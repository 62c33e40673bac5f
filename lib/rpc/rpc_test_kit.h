/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_RPC_TEST_KIT_H
#define KOUPLELESS_RPC_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "koupleless/agent/v1/agent.pb-c.h"
#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/base/counter_test_kit.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/rpc/client.h"
#include "lib/rpc/process_test_kit.h"
#include "lib/rpc/server.h"

/*
 * A server and a client in one process, for the tests of this folder. The server has two services of
 * ours with made-up handlers: Place is the unary method, WatchHealth the server stream.
 */

#define LOOPBACK "127.0.0.1:0"

typedef Koupleless__Scheduler__V1__PlaceRequest PlaceRequest;
typedef Koupleless__Scheduler__V1__PlaceResponse PlaceResponse;
typedef Koupleless__Scheduler__V1__PlaceResponse_Closure PlaceClosure;
typedef Koupleless__Scheduler__V1__SchedulerService_Service Scheduler;
typedef Koupleless__Agent__V1__WatchHealthRequest WatchRequest;
typedef Koupleless__Agent__V1__WatchHealthResponse WatchResponse;
typedef Koupleless__Agent__V1__WatchHealthResponse_Closure WatchClosure;
typedef Koupleless__Agent__V1__AgentService_Service Agent;

#define SCHEDULER (&koupleless__scheduler__v1__scheduler_service__descriptor)
#define AGENT (&koupleless__agent__v1__agent_service__descriptor)

/* -- server and client -- */

struct kit {
    Scheduler scheduler;
    Agent agent;
    struct rpc_server *server;
    struct rpc_client *client;
    struct rpc_channel *channel;

    /* for the handlers of a test */
    struct counter entered, cancelled, finished;
    struct counter may_finish;
    struct rpc_call *call;
    PlaceClosure place_closure;
    WatchClosure watch_closure;

    /* told to the handlers by the test's thread, also between calls: SET and GET */
    const struct err *fail_with;
    int stream_len;
    size_t answer_bytes;
};

/* A call orders what happens before and after it, but over a socket, where no sanitizer sees it. */
#define SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELEASE)
#define GET(field) __atomic_load_n(&(field), __ATOMIC_ACQUIRE)

#define KIT_OF_PLACE(service) CONTAINER_OF(service, struct kit, scheduler)
#define KIT_OF_WATCH(service) CONTAINER_OF(service, struct kit, agent)

typedef void (*place_fn)(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                         void *call);
typedef void (*watch_fn)(Agent *service, const WatchRequest *request, WatchClosure closure,
                         void *call);

/** kit_client() - a channel to @port, instead of the one that was there. */
static inline void kit_client(struct kit *kit, int port, const struct rpc_tls *tls)
{
    AUTO_FREE char *target = mem_printf("127.0.0.1:%d", port);
    rpc_channel_free(kit->channel);
    if (!kit->client)
        kit->client = rpc_client_new();
    assert_int_equal(rpc_channel_new(&kit->channel, kit->client, target, tls, NULL), 0);
}

/** kit_serve() - a server with @options, whose Place and WatchHealth are @place and @watch; no client. */
static inline int kit_serve(struct kit *kit, const struct rpc_server_options *options,
                            place_fn place, watch_fn watch, struct err **err)
{
    if (rpc_server_new(&kit->server, options, err) < 0)
        return -1;
    koupleless__scheduler__v1__scheduler_service__init(&kit->scheduler, NULL);
    koupleless__agent__v1__agent_service__init(&kit->agent, NULL);
    kit->scheduler.place = place;
    kit->agent.watch_health = watch;
    rpc_server_add(kit->server, &kit->scheduler.base);
    rpc_server_add(kit->server, &kit->agent.base);
    return rpc_server_start(kit->server, err);
}

static inline struct kit *kit_empty(void)
{
    static const struct counter counter = COUNTER_INIT;
    struct kit *kit = NEW(struct kit);
    kit->entered = kit->cancelled = kit->finished = kit->may_finish = counter;
    return kit;
}

/** kit_new() - both on a free port, plaintext. */
static inline struct kit *kit_new(place_fn place, watch_fn watch)
{
    struct kit *kit = kit_empty();
    struct rpc_server_options options = {.listen = LOOPBACK, .threads = 2};
    assert_int_equal(kit_serve(kit, &options, place, watch, NULL), 0);
    kit_client(kit, rpc_server_port(kit->server), NULL);
    return kit;
}

static inline void kit_free(struct kit *kit)
{
    rpc_channel_free(kit->channel);
    rpc_client_free(kit->client);
    rpc_server_free(kit->server);
    mem_free(kit);
}

/* -- calls and their outcome -- */

struct outcome {
    struct counter messages, done;
    int last;       /* number carried by the stream's last message */
    bool in_order;  /* messages carried 1, 2, 3, ... */
    int32_t answer; /* number carried by a unary answer */
    size_t answer_bytes;
    struct err *err;
};

#define OUTCOME_INIT                                                                               \
    {                                                                                              \
        .messages = COUNTER_INIT, .done = COUNTER_INIT, .in_order = true                           \
    }

static inline void outcome_done(struct outcome *outcome)
{
    err_clear(&outcome->err);
}

#define AUTO_OUTCOME AUTO(outcome_done)

/* Numbers travel as the count of a refusal (Place) and as the boot id (WatchHealth). */
static inline void on_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct outcome *outcome = user;
    if (response &&
        response->descriptor == &koupleless__scheduler__v1__place_response__descriptor) {
        const PlaceResponse *place = (const PlaceResponse *)(const void *)response;
        outcome->answer = place->n_refusals ? place->refusals[0]->count : -1;
        outcome->answer_bytes = strlen(place->explanation);
    }
    outcome->err = err_copy(err);
    counter_add(&outcome->done);
}

static inline void on_message(void *user, const ProtobufCMessage *message)
{
    struct outcome *outcome = user;
    const WatchResponse *watch = (const WatchResponse *)(const void *)message;
    int64_t number = -1;
    if (watch->health)
        (void)str_parse_int64(watch->health->boot_id, 0, INT32_MAX, &number);
    if (number != outcome->last + 1)
        outcome->in_order = false;
    outcome->last = (int)number;
    counter_add(&outcome->messages);
}

/** place_with() - starts Place with an explicit request and options. */
static inline struct rpc_client_call *place_with(struct kit *kit, const PlaceRequest *request,
                                                 const struct rpc_options *options,
                                                 struct outcome *outcome)
{
    return rpc_unary(kit->channel, SCHEDULER, "Place", &request->base, options, on_done, outcome);
}

static inline struct rpc_client_call *
place(struct kit *kit, int32_t number, const struct rpc_options *options, struct outcome *outcome)
{
    PlaceRequest request = KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    request.replicas = number;
    return place_with(kit, &request, options, outcome);
}

static inline struct rpc_client_call *watch(struct kit *kit, const struct rpc_options *options,
                                            struct outcome *outcome)
{
    WatchRequest request = KOUPLELESS__AGENT__V1__WATCH_HEALTH_REQUEST__INIT;
    return rpc_stream(kit->channel, AGENT, "WatchHealth", &request.base, options, on_message,
                      on_done, outcome);
}

static inline void assert_ok(struct outcome *outcome)
{
    counter_wait(&outcome->done, 1);
    if (outcome->err)
        fail_msg("%s: %s", err_code_name(outcome->err->code), outcome->err->message);
}

static inline void assert_failed_with(struct outcome *outcome, enum err_code code)
{
    counter_wait(&outcome->done, 1);
    assert_non_null(outcome->err);
    if (outcome->err->code != code)
        fail_msg("%s instead of %s: %s", err_code_name(outcome->err->code), err_code_name(code),
                 outcome->err->message);
}

/* -- answers -- */

/** answer_place() - @number as the answer, with an explanation of @bytes. */
static inline void answer_place(PlaceClosure closure, void *call, int32_t number, size_t bytes)
{
    Koupleless__Scheduler__V1__Refusal refusal = KOUPLELESS__SCHEDULER__V1__REFUSAL__INIT;
    Koupleless__Scheduler__V1__Refusal *refusals[] = {&refusal};
    PlaceResponse response = KOUPLELESS__SCHEDULER__V1__PLACE_RESPONSE__INIT;
    AUTO_FREE char *explanation = mem_alloc(bytes + 1);
    memset(explanation, 'x', bytes);
    refusal.count = number;
    response.n_refusals = 1;
    response.refusals = refusals;
    response.explanation = explanation;
    closure(&response, call);
}

/** send_number() - @number as one message of a stream, padded by @bytes. */
static inline void send_number(WatchClosure closure, void *call, int number, size_t bytes)
{
    Koupleless__Agent__V1__BaseHealth health = KOUPLELESS__AGENT__V1__BASE_HEALTH__INIT;
    WatchResponse response = KOUPLELESS__AGENT__V1__WATCH_HEALTH_RESPONSE__INIT;
    AUTO_FREE char *text = mem_printf("%d", number);
    AUTO_FREE char *padding = mem_alloc(bytes + 1);
    memset(padding, 'x', bytes);
    health.boot_id = text;
    health.message = padding;
    response.health = &health;
    closure(&response, call);
}

/* The simplest handler: the number back. */
static inline void echo(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                        void *call)
{
    counter_add(&KIT_OF_PLACE(service)->entered);
    answer_place(closure, call, request->replicas, GET(KIT_OF_PLACE(service)->answer_bytes));
}

/* A handler that leaves the answer to the test, in the kit's call and place_closure. */
static inline void keep(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                        void *call)
{
    struct kit *kit = KIT_OF_PLACE(service);
    (void)request;
    kit->call = call;
    kit->place_closure = closure;
    counter_add(&kit->entered);
}

#endif
