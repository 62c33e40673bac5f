/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_FEED_H
#define KOUPLELESS_CLI_FEED_H

#include "clients/cli/cli.h"

/*
 * A feed of changes from one or more watches, read by one thread. A watch that breaks goes on from the
 * last change that was read, and lists again where that is too old; so a feed ends only by an error
 * that trying again doesn't heal.
 */
struct feed;

enum feed_type {
    FEED_RESET, /* what was told of the source is void; all present objects follow */
    FEED_ADDED, /* new, or there when the feed began */
    FEED_CHANGED,
    FEED_GONE,    /* deleted, or no longer selected */
    FEED_SYNCED,  /* all that is there now was told */
    FEED_TIMEOUT, /* nothing until the deadline */
};

struct feed_item {
    enum feed_type type;
    size_t source; /* in the order of feed_add() */
    cJSON *object; /* owned by the reader; NULL but for ADDED, CHANGED, GONE */
};

struct feed *feed_new(struct cli *cli);
void feed_free(struct feed *feed);

/**
 * feed_add() - one more source: the present objects, then each change
 * @name, @selector: only that one, only those; or NULL
 * Return: 0, or -1 with @err where the API has no watch for the kind, or can't be reached.
 */
int feed_add(struct feed *feed, const struct cli_kind *kind, const char *name, const char *selector,
             struct err **err);

/** feed_next() - waits for the next item, until @deadline_ms (monotonic, TIME_NEVER = for ever). */
int feed_next(struct feed *feed, int64_t deadline_ms, struct feed_item *ret, struct err **err);

#endif
