/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring keeps the last changes; a watch that begins at a version takes from it what it missed. From
 * then on each change that concerns a watch goes into the watch's own queue, and the watch thread
 * calls the watchers, one event at a time, without the lock. So a slow watcher holds up other
 * watchers but no writer; when its queue is full it gets STORE_EXPIRED instead of the rest.
 *
 *     store thread: commit -> watches_add() -> done callbacks -> watches_release()
 *     watch thread:                                              on_event callbacks
 *
 * The gap between add and release gives a fixed order: the done callback of a write runs before its
 * event is delivered, and a watch may begin at every version that a callback has shown.
 */
#include "services/controller/store/watches.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/list.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "services/controller/store/query.h"

#define BOOKMARK_QUIET_MS 60000 /* a watch that heard nothing for so long gets a bookmark, */
#define BOOKMARK_VERSIONS 1000  /* or one that is so many versions behind the store */

struct queued_event {
    enum store_event_type type;
    int64_t version;
    struct record *record; /* a reference; NULL: STORE_BOOKMARK, STORE_EXPIRED */
};

struct store_watch {
    struct list node;
    struct query query;
    store_event_fn on_event;
    void *user;
    VEC(struct queued_event) queue;
    size_t queue_head; /* items before it are delivered */
    size_t queue_bytes;
    int64_t seen_version; /* newest that the watcher knows to have passed */
    int64_t last_event_ms;
    bool ended;   /* STORE_EXPIRED is queued or delivered: nothing follows */
    bool calling; /* the watch thread is in on_event */
};

struct watches {
    struct clock *clock;
    pthread_mutex_t mutex;
    pthread_cond_t work; /* events were released, a watch came, the end */
    pthread_cond_t idle; /* the watch thread came back from a callback */
    pthread_t thread;
    bool stopping;
    struct list list; /* of store_watch.node, the next to be served first */
    struct change *ring;
    size_t ring_first, ring_len, ring_bytes;
    int64_t oldest;   /* a watch can begin here: all later changes are in the ring */
    int64_t newest;   /* version of the store */
    int64_t released; /* up to here events may be delivered */
};

/* -- history -- */

void change_done(struct change *change)
{
    record_unref(change->before);
    record_unref(change->after);
    *change = (struct change){0};
}

static size_t change_bytes(const struct change *change)
{
    return (change->before ? change->before->json_len : 0) +
           (change->after ? change->after->json_len : 0);
}

static struct change *ring_at(const struct watches *watches, size_t index)
{
    return &watches->ring[(watches->ring_first + index) % LIMIT_WATCH_HISTORY];
}

static void forget_oldest(struct watches *watches)
{
    struct change *change = ring_at(watches, 0);
    watches->oldest = change->version;
    watches->ring_bytes -= change_bytes(change);
    change_done(change);
    watches->ring_first = (watches->ring_first + 1) % LIMIT_WATCH_HISTORY;
    watches->ring_len--;
}

static void remember(struct watches *watches, const struct change *change)
{
    watches->ring_bytes += change_bytes(change);
    while (watches->ring_len == LIMIT_WATCH_HISTORY ||
           (watches->ring_len && watches->ring_bytes > LIMIT_WATCH_HISTORY_BYTES))
        forget_oldest(watches);
    *ring_at(watches, watches->ring_len++) = *change;
}

/* -- queues -- */

static size_t queue_len(const struct store_watch *watch)
{
    return watch->queue.len - watch->queue_head;
}

static void drop_queue(struct store_watch *watch)
{
    for (size_t i = watch->queue_head; i < watch->queue.len; i++)
        record_unref(watch->queue.items[i].record);
    watch->queue.len = watch->queue_head = watch->queue_bytes = 0;
}

/* What is queued is dropped: who has to list again gains nothing from it. */
static void expire(struct store_watch *watch)
{
    drop_queue(watch);
    VEC_PUSH(&watch->queue, (struct queued_event){.type = STORE_EXPIRED});
    watch->ended = true;
}

static void enqueue(struct store_watch *watch, enum store_event_type type, int64_t version,
                    struct record *record)
{
    watch->queue_bytes += record->json_len;
    if (queue_len(watch) == LIMIT_WATCH_QUEUE || watch->queue_bytes > LIMIT_WATCH_QUEUE_BYTES) {
        expire(watch);
        return;
    }
    VEC_PUSH(&watch->queue, (struct queued_event){type, version, record_ref(record)});
}

/* Queues what @change means to the watcher: to it an object exists while it matches. */
static void offer(struct store_watch *watch, const struct change *change)
{
    struct record *old = change->before ? change->before : change->after;
    bool was = change->existed && old && query_matches(&watch->query, old);
    bool is = change->after && query_matches(&watch->query, change->after);
    if (watch->ended)
        return;
    if (is)
        enqueue(watch, was ? STORE_MODIFIED : STORE_ADDED, change->version, change->after);
    else if (was)
        enqueue(watch, STORE_DELETED, change->version, old);
}

void watches_add(struct watches *watches, struct change *changes, size_t count, int64_t version)
{
    pthread_mutex_lock(&watches->mutex);
    for (size_t i = 0; i < count; i++) {
        LIST_FOR_EACH (it, &watches->list)
            offer(LIST_ENTRY(it, struct store_watch, node), &changes[i]);
        remember(watches, &changes[i]);
    }
    watches->newest = version;
    pthread_mutex_unlock(&watches->mutex);
}

void watches_release(struct watches *watches)
{
    pthread_mutex_lock(&watches->mutex);
    watches->released = watches->newest;
    if (!list_empty(&watches->list))
        pthread_cond_signal(&watches->work);
    pthread_mutex_unlock(&watches->mutex);
}

int64_t watches_oldest(struct watches *watches)
{
    pthread_mutex_lock(&watches->mutex);
    int64_t oldest = watches->oldest;
    pthread_mutex_unlock(&watches->mutex);
    return oldest;
}

/* -- the watch thread -- */

/* When the watcher is due a bookmark: 0 = now, TIME_NEVER = it knows the newest version. */
static int64_t bookmark_due_ms(const struct watches *watches, const struct store_watch *watch)
{
    if (watch->ended || watch->seen_version >= watches->released)
        return TIME_NEVER;
    if (watches->released - watch->seen_version >= BOOKMARK_VERSIONS)
        return 0;
    return watch->last_event_ms + BOOKMARK_QUIET_MS;
}

static struct queued_event dequeue(struct store_watch *watch)
{
    struct queued_event event = watch->queue.items[watch->queue_head++];
    if (event.record)
        watch->queue_bytes -= event.record->json_len;
    if (watch->queue_head * 2 >= watch->queue.len) {
        size_t left = queue_len(watch);
        memmove(watch->queue.items, watch->queue.items + watch->queue_head,
                left * sizeof(*watch->queue.items));
        watch->queue.len = left;
        watch->queue_head = 0;
    }
    return event;
}

/* Takes the next event for @watch, or makes its bookmark. Return: false where there is none now. */
static bool next_event(struct watches *watches, struct store_watch *watch, int64_t now_ms,
                       struct queued_event *ret)
{
    if (queue_len(watch)) {
        if (watch->queue.items[watch->queue_head].version > watches->released)
            return false;
        *ret = dequeue(watch);
        return true;
    }
    if (bookmark_due_ms(watches, watch) > now_ms)
        return false;
    *ret = (struct queued_event){.type = STORE_BOOKMARK, .version = watches->released};
    return true;
}

static void call_watcher(struct store_watch *watch, const struct queued_event *event)
{
    char version[24];
    (void)snprintf(version, sizeof(version), "%lld", (long long)event->version);
    struct document document = {.kind = watch->query.kind};
    if (event->record)
        document = record_document(event->record);
    document.resource_version = version;
    watch->on_event(watch->user, event->type, event->type == STORE_EXPIRED ? NULL : &document);
}

/* Called and left with the lock; the watch can't go while it is `calling`. */
static void deliver(struct watches *watches, struct store_watch *watch, struct queued_event *event,
                    int64_t now_ms)
{
    watch->seen_version = event->version;
    watch->last_event_ms = now_ms;
    watch->calling = true;
    pthread_mutex_unlock(&watches->mutex);
    call_watcher(watch, event);
    record_unref(event->record);
    pthread_mutex_lock(&watches->mutex);
    watch->calling = false;
    pthread_cond_broadcast(&watches->idle);
}

/* One event to one watch; the watch goes to the end of the line. Return: false, nothing is due. */
static bool serve_one(struct watches *watches)
{
    int64_t now_ms = clock_mono_ms(watches->clock);
    LIST_FOR_EACH (it, &watches->list) {
        struct store_watch *watch = LIST_ENTRY(it, struct store_watch, node);
        struct queued_event event;
        if (!next_event(watches, watch, now_ms, &event))
            continue;
        list_remove(&watch->node);
        list_append(&watches->list, &watch->node);
        deliver(watches, watch, &event, now_ms);
        return true;
    }
    return false;
}

static void wait_for_work(struct watches *watches)
{
    int64_t due_ms = TIME_NEVER;
    LIST_FOR_EACH (it, &watches->list) {
        int64_t at_ms = bookmark_due_ms(watches, LIST_ENTRY(it, struct store_watch, node));
        due_ms = at_ms < due_ms ? at_ms : due_ms;
    }
    if (due_ms == TIME_NEVER) {
        pthread_cond_wait(&watches->work, &watches->mutex);
        return;
    }
    /* The clock is injected, the waiting is real: whoever simulates time wakes us by a write. */
    int64_t wait_ms = due_ms - clock_mono_ms(watches->clock);
    wait_ms = wait_ms < 1 ? 1 : wait_ms;
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&watches->work, &watches->mutex, &until);
}

static void *run(void *arg)
{
    struct watches *watches = arg;
    pthread_mutex_lock(&watches->mutex);
    while (!watches->stopping)
        if (!serve_one(watches))
            wait_for_work(watches);
    pthread_mutex_unlock(&watches->mutex);
    return NULL;
}

struct watches *watches_new(struct clock *clock, int64_t version)
{
    struct watches *watches = NEW(struct watches);
    watches->clock = clock;
    watches->oldest = watches->newest = watches->released = version;
    watches->ring = mem_alloc(LIMIT_WATCH_HISTORY * sizeof(*watches->ring));
    list_init(&watches->list);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&watches->work, &attr);
    pthread_condattr_destroy(&attr);
    pthread_cond_init(&watches->idle, NULL);
    pthread_mutex_init(&watches->mutex, NULL);
    int r = pthread_create(&watches->thread, NULL, run, watches);
    ASSERT(r == 0); /* no threads: as hopeless as no memory */
    return watches;
}

void watches_free(struct watches *watches)
{
    pthread_mutex_lock(&watches->mutex);
    ASSERT(list_empty(&watches->list));
    watches->stopping = true;
    pthread_cond_signal(&watches->work);
    pthread_mutex_unlock(&watches->mutex);
    pthread_join(watches->thread, NULL);
    while (watches->ring_len)
        forget_oldest(watches);
    mem_free(watches->ring);
    pthread_cond_destroy(&watches->work);
    pthread_cond_destroy(&watches->idle);
    pthread_mutex_destroy(&watches->mutex);
    mem_free(watches);
}

/* -- start and stop -- */

static void catch_up(struct watches *watches, struct store_watch *watch)
{
    for (size_t i = 0; i < watches->ring_len; i++)
        if (ring_at(watches, i)->version > watch->seen_version)
            offer(watch, ring_at(watches, i));
}

struct store_watch *watches_start(struct watches *watches, const struct store_query *query,
                                  const char *resource_version, store_event_fn on_event, void *user)
{
    struct store_watch *watch = NEW(struct store_watch);
    query_copy(&watch->query, query);
    watch->on_event = on_event;
    watch->user = user;
    pthread_mutex_lock(&watches->mutex);
    watch->last_event_ms = clock_mono_ms(watches->clock);
    /* A version that the store has not reached is from another life of it (a restored backup). */
    if (str_parse_int64(resource_version, watches->oldest, watches->newest, &watch->seen_version))
        catch_up(watches, watch);
    else
        expire(watch);
    list_append(&watches->list, &watch->node);
    pthread_cond_signal(&watches->work);
    pthread_mutex_unlock(&watches->mutex);
    return watch;
}

void watches_stop(struct watches *watches, struct store_watch *watch)
{
    pthread_mutex_lock(&watches->mutex);
    list_remove(&watch->node);
    while (watch->calling)
        pthread_cond_wait(&watches->idle, &watches->mutex);
    pthread_mutex_unlock(&watches->mutex);
    drop_queue(watch);
    VEC_DONE(&watch->queue);
    query_done(&watch->query);
    mem_free(watch);
}
