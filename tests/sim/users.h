/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_USERS_H
#define KOUPLELESS_SIM_USERS_H

#include "tests/sim/world.h"

/* What users of a simulated world do: by the store, as kubectl does it, or by the public API (world->by_api). */

/** users_create() - a ModuleDeployment of the module @name, which it is named after. */
void users_create(struct world *world, const char *name, int version, int32_t replicas);

/** users_patch() - merge patch of the ModuleDeployment @name. */
void users_patch(struct world *world, const char *name, const char *patch);

/** users_act() - one thing at random. */
void users_act(struct world *world);

/** users_resume() - a release that has failed is tried once more. */
void users_resume(struct world *world, const struct module_deployment *md);

/** users_settle() - whatever keeps a release from its end is mended: pauses, gates, releases that were given up. */
void users_settle(struct world *world);

/** users_delete_all() - all ModuleDeployments. */
void users_delete_all(struct world *world);

/** users_delete_module() - some Module, so that it is replaced. */
void users_delete_module(struct world *world);

/** users_find_replaced() - some Module that another one is to take the place of, or NULL. */
const struct module *users_find_replaced(const struct world *world);

/** users_delete_replaced() - that one. */
void users_delete_replaced(struct world *world);

/** users_touch() - an annotation that means nothing, on some object. */
void users_touch(struct world *world);

/* -- users_api.c -- */

/**
 * users_call() - @method of ReleaseService about the ModuleDeployment @name; @more: members of the request with a
 * comma in front, or "".
 */
void users_call(struct world *world, const char *method, const char *name, const char *more);

/** users_apply() - as a file: what is there, with the merge patch @patch, but for what others set, too. */
void users_apply(struct world *world, const char *name, const char *patch);

/** users_apply_object() - a file. @json: borrowed. */
void users_apply_object(struct world *world, const cJSON *json);

#endif
