/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_MIN_READY_H
#define KOUPLELESS_CONTROLLER_ENGINE_MIN_READY_H

#include "services/controller/engine/view.h"

/* spec.minReadySeconds, as Deployments have it: an instance counts once it has been Available for so long. Wall times. */

/**
 * min_ready_end_ms() - when an instance that has been Available since @since_ms has been so for @period_ms
 * @recorded_ms: what was said before, and written down; 0: nothing
 *
 * Where the clock was set back since, nobody knows how long that is: a whole period from now, once. So it never waits
 * longer than one.
 */
int64_t min_ready_end_ms(int64_t since_ms, int64_t period_ms, int64_t recorded_ms, int64_t wall_ms);

/**
 * min_ready_left_ms() - for how long @instance must be Available still before it has been so for @seconds; 0: it has
 *
 * It is Available. One that is so since a time to come has been: it was before the clock was set back.
 */
int64_t min_ready_left_ms(const struct instance *instance, int32_t seconds, int64_t wall_ms);

/** min_ready_all_ms() - when all instances of @revision that are Available have been so for @seconds; 0: they have. */
int64_t min_ready_all_ms(const struct revision *revision, int32_t seconds, int64_t recorded_ms,
                         int64_t wall_ms);

/** min_ready_count() - instances of @revision that have been Available for @seconds. */
int32_t min_ready_count(const struct revision *revision, int32_t seconds, int64_t wall_ms);

#endif
