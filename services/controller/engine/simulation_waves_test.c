/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant I2 in the toy world (engine_test_world.h): through upgrade after upgrade, whatever the order in which things
 * happen, fewer instances than n - maxUnavailable never serve; and where there is a way that keeps it, it ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_world.h"
#include "services/controller/engine/release_status.h"

#define SEEDS 100
#define INSTANCES 4
#define RELEASES 3
#define STEPS_MAX 8000  /* of one release */
#define STEPS_HELD 1500 /* of one that has no way */

struct waves {
    struct world world;
    int32_t limit; /* of maxUnavailable, as a number */
    bool moves;    /* there is a way that keeps it */
};

static size_t below(struct world *world, size_t n)
{
    return (size_t)rand_below(&world->rand, n);
}

/* Whether an operation takes what is on the base of @instance off it, or puts another one in its place. */
static bool is_disturbed(const struct instance *instance)
{
    for (size_t i = 0; i < instance->base->instances.len; i++) {
        const struct instance *other = instance->base->instances.items[i];
        bool in_place = other->operation.type == OPERATION_INSTALL &&
                        other->module->spec.upgrade_way == WAY_IN_PLACE && other->replaces;
        if (other->operation.state == OPERATION_RUNNING &&
            (in_place || (other == instance && other->operation.type == OPERATION_UNINSTALL)))
            return true;
    }
    return false;
}

/* Side by side the new version may have the traffic before its object says that it is Available. */
static bool has_switched(const struct world_base *base, const struct instance *old)
{
    const struct instance *successor = old->replaced_by;
    return successor && successor->module->spec.upgrade_way == WAY_SIDE_BY_SIDE &&
           base->active == world_version(successor);
}

static bool really_serves(struct world *world, const struct instance *instance)
{
    const struct world_base *base = world_truth(world, instance);
    return base && (base->active == world_version(instance) || has_switched(base, instance)) &&
           instance->module->status.phase == MODULE_AVAILABLE && !instance_deleting(instance) &&
           !is_disturbed(instance);
}

/* Bases where the module serves, as they themselves say and its object does. */
static int32_t serving(struct world *world)
{
    int32_t count = 0;
    for (size_t b = 0; b < world->kit.base_count; b++) {
        const struct base_state *base = world->kit.bases[b];
        bool any = false;
        for (size_t i = 0; i < base->instances.len; i++)
            any |= really_serves(world, base->instances.items[i]);
        count += any;
    }
    return count;
}

static void step(struct world *world)
{
    struct kit *kit = &world->kit;
    struct revision *revision =
        kit->revision_count ? kit->revisions[below(world, kit->revision_count)] : NULL;
    size_t len = revision ? revision->instances.len : 0;
    struct instance *instance = len ? revision->instances.items[below(world, len)] : NULL;
    bool runs = instance && instance->operation.state == OPERATION_RUNNING;
    size_t kind = below(world, 100);
    if (kind < 25)
        world_plan_deployment(world);
    else if (kind < 55 && instance && !runs)
        world_plan_module(world, instance);
    else if (kind < 65 && runs)
        world_finish(world, instance);
    else if (kind < 75 && revision)
        world_answer(world, revision, world_chance(world, 50));
    else if (kind < 82)
        world_plan_traffic(world, kit->bases[below(world, kit->base_count)]);
    else if (kind < 90 && instance)
        world_report(world, instance);
    else if (kind == 90 && world_chance(world, 10))
        world_restart_controller(world);
    else
        kit->now_ms += (int64_t)below(world, 5000);
    kit_recount(kit);
}

static bool completed(struct world *world)
{
    const struct module_deployment *md = world->kit.md;
    AUTO_FREE char *name = update_revision_name(md, &md->spec.template);
    return md->status.release.progress == PROGRESS_COMPLETED &&
           str_eq(md->status.release.update_revision, name) && serving(world) == INSTANCES;
}

/* Return: whether the release ended. */
static bool release(struct waves *waves, const char *version, bool bounded)
{
    struct world *world = &waves->world;
    kit_template_done(&world->kit.md->spec.template);
    kit_template(&world->kit.md->spec.template, version);
    for (int i = 0; i < (bounded && !waves->moves ? STEPS_HELD : STEPS_MAX) && !world->broken;
         i++) {
        step(world);
        if (bounded)
            world_hold(world, serving(world) >= INSTANCES - waves->limit,
                       "I2: no more are unavailable than maxUnavailable allows");
        if (completed(world))
            return true;
    }
    return false;
}

/* What the seed says: the policy, the bound, whether two versions run beside each other, free bases, batches. */
static void begin(struct waves *waves, uint64_t seed)
{
    struct world *world = &waves->world;
    *waves = (struct waves){.world = {.log = STR_INIT(WORLD_LOG_MAX)}};
    rand_seed(&world->rand, seed);
    static const struct kit_row row = {.spec = "v1 x4 new"};
    kit_init(&world->kit, &row);
    size_t free_bases = below(world, 3);
    for (size_t i = 0; i < INSTANCES + free_bases; i++)
        world_add_base(world);
    world->web_path = world_chance(world, 50);
    waves->limit = (int32_t)below(world, 3);
    struct module_deployment_spec *spec = &world->kit.md->spec;
    spec->strategy.upgrade_policy = (enum upgrade_policy)below(world, 3);
    spec->strategy.batch_count = (int32_t)below(world, 4);
    spec->strategy.drain_seconds = world_chance(world, 50) ? 0 : 3;
    spec->max_unavailable =
        world_chance(world, 50)
            ? (struct int_or_percent){INT_OR_PERCENT_INT, waves->limit}
            : (struct int_or_percent){INT_OR_PERCENT_PERCENT, waves->limit * 100 / INSTANCES};
    bool gap = spec->strategy.upgrade_policy == UPGRADE_UNINSTALL_THEN_INSTALL ||
               (world->web_path && !free_bases);
    waves->moves = waves->limit > 0 || !gap;
}

/* Nothing moves, and the status says why: not while it is asked once more whether there is room. */
static void held_up(struct world *world)
{
    const struct condition *degraded = NULL;
    for (int i = 0; i < STEPS_MAX; i++) {
        degraded = status_condition(&world->kit.md->status, "Degraded");
        if (degraded && str_eq(degraded->reason, "MaxUnavailable"))
            break;
        step(world);
    }
    world_hold(world, degraded && str_eq(degraded->reason, "MaxUnavailable"),
               "why nothing moves is said");
    world_hold(world, serving(world) == INSTANCES, "all serve");
}

static void never_more_than_allowed(void **state)
{
    (void)state;
    static const char *const versions[RELEASES] = {"v2", "v3", "v4"};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct waves waves;
        begin(&waves, seed);
        world_hold(&waves.world, release(&waves, "v1", false), "the first release ends");
        for (size_t i = 0; i < RELEASES && !waves.world.broken; i++) {
            bool ended = release(&waves, versions[i], true);
            world_hold(&waves.world, ended == waves.moves, "it ends where there is a way");
            if (!waves.moves)
                held_up(&waves.world);
        }
        assert_true(world_end(&waves.world, seed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(never_more_than_allowed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
