/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_SWARM_H
#define KOUPLELESS_SIM_SWARM_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Many seeds on all processors: each worker is a process of its own, so that one that crashes costs its seed
 * and no other.
 */
struct swarm_options {
    const char *what; /* is counted: "seeds" */
    uint64_t from, count;
    int jobs;
    /* Runs in a worker; says by itself what went wrong. Return: whether all went well. */
    bool (*run)(void *user, uint64_t seed);
    void *user;
};

/** swarm_run() - shows how far it is, and the seeds that fail. Return: how many did. */
uint64_t swarm_run(const struct swarm_options *options);

#endif
