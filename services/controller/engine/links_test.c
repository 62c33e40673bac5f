/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model/labels.h"

#define COUNT 3

/* A revision with instances on one base. */
struct world {
    struct base_state base;
    struct revision revision;
    struct module modules[COUNT];
    struct instance instances[COUNT];
};

static void set_up(struct world *world)
{
    *world = (struct world){0};
    for (size_t i = 0; i < COUNT; i++) {
        world->modules[i].status.phase = MODULE_AVAILABLE;
        world->instances[i].module = &world->modules[i];
        instance_join_revision(&world->instances[i], &world->revision);
        instance_join_base(&world->instances[i], &world->base, /* now_ms= */ 7);
        instance_recount(&world->instances[i], true);
    }
}

static void tear_down(struct world *world)
{
    VEC_DONE(&world->revision.instances);
    VEC_DONE(&world->base.instances);
}

static void assert_counters(const struct world *world, int existing, int available, int failed,
                            int replaced, int terminating)
{
    assert_int_equal(world->revision.existing, existing);
    assert_int_equal(world->revision.available, available);
    assert_int_equal(world->revision.failed, failed);
    assert_int_equal(world->revision.replaced, replaced);
    assert_int_equal(world->revision.terminating, terminating);
}

static void test_what_changes_is_counted_once(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    assert_counters(&world, 3, 3, 0, 0, 0);
    assert_int_equal(world.base.module_count, 3);
    assert_int_equal(world.instances[2].unlabelled_ms, 7);
    world.modules[0].status.phase = MODULE_FAILED;
    world.modules[1].meta.deletion_ms = 1;
    world.instances[2].replaced_by = &world.instances[0];
    for (size_t i = 0; i < 2 * COUNT; i++) /* and not again where nothing has changed */
        instance_recount(&world.instances[i % COUNT], true);
    assert_counters(&world, 2, 1, 1, 1, 1);
    assert_int_equal(world.base.module_count, 3);
    tear_down(&world);
}

static void test_refused_beside_the_old_one(void **state)
{
    (void)state;
    char reason[] = "WEB_PATH_IN_USE";
    struct world world;
    set_up(&world);
    world.instances[0].replaces = &world.instances[1];
    world.modules[0].spec.upgrade_way = WAY_SIDE_BY_SIDE;
    world.instances[0].operation =
        (struct operation){.type = OPERATION_INSTALL, .state = OPERATION_FAILED, .reason = reason};
    instance_recount(&world.instances[0], true);
    assert_int_equal(world.revision.waiting_way, 1);
    world.instances[0].operation.state = OPERATION_NONE;
    instance_recount(&world.instances[0], true);
    assert_int_equal(world.revision.waiting_way, 0);
    tear_down(&world);
}

static void test_the_last_takes_the_place_of_who_leaves(void **state)
{
    (void)state;
    struct world world;
    set_up(&world);
    instance_leave_revision(&world.instances[0]);
    instance_recount(&world.instances[0], false);
    assert_int_equal(world.revision.instances.len, 2);
    assert_ptr_equal(world.revision.instances.items[0], &world.instances[2]);
    assert_int_equal(world.instances[2].index, 0);
    assert_counters(&world, 2, 2, 0, 0, 0);
    assert_int_equal(world.base.module_count, 2);
    instance_leave_revision(&world.instances[1]); /* the last one */
    instance_recount(&world.instances[1], false);
    assert_counters(&world, 1, 1, 0, 0, 0);
    assert_ptr_equal(world.revision.instances.items[0], &world.instances[2]);
    tear_down(&world);
}

static void test_which_one_is_meant(void **state)
{
    (void)state;
    char uid[] = "1";
    struct module old = {.meta = {.uid = uid, .creation_ms = 5}};
    struct module module = {.meta.creation_ms = 5};
    assert_true(replaces_meant(&module, &old));
    module.meta.creation_ms = 4; /* there is another one of that name by now */
    assert_false(replaces_meant(&module, &old));
    json_map_set(&module.meta.annotations, ANNOTATION_REPLACES_UID,
                 "1"); /* the clock was set back */
    assert_true(replaces_meant(&module, &old));
    json_map_set(&module.meta.annotations, ANNOTATION_REPLACES_UID, "2");
    assert_false(replaces_meant(&module, &old));
    json_map_done(&module.meta.annotations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_changes_is_counted_once),
        cmocka_unit_test(test_refused_beside_the_old_one),
        cmocka_unit_test(test_the_last_takes_the_place_of_who_leaves),
        cmocka_unit_test(test_which_one_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
