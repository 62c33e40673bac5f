/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/progress_deadline.h"

#include "lib/base/min.h"

static int64_t later(int64_t last_ms, int64_t at_ms, int64_t wall_ms)
{
    return at_ms > last_ms && at_ms <= wall_ms ? at_ms : last_ms;
}

int64_t last_progress_ms(const struct deployment_view *view, const struct revision *update,
                         const struct release_status *release)
{
    int64_t last_ms = later(0, release->last_transition_ms, view->wall_ms);
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        for (size_t i = 0; i < revision->instances.len; i++) {
            const struct module *module = revision->instances.items[i]->module;
            last_ms = later(last_ms, module->meta.deletion_ms, view->wall_ms);
            if (revision == update)
                last_ms = later(last_ms, module->meta.creation_ms, view->wall_ms);
            if (revision == update && module->status.phase == MODULE_AVAILABLE)
                last_ms = later(last_ms, module->status.last_transition_ms, view->wall_ms);
        }
    }
    return last_ms;
}

/* When this controller began to plan, by the wall clock of now. */
static int64_t planning_since_ms(const struct deployment_view *view)
{
    return view->wall_ms - (view->now_ms - view->planning_since_ms);
}

int64_t progress_deadline_ms(const struct deployment_view *view, const struct revision *update,
                             const struct release_status *release)
{
    const struct module_deployment_spec *spec = &view->md->spec;
    if (!spec->progress_deadline_seconds)
        return INT64_MAX;
    int64_t period_ms =
        ((int64_t)spec->progress_deadline_seconds + spec->strategy.drain_seconds) * 1000;
    int64_t earliest_ms = max64(release->last_transition_ms, planning_since_ms(view)) + period_ms;
    if (earliest_ms > view->wall_ms)
        return earliest_ms;
    return max64(earliest_ms, last_progress_ms(view, update, release) + period_ms);
}
