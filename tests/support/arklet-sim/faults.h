/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_FAULTS_H
#define ARKLET_SIM_FAULTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * What can be made to go wrong while the simulator runs. Faults of Arklet meet the next calls of
 * one command or of any; faults of the actuator meet the next health pages.
 */

/*
 * refuse       Arklet's port is closed: connection refused
 * hang         the request is read; nothing is done, nothing answered
 * drop         the connection ends; nothing is done
 * lost-answer  the command is carried out; the connection ends without an answer
 * slow         the answer comes `ms` later
 * wrong-json   the command is carried out; the answer is no JSON
 * half         ... the first half of the answer
 * huge         ... the answer, and in it `bytes` of padding
 * 500          nothing is done; HTTP 500
 * exception    nothing is done; CMD_PROCESS_INTERNAL_ERROR with `text`
 * actuator     the health page is `page`: html (as of a dead base), 401, 404, hang
 */
#define FAULT_MAP(X)                                                                               \
    X(FAULT_REFUSE, "refuse")                                                                      \
    X(FAULT_HANG, "hang")                                                                          \
    X(FAULT_DROP, "drop")                                                                          \
    X(FAULT_LOST_ANSWER, "lost-answer")                                                            \
    X(FAULT_SLOW, "slow")                                                                          \
    X(FAULT_WRONG_JSON, "wrong-json")                                                              \
    X(FAULT_HALF, "half")                                                                          \
    X(FAULT_HUGE, "huge")                                                                          \
    X(FAULT_ERROR_500, "500")                                                                      \
    X(FAULT_EXCEPTION, "exception")                                                                \
    X(FAULT_ACTUATOR, "actuator")

enum fault_kind {
#define X(kind, name) kind,
    FAULT_MAP(X)
#undef X
};

struct fault {
    struct list node; /* in base->faults, in order of arrival */
    enum fault_kind kind;
    char *command; /* "" = any */
    int64_t count; /* how many calls it still meets; -1 = until the faults are cleared */
    int64_t delay_ms, bytes;
    char *text; /* of exception: what follows "Internal Error: " */
    char *page; /* of actuator */
};

/**
 * fault_add() - arm a fault
 * @json: {"fault": name, "command": any, "count": 1, "ms": 1000, "bytes": 16777216, "text": ...,
 *        "page": "html"}; all but "fault" may be absent
 * Return: 0, or -1 with ERR_INVALID.
 */
int fault_add(struct base *base, const cJSON *json, struct err **err);

/** fault_take() - the fault that meets this call of Arklet (for fault_free()), or NULL. */
struct fault *fault_take(struct base *base, const char *command);

/** fault_take_actuator() - likewise for a health page. */
struct fault *fault_take_actuator(struct base *base);

void fault_free(struct fault *fault);

/** faults_clear() - no fault is left; a port that "refuse" closed stays closed. */
void faults_clear(struct base *base);

/** faults_heal() - faults_clear(), and Arklet listens again, unless the base is down. */
int faults_heal(struct base *base, struct err **err);

cJSON *faults_json(const struct base *base);

#endif
