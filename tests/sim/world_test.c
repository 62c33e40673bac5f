/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated worlds that tell a story of their own, and what a seed stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "tests/sim/invariants.h"
#include "tests/sim/users.h"

#define LATE_MS 600000

static bool converged(struct world *world)
{
    AUTO_FREE char *why = i5_converged(&world->picture);
    return !why && world->picture.deployments.len;
}

static bool nothing_left(struct world *world)
{
    AUTO_FREE char *why = i6_nothing_left(&world->picture);
    return !why;
}

static void must(struct world *world, bool (*holds)(struct world *world))
{
    if (world_run_until(world, holds, LATE_MS))
        return;
    history_print(&world->history, 60);
    picture_print(&world->picture);
    fail_msg("%s", world->broken ? world->broken : "did not come about");
}

static struct world *world_of_bases(uint64_t seed, int bases)
{
    struct world *world = world_new(&(struct world_options){.seed = seed});
    for (int i = 0; i < bases; i++) {
        world_add_base(world);
        world->picture.bases.items[i]->options.max_module_count = -1;
    }
    return world;
}

static const char *version_wanted(const struct world *world, const char *name)
{
    const struct module_deployment *md = map_get(&world->picture.deployments, name);
    return md ? md->spec.template.module.version : "";
}

static bool is_second(struct world *world)
{
    return str_eq(version_wanted(world, "provider"), "2.0.0") && converged(world);
}

static void a_release_comes_about_and_goes(void **state)
{
    (void)state;
    struct world *world = world_of_bases(1, 3);
    users_create(world, "provider", 1, 3);
    must(world, converged);
    users_patch(world, "provider",
                "{\"spec\":{\"template\":{\"spec\":{\"module\":{\"version\":\"2.0.0\"}}}}}");
    must(world, is_second);
    users_delete_all(world);
    must(world, nothing_left);
    world_free(world);
}

/* The controller is gone after its n-th call to the store, for each n that there is. */
static void a_crash_between_any_two_calls_changes_nothing(void **state)
{
    (void)state;
    for (int64_t after = 1; after < 150; after++) {
        struct world *world = world_of_bases(2, 3);
        world->options.crash_after = after;
        users_create(world, "web", 1, 3);
        must(world, converged);
        users_delete_all(world);
        must(world, nothing_left);
        bool crashed = world->lives > 1;
        world_free(world);
        if (!crashed) {
            assert_true(after > 10); /* there were some */
            return;
        }
    }
    fail_msg("a release takes more calls than expected");
}

static uint64_t hash_of(uint64_t seed)
{
    struct world *world = world_new(&(struct world_options){.seed = seed, .faults = ALL_FAULTS});
    (void)story_run(world);
    uint64_t hash = world->history.hash;
    assert_true(world->history.count > 100);
    world_free(world);
    return hash;
}

static void a_seed_is_one_history(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++)
        assert_int_equal(hash_of(seed), hash_of(seed));
    assert_int_not_equal(hash_of(1), hash_of(2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_comes_about_and_goes),
        cmocka_unit_test(a_crash_between_any_two_calls_changes_nothing),
        cmocka_unit_test(a_seed_is_one_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
