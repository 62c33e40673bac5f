/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_EVENT_LEDGER_H
#define KOUPLELESS_CONTROLLER_ENGINE_EVENT_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/map.h"

/*
 * Which events there are: the same thing happening again is counted, not told anew, its count is written
 * now and then, and what is old is forgotten, so that a store of our own does not grow for ever. (An API
 * server forgets events by itself.)
 */
#define EVENT_LIFE_MS (60 * 60 * 1000) /* as the API server's default */
#define EVENT_WRITE_EVERY_MS 1000      /* the count of one event is written so often at most */

struct event_ledger {
    struct map entries; /* name of the Event -> struct event_entry */
};

struct event_entry {
    char *namespace, *name;
    int32_t count;
    int32_t written;    /* the count that was written; 0: the Event is not there yet */
    bool found;         /* event_ledger_learn() was told of it */
    char *document;     /* as it would be made anew, while its count is to be written; owned */
    int64_t last_ms;    /* wall: to be shown only, as clocks are set */
    int64_t seen_ms;    /* mono: when it happened last */
    int64_t written_ms; /* mono */
};

/** event_name() - of the Event about an object: the same for the same object, reason and message. Owned. */
char *event_name(const char *involved_name, const char *involved_uid, const char *reason,
                 const char *message);

/** event_ledger_note() - it happens once more, now: @wall_ms, @now_ms (mono). Return: its entry, borrowed. */
struct event_entry *event_ledger_note(struct event_ledger *ledger, const char *namespace,
                                      const char *name, int64_t wall_ms, int64_t now_ms);

/**
 * event_ledger_learn() - it is stored, by an earlier life: it happened so many @times, the last time at @last_ms (wall)
 *
 * How long that is ago the clock tells, which may have been set since: not in the future, and EVENT_LIFE_MS at most.
 * Told again it counts once. Return: its entry, borrowed.
 */
struct event_entry *event_ledger_learn(struct event_ledger *ledger, const char *namespace,
                                       const char *name, int32_t times, int64_t last_ms,
                                       int64_t wall_ms, int64_t now_ms);

/** event_entry_wrote() - its count is written at @now_ms (mono). */
void event_entry_wrote(struct event_entry *entry, int64_t now_ms);

/** event_entry_due_ms() - when its count is to be written, mono; INT64_MAX: what is written is right. */
int64_t event_entry_due_ms(const struct event_entry *entry);

/**
 * event_ledger_expire() - take one entry out that is to be forgotten at @now_ms (mono)
 *
 * Older than EVENT_LIFE_MS; or the oldest one while there are more than @max.
 * Return: owned, event_entry_free(); NULL where all may stay.
 */
struct event_entry *event_ledger_expire(struct event_ledger *ledger, int64_t now_ms, size_t max);

void event_entry_free(struct event_entry *entry);
void event_ledger_done(struct event_ledger *ledger);

#endif
