/* SPDX-License-Identifier: Apache-2.0 */
/* Another way for those that were refused beside the old ones. */
#include "services/controller/engine/counts.h"
#include "services/controller/engine/plan_replicaset_internal.h"
#include "services/controller/engine/replacement.h"

static bool waiting_want_other_base(const struct deployment_view *view,
                                    const struct revision *update)
{
    for (size_t i = 0; i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        if (waits_for_way(instance) &&
            replicaset__wants_other_base(view, update, instance->replaces))
            return true;
    }
    return false;
}

bool replicaset__way_known(const struct revision *update)
{
    for (size_t i = 0; i < update->instances.len; i++)
        if (waits_for_way(update->instances.items[i]) &&
            instance_refused_for_metaspace(update->instances.items[i]))
            return true;
    return revision_web_path_in_use(update);
}

void replicaset__other_way(const struct deployment_view *view, struct revision *update,
                           struct offered *offered, struct disruption *disruption,
                           struct plan *plan)
{
    if (waiting_want_other_base(view, update) &&
        !replicaset__room_known(view, update, update->waiting_way, plan))
        return;
    size_t at = 0;
    int32_t surplus = update->existing - substituted_count(update) - update->rs->spec.replicas;
    bool found = false;
    for (size_t i = 0; i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        if (!waits_for_way(instance))
            continue;
        if (has_substitute(instance) || surplus-- > 0) {
            plan_add(plan, ACTION_DELETE_MODULE, instance->module->meta.name);
            found = true;
            continue;
        }
        const char *other = replicaset__wants_other_base(view, update, instance->replaces)
                                ? offered_next(offered, update, &at)
                                : NULL;
        struct upgrade_choice choice =
            replacement_way(view, update, instance->replaces, other != NULL);
        bool known = choice.way != WAY_SIDE_BY_SIDE; /* else the web path is being learnt */
        if (!known || !replicaset__may_take(choice, instance->replaces, disruption))
            continue;
        if (choice.way == WAY_OTHER_BASE) {
            plan_add(plan, ACTION_DELETE_MODULE, instance->module->meta.name);
            replicaset__create_module(plan, update, other, instance->replaces, choice);
        } else { /* in place: beside the old one it was refused */
            struct action *action = plan_add(plan, ACTION_SET_WAY, instance->module->meta.name);
            action->way = choice.way;
            action->reason = mem_strdup(choice.reason);
        }
        found = true;
    }
    if (update->place.state == PLACEMENT_ANSWERED)
        plan_add(plan, ACTION_FORGET_PLACE, update->rs->meta.name);
    if (!found && disruption_more_at(disruption))
        plan_requeue(plan, disruption_more_at(disruption));
    if (!found)
        replicaset__ask_again_later(view, plan);
}
