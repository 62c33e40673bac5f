/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_ANSWERS_H
#define ARKLET_SIM_ANSWERS_H

#include <cjson/cJSON.h>

#include "tests/support/arklet-sim/failure.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * Arklet's envelope: {"baseIdentity", "code", "data", "errorStackTrace", "message"}, each only
 * where it has a value. baseIdentity comes with runtime 2.1.8, on processed commands only.
 */

cJSON *answer_success(const struct base *base, cJSON *data);

/** answer_failed() - FAILED; @data NULL: none. */
cJSON *answer_failed(const struct base *base, cJSON *data, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

cJSON *answer_not_found(void);

/** answer_error() - CMD_PROCESS_INTERNAL_ERROR; @failure stays the caller's. */
cJSON *answer_error(const struct failure *failure);

/** answer_data() - {"code", "message"}: what SOFAArk itself answered; @message is formatted. */
cJSON *answer_data(const char *code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
