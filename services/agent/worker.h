/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_WORKER_H
#define KOUPLELESS_AGENT_WORKER_H

#include "lib/base/list.h"
#include "lib/ctl/loop.h"

/*
 * One thread for work on files, so that the loop never waits for a disk. Jobs run one after the other,
 * in the order they were given.
 */
struct worker;

/* Embedded in the caller's struct; work() runs on the worker, then done() on the loop. */
struct worker_job {
    void (*work)(struct worker_job *job);
    void (*done)(struct worker_job *job);
    struct list node;
    struct loop_event event;
};

struct worker *worker_new(struct loop *loop);
void worker_free(struct worker *worker); /* runs what was given; their done() still comes */

/** worker_start() - loop thread. */
void worker_start(struct worker *worker, struct worker_job *job);

/** worker_flush() - @done on the loop when all jobs that were given before have run, and their done() too. Loop thread. */
void worker_flush(struct worker *worker, void (*done)(void *user), void *user);

#endif
