/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_PROCESS_H
#define KOUPLELESS_SIM_PROCESS_H

#include "lib/http/client.h"
#include "services/agent/agent.h"
#include "tests/sim/sim_base.h"

/*
 * services/agent as it is, beside the JVM of a simulated base. What it stands on is simulated, and takes its place
 * at link time:
 *
 *   lib/rpc              sim_net.c, and what a server is, here
 *   lib/http             sim_arklet.c: Arklet and the health page
 *   jars.h, worker.h, records_file.h, journal_file.h   sim_disk.c: what is on the disk outlives the agent
 *
 * It is a program of its own: it has a loop, which is turned where something is due there or was posted to it, and it
 * ends from one moment to the next, whatever it is about to do. One invariant is its own:
 *
 *   I11  what it is not to do it refuses; Arklet gets one command at a time; what it says of the end of an operation
 *        is so
 */

struct sim_process {
    struct sim_base *base;
    char *disk;         /* what the agent keeps there: the text of its records, or NULL */
    struct str journal; /* ... and what it was asked to do */
    VEC(struct sim_operation *) asked; /* that agents have to do, until one says how they ended */
    struct list calls;                 /* of struct http_call */
    struct list commands;              /* that Arklet works on, also for an agent that is gone */
    int64_t jvm_ms;                    /* when the JVM began, mono */
    struct loop_timer begin;           /* a life of the agent */
    struct loop_timer crash;           /* ... ends */
    struct sim_life *life;             /* or NULL */
};

/* From a start of the agent to its end. */
struct sim_life {
    struct sim_process *process;
    bool over; /* nothing of it gets out any more */
    struct clock clock;
    int64_t ahead_ms; /* of the world's: what is over ends in a time of its own */
    struct loop *loop;
    struct loop_timer turn;
    struct metrics *metrics;
    struct agent *agent;
    struct rpc_client *client; /* the agent's */
    ProtobufCService door;     /* what the net hands calls to */
    ProtobufCService *service; /* ... and who is behind it */
    int64_t epoch;             /* of the newest controller that it has heard of */
};

/** sim_life_starting() - that of the agent that is being made: what it stands on is not told for whom it is. */
struct sim_life *sim_life_starting(void);

/** sim_life_wake() - something was posted to its loop. */
void sim_life_wake(struct sim_life *life);

/**
 * sim_life_begins() - a command for @module goes to Arklet: the world is told of the operation behind it, once
 * Return: the operation, or NULL: nobody may have asked for it.
 */
const struct sim_operation *sim_life_begins(struct sim_life *life, const char *module);

/* -- sim_arklet.c -- */

void sim_arklet_start(struct sim_process *process);
/** sim_arklet_gone() - the JVM is: whoever waits gets no answer, nothing is worked on. */
void sim_arklet_gone(struct sim_process *process);

/** sim_arklet_hang_up() - calls of the agent end; what Arklet works on goes on. */
void sim_arklet_hang_up(struct sim_process *process);

/* -- sim_disk.c -- */

/** sim_disk_done() - with the pod. */
void sim_disk_done(struct sim_process *process);

#endif
