/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens with a ModuleDeployment.
 *
 *            spec wants something else
 *   any ------------------------------------> begin: freeze numbers, count changes, batch 1
 *                                                |
 *                                                v
 *        +------------------------------->  Executing  <----------- pause = false ----+
 *        |                                   |     |  pause = true, batch not done    |
 *        |                      batch done   |     +-----------------> Paused(PausedByUser)
 *        |                                   v
 *        |        last batch -------> Completed
 *        |        needConfirm ------> pause = true, Paused(WaitingForConfirmation) --+
 *        |        grayTime ---------> Paused(GrayTime) --- time over, still healthy -+
 *        |        else ------------------------------------------------------------+ |
 *        +------------------------------- next batch <-----------------------------+-+
 *
 *   no progress for too long, an instance has finally failed: give_up.c
 *
 * Nothing is decided twice: the release is written to the status before any instance moves for it
 * (begin, next batch), and everything else is derived from what is there. So a crash between two
 * writes changes nothing.
 *
 * spec.pause is set before the status says WaitingForConfirmation, and batchProgress says Completed before
 * that. So WaitingForConfirmation with pause = false can only mean that a person has confirmed. A pause, and an
 * abort, leave batchProgress and the end of gray time as they are, by which what goes on then knows where it was.
 */
#include "services/controller/engine/plan_deployment.h"

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/batches.h"
#include "services/controller/engine/counts.h"
#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/plan_deployment_internal.h"
#include "services/controller/engine/release_status.h"
#include "services/controller/engine/rollback.h"
#include "services/controller/engine/scale.h"

char *update_revision_name(const struct module_deployment *md,
                           const struct module_template_spec *template)
{
    AUTO_FREE char *hash = template_hash(template, md->spec.base_deployment_name);
    return mem_printf("%s-%s", md->meta.name, hash);
}

/* -- moves of the state machine -- */

void plan__move(struct planning *p, enum release_progress progress, const char *reason,
                char *message_taken)
{
    release_move(p->release, progress, reason, message_taken, p->view->wall_ms);
}

static const char *plural(int32_t count)
{
    return count == 1 ? "" : "s";
}

void plan__execute_batch(struct planning *p)
{
    mem_replace(&p->release->batch_progress, "Executing");
    p->release->next_reconcile_ms = 0;
    char *message = p->release->current_batch
                        ? mem_printf("batch %d of %d is being executed", p->release->current_batch,
                                     p->release->real_batch_count)
                        : mem_strdup("nothing to change, not all instances are available yet");
    plan__move(p, PROGRESS_EXECUTING, "BatchExecuting", message);
}

/* What is Completed where what was asked for has failed. */
static char *return_text(const struct planning *p)
{
    return mem_printf("%s, version %s, has failed: version %s is released in its place, %d "
                      "instance%s",
                      p->view->failed->rs->meta.name,
                      p->view->failed->rs->spec.template.module.version,
                      p->view->template->module.version, p->target, plural(p->target));
}

void plan__complete(struct planning *p)
{
    bool returned = p->view->failed != NULL;
    mem_replace(&p->release->batch_progress, "Completed");
    p->release->next_reconcile_ms = 0;
    if (p->release->progress != PROGRESS_COMPLETED)
        plan_event(p->plan, "", false, "ReleaseCompleted",
                   mem_printf("%s is released: %d instance%s", p->release->update_revision,
                              p->target, plural(p->target)));
    plan__move(p, PROGRESS_COMPLETED, returned ? REASON_ROLLED_BACK : "ReleaseCompleted",
               returned ? return_text(p)
                        : mem_printf("%d instance%s released", p->target,
                                     p->target == 1 ? " is" : "s are"));
}

void plan__begin_batch(struct planning *p, int32_t batch)
{
    p->release->current_batch = batch;
    p->release->last_transition_ms = p->view->wall_ms;
    plan__execute_batch(p);
    struct rollout rollout = plan__rollout(p);
    int32_t size = batches_end(rollout.changes, rollout.batch_count, rollout.beta, batch) -
                   batches_end(rollout.changes, rollout.batch_count, rollout.beta, batch - 1);
    plan_event(p->plan, "", false, "BatchStarted",
               mem_printf("batch %d of %d of %s: %d instance%s to change", batch,
                          p->release->real_batch_count, p->release->update_revision, size,
                          plural(size)));
}

static void next_batch(struct planning *p)
{
    plan__begin_batch(p, p->release->current_batch + 1);
    plan__apply_numbers(p);
}

static void pause_by_user(struct planning *p)
{
    plan__freeze_numbers(p);
    plan__move(p, PROGRESS_PAUSED, REASON_PAUSED_BY_USER,
               mem_printf("paused by spec.pause in batch %d of %d", p->release->current_batch,
                          p->release->real_batch_count));
}

static int64_t gray_ms(const struct planning *p)
{
    return (int64_t)p->md->spec.strategy.gray_time_seconds * 1000;
}

/*
 * When the gray time that was written down is over: never later than a whole one from now. The clock may have
 * been set back since, or have been another controller's. One that is ahead ends it early: no record tells
 * that from time that has passed.
 */
static int64_t gray_end_ms(const struct planning *p)
{
    int64_t latest_ms = p->view->wall_ms + gray_ms(p);
    return p->release->next_reconcile_ms < latest_ms ? p->release->next_reconcile_ms : latest_ms;
}

static void wait_for_person(struct planning *p)
{
    mem_replace(&p->release->batch_progress, "Completed");
    p->release->next_reconcile_ms = gray_ms(p) ? p->view->wall_ms + gray_ms(p) : 0;
    plan__move(
        p, PROGRESS_PAUSED, REASON_WAITING_FOR_CONFIRMATION,
        mem_printf("batch %d of %d is done and waits for confirmation: set spec.pause to false or "
                   "spec.confirmBatchNum to %d",
                   p->release->current_batch, p->release->real_batch_count,
                   p->release->current_batch));
    plan_event(p->plan, "", false, REASON_WAITING_FOR_CONFIRMATION,
               mem_strdup(p->release->message));
}

static void wait_gray_time(struct planning *p, int64_t end_wall_ms)
{
    mem_replace(&p->release->batch_progress, "Completed");
    p->release->next_reconcile_ms = end_wall_ms;
    char until[TIME_TEXT_SIZE];
    plan__move(p, PROGRESS_PAUSED, REASON_GRAY_TIME,
               mem_printf("batch %d of %d is done; the next begins at %s",
                          p->release->current_batch, p->release->real_batch_count,
                          time_format(end_wall_ms, until)));
    plan_requeue(p->plan, p->view->now_ms + (end_wall_ms - p->view->wall_ms));
}

static void batch_completed_event(struct planning *p)
{
    plan_event(p->plan, "", false, "BatchCompleted",
               mem_printf("batch %d of %d of %s is done", p->release->current_batch,
                          p->release->real_batch_count, p->release->update_revision));
}

bool plan__recorded_as_done(const struct planning *p)
{
    return str_eq(p->release->batch_progress, "Completed");
}

/* Nobody is asked on the way back from a release that has failed: that was said before. */
static bool asks_person(const struct planning *p)
{
    return p->md->spec.strategy.need_confirm && !p->view->failed;
}

/*
 * What happens after a batch. For a confirmation there are three writes, each seen before the next: the
 * batch is done; pause = true; the release waits. So our pause is never taken for the user's, even if an
 * instance falls sick in between.
 */
static void after_batch(struct planning *p)
{
    if (p->release->current_batch >= p->release->real_batch_count) {
        batch_completed_event(p);
        plan__complete(p);
    } else if (asks_person(p) && !plan__recorded_as_done(p)) {
        mem_replace(&p->release->batch_progress, "Completed");
        p->release->next_reconcile_ms =
            0; /* beside it that is gray time, see plan__in_gray_time() */
    } else if (asks_person(p) &&
               (!p->md->spec.pause || p->md->spec.confirm_batch_num)) { /* a number set too early */
        plan_add(p->plan, ACTION_SET_PAUSE, "")->number = 1;
    } else if (asks_person(p)) {
        batch_completed_event(p);
        wait_for_person(p);
    } else if (p->md->spec.pause) {
        pause_by_user(p);
    } else if (gray_ms(p)) {
        batch_completed_event(p);
        wait_gray_time(p, p->view->wall_ms + gray_ms(p));
    } else {
        batch_completed_event(p);
        next_batch(p);
    }
}

/* Whether the gate of the batch is behind it: somebody has confirmed, or gray time is over. */
static bool gate_passed(const struct planning *p)
{
    return str_eq(p->release->batch_progress, "Passed");
}

/* The batch was done when it came to its gate, but is not healthy any more: nothing is asked again, it only has to be. */
static void hold_at_gate(struct planning *p)
{
    if (!gate_passed(p))
        plan_event(p->plan, "", true, "BatchUnhealthy",
                   mem_printf("batch %d of %d of %s was done, but is not healthy any more",
                              p->release->current_batch, p->release->real_batch_count,
                              p->release->update_revision));
    mem_replace(&p->release->batch_progress, "Passed");
    p->release->next_reconcile_ms = 0;
    plan__move(p, PROGRESS_EXECUTING, "BatchUnhealthy",
               mem_printf("batch %d of %d was done, but is not healthy any more: the next begins "
                          "when it is",
                          p->release->current_batch, p->release->real_batch_count));
}

static void pass_gate(struct planning *p)
{
    if (plan__batch_done(p)) {
        next_batch(p);
    } else {
        hold_at_gate(p);
        plan__apply_numbers(p);
    }
}

/* All are available: the batch is done when they have been so for spec.minReadySeconds. */
static void wait_until_ready(struct planning *p, int64_t ready_wall_ms)
{
    p->release->next_reconcile_ms = ready_wall_ms;
    char at[TIME_TEXT_SIZE];
    mem_replace(&p->release->message, NULL);
    p->release->message =
        mem_printf("all instances of the batch are available; it is done at %s, if they stay so",
                   time_format(ready_wall_ms, at));
    plan_requeue(p->plan, p->view->now_ms + (ready_wall_ms - p->view->wall_ms));
}

static void carry_on(struct planning *p)
{
    int64_t ready_ms = plan__batch_available(p) ? plan__ready_ms(p) : 0;
    if (gate_passed(p))
        hold_at_gate(p);
    else
        plan__execute_batch(p);
    plan__apply_numbers(p);
    if (ready_ms)
        wait_until_ready(p, ready_ms);
    else
        plan__await_deadline(p);
}

static void advance_executing(struct planning *p)
{
    if (!asks_person(p) && plan__withdraw_gate(p))
        return; /* needConfirm was switched off just before it waited */
    bool waits = plan__recorded_as_done(p) && asks_person(p);
    bool done = plan__batch_done(p);
    if (done && gate_passed(p) && !p->md->spec.pause)
        next_batch(p);
    else if (waits || (done && !gate_passed(p)))
        after_batch(p);
    else if (p->md->spec.pause)
        pause_by_user(p);
    else
        carry_on(p);
}

static void refuse_confirmation(struct planning *p, int32_t number)
{
    char *message = mem_printf("confirmBatchNum %d is refused: batch %d waits for confirmation",
                               number, p->release->current_batch);
    if (str_eq(p->release->message, message)) {
        mem_free(message);
        return;
    }
    plan_event(p->plan, "", true, "ConfirmationRefused", mem_strdup(message));
    plan__move(p, PROGRESS_PAUSED, REASON_WAITING_FOR_CONFIRMATION, message);
}

static void advance_waiting(struct planning *p)
{
    const struct module_deployment_spec *spec = &p->md->spec;
    bool by_number = spec->confirm_batch_num == p->release->current_batch;
    if (!spec->pause && gray_end_ms(p) > p->view->wall_ms) {
        wait_gray_time(p, gray_end_ms(p));
    } else if (!spec->pause) {
        pass_gate(p);
    } else if (by_number || !asks_person(p)) {
        plan_add(p->plan, ACTION_SET_PAUSE, "")->number =
            0; /* seen, it counts as the confirmation */
    } else {
        if (spec->confirm_batch_num)
            refuse_confirmation(p, spec->confirm_batch_num);
        plan__apply_numbers(p);
    }
}

static void advance_gray_time(struct planning *p)
{
    int64_t end_ms = gray_end_ms(p), left_ms = end_ms - p->view->wall_ms;
    if (p->md->spec.pause) {
        pause_by_user(p);
    } else if (left_ms > 0 && end_ms != p->release->next_reconcile_ms) {
        plan__apply_numbers(p);
        wait_gray_time(p, end_ms); /* written, or it would begin again with every look at it */
    } else if (left_ms > 0) {
        plan__apply_numbers(p);
        plan_requeue(p->plan, p->view->now_ms + left_ms);
    } else {
        pass_gate(p);
    }
}

bool plan__in_gray_time(const struct planning *p)
{
    return plan__recorded_as_done(p) && p->release->next_reconcile_ms;
}

/* After a pause, or when it was given up, it goes on where it was: nobody is asked a second time. Nothing moves while
 * somebody pauses. */
static void go_on(struct planning *p)
{
    if (p->md->spec.pause) {
        pause_by_user(p);
    } else if (plan__in_gray_time(p) && gray_end_ms(p) > p->view->wall_ms) {
        wait_gray_time(p, gray_end_ms(p));
        plan__apply_numbers(p);
    } else if (plan__in_gray_time(p) || gate_passed(p)) {
        pass_gate(p);
    } else {
        plan__execute_batch(p);
        plan__apply_numbers(p);
    }
}

/* Paused, an old version does not come back on another base when a symmetric one lost its base. */
static void stay_paused(struct planning *p)
{
    for (size_t i = 0; i < p->view->revision_count; i++) {
        struct revision *revision = p->view->revisions[i];
        int32_t has = places(revision, p->update);
        if (revision != p->update && has < revision->rs->spec.replicas)
            plan__set_replicas(p->plan, revision, has);
    }
}

static void advance_paused(struct planning *p)
{
    if (str_eq(p->release->reason, REASON_WAITING_FOR_CONFIRMATION)) {
        advance_waiting(p);
    } else if (str_eq(p->release->reason, REASON_GRAY_TIME)) {
        advance_gray_time(p);
    } else if (!p->md->spec.pause) {
        go_on(p);
    } else if (p->md->spec.replicas == REPLICAS_SYMMETRIC) {
        stay_paused(p);
    }
}

/* Whether spec.pause is ours: it asks for a confirmation. */
static bool own_pause(const struct planning *p)
{
    enum release_progress progress = p->release->progress;
    bool waits =
        progress == PROGRESS_PAUSED && str_eq(p->release->reason, REASON_WAITING_FOR_CONFIRMATION);
    bool will_wait =
        progress == PROGRESS_EXECUTING && plan__recorded_as_done(p) && !plan__in_gray_time(p);
    return p->md->spec.pause && (waits || will_wait);
}

bool plan__abort_asked(const struct planning *p)
{
    return str_eq(json_map_get(&p->md->meta.annotations, ANNOTATION_ABORT),
                  p->release->update_revision);
}

bool plan__withdraw_gate(struct planning *p)
{
    if (!own_pause(p))
        return false;
    if (p->release->progress == PROGRESS_PAUSED) {
        p->release->next_reconcile_ms = 0; /* it was not confirmed */
        plan__move(p, PROGRESS_EXECUTING, "BatchExecuting",
                   mem_strdup("no confirmation is needed"));
    } else {
        plan_add(p->plan, ACTION_SET_PAUSE, "")->number = 0;
    }
    return true;
}

static void abort_release(struct planning *p)
{
    if (plan__withdraw_gate(p))
        return;
    plan__freeze_numbers(p);
    plan__move(p, PROGRESS_ABORTED, "AbortedByUser",
               mem_printf("given up in batch %d of %d", p->release->current_batch,
                          p->release->real_batch_count));
    plan_event(p->plan, "", true, "ReleaseAborted", mem_strdup(p->release->message));
}

static void advance(struct planning *p)
{
    enum release_progress progress = p->release->progress;
    bool runs = progress == PROGRESS_EXECUTING || progress == PROGRESS_PAUSED;
    if (runs && plan__abort_asked(p)) {
        abort_release(p);
    } else if (runs && plan__give_up(p)) {
        return;
    } else if (progress == PROGRESS_EXECUTING && plan__in_gray_time(p)) {
        go_on(p); /* what was missing when it was to is there */
    } else if (progress == PROGRESS_EXECUTING) {
        advance_executing(p);
    } else if (progress == PROGRESS_PAUSED) {
        advance_paused(p);
    } else if (progress == PROGRESS_ABORTED && plan__goes_on(p)) {
        plan__try_again(p, p->update);
        go_on(p);
    } else if (progress == PROGRESS_COMPLETED) {
        plan__apply_numbers(p);
        plan__complete(p);
    }
}

/* Revisions without instances beyond spec.revisionHistoryLimit go, the oldest first; but not the one that a release that
 * fails would return to, nor the one that tells that it has failed. */
static void trim_history(struct planning *p)
{
    int32_t kept = 0;
    const char *stable = rollback_stable(p->release);
    for (struct revision *r = next_older(p->view, p->update, NULL); r;
         r = next_older(p->view, p->update, r)) {
        bool unused = r->rs->spec.replicas == 0 && r->instances.len == 0;
        bool needed = r == p->view->failed || str_eq(r->rs->meta.name, stable);
        if (unused && ++kept > p->md->spec.revision_history_limit && !needed)
            plan_add(p->plan, ACTION_DELETE_REPLICASET, r->rs->meta.name);
    }
}

/* What counts is another number when instances have been available for spec.minReadySeconds. */
static void await_ready(struct planning *p)
{
    int64_t ready_ms = min_ready_all_ms(p->update, p->md->spec.min_ready_seconds, p->view->wall_ms,
                                        p->view->wall_ms);
    if (ready_ms && p->release->progress != PROGRESS_EXECUTING)
        plan_requeue(p->plan, p->view->now_ms + (ready_ms - p->view->wall_ms));
}

static void plan_wanted(struct planning *p)
{
    if (plan_scale(p->view, p->plan) || !plan__prepare(p) || plan__settle_marks(p))
        return;
    p->others = counted_others(p->view, p->update);
    p->target = p->md->spec.replicas == REPLICAS_SYMMETRIC ? symmetric_target(p->view, p->update)
                                                           : p->md->spec.replicas;
    if (plan__begins(p))
        plan__begin(p);
    else
        advance(p);
    const struct revision *failed = p->view->failed;
    mem_replace(&p->release->failed_revision, failed ? failed->rs->meta.name : NULL);
    trim_history(p);
    await_ready(p);
    status_count(p->view, p->update, p->target, p->status);
}

/* The status is written before what follows from it: its write moves from the end to where it belongs. */
static void put_status_in_place(struct planning *p)
{
    struct action *actions = p->plan->actions.items;
    size_t last = p->plan->actions.len - 1;
    if (!p->plan->actions.len || actions[last].type != ACTION_WRITE_STATUS)
        return;
    struct action status = actions[last];
    for (size_t i = last; i > p->status_at; i--)
        actions[i] = actions[i - 1];
    actions[p->status_at] = status;
}

void plan_deployment(const struct deployment_view *view, struct plan *plan)
{
    if (view->bases_unknown && !view->bases_problem && !view->md->meta.deletion_ms)
        return; /* what is there will be known in a moment */
    struct planning p = {.view = view, .md = view->md, .plan = plan};
    p.status = module_deployment_status_copy(&view->md->status);
    p.release = &p.status->release;
    if (view->md->meta.deletion_ms)
        plan__deletion(&p);
    else
        plan_wanted(&p);
    status_write(view, p.status, plan);
    put_status_in_place(&p);
}
