/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/scheduling.h"

#include "services/controller/engine/view.h"

bool scheduling_has_revision(const struct base_state *base, const struct revision *revision)
{
    for (size_t i = 0; i < base->instances.len; i++)
        if (base->instances.items[i]->revision == revision)
            return true;
    return false;
}

bool scheduling_is_asked(const struct base_state *base, const struct revision *revision)
{
    const char *module_name = revision->rs->spec.template.module.name;
    for (size_t i = 0; i < base->instances.len; i++)
        if (base->instances.items[i]->revision != revision &&
            str_eq(base->instances.items[i]->module->spec.module.name, module_name))
            return false;
    return true;
}

bool scheduling_may_go(const struct instance *instance)
{
    return !instance_deleting(instance) && !instance->replaced_by;
}
