/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/rollback.h"

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/plan_deployment.h"

const char *rollback_stable(const struct release_status *release)
{
    return release->progress == PROGRESS_COMPLETED ? release->update_revision
                                                   : release->stable_revision;
}

const char *rollback_marked(const struct revision *revision)
{
    return json_map_get(&revision->rs->meta.annotations, ANNOTATION_FAILED);
}

static struct revision *find(struct revision *const *revisions, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(revisions[i]->rs->meta.name, name))
            return revisions[i];
    return NULL;
}

struct revision *rollback_target(const struct module_deployment *md,
                                 struct revision *const *revisions, size_t count, const char *name)
{
    const char *stable = rollback_stable(&md->status.release);
    struct revision *target = str_empty(stable) ? NULL : find(revisions, count, stable);
    if (!md->spec.strategy.rollback_on_failure || !target || str_eq(stable, name) ||
        target->rs->meta.deletion_ms || rollback_marked(target))
        return NULL;
    /* of another base Deployment, or named by other rules: what is made of its template is another revision */
    AUTO_FREE char *again = update_revision_name(md, &target->rs->spec.template);
    return str_eq(again, stable) ? target : NULL;
}

static bool any_marked(struct revision *const *revisions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rollback_marked(revisions[i]))
            return true;
    return false;
}

const struct module_template_spec *rollback_template(const struct module_deployment *md,
                                                     const struct module_template_spec *asked,
                                                     struct revision *const *revisions,
                                                     size_t count,
                                                     const struct revision **ret_failed)
{
    *ret_failed = NULL;
    if (!asked || !md->spec.strategy.rollback_on_failure || !any_marked(revisions, count))
        return asked;
    AUTO_FREE char *name = update_revision_name(md, asked);
    const struct revision *failed = find(revisions, count, name);
    const struct revision *target =
        failed && rollback_marked(failed) ? rollback_target(md, revisions, count, name) : NULL;
    if (!target)
        return asked;
    *ret_failed = failed;
    return &target->rs->spec.template;
}

/* It has had FAILED_ATTEMPTS, none of which succeeded, and stays. */
static bool failed_finally(const struct instance *instance)
{
    const struct module_instance_status *status = &instance->module->status;
    return status->phase == MODULE_FAILED && status->attempts >= FAILED_ATTEMPTS &&
           !instance_deleting(instance);
}

const struct instance *rollback_failure(const struct revision *update)
{
    for (size_t i = 0; update->failed && i < update->instances.len; i++)
        if (failed_finally(update->instances.items[i]))
            return update->instances.items[i];
    return NULL;
}
