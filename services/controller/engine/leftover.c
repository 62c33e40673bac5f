/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/leftover.h"

#include "lib/base/str.h"

static bool settled(const struct module_deployment *owner)
{
    const struct module_deployment_status *status = &owner->status;
    return status->observed_generation == owner->meta.generation &&
           status->release.progress == PROGRESS_COMPLETED && status->unavailable_replicas == 0;
}

/* Its install was refused for the web path, and nothing else of the module is declared for this base. */
static bool kept_out(const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    return !instance_deleting(instance) && !instance->replaces &&
           operation->type == OPERATION_INSTALL && operation->state == OPERATION_FAILED &&
           str_eq(operation->reason, "WEB_PATH_IN_USE");
}

bool leftover_goes(const struct leftover_view *view)
{
    bool in_the_way = false;
    if (!view->owner || view->adopts)
        return false;
    for (size_t i = 0; i < view->instance_count; i++) {
        const struct instance *instance = view->instances[i];
        const struct module_spec *module = &instance->module->spec.module;
        if (!str_eq(module->name, view->name))
            continue;
        if (str_eq(module->version, view->version) ||
            instance->operation.state == OPERATION_RUNNING)
            return false;
        in_the_way |= kept_out(instance);
    }
    return in_the_way || view->owner->meta.deletion_ms || settled(view->owner);
}
