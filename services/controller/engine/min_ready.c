/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/min_ready.h"

int64_t min_ready_end_ms(int64_t since_ms, int64_t period_ms, int64_t recorded_ms, int64_t wall_ms)
{
    int64_t latest_ms = wall_ms + period_ms;
    if (since_ms <= wall_ms)
        return since_ms + period_ms;
    return recorded_ms && recorded_ms < latest_ms ? recorded_ms : latest_ms;
}

static bool is_available(const struct instance *instance)
{
    return instance->module->status.phase == MODULE_AVAILABLE && !instance_deleting(instance);
}

int64_t min_ready_left_ms(const struct instance *instance, int32_t seconds, int64_t wall_ms)
{
    int64_t since_ms = instance->module->status.last_transition_ms;
    int64_t end_ms = since_ms + (int64_t)seconds * 1000;
    return since_ms > wall_ms || end_ms < wall_ms ? 0 : end_ms - wall_ms;
}

int64_t min_ready_all_ms(const struct revision *revision, int32_t seconds, int64_t recorded_ms,
                         int64_t wall_ms)
{
    int64_t all_ms = 0, period_ms = (int64_t)seconds * 1000;
    for (size_t i = 0; seconds && i < revision->instances.len; i++) {
        const struct instance *instance = revision->instances.items[i];
        int64_t end_ms = min_ready_end_ms(instance->module->status.last_transition_ms, period_ms,
                                          recorded_ms, wall_ms);
        if (is_available(instance) && end_ms > all_ms)
            all_ms = end_ms;
    }
    return all_ms > wall_ms ? all_ms : 0;
}

int32_t min_ready_count(const struct revision *revision, int32_t seconds, int64_t wall_ms)
{
    if (!seconds)
        return revision->available;
    int32_t count = 0;
    for (size_t i = 0; i < revision->instances.len; i++) {
        const struct instance *instance = revision->instances.items[i];
        count += is_available(instance) && !min_ready_left_ms(instance, seconds, wall_ms);
    }
    return count;
}
