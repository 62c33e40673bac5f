/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_WATCHES_H
#define KOUPLELESS_CONTROLLER_STORE_WATCHES_H

#include "lib/base/clock.h"
#include "services/controller/store/record.h"

/*
 * One write as the history keeps it.
 *
 * created:  !existed, after
 * modified: existed, after; before only where the labels differ, as an object leaves a selector by
 *           its labels alone
 * deleted:  existed, before
 * All records of a change carry its version.
 */
struct change {
    int64_t version;
    bool existed;
    struct record *before, *after; /* references */
};

void change_done(struct change *change);

/* The watches of a store, and the history that they may begin in. */
struct watches;

/** watches_new() - @version: of the store now; older ones are expired for watchers. Starts a thread. */
struct watches *watches_new(struct clock *clock, int64_t version);
void watches_free(struct watches *watches); /* no watch is left */

/**
 * watches_add() - durable changes, in order; takes the references over
 * @version: of the store after them
 *
 * They are part of the history at once, so a watch may begin at any of their versions, but are
 * delivered only after watches_release(). Store thread.
 */
void watches_add(struct watches *watches, struct change *changes, size_t count, int64_t version);

/** watches_release() - all that was added may be delivered. Store thread. */
void watches_release(struct watches *watches);

/** watches_oldest() - the oldest version that a watch can begin at. Any thread. */
int64_t watches_oldest(struct watches *watches);

/** watches_start() / watches_stop() - as store_watch() and store_watch_stop(). Any thread. */
struct store_watch *watches_start(struct watches *watches, const struct store_query *query,
                                  const char *resource_version, store_event_fn on_event,
                                  void *user);
void watches_stop(struct watches *watches, struct store_watch *watch);

#endif
