/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_EXECUTION_H
#define ARKLET_SIM_EXECUTION_H

#include <cjson/cJSON.h>

#include "tests/support/arklet-sim/commands.h"
#include "tests/support/arklet-sim/input.h"
#include "tests/support/arklet-sim/operations.h"

/*
 * Carrying out a command that changes modules: one at a time per name and version of the request,
 * refused at once where another holds it; synchronously, or as a record that is asked for later.
 *
 * As in Arklet, an asynchronous command that meets a conflict also frees the other one's lock.
 */

enum execution_kind { EXECUTION_INSTALL, EXECUTION_UNINSTALL, EXECUTION_SWITCH, EXECUTION_BATCH };

/** execution_start() - @input was checked. @command: its name, static. */
void execution_start(struct base *base, enum execution_kind kind, const char *command,
                     const cJSON *input, command_done_fn *done, void *arg);

/** executions_abandon() - nothing that runs will answer: the process is gone. */
void executions_abandon(struct base *base);

#endif
