/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/informer.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "services/controller/cache.h"

#define PAGE_SIZE 500
#define RETRY_MS 1000

/* What the store's thread hands to the loop: a page of a list, or one event of the watch. */
struct delivery {
    struct loop_event event;
    struct informer *informer;
    enum { DELIVERY_PAGE, DELIVERY_EVENT } what;
    enum store_event_type type;
    struct document *documents; /* whose texts are in `texts` */
    size_t len;
    char *texts;
    size_t bytes; /* of an event's texts */
    char *resource_version, *continue_token;
    struct err *err;
};

struct informer {
    struct store *store;
    struct loop *loop;
    enum object_kind kind;
    char *namespace;
    struct selector selector;
    struct informer_handler handler;
    struct store_watch *watch;
    struct loop_timer retry;
    struct map known;  /* "namespace/name" -> uid (owned), of all objects reported */
    struct map listed; /* the same, of the list that is being read */
    int64_t listed_ms; /* mono, when the last list was complete */
    bool listing;      /* the watch tells what there is */
    bool follows;      /* nothing is left to be listed */
    bool
        overrun; /* the watch was faster than the loop: no more of it is taken; the store's thread */
    bool synced, stopped;
    int in_flight;        /* deliveries posted or lists asked for */
    size_t untaken_bytes; /* of events that are posted */
};

static const char *add_text(char **at, const char *text, size_t len)
{
    char *copy = *at;
    if (len)
        memcpy(copy, text, len);
    *at += len + 1; /* its end is there: the memory was zeroed */
    return copy;
}

static size_t text_bytes(const struct document *document)
{
    return strlen(document->namespace) + strlen(document->name) + strlen(document->uid) +
           strlen(document->resource_version) + document->json_len + 5;
}

static size_t texts_bytes(const struct document *documents, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += text_bytes(&documents[i]);
    return bytes;
}

/* Copies @count documents into @delivery, all texts into one piece of memory. */
static void own_documents(struct delivery *delivery, const struct document *documents, size_t count)
{
    delivery->documents = mem_alloc(count * sizeof(*documents));
    delivery->len = count;
    delivery->texts = mem_alloc(texts_bytes(documents, count));
    char *at = delivery->texts;
    for (size_t i = 0; i < count; i++) {
        const struct document *from = &documents[i];
        delivery->documents[i] = (struct document){
            .kind = from->kind,
            .namespace = add_text(&at, from->namespace, strlen(from->namespace)),
            .name = add_text(&at, from->name, strlen(from->name)),
            .uid = add_text(&at, from->uid, strlen(from->uid)),
            .resource_version =
                add_text(&at, from->resource_version, strlen(from->resource_version)),
            .json = add_text(&at, from->json, from->json_len),
            .json_len = from->json_len,
        };
    }
}

static void free_delivery(struct delivery *delivery)
{
    mem_free(delivery->documents);
    mem_free(delivery->texts);
    mem_free(delivery->resource_version);
    mem_free(delivery->continue_token);
    err_free(delivery->err);
    mem_free(delivery);
}

static void free_known(struct map *known)
{
    for (size_t i = 0; i < known->len; i++)
        mem_free(known->entries[i].value);
    map_done(known);
}

static void remember(struct map *known, const struct document *document)
{
    AUTO_FREE char *key = object_key(document->namespace, document->name);
    if (!str_eq(map_get(known, key), document->uid))
        mem_free(map_put(known, key, mem_strdup(document->uid)));
}

static void forget(struct map *known, const struct document *document)
{
    AUTO_FREE char *key = object_key(document->namespace, document->name);
    mem_free(map_remove(known, key));
}

/* A list that was not read to its end: what it told is known all the same, and is missed where the next one does not. */
static void give_up_list(struct informer *informer)
{
    for (size_t i = 0; i < informer->listed.len; i++) {
        struct map_entry *entry = &informer->listed.entries[i];
        mem_free(map_put(&informer->known, entry->key, TAKE(entry->value)));
    }
    free_known(&informer->listed);
    informer->listing = false;
}

static void release(struct informer *informer)
{
    if (!informer->stopped || informer->in_flight)
        return;
    free_known(&informer->known);
    free_known(&informer->listed);
    mem_free(informer->namespace);
    selector_done(&informer->selector);
    mem_free(informer);
}

/* NULL: all; then the store need not look at labels. */
static const struct selector *selector_of(const struct informer *informer)
{
    return informer->selector.len ? &informer->selector : NULL;
}

static void on_watch_event(void *user, enum store_event_type type, const struct document *document);

static void watch_from(struct informer *informer, const char *resource_version)
{
    struct store_query query = {.kind = informer->kind,
                                .namespace = informer->namespace,
                                .selector = selector_of(informer)};
    informer->overrun = false;
    informer->watch =
        store_watch(informer->store, &query, resource_version, on_watch_event, informer);
}

/* By the watch itself, or in pages where the store says that it can't. */
static void start_list(struct informer *informer)
{
    informer->listing = true;
    watch_from(informer, NULL);
}

static void on_retry(struct loop_timer *timer)
{
    start_list(CONTAINER_OF(timer, struct informer, retry));
}

/* Objects that were known and are not in the new list went while nobody watched. */
static void report_vanished(struct informer *informer)
{
    for (size_t i = 0; i < informer->known.len; i++) {
        const struct map_entry *entry = &informer->known.entries[i];
        const char *uid = map_get(&informer->listed, entry->key);
        if (uid && str_eq(uid, entry->value))
            continue;
        const char *slash = entry->key;
        while (*slash != '/')
            slash++;
        AUTO_FREE char *namespace = mem_strndup(entry->key, (size_t)(slash - entry->key));
        struct document gone = {.kind = informer->kind,
                                .namespace = namespace,
                                .name = slash + 1,
                                .uid = entry->value,
                                .json = "{}",
                                .json_len = 2};
        if (!uid)
            informer->handler.on_change(informer->handler.user, &gone, true);
    }
    free_known(&informer->known);
    informer->known = informer->listed;
    informer->listed = (struct map){0};
}

static void tell_version(struct informer *informer, const char *resource_version)
{
    if (informer->handler.on_version)
        informer->handler.on_version(informer->handler.user, informer->kind, resource_version);
}

static void end_list(struct informer *informer, const char *resource_version)
{
    informer->listed_ms = loop_now_ms(informer->loop);
    informer->follows = true;
    report_vanished(informer);
    if (!informer->synced) {
        informer->synced = true;
        informer->handler.on_synced(informer->handler.user);
    }
    tell_version(informer, resource_version);
}

static void ask_page(struct informer *informer, const char *continue_token);

static void take_page(struct informer *informer, struct delivery *delivery)
{
    if (delivery->err) {
        informer->handler.on_error(informer->handler.user, informer->kind, delivery->err);
        give_up_list(informer);
        loop_timer_start(informer->loop, &informer->retry, loop_now_ms(informer->loop) + RETRY_MS);
        return;
    }
    for (size_t i = 0; i < delivery->len; i++) {
        remember(&informer->listed, &delivery->documents[i]);
        informer->handler.on_change(informer->handler.user, &delivery->documents[i], false);
    }
    if (delivery->continue_token) {
        ask_page(informer, delivery->continue_token);
        return;
    }
    watch_from(informer, delivery->resource_version);
    end_list(informer, delivery->resource_version);
}

/* At once, but not again and again where the version of a fresh list is refused. */
static void list_again(struct informer *informer)
{
    int64_t now_ms = loop_now_ms(informer->loop);
    if (now_ms - informer->listed_ms >= RETRY_MS)
        start_list(informer);
    else
        loop_timer_start(informer->loop, &informer->retry, informer->listed_ms + RETRY_MS);
}

static void take_expired(struct informer *informer)
{
    store_watch_stop(informer->store, informer->watch);
    informer->watch = NULL;
    informer->follows = false;
    if (!informer->listing) {
        list_again(informer);
        return;
    }
    give_up_list(informer);
    ask_page(informer, NULL);
}

static void take_event(struct informer *informer, struct delivery *delivery)
{
    const struct document *document = delivery->documents;
    switch (delivery->type) {
    case STORE_ADDED:
    case STORE_MODIFIED:
        remember(informer->listing ? &informer->listed : &informer->known, document);
        informer->handler.on_change(informer->handler.user, document, false);
        break;
    case STORE_DELETED:
        forget(&informer->known, document);
        forget(&informer->listed, document);
        informer->handler.on_change(informer->handler.user, document, true);
        break;
    case STORE_BOOKMARK:
        break;
    case STORE_LISTED:
        informer->listing = false;
        end_list(informer, delivery->resource_version);
        break;
    case STORE_EXPIRED:
        take_expired(informer);
        break;
    }
    if (document && !informer->listing)
        tell_version(informer, document->resource_version);
}

static void on_delivery(struct loop_event *event)
{
    struct delivery *delivery = CONTAINER_OF(event, struct delivery, event);
    struct informer *informer = delivery->informer;
    __atomic_fetch_sub(&informer->in_flight, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&informer->untaken_bytes, delivery->bytes, __ATOMIC_RELAXED);
    if (!informer->stopped && delivery->what == DELIVERY_PAGE)
        take_page(informer, delivery);
    else if (!informer->stopped)
        take_event(informer, delivery);
    free_delivery(delivery);
    release(informer);
}

static void on_page(void *user, const struct store_list *list, const struct err *err)
{
    struct delivery *delivery = user;
    if (err) {
        delivery->err = err_copy(err);
    } else {
        own_documents(delivery, list->items, list->len);
        delivery->resource_version = mem_strdup(list->resource_version);
        delivery->continue_token = mem_strdup(list->continue_token);
    }
    loop_post(delivery->informer->loop, &delivery->event);
}

static struct delivery *delivery_new(struct informer *informer)
{
    struct delivery *delivery = NEW(struct delivery);
    delivery->event.fn = on_delivery;
    delivery->informer = informer;
    __atomic_fetch_add(&informer->in_flight, 1, __ATOMIC_RELAXED);
    return delivery;
}

static void ask_page(struct informer *informer, const char *continue_token)
{
    struct delivery *delivery = delivery_new(informer);
    delivery->what = DELIVERY_PAGE;
    struct store_query query = {.kind = informer->kind,
                                .namespace = informer->namespace,
                                .selector = selector_of(informer),
                                .limit = PAGE_SIZE,
                                .continue_token = continue_token};
    store_list(informer->store, &query, on_page, delivery);
}

/* A store sends as fast as it can: what the loop does not keep up with it reads in pages, which it asks for. */
static bool overruns(struct informer *informer, size_t bytes)
{
    size_t untaken = __atomic_add_fetch(&informer->untaken_bytes, bytes, __ATOMIC_RELAXED);
    informer->overrun = untaken > LIMIT_UNTAKEN_BYTES;
    return informer->overrun;
}

static void on_watch_event(void *user, enum store_event_type type, const struct document *document)
{
    struct informer *informer = user;
    if (informer->overrun)
        return;
    struct delivery *delivery = delivery_new(informer);
    delivery->what = DELIVERY_EVENT;
    delivery->type = type;
    if (document && document->name) { /* a bookmark has none */
        delivery->bytes = text_bytes(document);
        if (overruns(informer, delivery->bytes))
            delivery->type = STORE_EXPIRED;
        else
            own_documents(delivery, document, 1);
    } else if (document) {
        delivery->resource_version = mem_strdup(document->resource_version);
    }
    loop_post(delivery->informer->loop, &delivery->event);
}

struct informer *informer_start(struct store *store, struct loop *loop, enum object_kind kind,
                                const char *namespace, const char *selector,
                                const struct informer_handler *handler)
{
    struct informer *informer = NEW(struct informer);
    informer->store = store;
    informer->loop = loop;
    informer->kind = kind;
    informer->namespace = mem_strdup(namespace);
    int parsed = selector_parse(selector, &informer->selector, NULL);
    ASSERT(parsed == 0);
    informer->handler = *handler;
    loop_timer_init(&informer->retry, on_retry);
    start_list(informer);
    return informer;
}

enum object_kind informer_kind(const struct informer *informer)
{
    return informer->kind;
}

bool informer_follows(const struct informer *informer)
{
    return informer->follows;
}

void informer_stop(struct informer *informer)
{
    informer->stopped = true;
    loop_timer_stop(informer->loop, &informer->retry);
    if (informer->watch)
        store_watch_stop(informer->store, informer->watch);
    informer->watch = NULL;
    release(informer);
}
