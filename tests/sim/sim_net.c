/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   rpc_unary() ── parcel ──> arrive() ── handler ──> answer() ── parcel ──> end_call() ── done
 *
 * A call ends once: by its answer, by what it is told of the way, or by its deadline. What still travels
 * for it then comes to nothing when it arrives.
 */
#include "tests/sim/sim_net.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/rpc/server.h"

#define NOTICED_MS 3000   /* at most so long until a connection that broke is noticed */
#define NEVER_NOTICED 500 /* per mille, of what is lost: only the deadline ends it */
#define LATE 500          /* per mille, of what sim_net_delay() is about */
#define DEATH_KNOWN 500   /* per mille, of the requests of a dead program: they come to nothing */

struct sim_net {
    struct sim_net_options options;
    struct map servers; /* address -> ProtobufCService */
    struct map cuts;    /* host -> the net, where nothing gets through */
    struct list calls;  /* of struct rpc_call: handlers that have not answered */
    struct list parcels;
};

struct rpc_client {
    struct sim_net *net;
    char *host;
    struct list calls; /* that have not ended */
    bool dead;
    void (*wake)(void *user); /* or NULL */
    void *wake_user;
};

struct rpc_channel {
    struct rpc_client *client;
    char *target;
};

/* The caller's side. */
struct rpc_client_call {
    struct list node;
    struct sim_net *net;
    struct rpc_client *client; /* NULL: it has ended */
    bool killed;               /* by the end of its program */
    enum fate fate;
    int refs;
    char *host, *target;
    const ProtobufCServiceDescriptor *service;
    unsigned method;
    rpc_done_fn done;
    void *user;
    struct loop_timer deadline;
};

/* The handler's side. */
struct rpc_call {
    struct list node;
    struct rpc_client_call *caller; /* a reference */
    ProtobufCMessage *request;
    bool dropped; /* the server has gone: what it answers is lost */
};

/* What travels: a request, an answer, or the news that there will be none. */
struct parcel {
    struct list node;
    struct loop_timer timer;
    struct rpc_client_call *caller; /* a reference */
    bool is_request;
    uint8_t *bytes; /* NULL with err */
    size_t len;
    struct err *err;
};

static bool chance(const struct sim_net *net, int32_t per_mille)
{
    return per_mille > 0 && rand_below(net->options.rand, 1000) < (uint64_t)per_mille;
}

static int64_t due_ms(const struct sim_net *net, int64_t at_most_ms)
{
    return loop_now_ms(net->options.loop) +
           (int64_t)rand_below(net->options.rand, (uint64_t)at_most_ms + 1);
}

static const char *host_of(const char *address, size_t *ret_len)
{
    const char *colon = strrchr(address, ':');
    *ret_len = colon ? (size_t)(colon - address) : strlen(address);
    return address;
}

static bool is_cut(const struct sim_net *net, const char *address)
{
    size_t len;
    const char *text = host_of(address, &len);
    AUTO_FREE char *host = mem_strndup(text, len);
    return map_get(&net->cuts, host) != NULL;
}

/* -- ends of calls -- */

static void unref(struct rpc_client_call *caller)
{
    if (--caller->refs)
        return;
    mem_free(caller->host);
    mem_free(caller->target);
    mem_free(caller);
}

static const ProtobufCMethodDescriptor *method_of(const struct rpc_client_call *caller)
{
    return &caller->service->methods[caller->method];
}

static void end_call(struct rpc_client_call *caller, const ProtobufCMessage *response,
                     const struct err *err)
{
    if (!caller->client)
        return;
    struct sim_net *net = caller->net;
    const struct rpc_client *client = caller->client;
    if (err)
        history_note(net->options.history, "%s -> %s %s: %s", caller->host, caller->target,
                     method_of(caller)->name, err->message);
    caller->client = NULL;
    list_remove(&caller->node);
    loop_timer_stop(net->options.loop, &caller->deadline);
    caller->done(caller->user, response, err);
    if (client->wake)
        client->wake(client->wake_user);
    unref(caller);
}

static void end_with(struct rpc_client_call *caller, enum err_code code, const char *why)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "%s", why);
    end_call(caller, NULL, err);
}

static void on_deadline(struct loop_timer *timer)
{
    end_with(CONTAINER_OF(timer, struct rpc_client_call, deadline), ERR_TIMEOUT,
             "Deadline Exceeded");
}

/* -- what travels -- */

static void on_arrival(struct loop_timer *timer);

static struct parcel *parcel_new(struct rpc_client_call *caller, bool is_request)
{
    struct parcel *parcel = NEW(struct parcel);
    parcel->caller = caller;
    caller->refs++;
    parcel->is_request = is_request;
    loop_timer_init(&parcel->timer, on_arrival);
    list_init(&parcel->node);
    list_append(&caller->net->parcels, &parcel->node);
    return parcel;
}

static void parcel_free(struct parcel *parcel)
{
    loop_timer_stop(parcel->caller->net->options.loop, &parcel->timer);
    list_remove(&parcel->node);
    unref(parcel->caller);
    mem_free(parcel->bytes);
    err_free(parcel->err);
    mem_free(parcel);
}

static void send(struct parcel *parcel, int64_t at_most_ms)
{
    const struct sim_net *net = parcel->caller->net;
    loop_timer_start(net->options.loop, &parcel->timer, due_ms(net, at_most_ms));
}

/* The caller is told, or has to wait for its deadline. */
static void lose(struct rpc_client_call *caller)
{
    if (chance(caller->net, NEVER_NOTICED))
        return;
    struct parcel *news = parcel_new(caller, /* is_request= */ false);
    err_set(&news->err, ERR_UNAVAILABLE, "connection lost");
    send(news, NOTICED_MS);
}

static void pack(struct parcel *parcel, const ProtobufCMessage *message)
{
    parcel->len = protobuf_c_message_get_packed_size(message);
    parcel->bytes = mem_alloc(parcel->len + 1);
    (void)protobuf_c_message_pack(message, parcel->bytes);
}

/* -- the handler's side -- */

static void rpc_call_free(struct rpc_call *call)
{
    list_remove(&call->node);
    protobuf_c_message_free_unpacked(call->request, NULL);
    unref(call->caller);
    mem_free(call);
}

static void answer(struct rpc_call *call, const ProtobufCMessage *response, const struct err *err)
{
    struct rpc_client_call *caller = call->caller;
    const struct sim_net *net = caller->net;
    bool lost = caller->fate == FATE_ANSWER_LOST || is_cut(net, caller->target) ||
                is_cut(net, caller->host) || chance(net, net->options.faults->answer_lost);
    if (!call->dropped && lost) {
        lose(caller);
    } else if (!call->dropped) {
        struct parcel *parcel = parcel_new(caller, /* is_request= */ false);
        parcel->err = err_copy(err);
        if (response)
            pack(parcel, response);
        send(parcel, net->options.faults->delay_ms);
    }
    rpc_call_free(call);
}

static void on_response(const ProtobufCMessage *response, void *closure_data)
{
    answer(closure_data, response, NULL);
}

void rpc_call_fail(struct rpc_call *call, const struct err *e)
{
    const struct rpc_client_call *caller = call->caller;
    if (caller->killed)
        history_note(caller->net->options.history, "%s -> %s %s: refused after the end of %s: %s",
                     caller->host, caller->target, method_of(caller)->name, caller->host,
                     e->message);
    answer(call, NULL, e);
}

bool rpc_call_cancelled(struct rpc_call *call)
{
    return call->dropped || !call->caller->client;
}

/* Nobody opens a stream here. */
void rpc_call_end(struct rpc_call *call)
{
    (void)call;
    UNREACHABLE("a stream");
}

void rpc_call_on_cancel(struct rpc_call *call, void (*fn)(void *user), void *user)
{
    (void)call;
    (void)fn;
    (void)user;
    UNREACHABLE("a stream");
}

size_t rpc_call_queue_len(struct rpc_call *call)
{
    (void)call;
    UNREACHABLE("a stream");
}

const char *rpc_call_peer(struct rpc_call *call)
{
    return call->caller->host;
}

static void handle(struct rpc_client_call *caller, ProtobufCService *service,
                   const struct parcel *parcel)
{
    ASSERT(service->descriptor == caller->service);
    struct rpc_call *call = NEW(struct rpc_call);
    call->caller = caller;
    caller->refs++;
    call->request =
        protobuf_c_message_unpack(method_of(caller)->input, NULL, parcel->len, parcel->bytes);
    ASSERT(call->request);
    list_init(&call->node);
    list_append(&caller->net->calls, &call->node);
    service->invoke(service, caller->method, call->request, on_response, call);
}

/* A server does not begin what its caller has given up; of one that is dead it may not know yet. */
static void arrive(const struct parcel *parcel)
{
    struct rpc_client_call *caller = parcel->caller;
    struct sim_net *net = caller->net;
    ProtobufCService *service = map_get(&net->servers, caller->target);
    if (!caller->client && (!caller->killed || chance(net, DEATH_KNOWN)))
        return;
    if (is_cut(net, caller->target) || is_cut(net, caller->host))
        lose(caller);
    else if (!service)
        end_with(caller, ERR_UNAVAILABLE, "connection refused");
    else
        handle(caller, service, parcel);
}

static void on_arrival(struct loop_timer *timer)
{
    struct parcel *parcel = CONTAINER_OF(timer, struct parcel, timer);
    if (parcel->is_request) {
        arrive(parcel);
    } else if (parcel->err) {
        end_call(parcel->caller, NULL, parcel->err);
    } else {
        ProtobufCMessage *response = protobuf_c_message_unpack(method_of(parcel->caller)->output,
                                                               NULL, parcel->len, parcel->bytes);
        ASSERT(response);
        end_call(parcel->caller, response, NULL);
        protobuf_c_message_free_unpacked(response, NULL);
    }
    parcel_free(parcel);
}

/* -- the caller's side -- */

int rpc_channel_new(struct rpc_channel **out, struct rpc_client *client, const char *target,
                    const struct rpc_tls *tls, struct err **err)
{
    (void)tls;
    (void)err;
    struct rpc_channel *channel = NEW(struct rpc_channel);
    channel->client = client;
    channel->target = mem_strdup(target);
    *out = channel;
    return 0;
}

void rpc_channel_free(struct rpc_channel *channel)
{
    if (!channel)
        return;
    mem_free(channel->target);
    mem_free(channel);
}

static unsigned method_named(const ProtobufCServiceDescriptor *service, const char *name)
{
    for (unsigned i = 0; i < service->n_methods; i++)
        if (str_eq(service->methods[i].name, name))
            return i;
    UNREACHABLE("a method of the service");
}

static void send_request(struct rpc_client_call *caller, const ProtobufCMessage *request)
{
    const struct sim_net *net = caller->net;
    if (caller->fate == FATE_REFUSED || chance(net, net->options.faults->request_lost)) {
        lose(caller);
        return;
    }
    int copies = chance(net, net->options.faults->twice) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        struct parcel *parcel = parcel_new(caller, /* is_request= */ true);
        pack(parcel, request);
        send(parcel, net->options.faults->delay_ms);
    }
}

static void refuse_dead(rpc_done_fn done, void *user)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_CANCELLED, "the program has ended");
    done(user, NULL, err);
}

struct rpc_client_call *rpc_unary(struct rpc_channel *channel,
                                  const ProtobufCServiceDescriptor *service, const char *method,
                                  const ProtobufCMessage *request,
                                  const struct rpc_options *options, rpc_done_fn done, void *user)
{
    struct rpc_client *client = channel->client;
    if (client->dead) {
        ASSERT(client->wake); /* a program in the loop of the net has stopped with its client */
        refuse_dead(done, user);
        return NULL;
    }
    struct rpc_client_call *caller = NEW(struct rpc_client_call);
    *caller = (struct rpc_client_call){
        .net = client->net,
        .client = client,
        .refs = 1, /* until it ends */
        .host = mem_strdup(client->host),
        .target = mem_strdup(channel->target),
        .service = service,
        .method = method_named(service, method),
        .done = done,
        .user = user,
    };
    list_init(&caller->node);
    list_append(&client->calls, &caller->node);
    loop_timer_init(&caller->deadline, on_deadline);
    ASSERT(options->deadline_ms > 0);
    loop_timer_start(client->net->options.loop, &caller->deadline,
                     loop_now_ms(client->net->options.loop) + options->deadline_ms);
    if (client->net->options.on_call)
        caller->fate = client->net->options.on_call(client->net->options.user, client->host);
    send_request(caller, request);
    return caller;
}

struct rpc_client *sim_net_client(struct sim_net *net, const char *host)
{
    struct rpc_client *client = NEW(struct rpc_client);
    client->net = net;
    client->host = mem_strdup(host);
    list_init(&client->calls);
    return client;
}

void sim_net_client_wakes(struct rpc_client *client, void (*wake)(void *user), void *user)
{
    client->wake = wake;
    client->wake_user = user;
}

void sim_net_call(struct sim_net *net, struct rpc_channel *channel,
                  const ProtobufCServiceDescriptor *service, const char *method,
                  const ProtobufCMessage *request, const struct rpc_options *options,
                  rpc_done_fn done, void *user)
{
    (void)net; /* all of it is in the loop anyway */
    (void)rpc_unary(channel, service, method, request, options, done, user);
}

/* So it is when the way was broken, and is there again. */
void sim_net_delay(struct rpc_client *client)
{
    struct sim_net *net = client->net;
    LIST_FOR_EACH (it, &net->parcels) {
        struct parcel *parcel = LIST_ENTRY(it, struct parcel, node);
        if (net->options.faults->late_ms && parcel->is_request &&
            parcel->caller->client == client && chance(net, LATE))
            send(parcel, net->options.faults->late_ms);
    }
}

void sim_net_kill(struct rpc_client *client)
{
    client->dead = true;
    while (!list_empty(&client->calls)) {
        struct rpc_client_call *caller =
            LIST_ENTRY(client->calls.next, struct rpc_client_call, node);
        caller->killed = true;
        end_with(caller, ERR_CANCELLED, "the program has ended");
    }
}

void rpc_client_free(struct rpc_client *client)
{
    sim_net_kill(client);
    mem_free(client->host);
    mem_free(client);
}

/* -- the net -- */

struct sim_net *sim_net_new(const struct sim_net_options *options)
{
    struct sim_net *net = NEW(struct sim_net);
    net->options = *options;
    list_init(&net->calls);
    list_init(&net->parcels);
    return net;
}

void sim_net_free(struct sim_net *net)
{
    LIST_FOR_EACH (it, &net->calls)
        rpc_call_free(LIST_ENTRY(it, struct rpc_call, node));
    LIST_FOR_EACH (it, &net->parcels)
        parcel_free(LIST_ENTRY(it, struct parcel, node));
    map_done(&net->servers);
    map_done(&net->cuts);
    mem_free(net);
}

void sim_net_serve(struct sim_net *net, const char *address, ProtobufCService *service)
{
    (void)map_put(&net->servers, address, service);
}

void sim_net_stop_serving(struct sim_net *net, const char *address)
{
    (void)map_remove(&net->servers, address);
    LIST_FOR_EACH (it, &net->calls) {
        struct rpc_call *call = LIST_ENTRY(it, struct rpc_call, node);
        if (call->dropped || !str_eq(call->caller->target, address))
            continue;
        call->dropped = true;
        lose(call->caller);
    }
}

void sim_net_cut(struct sim_net *net, const char *address, bool cut)
{
    size_t len;
    const char *text = host_of(address, &len);
    AUTO_FREE char *host = mem_strndup(text, len);
    if (cut)
        (void)map_put(&net->cuts, host, net);
    else
        (void)map_remove(&net->cuts, host);
}
