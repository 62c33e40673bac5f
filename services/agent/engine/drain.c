/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/drain.h"

#include <stdbool.h>

#define LOOK_MS 200 /* between two questions */

enum drain_step drain_next(const struct drain *drain, int64_t now_ms, int64_t *ret_until_ms)
{
    int64_t drained_ms = drain->began_ms + drain->drain_ms;
    int64_t end_ms = drained_ms + drain->max_wait_ms;
    bool left = drain->told == DRAIN_COUNTED && drain->requests > 0;
    if (now_ms < drained_ms) {
        *ret_until_ms = drained_ms;
        return DRAIN_WAIT;
    }
    if (drain->told == DRAIN_NOT_TOLD)
        return DRAIN_ASK;
    if (!left || now_ms >= end_ms)
        return DRAIN_OVER;
    *ret_until_ms = now_ms + LOOK_MS < end_ms ? now_ms + LOOK_MS : end_ms;
    return DRAIN_WAIT;
}
