/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_RECORDS_H
#define KOUPLELESS_AGENT_RECORDS_H

#include "lib/base/log.h"
#include "services/agent/engine/arklet_answer.h"
#include "services/agent/engine/record.h"
#include "services/agent/engine/trials.h"
#include "services/agent/worker.h"

/*
 * Where the modules on the base came from, so that an old version can be put back, and all of them after a
 * restart of the JVM; and what the base died of. Kept in a file beside the jars, where they are kept: it outlives
 * the agent. All of it is a line that is appended, now and then the file is written anew. Loop thread.
 */
struct records;

struct records_options {
    struct worker *worker;
    struct log *log;
    const char *dir; /* NULL = memory only */
    /* Whose they are. Those of another base are not taken: its modules would be put here. */
    const char *agent;
};

/**
 * records_new() - what an agent before this one has left in the directory; texts of @options are borrowed for the call
 *
 * What can't be read is forgotten: it is a help, not the truth. So what can't be written costs the memory, not the operation.
 */
struct records *records_new(const struct records_options *options);
void records_free(struct records *records); /* after the worker ended */

/** records_get() - or NULL; @digest is NULL of a module that somebody else installed. */
const struct record *records_get(const struct records *records, const char *name,
                                 const char *version);
/** records_put() - @record: copied. */
void records_put(struct records *records, const char *name, const char *version,
                 const struct record *record);
void records_remove(struct records *records, const char *name, const char *version);
/** records_lose() - it should be there, and did not come back. */
void records_lose(struct records *records, const char *name, const char *version);

/** records_next() - of all modules, in no order; @at begins as 0. Return: NULL at the end. */
const struct record *records_next(const struct records *records, size_t *at,
                                  const char **ret_identity);

/*
 * What an install in place has taken away and not replaced yet: whoever ends that install, maybe an agent
 * started later, knows from it what to put back.
 */
void records_put_removed(struct records *records, const char *name, const char *version,
                         const struct record *record);

/** records_next_removed() - of the versions of @name, in no order; @at begins as 0. Return: NULL at the end. */
const struct record *records_next_removed(const struct records *records, const char *name,
                                          size_t *at, const char **ret_version);

/** records_next_of_removed() - of all of these, as records_next(). */
const struct record *records_next_of_removed(const struct records *records, size_t *at,
                                             const char **ret_identity);

/** records_forget_removed() - all versions of @name. */
void records_forget_removed(struct records *records, const char *name);

/* -- what the base shows -- */

/**
 * records_meet() - @jvm (watcher.h) is on the base; where it is another one all modules are lost, and what was on trial
 * counts (engine/trials.h)
 */
enum jvm_met records_meet(struct records *records, const char *jvm, int64_t now_ms);

/**
 * records_see() - @modules are there: none of them is lost
 * @quiet: nothing was done since before they were asked for, and all that was lost is back or given up: what is not
 * there was taken off by somebody else, and is not to come back. Which version is active counts then, too.
 */
void records_see(struct records *records, const struct biz_list *modules, bool quiet);

/** records_any_lost() - whether one went with a JVM before this one, and is not back. */
bool records_any_lost(const struct records *records);

/** records_forget_lost() - those of them that @goes says so of. */
void records_forget_lost(struct records *records, bool (*goes)(void *user, const char *identity),
                         void *user);

/* -- trials: engine/trials.h -- */

/**
 * records_try() - records_put() of what is about to be installed, which is on trial where its digest is known; before
 * the command goes out, and before records_flush()
 */
void records_try(struct records *records, const char *name, const char *version,
                 const struct record *record);
void records_tried(struct records *records, const char *name, const char *version, int64_t now_ms);
/** records_lived() - the JVM is there still. @busy: a command is out; where none is, what ran is over. */
void records_lived(struct records *records, bool busy, int64_t now_ms);
/** records_forgive() - it was uninstalled. */
void records_forgive(struct records *records, const char *name, const char *version);
const struct trials *records_trials(const struct records *records);

/**
 * records_flush() - @done on the loop when all of the above, and the journal so far, is in the files; at once where
 * there are none.
 */
void records_flush(struct records *records, void (*done)(void *user), void *user);

/** records_each_digest() - of all of the above; some are there twice. */
void records_each_digest(const struct records *records, void (*fn)(void *user, const char *digest),
                         void *user);

#endif
