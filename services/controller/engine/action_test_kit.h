/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ACTION_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_ENGINE_ACTION_TEST_KIT_H

#include "lib/base/str.h"
#include "services/controller/engine/action.h"

/* One line per action. Owned. */
static inline char *plan_describe(const struct plan *plan)
{
    struct str text = STR_INIT(1u << 20);
    for (size_t i = 0; i < plan->actions.len; i++) {
        AUTO_FREE char *line = action_describe(&plan->actions.items[i]);
        str_printf(&text, "%s\n", line);
    }
    return str_take(&text);
}

#endif
