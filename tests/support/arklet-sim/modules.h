/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_MODULES_H
#define ARKLET_SIM_MODULES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/base/vec.h"
#include "tests/support/arklet-sim/jar.h"

/*
 * The modules of one base, and their states as SOFAArk keeps them:
 *
 *     resolved --start--> activated <--switch--> deactivated --uninstall--> gone
 *         \--start fails--> broken (or gone, where failed modules are removed)
 */
#define MODULE_STATE_MAP(X)                                                                        \
    X(MODULE_RESOLVED, "resolved")                                                                 \
    X(MODULE_ACTIVATED, "activated")                                                               \
    X(MODULE_DEACTIVATED, "deactivated")                                                           \
    X(MODULE_BROKEN, "broken")

enum module_state {
#define X(state, name) state,
    MODULE_STATE_MAP(X)
#undef X
};

struct module_record {
    int64_t changed_wall_ms;
    enum module_state state;
    const char *reason; /* "Created", "Started", ... static */
    char *message;      /* "" if none */
};

struct module {
    struct list node; /* in order of installation */
    struct jar *jar;
    enum module_state state;
    VEC(struct module_record) records; /* last = present state */
    char *work_dir; /* what an answer names as its unpacked jar; not a real folder */
    char *health;   /* of its own indicator: UP, DOWN, UNKNOWN, OUT_OF_SERVICE */
    bool serving;   /* its web context is open */
    int requests;   /* under way in that */
    bool stopping;  /* its Spring context is closing or closed */
    bool gone;      /* unregistered while it was starting; its install still runs */
};

struct module *module_new(struct list *modules, struct jar *jar, char *work_dir, int64_t wall_ms);
void module_free(struct module *module);

/** module_move() - a new state, with its record. @message NULL: none. */
void module_move(struct module *module, enum module_state state, const char *reason,
                 const char *message, int64_t wall_ms);

/** module_start() - of a resolved module: whether it becomes the active version of its name. */
enum module_rival { MODULE_OLD_STAYS, MODULE_NEW_TAKES_OVER, MODULE_BOTH_ACTIVE };
void module_start(struct list *modules, struct module *module, enum module_rival rival,
                  int64_t wall_ms);

/** module_switch() - make @module, activated or deactivated, the active version of its name. */
void module_switch(struct list *modules, struct module *module, int64_t wall_ms);

struct module *modules_find(const struct list *modules, const char *name, const char *version);
struct module *modules_active(const struct list *modules, const char *name);

/** modules_serving() - who serves the web context path @context (without '/'), or NULL. */
struct module *modules_serving(const struct list *modules, const char *context, size_t len);

/** module_context() - its web context path without the slash in front; borrowed. */
const char *module_context(const struct module *module);

/* How a module is written. */
struct module_style {
    bool upper_case;   /* states as runtimes before 2.1.5 write them */
    bool with_records; /* bizStateRecords are filled; up to sofa-ark 3.1.7 they are empty objects */
};

cJSON *module_json(const struct module *module, struct module_style style); /* of queryAllBiz */
cJSON *module_full_json(const struct module *module, struct module_style style); /* of installBiz */

/** module_meta_json() - of health: name, state (as it shall be written), version, path. */
cJSON *module_meta_json(const char *name, const char *state, const char *version,
                        const char *context);

/** module_state_text() - the state in the case of @style; static. */
const char *module_state_text(enum module_state state, bool upper_case);

#define MODULES_FOR_EACH(it, modules)                                                              \
    for (struct module *it = LIST_ENTRY((modules)->next, struct module, node);                     \
         &(it)->node != (modules); (it) = LIST_ENTRY((it)->node.next, struct module, node))

#endif
