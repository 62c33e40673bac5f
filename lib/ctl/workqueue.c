/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ctl/workqueue.h"

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

/* A key that is ready, waits for its time, is worked on, or any of these together. */
struct item {
    char *key;
    struct list ready; /* in queue->ready, or alone */
    bool working;
    bool again;        /* added while it was worked on */
    int64_t due_ms;    /* TIME_NEVER = waits for no time */
    uint64_t sequence; /* equal times come in the order they were asked for */
    size_t heap_at;    /* index + 1 in the heap */
};

struct workqueue {
    struct map items; /* key -> struct item */
    struct list ready;
    struct {
        struct item **items;
        size_t len, cap;
    } waiting; /* binary heap, the earliest first */
    uint64_t sequence;
};

struct workqueue *workqueue_new(void)
{
    struct workqueue *queue = NEW(struct workqueue);
    list_init(&queue->ready);
    return queue;
}

static void free_item(struct item *item)
{
    mem_free(item->key);
    mem_free(item);
}

void workqueue_free(struct workqueue *queue)
{
    if (!queue)
        return;
    for (size_t i = 0; i < queue->items.len; i++)
        free_item(queue->items.entries[i].value);
    map_done(&queue->items);
    VEC_DONE(&queue->waiting);
    mem_free(queue);
}

static struct item *get_item(struct workqueue *queue, const char *key)
{
    struct item *item = map_get(&queue->items, key);
    if (!item) {
        item = NEW(struct item);
        item->key = mem_strdup(key);
        item->due_ms = TIME_NEVER;
        list_init(&item->ready);
        map_put(&queue->items, key, item);
    }
    return item;
}

static void drop_if_idle(struct workqueue *queue, struct item *item)
{
    if (item->working || item->again || item->due_ms != TIME_NEVER || !list_empty(&item->ready))
        return;
    map_remove(&queue->items, item->key);
    free_item(item);
}

/* -- the heap of waiting keys -- */

static bool earlier(const struct item *a, const struct item *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->sequence < b->sequence;
}

static void put(struct workqueue *queue, size_t i, struct item *item)
{
    queue->waiting.items[i] = item;
    item->heap_at = i + 1;
}

static void sift_up(struct workqueue *queue, size_t i)
{
    struct item *item = queue->waiting.items[i];
    for (; i > 0 && earlier(item, queue->waiting.items[(i - 1) / 2]); i = (i - 1) / 2)
        put(queue, i, queue->waiting.items[(i - 1) / 2]);
    put(queue, i, item);
}

static void sift_down(struct workqueue *queue, size_t i)
{
    struct item *item = queue->waiting.items[i];
    for (size_t child = 2 * i + 1; child < queue->waiting.len; child = 2 * i + 1) {
        if (child + 1 < queue->waiting.len &&
            earlier(queue->waiting.items[child + 1], queue->waiting.items[child]))
            child++;
        if (!earlier(queue->waiting.items[child], item))
            break;
        put(queue, i, queue->waiting.items[child]);
        i = child;
    }
    put(queue, i, item);
}

static void stop_waiting(struct workqueue *queue, struct item *item)
{
    if (!item->heap_at)
        return;
    size_t i = item->heap_at - 1;
    struct item *last = queue->waiting.items[--queue->waiting.len];
    item->heap_at = 0;
    item->due_ms = TIME_NEVER;
    if (last != item) {
        put(queue, i, last);
        sift_up(queue, i);
        sift_down(queue, last->heap_at - 1);
    }
}

/* -- the queue -- */

static void make_ready(struct workqueue *queue, struct item *item)
{
    if (item->working)
        item->again = true;
    else if (list_empty(&item->ready))
        list_append(&queue->ready, &item->ready);
}

void workqueue_add(struct workqueue *queue, const char *key)
{
    make_ready(queue, get_item(queue, key));
}

void workqueue_add_at(struct workqueue *queue, const char *key, int64_t due_ms)
{
    struct item *item = get_item(queue, key);
    if (due_ms >= item->due_ms) {
        drop_if_idle(queue, item);
        return;
    }
    item->due_ms = due_ms;
    item->sequence = queue->sequence++;
    if (!item->heap_at) {
        VEC_PUSH(&queue->waiting, item);
        item->heap_at = queue->waiting.len;
    }
    sift_up(queue, item->heap_at - 1);
}

const char *workqueue_take(struct workqueue *queue, int64_t now_ms)
{
    while (queue->waiting.len && queue->waiting.items[0]->due_ms <= now_ms) {
        struct item *due = queue->waiting.items[0];
        stop_waiting(queue, due);
        make_ready(queue, due);
    }
    if (list_empty(&queue->ready))
        return NULL;
    struct item *item = LIST_ENTRY(queue->ready.next, struct item, ready);
    list_remove(&item->ready);
    item->working = true;
    return item->key;
}

void workqueue_done(struct workqueue *queue, const char *key)
{
    struct item *item = map_get(&queue->items, key);
    ASSERT(item && item->working);
    item->working = false;
    if (item->again) {
        item->again = false;
        make_ready(queue, item);
    }
    drop_if_idle(queue, item);
}

int64_t workqueue_next_ms(const struct workqueue *queue)
{
    if (!list_empty(&queue->ready))
        return 0;
    return queue->waiting.len ? queue->waiting.items[0]->due_ms : TIME_NEVER;
}

size_t workqueue_len(const struct workqueue *queue)
{
    return queue->items.len;
}
