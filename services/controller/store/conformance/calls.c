/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/conformance/calls.h"

#include <errno.h>
#include <time.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"

/* -- waiting -- */

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t come;
    bool done;
    struct answer answer;
    struct listing listing;
};

static struct timespec watchdog(void)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CALL_WATCHDOG_S;
    return until;
}

static void waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){0};
    pthread_mutex_init(&waiter->mutex, NULL);
    pthread_cond_init(&waiter->come, NULL);
}

static void waiter_signal(struct waiter *waiter)
{
    pthread_mutex_lock(&waiter->mutex);
    ASSERT(!waiter->done); /* a callback runs once */
    waiter->done = true;
    pthread_cond_signal(&waiter->come);
    pthread_mutex_unlock(&waiter->mutex);
}

static void waiter_wait(struct waiter *waiter)
{
    struct timespec until = watchdog();
    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->done)
        ASSERT(pthread_cond_timedwait(&waiter->come, &waiter->mutex, &until) == 0);
    pthread_mutex_unlock(&waiter->mutex);
    pthread_cond_destroy(&waiter->come);
    pthread_mutex_destroy(&waiter->mutex);
}

/* -- calls -- */

static cJSON *parse(const struct document *document)
{
    cJSON *object =
        json_parse(document->json, document->json_len, LIMIT_OBJECT + LIMIT_KIB(1), NULL);
    ASSERT(object && str_eq(json_get_string(object, "metadata.name"), document->name) &&
           str_eq(json_get_string(object, "metadata.namespace"), document->namespace) &&
           str_eq(json_get_string(object, "kind"), kind_name(document->kind)) &&
           str_eq(json_get_string(object, "metadata.uid"), document->uid) &&
           str_eq(json_get_string(object, "metadata.resourceVersion"), document->resource_version));
    return object;
}

static void on_done(void *user, const struct document *document, const struct err *err)
{
    struct waiter *waiter = user;
    ASSERT(!document != !err);
    waiter->answer.err = err_copy(err);
    if (document) {
        waiter->answer.object = parse(document);
        waiter->answer.resource_version = mem_strdup(document->resource_version);
        waiter->answer.uid = mem_strdup(document->uid);
    }
    waiter_signal(waiter);
}

void answer_done(struct answer *answer)
{
    err_free(answer->err);
    json_free(answer->object);
    mem_free(answer->resource_version);
    mem_free(answer->uid);
    *answer = (struct answer){0};
}

bool answer_is(const struct answer *answer, enum err_code code)
{
    return answer->err && answer->err->code == code;
}

const char *answer_string(const struct answer *answer, const char *path)
{
    return answer->object ? json_get_string(answer->object, path) : NULL;
}

int answer_number(const struct answer *answer, const char *path)
{
    const cJSON *number = answer->object ? json_get(answer->object, path) : NULL;
    return number && cJSON_IsNumber(number) ? number->valueint : -1;
}

struct answer call_create(struct store *store, enum object_kind kind, const char *json)
{
    struct waiter waiter;
    waiter_init(&waiter);
    store_create(store, kind, json, on_done, &waiter);
    waiter_wait(&waiter);
    return waiter.answer;
}

struct answer call_get(struct store *store, const struct store_key *key)
{
    struct waiter waiter;
    waiter_init(&waiter);
    store_get(store, key, on_done, &waiter);
    waiter_wait(&waiter);
    return waiter.answer;
}

struct answer call_patch(struct store *store, const struct store_key *key, enum store_part part,
                         const char *merge_patch, const char *resource_version)
{
    struct waiter waiter;
    waiter_init(&waiter);
    store_patch(store, key, part, merge_patch, resource_version, on_done, &waiter);
    waiter_wait(&waiter);
    return waiter.answer;
}

struct answer call_remove(struct store *store, const struct store_key *key, const char *uid,
                          const char *resource_version)
{
    struct waiter waiter;
    waiter_init(&waiter);
    store_remove(store, key, uid, resource_version, on_done, &waiter);
    waiter_wait(&waiter);
    return waiter.answer;
}

static void on_list(void *user, const struct store_list *list, const struct err *err)
{
    struct waiter *waiter = user;
    struct listing *listing = &waiter->listing;
    ASSERT(!list != !err);
    listing->err = err_copy(err);
    if (list) {
        AUTO_STR struct str names = STR_INIT(LIMIT_MIB(1));
        for (size_t i = 0; i < list->len; i++) {
            json_free(parse(&list->items[i]));
            str_printf(&names, "%s%s/%s", i ? " " : "", list->items[i].namespace,
                       list->items[i].name);
        }
        listing->names = str_take(&names);
        listing->resource_version = mem_strdup(list->resource_version);
        listing->continue_token = mem_strdup(list->continue_token);
    }
    waiter_signal(waiter);
}

void listing_done(struct listing *listing)
{
    err_free(listing->err);
    mem_free(listing->names);
    mem_free(listing->resource_version);
    mem_free(listing->continue_token);
    *listing = (struct listing){0};
}

struct listing call_list(struct store *store, const struct store_query *query)
{
    struct waiter waiter;
    waiter_init(&waiter);
    store_list(store, query, on_list, &waiter);
    waiter_wait(&waiter);
    return waiter.listing;
}

/* -- watches -- */

static void add_event(struct watcher *watcher, enum store_event_type type,
                      const struct document *document)
{
    struct watched event = {.type = type};
    if (document) {
        event.name = mem_strdup(document->name);
        event.resource_version = mem_strdup(document->resource_version);
        if (document->json)
            event.object = json_parse(document->json, document->json_len, LIMIT_MIB(2), NULL);
    }
    VEC_PUSH(&watcher->events, event);
}

static void on_event(void *user, enum store_event_type type, const struct document *document)
{
    struct watcher *watcher = user;
    struct timespec until = watchdog();
    pthread_mutex_lock(&watcher->mutex);
    while (watcher->held)
        ASSERT(pthread_cond_timedwait(&watcher->changed, &watcher->mutex, &until) == 0);
    if (type == STORE_BOOKMARK) {
        watcher->bookmarks++;
        mem_replace(&watcher->bookmark, document->resource_version);
    } else {
        add_event(watcher, type, document);
    }
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->mutex);
}

void watcher_start(struct watcher *watcher, struct store *store, const struct store_query *query,
                   const char *resource_version)
{
    *watcher = (struct watcher){.store = store};
    pthread_mutex_init(&watcher->mutex, NULL);
    pthread_cond_init(&watcher->changed, NULL);
    watcher->watch = store_watch(store, query, resource_version, on_event, watcher);
    ASSERT(watcher->watch);
}

void watcher_stop(struct watcher *watcher)
{
    if (!watcher->watch)
        return;
    store_watch_stop(watcher->store, watcher->watch);
    for (size_t i = 0; i < watcher->events.len; i++) {
        mem_free(watcher->events.items[i].name);
        mem_free(watcher->events.items[i].resource_version);
        json_free(watcher->events.items[i].object);
    }
    VEC_DONE(&watcher->events);
    mem_free(watcher->bookmark);
    pthread_cond_destroy(&watcher->changed);
    pthread_mutex_destroy(&watcher->mutex);
    *watcher = (struct watcher){0};
}

void watcher_hold(struct watcher *watcher, bool held)
{
    pthread_mutex_lock(&watcher->mutex);
    watcher->held = held;
    pthread_cond_broadcast(&watcher->changed);
    pthread_mutex_unlock(&watcher->mutex);
}

char *watcher_wait(struct watcher *watcher, size_t count)
{
    static const char *const types[] = {
        [STORE_ADDED] = "ADDED",   [STORE_MODIFIED] = "MODIFIED", [STORE_DELETED] = "DELETED",
        [STORE_LISTED] = "LISTED", [STORE_EXPIRED] = "EXPIRED",
    };
    AUTO_STR struct str text = STR_INIT(LIMIT_MIB(1));
    struct timespec until = watchdog();
    pthread_mutex_lock(&watcher->mutex);
    while (watcher->events.len < count)
        ASSERT(pthread_cond_timedwait(&watcher->changed, &watcher->mutex, &until) == 0);
    for (size_t i = 0; i < watcher->events.len; i++) {
        const struct watched *event = &watcher->events.items[i];
        str_printf(&text, "%s%s%s%s", i ? ", " : "", types[event->type], event->name ? " " : "",
                   event->name ? event->name : "");
    }
    pthread_mutex_unlock(&watcher->mutex);
    return str_take(&text);
}

void watcher_wait_bookmarks(struct watcher *watcher, size_t count)
{
    struct timespec until = watchdog();
    pthread_mutex_lock(&watcher->mutex);
    while (watcher->bookmarks < count)
        ASSERT(pthread_cond_timedwait(&watcher->changed, &watcher->mutex, &until) == 0);
    pthread_mutex_unlock(&watcher->mutex);
}
