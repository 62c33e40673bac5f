/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the simulated store, on their way to the server and back.
 *
 *   call ──(call_ms)──> takes effect ──(call_ms)──> answer
 *
 * Writes of one object take effect in the order of the calls, as store.h promises; all else overtakes.
 *
 *   sim_store.c           calls, clients          sim_store_writes.c   create, patch, remove, collector
 *   sim_store_watches.c   watches, lists
 */
#include "tests/sim/sim_store.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "tests/sim/sim_store_internal.h"

#define KEPT_CHANGES 300 /* so many can be resumed from, at least */

struct sim_client {
    struct store store;
    struct sim_server *server;
    struct list calls;
    bool dead;
};

struct call {
    struct list node;
    struct sim_client *client;
    struct loop_timer timer;
    struct request *request; /* NULL: its answer was given */
    bool effective;          /* it was carried out, or refused */
    enum fate fate;
    struct sim_records page; /* of a list; references */
    bool more;
    int64_t version; /* of the list */
};

bool sim__chance(const struct sim_server *server, int32_t per_mille)
{
    return per_mille > 0 && rand_below(server->options.rand, 1000) < (uint64_t)per_mille;
}

int64_t sim__due_ms(const struct sim_server *server, int64_t at_most_ms)
{
    return loop_now_ms(server->options.loop) +
           (int64_t)rand_below(server->options.rand, (uint64_t)at_most_ms + 1);
}

/* -- history -- */

static void drop_change(struct sim_change *change)
{
    record_unref(change->before);
    record_unref(change->after);
}

static void forget(struct sim_server *server, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        server->oldest = server->changes.items[i].version;
        drop_change(&server->changes.items[i]);
    }
    server->changes.len -= count;
    for (size_t i = 0; i < server->changes.len; i++)
        server->changes.items[i] = server->changes.items[i + count];
}

void sim__changed(struct sim_server *server, struct record *before, struct record *after)
{
    struct sim_change change = {server->version, before, after};
    VEC_PUSH(&server->changes, change);
    sim__offer(server, &change);
    if (server->options.on_change)
        server->options.on_change(server->options.user, before, after);
    if (server->changes.len > 2 * KEPT_CHANGES)
        forget(server, KEPT_CHANGES);
}

void sim_server_forget(struct sim_server *server)
{
    forget(server, server->changes.len);
}

/* -- answers -- */

static void answer_list(struct call *call, const struct request *request)
{
    AUTO_FREE struct document *items = mem_alloc(call->page.len * sizeof(*items));
    for (size_t i = 0; i < call->page.len; i++)
        items[i] = record_document(call->page.items[i]);
    AUTO_FREE char *version = mem_printf("%lld", (long long)call->version);
    AUTO_FREE char *token = NULL;
    if (call->more)
        token = page_end_token(call->version, &items[call->page.len - 1]);
    const struct store_list list = {items, call->page.len, version, token};
    request->list_done(request->user, request->err ? NULL : &list, request->err);
}

static void end_call(struct call *call)
{
    struct request *request = TAKE(call->request);
    loop_timer_stop(call->client->server->options.loop, &call->timer);
    list_remove(&call->node);
    if (request->op == REQUEST_LIST) {
        answer_list(call, request);
        request_free(request);
    } else {
        request_finish(request);
    }
    for (size_t i = 0; i < call->page.len; i++)
        record_unref(call->page.items[i]);
    VEC_DONE(&call->page);
    mem_free(call);
}

/* -- taking effect -- */

static void refuse(struct call *call, enum err_code code, const char *why)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "%s", why);
    request_refuse(call->request, err);
}

static void read_page(struct sim_server *server, struct call *call, struct page_end *end)
{
    const struct query *query = &call->request->query;
    struct sim_records all = sim__sorted(server, query);
    AUTO_FREE char *after = end->name ? mem_printf("%s/%s", end->namespace, end->name) : NULL;
    size_t limit = query->limit > 0 ? (size_t)query->limit : SIZE_MAX;
    for (size_t i = 0; i < all.len && !call->more; i++) {
        AUTO_FREE char *name = mem_printf("%s/%s", all.items[i]->namespace, all.items[i]->name);
        if (after && strcmp(name, after) <= 0)
            continue;
        call->more = call->page.len == limit;
        if (!call->more)
            VEC_PUSH(&call->page, record_ref(all.items[i]));
    }
    VEC_DONE(&all);
}

static void run_list(struct sim_server *server, struct call *call)
{
    struct request *request = call->request;
    AUTO(page_end_done) struct page_end end = {0};
    call->version = server->version;
    if (request->query.limit < 0) {
        err_field(&request->err, "limit", "must not be negative");
        return;
    }
    if (request->query.continue_token) {
        if (page_end_read(request->query.continue_token, server->version, &end, &request->err) < 0)
            return;
        call->version = end.version;
        if (end.version < server->oldest) {
            err_set(&request->err, ERR_EXPIRED, "the list was begun too long ago");
            return;
        }
    }
    read_page(server, call, &end);
}

static void run_get(const struct sim_server *server, struct request *request)
{
    struct record *record = sim__find(server, request->kind, request->namespace, request->name);
    if (record)
        request->result = record_ref(record);
    else
        err_set(&request->err, ERR_NOT_FOUND, "%s \"%s/%s\": not found", kind_name(request->kind),
                request->namespace, request->name);
}

/* It was made all the same; however that is called, nobody knows. */
static void lose_answer(struct call *call)
{
    static const enum err_code codes[] = {ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_DATA_LOSS};
    const struct sim_server_options *options = &call->client->server->options;
    enum err_code code = options->faults->lost_as;
    if (!code)
        code = codes[rand_below(options->rand, ARRAY_LEN(codes))];
    refuse(call, code, "the answer of the server was lost");
}

static void take_effect(struct call *call)
{
    struct sim_server *server = call->client->server;
    struct request *request = call->request;
    const struct sim_store_faults *faults = server->options.faults;
    call->effective = true;
    if (request->err)
        return;
    bool lists = request->op == REQUEST_LIST && sim__chance(server, faults->lists_refused);
    if (call->fate == FATE_REFUSED || lists || sim__chance(server, faults->refused)) {
        refuse(call, ERR_UNAVAILABLE, "the server does not answer");
        return;
    }
    if (request->op == REQUEST_LIST)
        run_list(server, call);
    else if (request->op == REQUEST_GET)
        run_get(server, request);
    else
        sim__write(server, request);
    if (call->fate == FATE_ANSWER_LOST ||
        (request_writes(request) && sim__chance(server, faults->answer_lost)))
        lose_answer(call);
}

static bool same_object(const struct request *a, const struct request *b)
{
    return request_writes(a) && request_writes(b) && a->kind == b->kind &&
           str_eq(a->namespace, b->namespace) && str_eq(a->name, b->name);
}

/* What was called before it about the same object comes first. */
static void take_effect_in_order(struct call *call)
{
    LIST_FOR_EACH (it, &call->client->calls) {
        struct call *before = LIST_ENTRY(it, struct call, node);
        if (before == call)
            break;
        if (!before->effective && same_object(before->request, call->request))
            take_effect(before);
    }
    if (!call->effective)
        take_effect(call);
}

static void on_due(struct loop_timer *timer)
{
    struct call *call = CONTAINER_OF(timer, struct call, timer);
    struct sim_server *server = call->client->server;
    if (call->effective) {
        end_call(call);
        return;
    }
    take_effect_in_order(call);
    loop_timer_start(server->options.loop, &call->timer,
                     sim__due_ms(server, server->options.faults->call_ms));
}

/* -- the interface -- */

static struct sim_client *client_of(struct store *store)
{
    return CONTAINER_OF(store, struct sim_client, store);
}

static void submit(struct store *store, struct request *request)
{
    struct sim_client *client = client_of(store);
    struct sim_server *server = client->server;
    struct call *call = NEW(struct call);
    call->client = client;
    call->request = request;
    loop_timer_init(&call->timer, on_due);
    list_init(&call->node);
    list_append(&client->calls, &call->node);
    if (client->dead) {
        refuse(call, ERR_CANCELLED, "the program has ended");
        end_call(call);
        return;
    }
    if (server->options.on_call)
        call->fate = server->options.on_call(server->options.user, store, request_writes(request));
    loop_timer_start(server->options.loop, &call->timer,
                     sim__due_ms(server, server->options.faults->call_ms));
}

static void sim_create(struct store *store, enum object_kind kind, const char *json,
                       store_done_fn done, void *user)
{
    struct sim_server *server = client_of(store)->server;
    uint64_t a = rand_next(server->options.rand), b = rand_next(server->options.rand);
    AUTO_FREE char *uid =
        mem_printf("%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                   (unsigned)(b >> 48 & 0x3fff) | 0x8000, (unsigned long long)(b & 0xffffffffffff));
    submit(store, request_create(kind, json, uid, loop_wall_ms(server->options.loop), done, user));
}

static void sim_get(struct store *store, const struct store_key *key, store_done_fn done,
                    void *user)
{
    submit(store, request_get(key, done, user));
}

static void sim_patch(struct store *store, const struct store_key *key, enum store_part part,
                      const char *merge_patch, const char *resource_version, store_done_fn done,
                      void *user)
{
    submit(store, request_patch(key, part, merge_patch, resource_version, done, user));
}

static void sim_remove(struct store *store, const struct store_key *key, const char *uid,
                       const char *resource_version, store_done_fn done, void *user)
{
    submit(store, request_remove(key, uid, resource_version, done, user));
}

static void sim_list(struct store *store, const struct store_query *query, store_list_fn done,
                     void *user)
{
    submit(store, request_list(query, done, user));
}

static struct store_watch *sim_watch(struct store *store, const struct store_query *query,
                                     const char *resource_version, store_event_fn on_event,
                                     void *user)
{
    return sim__watch(client_of(store)->server, query, resource_version, on_event, user);
}

static void sim_watch_stop(struct store *store, struct store_watch *watch)
{
    sim__watch_stop(client_of(store)->server, watch);
}

static void sim_free(struct store *store)
{
    struct sim_client *client = client_of(store);
    ASSERT(list_empty(&client->calls));
    mem_free(client);
}

static const struct store_ops sim_ops = {
    .create = sim_create,
    .get = sim_get,
    .patch = sim_patch,
    .remove = sim_remove,
    .list = sim_list,
    .watch = sim_watch,
    .watch_stop = sim_watch_stop,
    .free = sim_free,
};

/* -- life -- */

struct sim_server *sim_server_new(const struct sim_server_options *options)
{
    struct sim_server *server = NEW(struct sim_server);
    server->options = *options;
    list_init(&server->watches);
    loop_timer_init(&server->collector, sim__on_collect);
    return server;
}

void sim_server_free(struct sim_server *server)
{
    ASSERT(list_empty(&server->watches));
    loop_timer_stop(server->options.loop, &server->collector);
    forget(server, server->changes.len);
    VEC_DONE(&server->changes);
    for (size_t i = 0; i < server->objects.len; i++)
        record_unref(server->objects.entries[i].value);
    map_done(&server->objects);
    mem_free(server);
}

struct store *sim_server_client(struct sim_server *server)
{
    struct sim_client *client = NEW(struct sim_client);
    client->store.ops = &sim_ops;
    client->server = server;
    list_init(&client->calls);
    return &client->store;
}

void sim_client_kill(struct store *store)
{
    struct sim_client *client = client_of(store);
    size_t waiting = 0, arrive;
    client->dead = true;
    LIST_FOR_EACH (it, &client->calls)
        waiting += !LIST_ENTRY(it, struct call, node)->effective;
    arrive = (size_t)rand_below(client->server->options.rand, waiting + 1);
    LIST_FOR_EACH (it, &client->calls) {
        struct call *call = LIST_ENTRY(it, struct call, node);
        if (!call->effective && arrive) {
            arrive--;
            take_effect(call);
        }
    }
    while (!list_empty(&client->calls)) {
        struct call *call = LIST_ENTRY(client->calls.next, struct call, node);
        if (!call->effective)
            refuse(call, ERR_CANCELLED, "the program has ended");
        end_call(call);
    }
}

const struct record *sim_server_get(const struct sim_server *server, enum object_kind kind,
                                    const char *namespace, const char *name)
{
    return sim__find(server, kind, namespace, name);
}

int64_t sim_server_version(const struct sim_server *server)
{
    return server->version;
}
