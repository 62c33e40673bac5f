/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PLAN_REPLICASET_INTERNAL_H
#define KOUPLELESS_CONTROLLER_ENGINE_PLAN_REPLICASET_INTERNAL_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/answers.h"
#include "services/controller/engine/disruption.h"
#include "services/controller/engine/upgrade.h"
#include "services/controller/engine/view.h"

/* What the files of plan_replicasets() share among themselves. @update: the revision that is wanted. */

/* -- plan_replicaset.c -- */

/** replicaset__may_take() - whether @old may be replaced in the way of @choice now. */
bool replicaset__may_take(struct upgrade_choice choice, const struct instance *old,
                          struct disruption *disruption);

/** replicaset__ask() - asks the scheduler, unless that is under way, or was just answered with too little. */
void replicaset__ask(const struct deployment_view *view, const struct revision *revision,
                     enum action_type question, int32_t count, struct plan *plan);

/**
 * replicaset__ask_again_later() - for answers that were of no use, a little later
 *
 * What was in the way may end without a change that would be planned for, as when another module leaves a base, or an
 * agent counts as reachable again.
 */
void replicaset__ask_again_later(const struct deployment_view *view, struct plan *plan);

/** replicaset__create_module() - of @revision on @base; in the way of @choice, where it @replaces one (may be NULL). */
void replicaset__create_module(struct plan *plan, const struct revision *revision, const char *base,
                               const struct instance *replaces, struct upgrade_choice choice);

/* -- successors.c -- */

/** replicaset__wants_other_base() - whether @old would be replaced on another base, had that room. */
bool replicaset__wants_other_base(const struct deployment_view *view, const struct revision *update,
                                  const struct instance *old);

/**
 * replicaset__room_known() - the answer about room that successors on other bases need. Return: false where it is not
 * there yet (asked for).
 */
bool replicaset__room_known(const struct deployment_view *view, const struct revision *update,
                            int32_t count, struct plan *plan);

/** replicaset__successors() - replaces old instances. Return: how many instances of @update are being taken care of so. */
int32_t replicaset__successors(const struct deployment_view *view, struct revision *update,
                               struct offered *offered, struct disruption *disruption,
                               struct plan *plan);

/* -- other_way.c -- */

/** replicaset__way_known() - whether it is known why an instance was refused beside its predecessor. */
bool replicaset__way_known(const struct revision *update);

/**
 * replicaset__other_way() - instances that were refused beside their predecessor (WebPathInUse, MetaspaceFull) get another way
 *
 * A free base, else in place. On a free base the instance is made anew, since its name says where it is; where only that
 * was written, and not that the refused one goes, it goes now.
 */
void replicaset__other_way(const struct deployment_view *view, struct revision *update,
                           struct offered *offered, struct disruption *disruption,
                           struct plan *plan);

/* -- moved.c -- */

/**
 * replicaset__retire_moved() - old instances whose successor serves on another base, and has for minReadySeconds, go
 * @update: or NULL
 *
 * With scaleUpThenScaleDown, when those of the whole batch do.
 */
void replicaset__retire_moved(const struct deployment_view *view, const struct revision *update,
                              struct plan *plan);

#endif
