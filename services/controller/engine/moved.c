/* SPDX-License-Identifier: Apache-2.0 */
/* Successors on other bases: when the old ones go. */
#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/plan_replicaset_internal.h"
#include "services/controller/engine/replacement.h"

/*
 * Whether all that can be made of the batch before an old one goes is there and serves: all of it, or as much as
 * there is room for. Those that were refused beside the old ones and find no room wait for the bases that are freed.
 */
static bool scaled_up(const struct revision *update)
{
    if (no_room_elsewhere(update))
        return update->available >= update->existing - update->waiting_way;
    return update->available >= update->existing && !revision_lack(update);
}

/* Whether @old is to go since its @successor on another base serves. */
static bool has_moved(const struct instance *old, const struct instance *successor,
                      const struct revision *update)
{
    return successor && successor->revision == update && !instance_deleting(old) &&
           successor->module->spec.upgrade_way == WAY_OTHER_BASE && instance_serves(successor);
}

/* For how long the successor of @old must serve still, by minReadySeconds: with @all_first the last of its batch. */
static int64_t serves_in_ms(const struct deployment_view *view, const struct revision *update,
                            const struct instance *old, bool all_first)
{
    int32_t seconds = view->md->spec.min_ready_seconds;
    int64_t left_ms = min_ready_left_ms(old->replaced_by, seconds, view->wall_ms);
    for (size_t i = 0; seconds && all_first && i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        int64_t own_ms = min_ready_left_ms(instance, seconds, view->wall_ms);
        if (instance_serves(instance) && own_ms > left_ms)
            left_ms = own_ms;
    }
    return left_ms;
}

void replicaset__retire_moved(const struct deployment_view *view, const struct revision *update,
                              struct plan *plan)
{
    bool all_first = view->md->spec.strategy.upgrade_policy == UPGRADE_SCALE_UP_THEN_SCALE_DOWN;
    if (!update || (all_first && !scaled_up(update)))
        return;
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        for (size_t i = 0; revision->replaced && i < revision->instances.len; i++) {
            const struct instance *old = revision->instances.items[i];
            if (!has_moved(old, old->replaced_by, update))
                continue;
            int64_t left_ms = serves_in_ms(view, update, old, all_first);
            if (left_ms)
                plan_requeue(plan, view->now_ms + left_ms);
            else
                plan_add(plan, ACTION_DELETE_MODULE, old->module->meta.name);
            if (left_ms && all_first)
                return;
        }
    }
}
