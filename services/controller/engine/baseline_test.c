/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/plan_module.h"

/* Whether it is installed when its JVM has started anew, and the base is ready without it. */
static bool is_installed_again(struct instance *instance)
{
    instance->reported = REPORTED_ABSENT;
    instance->reported_ms = KIT_NOW_MS;
    instance->operation.state =
        instance->operation.state == OPERATION_FAILED ? OPERATION_FAILED : OPERATION_NONE;
    const struct module_view view = {
        .instance = instance, .wanted = true, .now_ms = KIT_NOW_MS, .wall_ms = KIT_NOW_MS};
    struct plan plan = {0};
    bool installs = false;
    plan_module(&view, &plan);
    for (size_t i = 0; i < plan.actions.len; i++)
        installs |= plan.actions.items[i].type == ACTION_INSTALL;
    plan_done(&plan);
    return installs;
}

static void what_was_there_and_would_be_installed_again(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions;
        const char *instance;
        bool included, later; /* later: the controller installs it in its own time */
    } rows[] = {
        {"available", "v1#1=1 aA", "v1@a", true, false},
        {"unavailable", "v1#1=1 aN", "v1@a", true, false},
        {"sick", "v1#1=1 aN!", "v1@a", true, false},
        {"never installed", "v1#1=1 aP", "v1@a", false, true},
        {"being installed", "v1#1=1 aR", "v1@a", false, true},
        {"awaits its health, after a restart of the controller", "v1#1=1 aC", "v1@a", false, true},
        {"failed", "v1#1=1 aF*3", "v1@a", false, true},
        {"leaves", "v1#1=0 aT-", "v1@a", false, false},
        {"leaves, and was Available", "v1#1=0 aA-", "v1@a", false, false},
        {"has a successor beside it", "v1#1=1 aA; v2#2=1 aP>sa", "v1@a", true, false},
        {"... which is not there yet", "v1#1=1 aA; v2#2=1 aP>sa", "v2@a", false, true},
        {"... which serves", "v1#1=1 aA; v2#2=1 aA>sa", "v2@a", true, false},
        {"its successor takes its place", "v1#1=1 aA; v2#2=1 aP>pa", "v1@a", false, false},
        {"its successor has taken it", "v1#1=1 aN; v2#2=1 aN>pa", "v2@a", true, false},
        {"another jar of the same version takes its place", "v1#1=1 aA; v1b#2=1 aP>pa", "v1@a",
         false, false},
        {"its successor is on another base", "v1#1=1 aA; v2#2=1 bP>oa", "v1@a", true, false},
        {"... and serves", "v1#1=1 aA; v2#2=1 bA>oa", "v1@a", true, false},
        {"in place it would take its successor off", "v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aA>sa",
         "v2@a", false, false},
        {"... which is not there yet", "v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aP>sa", "v2@a", true,
         false},
        {"beside its predecessor it takes nobody off", "v2#2=0 aN>sa; v1#1=0 aT-; v3#3=1 aA>sa",
         "v2@a", true, false},
        {"... or on another base", "v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 bA>oa", "v2@a", true, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row row = {
            .name = rows[i].name, .spec = "v1 x1", .revisions = rows[i].revisions, .bases = "a b"};
        struct kit kit;
        kit_init(&kit, &row);
        struct instance *instance = kit_instance(&kit, rows[i].instance);
        bool included = baseline_includes(instance, false);
        bool going = baseline_includes(instance, true), again = is_installed_again(instance);
        if (included != rows[i].included || going || again != (included || rows[i].later))
            fail_msg("%s: %d, %d, installed %d", rows[i].name, included, going, again);
        kit_done(&kit);
    }
}

/* Known of this life of the controller: it was installed, and nobody has said how well it is. */
static void what_was_installed_just_now(void **state)
{
    (void)state;
    const struct kit_row row = {
        .name = "", .spec = "v1 x1", .revisions = "v1#1=1 aC", .bases = "a"};
    struct kit kit;
    kit_init(&kit, &row);
    struct instance *instance = kit_instance(&kit, "v1@a");
    instance->operation.type = OPERATION_INSTALL;
    instance->operation.state = OPERATION_RUNNING;
    assert_false(baseline_includes(instance, false));
    instance->operation.state = OPERATION_SUCCEEDED;
    assert_true(baseline_includes(instance, false));
    kit_done(&kit);
}

/* What was put back serves until the next attempt, and so it comes back when the JVM dies in between. */
static void what_could_not_be_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions;
        enum operation_state successor; /* its install */
        bool restored;
        int32_t unanswered;
        bool included;
        enum operation_type type;
    } rows[] = {
        {"put back", "v1#1=1 aA; v2#2=1 aF>pa", OPERATION_FAILED, true, 0, true, OPERATION_INSTALL},
        {"not put back", "v1#1=1 aA; v2#2=1 aF>pa", OPERATION_FAILED, false, 0, true,
         OPERATION_INSTALL},
        {"the next attempt runs", "v1#1=1 aA; v2#2=1 aF>pa", OPERATION_RUNNING, false, 0, false,
         OPERATION_INSTALL},
        {"nobody knows whether it failed", "v1#1=1 aA; v2#2=1 aF>pa", OPERATION_FAILED, false, 1,
         false, OPERATION_INSTALL},
        {"it did not fail", "v1#1=1 aA; v2#2=1 aC>pa", OPERATION_SUCCEEDED, false, 0, false,
         OPERATION_INSTALL},
        {"one version: put back", "v1#1=1 aA; v1b#2=1 aF>pa", OPERATION_FAILED, true, 0, true,
         OPERATION_INSTALL},
        {"one version: not put back", "v1#1=1 aA; v1b#2=1 aF>pa", OPERATION_FAILED, false, 0, false,
         OPERATION_INSTALL},
        {"it is there, and only its switch has failed", "v1#1=1 aA; v2#2=1 aC>pa", OPERATION_FAILED,
         false, 0, false, OPERATION_SWITCH},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row row = {
            .name = rows[i].name, .spec = "v2 x1", .revisions = rows[i].revisions, .bases = "a"};
        struct kit kit;
        kit_init(&kit, &row);
        struct instance *old = kit_instance(&kit, "v1@a");
        struct operation *operation = &old->replaced_by->operation;
        operation->state = rows[i].successor;
        operation->restored = rows[i].restored;
        operation->unanswered = rows[i].unanswered;
        operation->type = rows[i].type;
        bool included = baseline_includes(old, false);
        if (included != rows[i].included || is_installed_again(old) != included)
            fail_msg("%s: %d", rows[i].name, included);
        assert_int_equal(baseline_includes(old->replaced_by, false),
                         rows[i].type == OPERATION_SWITCH ||
                             rows[i].successor == OPERATION_SUCCEEDED);
        kit_done(&kit);
    }
}

static void the_uninstall_of_the_same_version_comes_first(void **state)
{
    (void)state;
    const struct kit_row row = {
        .name = "", .spec = "v1 x1", .revisions = "v1#1=0 aT-; v1b#2=1 aA", .bases = "a"};
    struct kit kit;
    kit_init(&kit, &row);
    struct instance *leaves = kit_instance(&kit, "v1@a"), *stays = kit_instance(&kit, "v1b@a");
    assert_true(baseline_includes(stays, false));
    leaves->operation.type = OPERATION_UNINSTALL;
    leaves->operation.state = OPERATION_RUNNING;
    assert_false(baseline_includes(stays, false));
    kit_done(&kit);
}

static void what_belongs_nowhere(void **state)
{
    (void)state;
    const struct kit_row row = {
        .name = "", .spec = "v1 x1", .revisions = "v1#1=1 aA", .bases = "a"};
    struct kit kit;
    kit_init(&kit, &row);
    struct instance *instance = kit_instance(&kit, "v1@a");
    struct revision *revision = instance->revision;
    struct base_state *base = instance->base;
    struct module left_module = {.spec = instance->module->spec};
    struct original left = {.module = &left_module}, *lefts[] = {&left};
    const struct original_list originals = {lefts, 1, 1};
    base->originals = &originals; /* it stays as it is until it is taken over */
    assert_false(baseline_includes(instance, false));
    base->originals = NULL;
    assert_true(baseline_includes(instance, false));
    instance->base = NULL;
    assert_false(baseline_includes(instance, false));
    instance->base = base;
    instance->revision = NULL;
    assert_false(baseline_includes(instance, false));
    instance->revision = revision;
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_there_and_would_be_installed_again),
        cmocka_unit_test(what_was_installed_just_now),
        cmocka_unit_test(what_could_not_be_replaced),
        cmocka_unit_test(the_uninstall_of_the_same_version_comes_first),
        cmocka_unit_test(what_belongs_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
