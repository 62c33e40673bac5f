/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_RECORDS_H
#define ARKLET_SIM_RECORDS_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "tests/support/arklet-sim/failure.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * Records of asynchronous operations, by requestId; kept until the base restarts.
 *
 * A record that met a conflict keeps status INITIALIZED for ever, with an end: Arklet's fail() only
 * leaves EXECUTING.
 */
struct record {
    char *request_id;
    cJSON *meta;        /* arkBizMeta: the request with defaults */
    const char *status; /* INITIALIZED, EXECUTING, SUCCEEDED, FAILED */
    char *thread;       /* NULL until picked up */
    char *message;      /* NULL: none */
    cJSON *throwable;   /* NULL: none */
    int64_t begin_wall_ms;
    int64_t end_wall_ms; /* 0 until done */
};

/** record_new() - registered under @request_id; @meta becomes the record's. */
struct record *record_new(struct base *base, const char *request_id, cJSON *meta);

struct record *record_find(const struct base *base, const char *request_id);

/** record_begin() - a pool thread picked it up. */
void record_begin(struct base *base, struct record *record);

/** record_conflict() - another operation holds the module. */
void record_conflict(struct base *base, struct record *record);

/** record_end() - @answer: what a synchronous one would have got; @failure: thrown, or NULL. */
void record_end(struct base *base, struct record *record, const cJSON *answer,
                const struct failure *failure);

cJSON *record_json(const struct record *record);

void records_clear(struct base *base);

#endif
