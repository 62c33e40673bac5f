/* SPDX-License-Identifier: Apache-2.0 */
/* Deletion: offline in batches, each gated; nobody is asked, and a pause does not hold it. */
#include "services/controller/engine/batches.h"
#include "services/controller/engine/counts.h"
#include "services/controller/engine/plan_deployment_internal.h"
#include "services/controller/engine/release_status.h"

static int32_t all_instances(const struct deployment_view *view)
{
    int32_t count = 0;
    for (size_t i = 0; i < view->revision_count; i++)
        count += view->revisions[i]->existing + view->revisions[i]->terminating;
    return count;
}

/* Instances that may stay in the current batch of the deletion. */
static int32_t left_after_batch(const struct release_status *release)
{
    return release->original_delta_replicas -
           batches_end(release->original_delta_replicas, release->planned_batch_count,
                       release->planned_use_beta, release->current_batch);
}

static void begin_deletion(struct planning *p)
{
    struct release_status *release = p->release;
    plan__freeze_numbers(p);
    release->planned_batch_count = p->md->spec.strategy.batch_count;
    release->planned_use_beta = p->md->spec.strategy.use_beta;
    release->original_delta_replicas = places_of_others(p->view, NULL);
    release->real_batch_count = batches_count(
        release->original_delta_replicas, release->planned_batch_count, release->planned_use_beta);
    release->current_batch = 1;
    release->next_reconcile_ms = 0;
}

void plan__deletion(struct planning *p)
{
    struct release_status *release = p->release;
    int32_t instances = all_instances(p->view);
    if (instances == 0) {
        if (!p->view->service_count) /* plan_service() removes it, last of all */
            plan_add(p->plan, ACTION_REMOVE_FINALIZER, "");
        return;
    }
    bool begins = release->progress != PROGRESS_TERMINATING;
    if (begins)
        begin_deletion(p);
    while (!begins && instances <= left_after_batch(release) &&
           release->current_batch < release->real_batch_count)
        release->current_batch++;
    plan__move(p, PROGRESS_TERMINATING, "Deleting",
               mem_printf("going offline, batch %d of %d", release->current_batch,
                          release->real_batch_count));
    if (!begins)
        plan__distribute_others(p->view, NULL, left_after_batch(release), p->plan);
    status_count(p->view, NULL, 0, p->status);
}
