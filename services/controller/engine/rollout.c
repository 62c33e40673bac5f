/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/rollout.h"

#include "lib/base/min.h"
#include "services/controller/engine/batches.h"

int32_t rollout_changes(int32_t target, int32_t updated, int32_t others)
{
    return max32(target > updated ? target - updated : updated - target, others);
}

struct rollout_numbers rollout_wanted(const struct rollout *rollout, int32_t batch, int32_t updated,
                                      int32_t others)
{
    int32_t done = batches_end(rollout->changes, rollout->batch_count, rollout->beta, batch);
    int32_t left = rollout->changes - done;
    int32_t target = rollout->target;
    struct rollout_numbers wanted = {.others = min32(others, left)};
    if (rollout->symmetric)
        wanted.updated = min32(target, max32(updated, target - left));
    else if (target >= rollout->updated_before)
        wanted.updated = min32(target, rollout->updated_before + done);
    else
        wanted.updated = max32(target, min32(updated, rollout->updated_before - done));
    return wanted;
}
