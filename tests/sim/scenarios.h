/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_SCENARIOS_H
#define KOUPLELESS_SIM_SCENARIOS_H

#include "tests/sim/world.h"

/*
 * Stories with names: what users and bases do is told, one thing after the other. Each has to come about in a world where
 * all is well, and where one call of a program, whichever it is, fails (torture.h).
 */
struct scenario {
    const char *name, *about;
    int bases;
    /* In a world with that many bases, without faults of its own. */
    void (*run)(struct world *world);
    bool standby; /* a second controller stands by */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/** scenario_find() - or NULL. */
const struct scenario *scenario_find(const char *name);

/** scenario_run() - a world of its own; whether all went well, world->broken tells. Freed by world_free(). */
struct world *scenario_run(const struct scenario *scenario, const struct world_options *options);

#endif
