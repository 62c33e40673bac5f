/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run of a forecast. In one instant, until nothing is left:
 *
 *   the deployment is planned, then instances that something happened to, then their bases (traffic);
 *   a question to the scheduler that may have another answer than the last time stops the run for it;
 *   who waits for a person gets what is waited for.
 *
 * Then time goes on to the next timer: an operation ends, or somebody wants to look again. Without a timer nothing
 * will ever move: it is stuck. The order within an instant is fixed, so a forecast is the same every time.
 */
#include "services/controller/engine/forecast_internal.h"

#include "lib/base/assert.h"
#include "lib/model/labels.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/plan_module.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/plan_service.h"
#include "services/controller/engine/release_status.h"
#include "services/controller/engine/replicaset_status.h"
#include "services/controller/engine/rollback.h"
#include "services/controller/engine/traffic.h"

/* What is written later than at once, as counters, is written within this time after the end. */
#define AFTERMATH_MS (2 * STATUS_WRITE_EVERY_MS)

/* Far more than any release takes, so that no mistake of a rule makes it endless. */
#define EFFORT_MAX 100000000

/* Whom a plan of the deployment looks at in the time that another plan takes. */
#define INSTANCES_PER_EFFORT 64

struct forecast *forecast_new(struct module_deployment *md_taken,
                              const struct module_template_spec *template,
                              const struct forecast_times *times, int64_t wall_ms)
{
    struct forecast *f = NEW(struct forecast);
    f->md = md_taken;
    f->times = *times;
    f->start_ms = f->now_ms = f->moved_ms = wall_ms;
    if (template) {
        f->has_template = true;
        module_template_spec_copy(&f->asked, template);
    }
    f->serving_floor = -1;
    return f;
}

void forecast_set_install_ms(struct forecast *f, int64_t install_ms)
{
    f->times.install_ms = install_ms;
}

void forecast_set_owner(struct forecast *f, const char *name)
{
    mem_replace(&f->owner, name);
}

void forecast_set_bases_problem(struct forecast *f, const char *problem, bool unknown)
{
    mem_replace(&f->bases_problem, problem);
    f->bases_unknown = unknown;
}

void forecast_free(struct forecast *f)
{
    if (!f)
        return;
    forecast__record_done(f);
    forecast__world_done(f);
    json_release(module_spec_fields, &f->asked.module);
    json_map_done(&f->asked.base_selector);
    json_map_done(&f->asked.meta.annotations);
    VEC_DONE(&f->dirty_modules);
    VEC_DONE(&f->dirty_bases);
    VEC_DONE(&f->timers);
    plan_done(&f->plan);
    mem_free(f->update_name);
    mem_free(f->owner);
    mem_free(f->bases_problem);
    mem_free(f);
}

const struct forecast_result *forecast_result(const struct forecast *f)
{
    return &f->result;
}

/* -- what is to be planned -- */

void forecast__dirty_module(struct forecast *f, struct forecast_instance *instance)
{
    if (instance->queued || instance->gone || !instance->view.revision)
        return;
    instance->queued = true;
    VEC_PUSH(&f->dirty_modules, instance);
}

void forecast__dirty_base(struct forecast *f, struct forecast_base *base)
{
    if (base->queued)
        return;
    base->queued = true;
    VEC_PUSH(&f->dirty_bases, base);
}

/* -- timers -- */

static bool earlier(const struct forecast_timer *a, const struct forecast_timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->sequence < b->sequence;
}

static void swap(struct forecast_timer *a, struct forecast_timer *b)
{
    struct forecast_timer kept = *a;
    *a = *b;
    *b = kept;
}

void forecast__start_timer(struct forecast *f, int64_t at_ms, enum forecast_timer_type type,
                           void *target)
{
    VEC_PUSH(&f->timers, (struct forecast_timer){at_ms, f->timer_sequence++, type, target});
    struct forecast_timer *heap = f->timers.items;
    for (size_t at = f->timers.len - 1; at > 0 && earlier(&heap[at], &heap[(at - 1) / 2]);
         at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

static struct forecast_timer take_timer(struct forecast *f)
{
    struct forecast_timer *heap = f->timers.items, first = heap[0];
    size_t len = --f->timers.len;
    heap[0] = heap[len];
    for (size_t at = 0, child; (child = 2 * at + 1) < len; at = child) {
        if (child + 1 < len && earlier(&heap[child + 1], &heap[child]))
            child++;
        if (!earlier(&heap[child], &heap[at]))
            break;
        swap(&heap[at], &heap[child]);
    }
    return first;
}

/* -- plans -- */

/* Carries the plan of @type out; what wants to be looked at again later is @target. Return: whether anything has changed. */
static bool carry_out(struct forecast *f, enum forecast_timer_type type, void *target)
{
    bool changed = false;
    for (size_t i = 0; i < f->plan.actions.len; i++) {
        struct action *action = &f->plan.actions.items[i];
        struct forecast_instance *instance = type == TIMER_MODULE ? target : NULL;
        if (action->type == ACTION_REQUEUE) {
            if (instance && instance->requeue_ms == action->at_ms)
                continue; /* planned again before that */
            if (instance)
                instance->requeue_ms = action->at_ms;
            forecast__start_timer(f, action->at_ms, type, target);
            continue;
        }
        forecast__count_write(f, action);
        changed |= type == TIMER_BASE ? forecast__apply_to_base(f, target, action)
                                      : forecast__apply(f, action, instance);
    }
    plan_clear(&f->plan);
    return changed;
}

static void plan_the_deployment(struct forecast *f)
{
    struct deployment_view view = forecast__view(f);
    plan_deployment(&view, &f->plan);
    if (!plan_changes(&f->plan))
        plan_replicasets(&view, &f->plan);
    plan_replicaset_status(&view, &f->plan);
    plan_service(&view, &f->plan);
    f->dirty = carry_out(f, TIMER_DEPLOYMENT, NULL);
}

static void plan_one_module(struct forecast *f, struct forecast_instance *instance)
{
    struct module_view view = {
        .instance = &instance->view,
        .bases_unknown = f->bases_unknown,
        .wanted = !f->md->meta.deletion_ms &&
                  str_eq(f->update_name, instance->view.revision->rs->meta.name),
        .going = f->md->meta.deletion_ms != 0,
        .drain_ms = (int64_t)f->md->spec.strategy.drain_seconds * 1000,
        .min_ready_seconds = f->md->spec.min_ready_seconds,
        .now_ms = f->now_ms,
        .wall_ms = f->now_ms,
    };
    plan_module(&view, &f->plan);
    (void)carry_out(f, TIMER_MODULE, instance);
}

static void plan_one_base(struct forecast *f, struct forecast_base *base)
{
    plan_traffic(&base->view, f->now_ms, &f->plan);
    (void)carry_out(f, TIMER_BASE, base);
}

/* -- one instant, bit by bit -- */

static void fire_next(struct forecast *f)
{
    struct forecast_timer timer = take_timer(f);
    struct forecast_instance *instance = timer.target;
    switch (timer.type) {
    case TIMER_OPERATION:
        forecast__end_operation(f, instance);
        break;
    case TIMER_START:
        forecast__end_start(f, timer.target);
        break;
    case TIMER_MODULE:
        if (instance->requeue_ms == timer.at_ms)
            instance->requeue_ms = 0;
        forecast__dirty_module(f, instance);
        break;
    case TIMER_BASE:
        forecast__dirty_base(f, timer.target);
        break;
    case TIMER_DEPLOYMENT:
        f->dirty = true;
        break;
    }
}

/* What is planned may make others due: they come behind. */
static void plan_next_module(struct forecast *f)
{
    struct forecast_instance *instance = f->dirty_modules.items[f->planned++];
    instance->queued = false;
    if (!instance->gone)
        plan_one_module(f, instance);
}

static void plan_next_base(struct forecast *f)
{
    struct forecast_base *base = f->dirty_bases.items[f->planned++];
    base->queued = false;
    plan_one_base(f, base);
}

/* Does one of what is due in this pass. Return: the effort; 0: nothing is left. */
static int64_t do_next_of_pass(struct forecast *f)
{
    int64_t effort = 1;
    if (f->pass == PASS_TIMERS && f->timers.len && f->timers.items[0].at_ms <= f->now_ms) {
        fire_next(f);
    } else if (f->pass == PASS_DEPLOYMENT && f->dirty) {
        effort += (int64_t)f->all_instances.len / INSTANCES_PER_EFFORT;
        plan_the_deployment(f);
    } else if (f->pass == PASS_MODULES && f->planned < f->dirty_modules.len) {
        plan_next_module(f);
    } else if (f->pass == PASS_BASES && f->planned < f->dirty_bases.len) {
        plan_next_base(f);
    } else {
        effort = 0;
    }
    return effort;
}

/* What a pass has planned is done with; what it made due meanwhile in another list stays. */
static void next_pass(struct forecast *f)
{
    if (f->pass == PASS_MODULES)
        f->dirty_modules.len = 0;
    if (f->pass == PASS_BASES)
        f->dirty_bases.len = 0;
    f->planned = 0;
    f->pass = f->pass == PASS_BASES ? PASS_DEPLOYMENT : f->pass + 1;
}

/* Does one of what is due in this instant. Return: the effort; 0: nothing is left. */
static int64_t do_next(struct forecast *f)
{
    for (;;) {
        int64_t effort = do_next_of_pass(f);
        bool idle = f->pass == PASS_DEPLOYMENT && !f->dirty_modules.len && !f->dirty_bases.len;
        if (effort || idle)
            return effort;
        next_pass(f);
    }
}

/* Gives what a person is waited for. Return: whether somebody was. */
static bool give_way(struct forecast *f)
{
    const struct release_status *release = &f->md->status.release;
    if (!f->md->spec.pause || release->progress != PROGRESS_PAUSED || f->md->meta.deletion_ms)
        return false;
    if (str_eq(release->reason, REASON_PAUSED_BY_USER))
        forecast__record_hold(f, release->reason, release->message);
    else if (!str_eq(release->reason, REASON_WAITING_FOR_CONFIRMATION))
        return false;
    f->md->spec.pause = false;
    f->md->meta.generation++;
    f->dirty = true;
    return true;
}

/* Return: FORECAST_COMPLETED: this instant is; else why not yet. */
static enum forecast_state settle(struct forecast *f, int64_t *effort)
{
    while (!f->removed && !f->given_up && f->effort < EFFORT_MAX) {
        if (*effort <= 0)
            return FORECAST_GOES_ON;
        int64_t taken = do_next(f);
        *effort -= taken;
        f->effort += taken;
        if (taken)
            continue;
        if (forecast__find_question(f))
            return FORECAST_ASKS;
        if (!give_way(f))
            break;
    }
    return FORECAST_COMPLETED;
}

/* -- from instant to instant -- */

static bool is_over(const struct forecast *f)
{
    bool later = f->timers.len && f->timers.items[0].at_ms > f->completed_ms + AFTERMATH_MS;
    return f->removed || f->given_up || !f->timers.len || (f->completed_ms && later) ||
           f->effort >= EFFORT_MAX;
}

static void begin(struct forecast *f)
{
    int32_t wanted = f->md->meta.deletion_ms ? 0 : f->md->spec.replicas;
    struct deployment_view view = forecast__view(f);
    if (view.template)
        f->update_name = update_revision_name(f->md, view.template);
    f->result.update_revision = f->update_name;
    if (view.failed) /* what is asked for has failed before */
        forecast__record_hold(f, REASON_ROLLED_BACK, rollback_marked(view.failed));
    forecast__link(f);
    forecast__begin_starts(f);
    f->serving_floor = wanted < 0 || f->serving < wanted ? f->serving : wanted;
    f->dirty = true;
}

/* Tells what has come of it, and goes on to the next timer. Return: false where there is nothing to go on to. */
static bool end_instant(struct forecast *f)
{
    forecast__record_instant(f);
    if (forecast__waits_for_room(f))
        forecast__record_room(f);
    if (is_over(f))
        return false;
    if (f->timers.items[0].at_ms > f->now_ms)
        f->now_ms = f->timers.items[0].at_ms;
    f->pass = PASS_TIMERS;
    return true;
}

enum forecast_state forecast_run(struct forecast *f, int64_t effort)
{
    ASSERT(!f->asking);
    if (f->serving_floor < 0)
        begin(f);
    do {
        enum forecast_state settled = settle(f, &effort);
        if (settled != FORECAST_COMPLETED)
            return settled;
    } while (end_instant(f));
    bool completed = f->removed || forecast__is_completed(f);
    forecast__record_end(f, !completed);
    return completed ? FORECAST_COMPLETED : FORECAST_STUCK;
}
