/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine in a toy world (engine_test_world.h), with random specs, edits and faults, all from a seed: after
 * every step the invariants hold, and when edits and faults end, so does the release.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/batches.h"
#include "services/controller/engine/engine_test_world.h"
#include "services/controller/engine/min_ready.h"

#define SEEDS 200
#define RANDOM_STEPS 300
#define ROUNDS_MAX 3000 /* to the end, once faults have stopped */

static size_t random_below(struct world *world, size_t n)
{
    return (size_t)rand_below(&world->rand, n);
}

/* An instance, at random; NULL where there is none. */
static struct instance *any_instance(struct world *world)
{
    struct kit *kit = &world->kit;
    if (!kit->revision_count)
        return NULL;
    struct revision *revision = kit->revisions[random_below(world, kit->revision_count)];
    size_t len = revision->instances.len;
    return len ? revision->instances.items[random_below(world, len)] : NULL;
}

/* -- what users do -- */

static void set_version(struct world *world, const char *version)
{
    kit_template_done(&world->kit.md->spec.template);
    kit_template(&world->kit.md->spec.template, version);
}

static void edit(struct world *world)
{
    static const char *const versions[] = {"v1", "v2", "v3", "v4", "v1b", "v1c", "v1^x", "v2^x"};
    struct module_deployment_spec *spec = &world->kit.md->spec;
    world->kit.md->meta.generation++;
    switch (random_below(world, 17)) {
    case 0:
    case 1:
    case 2:
        set_version(world, versions[random_below(world, ARRAY_LEN(versions))]);
        break;
    case 3:
    case 4:
        spec->replicas =
            world_chance(world, 25) ? REPLICAS_SYMMETRIC : (int32_t)random_below(world, 8);
        break;
    case 5:
        spec->strategy.batch_count = (int32_t)random_below(world, 5);
        spec->strategy.use_beta = world_chance(world, 30);
        break;
    case 6:
        spec->strategy.need_confirm = world_chance(world, 50);
        spec->strategy.gray_time_seconds = world_chance(world, 50) ? 0 : 30;
        break;
    case 7:
    case 8:
        spec->pause = !spec->pause;
        break;
    case 9:
        spec->confirm_batch_num = (int32_t)random_below(world, 4);
        break;
    case 10:
        spec->strategy.upgrade_policy = (enum upgrade_policy)random_below(world, 3);
        break;
    case 11:
        spec->strategy.rollback_on_failure = !spec->strategy.rollback_on_failure;
        spec->progress_deadline_seconds = world_chance(world, 50) ? 0 : 60;
        break;
    case 12:
        spec->min_ready_seconds = world_chance(world, 50) ? 0 : 20;
        break;
    case 13:
        json_map_set(&world->kit.md->meta.annotations, ANNOTATION_RESUME,
                     world->kit.md->status.release.update_revision);
        break;
    case 14:
        spec->max_unavailable.kind = INT_OR_PERCENT_INT;
        spec->max_unavailable.value = (int32_t)random_below(world, 3);
        spec->strategy.drain_seconds = world_chance(world, 50) ? 0 : 10;
        break;
    case 15:
        json_map_set(&world->kit.md->meta.annotations, ANNOTATION_RESUME,
                     world->kit.md->status.release.failed_revision);
        break;
    default:
        json_map_set(&world->kit.md->meta.annotations, ANNOTATION_ABORT,
                     world_chance(world, 50) ? world->kit.md->status.release.update_revision
                                             : NULL);
        break;
    }
    AUTO_FREE char *version = kit_version(&spec->template);
    str_printf(&world->log, "edit: %s x%d batches=%d %s%s%s\n", version, spec->replicas,
               spec->strategy.batch_count, spec->strategy.use_beta ? "beta " : "",
               spec->strategy.need_confirm ? "confirm " : "", spec->pause ? "pause " : "");
}

/* -- what goes wrong -- */

static void fault(struct world *world)
{
    struct kit *kit = &world->kit;
    size_t at = kit->base_count ? random_below(world, kit->base_count) : 0;
    struct instance *instance = any_instance(world);
    size_t kind = random_below(world, 7);
    str_printf(&world->log, "fault %zu\n", kind);
    if (kind == 0 && kit->base_count > 2)
        world_lose_base(world, at);
    else if (kind == 1)
        world_add_base(world);
    else if (kind == 2)
        world_restart_base(world, at);
    else if (kind == 3)
        kit->bases[at]->ready = !kit->bases[at]->ready;
    else if (kind == 4)
        world_restart_controller(world);
    else if (kind == 5 && instance)
        kit_module(instance)->meta.deletion_ms = kit->now_ms;
    else if (kind == 6)
        kit->template_missing = !kit->template_missing;
    kit_recount(kit);
}

/* -- invariants -- */

/* 5.1: instances of the update revision that the batch allows. */
static int32_t allowed(const struct world *world)
{
    const struct release_status *release = &world->kit.md->status.release;
    if (release->target_replicas == REPLICAS_SYMMETRIC)
        return (int32_t)world->kit.base_count;
    int32_t before = release->original_updated_replicas;
    int32_t up =
        before + batches_end(release->original_delta_replicas, release->planned_batch_count,
                             release->planned_use_beta, release->current_batch);
    int32_t most = up < release->target_replicas ? up : release->target_replicas;
    bool completed = release->progress == PROGRESS_COMPLETED;
    return completed ? release->target_replicas : most > before ? most : before;
}

/* Instances whose base was lost, and that nobody has looked at since. */
static int32_t left_behind(const struct revision *revision)
{
    int32_t count = 0;
    for (size_t i = 0; i < revision->instances.len; i++)
        count +=
            !revision->instances.items[i]->base && !instance_deleting(revision->instances.items[i]);
    return count;
}

static void check_numbers(struct world *world, const struct revision *update, int32_t before)
{
    bool symmetric = world->kit.md->status.release.target_replicas == REPLICAS_SYMMETRIC;
    if (update->existing > before)
        world_hold(world,
                   update->existing <= allowed(world) + (symmetric ? left_behind(update) : 0),
                   "updated instances never exceed the target of the batch");
}

/* Defect 1: Completed means that all are there. */
static void check_completed(struct world *world)
{
    const struct kit *kit = &world->kit;
    const struct release_status *release = &kit->md->status.release;
    struct revision *update = world_revision(world, release->update_revision);
    int32_t target = release->target_replicas;
    world_hold(world, target < 0 || update->existing == target, "Completed has its target");
    world_hold(world, update->available == update->existing, "Completed is available");
    world_hold(world,
               min_ready_count(update, kit->md->spec.min_ready_seconds, kit->now_ms) ==
                   update->existing,
               "Completed has been available for long enough");
    for (size_t r = 0; r < kit->revision_count; r++)
        world_hold(world, kit->revisions[r] == update || kit->revisions[r]->instances.len == 0,
                   "Completed has no other version");
}

static void plan_and_check(struct world *world)
{
    const struct release_status *release = &world->kit.md->status.release;
    bool completed = release->progress == PROGRESS_COMPLETED;
    AUTO_FREE char *update_before = mem_strdup(release->update_revision);
    struct revision *update = world_revision(world, update_before);
    int32_t before = update ? update->existing : 0;
    world_plan_deployment(world);
    if (world->gone || world->kit.md->meta.deletion_ms)
        return;
    release = &world->kit.md->status.release;
    update = world_revision(world, release->update_revision);
    if (update && str_eq(update->rs->meta.name, update_before))
        check_numbers(world, update, before);
    if (!completed && release->progress == PROGRESS_COMPLETED)
        check_completed(world);
}

/* -- steps -- */

static void step(struct world *world)
{
    struct instance *instance = any_instance(world);
    struct kit *kit = &world->kit;
    size_t kind = random_below(world, 100);
    if (kind < 25)
        plan_and_check(world);
    else if (kind < 55 && instance && instance->operation.state != OPERATION_RUNNING)
        world_plan_module(world, instance);
    else if (kind < 75 && instance && instance->operation.state == OPERATION_RUNNING)
        world_finish(world, instance);
    else if (kind < 85 && kit->revision_count)
        world_answer(world, kit->revisions[random_below(world, kit->revision_count)],
                     world_chance(world, 50));
    else if (kind < 88 && kit->base_count)
        world_plan_traffic(world, kit->bases[random_below(world, kit->base_count)]);
    else if (kind < 91 && instance)
        world_report(world, instance);
    else if (kind < 93)
        edit(world);
    else if (kind < 95)
        fault(world);
    else
        kit->now_ms += (int64_t)random_below(world, 20000);
    kit_recount(kit);
}

static void round_of_all(struct world *world)
{
    world_round(world, plan_and_check);
}

static int32_t selected_bases(const struct world *world)
{
    const struct kit *kit = &world->kit;
    int32_t count = 0;
    for (size_t b = 0; b < kit->base_count; b++)
        count += base_selected(kit->bases[b], &kit->md->spec.template);
    return count;
}

/* Nothing stands in the way any more; confirmations are given. */
static void calm_down(struct world *world)
{
    struct kit *kit = &world->kit;
    world->faults = kit->template_missing = false;
    world->bad_version = 0;
    for (size_t b = 0; b < kit->base_count; b++)
        kit->bases[b]->ready = true;
    struct module_deployment_spec *spec = &kit->md->spec;
    if (spec->replicas > selected_bases(world))
        spec->replicas = selected_bases(world);
    json_map_set(&kit->md->meta.annotations, ANNOTATION_ABORT, NULL);
    spec->max_unavailable = (struct int_or_percent){0};
    kit->md->meta.generation++;
    spec->pause = spec->strategy.rollback_on_failure = false;
    spec->progress_deadline_seconds = 0;
    AUTO_FREE char *version = kit_version(&spec->template);
    str_printf(&world->log, "calm: %s x%d of %zu bases\n", version, spec->replicas,
               kit->base_count);
}

static bool serves(struct world *world, const struct instance *instance)
{
    const struct world_base *base = world_truth(world, instance);
    int version = world_version(instance);
    return base && base->active == version && base->jar[version] == world_digest(instance) &&
           instance->module->status.phase == MODULE_AVAILABLE;
}

static size_t installed_everywhere(const struct world *world)
{
    size_t count = 0;
    for (size_t b = 0; b < world->kit.base_count; b++)
        for (int v = 1; v <= WORLD_VERSIONS; v++)
            count += world->truth[b].installed[v];
    return count;
}

/* I9: exactly the bases where an instance is Available have traffic. */
static bool traffic_is_right(const struct world *world)
{
    for (size_t b = 0; b < world->kit.base_count; b++)
        if (world_has_traffic(world->kit.bases[b]) != world_serves(world->kit.bases[b]))
            return false;
    return true;
}

/* Whether the world is as the spec wants it: all serve, and nothing else is on a base. */
static bool arrived(struct world *world)
{
    const struct kit *kit = &world->kit;
    if (kit->md->meta.deletion_ms)
        return world->gone && installed_everywhere(world) == 0 && traffic_is_right(world);
    AUTO_FREE char *name = update_revision_name(kit->md, &kit->md->spec.template);
    struct revision *update = world_revision(world, name);
    const struct release_status *release = &kit->md->status.release;
    int32_t target = kit->md->spec.replicas == REPLICAS_SYMMETRIC ? selected_bases(world)
                                                                  : kit->md->spec.replicas;
    if (!traffic_is_right(world) || !update || !str_eq(release->update_revision, name) ||
        release->progress != PROGRESS_COMPLETED || update->available != target ||
        (int32_t)update->instances.len != target || installed_everywhere(world) != (size_t)target)
        return false;
    for (size_t i = 0; i < update->instances.len; i++)
        if (!serves(world, update->instances.items[i]))
            return false;
    return true;
}

static void confirm_where_asked(struct world *world)
{
    struct module_deployment *md = world->kit.md;
    if (md->spec.pause && str_eq(md->status.release.reason, REASON_WAITING_FOR_CONFIRMATION))
        md->spec.confirm_batch_num = md->status.release.current_batch;
}

static void begin_world(struct world *world, uint64_t seed)
{
    *world = (struct world){.log = STR_INIT(WORLD_LOG_MAX)};
    rand_seed(&world->rand, seed);
    bool returns = seed % 2; /* from v2 to what was there before */
    struct kit_row row = {.spec = returns ? "v1 x2 new rollback deadline=60" : "v1 x3 new"};
    kit_init(&world->kit, &row);
    world->web_path = seed % 3 == 0;
    world->tight = seed % 3 == 1 && seed % 2;
    world->bad_version = returns ? 2 : 0;
    for (size_t i = 0, n = 2 + random_below(world, 6); i < n; i++)
        world_add_base(world);
    for (int i = 0; i < 20 && returns; i++)
        round_of_all(world);
    world->faults = true;
    for (int i = 0; i < 4 && !returns; i++)
        edit(world);
    if (returns)
        set_version(world, "v2");
}

static bool run_seed(uint64_t seed)
{
    struct world world;
    begin_world(&world, seed);
    for (int i = 0; i < RANDOM_STEPS && !world.broken; i++)
        step(&world);
    calm_down(&world);
    if (seed % 5 == 4)
        world.kit.md->meta.deletion_ms = world.kit.now_ms;
    int rounds = 0;
    while (rounds++ < ROUNDS_MAX && !world.broken && !arrived(&world)) {
        confirm_where_asked(&world);
        round_of_all(&world);
    }
    world_hold(&world, arrived(&world), "it arrives, once faults have stopped");
    return world_end(&world, seed);
}

static int32_t serving(const struct world *world)
{
    int32_t count = 0;
    for (size_t b = 0; b < world->kit.base_count; b++)
        count += world->truth[b].active != 0;
    return count;
}

static size_t in_traffic(const struct world *world)
{
    size_t count = 0;
    for (size_t b = 0; b < world->kit.base_count; b++)
        count += world_has_traffic(world->kit.bases[b]);
    return count;
}

static void rounds(struct world *world, int count)
{
    for (int i = 0; i < count && !world->broken; i++) {
        round_of_all(world);
        world_hold(world, serving(world) == 5, "every base serves");
        world_hold(world, in_traffic(world) == 5, "every base has traffic");
    }
}

/* Upgrades and rollbacks of 5 on 5 bases, each a little further than the one before when the next comes, or when
 * its ModuleTemplate is not there for a while. */
static void go_back_and_forth(struct world *world, bool template_goes)
{
    for (int release = 0; release < 40; release++) {
        set_version(world, release % 2 ? "v1" : "v2");
        rounds(world, 1 + release);
        world->kit.template_missing = template_goes;
        rounds(world, template_goes ? 10 : 0);
        world->kit.template_missing = false;
    }
    rounds(world, 100);
    world_hold(world, arrived(world), "it arrives");
}

static void upgrade_back_and_forth(int32_t batches, bool template_goes)
{
    struct world world = {.log = STR_INIT(WORLD_LOG_MAX)};
    static const struct kit_row row = {.spec = "v1 x5 new"};
    kit_init(&world.kit, &row);
    rand_seed(&world.rand, (uint64_t)batches);
    for (int i = 0; i < 5; i++)
        world_add_base(&world);
    world.kit.md->spec.strategy.batch_count = batches;
    for (int i = 0; i < 100 && !arrived(&world); i++)
        round_of_all(&world);
    go_back_and_forth(&world, template_goes);
    assert_true(world_end(&world, (uint64_t)batches));
}

/* Defect 3, requirement 5.5: every base serves at every instant, the one version or the other. */
static void an_upgrade_loses_nothing(void **state)
{
    (void)state;
    for (int32_t batches = 1; batches <= 5; batches++)
        upgrade_back_and_forth(batches, /* template_goes= */ false);
}

static void a_template_that_goes_loses_nothing(void **state)
{
    (void)state;
    for (int32_t batches = 1; batches <= 5; batches++)
        upgrade_back_and_forth(batches, /* template_goes= */ true);
}

/* One version with another digest, and back, each a little further than the one before. */
static void another_digest_is_installed(void **state)
{
    (void)state;
    for (int32_t batches = 1; batches <= 5; batches++) {
        struct world world = {.log = STR_INIT(WORLD_LOG_MAX)};
        static const struct kit_row row = {.spec = "v1 x5 new"};
        kit_init(&world.kit, &row);
        rand_seed(&world.rand, (uint64_t)batches);
        for (int i = 0; i < (batches == 5 ? 6 : 5); i++)
            world_add_base(&world);
        world.kit.md->spec.strategy.batch_count = batches;
        for (int release = 0; release < 40; release++) {
            set_version(&world, release % 2 ? "v1" : "v1b");
            for (int i = 0; i < 10 + release && !arrived(&world); i++)
                round_of_all(&world);
        }
        for (int i = 0; i < 100 && !arrived(&world); i++)
            round_of_all(&world);
        world_hold(&world, arrived(&world), "it arrives");
        assert_true(world_end(&world, (uint64_t)batches));
    }
}

static void rounds_until(struct world *world, bool (*is_so)(struct world *world), const char *what)
{
    for (int i = 0; i < 100 && !is_so(world); i++)
        round_of_all(world);
    world_hold(world, is_so(world), what);
}

static bool waits_at_gate(struct world *world)
{
    return str_eq(world->kit.md->status.release.reason, REASON_WAITING_FOR_CONFIRMATION);
}

static bool five_serve(struct world *world)
{
    return serving(world) == 5;
}

/* Five of v2 in two batches, the first being three: how many of them run. */
static int32_t of_second_version(const struct world *world)
{
    int32_t count = 0;
    for (size_t b = 0; b < world->kit.base_count; b++)
        count += world->truth[b].active == 2;
    return count;
}

/*
 * Where there are fewer bases than the first batch wants, old instances give way early, so that it comes to its end; what
 * they are too few then comes back when a base comes, also while the gate waits.
 * @before: of v1; @lost: bases that go as the release begins
 */
static void release_short_of_bases(int32_t before, int32_t lost, bool web_path)
{
    struct world world = {.log = STR_INIT(WORLD_LOG_MAX)};
    static const struct kit_row row = {.spec = "v1 x1 new confirm"};
    kit_init(&world.kit, &row);
    struct module_deployment_spec *spec = &world.kit.md->spec;
    rand_seed(&world.rand, 1);
    world.web_path = web_path;
    spec->replicas = before;
    for (int32_t i = 0; i < before; i++)
        world_add_base(&world);
    rounds_until(&world, arrived, "v1 arrives");
    spec->replicas = 5;
    spec->strategy.batch_count = 2;
    world.kit.md->meta.generation++;
    set_version(&world, "v2");
    for (int i = 0; i < 2; i++) /* its revision, and the release is begun */
        plan_and_check(&world);
    for (int32_t i = 0; i < lost; i++)
        world_lose_base(&world, 0);
    rounds_until(&world, waits_at_gate, "the first batch is done with the bases there are");
    world_hold(&world, serving(&world) == before - lost, "every base serves");
    world_hold(&world, of_second_version(&world) == 3, "the batch is complete");
    for (int32_t i = before - lost; i < 5; i++)
        world_add_base(&world);
    rounds_until(&world, five_serve, "bases that come serve at the gate");
    world_hold(&world, of_second_version(&world) == 3 && waits_at_gate(&world), "nobody confirmed");
    for (int i = 0; i < 100 && !arrived(&world); i++) {
        confirm_where_asked(&world);
        round_of_all(&world);
    }
    world_hold(&world, arrived(&world), "v2 arrives");
    assert_true(world_end(&world, (uint64_t)before));
}

static void a_gate_loses_no_capacity(void **state)
{
    (void)state;
    for (int web_path = 0; web_path < 2; web_path++) {
        release_short_of_bases(5, 1, web_path);
        release_short_of_bases(3, 0, web_path);
        release_short_of_bases(4, 0, web_path);
    }
}

static void invariants_hold(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        assert_true(run_seed(seed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upgrade_loses_nothing),
        cmocka_unit_test(a_template_that_goes_loses_nothing),
        cmocka_unit_test(another_digest_is_installed),
        cmocka_unit_test(a_gate_loses_no_capacity),
        cmocka_unit_test(invariants_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
