/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From numbers to instances.
 *
 * For each revision there is a number wanted (spec.replicas of its ModuleReplicaSet) and a number that
 * exists. The difference is closed in this order:
 *
 *   1. the update revision lacks j, old revisions have s too many that nobody claims:
 *      min(j, s) old instances are chosen (Evict) and get a successor each, in the way of upgrade.h, as far as
 *      maxUnavailable allows it now (disruption.h). An old instance goes by itself when its successor on the
 *      same base is Available (plan_module); one whose successor is elsewhere goes from here
 *   2. a revision still lacks some: bases are chosen (Place), and instances are made there; not in a deletion
 *   3. a revision still has too many: they are chosen (Evict) and deleted
 *
 * Before that, successors of a revision that is not wanted any more are given up: what they were to
 * replace serves still, and is replaced by what is wanted now, in the batches of that release.
 *
 * Questions to the scheduler are answered later; the answer waits in the revision until the next
 * planning uses it up, and is checked against what is there by then.
 */
#include "services/controller/engine/plan_replicaset.h"

#include "lib/base/min.h"
#include "lib/base/str.h"
#include "services/controller/engine/answers.h"
#include "services/controller/engine/disruption.h"
#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/replacement.h"

static struct revision *update_revision(const struct deployment_view *view)
{
    if (!view->template || view->md->meta.deletion_ms)
        return NULL;
    AUTO_FREE char *name = update_revision_name(view->md, view->template);
    return view_revision(view, name);
}

/* Whether @old may be replaced in the way of @choice now. */
static bool may_take(struct upgrade_choice choice, const struct instance *old,
                     struct disruption *disruption)
{
    return choice.way != WAY_NONE &&
           (choice.way != WAY_IN_PLACE || disruption_take(disruption, old));
}

/* Asks the scheduler, unless that is under way, or was just answered with too little. */
static void ask(const struct deployment_view *view, const struct revision *revision,
                enum action_type question, int32_t count, struct plan *plan)
{
    const struct placement *asked = question == ACTION_PLACE ? &revision->place : &revision->evict;
    int64_t again_ms = asked->answered_ms + PLACE_RETRY_MS;
    if (asked->state == PLACEMENT_ASKED)
        return;
    if (asked->explanation && view->now_ms < again_ms)
        plan_requeue(plan, again_ms);
    else
        plan_add(plan, question, revision->rs->meta.name)->number = count;
}

/*
 * For answers that were of no use, a little later: what was in the way may end without a change that would be planned
 * for, as when another module leaves a base, or an agent counts as reachable again.
 */
static void ask_again_later(const struct deployment_view *view, struct plan *plan)
{
    plan_requeue(plan, view->now_ms + PLACE_RETRY_MS);
}

static void create_module(struct plan *plan, const struct revision *revision, const char *base,
                          const struct instance *replaces, struct upgrade_choice choice)
{
    struct action *action = plan_add(plan, ACTION_CREATE_MODULE, revision->rs->meta.name);
    action->base = mem_strdup(base);
    if (replaces) {
        action->replaces = mem_strdup(replaces->module->meta.name);
        action->replaces_uid = mem_strdup(replaces->module->meta.uid);
        action->way = choice.way;
        action->reason = mem_strdup(choice.reason);
    }
}

/* -- successors of the release before -- */

/* What to do with @old and its @successor that is not of @update: one of them goes. Where the old one is gone from
 * its base that makes a gap, and waits for its turn. */
static void end_pair(const struct instance *old, const struct instance *successor,
                     const struct revision *update, struct disruption *disruption,
                     struct plan *plan)
{
    bool serves = old->revision == update && instance_may_serve(successor);
    bool in_the_way = old->module->status.phase == MODULE_FAILED;
    if (!instance_superseded(successor, update))
        plan_add(plan, ACTION_DELETE_MODULE, old->module->meta.name);
    else if ((!serves || in_the_way || successor->module->spec.upgrade_way != WAY_SIDE_BY_SIDE) &&
             disruption_take(disruption, successor))
        plan_add(plan, ACTION_DELETE_MODULE, successor->module->meta.name);
    /* else the old one first takes its traffic back (plan_module.c) */
}

/* Return: whether anything was to be done: numbers are compared when it is. */
static bool end_former_release(const struct deployment_view *view, const struct revision *update,
                               struct disruption *disruption, struct plan *plan)
{
    size_t before = plan->actions.len;
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        for (size_t i = 0; revision->replaced && i < revision->instances.len; i++) {
            const struct instance *old = revision->instances.items[i];
            if (old->replaced_by && old->replaced_by->revision != update && !instance_deleting(old))
                end_pair(old, old->replaced_by, update, disruption, plan);
        }
    }
    return plan->actions.len > before;
}

/* -- successors on other bases -- */

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

/*
 * Old instances whose successor serves on another base, and has for minReadySeconds, go: with scaleUpThenScaleDown, when
 * those of the whole batch do.
 */
static void retire_moved(const struct deployment_view *view, const struct revision *update,
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

/* -- 1. successors -- */

static bool wants_other_base(const struct deployment_view *view, const struct revision *update,
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

/*
 * The answer about room that successors on other bases need.
 * Return: false where it is not there yet (asked for).
 */
static bool room_known(const struct deployment_view *view, const struct revision *update,
                       int32_t count, struct plan *plan)
{
    if (update->place.state == PLACEMENT_ANSWERED || none_elsewhere(view, update))
        return true;
    ask(view, update, ACTION_PLACE, count, plan);
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
        ask(view, update, ACTION_PLACE, count, plan);
    return true;
}

/* Whether one of those that were chosen to be replaced wants another base. */
static bool chosen_want_other_base(const struct deployment_view *view,
                                   const struct revision *update, const struct chosen *chosen)
{
    for (size_t i = 0; i < chosen->len; i++)
        if (can_be_replaced(chosen->items[i], update) &&
            wants_other_base(view, update, chosen->items[i]))
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
        if (!may_take(choice, victim, disruption))
            continue;
        create_module(plan, update, victim->base->base->meta.name, victim, choice);
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
    if (other_bases && !room_known(view, update, count, plan))
        return;
    int32_t made = 0, stuck = 0;
    size_t at = 0;
    for (size_t i = 0; i < chosen->len && made + stuck < count; i++) {
        const struct instance *victim = chosen->items[i];
        if (!can_be_replaced(victim, update))
            continue;
        bool other_base = wants_other_base(view, update, victim);
        const char *other = other_base ? offered_next(offered, update, &at) : NULL;
        struct upgrade_choice choice = replacement_way(view, update, victim, other != NULL);
        if (choice.way == WAY_IN_PLACE && other_base && at)
            break; /* one by one through the free bases, rather than with a gap */
        const char *base = choice.way == WAY_OTHER_BASE ? other : victim->base->base->meta.name;
        bool taken = may_take(choice, victim, disruption);
        if (taken)
            create_module(plan, update, base, victim, choice);
        made += taken;
        stuck += !taken;
    }
    made += replace_others(view, update, old, chosen, stuck, disruption, plan);
    plan_add(plan, ACTION_FORGET_EVICT, old->rs->meta.name);
    if (other_bases && update->place.state == PLACEMENT_ANSWERED)
        plan_add(plan, ACTION_FORGET_PLACE, update->rs->meta.name);
    if (!made)
        ask_again_later(view, plan);
}

static bool waiting_want_other_base(const struct deployment_view *view,
                                    const struct revision *update)
{
    for (size_t i = 0; i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        if (waits_for_way(instance) && wants_other_base(view, update, instance->replaces))
            return true;
    }
    return false;
}

/*
 * Instances that were refused beside their predecessor (WebPathInUse) get another way: a free base, else in
 * place. On a free base the instance is made anew, since its name says where it is; where only that was written,
 * and not that the refused one goes, it goes now.
 */
static void find_other_way(const struct deployment_view *view, struct revision *update,
                           struct offered *offered, struct disruption *disruption,
                           struct plan *plan)
{
    if (waiting_want_other_base(view, update) &&
        !room_known(view, update, update->waiting_way, plan))
        return;
    size_t at = 0;
    int32_t surplus = update->existing - update->rs->spec.replicas;
    bool found = false;
    for (size_t i = 0; i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        if (!waits_for_way(instance))
            continue;
        if (surplus-- > 0) {
            plan_add(plan, ACTION_DELETE_MODULE, instance->module->meta.name);
            found = true;
            continue;
        }
        const char *other = wants_other_base(view, update, instance->replaces)
                                ? offered_next(offered, update, &at)
                                : NULL;
        struct upgrade_choice choice =
            replacement_way(view, update, instance->replaces, other != NULL);
        if (!may_take(choice, instance->replaces, disruption))
            continue;
        if (choice.way == WAY_OTHER_BASE) {
            plan_add(plan, ACTION_DELETE_MODULE, instance->module->meta.name);
            create_module(plan, update, other, instance->replaces, choice);
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
        ask_again_later(view, plan);
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

/* Return: how many instances of @update are being taken care of as successors. */
static int32_t plan_successors(const struct deployment_view *view, struct revision *update,
                               struct offered *offered, struct disruption *disruption,
                               struct plan *plan)
{
    int32_t missing = revision_lack(update), covered = 0;
    for (size_t i = 0; i < view->revision_count && covered < missing; i++) {
        struct revision *old = view->revisions[i];
        int32_t surplus = old == update ? 0 : revision_surplus(old, update);
        int32_t count = surplus < missing - covered ? surplus : missing - covered;
        if (!count)
            continue;
        covered += count;
        count = wave(view, update, old, count, disruption, plan);
        if (!count || waits_for_bases(view, update, old, count, plan))
            continue;
        if (old->evict.state != PLACEMENT_ANSWERED) {
            ask(view, old, ACTION_EVICT, count, plan);
            continue;
        }
        struct chosen chosen = chosen_of(old);
        make_successors(view, update, old, &chosen, count, offered, disruption, plan);
        chosen_done(&chosen);
    }
    return covered;
}

/* -- 2. and 3. free bases, and removal -- */

static void place_missing(const struct deployment_view *view, struct revision *revision,
                          int32_t missing, struct offered *offered, struct plan *plan)
{
    if (revision->place.state != PLACEMENT_ANSWERED) {
        ask(view, revision, ACTION_PLACE, missing, plan);
        return;
    }
    size_t at = 0;
    int32_t made = 0;
    for (; made < missing; made++) {
        const char *base = offered_next(offered, revision, &at);
        if (!base)
            break;
        create_module(plan, revision, base, NULL, (struct upgrade_choice){0});
    }
    plan_add(plan, ACTION_FORGET_PLACE, revision->rs->meta.name);
    if (!made) /* the answer was to another question: nothing else happens that would ask again */
        plan_requeue(plan, view->now_ms);
}

/* How many of @surplus may be removed now. */
static int32_t removable(const struct revision *revision, int32_t surplus,
                         struct disruption *disruption, struct plan *plan)
{
    int32_t left = max32(disruption_left(disruption), 0), idle = 0;
    for (size_t i = 0; left < surplus && i < revision->instances.len; i++) {
        const struct instance *instance = revision->instances.items[i];
        idle +=
            !instance_deleting(instance) && !instance->replaced_by && !disruption_serves(instance);
    }
    if (!left && disruption_more_at(disruption))
        plan_requeue(plan, disruption_more_at(disruption));
    return min32(surplus, left + idle);
}

static void remove_surplus(const struct deployment_view *view, struct revision *revision,
                           int32_t surplus, struct disruption *disruption, struct plan *plan)
{
    surplus = removable(revision, surplus, disruption, plan);
    if (!surplus)
        return;
    if (revision->evict.state != PLACEMENT_ANSWERED) {
        ask(view, revision, ACTION_EVICT, surplus, plan);
        return;
    }
    bool removed = false, refused = false;
    struct chosen chosen = chosen_of(revision);
    for (size_t i = 0; i < chosen.len && surplus > 0; i++) {
        const struct instance *victim = chosen.items[i];
        if (instance_deleting(victim) || victim->replaced_by)
            continue;
        if (!disruption_take(disruption, victim)) {
            refused = true;
            continue;
        }
        plan_add(plan, ACTION_DELETE_MODULE, victim->module->meta.name);
        surplus--;
        removed = true;
    }
    chosen_done(&chosen);
    plan_add(plan, ACTION_FORGET_EVICT, revision->rs->meta.name);
    if (!removed && refused)
        ask_again_later(view, plan);
    else if (!removed) /* as in place_missing() */
        plan_requeue(plan, view->now_ms);
}

static bool plan_has(const struct plan *plan, enum action_type type,
                     const struct revision *revision)
{
    for (size_t i = 0; i < plan->actions.len; i++)
        if (plan->actions.items[i].type == type &&
            str_eq(plan->actions.items[i].name, revision->rs->meta.name))
            return true;
    return false;
}

/* An answer that nobody needs any more would be wrong by the time when somebody does. */
static void forget_answers(const struct revision *revision, const struct revision *update,
                           struct plan *plan)
{
    if (revision->place.state == PLACEMENT_ANSWERED && !revision_lack(revision))
        plan_add(plan, ACTION_FORGET_PLACE, revision->rs->meta.name);
    if (revision->evict.state == PLACEMENT_ANSWERED && !revision_surplus(revision, update))
        plan_add(plan, ACTION_FORGET_EVICT, revision->rs->meta.name);
}

static void close_differences(const struct deployment_view *view, struct revision *update,
                              struct offered *offered, struct disruption *disruption,
                              struct plan *plan)
{
    if (update && update->waiting_way && revision_web_path_in_use(update)) {
        find_other_way(view, update, offered, disruption, plan);
        return;
    }
    int32_t covered = update ? plan_successors(view, update, offered, disruption, plan) : 0;
    int32_t reserved = covered; /* old instances that get a successor are not removed */
    for (size_t i = 0; i < view->revision_count; i++) {
        struct revision *revision = view->revisions[i];
        int32_t missing = revision_lack(revision) - (revision == update ? covered : 0);
        int32_t surplus = revision_surplus(revision, update);
        if (revision != update) {
            int32_t kept = surplus < reserved ? surplus : reserved;
            reserved -= kept;
            surplus -= kept;
        }
        if (missing > 0 && !view->md->meta.deletion_ms &&
            !plan_has(plan, ACTION_FORGET_PLACE, revision))
            place_missing(view, revision, missing, offered, plan);
        if (surplus > 0)
            remove_surplus(view, revision, surplus, disruption, plan);
        forget_answers(revision, update, plan);
    }
}

void plan_replicasets(const struct deployment_view *view, struct plan *plan)
{
    struct revision *update = update_revision(view);
    bool held = !view->template || view->owner_conflict || view->bases_unknown ||
                view->bases_problem; /* what is wanted, or what is there, is not known */
    if (held && !view->md->meta.deletion_ms)
        return;
    struct disruption disruption = disruption_of(view, update);
    if (end_former_release(view, update, &disruption, plan))
        return;
    retire_moved(view, update, plan);
    struct offered offered = offered_of(view);
    close_differences(view, update, &offered, &disruption, plan);
    offered_done(&offered);
}
