/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/baseline.h"

#include "lib/base/str.h"
#include "lib/model/module.h"

static bool is_in_place(const struct instance *instance)
{
    return instance->module->spec.upgrade_way == WAY_IN_PLACE;
}

/* Whether what is installed over it will do without it, or has done. */
static bool makes_way(const struct instance *instance)
{
    const struct instance *successor = instance->replaced_by;
    return successor && is_in_place(successor) && !instance_failed_to_replace(successor);
}

/* Whether it is installed in place, and would take off a successor that is there. */
static bool would_overrun(const struct instance *instance)
{
    const struct instance *successor = instance->replaced_by;
    return successor && successor->base == instance->base && instance->replaces &&
           is_in_place(instance) && instance_has_been_there(successor);
}

/* Whether another one of its version is being taken off: the uninstall that was sent would take this one off. */
static bool same_is_taken_off(const struct instance *instance)
{
    const struct base_state *base = instance->base;
    for (size_t i = 0; i < base->instances.len; i++) {
        const struct instance *other = base->instances.items[i];
        if (other != instance && instance_deleting(other) &&
            other->operation.type == OPERATION_UNINSTALL &&
            other->operation.state == OPERATION_RUNNING &&
            module_same_version(&other->module->spec.module, &instance->module->spec.module))
            return true;
    }
    return false;
}

bool baseline_includes(const struct instance *instance, bool going)
{
    const char *name = instance->module->spec.module.name;
    return instance->revision && instance->base && !going && !instance_deleting(instance) &&
           instance_has_been_there(instance) && !base_adopts(instance->base, name) &&
           !makes_way(instance) && !would_overrun(instance) && !same_is_taken_off(instance);
}
