/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/bench.h"

#include <stdio.h>
#include <time.h>

#include "tests/sim/users.h"

#define SEEDS 200
#define MODULES 10 /* on each base: so many ModuleDeployments */
#define LATE_MS (24 * 3600 * 1000LL)

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool all_available(struct world *world)
{
    int64_t wanted = (int64_t)world->picture.bases.len * MODULES;
    return world->tally.current == wanted && world->tally.modules == wanted;
}

static char *name_of(int i)
{
    return mem_printf("module-%03d", i);
}

static void measure(struct world *world, const char *what)
{
    int64_t before = world->tally.transitions, begun_ms = world->clock.mono_ms;
    double start = cpu_s();
    bool ok = world_run_until(world, all_available, LATE_MS);
    double spent = cpu_s() - start;
    int64_t count = world->tally.transitions - before;
    double simulated = (double)(world->clock.mono_ms - begun_ms) / 1e3;
    (void)printf("simulation, %7lld instances, %s: %lld transitions, %.0f/s on one core, %.1f s "
                 "simulated in %.1f s%s\n",
                 (long long)world->picture.bases.len * MODULES, what, (long long)count,
                 (double)count / spent, simulated, spent, ok ? "" : ": DID NOT END");
    (void)fflush(stdout);
}

static void run_one(int64_t instances)
{
    struct world *world = world_new(&(struct world_options){.seed = 1, .unchecked = true});
    int bases = (int)(instances / MODULES);
    for (int i = 0; i < bases; i++) {
        world_add_base(world);
        world->picture.bases.items[i]->options.max_module_count = -1;
    }
    (void)world_run_until(world, NULL, 60000);
    world->tally.version = "1.0.0";
    for (int i = 0; i < MODULES; i++) {
        AUTO_FREE char *name = name_of(i);
        users_create(world, name, 1, bases);
    }
    measure(world, "installed");
    world->tally.version = "2.0.0";
    world->tally.current = 0;
    for (int i = 0; i < MODULES; i++) {
        AUTO_FREE char *name = name_of(i);
        users_patch(world, name,
                    "{\"spec\":{\"template\":{\"spec\":{\"module\":{\"version\":\"2.0.0\"}}}}}");
    }
    measure(world, "upgraded");
    world_free(world);
}

/* Worlds as the swarm has them. */
static void run_seeds(void)
{
    double start = cpu_s(), simulated = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *world =
            world_new(&(struct world_options){.seed = seed, .faults = ALL_FAULTS});
        (void)story_run(world);
        simulated += (double)world->clock.mono_ms / 1e3;
        world_free(world);
    }
    double spent = cpu_s() - start;
    (void)printf("swarm, %d seeds: %.0f/s on one core, %.0f simulated seconds in each second\n",
                 SEEDS, SEEDS / spent, simulated / spent);
    (void)fflush(stdout);
}

void bench_run(int64_t instances, int64_t most)
{
    run_seeds();
    for (; instances <= most; instances *= 10)
        run_one(instances);
}
