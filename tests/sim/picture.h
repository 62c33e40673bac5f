/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_PICTURE_H
#define KOUPLELESS_SIM_PICTURE_H

#include "lib/base/map.h"
#include "lib/model/module.h"
#include "services/controller/store/record.h"
#include "tests/sim/sim_base.h"

/*
 * What is true in a simulated world: the objects as the store has them now, typed, and what is on the bases.
 * Users and invariants look at it; the programs never do.
 */
struct picture {
    /* By name: there is one namespace. */
    struct map deployments;       /* struct module_deployment */
    struct map revisions;         /* struct module_replicaset */
    struct map modules;           /* struct module */
    struct map base_objects;      /* struct base */
    struct map services;          /* the map itself: they are only there */
    VEC(struct sim_base *) bases; /* borrowed; the dead ones too */
};

/** picture_change() - an object changed as sim_change_fn tells. */
void picture_change(struct picture *picture, const struct record *before,
                    const struct record *after);
void picture_done(struct picture *picture);

/** picture_base() - the base of that name that is alive, or NULL. */
struct sim_base *picture_base(const struct picture *picture, const char *name);

/** picture_owner() - the ModuleDeployment that @module belongs to, or NULL. */
const struct module_deployment *picture_owner(const struct picture *picture,
                                              const struct module *module);

/** picture_print() - all of it, to the standard output. */
void picture_print(const struct picture *picture);

#endif
