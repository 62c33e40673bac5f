/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ADOPT_H
#define KOUPLELESS_CONTROLLER_ENGINE_ADOPT_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/original.h"
#include "services/controller/engine/view.h"

/*
 * What the original ModuleController left is taken over (docs/migrate-from-v1.md), object by object:
 *
 *   Module   -> a ModuleReplicaSet and a Module of ours for the same Pod, as available as the original said;
 *               then its finalizer goes, and it. Without a Pod that is a base: it goes at once, and where its
 *               replica counts, an instance is placed anew.
 *   ModuleReplicaSet -> goes when all Modules of its ModuleDeployment are taken over
 *   ModuleDeployment -> its finalizers and owner make room for ours
 *
 * On the base nothing is done: the report of the agent tells whether the module runs, as of any other
 * instance. Until all of a ModuleDeployment is taken over nothing else is decided about it.
 */
struct adoption_view {
    const struct original *original;
    const struct module_deployment *md;          /* NULL: it is not there */
    const struct module_template_spec *template; /* that it wants, or NULL */
    const struct revision *revision;             /* of adopted_revision(), or NULL */
    const struct instance *instance;             /* of that revision, on its Pod; or NULL */
    const struct base_state *base;               /* its Pod as a base, or NULL */
    bool bases_unknown;
    bool last; /* no Module of the original is left of its ModuleDeployment */
};

/** adopted_template() - what @view->original, a Module, is an instance of. Borrowed from the view: not to be released. */
struct module_template_spec adopted_template(const struct adoption_view *view);

/** adopted_revision() - name of the ModuleReplicaSet that takes over @view->original, a Module; owned. @view->md is there. */
char *adopted_revision(const struct adoption_view *view);

/**
 * plan_adoption() - one step for one object of the original. One whose ModuleDeployment is not there is left to
 * people, but may go.
 */
void plan_adoption(const struct adoption_view *view, struct plan *plan);

/** plan_deployment_adoption() - takes the marks of the original off @md, whose deletion is held by them where it has begun. */
void plan_deployment_adoption(const struct module_deployment *md, struct plan *plan);

#endif
