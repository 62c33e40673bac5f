/* SPDX-License-Identifier: Apache-2.0 */
/* The three times of a simulated world: trouble, calm, the end. */
#include "tests/sim/invariants.h"
#include "tests/sim/users.h"

#define BASES_MAX 7
#define ACTS_MAX 60
#define PAUSE_MAX_MS 8000            /* between two acts */
#define SERVED_MAX_MS 60000          /* so long users of the API wait before they begin */
#define SETTLE_EVERY_MS 5000         /* users look after what is left to do */
#define CALM_MAX_MS (60 * 60 * 1000) /* until all has come about: backoff goes up to 5 minutes */

/* A controller is there for others. */
static bool is_served(struct world *world)
{
    return world->served != NULL;
}

static void trouble(struct world *world)
{
    for (size_t i = 0, n = 2 + rand_below(&world->rand, BASES_MAX - 1); i < n; i++)
        world_add_base(world);
    world->by_api = world_chance(world, 50);
    if (world->by_api)
        (void)world_run_until(world, is_served, SERVED_MAX_MS);
    users_act(world);
    for (size_t i = 0, n = rand_below(&world->rand, ACTS_MAX); i < n && !world->broken; i++) {
        (void)world_run_until(world, NULL, (int64_t)rand_below(&world->rand, PAUSE_MAX_MS));
        if (world_chance(world, 40))
            users_act(world);
        for (int k = 0; k < 4; k++)
            trouble_step(world);
    }
    (void)world_run_until(world, NULL, PAUSE_MAX_MS); /* what users want last arrives */
}

static bool converged(struct world *world)
{
    AUTO_FREE char *why = i5_converged(&world->picture);
    return !why;
}

static bool nothing_left(struct world *world)
{
    AUTO_FREE char *why = i6_nothing_left(&world->picture);
    return !why;
}

/* Return: whether it came about. Users do what is left to them meanwhile. */
static bool come_about(struct world *world, bool (*holds)(struct world *world),
                       void (*act)(struct world *world))
{
    for (int64_t ms = 0; ms < CALM_MAX_MS && !world->broken; ms += SETTLE_EVERY_MS) {
        act(world);
        if (world_run_until(world, holds, SETTLE_EVERY_MS))
            return true;
    }
    return false;
}

bool story_run(struct world *world)
{
    trouble(world);
    trouble_end(world);
    if (!world->broken && !come_about(world, converged, users_settle))
        world_break(world, i5_converged(&world->picture));
    history_note(&world->history, "the end");
    if (!world->broken && !come_about(world, nothing_left, users_delete_all))
        world_break(world, i6_nothing_left(&world->picture));
    return !world->broken;
}
