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

void assumptions_begin(const struct controller *controller, const char *work_key,
                       const struct plan *plan)
{
    for (size_t i = 0; i < plan->actions.len; i++) {
        struct cached_base *base = assumptions_base(controller, work_key, &plan->actions.items[i]);
        if (base)
            cache_assume(base);
    }
}

void assumptions_end(const struct controller *controller, const char *work_key,
                     const struct plan *plan, size_t from)
{
    for (size_t i = from; i < plan->actions.len; i++) {
        struct cached_base *base = assumptions_base(controller, work_key, &plan->actions.items[i]);
        if (base && base->assumed)
            cache_forget(base);
    }
}
