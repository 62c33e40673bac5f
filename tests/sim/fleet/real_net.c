/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bases of a simulated world ask of their network (tests/sim/sim_net.h), over real gRPC: nothing is lost on
 * purpose, and what comes on gRPC's threads is handed to the loop.
 */
#include <stdio.h>
#include <stdlib.h>

#include <pthread.h>

#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/base/assert.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/rpc/server.h"
#include "tests/sim/sim_net.h"

struct sim_net {
    struct loop *loop;
    struct map doors; /* address -> struct door */
};

struct sim_net *sim_net_new(const struct sim_net_options *options)
{
    struct sim_net *net = NEW(struct sim_net);
    net->loop = options->loop;
    return net;
}

/* -- calls that come -- */

/* Takes calls on threads of gRPC, and has the base answer them in the loop. */
struct door {
    Koupleless__Agent__V1__AgentService_Service service;
    ProtobufCService *base; /* NULL = nobody is behind it any more */
    struct rpc_server *server;
    struct loop *loop;
};

struct arrival {
    struct loop_event event;
    struct door *door;
    unsigned method;
    const ProtobufCMessage *request; /* lives as long as the call */
    ProtobufCClosure closure;
    void *call;
};

static void on_arrival(struct loop_event *event)
{
    struct arrival *arrival = CONTAINER_OF(event, struct arrival, event);
    ProtobufCService *base = arrival->door->base;
    if (base) {
        base->invoke(base, arrival->method, arrival->request, arrival->closure, arrival->call);
    } else {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_UNAVAILABLE, "the agent stops");
        rpc_call_fail(arrival->call, err);
    }
    mem_free(arrival);
}

static void invoke(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
                   ProtobufCClosure closure, void *call)
{
    struct door *door = CONTAINER_OF(service, struct door, service.base);
    struct arrival *arrival = NEW(struct arrival);
    arrival->event.fn = on_arrival;
    arrival->door = door;
    arrival->method = method;
    arrival->request = request;
    arrival->closure = closure;
    arrival->call = call;
    loop_post(door->loop, &arrival->event);
}

void sim_net_serve(struct sim_net *net, const char *address, ProtobufCService *service)
{
    AUTO_ERR struct err *err = NULL;
    struct door *door = NEW(struct door);
    /* rpc_server_add() looks which handlers there are. */
    door->service = *CONTAINER_OF(service, Koupleless__Agent__V1__AgentService_Service, base);
    door->service.base.invoke = invoke;
    door->base = service;
    door->loop = net->loop;
    struct rpc_server_options options = {.listen = address, .threads = 1};
    if (rpc_server_new(&door->server, &options, &err) == 0)
        rpc_server_add(door->server, &door->service.base);
    if (err || rpc_server_start(door->server, &err) < 0) {
        (void)fprintf(stderr, "fleet-sim: %s\n", err->message);
        exit(EXIT_FAILURE);
    }
    map_put(&net->doors, address, door);
}

/* Waits for the calls that are there, which the loop ends meanwhile. */
static void *close_door(void *user)
{
    struct door *door = user;
    rpc_server_free(door->server);
    mem_free(door);
    return NULL;
}

void sim_net_stop_serving(struct sim_net *net, const char *address)
{
    struct door *door = map_remove(&net->doors, address);
    pthread_t thread;
    door->base = NULL;
    int failed = pthread_create(&thread, NULL, close_door, door) || pthread_detach(thread);
    ASSERT(!failed);
}

/* -- calls that go -- */

struct rpc_client *sim_net_client(struct sim_net *net, const char *host)
{
    (void)net;
    (void)host;
    return rpc_client_new();
}

/* A call, and then its outcome on the way to the loop. */
struct outcome {
    struct loop_event event;
    struct loop *loop;
    rpc_done_fn done;
    void *user;
    ProtobufCMessage *response; /* owned */
    struct err *err;            /* owned */
};

static void on_outcome(struct loop_event *event)
{
    struct outcome *outcome = CONTAINER_OF(event, struct outcome, event);
    outcome->done(outcome->user, outcome->response, outcome->err);
    if (outcome->response)
        protobuf_c_message_free_unpacked(outcome->response, NULL);
    err_free(outcome->err);
    mem_free(outcome);
}

static ProtobufCMessage *copy_message(const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    AUTO_FREE uint8_t *packed = mem_alloc(len);
    (void)protobuf_c_message_pack(message, packed);
    return protobuf_c_message_unpack(message->descriptor, NULL, len, packed);
}

static void on_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct outcome *outcome = user;
    outcome->response = response ? copy_message(response) : NULL;
    outcome->err = err_copy(err);
    loop_post(outcome->loop, &outcome->event);
}

void sim_net_call(struct sim_net *net, struct rpc_channel *channel,
                  const ProtobufCServiceDescriptor *service, const char *method,
                  const ProtobufCMessage *request, const struct rpc_options *options,
                  rpc_done_fn done, void *user)
{
    struct outcome *outcome = NEW(struct outcome);
    outcome->event.fn = on_outcome;
    outcome->loop = net->loop;
    outcome->done = done;
    outcome->user = user;
    (void)rpc_unary(channel, service, method, request, options, on_done, outcome);
}
