/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/prefetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define RUNNING "Executing 1/2 v2 was=0 changes=3 x3 batches=2"
#define OLD "v2#2=2; v1#1=1 aA bA cA"

/* The second of two batches of three bases is to come. */
static const struct kit_row running = {
    .spec = "v2 x3", .release = RUNNING, .revisions = OLD, .bases = "a b c"};

struct world {
    struct kit kit;
    struct prefetch prefetch;
};

/* @digest: whether the jar of v2 has one. */
static void begin(struct world *world, const struct kit_row *row, bool digest)
{
    *world = (struct world){0};
    kit_init(&world->kit, row);
    struct revision *plain = kit_revision(&world->kit, "v2");
    struct revision *revision = plain ? plain : kit_revision(&world->kit, "v2^x");
    if (revision && digest)
        kit_rs(revision)->spec.template.module.sha256 = mem_strdup("5a");
}

static void end(struct world *world)
{
    prefetch_done(&world->prefetch);
    kit_done(&world->kit);
}

/* The bases that are to fetch it, in this order: "ab". */
static char *all_of(struct world *world)
{
    struct deployment_view view = kit_view(&world->kit);
    struct str names = STR_INIT(KIT_MAX);
    const struct revision *update = prefetch_update(&view, &world->prefetch);
    const struct base_state *base;
    while (update && (base = prefetch_next(&view, update, &world->prefetch)))
        str_add(&names, base->base->meta.name);
    return names.len ? str_take(&names) : mem_strdup("");
}

static void who_fetches_before_its_turn(void **state)
{
    (void)state;
    static const struct {
        const char *name, *spec, *release, *revisions, *bases, *fetch;
    } rows[] = {
        {"all whose old instance is to be replaced", "v2 x3 batches=2", RUNNING, OLD, "a b c",
         "abc"},
        {"... be it well or not", "v2 x3", RUNNING, "v2#2=2; v1#1=1 aF bU cN!", "a b c", "abc"},
        {"while it waits for a person", "v2 x3 confirm pause",
         "Paused 1/2 v2 was=0 changes=3 x3 batches=2 reason=WaitingForConfirmation", OLD, "a b c",
         "abc"},
        {"while it waits for its time", "v2 x3 gray=60",
         "Paused 1/2 v2 was=0 changes=3 x3 batches=2 reason=GrayTime until=1050000", OLD, "a b c",
         "abc"},
        {"not those that have the new one, or are getting it", "v2 x3", RUNNING,
         "v2#2=2 aP>sa bA; v1#1=1 aA bA cA", "a b c", "c"},
        {"... but one whose new one is on its way out", "v2 x3", RUNNING, "v2#2=2 aA-; v1#1=1 aA",
         "a", "a"},
        {"one with two old ones, once", "v2 x3", RUNNING, "v2#2=2; v1#1=0 aA; v3#3=1 aA", "a", "a"},
        {"not those without an instance", "v2 x3", RUNNING, "v2#2=2; v1#1=1 aA", "a b c", "a"},
        {"not those whose instance is on its way out", "v2 x3", RUNNING, "v2#2=2; v1#1=1 aA- bA",
         "a b", "b"},
        {"not those that the selector leaves out", "v2^x x3",
         "Executing 1/2 v2^x was=0 changes=3 x3 batches=2", "v2^x#2=2; v1#1=1 aA bA", "a^x b^y",
         "a"},
        {"not those that are not ready, or go", "v2 x3", RUNNING, OLD, "a! b~ c", "c"},
        {"not where the new ones go to other bases", "v2 x3 scaleUpThenScaleDown", RUNNING, OLD,
         "a b c", ""},
        {"where the old one goes first", "v2 x3 uninstallThenInstall", RUNNING, OLD, "a b c",
         "abc"},
        {"not when it is over", "v2 x3", "Completed 2/2 v2 was=0 changes=3 x3 batches=2", OLD,
         "a b c", ""},
        {"not when it was given up", "v2 x3", "Aborted 1/2 v2 was=0 changes=3 x3 batches=2", OLD,
         "a b c", ""},
        {"not when a person has stopped it", "v2 x3 pause", RUNNING, OLD, "a b c", ""},
        {"not when all is deleted", "v2 x3 deleting", RUNNING, OLD, "a b c", ""},
        {"not when the module is another one's", "v2 x3 taken-by=other", RUNNING, OLD, "a b c", ""},
        {"not before the bases are known", "v2 x3 bases-unknown", RUNNING, OLD, "a b c", ""},
        {"not before there is a release", "v2 x3", NULL, OLD, "a b c", ""},
        {"not before there is its revision", "v2 x3", RUNNING, "v1#1=1 aA", "a", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row row = {.spec = rows[i].spec,
                                    .release = rows[i].release,
                                    .revisions = rows[i].revisions,
                                    .bases = rows[i].bases};
        struct world world;
        begin(&world, &row, true);
        AUTO_FREE char *fetch = all_of(&world);
        if (!str_eq(fetch, rows[i].fetch))
            fail_msg("%s: %s", rows[i].name, fetch);
        AUTO_FREE char *again = all_of(&world);
        if (!str_empty(again))
            fail_msg("%s: asked twice", rows[i].name);
        end(&world);
    }
}

/* An install would fetch it again. */
static void not_without_a_digest(void **state)
{
    (void)state;
    struct world world;
    begin(&world, &running, false);
    AUTO_FREE char *fetch = all_of(&world);
    assert_string_equal(fetch, "");
    end(&world);
}

static void not_for_another_module(void **state)
{
    (void)state;
    struct world world;
    begin(&world, &running, true);
    mem_replace(&kit_module(kit_instance(&world.kit, "v1@b"))->spec.module.name, "other");
    AUTO_FREE char *fetch = all_of(&world);
    assert_string_equal(fetch, "ac");
    end(&world);
}

static void another_release_begins_anew(void **state)
{
    (void)state;
    struct world world;
    begin(&world, &running, true);
    world.prefetch = (struct prefetch){
        .revision = mem_strdup("web-of-before"), .at = 3, .failures = 3, .useless = true};
    AUTO_FREE char *fetch = all_of(&world);
    assert_string_equal(fetch, "abc");
    end(&world);
}

static void it_ends_where_it_fails(void **state)
{
    (void)state;
    struct world world;
    begin(&world, &running, true);
    struct deployment_view view = kit_view(&world.kit);
    struct prefetch *prefetch = &world.prefetch;
    for (; prefetch->failures < PREFETCH_FAILURES_MAX; prefetch->failures++)
        assert_non_null(prefetch_update(&view, prefetch));
    assert_null(prefetch_update(&view, prefetch));
    prefetch->failures = 0;
    prefetch->useless = true;
    assert_null(prefetch_update(&view, prefetch));
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_fetches_before_its_turn),
        cmocka_unit_test(not_without_a_digest),
        cmocka_unit_test(not_for_another_module),
        cmocka_unit_test(another_release_begins_anew),
        cmocka_unit_test(it_ends_where_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
