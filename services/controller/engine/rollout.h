/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ROLLOUT_H
#define KOUPLELESS_CONTROLLER_ENGINE_ROLLOUT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The numbers of a release: how many instances of which revision are wanted in batch k.
 *
 * A release changes the update revision from `updated_before` to `target` instances and all other
 * revisions to none. An instance that is replaced is one change, as are one that is only added and one
 * that is only removed; so there are max(|target - updated_before|, others_before) changes. After
 * batch k, c = batches_end(k) of them are done:
 *
 *   v1x5 -> v2x5 in 2:       v2 3, v1 2    then  v2 5, v1 0
 *   v1x5 -> v2x3 in 2, beta: v2 1, v1 4    then  v2 3, v1 0
 *   v1x3 -> v2x5 in 2:       v2 3, v1 2    then  v2 5, v1 0
 *   5 -> 2 in 2:             3             then  2
 *
 * On the way down nothing is added: an instance that was lost above the target is one less to remove.
 *
 * A symmetric release (requirement 5.10) has no fixed target: it is the number of bases now. What is
 * left of it, changes - c, is what still runs the old version or nothing; a base that comes gets the
 * new version at once, a base that goes takes nothing from the others.
 */
struct rollout {
    int32_t target;         /* instances of the update revision at the end */
    int32_t updated_before; /* instances of it when the release began */
    int32_t changes;
    int32_t batch_count; /* as asked for */
    bool beta;
    bool symmetric;
};

struct rollout_numbers {
    int32_t updated; /* of the update revision */
    int32_t others;  /* of all other revisions together */
};

/** rollout_changes() - instances to change, from what is there. */
int32_t rollout_changes(int32_t target, int32_t updated, int32_t others);

/**
 * rollout_wanted() - what batch @batch (from 1) wants
 * @updated, @others: instances there now
 */
struct rollout_numbers rollout_wanted(const struct rollout *rollout, int32_t batch, int32_t updated,
                                      int32_t others);

#endif
