/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_OPERATIONS_H
#define KOUPLELESS_AGENT_OPERATIONS_H

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "services/agent/arklet.h"
#include "services/agent/jars.h"
#include "services/agent/jvm.h"

/*
 * Operations on the modules of the base. One is known by its id, outlives its caller, and asking for it
 * again finds it. Operations on one module run one after the other, in the order they came, but for
 * prefetches, which touch no module, and for those of a replay, which do not wait for what still waits for jars. Jars
 * are fetched side by side, but Arklet gets one command at a time: each holds one of its event loops until the module
 * has started, so the others stay free for questions. Everything here belongs to the loop thread.
 */
enum operation_type {
    OPERATION_INSTALL,
    OPERATION_UNINSTALL,
    OPERATION_SWITCH,
    OPERATION_PREFETCH
};

const char *operation_type_name(enum operation_type type); /* "install" */

enum operation_state {
    OPERATION_PENDING,
    OPERATION_DOWNLOADING,
    OPERATION_VERIFYING,
    OPERATION_EXECUTING,
    OPERATION_CHECKING,
    OPERATION_SUCCEEDED,
    OPERATION_FAILED,
};

/* What is asked for. Strings are borrowed for the call. */
struct operation_request {
    const char *id; /* NULL or "": one is made up */
    enum operation_type type;
    struct module_spec module; /* name, version; installs and prefetches also url, md5, sha256 */
    bool in_place;             /* install: all other versions of the module go first */
    const char *restart;       /* in place: a wish to have it installed again, once; NULL: none */
    struct json_strings args;  /* for the module's main */
    /* Install: it is to be there, and its JVM has gone (replay.h). Its record stays where this fails, the journal has
     * nothing of it, and in a batch the others wait for its jar for REPLAY_PATIENCE_MS at most. */
    bool replay;
};

#define REPLAY_PATIENCE_MS 5000

struct operation {
    char *id;
    enum operation_type type;
    struct module_spec module;
    enum operation_state state;
    struct failure failure;   /* once FAILED */
    bool restored;            /* what an install in place removed runs again */
    int64_t start_ms, end_ms; /* wall; end 0 while it runs */
    int64_t ended_mono_ms;    /* the end; where an agent before this one saw it, 0 */
    int64_t execution_ms;     /* inside Arklet */
    char *digest;             /* sha256 of the jar, or NULL */
    int64_t metaspace_bytes;
    bool url_passed_through;
    struct jars_progress progress; /* of the download; read by jars_progress_now() */
};

struct operations;
struct records;

struct operations_options {
    struct loop *loop;
    struct arklet *arklet;
    struct jars *jars;
    struct jvm *jvm; /* whether it takes installs */
    struct worker *worker;
    struct log *log;
    struct metrics *metrics;
    int64_t install_ms, query_ms; /* how long Arklet may take for a change, for an answer */
    int64_t requests_ms;          /* how long an uninstall waits for requests under way; 0: not */
    /* Whose operations they are, for those that are started anew; borrowed for the call. */
    const char *agent;
    void (*on_change)(void *user); /* an operation began or ended to work on the base */
    /* Operations have begun, have got into another state, or have ended since the last time; each once. */
    void (*on_operations)(void *user, const struct operation *const *operations, size_t count);
    void *user;
};

/**
 * operations_new() - knows what the agent before this one in the same directory was asked to do (journal.h)
 * @out: operations_free() also after a failure
 * ERR_PRECONDITION: another agent has the directory; it would take this one's jars away.
 */
int operations_new(struct operations **out, const struct operations_options *options,
                   struct err **err);
/** operations_close() - nothing is begun or ended any more: what the worker and the jars still say comes too late. */
void operations_close(struct operations *operations);
void operations_free(struct operations *operations); /* after http client and worker ended */

/**
 * operations_start() - begin @count operations, or find them by their ids
 * @ret: @count operations; borrowed, valid until the loop's next event unless they are held
 *
 * Several at once are a batch: installs begin when all jars are there, those of lower priority first.
 * ERR_INVALID: an id that stands for another operation, or a wrong field. ERR_LIMIT: too many run.
 * ERR_UNAVAILABLE: the agent stops. Then none is begun.
 */
int operations_start(struct operations *operations, const struct operation_request *requests,
                     size_t count, const struct operation **ret, struct err **err);

/**
 * operations_resume() - what was not over when the agent before this one ended goes on; once
 *
 * Each asks the base first. Those of a replay are not among them: nothing was written down of them.
 */
void operations_resume(struct operations *operations);

/** operations_flush() - @fn when an agent that is started anew would know what was begun so far; mostly at once. */
void operations_flush(struct operations *operations, void (*fn)(void *user), void *user);

/** operations_batch_error() - adds to @err, and to its field, that it is about member @i of a batch. Return: -1. */
int operations_batch_error(size_t i, struct err **err);

/** operations_get() - by id, or NULL. */
const struct operation *operations_get(const struct operations *operations, const char *id);

/**
 * operations_next() - those that are remembered, oldest first
 * @before: the one before; NULL: the first
 * Return: NULL at the end.
 */
const struct operation *operations_next(const struct operations *operations,
                                        const struct operation *before);

/** operations_hold() / operations_release() - @operation is not forgotten in between, ended or not. */
void operations_hold(const struct operation *operation);
void operations_release(const struct operation *operation);

bool operation_ended(const struct operation *operation);

/* Somebody who waits; embedded in the caller's struct. */
struct operation_waiter {
    struct list node;
    struct loop_timer timer;
    const struct operation *operation;
    void (*fn)(struct operation_waiter *waiter, const struct operation *operation);
};

typedef void (*operation_wait_fn)(struct operation_waiter *waiter,
                                  const struct operation *operation);

/**
 * operations_wait() - @fn once: at the end of @operation, or after @wait_ms; at once where it has ended
 * @operation: held by the caller
 * @wait_ms: TIME_NEVER: no limit
 */
void operations_wait(struct operations *operations, const struct operation *operation,
                     int64_t wait_ms, operation_wait_fn fn, struct operation_waiter *waiter);

/** operations_busy() - whether one of them works on the base now. */
bool operations_busy(const struct operations *operations);

/** operations_executing() - which one, or NULL; borrowed until the loop's next event. */
const struct operation *operations_executing(const struct operations *operations);

/** operations_digest() - sha256 of the jar that a module was installed from by an agent here, or NULL. */
const char *operations_digest(const struct operations *operations, const char *name,
                              const char *version);

/** operations_records() - where the modules on the base came from. */
struct records *operations_records(struct operations *operations);

/** operations_sequence() - how many were begun so far. */
uint64_t operations_sequence(const struct operations *operations);

/** operations_idle() - whether none runs, or waits for something. */
bool operations_idle(const struct operations *operations);

/**
 * operations_took_off() - whether one that was begun after @sequence, and has not failed, takes off @version of
 * module @name: an uninstall, or an install in place of another version
 */
bool operations_took_off(const struct operations *operations, uint64_t sequence, const char *name,
                         const char *version);

/** operations_takes_off() - whether one of those that have not ended takes it off. */
bool operations_takes_off(const struct operations *operations, const char *name,
                          const char *version);

/** operations_epoch() - of the newest controller that has asked for one; 0 = none. */
int64_t operations_epoch(const struct operations *operations);
void operations_set_epoch(struct operations *operations, int64_t epoch);

/**
 * operations_stop() - take no new ones; what Arklet works on goes on
 *
 * Those that wait their turn are left to an agent that is started anew; where it would not know of them they fail.
 */
void operations_stop(struct operations *operations);

#endif
