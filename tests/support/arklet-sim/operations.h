/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_OPERATIONS_H
#define ARKLET_SIM_OPERATIONS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "tests/support/arklet-sim/failure.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * What SOFAArk does below Arklet's commands: install, uninstall, switch. Each takes as long as the
 * module's manifest and the options say, and then calls back once; nothing here waits or locks.
 */

/**
 * @data: what the envelope's data becomes, or NULL; now the callee's
 * @failure: what was thrown (then @data is NULL), or NULL; stays the caller's
 */
typedef void operation_done_fn(void *arg, cJSON *data, const struct failure *failure);

struct install_request {
    const char *url;
    const char *name; /* asked for; used for the folder, and for what replace removes */
    const char *version;
    bool replace; /* uninstallThenInstall */
};

void operation_install(struct base *base, const struct install_request *request,
                       operation_done_fn *done, void *arg);
void operation_uninstall(struct base *base, const char *name, const char *version,
                         operation_done_fn *done, void *arg);
void operation_switch(struct base *base, const char *name, const char *version,
                      operation_done_fn *done, void *arg);

/** operations_abandon() - everything that runs ends without a word: the process is gone. */
void operations_abandon(struct base *base);

#endif
