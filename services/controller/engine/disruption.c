/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/disruption.h"

#include "lib/base/min.h"
#include "lib/base/str.h"
#include "services/controller/engine/counts.h"
#include "services/controller/engine/replacement.h"

#define DOUBT_MS 5000 /* what is doubtful is looked at again after this */

int32_t disruption_limit(const struct int_or_percent *max_unavailable, int32_t target,
                         bool gap_always)
{
    int32_t value = max_unavailable->value;
    if (max_unavailable->kind == INT_OR_PERCENT_UNSET)
        return INT32_MAX;
    if (max_unavailable->kind == INT_OR_PERCENT_INT)
        return value;
    int32_t part = (int32_t)((int64_t)target * value / 100);
    return part == 0 && value > 0 && gap_always ? 1 : part;
}

static bool gap_always(const struct deployment_view *view)
{
    return view->md->spec.strategy.upgrade_policy == UPGRADE_UNINSTALL_THEN_INSTALL;
}

/* -- who serves -- */

/* The old one that @instance is to replace and that is still there, or NULL. */
static const struct instance *predecessor(const struct instance *instance)
{
    const struct instance *old = instance->replaces;
    return old && !instance_deleting(old) ? old : NULL;
}

/* Who serves and goes on to, where @old is: itself, or its successor; NULL: nobody. */
static const struct instance *server(const struct instance *old)
{
    const struct instance *successor = old->replaced_by;
    if (successor && instance_serves(successor))
        return successor;
    bool stays = !successor || successor->module->spec.upgrade_way != WAY_IN_PLACE;
    return stays && instance_serves(old) ? old : NULL;
}

bool disruption_serves(const struct instance *old)
{
    return server(old) != NULL;
}

/* When @instance counts, having been Available for spec.minReadySeconds; wall ms. The clock may have been set back since. */
static int64_t counts_at(const struct deployment_view *view, const struct instance *instance)
{
    int64_t since_ms = instance->module->status.last_transition_ms;
    int64_t period_ms = (int64_t)view->md->spec.min_ready_seconds * 1000;
    return since_ms > view->wall_ms ? view->wall_ms : since_ms + period_ms;
}

/*
 * Whether @instance may not serve though it is Available: a successor that took its place, or was about to, is given up
 * and not gone yet, or the last report does not find it active. It does not count until more is known.
 */
static bool is_doubtful(const struct instance *instance)
{
    enum reported reported = instance->reported;
    if (reported != REPORTED_ACTIVE && reported != REPORTED_NOTHING)
        return true;
    for (size_t i = 0; i < instance->base->instances.len; i++) {
        const struct module_instance_spec *spec = &instance->base->instances.items[i]->module->spec;
        if (instance_deleting(instance->base->instances.items[i]) &&
            spec->upgrade_way == WAY_IN_PLACE &&
            str_eq(spec->replaces, instance->module->meta.name))
            return true;
    }
    return false;
}

static void count_place(struct disruption *d, const struct instance *instance)
{
    const struct instance *serving = server(instance);
    int64_t at_ms = serving ? counts_at(d->view, serving) : 0;
    if (serving && is_doubtful(serving))
        at_ms = d->view->wall_ms + DOUBT_MS;
    if (serving && at_ms <= d->view->wall_ms)
        d->serving++;
    else if (serving && (!d->more_ms || at_ms < d->more_ms))
        d->more_ms = at_ms;
}

static void count_serving(struct disruption *d)
{
    for (size_t r = 0; r < d->view->revision_count; r++) {
        const struct revision *revision = d->view->revisions[r];
        for (size_t i = 0; i < revision->instances.len; i++) {
            const struct instance *instance = revision->instances.items[i];
            if (!instance_deleting(instance) && !predecessor(instance))
                count_place(d, instance);
        }
    }
}

/* -- what may go -- */

struct disruption disruption_of(const struct deployment_view *view, const struct revision *update)
{
    return (struct disruption){
        .view = view,
        .update = update,
        .bounded = view->md->spec.max_unavailable.kind != INT_OR_PERCENT_UNSET &&
                   !view->md->meta.deletion_ms && view->template && update,
    };
}

static void count(struct disruption *d)
{
    const struct module_deployment_spec *spec = &d->view->md->spec;
    if (d->counted)
        return;
    d->counted = true;
    d->target = spec->replicas == REPLICAS_SYMMETRIC ? symmetric_target(d->view, d->update)
                                                     : spec->replicas;
    d->limit = disruption_limit(&spec->max_unavailable, d->target, gap_always(d->view));
    count_serving(d);
}

int32_t disruption_left(struct disruption *d)
{
    if (!d->bounded)
        return INT32_MAX;
    count(d);
    return d->serving - max32(d->target - d->limit, 0);
}

int64_t disruption_more_at(struct disruption *d)
{
    return d->bounded && d->more_ms ? d->view->now_ms + (d->more_ms - d->view->wall_ms) : 0;
}

/* Whether one less serves without @going. */
static bool is_missed(const struct instance *going)
{
    const struct instance *old = predecessor(going);
    if (!old || old->replaced_by != going)
        return disruption_serves(going);
    return instance_serves(going) && !instance_serves(old);
}

bool disruption_take(struct disruption *d, const struct instance *going)
{
    if (!d->bounded || !is_missed(going))
        return true;
    if (disruption_left(d) <= 0)
        return false;
    d->serving--;
    return true;
}

/* -- what is told -- */

/* Old instances that serve and can only go with a gap. */
struct held {
    int32_t count;
    struct upgrade_choice choice; /* of the first */
};

static void hold(struct held *held, struct upgrade_choice choice)
{
    if (!held->count++)
        held->choice = choice;
}

static bool has_gap(const struct deployment_view *view, const struct revision *update,
                    const struct instance *old, struct upgrade_choice *ret_choice)
{
    bool full = no_room_elsewhere(update);
    *ret_choice = replacement_way(view, update, old, !full);
    return disruption_serves(old) && ret_choice->way == WAY_IN_PLACE;
}

/* Successors that were refused beside the old one. */
static void find_waiting(const struct deployment_view *view, const struct revision *update,
                         struct held *held)
{
    struct upgrade_choice choice;
    for (size_t i = 0; update->waiting_way && i < update->instances.len; i++) {
        const struct instance *instance = update->instances.items[i];
        if (waits_for_way(instance) && has_gap(view, update, instance->replaces, &choice))
            hold(held, choice);
    }
}

/* Old ones of @old that have no successor yet: up to @most of them. */
static void find_without_successor(const struct deployment_view *view,
                                   const struct revision *update, const struct revision *old,
                                   int32_t most, struct held *held)
{
    int32_t before = held->count;
    struct upgrade_choice choice;
    for (size_t i = 0; i < old->instances.len && held->count - before < most; i++)
        if (can_be_replaced(old->instances.items[i], update) &&
            has_gap(view, update, old->instances.items[i], &choice))
            hold(held, choice);
}

/* Those of @old that serve and would have to be removed, @surplus of all being too many: who does not serve goes first. */
static void find_removed(const struct revision *old, int32_t surplus, struct held *held)
{
    int32_t serving = 0, idle = 0;
    for (size_t i = 0; i < old->instances.len; i++) {
        const struct instance *instance = old->instances.items[i];
        if (instance_deleting(instance) || instance->replaced_by)
            continue;
        serving += disruption_serves(instance);
        idle += !disruption_serves(instance);
    }
    for (int32_t i = 0; i < min32(serving, surplus - idle); i++)
        hold(held, (struct upgrade_choice){WAY_NONE, NO_CAPACITY});
}

/* New versions that are to be given up for those of @old, which are gone from their bases. */
static void find_given_up(const struct revision *old, const struct revision *update,
                          struct held *held)
{
    for (size_t i = 0; old->replaced && i < old->instances.len; i++) {
        const struct instance *successor = old->instances.items[i]->replaced_by;
        if (successor && instance_superseded(successor, update) && is_missed(successor))
            hold(held, (struct upgrade_choice){WAY_IN_PLACE, upgrade_way_name(WAY_IN_PLACE)});
    }
}

static struct held find_held(const struct deployment_view *view, const struct revision *update)
{
    struct held held = {0};
    int32_t missing = revision_lack(update);
    find_waiting(view, update, &held);
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        int32_t surplus = revision_surplus(revision, update);
        find_given_up(revision, update, &held);
        int32_t early = gives_way_early(view, revision, update);
        int32_t replaced = revision == update ? 0 : min32(surplus, missing) + early;
        missing = max32(missing - replaced, 0);
        if (replaced)
            find_without_successor(view, update, revision, replaced, &held);
        if (surplus > replaced && update->available >= update->existing)
            find_removed(revision, surplus - replaced, &held);
    }
    return held;
}

/* Whether an instance is out of service for its successor: then the next wave begins when that serves. */
static bool wave_under_way(const struct deployment_view *view, const struct revision *update)
{
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        for (size_t i = 0; revision->replaced && i < revision->instances.len; i++) {
            const struct instance *successor = revision->instances.items[i]->replaced_by;
            if (successor && successor->revision == update &&
                successor->module->spec.upgrade_way == WAY_IN_PLACE)
                return true;
        }
    }
    return false;
}

/* Whether all numbers are right: that is seen at once. */
static bool is_settled(const struct deployment_view *view, const struct revision *update)
{
    bool settled = update->existing == update->rs->spec.replicas && !update->waiting_way;
    for (size_t r = 0; r < view->revision_count; r++)
        settled &= view->revisions[r] == update || !view->revisions[r]->existing;
    return settled;
}

/* "maxUnavailable is 10%, which is 0 of 4". Owned. */
static char *limit_text(const struct disruption *d)
{
    const struct int_or_percent *max = &d->view->md->spec.max_unavailable;
    return max->kind == INT_OR_PERCENT_PERCENT
               ? mem_printf("maxUnavailable is %d%%, which is %d of %d", max->value, d->limit,
                            d->target)
               : mem_printf("maxUnavailable is %d", max->value);
}

static const char *what_else_helps(const struct disruption *d, const struct held *held)
{
    if (held->choice.way == WAY_IN_PLACE && gap_always(d->view))
        return "another upgradePolicy";
    return "room on another base";
}

char *disruption_told(const struct deployment_view *view, const struct revision *update)
{
    struct disruption d = disruption_of(view, update);
    if (!d.bounded || is_settled(view, update) || disruption_left(&d) > 0 || d.more_ms ||
        wave_under_way(view, update))
        return NULL;
    struct held held = find_held(view, update);
    if (!held.count)
        return NULL;
    AUTO_FREE char *limit = limit_text(&d);
    AUTO_FREE char *already =
        d.serving < d.target
            ? mem_printf(" and %d of %d are unavailable already", d.target - d.serving, d.target)
            : mem_strdup("");
    return mem_printf("%d instance%s can only be %s with a gap (%s), but %s%s: a higher one would "
                      "help, or %s",
                      held.count, held.count == 1 ? "" : "s",
                      held.choice.way == WAY_IN_PLACE ? "replaced" : "removed", held.choice.reason,
                      limit, already, what_else_helps(&d, &held));
}
