/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_COMMANDS_H
#define ARKLET_SIM_COMMANDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "tests/support/arklet-sim/sim.h"

/*
 * Arklet's commands: the checks of their input, the lock per name and version, synchronous and
 * asynchronous execution. What they do is in operations.h.
 */

/** @answer: the envelope, now the callee's. */
typedef void command_done_fn(void *arg, cJSON *answer);

bool command_exists(const struct base *base, const char *command);

/**
 * command_run() - one command that exists
 * @input: the body's object; NULL where the body was empty
 * @done: called once, now or later
 */
void command_run(struct base *base, const char *id, const cJSON *input, command_done_fn *done,
                 void *arg);

#endif
