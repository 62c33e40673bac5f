/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_TORTURE_H
#define KOUPLELESS_SIM_TORTURE_H

#include "tests/sim/scenarios.h"

/*
 * Systematic faults: of each scenario the calls of the controller, and the commands of agents to Arklet, are counted, and
 * then it is told again for each of them, which is refused, or done while its answer is lost, or the last one before who
 * made it crashes. All of it has to come about all the same, and what must always be true has to be.
 */

/**
 * torture_run() - on @jobs processors; says which fail, and how to see them again. @only: one scenario, or NULL.
 * Return: how many did.
 */
uint64_t torture_run(const struct scenario *only, int jobs);

#endif
