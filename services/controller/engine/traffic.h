/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_TRAFFIC_H
#define KOUPLELESS_CONTROLLER_ENGINE_TRAFFIC_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

/*
 * Which modules of a base get traffic (requirement 7.2): the label module.koupleless.alipay.com/<module>
 * of the base (its Pod) is "true" while an Available instance of that module is there to stay, and absent
 * else; the Service of the module selects by it. So the label goes when an instance becomes Unavailable, and
 * before one is taken off the base: because it is deleted, or because another version is to be installed in
 * its place. Where another Available version is on the base the label stays; so it does where an instance of
 * the original ModuleController has it (engine/adopt.h), whose other labels go with the last of those.
 *
 * Requests that came before that have operationStrategy.drainSeconds to end: only then the module is uninstalled, or
 * replaced in place. Other modules of the base keep their labels and their traffic meanwhile.
 */

/** traffic_wanted() - whether @module (a name) of @base is to have traffic. @now_ms: mono. */
bool traffic_wanted(const struct base_state *base, const char *module, int64_t now_ms);

/**
 * traffic_leaving() - whether the label of @module is on @base still, though it is to go
 *
 * What is done to the module on the base waits until it is gone: plan_traffic() takes it off.
 */
bool traffic_leaving(const struct base_state *base, const char *module, int64_t now_ms);

/**
 * traffic_drained_at() - when the requests that came to @instance have had @drain_ms to end; mono ms
 *
 * To be asked where traffic_leaving() does not hold. Counted from when its label went from the base; where the label
 * stays, for another version there, from when @instance was to go: that version has the traffic since before then. A
 * controller that has not seen that moment counts from when it first saw the instance. Nothing is waited for where
 * no traffic came: a module that never was Available.
 */
int64_t traffic_drained_at(const struct instance *instance, int64_t drain_ms);

/**
 * traffic_end() - ACTION_END_TRAFFIC for @instance, whose base is none any more
 *
 * A Pod runs on that was taken aside, or left behind by its Deployment, while no controller looked. Nothing is
 * planned where it has ended for sure.
 */
void traffic_end(const struct instance *instance, struct plan *plan);

/**
 * plan_traffic() - at most one ACTION_LABEL_BASE for all modules of @base whose label is to change
 * @plan: empty before
 *
 * Labels of other prefixes are left alone. Costs as much as what is on the base.
 */
void plan_traffic(const struct base_state *base, int64_t now_ms, struct plan *plan);

#endif
