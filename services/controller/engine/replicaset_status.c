/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/replicaset_status.h"

#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/release_status.h"

static void plan_one(const struct deployment_view *view, const struct revision *revision,
                     struct plan *plan)
{
    const struct module_replicaset_status *stored = &revision->rs->status;
    int32_t seconds = view->md->spec.min_ready_seconds;
    struct module_replicaset_status status = {revision->existing,
                                              min_ready_count(revision, seconds, view->wall_ms)};
    int64_t all_ms = min_ready_all_ms(revision, seconds, 0, view->wall_ms);
    if (all_ms)
        plan_requeue(plan, view->now_ms + (all_ms - view->wall_ms));
    if (stored->replicas == status.replicas &&
        stored->available_replicas == status.available_replicas)
        return;
    bool moving = status.replicas != revision->rs->spec.replicas ||
                  status.available_replicas != status.replicas;
    int64_t last_ms = revision->status_written_ms;
    if (moving && view->status_written_ms > last_ms) /* when the batch began, for instance */
        last_ms = view->status_written_ms;
    int64_t due_ms = last_ms + STATUS_WRITE_EVERY_MS;
    if (view->now_ms >= due_ms)
        plan_add(plan, ACTION_WRITE_REPLICASET_STATUS, revision->rs->meta.name)->replicaset_status =
            status;
    else
        plan_requeue(plan, due_ms);
}

void plan_replicaset_status(const struct deployment_view *view, struct plan *plan)
{
    for (size_t i = 0; i < view->revision_count; i++)
        if (!view->revisions[i]->rs->meta.deletion_ms)
            plan_one(view, view->revisions[i], plan);
}
