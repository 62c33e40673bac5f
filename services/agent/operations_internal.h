/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_OPERATIONS_INTERNAL_H
#define KOUPLELESS_AGENT_OPERATIONS_INTERNAL_H

#include "lib/base/map.h"
#include "services/agent/engine/drain.h"
#include "services/agent/engine/next_step.h"
#include "services/agent/journal.h"
#include "services/agent/operations.h"
#include "services/agent/records.h"

/*
 * Between operations.c (who may run), operations_check.c (who may begin), batch.c, recall.c (what outlives the agent) and
 * execution.c (what one does on the base).
 */

/* A version that an install in place took away, this one or one before that has not ended well. */
struct removed {
    char *version;
    struct record *record; /* NULL: where it came from is not known, it can't be put back */
};

struct batch {
    struct operations *operations;
    size_t preparing; /* members whose jar is not there yet; 0: nobody waits for them any more */
    size_t members;
    struct loop_timer patience;
};

struct run {
    struct operation operation; /* what the outside sees */
    struct operations *operations;
    uint64_t sequence;
    int64_t asked_ms; /* mono: how long it took is not told by clocks that are set */
    struct list in_all, in_module, in_ready, in_changed;
    bool ending; /* how it ended is on its way to the journal */
    enum operation_state outcome;
    struct list waiters;
    size_t holds; /* who may still read it: it is not forgotten */
    struct loop_timer timer;
    struct batch *batch; /* or NULL */
    char *batch_id;      /* id of its first member, or NULL */
    bool prepared;       /* the jar is there, or none is needed */
    bool passed;         /* a replay goes before it: it does not go on to Arklet meanwhile */
    bool in_place, replay;
    bool resumed;  /* an agent before this one has begun it, and the base was not there since */
    char *restart; /* or NULL */
    struct json_strings args;
    struct jar *jar;

    /* on the base */
    bool executing;     /* it has Arklet's turn */
    int64_t overdue_ms; /* no waiting after this; 0 = not begun */
    bool sent;          /* the command was sent */
    struct jvm_question room;
    bool room_open;  /* it is asked now */
    bool room_asked; /* just now */
    bool looked;     /* at what is there, once at least */
    bool list_open;  /* that is asked now */
    bool listed;     /* it was told, but room_open: in one of these two */
    struct biz_list modules;
    struct err *unlisted;
    bool touched;        /* a change was sent: from then on room is not asked for */
    char *no_room;       /* why the base takes no installs, or NULL */
    struct failure last; /* of the last command */
    char *uninstalled;   /* the version that an uninstall was sent for last, until it is gone */
    int silent, refused; /* questions without an answer since the last one; closed ports in a row */
    int64_t command_ms;  /* when the command that runs was sent */
    bool recalled;       /* what installs before took away is in removed */
    char *draining;      /* the version of which requests under way are waited for, or NULL */
    struct drain drain;  /* of that */
    VEC(struct removed) removed;
    size_t restoring;        /* of removed, index + 1 of the one that comes back; 0 = none */
    struct failure original; /* of the install, while restoring */
};

struct operations {
    struct operations_options options;
    struct records *records;
    struct journal *journal;
    struct map by_id;
    struct list all;      /* oldest first */
    struct map by_module; /* name -> struct list, the first of it runs */
    struct list ready;    /* wait for Arklet's turn */
    struct list changed;  /* to be told by options.on_operations() */
    struct loop_timer tell;
    struct run *executing;
    uint64_t sequence;
    size_t running;
    bool stopped, closed;
    int64_t epoch, epoch_ms;    /* when it was first heard, wall */
    struct metric *ended[2][4]; /* failed, succeeded; by type */
    struct metric *durations, *metaspace;
};

/* -- operations.c -- */

/** operations_add() - a run of @request, which is not known yet; nothing begins. */
struct run *operations_add(struct operations *operations, const struct operation_request *request);

/** operations_enqueue() - behind the others of its module; the first one begins. */
void operations_enqueue(struct run *run);

/** operations_remove() - forgets one that has ended. */
void operations_remove(struct run *run);

/** operations_give_turn() - to who goes next of those that wait for Arklet, where it is free. */
void operations_give_turn(struct operations *operations);

/** operations_set_state() - for one that goes on: whoever watches is told. */
void operations_set_state(struct run *run, enum operation_state state);

/**
 * operations_end() - the operation is over
 *
 * Once that is in the journal waiters are told, and the next one's turn comes: who was told of an end is never told another.
 */
void operations_end(struct run *run, enum operation_state outcome);

/** operations_yield() - gives Arklet's turn back and asks for it again after @ms. */
void operations_yield(struct run *run, int64_t ms);

/** operations_give_time() - as much as at its beginning. */
void operations_give_time(struct run *run);

/* -- operations_check.c -- */

/** operations_check() - whether operations_start() may begin them, or knows them. Errors as there. */
int operations_check(const struct operations *operations, const struct operation_request *requests,
                     size_t count, struct err **err);

/* -- recall.c -- */

/** recall_open() - opens the journal and knows what is in it. Errors as of journal_new(). */
int recall_open(struct operations *operations, struct err **err);

/** recall_accepted() / recall_ended() / recall_epoch() - write it down. */
void recall_accepted(const struct run *run);
void recall_ended(const struct run *run);
void recall_epoch(const struct operations *operations);

/* -- batch.c -- */

/** batch_new() - of no members yet. @patient: it waits for all jars, however long; else not for long. */
struct batch *batch_new(struct operations *operations, bool patient);

/** batch_join() - @batch gets one more member, which has not begun. */
void batch_join(struct batch *batch, struct run *run);

/** batch_make() - of @count that have not begun, 2 or more. */
void batch_make(struct run **members, size_t count);

/** batch_member_ready() - the jar of @run, which may be in no batch, is there, or it has failed: may it go on? */
void batch_member_ready(struct run *run);

/** batch_member_first() - @run was passed, and is the first of its module again. */
void batch_member_first(struct run *run);

/** batch_waits() - whether @run waits for a jar, its own or one of its batch. */
bool batch_waits(const struct run *run);

/** batch_leave() - @run is over; the last member takes the batch along. */
void batch_leave(struct run *run);

/* -- execution.c -- */

/** execution_init() - of what is embedded in @run. */
void execution_init(struct run *run);

/** execution_continue() - it is @run's turn: ask Arklet what is there, and take the next step. */
void execution_continue(struct run *run);

#endif
