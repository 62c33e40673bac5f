/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From numbers to instances.
 *
 * For each revision there is a number wanted (spec.replicas of its ModuleReplicaSet) and a number that
 * exists. The difference is closed in this order:
 *
 *   1. the update revision lacks j, old revisions have s too many that nobody claims:
 *      min(j, s) old instances are chosen (Evict) and get a successor each, in the way of upgrade.h, as far as
 *      maxUnavailable allows it now (disruption.h): successors.c. Those that were refused beside the old ones get
 *      another way: other_way.c. An old instance goes by itself when its successor on the same base is Available
 *      (plan_module); one whose successor is elsewhere goes from here: moved.c
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
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/plan_replicaset_internal.h"
#include "services/controller/engine/replacement.h"

static struct revision *update_revision(const struct deployment_view *view)
{
    if (!view->template || view->md->meta.deletion_ms)
        return NULL;
    AUTO_FREE char *name = update_revision_name(view->md, view->template);
    return view_revision(view, name);
}

bool replicaset__may_take(struct upgrade_choice choice, const struct instance *old,
                          struct disruption *disruption)
{
    return choice.way != WAY_NONE &&
           (choice.way != WAY_IN_PLACE || disruption_take(disruption, old));
}

void replicaset__ask(const struct deployment_view *view, const struct revision *revision,
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

void replicaset__ask_again_later(const struct deployment_view *view, struct plan *plan)
{
    plan_requeue(plan, view->now_ms + PLACE_RETRY_MS);
}

void replicaset__create_module(struct plan *plan, const struct revision *revision, const char *base,
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

/* -- 2. and 3. free bases, and removal -- */

static void place_missing(const struct deployment_view *view, struct revision *revision,
                          int32_t missing, struct offered *offered, struct plan *plan)
{
    if (revision->place.state != PLACEMENT_ANSWERED) {
        replicaset__ask(view, revision, ACTION_PLACE, missing, plan);
        return;
    }
    size_t at = 0;
    int32_t made = 0;
    for (; made < missing; made++) {
        const char *base = offered_next(offered, revision, &at);
        if (!base)
            break;
        replicaset__create_module(plan, revision, base, NULL, (struct upgrade_choice){0});
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
        replicaset__ask(view, revision, ACTION_EVICT, surplus, plan);
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
        replicaset__ask_again_later(view, plan);
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
static void forget_answers(const struct deployment_view *view, const struct revision *revision,
                           const struct revision *update, struct plan *plan)
{
    if (revision->place.state == PLACEMENT_ANSWERED && !revision_lack(revision))
        plan_add(plan, ACTION_FORGET_PLACE, revision->rs->meta.name);
    if (revision->evict.state == PLACEMENT_ANSWERED && !revision_surplus(revision, update) &&
        !gives_way_early(view, revision, update))
        plan_add(plan, ACTION_FORGET_EVICT, revision->rs->meta.name);
}

static void close_differences(const struct deployment_view *view, struct revision *update,
                              struct offered *offered, struct disruption *disruption,
                              struct plan *plan)
{
    if (update && update->waiting_way && replicaset__way_known(update)) {
        replicaset__other_way(view, update, offered, disruption, plan);
        return;
    }
    int32_t covered = update ? replicaset__successors(view, update, offered, disruption, plan) : 0;
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
        forget_answers(view, revision, update, plan);
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
    replicaset__retire_moved(view, update, plan);
    struct offered offered = offered_of(view);
    close_differences(view, update, &offered, &disruption, plan);
    offered_done(&offered);
}
