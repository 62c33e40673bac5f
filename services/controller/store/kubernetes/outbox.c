/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/outbox.h"

#include <pthread.h>

#include "lib/base/assert.h"

struct outbox {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct list items;
    struct outbox_item *running;
    bool stopping;
};

static struct outbox_item *take(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->running = NULL;
    pthread_cond_broadcast(&outbox->changed);
    while (list_empty(&outbox->items) && !outbox->stopping)
        pthread_cond_wait(&outbox->changed, &outbox->mutex);
    if (!list_empty(&outbox->items)) {
        outbox->running = LIST_ENTRY(outbox->items.next, struct outbox_item, node);
        list_remove(&outbox->running->node);
    }
    struct outbox_item *item = outbox->running;
    pthread_mutex_unlock(&outbox->mutex);
    return item;
}

static void *run(void *arg)
{
    struct outbox_item *item;
    while ((item = take(arg)))
        item->fn(item);
    return NULL;
}

struct outbox *outbox_new(void)
{
    struct outbox *outbox = NEW(struct outbox);
    list_init(&outbox->items);
    pthread_mutex_init(&outbox->mutex, NULL);
    pthread_cond_init(&outbox->changed, NULL);
    int r = pthread_create(&outbox->thread, NULL, run, outbox);
    ASSERT(r == 0); /* no threads: as hopeless as no memory */
    return outbox;
}

void outbox_free(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->mutex);
    outbox->stopping = true;
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
    pthread_join(outbox->thread, NULL);
    pthread_cond_destroy(&outbox->changed);
    pthread_mutex_destroy(&outbox->mutex);
    mem_free(outbox);
}

void outbox_post(struct outbox *outbox, struct outbox_item *item)
{
    pthread_mutex_lock(&outbox->mutex);
    list_append(&outbox->items, &item->node);
    pthread_cond_broadcast(&outbox->changed);
    pthread_mutex_unlock(&outbox->mutex);
}

void outbox_cancel(struct outbox *outbox, struct outbox_item *item)
{
    pthread_mutex_lock(&outbox->mutex);
    list_remove(&item->node);
    while (outbox->running == item)
        pthread_cond_wait(&outbox->changed, &outbox->mutex);
    pthread_mutex_unlock(&outbox->mutex);
}
