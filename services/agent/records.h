/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_RECORDS_H
#define KOUPLELESS_AGENT_RECORDS_H

#include "lib/base/map.h"
#include "services/agent/worker.h"

/*
 * Where the modules on the base came from, so that an old version can be put back. Kept in a file beside
 * the jars, where they are kept: it outlives the agent. Loop thread.
 */
struct records;

struct record {
    char *url;     /* as Arklet got it */
    char *digest;  /* sha256 */
    char *restart; /* the wish to have it installed again that was fulfilled by that, or NULL */
};

void record_free(struct record *record);
/** record_put() - a copy of @from into @map, by the @identity of its module, in the place of what was there. */
void record_put(struct map *map, const char *identity, const struct record *from);

/** records_new() - @dir: NULL = memory only. What can't be read is forgotten: it is a help, not the truth. */
struct records *records_new(struct worker *worker, const char *dir);
void records_free(struct records *records);

/** records_get() - or NULL; @digest is NULL of a module that somebody else installed. */
const struct record *records_get(const struct records *records, const char *name,
                                 const char *version);
/** records_put() - @record: copied. */
void records_put(struct records *records, const char *name, const char *version,
                 const struct record *record);
void records_remove(struct records *records, const char *name, const char *version);

/*
 * What an install in place has taken away and not replaced yet: whoever ends that install, maybe an agent
 * started later, knows from it what to put back.
 */
void records_put_removed(struct records *records, const char *name, const char *version,
                         const struct record *record);

/** records_next_removed() - of the versions of @name, in no order; @at begins as 0. Return: NULL at the end. */
const struct record *records_next_removed(const struct records *records, const char *name,
                                          size_t *at, const char **ret_version);

/** records_forget_removed() - all versions of @name. */
void records_forget_removed(struct records *records, const char *name);

/** records_flush() - @done on the loop when all of the above is in the file; at once where there is none. */
void records_flush(struct records *records, void (*done)(void *user), void *user);

/** records_each_digest() - of all of the above; some are there twice. */
void records_each_digest(const struct records *records, void (*fn)(void *user, const char *digest),
                         void *user);

#endif
