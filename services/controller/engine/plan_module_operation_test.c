/* SPDX-License-Identifier: Apache-2.0 */
/* What the last operation on an instance says about it, and what is written of that. */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define LONG_AGO_MS (KIT_NOW_MS - 600000)

/* About the instance that stands first. */
struct row {
    const char *name, *revisions;
    bool unwanted;
    struct operation operation, successor; /* what is not given is as at first, and long ago */
    enum reported reported;
    const char *plan;
};

static struct module_view view_of(struct kit *kit, const struct row *row)
{
    const struct kit_row world = {.spec = "v1 x1", .revisions = row->revisions, .bases = "a b"};
    kit_init(kit, &world);
    ASSERT(kit->revisions[0]);
    struct instance *instance = kit->revisions[0]->instances.items[0];
    instance->operation = row->operation;
    if (!instance->operation.ended_ms)
        instance->operation.started_ms = instance->operation.ended_ms = LONG_AGO_MS;
    instance->reported = row->reported;
    instance->reported_ms = KIT_NOW_MS - 1000;
    if (instance->replaced_by) {
        instance->replaced_by->operation = row->successor;
        if (instance_overwrites(instance->replaced_by)) /* a report tells them apart by nothing */
            instance->replaced_by->reported = row->reported;
    }
    return (struct module_view){.instance = instance,
                                .wanted = !row->unwanted,
                                .now_ms = KIT_NOW_MS,
                                .wall_ms = KIT_NOW_MS};
}

static const struct row rows[] = {
    /* of one that goes */
    {.name = "restored is what a failed install says, not one that succeeded later",
     .revisions = "v1#1=0 aT-",
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_SUCCEEDED, .restored = true},
     .plan = "uninstall v1@a"},
    {.name = "an uninstall that was taken back before it began",
     .revisions = "v1#1=0 aT-",
     .operation = {.type = OPERATION_UNINSTALL, .state = OPERATION_NONE},
     .plan = "uninstall v1@a"},
    /* of one that is there, or not */
    {.name = "an uninstall is no install: what is reported is the one that it is to overwrite",
     .revisions = "v1b#2=1 aP>pa; v1#1=0 aT-",
     .operation = {.type = OPERATION_UNINSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ACTIVE,
     .plan = "install v1b@a InPlace"},
    {.name = "an install that has succeeded is: it is reported itself",
     .revisions = "v1b#2=1 aU>pa; v1#1=0 aT-",
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ACTIVE,
     .plan = "module v1b@a is Available"},
    {.name = "5.1 a failed install is tried again where fewer are there than are wanted",
     .revisions = "v1#1=2 aF bA",
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_FAILED, .failures = 1},
     .plan = "install v1@a"},
    {.name = "... not where it is one too many: that is to go",
     .revisions = "v1#1=1 aF bA",
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_FAILED, .failures = 1},
     .plan = "requeue at 1005000"},
    {.name =
         "... unless its revision is to go as a whole, and it is among those that stay till then",
     .revisions = "v1#1=0 aF",
     .unwanted = true,
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_FAILED, .failures = 1},
     .plan = "install v1@a"},
    {.name = "a restart of a restart: the last one has not begun, so nobody's install overruns it",
     .revisions = "v1b#2=0 aU>pa; v1#1=0 aT-; v1c#3=1 aP>pa",
     .unwanted = true,
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_FAILED, .unanswered = 1},
     .reported = REPORTED_ACTIVE,
     .plan = "install v1b@a InPlace"},
    {.name = "... and once that is there it would",
     .revisions = "v1b#2=0 aU>pa; v1#1=0 aT-; v1c#3=1 aC>pa",
     .unwanted = true,
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_FAILED, .unanswered = 1},
     .successor = {.type = OPERATION_INSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ACTIVE,
     .plan = "module v1b@a is Unavailable BeingReplaced"},
    {.name = "a switch that was taken back before it began says nothing of its health",
     .revisions = "v1#1=1 aC",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_NONE},
     .reported = REPORTED_ACTIVE,
     .plan = "module v1@a is Available"},
    {.name = "... nor that it has been there: one of the same version that leaves goes first",
     .revisions = "v1b#2=1 aP; v1#1=0 aT-",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_NONE},
     .plan = ""},
    {.name = "... which it does not, where it was switched to",
     .revisions = "v1b#2=1 aP; v1#1=0 aT-",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_FAILED, .failures = 1},
     .reported = REPORTED_ABSENT,
     .plan = "install v1b@a"},
    {.name = "what got the traffic is as well as it was",
     .revisions = "v1#1=1 aC",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_SUCCEEDED},
     .plan = "module v1@a is Available"},
    {.name = "a switch is not tried again to what is not there any more",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_FAILED, .failures = 1},
     .reported = REPORTED_ABSENT,
     .plan = "install v2@a SideBySide"},
    {.name = "... but to what is",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_FAILED, .failures = 1},
     .reported = REPORTED_INACTIVE,
     .plan = "switch v2@a"},
    {.name = "3.2 it broke after its install",
     .revisions = "v1#1=1 aA",
     .operation = {.type = OPERATION_INSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_BROKEN,
     .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
    {.name = "a switch is quick: it is waited for, and nothing is shown",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_RUNNING},
     .plan = ""},
    /* of one that is wanted again */
    {.name = "2.2 the traffic comes back from its successor, also where that failed once",
     .revisions = "v1#3=1 aA; v2#2=0 aA>sa",
     .operation = {.type = OPERATION_SWITCH, .state = OPERATION_FAILED, .failures = 1},
     .plan = "switch v1@a"},
    {.name = "2.2 ... after its pause",
     .revisions = "v1#3=1 aA; v2#2=0 aA>sa",
     .operation = {.type = OPERATION_SWITCH,
                   .state = OPERATION_FAILED,
                   .failures = 1,
                   .ended_ms = KIT_NOW_MS - 400},
     .plan = "requeue at 1000600"},
    {.name = "2.2 ... but not to what was never installed",
     .revisions = "v1#3=1 aP; v2#2=0 aA>sa",
     .plan = "install v1@a"},
    /* of one that was lost, after its successor has come */
    {.name = "in place it would take off its successor, which was installed",
     .revisions = "v2#2=0 aN>pa; v1#1=0 aA; v3#3=1 aU>sa",
     .unwanted = true,
     .successor = {.type = OPERATION_INSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ABSENT,
     .plan = "module v2@a is Unavailable ModuleLost"},
    {.name = "... not one whose install failed",
     .revisions = "v2#2=0 aN>pa; v1#1=0 aA; v3#3=1 aU>sa",
     .unwanted = true,
     .successor = {.type = OPERATION_INSTALL, .state = OPERATION_FAILED},
     .reported = REPORTED_ABSENT,
     .plan = "module v2@a is Unavailable ModuleLost; install v2@a InPlace"},
    {.name = "... nor one of which something else is over",
     .revisions = "v2#2=0 aN>pa; v1#1=0 aA; v3#3=1 aU>sa",
     .unwanted = true,
     .successor = {.type = OPERATION_UNINSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ABSENT,
     .plan = "module v2@a is Unavailable ModuleLost; install v2@a InPlace"},
    /* of one whose successor comes in its place */
    {.name = "an install in its place takes it off",
     .revisions = "v1#1=0 aA; v2#2=1 aU>pa",
     .unwanted = true,
     .successor = {.type = OPERATION_INSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ACTIVE,
     .plan = "module v1@a is Unavailable BeingReplaced"},
    {.name = "... and nothing else does",
     .revisions = "v1#1=0 aA; v2#2=1 aP>pa",
     .unwanted = true,
     .successor = {.type = OPERATION_UNINSTALL, .state = OPERATION_SUCCEEDED},
     .reported = REPORTED_ACTIVE,
     .plan = ""},
};

static void what_it_says(void **state)
{
    (void)state;
    struct str wrong = STR_INIT(1u << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit kit;
        const struct module_view view = view_of(&kit, &rows[i]);
        struct plan plan = {0};
        plan_module(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, /* events= */ false);
        const struct kit_row row = {.name = rows[i].name, .plan = rows[i].plan};
        kit_expect(&row, got, &wrong);
        plan_done(&plan);
        kit_done(&kit);
    }
    AUTO_FREE char *text = str_take(&wrong);
    assert_string_equal(text, "");
}

/* -- what is written -- */

/* The status that is planned; NULL: none is. Valid until plan_done(). */
static const struct module_instance_status *written(const struct plan *plan)
{
    for (size_t i = 0; i < plan->actions.len; i++)
        if (plan->actions.items[i].type == ACTION_WRITE_MODULE_STATUS)
            return plan->actions.items[i].module_status;
    return NULL;
}

/* What it took, and what was installed; of an operation that took no time nothing is known. A later report knows better. */
static void of_an_install_that_succeeded(void **state)
{
    (void)state;
    enum { ENDED_MS = 5000 };
    static const struct {
        int32_t duration_ms, written_ms;
        const char *digest, *written;
        int64_t reported_ms;
        const char *reported;
    } cases[] = {
        {2500, 2500, "0badcafe", "0badcafe", 0, NULL},
        {0, 700, NULL, "before", 0, NULL},
        {2500, 2500, "0badcafe", "0badcafe", ENDED_MS, "older"},
        {2500, 2500, "0badcafe", "put back", ENDED_MS + 1, "put back"},
        {2500, 2500, "0badcafe", "0badcafe", ENDED_MS + 1, NULL},
        {0, 700, NULL, "put back", 0, "put back"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit kit;
        struct row row = {.revisions = "v1#1=1 aU*3", .reported = REPORTED_ACTIVE};
        row.operation = (struct operation){.type = OPERATION_INSTALL,
                                           .state = OPERATION_SUCCEEDED,
                                           .duration_ms = cases[i].duration_ms,
                                           .ended_ms = ENDED_MS,
                                           .digest = mem_strdup(cases[i].digest)};
        const struct module_view view = view_of(&kit, &row);
        struct instance *instance = kit.revisions[0]->instances.items[0];
        instance->reported_ms = cases[i].reported_ms;
        instance->reported_digest = mem_strdup(cases[i].reported);
        struct module_instance_status *before =
            &kit_module(kit.revisions[0]->instances.items[0])->status;
        before->install_duration_ms = 700;
        before->digest = mem_strdup("before");
        struct plan plan = {0};
        plan_module(&view, &plan);
        const struct module_instance_status *status = written(&plan);
        assert_non_null(status);
        assert_int_equal(status->phase, MODULE_AVAILABLE);
        assert_int_equal(status->attempts, 0);
        assert_int_equal(status->install_duration_ms, cases[i].written_ms);
        assert_string_equal(status->digest, cases[i].written);
        plan_done(&plan);
        kit_done(&kit);
    }
}

/* As its health says it, where that says why. */
static void of_one_that_is_not_well(void **state)
{
    (void)state;
    static const char *const messages[] = {"diskSpace: DOWN", NULL};
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct kit kit;
        const struct row row = {.revisions = "v1#1=1 aA!", .reported = REPORTED_ACTIVE};
        const struct module_view view = view_of(&kit, &row);
        mem_replace(&kit.revisions[0]->instances.items[0]->unhealthy_message, messages[i]);
        struct plan plan = {0};
        plan_module(&view, &plan);
        const struct module_instance_status *status = written(&plan);
        assert_non_null(status);
        assert_int_equal(status->phase, MODULE_UNAVAILABLE);
        assert_string_equal(status->reason, "Unhealthy");
        assert_string_equal(status->message, messages[i] ? messages[i] : "");
        plan_done(&plan);
        kit_done(&kit);
    }
}

/* One more attempt that failed as the one before is written, beside whatever else was planned before it. */
static void of_one_more_attempt(void **state)
{
    (void)state;
    for (int others = 0; others < 2; others++) {
        struct kit kit;
        struct row row = {.revisions = "v1#1=1 aF*1"};
        row.operation = (struct operation){.type = OPERATION_INSTALL,
                                           .state = OPERATION_FAILED,
                                           .code = mem_strdup("Arklet.InstallBizFailed"),
                                           .message = mem_strdup("out of metaspace"),
                                           .failures = 2};
        struct module_view view = view_of(&kit, &row);
        struct instance *instance = kit.revisions[0]->instances.items[0];
        instance->operation.ended_ms = KIT_NOW_MS; /* just now */
        kit_module(instance)->status.reason = mem_strdup("Arklet.InstallBizFailed");
        kit_module(instance)->status.message = mem_strdup("out of metaspace");
        struct plan plan = {0};
        if (others)
            plan_requeue(&plan, 5);
        plan_module(&view, &plan);
        const struct module_instance_status *status = written(&plan);
        assert_non_null(status);
        assert_int_equal(status->attempts, 2);
        assert_int_equal(status->phase, MODULE_FAILED);
        plan_done(&plan);
        kit_done(&kit);
    }
}

/* Its status may have been made by hand: who looks for a phase finds one from then on. */
static void of_one_without_a_phase(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++) {
        struct kit kit;
        const struct row row = {.revisions = "v1#1=1 aP"};
        const struct module_view view = view_of(&kit, &row);
        kit.bases[0]->ready = false;
        struct module_instance_status *status =
            &kit_module(kit.revisions[0]->instances.items[0])->status;
        status->reason = mem_strdup("BaseNotReady");
        status->message = mem_strdup("base a does not answer");
        if (!named)
            mem_replace(&status->phase_name, NULL);
        struct plan plan = {0};
        plan_module(&view, &plan);
        assert_int_equal(plan.actions.len, !named);
        if (!named)
            assert_string_equal(written(&plan)->phase_name, "Pending");
        plan_done(&plan);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(of_an_install_that_succeeded),
        cmocka_unit_test(of_one_that_is_not_well),
        cmocka_unit_test(of_one_more_attempt),
        cmocka_unit_test(of_one_without_a_phase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
