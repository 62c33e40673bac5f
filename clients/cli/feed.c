/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages arrive on the thread of the rpc client, which puts them into the queue of their source;
 * feed_next() takes them out on the reader's. Only the reader starts, resumes and lists.
 */
#include "clients/cli/feed.h"

#include <pthread.h>

#include "clients/cli/objects.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/model/protojson.h"

#define RETRY_MS 250

struct source {
    struct feed *feed;
    const struct cli_kind *kind;
    size_t index;
    char *name, *selector;
    char *version; /* of the last change that was read; NULL: begin anew */
    struct rpc_client_call *call;
    int64_t retry_ms; /* monotonic; 0 = no retry is due */
    bool heard;       /* it worked once, so that a break is worth a retry */
    /* under the feed's lock */
    bool ended;
    bool overflow;
    struct err *err; /* why it ended; NULL: the server just ended it */
};

/* A message of a watch, or an object of a list, on its way to the reader. */
struct entry {
    struct feed_item item;
    char *version;
};

struct feed {
    struct cli *cli;
    VEC(struct source *) sources;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    VEC(struct entry) queue; /* items before `head` are read */
    size_t head;
};

/* -- the client's thread -- */

static void push(struct feed *feed, struct entry entry)
{
    if (feed->head == feed->queue.len)
        feed->head = feed->queue.len = 0;
    VEC_PUSH(&feed->queue, entry);
    pthread_cond_signal(&feed->changed);
}

static bool is_wanted(const struct source *source, const cJSON *object)
{
    return !source->name || str_eq(json_get_string(object, "metadata.name"), source->name);
}

static struct entry entry_of(const struct source *source, cJSON *change)
{
    const char *type = json_get_string(change, "type");
    cJSON *object = cJSON_DetachItemFromObjectCaseSensitive(change, source->kind->watch_member);
    struct entry entry = {
        .item = {.source = source->index, .object = object},
        .version = mem_strdup(json_get_string(change, "resourceVersion")),
    };
    if (str_eq(type, "CHANGE_TYPE_BOOKMARK"))
        entry.item.type = FEED_SYNCED;
    else if (str_eq(type, "CHANGE_TYPE_ADDED"))
        entry.item.type = FEED_ADDED;
    else
        entry.item.type = str_eq(type, "CHANGE_TYPE_DELETED") ? FEED_GONE : FEED_CHANGED;
    return entry;
}

static void on_message(void *user, const ProtobufCMessage *message)
{
    struct source *source = user;
    struct feed *feed = source->feed;
    AUTO_JSON cJSON *change = protojson_write(message);
    struct entry entry = entry_of(source, change);
    pthread_mutex_lock(&feed->lock);
    if (feed->queue.len - feed->head < LIMIT_WATCH_QUEUE && !source->overflow) {
        push(feed, entry);
    } else { /* the reader is too slow: it will list again */
        if (!source->overflow)
            rpc_cancel(source->call);
        source->overflow = true;
        json_free(entry.item.object);
        mem_free(entry.version);
    }
    pthread_mutex_unlock(&feed->lock);
}

static void on_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    (void)response;
    struct source *source = user;
    pthread_mutex_lock(&source->feed->lock);
    source->ended = true;
    source->err = err_copy(err);
    pthread_cond_signal(&source->feed->changed);
    pthread_mutex_unlock(&source->feed->lock);
}

/* -- begin and resume -- */

/* The lock is held while the call starts: messages wait until its handle is stored. */
static int open_watch(struct source *source, struct err **err)
{
    struct cli *cli = source->feed->cli;
    const struct cli_kind *kind = source->kind;
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(kind->service, kind->watch);
    AUTO_JSON cJSON *request = cli_request(cli, NULL);
    if (source->name && kind->kind == KIND_MODULE_DEPLOYMENT)
        cJSON_AddStringToObject(request, "name", source->name);
    if (source->selector)
        cJSON_AddStringToObject(request, "labelSelector", source->selector);
    if (source->version)
        cJSON_AddStringToObject(request, "resourceVersion", source->version);
    ProtobufCMessage *message = protojson_read(method->input, request, JSON_UNKNOWN_REFUSE, err);
    if (!message)
        return -1;
    struct rpc_options options = {.wait_for_ready = source->heard};
    pthread_mutex_lock(&source->feed->lock);
    source->ended = source->overflow = false;
    err_clear(&source->err);
    source->call = rpc_stream(cli->channel, kind->service, kind->watch, message, &options,
                              on_message, on_done, source);
    pthread_mutex_unlock(&source->feed->lock);
    protobuf_c_message_free_unpacked(message, NULL);
    return 0;
}

/* The present objects as items. Lists come in pages, so they have no bound but memory; a watch has one. */
static int list_source(struct source *source, struct err **err)
{
    struct feed *feed = source->feed;
    AUTO_FREE char *version = NULL;
    AUTO_JSON cJSON *objects =
        objects_list(feed->cli, source->kind, source->selector, &version, err);
    if (!objects)
        return -1;
    pthread_mutex_lock(&feed->lock);
    while (objects->child) {
        cJSON *object = cJSON_DetachItemViaPointer(objects, objects->child);
        push(feed, (struct entry){.item = {FEED_ADDED, source->index, object}});
    }
    push(feed, (struct entry){.item = {FEED_SYNCED, source->index, NULL},
                              .version = mem_strdup(version)});
    pthread_mutex_unlock(&feed->lock);
    mem_replace(&source->version, version);
    return 0;
}

/* A watch of one ModuleDeployment begins with that one by itself; others are listed first. */
static int begin(struct source *source, struct err **err)
{
    bool by_watch = source->name && source->kind->kind == KIND_MODULE_DEPLOYMENT;
    if (!source->version && source->heard) {
        pthread_mutex_lock(&source->feed->lock);
        push(source->feed, (struct entry){.item = {FEED_RESET, source->index, NULL}});
        pthread_mutex_unlock(&source->feed->lock);
    }
    if (!source->version && !by_watch && list_source(source, err) < 0)
        return -1;
    return open_watch(source, err);
}

int feed_add(struct feed *feed, const struct cli_kind *kind, const char *name, const char *selector,
             struct err **err)
{
    if (!kind->watch)
        return err_set(err, ERR_UNIMPLEMENTED, "%s can't be watched: the API has no call for it",
                       kind_plural(kind->kind));
    if (cli_connect(feed->cli, "server", feed->cli->options->server, err) < 0)
        return -1;
    struct source *source = NEW(struct source);
    source->feed = feed;
    source->kind = kind;
    source->index = feed->sources.len;
    source->name = mem_strdup(name);
    source->selector = str_empty(selector) ? NULL : mem_strdup(selector);
    VEC_PUSH(&feed->sources, source);
    return begin(source, err);
}

/* -- the reader -- */

static bool worth_a_retry(const struct source *source)
{
    return source->heard && (source->overflow || !source->err || err_retryable(source->err->code));
}

/* A watch that ended is tried again a little later. */
static int plan_retry(struct source *source, struct err **err)
{
    if (!worth_a_retry(source))
        return source->err ? err_move(err, TAKE(source->err))
                           : err_set(err, ERR_UNAVAILABLE, "the watch ended before it began");
    bool anew =
        source->overflow ||
        (source->err && (source->err->code == ERR_EXPIRED || source->err->code == ERR_LIMIT));
    if (anew)
        mem_replace(&source->version, NULL);
    source->call = NULL;
    source->ended = false;
    source->retry_ms = clock_mono_ms(clock_real()) + RETRY_MS;
    return 0;
}

static int retry(struct source *source, int64_t now_ms, struct err **err)
{
    AUTO_ERR struct err *failure = NULL;
    source->retry_ms = 0;
    if (begin(source, &failure) == 0)
        return 0;
    if (!err_retryable(failure->code))
        return err_move(err, TAKE(failure));
    source->retry_ms = now_ms + RETRY_MS;
    return 0;
}

/* Looks after sources that ended. @ret_wake_ms: when to look again at the latest. */
static int tend(struct feed *feed, int64_t deadline_ms, int64_t *ret_wake_ms, struct err **err)
{
    int64_t wake_ms = deadline_ms, now_ms = clock_mono_ms(clock_real());
    for (size_t i = 0; i < feed->sources.len; i++) {
        struct source *source = feed->sources.items[i];
        pthread_mutex_lock(&feed->lock);
        int result = source->ended ? plan_retry(source, err) : 0;
        pthread_mutex_unlock(&feed->lock);
        if (result == 0 && source->retry_ms && source->retry_ms <= now_ms)
            result = retry(source, now_ms, err);
        if (result < 0)
            return -1;
        if (source->retry_ms && source->retry_ms < wake_ms)
            wake_ms = source->retry_ms;
    }
    *ret_wake_ms = wake_ms;
    return 0;
}

static bool any_ended(const struct feed *feed)
{
    for (size_t i = 0; i < feed->sources.len; i++)
        if (feed->sources.items[i]->ended)
            return true;
    return false;
}

/* Until something is there to read or to tend. The lock is held. */
static void wait_until(struct feed *feed, int64_t wake_ms)
{
    struct timespec until = {.tv_sec = (time_t)(wake_ms / 1000),
                             .tv_nsec = (long)(wake_ms % 1000) * 1000000};
    while (feed->head == feed->queue.len && !any_ended(feed)) {
        if (wake_ms == TIME_NEVER)
            pthread_cond_wait(&feed->changed, &feed->lock);
        else if (pthread_cond_timedwait(&feed->changed, &feed->lock, &until) != 0)
            return;
    }
}

/* The next item of the queue that the reader wants to see. The lock is held. */
static bool pop(struct feed *feed, struct feed_item *ret)
{
    while (feed->head < feed->queue.len) {
        struct entry entry = feed->queue.items[feed->head++];
        struct source *source = feed->sources.items[entry.item.source];
        source->heard = true;
        if (entry.version)
            mem_replace(&source->version, entry.version);
        mem_free(entry.version);
        if (!entry.item.object || is_wanted(source, entry.item.object)) {
            *ret = entry.item;
            return true;
        }
        json_free(entry.item.object);
    }
    return false;
}

int feed_next(struct feed *feed, int64_t deadline_ms, struct feed_item *ret, struct err **err)
{
    for (;;) {
        int64_t wake_ms;
        pthread_mutex_lock(&feed->lock);
        bool found = pop(feed, ret);
        pthread_mutex_unlock(&feed->lock);
        if (found)
            return 0;
        if (clock_mono_ms(clock_real()) >= deadline_ms) {
            *ret = (struct feed_item){.type = FEED_TIMEOUT};
            return 0;
        }
        if (tend(feed, deadline_ms, &wake_ms, err) < 0)
            return -1;
        pthread_mutex_lock(&feed->lock);
        wait_until(feed, wake_ms);
        pthread_mutex_unlock(&feed->lock);
    }
}

/* -- life -- */

struct feed *feed_new(struct cli *cli)
{
    struct feed *feed = NEW(struct feed);
    pthread_condattr_t attributes;
    feed->cli = cli;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&feed->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return feed;
}

/* Its callbacks are over when this returns. A call may be cancelled as long as on_done waits for the lock. */
static void end_source(struct source *source)
{
    struct feed *feed = source->feed;
    pthread_mutex_lock(&feed->lock);
    if (source->call && !source->ended)
        rpc_cancel(source->call);
    while (source->call && !source->ended)
        pthread_cond_wait(&feed->changed, &feed->lock);
    pthread_mutex_unlock(&feed->lock);
    err_free(source->err);
    mem_free(source->name);
    mem_free(source->selector);
    mem_free(source->version);
    mem_free(source);
}

void feed_free(struct feed *feed)
{
    if (!feed)
        return;
    for (size_t i = 0; i < feed->sources.len; i++)
        end_source(feed->sources.items[i]);
    for (; feed->head < feed->queue.len; feed->head++) {
        json_free(feed->queue.items[feed->head].item.object);
        mem_free(feed->queue.items[feed->head].version);
    }
    VEC_DONE(&feed->queue);
    VEC_DONE(&feed->sources);
    pthread_cond_destroy(&feed->changed);
    pthread_mutex_destroy(&feed->lock);
    mem_free(feed);
}
