/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PROGRESS_DEADLINE_H
#define KOUPLELESS_CONTROLLER_ENGINE_PROGRESS_DEADLINE_H

#include "services/controller/engine/view.h"

/*
 * spec.progressDeadlineSeconds, as Deployments have it. Nothing about it is written down: when there was progress
 * last is told by the objects. Time in which no controller planned is not counted, nor what was before it: how long
 * that was is not known to the one that is started then. Wall times.
 */

/**
 * last_progress_ms() - when there was progress last
 *
 * The batch began or went on (releaseStatus.lastTransitionTime); an instance of @update was made or became Available;
 * an instance of any revision was told to go. What is said to be in the future was before the clock was set
 * back, and counts for nothing.
 */
int64_t last_progress_ms(const struct deployment_view *view, const struct revision *update,
                         const struct release_status *release);

/**
 * progress_deadline_ms() - when a release that is being executed is given up; INT64_MAX: never
 *
 * A whole period after this controller began to plan at the earliest. An instance that drains, as it was told to, makes
 * no progress: that time comes on top.
 *
 * Before a whole period has passed since the batch began or went on, or since planning began, instances are not
 * looked at, of which there may be many: then the answer is the end of that period, and at its end there may be a
 * later one.
 */
int64_t progress_deadline_ms(const struct deployment_view *view, const struct revision *update,
                             const struct release_status *release);

#endif
