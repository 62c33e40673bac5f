/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/prefetch.h"

#include "lib/base/str.h"
#include "services/controller/engine/replacement.h"

/* By a person: while a batch waits for a confirmation spec.pause is the controller's. */
static bool is_stopped(const struct deployment_view *view)
{
    return view->md->spec.pause &&
           !str_eq(view->md->status.release.reason, REASON_WAITING_FOR_CONFIRMATION);
}

static bool is_running(const struct deployment_view *view)
{
    enum release_progress progress = view->md->status.release.progress;
    return (progress == PROGRESS_EXECUTING || progress == PROGRESS_PAUSED) && !is_stopped(view) &&
           !view->md->meta.deletion_ms && !view->bases_unknown && !view->owner_conflict;
}

const struct revision *prefetch_update(const struct deployment_view *view,
                                       struct prefetch *prefetch)
{
    const char *name = view->md->status.release.update_revision;
    if (!is_running(view))
        return NULL;
    if (!str_eq(prefetch->revision, name)) {
        prefetch_done(prefetch);
        prefetch->revision = mem_strdup(name);
    }
    const struct revision *update = view_revision(view, name);
    bool wanted = update && !str_empty(update->rs->spec.template.module.sha256) &&
                  prefetch->failures < PREFETCH_FAILURES_MAX && !prefetch->useless;
    return wanted ? update : NULL;
}

/* Whether @old gets its successor where it is. */
static bool is_replaced_here(const struct deployment_view *view, const struct revision *update,
                             const struct instance *old)
{
    if (!can_be_replaced(old, update))
        return false;
    enum upgrade_way way = replacement_way(view, update, old, /* room= */ true).way;
    return way == WAY_SIDE_BY_SIDE || way == WAY_IN_PLACE;
}

static bool is_wanted(const struct deployment_view *view, const struct revision *update,
                      const struct base_state *base)
{
    const struct module_template_spec *template = &update->rs->spec.template;
    bool old = false;
    if (!base_fits(base, template))
        return false;
    for (size_t i = 0; i < base->instances.len; i++) {
        const struct instance *instance = base->instances.items[i];
        if (!str_eq(instance->module->spec.module.name, template->module.name))
            continue;
        if (instance->revision == update && !instance_deleting(instance))
            return false; /* it fetches the jar itself, or has it */
        old = old || is_replaced_here(view, update, instance);
    }
    return old;
}

struct base_state *prefetch_next(const struct deployment_view *view, const struct revision *update,
                                 struct prefetch *prefetch)
{
    while (prefetch->at < view->base_count) {
        struct base_state *base = view->bases[prefetch->at++];
        if (is_wanted(view, update, base))
            return base;
    }
    return NULL;
}

void prefetch_done(struct prefetch *prefetch)
{
    mem_free(prefetch->revision);
    *prefetch = (struct prefetch){0};
}
