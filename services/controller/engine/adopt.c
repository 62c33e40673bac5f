/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/adopt.h"

#include "lib/base/str.h"
#include "services/controller/engine/plan_deployment.h"

/* The original looked at name and version alone: the rest may have been edited since, and changed nothing. */
struct module_template_spec adopted_template(const struct adoption_view *view)
{
    const struct module_spec *spec = &view->original->module->spec.module;
    if (view->template && module_same_version(&view->template->module, spec))
        return *view->template;
    return (struct module_template_spec){.module = *spec};
}

char *adopted_revision(const struct adoption_view *view)
{
    struct module_template_spec template = adopted_template(view);
    return update_revision_name(view->md, &template);
}

static void release(const struct adoption_view *view, struct plan *plan)
{
    const struct object_meta *meta = view->original->meta;
    for (size_t i = 0; i < meta->finalizers.len; i++)
        if (original_is_finalizer(meta->finalizers.items[i])) {
            plan_add(plan, ACTION_CLEAR_ORIGINAL, meta->name);
            break;
        }
    if (!meta->deletion_ms)
        plan_add(plan, ACTION_DELETE_ORIGINAL, meta->name);
}

/*
 * What it said to be available is so until the agent says otherwise; the rest is installed, which succeeds at
 * once where it runs. In a deletion nothing is installed any more.
 */
static bool counts_as_available(const struct adoption_view *view)
{
    return view->original->module->status.phase == MODULE_AVAILABLE || view->md->meta.deletion_ms;
}

static void take_over_status(const struct adoption_view *view, struct plan *plan)
{
    const struct module *module = view->instance->module;
    struct module_instance_status *status = module_instance_status_copy(&module->status);
    status->phase = MODULE_AVAILABLE;
    mem_replace(&status->phase_name, module_phase_name(MODULE_AVAILABLE));
    status->last_transition_ms = module->meta.creation_ms;
    plan_add(plan, ACTION_WRITE_MODULE_STATUS, module->meta.name)->module_status = status;
    plan_event(plan, "", false, "Adopted",
               mem_printf("an instance of %s:%s is taken over", module->spec.module.name,
                          module->spec.module.version));
}

static void plan_module_adoption(const struct adoption_view *view, struct plan *plan)
{
    if (view->bases_unknown && view->original->base_key)
        return;
    if (!view->base) {
        release(view, plan);
        return;
    }
    AUTO_FREE char *revision = adopted_revision(view);
    if (!view->revision)
        plan_add(plan, ACTION_ADOPT_REVISION, revision)->number = original_revision(view->original);
    else if (!view->instance)
        plan_add(plan, ACTION_CREATE_MODULE, revision)->base =
            mem_strdup(view->base->base->meta.name);
    else if (counts_as_available(view) && str_empty(view->instance->module->status.phase_name))
        take_over_status(view, plan);
    else
        release(view, plan);
}

/* A ModuleReplicaSet goes as the last; what is being deleted goes where nobody declares it any more. */
void plan_adoption(const struct adoption_view *view, struct plan *plan)
{
    bool leaving = view->original->meta->deletion_ms != 0;
    if (view->md && view->original->module)
        plan_module_adoption(view, plan);
    else if (view->md ? view->last : leaving)
        release(view, plan);
}

void plan_deployment_adoption(const struct module_deployment *md, struct plan *plan)
{
    if (!md->meta.deletion_ms && original_had(md))
        plan_add(plan, ACTION_CLEAR_DEPLOYMENT, "");
}
