/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches of the simulated store. Each has its own queue and its own timer: it hears of changes in their
 * order, but some time after they were made and some time after others have heard of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "tests/sim/sim_store_internal.h"

#define BOOKMARKS 200    /* per mille, of the times that a watch has heard everything */
#define CANNOT_BEGIN 500 /* per mille, of watches that are to begin with what there is */
#define ONE_BY_ONE 500   /* per mille, of deliveries that are one event instead of all */

struct queued {
    enum store_event_type type;
    int64_t version;
    struct record *record; /* a reference; NULL: no object */
};

struct store_watch {
    struct list node;
    struct sim_server *server;
    struct query query;
    store_event_fn on_event;
    void *user;
    VEC(struct queued) queue;
    struct loop_timer timer;
    bool ended; /* STORE_EXPIRED is queued or delivered */
};

static void drop_queue(struct store_watch *watch)
{
    for (size_t i = 0; i < watch->queue.len; i++)
        record_unref(watch->queue.items[i].record);
    watch->queue.len = 0;
}

static int64_t due_ms(const struct store_watch *watch)
{
    const struct sim_store_faults *faults = watch->server->options.faults;
    return sim__due_ms(watch->server, faults->watch_ms) + faults->lag_ms[watch->query.kind];
}

static void enqueue(struct store_watch *watch, enum store_event_type type, int64_t version,
                    struct record *record)
{
    struct sim_server *server = watch->server;
    VEC_PUSH(&watch->queue, (struct queued){type, version, record ? record_ref(record) : NULL});
    if (watch->timer.due_ms == TIME_NEVER)
        loop_timer_start(server->options.loop, &watch->timer, due_ms(watch));
}

static void expire(struct store_watch *watch)
{
    drop_queue(watch);
    watch->ended = true;
    enqueue(watch, STORE_EXPIRED, 0, NULL);
}

/* What @change means to the watcher: to it an object exists while it matches. */
static void offer(struct store_watch *watch, const struct sim_change *change)
{
    bool was = change->before && query_matches(&watch->query, change->before);
    bool is = change->after && query_matches(&watch->query, change->after);
    if (watch->ended)
        return;
    if (is)
        enqueue(watch, was ? STORE_MODIFIED : STORE_ADDED, change->version, change->after);
    else if (was)
        enqueue(watch, STORE_DELETED, change->version, change->before);
}

void sim__offer(struct sim_server *server, const struct sim_change *change)
{
    LIST_FOR_EACH (it, &server->watches)
        offer(LIST_ENTRY(it, struct store_watch, node), change);
}

static void deliver(const struct store_watch *watch, const struct queued *event)
{
    char version[24];
    (void)snprintf(version, sizeof(version), "%lld", (long long)event->version);
    struct document document = {.kind = watch->query.kind};
    if (event->record)
        document = record_document(event->record);
    document.resource_version = version;
    watch->on_event(watch->user, event->type, event->type == STORE_EXPIRED ? NULL : &document);
}

static void on_due(struct loop_timer *timer)
{
    struct store_watch *watch = CONTAINER_OF(timer, struct store_watch, timer);
    struct sim_server *server = watch->server;
    if (!watch->ended && sim__chance(server, server->options.faults->expired)) {
        expire(watch);
        return;
    }
    size_t count = sim__chance(server, ONE_BY_ONE) ? 1 : watch->queue.len;
    for (size_t i = 0; i < count; i++) {
        deliver(watch, &watch->queue.items[i]);
        record_unref(watch->queue.items[i].record);
    }
    watch->queue.len -= count;
    if (watch->queue.len) {
        memmove(watch->queue.items, watch->queue.items + count,
                watch->queue.len * sizeof(*watch->queue.items));
        loop_timer_start(server->options.loop, &watch->timer, due_ms(watch));
    } else if (!watch->ended && sim__chance(server, BOOKMARKS)) {
        const struct queued bookmark = {STORE_BOOKMARK, server->version, NULL};
        deliver(watch, &bookmark);
    }
}

/* -- lists -- */

static int by_name(const void *a, const void *b)
{
    const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
    AUTO_FREE char *left = mem_printf("%s/%s", x->namespace, x->name);
    AUTO_FREE char *right = mem_printf("%s/%s", y->namespace, y->name);
    return strcmp(left, right);
}

struct sim_records sim__sorted(const struct sim_server *server, const struct query *query)
{
    struct sim_records records = {0};
    for (size_t i = 0; i < server->objects.len; i++) {
        struct record *record = server->objects.entries[i].value;
        if (query_matches(query, record))
            VEC_PUSH(&records, record);
    }
    if (records.len)
        qsort(records.items, records.len, sizeof(*records.items), by_name);
    return records;
}

/* -- begin and end -- */

static void begin_with_what_there_is(struct store_watch *watch)
{
    struct sim_server *server = watch->server;
    if (sim__chance(server, CANNOT_BEGIN)) {
        expire(watch);
        return;
    }
    struct sim_records records = sim__sorted(server, &watch->query);
    for (size_t i = 0; i < records.len; i++)
        enqueue(watch, STORE_ADDED, records.items[i]->version, records.items[i]);
    VEC_DONE(&records);
    enqueue(watch, STORE_LISTED, server->version, NULL);
}

static void begin_at(struct store_watch *watch, const char *resource_version)
{
    struct sim_server *server = watch->server;
    int64_t version;
    if (!str_parse_int64(resource_version, server->oldest, server->version, &version)) {
        expire(watch);
        return;
    }
    for (size_t i = 0; i < server->changes.len; i++)
        if (server->changes.items[i].version > version)
            offer(watch, &server->changes.items[i]);
}

struct store_watch *sim__watch(struct sim_server *server, const struct store_query *query,
                               const char *resource_version, store_event_fn on_event, void *user)
{
    struct store_watch *watch = NEW(struct store_watch);
    watch->server = server;
    query_copy(&watch->query, query);
    watch->on_event = on_event;
    watch->user = user;
    loop_timer_init(&watch->timer, on_due);
    list_init(&watch->node);
    list_append(&server->watches, &watch->node);
    if (resource_version)
        begin_at(watch, resource_version);
    else
        begin_with_what_there_is(watch);
    return watch;
}

void sim__watch_stop(struct sim_server *server, struct store_watch *watch)
{
    loop_timer_stop(server->options.loop, &watch->timer);
    list_remove(&watch->node);
    drop_queue(watch);
    VEC_DONE(&watch->queue);
    query_done(&watch->query);
    mem_free(watch);
}
