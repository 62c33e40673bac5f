/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/limits.h"
#include "lib/base/min.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/batches.h"
#include "services/controller/engine/counts.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/plan_deployment_internal.h"
#include "services/controller/engine/release_status.h"
#include "services/controller/engine/rollback.h"

static int32_t newest_revision(const struct deployment_view *view)
{
    int32_t newest = 0;
    for (size_t i = 0; i < view->revision_count; i++)
        newest = max32(newest, revision_number(view->revisions[i]->rs));
    return newest;
}

/* At the limit, to which somebody has set a label, those that follow share it. */
static int32_t next_revision(int32_t newest)
{
    return newest < LIMIT_REVISION ? newest + 1 : LIMIT_REVISION;
}

/* -- what has to be there first -- */

/* What was Completed is what a later release that fails returns to. */
static void remember_stable(struct release_status *release)
{
    AUTO_FREE char *stable = mem_strdup(rollback_stable(release));
    mem_replace(&release->stable_revision, stable);
}

/*
 * What was given up is to go on while something is missing: that is written down, or an edit that asks for it would be
 * lost. Who has finally failed would end it when that is there; gray time, and with it a confirmation, is kept.
 */
static enum release_progress take_up(struct planning *p)
{
    struct release_status *release = p->release;
    const struct revision *revision = view_revision(p->view, release->update_revision);
    if (revision)
        plan__try_again(p, revision);
    if (p->md->spec.pause) {
        mem_replace(&release->reason, REASON_PAUSED_BY_USER);
        return PROGRESS_PAUSED;
    }
    if (plan__recorded_as_done(p) && !plan__in_gray_time(p))
        mem_replace(&release->batch_progress, "Executing"); /* nobody has confirmed */
    return PROGRESS_EXECUTING;
}

/* A release that waits keeps saying for what: the reason decides how it goes on. */
static void report_problem(struct planning *p, const char *reason, char *message_taken)
{
    struct release_status *release = p->release;
    if (!str_eq(release->message, message_taken))
        plan_event(p->plan, "", true, reason, mem_strdup(message_taken));
    enum release_progress progress = release->progress;
    if (progress == PROGRESS_COMPLETED) {
        remember_stable(release);
        progress = PROGRESS_INIT;
    } else if (progress == PROGRESS_ABORTED && plan__goes_on(p)) {
        progress = take_up(p);
    }
    AUTO_FREE char *kept = mem_strdup(release->reason);
    bool waits = progress == PROGRESS_PAUSED || progress == PROGRESS_ABORTED;
    plan__move(p, progress, waits ? kept : reason, message_taken);
    status_count(p->view, NULL, p->md->spec.replicas > 0 ? p->md->spec.replicas : 0, p->status);
}

bool plan__prepare(struct planning *p)
{
    const struct module_deployment *md = p->md;
    if (!p->view->template) {
        report_problem(p, "TemplateNotFound",
                       mem_printf("ModuleTemplate %s is not there", md->spec.template_ref));
        return false;
    }
    if (p->view->owner_conflict) {
        report_problem(p, "OwnedByAnother",
                       mem_printf("module %s on %s belongs to ModuleDeployment %s",
                                  p->view->template->module.name, md->spec.base_deployment_name,
                                  p->view->owner_conflict));
        return false;
    }
    if (p->view->bases_problem) {
        report_problem(p, p->view->bases_unknown ? "BasesUnknown" : "BaseDeploymentNotFound",
                       mem_strdup(p->view->bases_problem));
        return false;
    }
    if (!meta_has_finalizer(&md->meta, FINALIZER_DEPLOYMENT)) {
        plan_add(p->plan, ACTION_ADD_FINALIZER, "");
        return false;
    }
    AUTO_FREE char *name = update_revision_name(md, p->view->template);
    p->update = view_revision(p->view, name);
    int32_t newest = newest_revision(p->view);
    if (!p->update) {
        plan_add(p->plan, ACTION_CREATE_REPLICASET, name)->number = next_revision(newest);
        return false;
    }
    bool url_changed =
        !str_eq(p->update->rs->spec.template.module.url, p->view->template->module.url);
    bool returns = revision_number(p->update->rs) != newest;
    if (url_changed || returns) {
        plan_add(p->plan, ACTION_RENEW_REPLICASET, name)->number =
            returns ? next_revision(newest) : newest;
        return false;
    }
    return true;
}

/* -- and then -- */

bool plan__begins(const struct planning *p)
{
    const struct release_status *release = p->release;
    return !str_eq(release->update_revision, p->update->rs->meta.name) ||
           release->target_replicas != p->md->spec.replicas ||
           release->planned_batch_count != p->md->spec.strategy.batch_count ||
           release->planned_use_beta != p->md->spec.strategy.use_beta ||
           release->progress == PROGRESS_INIT;
}

static void tell_of_return(struct planning *p)
{
    const struct revision *failed = p->view->failed;
    if (!failed || str_eq(p->release->update_revision, p->update->rs->meta.name))
        return;
    plan_event(p->plan, "", true, REASON_ROLLED_BACK,
               mem_printf("%s is given up (%s); %s is released again", failed->rs->meta.name,
                          rollback_marked(failed), p->update->rs->meta.name));
}

void plan__begin(struct planning *p)
{
    if (plan__withdraw_gate(p))
        return; /* it belonged to the release before */
    struct release_status *release = p->release;
    plan__try_again(p, p->update);
    plan__freeze_numbers(p);
    tell_of_return(p);
    remember_stable(release);
    mem_replace(&release->update_revision, p->update->rs->meta.name);
    release->target_replicas = p->md->spec.replicas;
    release->planned_batch_count = p->md->spec.strategy.batch_count;
    release->planned_use_beta = p->md->spec.strategy.use_beta;
    release->original_updated_replicas = p->update->existing;
    release->original_delta_replicas =
        rollout_changes(p->target, p->update->existing, places_of_others(p->view, p->update));
    release->real_batch_count = batches_count(
        release->original_delta_replicas, release->planned_batch_count, release->planned_use_beta);
    if (release->original_delta_replicas > 0) {
        plan__begin_batch(p, 1);
        return;
    }
    release->next_reconcile_ms = 0;
    release->current_batch = 0; /* the numbers are right already: only the gate is left */
    if (plan__batch_done(p)) {
        plan__complete(p);
        return;
    }
    release->last_transition_ms = p->view->wall_ms; /* also where another one was executed before */
    plan__execute_batch(p);
}
