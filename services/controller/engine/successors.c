/* SPDX-License-Identifier: Apache-2.0 */
/* Old instances that are replaced: who gets a successor, where, and how many at once. */
#include "lib/base/min.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/plan_replicaset_internal.h"
#include "services/controller/engine/replacement.h"

bool replicaset__wants_other_base(const struct deployment_view *view, const struct revision *update,
                                  const struct instance *old)
{
    return replacement_way(view, update, old, true).way == WAY_OTHER_BASE;
}

/* Whether there was no base at all a moment ago: a wave that follows another one does not ask again. */
static bool none_elsewhere(const struct deployment_view *view, const struct revision *update)
{
    const struct placement *place = &update->place;
    return place->state == PLACEMENT_NONE && no_room_elsewhere(update) && !place->offered &&
           view->now_ms < place->answered_ms + PLACE_RETRY_MS;
}

bool replicaset__room_known(const struct deployment_view *view, const struct revision *update,
                            int32_t count, struct plan *plan)
{
    if (update->place.state == PLACEMENT_ANSWERED || none_elsewhere(view, update))
        return true;
    replicaset__ask(view, update, ACTION_PLACE, count, plan);
    return false;
}

/* Whether successors are under way on other bases: the bases they free are room for the next ones. */
static bool moving_over(const struct revision *update)
{
    for (size_t i = 0; i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        if (instance->replaces && instance->module->spec.upgrade_way == WAY_OTHER_BASE)
            return true; /* one that goes has given back what it replaced */
    }
    return false;
}

/*
 * While successors are under way on other bases, the rest of them wait for the bases that are freed; but what room there
 * is besides is used, and scaleUpThenScaleDown has to know that there is none before it frees some.
 */
static bool waits_for_bases(const struct deployment_view *view, const struct revision *update,
                            const struct revision *old, int32_t count, struct plan *plan)
{
    const struct placement *place = &update->place;
    if (replacement_way_of_all(view, update, old) != WAY_OTHER_BASE || !moving_over(update))
        return false;
    bool answered = place->state == PLACEMENT_ANSWERED;
    if (answered && place->names.len)
        return false;
    bool all_first = view->md->spec.strategy.upgrade_policy == UPGRADE_SCALE_UP_THEN_SCALE_DOWN;
    if (answered)
        plan_add(plan, ACTION_FORGET_PLACE, update->rs->meta.name);
    else if (all_first && update->available >= update->existing && !no_room_elsewhere(update))
        replicaset__ask(view, update, ACTION_PLACE, count, plan);
    return true;
}

/* Whether one of those that were chosen to be replaced wants another base. */
static bool chosen_want_other_base(const struct deployment_view *view,
                                   const struct revision *update, const struct chosen *chosen)
{
    for (size_t i = 0; i < chosen->len; i++)
        if (can_be_replaced(chosen->items[i], update) &&
            replicaset__wants_other_base(view, update, chosen->items[i]))
            return true;
    return false;
}

/*
 * In place of those that can't be replaced now, since their base is unfit and no other has room, or since they serve
 * and maxUnavailable is used up: others, where they are.
 * Return: how many.
 */
static int32_t replace_others(const struct deployment_view *view, const struct revision *update,
                              const struct revision *old, const struct chosen *chosen,
                              int32_t count, struct disruption *disruption, struct plan *plan)
{
    int32_t made = 0;
    for (size_t i = 0; i < old->instances.len && made < count; i++) {
        const struct instance *victim = old->instances.items[i];
        if (!can_be_replaced(victim, update) || chosen_has(chosen, victim))
            continue;
        struct upgrade_choice choice = replacement_way(view, update, victim, /* room= */ false);
        if (!replicaset__may_take(choice, victim, disruption))
            continue;
        replicaset__create_module(plan, update, victim->base->base->meta.name, victim, choice);
        made++;
    }
    return made;
}

/* Makes successors for the old instances that were chosen. */
static void make_successors(const struct deployment_view *view, struct revision *update,
                            struct revision *old, const struct chosen *chosen, int32_t count,
                            struct offered *offered, struct disruption *disruption,
                            struct plan *plan)
{
    bool other_bases = chosen_want_other_base(view, update, chosen);
    if (other_bases && !replicaset__room_known(view, update, count, plan))
        return;
    int32_t made = 0, stuck = 0;
    size_t at = 0;
    for (size_t i = 0; i < chosen->len && made + stuck < count; i++) {
        const struct instance *victim = chosen->items[i];
        if (!can_be_replaced(victim, update))
            continue;
        bool other_base = replicaset__wants_other_base(view, update, victim);
        const char *other = other_base ? offered_next(offered, update, &at) : NULL;
        struct upgrade_choice choice = replacement_way(view, update, victim, other != NULL);
        if (choice.way == WAY_IN_PLACE && other_base && at)
            break; /* one by one through the free bases, rather than with a gap */
        const char *base = choice.way == WAY_OTHER_BASE ? other : victim->base->base->meta.name;
        bool taken = replicaset__may_take(choice, victim, disruption);
        if (taken)
            replicaset__create_module(plan, update, base, victim, choice);
        made += taken;
        stuck += !taken;
    }
    made += replace_others(view, update, old, chosen, stuck, disruption, plan);
    plan_add(plan, ACTION_FORGET_EVICT, old->rs->meta.name);
    if (other_bases && update->place.state == PLACEMENT_ANSWERED)
        plan_add(plan, ACTION_FORGET_PLACE, update->rs->meta.name);
    if (!made)
        replicaset__ask_again_later(view, plan);
}

/*
 * How many of @count may be replaced now: those that go without a gap, or serve nobody, and as many others as
 * maxUnavailable leaves. Where none may, it is an instance that serves again, or room, by which this is planned anew.
 */
static int32_t wave(const struct deployment_view *view, const struct revision *update,
                    const struct revision *old, int32_t count, struct disruption *disruption,
                    struct plan *plan)
{
    int32_t left = max32(disruption_left(disruption), 0), free_to_go = 0;
    bool room = !none_elsewhere(view, update);
    for (size_t i = 0; left < count && i < old->instances.len; i++) {
        const struct instance *instance = old->instances.items[i];
        free_to_go += can_be_replaced(instance, update) &&
                      (!disruption_serves(instance) ||
                       replacement_way(view, update, instance, room).way != WAY_IN_PLACE);
    }
    if (!left && disruption_more_at(disruption))
        plan_requeue(plan, disruption_more_at(disruption));
    if (!left && !room)
        plan_requeue(plan, update->place.answered_ms + PLACE_RETRY_MS);
    if (!left && free_to_go)
        return count; /* who is chosen may be another one: then those are looked for */
    return min32(count, left + free_to_go);
}

int32_t replicaset__successors(const struct deployment_view *view, struct revision *update,
                               struct offered *offered, struct disruption *disruption,
                               struct plan *plan)
{
    int32_t missing = revision_lack(update), covered = 0;
    for (size_t i = 0; i < view->revision_count; i++) {
        struct revision *old = view->revisions[i];
        int32_t surplus = old == update ? 0 : revision_surplus(old, update);
        int32_t early = gives_way_early(view, old, update);
        int32_t count = min32(surplus, max32(missing - covered, 0)) + early;
        if (!count)
            continue;
        covered += count;
        if (early)
            plan_requeue(plan, no_room_until(old, update));
        count = wave(view, update, old, count, disruption, plan);
        if (!count || waits_for_bases(view, update, old, count, plan))
            continue;
        if (old->evict.state != PLACEMENT_ANSWERED) {
            replicaset__ask(view, old, ACTION_EVICT, count, plan);
            continue;
        }
        struct chosen chosen = chosen_of(old);
        make_successors(view, update, old, &chosen, count, offered, disruption, plan);
        chosen_done(&chosen);
    }
    return covered;
}
