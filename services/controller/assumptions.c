/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Module counts against the capacity of its base from the moment when it is decided, not when its creation
 * is sent: the writes that come before it in its plan take their time, and other deployments are planned
 * meanwhile. How a creation that was sent ends is the executor's to see.
 */
#include "services/controller/controller_internal.h"

struct cached_base *assumptions_base(const struct controller *controller, const char *work_key,
                                     const struct action *action)
{
    if (action->type != ACTION_CREATE_MODULE)
        return NULL;
    AUTO_FREE char *key = executor_sibling(work_key, action->base);
    return map_get(&controller->cache.bases, key);
}

static bool is_there(const struct controller *controller, const char *work_key,
                     const struct action *action, const struct cached_base *base)
{
    AUTO_FREE char *name = module_instance_name(action->name, base->base->meta.uid);
    AUTO_FREE char *key = executor_sibling(work_key, name);
    return map_get(&controller->cache.instances, key) != NULL;
}

void assumptions_begin(const struct controller *controller, const char *work_key, struct plan *plan)
{
    for (size_t i = 0; i < plan->actions.len; i++) {
        struct action *action = &plan->actions.items[i];
        struct cached_base *base = assumptions_base(controller, work_key, action);
        action->assumed = base && !is_there(controller, work_key, action, base);
        if (action->assumed)
            cache_assume(base);
    }
}

/* The cache, which sees a Module, takes back what was assumed of it (attach_instance()). */
bool assumptions_counts(const struct controller *controller, const char *work_key,
                        const struct action *action)
{
    const struct cached_base *base = assumptions_base(controller, work_key, action);
    return base && action->assumed && base->assumed &&
           !is_there(controller, work_key, action, base);
}

void assumptions_end(const struct controller *controller, const char *work_key,
                     const struct plan *plan, size_t from)
{
    for (size_t i = from; i < plan->actions.len; i++) {
        const struct action *action = &plan->actions.items[i];
        if (assumptions_counts(controller, work_key, action))
            cache_forget(assumptions_base(controller, work_key, action));
    }
}
