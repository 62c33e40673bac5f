/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded store: one thread owns the database and takes the calls from a queue.
 *
 *   callers ──> queue ──> store thread: BEGIN, the writes of a batch, COMMIT (one sync for all)
 *                           -> history -> their done callbacks -> gets and lists of the batch
 *                         watch thread: events of what was committed
 *
 * Group commit: while a commit waits for the disk, calls gather; the next batch takes what is there,
 * up to BATCH_MAX, without waiting for more. So one writer has the latency of one sync and many
 * writers share it.
 *
 * Each write is checked before it changes a row, so a refused one leaves no trace in the batch and no
 * savepoints are needed. Where the database itself fails, the whole batch is rolled back and each of
 * its writes answers with that failure; nothing of it was shown to anyone. Gets and lists come after
 * the commit, so they see only what is durable, and every write that was called before them.
 *
 *   embedded.c    the thread, the queue, the interface       watches.c   history and watch thread
 *   request.c     a call and its outcome                     database.c  SQLite
 *   writes.c      create, patch, remove, cascade             data_dir.c  directory and lock
 *   reads.c       get, list                                  record.c    one object at one version
 */
#include "services/controller/store/embedded/embedded.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/rand.h"
#include "services/controller/store/embedded/data_dir.h"
#include "services/controller/store/embedded/database.h"
#include "services/controller/store/embedded/reads.h"
#include "services/controller/store/embedded/request.h"
#include "services/controller/store/watches.h"
#include "services/controller/store/embedded/writes.h"

#define BATCH_MAX 256 /* calls that share a commit */

struct embedded_store {
    struct store store;
    struct clock *clock;
    int lock_fd;
    pthread_t thread;

    pthread_mutex_t mutex; /* of the queue */
    pthread_cond_t work;
    struct list queue;
    size_t queue_len;
    bool stopping;

    struct rand rand; /* for uids; under the mutex */

    /* of the store thread */
    struct database *database;
    int64_t version; /* of the store: of the last durable change */

    struct watches *watches;
};

static struct embedded_store *embedded_of(struct store *store)
{
    return CONTAINER_OF(store, struct embedded_store, store);
}

/* -- store thread -- */

static int run_writes(struct writes *writes, struct list *requests, struct err **err)
{
    if (database_begin(writes->database, err) < 0)
        return -1;
    int64_t version = writes->version;
    LIST_FOR_EACH (it, requests) {
        struct request *request = LIST_ENTRY(it, struct request, node);
        if (request_writes(request) && !request->err)
            writes_run(writes, request);
        if (writes->failed)
            return err_move(err, TAKE(writes->failed));
    }
    if (writes->version != version &&
        database_set_version(writes->database, writes->version, err) < 0)
        return -1;
    return database_commit(writes->database, err);
}

static void refuse_writes(struct list *requests, const struct err *err)
{
    LIST_FOR_EACH (it, requests) {
        struct request *request = LIST_ENTRY(it, struct request, node);
        if (request_writes(request))
            request_refuse(request, err);
    }
}

static void answer_writes(struct list *requests)
{
    LIST_FOR_EACH (it, requests) {
        struct request *request = LIST_ENTRY(it, struct request, node);
        if (!request_writes(request))
            continue;
        list_remove(it);
        request_finish(request);
    }
}

static void write_batch(struct embedded_store *embedded, struct list *requests)
{
    struct writes writes = {
        .database = embedded->database,
        .now_ms = clock_wall_ms(embedded->clock),
        .version = embedded->version,
    };
    AUTO_ERR struct err *err = NULL;
    if (run_writes(&writes, requests, &err) < 0) {
        database_rollback(embedded->database);
        refuse_writes(requests, err);
    } else {
        embedded->version = writes.version;
        watches_add(embedded->watches, writes.changes.items, writes.changes.len, writes.version);
        writes.changes.len = 0; /* handed over */
    }
    writes_done(&writes);
    answer_writes(requests);
    watches_release(embedded->watches);
}

static void read_batch(struct embedded_store *embedded, struct list *requests)
{
    LIST_FOR_EACH (it, requests) {
        struct request *request = LIST_ENTRY(it, struct request, node);
        list_remove(it);
        if (request->op == REQUEST_GET)
            reads_get(embedded->database, request);
        else
            reads_list(embedded->database, request, embedded->version,
                       watches_oldest(embedded->watches));
    }
}

static bool has_writes(struct list *requests)
{
    LIST_FOR_EACH (it, requests)
        if (request_writes(LIST_ENTRY(it, struct request, node)))
            return true;
    return false;
}

/* Moves the next batch to @requests, waiting for one. Return: false at the end. */
static bool take_batch(struct embedded_store *embedded, struct list *requests)
{
    pthread_mutex_lock(&embedded->mutex);
    while (list_empty(&embedded->queue) && !embedded->stopping)
        pthread_cond_wait(&embedded->work, &embedded->mutex);
    for (size_t i = 0; i < BATCH_MAX && !list_empty(&embedded->queue); i++) {
        struct list *node = embedded->queue.next;
        list_remove(node);
        list_append(requests, node);
        embedded->queue_len--;
    }
    pthread_mutex_unlock(&embedded->mutex);
    return !list_empty(requests);
}

static void *run(void *arg)
{
    struct embedded_store *embedded = arg;
    struct list requests;
    list_init(&requests);
    while (take_batch(embedded, &requests)) {
        if (has_writes(&requests))
            write_batch(embedded, &requests);
        read_batch(embedded, &requests);
    }
    return NULL;
}

/* -- the interface -- */

/* A call too many is refused, but by the same way as all: its callback runs on the store thread. */
static void submit(struct store *store, struct request *request)
{
    struct embedded_store *embedded = embedded_of(store);
    pthread_mutex_lock(&embedded->mutex);
    ASSERT(!embedded->stopping);
    if (embedded->queue_len >= LIMIT_INBOX && !request->err)
        err_set(&request->err, ERR_LIMIT, "the store has %zu calls waiting", embedded->queue_len);
    list_append(&embedded->queue, &request->node);
    embedded->queue_len++;
    pthread_cond_signal(&embedded->work);
    pthread_mutex_unlock(&embedded->mutex);
}

/* A random (version 4) UUID. */
static void make_uid(struct embedded_store *embedded, char uid[UID_SIZE])
{
    pthread_mutex_lock(&embedded->mutex);
    uint64_t a = rand_next(&embedded->rand), b = rand_next(&embedded->rand);
    pthread_mutex_unlock(&embedded->mutex);
    (void)snprintf(uid, UID_SIZE, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                   (unsigned)(b >> 48 & 0x3fff) | 0x8000, (unsigned long long)(b & 0xffffffffffff));
}

static void embedded_create(struct store *store, enum object_kind kind, const char *json,
                            store_done_fn done, void *user)
{
    struct embedded_store *embedded = embedded_of(store);
    char uid[UID_SIZE];
    make_uid(embedded, uid);
    submit(store, request_create(kind, json, uid, clock_wall_ms(embedded->clock), done, user));
}

static void embedded_get(struct store *store, const struct store_key *key, store_done_fn done,
                         void *user)
{
    submit(store, request_get(key, done, user));
}

static void embedded_patch(struct store *store, const struct store_key *key, enum store_part part,
                           const char *merge_patch, const char *resource_version,
                           store_done_fn done, void *user)
{
    submit(store, request_patch(key, part, merge_patch, resource_version, done, user));
}

static void embedded_remove(struct store *store, const struct store_key *key, const char *uid,
                            const char *resource_version, store_done_fn done, void *user)
{
    submit(store, request_remove(key, uid, resource_version, done, user));
}

static void embedded_list(struct store *store, const struct store_query *query, store_list_fn done,
                          void *user)
{
    submit(store, request_list(query, done, user));
}

static struct store_watch *embedded_watch(struct store *store, const struct store_query *query,
                                          const char *resource_version, store_event_fn on_event,
                                          void *user)
{
    return watches_start(embedded_of(store)->watches, query, resource_version, on_event, user);
}

static void embedded_watch_stop(struct store *store, struct store_watch *watch)
{
    watches_stop(embedded_of(store)->watches, watch);
}

static void release(struct embedded_store *embedded)
{
    database_close(embedded->database);
    if (embedded->lock_fd >= 0)
        (void)close(embedded->lock_fd);
    mem_free(embedded);
}

static void embedded_free(struct store *store)
{
    struct embedded_store *embedded = embedded_of(store);
    pthread_mutex_lock(&embedded->mutex);
    embedded->stopping = true;
    pthread_cond_signal(&embedded->work);
    pthread_mutex_unlock(&embedded->mutex);
    pthread_join(embedded->thread, NULL);
    watches_free(embedded->watches);
    pthread_cond_destroy(&embedded->work);
    pthread_mutex_destroy(&embedded->mutex);
    release(embedded);
}

static const struct store_ops embedded_ops = {
    .create = embedded_create,
    .get = embedded_get,
    .patch = embedded_patch,
    .remove = embedded_remove,
    .list = embedded_list,
    .watch = embedded_watch,
    .watch_stop = embedded_watch_stop,
    .free = embedded_free,
};

static int open_database(struct embedded_store *embedded, const char *data_dir, struct err **err)
{
    AUTO_FREE char *path = mem_printf("%s/store.db", data_dir);
    if (data_dir_lock(data_dir, &embedded->lock_fd, err) < 0 || data_dir_make_file(path, err) < 0 ||
        database_open(&embedded->database, path, err) < 0 ||
        database_version(embedded->database, &embedded->version, err) < 0)
        return -1;
    return data_dir_sync(data_dir, err);
}

static void start(struct embedded_store *embedded)
{
    rand_seed_from_system(&embedded->rand);
    list_init(&embedded->queue);
    pthread_mutex_init(&embedded->mutex, NULL);
    pthread_cond_init(&embedded->work, NULL);
    embedded->watches = watches_new(embedded->clock, embedded->version);
    int r = pthread_create(&embedded->thread, NULL, run, embedded);
    ASSERT(r == 0); /* no threads: as hopeless as no memory */
}

int embedded_store_open(struct store **out, const char *data_dir, struct clock *clock,
                        struct err **err)
{
    struct embedded_store *embedded = NEW(struct embedded_store);
    embedded->store.ops = &embedded_ops;
    embedded->clock = clock;
    embedded->lock_fd = -1;
    if (open_database(embedded, data_dir, err) < 0) {
        release(embedded);
        return -1;
    }
    start(embedded);
    *out = &embedded->store;
    return 0;
}
