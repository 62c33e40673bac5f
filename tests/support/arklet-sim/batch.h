/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_BATCH_H
#define ARKLET_SIM_BATCH_H

#include <cjson/cJSON.h>

#include "tests/support/arklet-sim/operations.h"

/*
 * batchInstallBiz: every jar is read for its priority before anything is installed, so a missing
 * one fails the whole command; then they are installed by ascending priority. Arklet installs
 * those of one priority in parallel; here they follow each other, which only the time shows.
 */
struct batch;

/** batch_start() - @list: array of inputs; *@ret is the handle until @done is called, then NULL. */
void batch_start(struct base *base, const cJSON *list, struct batch **ret, operation_done_fn *done,
                 void *arg);

/** batch_cancel() - @done will not be called; NULL is fine. Operations were abandoned before. */
void batch_cancel(struct batch *batch);

#endif
