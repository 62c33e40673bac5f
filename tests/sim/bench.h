/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_BENCH_H
#define KOUPLELESS_SIM_BENCH_H

#include <stdint.h>

/*
 * How fast the simulation is: worlds in which nothing goes wrong and nothing is checked, with so many instances. They are
 * installed, and then upgraded; what counts is the processor time that this takes, of controller, scheduler, and of the
 * store, the agents and the network that are made up around them.
 */

/**
 * bench_run() - some seeds, then a world with @instances, ten on a base, and ones with ten times as many, up to
 * @most; prints the figures.
 */
void bench_run(int64_t instances, int64_t most);

#endif
