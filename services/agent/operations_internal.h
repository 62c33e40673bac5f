/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_OPERATIONS_INTERNAL_H
#define KOUPLELESS_AGENT_OPERATIONS_INTERNAL_H

#include "lib/base/map.h"
#include "services/agent/engine/drain.h"
#include "services/agent/engine/next_step.h"
#include "services/agent/operations.h"
#include "services/agent/records.h"

/* Between operations.c (who may run) and execution.c (what one does on the base). */

/* A version that an install in place took away, this one or one before that has not ended well. */
struct removed {
    char *version;
    char *url; /* NULL: not known, it can't be put back */
    char *digest;
};

struct batch {
    size_t preparing; /* members whose jar is not there yet */
    size_t members;
};

struct run {
    struct operation operation; /* what the outside sees */
    struct operations *operations;
    uint64_t sequence;
    int64_t asked_ms; /* mono: how long it took is not told by clocks that are set */
    struct list in_all, in_module, in_ready;
    struct list waiters;
    size_t holds; /* who may still read it: it is not forgotten */
    struct loop_timer timer;
    struct batch *batch; /* or NULL */
    bool prepared;       /* the jar is there, or none is needed */
    bool in_place;
    char *restart; /* or NULL */
    char **args;
    size_t args_len;
    struct jar *jar;

    /* on the base */
    bool executing;     /* it has Arklet's turn */
    int64_t overdue_ms; /* no waiting after this; 0 = not begun */
    bool sent;          /* the command was sent */
    struct jvm_question room;
    bool room_asked;     /* just now */
    bool touched;        /* something was sent: there is no way back */
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
    struct map by_id;
    struct list all;      /* oldest first */
    struct map by_module; /* name -> struct list, the first of it runs */
    struct list ready;    /* wait for Arklet's turn */
    struct run *executing;
    uint64_t sequence;
    size_t running;
    bool stopped;
    struct metric *ended[2][4]; /* failed, succeeded; by type */
    struct metric *durations, *metaspace;
};

/* -- operations.c -- */

/** operations_end() - the operation is over: waiters are told, the next one's turn comes. */
void operations_end(struct run *run);

/** operations_yield() - gives Arklet's turn back and asks for it again after @ms. */
void operations_yield(struct run *run, int64_t ms);

/** operations_give_time() - as much as at its beginning. */
void operations_give_time(struct run *run);

/* -- execution.c -- */

/** execution_init() - of what is embedded in @run. */
void execution_init(struct run *run);

/** execution_continue() - it is @run's turn: ask Arklet what is there, and take the next step. */
void execution_continue(struct run *run);

#endif
