/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases that fail, from beginning to end in the toy world (engine_test_world.h), also by controllers that are started
 * anew again and again: what they know then is told by the objects alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_world.h"

#define BASES 5
#define ROUNDS_MAX 400

static void set_version(struct world *world, const char *version)
{
    kit_template_done(&world->kit.md->spec.template);
    kit_template(&world->kit.md->spec.template, version);
    world->kit.md->meta.generation++;
}

static const struct release_status *release_of(const struct world *world)
{
    return &world->kit.md->status.release;
}

static bool is_at(const struct world *world, enum release_progress progress, const char *version)
{
    AUTO_FREE char *name = kit_revision_name(version);
    return release_of(world)->progress == progress &&
           str_eq(release_of(world)->update_revision, name);
}

static void check_all_serve(struct world *world)
{
    int32_t serving = 0;
    for (size_t b = 0; b < world->kit.base_count; b++)
        serving += world->truth[b].active != 0;
    world_hold(world, serving == BASES, "every base serves, the one version or the other");
}

/* A round, before every second one the controller is started anew where @restarts. */
static void round_of(struct world *world, bool restarts, int number)
{
    if (restarts && number % 2)
        world_restart_controller(world);
    world_round(world, world_plan_deployment);
}

/* Rounds until the release is there. */
static void run_until(struct world *world, enum release_progress progress, const char *version,
                      bool restarts)
{
    for (int i = 0; i < ROUNDS_MAX && !is_at(world, progress, version); i++) {
        round_of(world, restarts, i);
        if (release_of(world)->stable_revision)
            check_all_serve(world);
    }
    world_hold(world, is_at(world, progress, version), "it arrives");
}

/* v1 runs on all bases, and v2, which never starts, is asked for. */
static void begin_world(struct world *world, const char *spec)
{
    *world = (struct world){.log = STR_INIT(WORLD_LOG_MAX), .bad_version = 2};
    struct kit_row row = {.spec = spec};
    kit_init(&world->kit, &row);
    for (int i = 0; i < BASES; i++)
        world_add_base(world);
    run_until(world, PROGRESS_COMPLETED, "v1", /* restarts= */ false);
    set_version(world, "v2");
    world_round(world, world_plan_deployment);
}

static void end_world(struct world *world)
{
    if (world->broken)
        print_error("%s\n",
                    str_text(&world->log) + (world->log.len > 900 ? world->log.len - 900 : 0));
    assert_string_equal(world->broken ? world->broken : "", "");
    str_done(&world->log);
    kit_done(&world->kit);
}

static size_t instances_of(const struct world *world, const char *version)
{
    const struct revision *revision = kit_revision(&world->kit, version);
    return revision ? revision->instances.len : 0;
}

static void comes_back(const char *spec, bool restarts)
{
    struct world world;
    begin_world(&world, spec);
    run_until(&world, PROGRESS_EXECUTING, "v2", restarts);
    run_until(&world, PROGRESS_COMPLETED, "v1", restarts);
    assert_string_equal(release_of(&world)->reason, "RolledBack");
    AUTO_FREE char *failed = kit_revision_name("v2");
    assert_string_equal(release_of(&world)->failed_revision, failed);
    for (int i = 0; i < 200; i++) { /* and there it stays */
        round_of(&world, restarts, i);
        check_all_serve(&world);
        world_hold(&world, instances_of(&world, "v2") == 0, "what has failed is not tried again");
    }
    world.bad_version = 0;
    json_map_set(&world.kit.md->meta.annotations, ANNOTATION_RESUME, failed);
    run_until(&world, PROGRESS_COMPLETED, "v2", restarts);
    assert_string_equal(release_of(&world)->reason, "ReleaseCompleted");
    assert_null(release_of(&world)->failed_revision);
    assert_null(rollback_marked(kit_revision(&world.kit, "v2")));
    assert_null(json_map_get(&world.kit.md->meta.annotations, ANNOTATION_RESUME));
    end_world(&world);
}

static void a_failed_release_comes_back(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "v1 x5 new rollback batches=2",
        "v1 x5 new rollback batches=2 deadline=30", /* before five attempts */
        "v1 x-1 new rollback batches=2",
        "v1 x5 new rollback batches=5 history=0",
    };
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        comes_back(specs[i], /* restarts= */ false);
        comes_back(specs[i], /* restarts= */ true);
    }
}

/* Resumed while those who have finally failed are still there: each is tried as often as the first time. */
static void a_failed_release_is_tried_again_at_once(void **state)
{
    (void)state;
    struct world world;
    begin_world(&world, "v1 x5 new rollback batches=2");
    AUTO_FREE char *failed = kit_revision_name("v2");
    for (int i = 0; i < ROUNDS_MAX && !rollback_marked(kit_revision(&world.kit, "v2")); i++)
        world_round(&world, world_plan_deployment);
    world_hold(&world, rollback_failure(kit_revision(&world.kit, "v2")), "who has failed is there");
    world.bad_version = 0; /* mended */
    json_map_set(&world.kit.md->meta.annotations, ANNOTATION_RESUME, failed);
    for (int i = 0; i < ROUNDS_MAX && !is_at(&world, PROGRESS_COMPLETED, "v2"); i++) {
        world_round(&world, world_plan_deployment);
        check_all_serve(&world);
        world_hold(&world, i < 2 || !rollback_marked(kit_revision(&world.kit, "v2")),
                   "it is not undone");
    }
    world_hold(&world, is_at(&world, PROGRESS_COMPLETED, "v2"), "it arrives");
    end_world(&world);
}

/* The batch of v2 began, then no controller was there for @away_ms. Return: how long the next one tried. */
static int64_t aborted_after(int64_t away_ms)
{
    struct world world;
    begin_world(&world, "v1 x5 new batches=2 deadline=60");
    run_until(&world, PROGRESS_EXECUTING, "v2", /* restarts= */ false);
    int64_t began_ms = release_of(&world)->last_transition_ms;
    if (away_ms) {
        began_ms = world.kit.now_ms += away_ms;
        world_restart_controller(&world);
    }
    run_until(&world, PROGRESS_ABORTED, "v2", /* restarts= */ false);
    int64_t after_ms = release_of(&world)->last_transition_ms - began_ms;
    assert_string_equal(release_of(&world)->reason, "ProgressDeadlineExceeded");
    for (int i = 0; i < 20; i++) {
        round_of(&world, /* restarts= */ true, i);
        check_all_serve(&world);
        world_hold(&world, is_at(&world, PROGRESS_ABORTED, "v2"), "aborted it stays");
    }
    world.bad_version = 0;
    world.kit.md->spec.progress_deadline_seconds = 120;
    world.kit.md->meta.generation++;
    run_until(&world, PROGRESS_COMPLETED, "v2", /* restarts= */ true);
    end_world(&world);
    return after_ms;
}

static void each_controller_has_the_whole_deadline(void **state)
{
    (void)state;
    static const int64_t away_ms[] = {0, 1, 59000, 60000, 86400000};
    for (size_t i = 0; i < ARRAY_LEN(away_ms); i++)
        assert_in_range(aborted_after(away_ms[i]), 60000, 60000 + 4 * WORLD_ROUND_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_release_comes_back),
        cmocka_unit_test(a_failed_release_is_tried_again_at_once),
        cmocka_unit_test(each_controller_has_the_whole_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
