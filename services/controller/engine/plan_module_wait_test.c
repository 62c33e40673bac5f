/* SPDX-License-Identifier: Apache-2.0 */
/* An instance that waits: for others on its base, for a report, for the end of its traffic. */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

struct row {
    const char *name;
    const char *revisions; /* the instance stands last */
    const char *bases;     /* NULL: "a" */
    int64_t ended_ago_ms;  /* its last operation, where that matters; 0: long ago */
    int32_t failures;      /* it was, so often */
    bool unwanted;         /* another revision is released */
    bool failed_switch;    /* its last operation, long ago */
    bool other_installs;   /* the one that stands first is being installed */
    int32_t min_ready;     /* seconds */
    enum reported reported;
    const char *plan;
};

static char *plan_of(const struct row *row)
{
    struct kit kit;
    const struct kit_row world = {
        .spec = "v1 x1", .revisions = row->revisions, .bases = row->bases ? row->bases : "a"};
    kit_init(&kit, &world);
    const struct revision *last = kit.revisions[kit.revision_count - 1];
    struct instance *instance = last->instances.items[last->instances.len - 1];
    if (row->failed_switch) {
        instance->operation = (struct operation){
            .type = OPERATION_SWITCH, .state = OPERATION_FAILED, .unanswered = 1};
        mem_replace(&instance->operation.code, "Arklet.NetworkError");
    }
    if (row->other_installs)
        kit.revisions[0]->instances.items[0]->operation =
            (struct operation){.type = OPERATION_INSTALL, .state = OPERATION_RUNNING};
    instance->operation.failures += row->failures;
    if (row->ended_ago_ms)
        instance->operation.ended_ms = KIT_NOW_MS - row->ended_ago_ms;
    instance->reported = row->reported;
    const struct module_view view = {.instance = instance,
                                     .wanted = !instance->replaced_by && !row->unwanted,
                                     .min_ready_seconds = row->min_ready,
                                     .now_ms = KIT_NOW_MS,
                                     .wall_ms = KIT_NOW_MS};
    struct plan plan = {0};
    plan_module(&view, &plan);
    char *text = kit_plan_text(&plan, false);
    plan_done(&plan);
    kit_done(&kit);
    return text;
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *got = plan_of(&rows[i]);
        if (!str_eq(got, rows[i].plan))
            fail_msg("%s\n  want: %s\n  got:  %s", rows[i].name, rows[i].plan, got);
    }
}

static void what_others_do_comes_first(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "another one of the same version leaves: its uninstall may be on its way",
         .revisions = "v1#1=0 aA; v2#2=0 aT-; v2b#3=1 aP>pa",
         .plan = ""},
        {.name = "... and what is reported may be that one's",
         .revisions = "v1#1=0 aA; v2#2=0 aT-; v2b#3=1 aP>pa",
         .reported = REPORTED_ACTIVE,
         .plan = ""},
        {.name = "it has left",
         .revisions = "v1#1=0 aA; v2b#3=1 aP>pa",
         .plan = "install v2b@a InPlace"},
        {.name = "one of another version leaves",
         .revisions = "v1#1=0 aA; v3#2=0 aT-; v2b#3=1 aP>pa",
         .plan = "install v2b@a InPlace"},
        {.name = "an install of what was given up is on its way, and would take this one off",
         .revisions = "v3#2=0 aT-; v1#1=0 aA; v2#3=1 aP>pa",
         .other_installs = true,
         .plan = "requeue at 1001000"},
        {.name = "it goes, and another one of its version serves: that is left alone",
         .revisions = "v1#1=0 aA; v2b#2=1 aA>pa; v2#3=0 aT-",
         .plan = "release module v2@a"},
        {.name = "... or is being installed: it is left to that, once it is there",
         .revisions = "v2b#2=1 aP; v2#3=0 aT-",
         .other_installs = true,
         .plan = "requeue at 1001000"},
        {.name = "it goes, and another one of its version has not begun: it goes first",
         .revisions = "v1#1=0 aA; v2b#2=1 aP>pa; v2#3=0 aT-",
         .plan = "uninstall v2@a"},
        {.name = "it goes, and what it was to overwrite has its jar, or not",
         .revisions = "v2#1=1 aA; v2b#2=0 aT->pa",
         .plan = "uninstall v2b@a"},
        {.name = "the one that it overwrites waits for it, not it for that one",
         .revisions = "v2#1=0 aT-; v2b#3=1 aP>pa",
         .plan = "install v2b@a InPlace"},
        {.name =
             "a switch that failed long ago, and a successor: nothing is planned again and again",
         .revisions = "v2#2=1 aP>pa; v1#1=0 aC",
         .failed_switch = true,
         .plan = "module v1@a is Completing Arklet.NetworkError"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void another_way_comes_first(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "5.5 refused for its web path: that is learnt",
         .revisions = "v1#1=0 aA; v2#2=1 aU>sa?",
         .plan = "learn web path in use v2; module v2@a is Pending WebPathInUse"},
        {.name = "5.5 learnt once",
         .revisions = "v1#1=0 aA; v2#2=1 web aU>sa?",
         .plan = "module v2@a is Pending WebPathInUse"},
        {.name = "5.6 refused for its metaspace: of the others of its revision that says nothing",
         .revisions = "v1#1=0 aA; v2#2=1 aU>sa%",
         .bases = "a%",
         .plan = "module v2@a is Pending MetaspaceFull"},
        {.name = "... nor does the base say so, which may not have reported yet",
         .revisions = "v1#1=0 aA; v2#2=1 aU>sa%",
         .ended_ago_ms = 1,
         .plan = "module v2@a is Pending MetaspaceFull; requeue at 1029999"},
        {.name = "... the base has room again: where there was no other way, this one",
         .revisions = "v1#1=0 aA; v2#2=1 aU>sa%",
         .plan = "module v2@a is Pending MetaspaceFull; install v2@a SideBySide"},
        {.name = "... which it keeps on refusing: later each time",
         .revisions = "v1#1=0 aA; v2#2=1 aU>sa%",
         .ended_ago_ms = 30000,
         .failures = 7,
         .plan = "module v2@a is Pending MetaspaceFull; requeue at 1034000"},
        {.name = "... but it is about to be given up",
         .revisions = "v1#1=0 aA; v2#2=1 aU>sa%",
         .unwanted = true,
         .plan = "module v2@a is Pending MetaspaceFull"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void a_report_comes_first(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "9.3 it was sick when the controller was started: nobody has said since how it is",
         .revisions = "v1#1=1 aN",
         .plan = ""},
        {.name = "it is well",
         .revisions = "v1#1=1 aN",
         .reported = REPORTED_ACTIVE,
         .plan = "module v1@a is Available"},
        {.name = "it is gone",
         .revisions = "v1#1=1 aN",
         .reported = REPORTED_ABSENT,
         .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void the_old_one_goes_when_the_new_one_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "5.9 not well for minReadySeconds yet",
         .revisions = "v1#1=0 aA; v2#2=1 aA=990>sa",
         .min_ready = 60,
         .plan = "requeue at 1050000"},
        {.name = "5.9 now it is",
         .revisions = "v1#1=0 aA; v2#2=1 aA=940>sa",
         .min_ready = 60,
         .plan = "delete module v1@a"},
        {.name = "5.9 the clock was set back: it was",
         .revisions = "v1#1=0 aA; v2#2=1 aA=1100>sa",
         .min_ready = 60,
         .plan = "delete module v1@a"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void the_end_of_its_traffic_comes_first(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "lost before the one that it replaces in place was off: that is told",
         .revisions = "v1#1=0 aA; v2#2=1 aA>pa",
         .reported = REPORTED_ABSENT,
         .plan = "module v2@a is Unavailable ModuleLost"},
        {.name = "then it is installed",
         .revisions = "v1#1=0 aA; v2#2=1 aN>pa",
         .reported = REPORTED_ABSENT,
         .plan = "module v2@a is Unavailable ModuleLost; install v2@a InPlace"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* v2 was to take the place of v1, which leaves still, and is lost; v3 comes after v2. An install of v2, in place, would take
 * off what it finds. */
static void a_lost_one_does_not_overrun_its_successor(void **state)
{
    (void)state;
    static const char again[] = "module v2@a is Unavailable ModuleLost; install v2@a InPlace";
    static const char waits[] = "module v2@a is Unavailable ModuleLost";
    static const struct {
        const char *revisions;
        enum operation_state install; /* of v3 */
        enum reported reported;       /* v3 */
        bool unanswered;              /* the install of v2: it is asked for again */
        const char *plan;
    } cases[] = {
        {"v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aP>sa", OPERATION_NONE, REPORTED_ABSENT, false, again},
        {"v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aP>sa", OPERATION_FAILED, REPORTED_ABSENT, false, again},
        {"v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aC>sa", OPERATION_SUCCEEDED, 0, false, waits},
        {"v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aC>sa", OPERATION_NONE, REPORTED_INACTIVE, false, waits},
        {"v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 aA>sa", OPERATION_NONE, REPORTED_NOTHING, false, waits},
        {"v2#2=0 aN>pa; v1#1=0 aT-; v3#3=1 bA>oa", OPERATION_NONE, REPORTED_NOTHING, false, again},
        {"v2#2=0 aU>pa; v1#1=0 aT-; v3#3=1 aP>sa", 0, 0, true, "install v2@a InPlace"},
        {"v2#2=0 aU>pa; v1#1=0 aT-; v3#3=1 aA>sa", OPERATION_SUCCEEDED, 0, true, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit kit;
        const struct kit_row world = {
            .spec = "v3 x1", .revisions = cases[i].revisions, .bases = "a b"};
        kit_init(&kit, &world);
        struct instance *lost = kit_instance(&kit, "v2@a");
        ASSERT(lost && lost->replaced_by);
        struct instance *next = lost->replaced_by;
        next->operation = (struct operation){.type = OPERATION_INSTALL, .state = cases[i].install};
        next->reported = cases[i].reported;
        lost->reported = cases[i].unanswered ? REPORTED_NOTHING : REPORTED_ABSENT;
        if (cases[i].unanswered)
            lost->operation = (struct operation){
                .type = OPERATION_INSTALL, .state = OPERATION_FAILED, .unanswered = 1};
        const struct module_view view = {
            .instance = lost, .now_ms = KIT_NOW_MS, .wall_ms = KIT_NOW_MS};
        struct plan plan = {0};
        plan_module(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, false);
        if (!str_eq(got, cases[i].plan))
            fail_msg("%s\n  want: %s\n  got:  %s", cases[i].revisions, cases[i].plan, got);
        plan_done(&plan);
        kit_done(&kit);
    }
}

/* v2b was to overwrite v2, which goes. With their ModuleDeployment v2b is not installed any more. */
static void nobody_waits_for_an_install_that_does_not_come(void **state)
{
    (void)state;
    static const char waits[] = "module v2@a is Terminating BeingReplaced";
    static const struct {
        const char *revisions;
        enum operation_state install; /* of v2b */
        bool going;
        const char *plan;
    } cases[] = {
        {"v2#2=0 aT-; v2b#3=1 aP>pa", OPERATION_NONE, false, waits},
        {"v2#2=0 aT-; v2b#3=1 aP>pa", OPERATION_NONE, true, "uninstall v2@a"},
        {"v2#2=0 aT-; v2b#3=1 aP>pa", OPERATION_RUNNING, true, waits},
        {"v2#2=0 aT-; v2b#3=1 aF>pa", OPERATION_FAILED, true, waits},
        {"v2#2=0 aT-; v2b#3=1 aA>pa", OPERATION_NONE, true, "release module v2@a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit kit;
        const struct kit_row world = {
            .spec = "v2b x1", .revisions = cases[i].revisions, .bases = "a"};
        kit_init(&kit, &world);
        struct instance *old = kit_instance(&kit, "v2@a");
        ASSERT(old && old->replaced_by);
        old->replaced_by->operation =
            (struct operation){.type = OPERATION_INSTALL, .state = cases[i].install};
        const struct module_view view = {
            .instance = old, .going = cases[i].going, .now_ms = KIT_NOW_MS, .wall_ms = KIT_NOW_MS};
        struct plan plan = {0};
        plan_module(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, false);
        if (!str_eq(got, cases[i].plan))
            fail_msg("%s\n  want: %s\n  got:  %s", cases[i].revisions, cases[i].plan, got);
        plan_done(&plan);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_do_comes_first),
        cmocka_unit_test(nobody_waits_for_an_install_that_does_not_come),
        cmocka_unit_test(a_lost_one_does_not_overrun_its_successor),
        cmocka_unit_test(another_way_comes_first),
        cmocka_unit_test(a_report_comes_first),
        cmocka_unit_test(the_old_one_goes_when_the_new_one_counts),
        cmocka_unit_test(the_end_of_its_traffic_comes_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
