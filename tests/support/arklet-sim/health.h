/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_HEALTH_H
#define ARKLET_SIM_HEALTH_H

#include <cjson/cJSON.h>

#include "tests/support/arklet-sim/sim.h"

/** health_answer() - Arklet's health command, which knows nothing of the actuator's health. */
cJSON *health_answer(struct base *base, const cJSON *input);

#endif
