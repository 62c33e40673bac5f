/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_CONFORMANCE_CALLS_H
#define KOUPLELESS_CONTROLLER_STORE_CONFORMANCE_CALLS_H

#include <pthread.h>

#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "services/controller/store/store.h"

/* A store for tests that want to wait: blocking calls, and a watch that collects its events. */

/* How long a test waits for what must come; only a watchdog. */
#define CALL_WATCHDOG_S 60

/* The outcome of one call. */
struct answer {
    struct err *err; /* or: */
    cJSON *object;
    char *resource_version, *uid;
};

void answer_done(struct answer *answer);
/* Some are only made to be there, hence "unused". */
#define AUTO_ANSWER AUTO(answer_done) __attribute__((unused))

/** answer_is() - whether the call was refused with @code. */
bool answer_is(const struct answer *answer, enum err_code code);

/** answer_string() / answer_number() - value at a dotted path of the object; NULL, -1 = there is none. */
const char *answer_string(const struct answer *answer, const char *path);
int answer_number(const struct answer *answer, const char *path);

struct answer call_create(struct store *store, enum object_kind kind, const char *json);
struct answer call_get(struct store *store, const struct store_key *key);
struct answer call_patch(struct store *store, const struct store_key *key, enum store_part part,
                         const char *merge_patch, const char *resource_version);
struct answer call_remove(struct store *store, const struct store_key *key, const char *uid,
                          const char *resource_version);

struct listing {
    struct err *err; /* or: */
    char *names;     /* "a/x a/y b/x": namespace/name, in the order of the answer */
    char *resource_version, *continue_token;
};

void listing_done(struct listing *listing);
#define AUTO_LISTING AUTO(listing_done)

struct listing call_list(struct store *store, const struct store_query *query);

/* A watch whose events are kept. */
struct watcher {
    struct store *store;
    struct store_watch *watch;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        struct watched {
            enum store_event_type type;
            char *name, *resource_version;
            cJSON *object;
        } * items;
        size_t len, cap;
    } events;
    bool held;        /* the callback doesn't return */
    size_t bookmarks; /* not among the events */
    char *bookmark;   /* version of the last */
};

void watcher_start(struct watcher *watcher, struct store *store, const struct store_query *query,
                   const char *resource_version);
void watcher_stop(struct watcher *watcher);
#define AUTO_WATCHER AUTO(watcher_stop)

/** watcher_hold() - the next callback blocks until it is called with false. */
void watcher_hold(struct watcher *watcher, bool held);

/** watcher_wait() - until @count events are there. Return: all so far as text, "ADDED a, DELETED a"; owned. */
char *watcher_wait(struct watcher *watcher, size_t count);

/** watcher_wait_bookmarks() - until @count bookmarks are there. */
void watcher_wait_bookmarks(struct watcher *watcher, size_t count);

#endif
