/* SPDX-License-Identifier: Apache-2.0 */
/* Stories with names, and what a seed stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "tests/sim/scenarios.h"

static struct world *tell(const char *name, const struct world_options *options)
{
    struct world *world = scenario_run(scenario_find(name), options);
    if (!world->broken)
        return world;
    history_print(&world->history, 60);
    picture_print(&world->picture);
    fail_msg("%s: %s", name, world->broken);
    return world;
}

static void each_scenario_comes_about(void **state)
{
    (void)state;
    for (size_t i = 0; i < scenario_count; i++)
        world_free(tell(scenarios[i].name, &(struct world_options){.seed = 1}));
}

static void names_of_scenarios_are_their_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < scenario_count; i++)
        assert_ptr_equal(scenario_find(scenarios[i].name), &scenarios[i]);
    assert_null(scenario_find("none"));
}

/* Whatever happens with a call, it happens with that one: the same story takes another turn there. */
static void a_call_meets_its_fate(void **state)
{
    (void)state;
    struct world *plain = tell("install", &(struct world_options){.seed = 1});
    uint64_t hash = plain->history.hash;
    assert_in_range(plain->calls, 20, 200);
    for (int fate = FATE_REFUSED; fate < FATES; fate++) {
        const struct world_options options = {
            .seed = 1, .at_call = plain->calls / 2, .fate = (enum fate)fate};
        struct world *world = tell("install", &options);
        assert_int_not_equal(world->history.hash, hash);
        assert_int_equal(world->lives, fate == FATE_CRASH ? 2 : 1);
        world_free(world);
    }
    const struct world_options late = {.seed = 1, .at_call = plain->calls + 1, .fate = FATE_CRASH};
    struct world *world = tell("install", &late);
    assert_int_equal(world->history.hash, hash);
    world_free(world);
    world_free(plain);
}

static uint64_t hash_of(uint64_t seed)
{
    struct world *world = world_new(&(struct world_options){.seed = seed, .faults = ALL_FAULTS});
    (void)story_run(world);
    uint64_t hash = world->history.hash;
    assert_true(world->history.count > 20);
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
        cmocka_unit_test(each_scenario_comes_about),
        cmocka_unit_test(names_of_scenarios_are_their_own),
        cmocka_unit_test(a_call_meets_its_fate),
        cmocka_unit_test(a_seed_is_one_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
