/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/batches.h"
#include "services/controller/engine/counts.h"
#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/plan_deployment_internal.h"

struct rollout plan__rollout(const struct planning *p)
{
    return (struct rollout){
        .target = p->target,
        .updated_before = p->release->original_updated_replicas,
        .changes = p->release->original_delta_replicas,
        .batch_count = p->release->planned_batch_count,
        .beta = p->release->planned_use_beta,
        .symmetric = p->md->spec.replicas == REPLICAS_SYMMETRIC,
    };
}

static struct rollout_numbers wanted_now(const struct planning *p)
{
    if (p->release->progress == PROGRESS_COMPLETED)
        return (struct rollout_numbers){.updated = p->target, .others = 0};
    struct rollout rollout = plan__rollout(p);
    return rollout_wanted(&rollout, p->release->current_batch, p->update->existing, p->others);
}

void plan__set_replicas(struct plan *plan, const struct revision *revision, int32_t replicas)
{
    if (revision->rs->spec.replicas != replicas)
        plan_add(plan, ACTION_SET_REPLICAS, revision->rs->meta.name)->number = replicas;
}

void plan__freeze_numbers(struct planning *p)
{
    for (size_t i = 0; i < p->view->revision_count; i++) {
        struct revision *revision = p->view->revisions[i];
        plan__set_replicas(p->plan, revision, places(revision, p->update));
    }
    p->status_at = p->plan->actions.len;
}

void plan__distribute_others(const struct deployment_view *view, const struct revision *update,
                             int32_t total, struct plan *plan)
{
    for (struct revision *r = next_older(view, update, NULL); r; r = next_older(view, update, r)) {
        int32_t has = counted(view, r), keep = has < total ? has : total;
        plan__set_replicas(plan, r, keep);
        total -= keep;
    }
}

void plan__apply_numbers(struct planning *p)
{
    struct rollout_numbers wanted = wanted_now(p);
    plan__set_replicas(p->plan, p->update, wanted.updated);
    plan__distribute_others(p->view, p->update, wanted.others, p->plan);
}

bool plan__batch_available(const struct planning *p)
{
    struct rollout_numbers wanted = wanted_now(p);
    int32_t others = 0;
    for (size_t i = 0; i < p->view->revision_count; i++)
        if (p->view->revisions[i] != p->update)
            others += p->view->revisions[i]->existing + p->view->revisions[i]->terminating;
    return p->update->existing == wanted.updated && p->update->available >= wanted.updated &&
           p->update->terminating == 0 && others <= wanted.others;
}

int64_t plan__ready_ms(const struct planning *p)
{
    return min_ready_all_ms(p->update, p->md->spec.min_ready_seconds, p->release->next_reconcile_ms,
                            p->view->wall_ms);
}

bool plan__batch_done(const struct planning *p)
{
    return plan__batch_available(p) && !plan__ready_ms(p);
}
