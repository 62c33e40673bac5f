/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two instances of the same version on one base, of which one leaves and one stays: neither waits for the other for ever.
 * All that either may be in is gone through.
 */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define ROUNDS 5 /* more than an instance writes of itself before it acts, or waits */

/* What was done last with one of them, long ago. */
static const struct done {
    enum operation_type type;
    enum operation_state state;
    bool unanswered, restored;
} operations[] = {
    {OPERATION_INSTALL, OPERATION_NONE, false, false},
    {OPERATION_INSTALL, OPERATION_RUNNING, false, false},
    {OPERATION_INSTALL, OPERATION_SUCCEEDED, false, false},
    {OPERATION_INSTALL, OPERATION_FAILED, false, false},
    {OPERATION_INSTALL, OPERATION_FAILED, false, true},
    {OPERATION_INSTALL, OPERATION_FAILED, true, false},
    {OPERATION_SWITCH, OPERATION_RUNNING, false, false},
    {OPERATION_SWITCH, OPERATION_SUCCEEDED, false, false},
    {OPERATION_SWITCH, OPERATION_FAILED, false, false},
    {OPERATION_UNINSTALL, OPERATION_RUNNING, false, false},
    {OPERATION_UNINSTALL, OPERATION_FAILED, false, false},
    {OPERATION_UNINSTALL, OPERATION_FAILED, true, false},
};

static const enum reported reports[] = {REPORTED_NOTHING, REPORTED_ABSENT, REPORTED_ACTIVE,
                                        REPORTED_INACTIVE, REPORTED_BROKEN};

static const struct relation {
    const char *name, *revisions, *stays, *leaves;
} relations[] = {
    {"strangers", "v1#1=0 aT-; v1b#2=1 aP", "v1b@a", "v1@a"},
    {"one stays in place of another version", "v2#1=0 aA; v1#2=0 aT-; v1b#3=1 aP>pa", "v1b@a",
     "v1@a"},
    {"one stays beside another version", "v2#1=0 aA; v1#2=0 aT-; v1b#3=1 aP>sa", "v1b@a", "v1@a"},
    {"one stays in place of the one that leaves", "v1#1=0 aT-; v1b#2=1 aP>pa", "v1b@a", "v1@a"},
    {"one stays beside the one that leaves", "v1#1=0 aT-; v1b#2=1 aP>sa", "v1b@a", "v1@a"},
    {"one leaves that was to take the place", "v1#1=1 aP; v1b#2=0 aT->pa", "v1@a", "v1b@a"},
    {"one leaves in whose place another comes", "v1#1=0 aT-; v1b#2=1 aP; v2#3=1 aP>pa", "v1b@a",
     "v1@a"},
};

static void set_state(struct instance *instance, const struct done *done, enum reported reported)
{
    instance->operation = (struct operation){.type = done->type,
                                             .state = done->state,
                                             .restored = done->restored,
                                             .unanswered = done->unanswered,
                                             .failures = !done->unanswered};
    if (done->state == OPERATION_FAILED) {
        instance->operation.code = mem_strdup("Arklet.InstallBizFailed");
        instance->operation.message = mem_strdup("made to fail");
    }
    instance->reported = reported;
    instance->reported_ms = KIT_NOW_MS;
}

static struct plan plan_of(const struct instance *instance)
{
    const struct module_view view = {.instance = instance,
                                     .wanted = !instance_deleting(instance),
                                     .now_ms = KIT_NOW_MS,
                                     .wall_ms = KIT_NOW_MS};
    struct plan plan = {0};
    plan_module(&view, &plan);
    return plan;
}

/* Plans @instance, and writes what it tells of itself. Return: whether it does something. */
static bool acts(struct instance *instance)
{
    struct plan plan = plan_of(instance);
    for (size_t i = 0; i < plan.actions.len; i++) {
        struct module_instance_status *written = plan.actions.items[i].module_status;
        if (!written)
            continue;
        struct module_instance_status before = kit_module(instance)->status;
        kit_module(instance)->status = *written;
        *written = before;
    }
    bool any = plan_changes(&plan);
    plan_done(&plan);
    return any;
}

/* Return: whether one of them acts, or its agent will answer, or report. */
static bool goes_on(struct kit *kit, struct instance *stays, struct instance *leaves)
{
    bool any = stays->operation.state == OPERATION_RUNNING ||
               leaves->operation.state == OPERATION_RUNNING ||
               (stays->operation.state == OPERATION_SUCCEEDED && !stays->reported);
    for (int i = 0; i < ROUNDS && !any; i++) {
        bool stays_acts = acts(stays);
        any = acts(leaves) || stays_acts;
        kit_recount(kit); /* as the cache does with what was written */
    }
    return any;
}

static char *stuck(const struct relation *relation, enum module_phase phase, size_t stays_done,
                   size_t leaves_done, enum reported reported)
{
    struct kit kit;
    const struct kit_row world = {.spec = "v1 x1", .revisions = relation->revisions, .bases = "a"};
    kit_init(&kit, &world);
    struct instance *stays = kit_instance(&kit, relation->stays);
    struct instance *leaves = kit_instance(&kit, relation->leaves);
    kit_set_phase(stays, phase);
    set_state(stays, &operations[stays_done], reported);
    set_state(leaves, &operations[leaves_done], reported);
    kit_recount(&kit);
    char *text = goes_on(&kit, stays, leaves)
                     ? NULL
                     : mem_printf("%s: %s, operations %zu and %zu, report %d", relation->name,
                                  module_phase_name(phase), stays_done, leaves_done, reported);
    kit_done(&kit);
    return text;
}

static void neither_waits_for_ever(void **state)
{
    (void)state;
    static const enum module_phase phases[] = {MODULE_PENDING,     MODULE_UPGRADING,
                                               MODULE_COMPLETING,  MODULE_AVAILABLE,
                                               MODULE_UNAVAILABLE, MODULE_FAILED};
    int wrong = 0;
    for (size_t r = 0; r < ARRAY_LEN(relations); r++)
        for (size_t p = 0; p < ARRAY_LEN(phases); p++)
            for (size_t s = 0; s < ARRAY_LEN(operations); s++)
                for (size_t l = 0; l < ARRAY_LEN(operations); l++)
                    for (size_t t = 0; t < ARRAY_LEN(reports); t++) {
                        AUTO_FREE char *text = stuck(&relations[r], phases[p], s, l, reports[t]);
                        if (text && wrong++ < 60)
                            print_error("%s\n", text);
                    }
    assert_int_equal(wrong, 0);
}

/* Who of the two strangers goes first, by what was done last. */
static void who_goes_first(void **state)
{
    (void)state;
    static const struct done nothing = {OPERATION_INSTALL, OPERATION_NONE, false, false};
    static const struct done running = {OPERATION_UNINSTALL, OPERATION_RUNNING, false, false};
    static const struct {
        const char *name;
        struct done stays_done;
        const struct done *leaves_done;
        enum module_phase phase;
        const char *plans; /* of the one that stays, of the one that leaves */
    } rows[] = {
        {"nothing was begun",
         {OPERATION_INSTALL, OPERATION_NONE, false, false},
         &nothing,
         MODULE_PENDING,
         "/uninstall v1@a"},
        {"its install is under way",
         {OPERATION_INSTALL, OPERATION_RUNNING, false, false},
         &nothing,
         MODULE_UPGRADING,
         "module v1b@a is Upgrading Installing/requeue at 1001000"},
        {"it was installed",
         {OPERATION_INSTALL, OPERATION_SUCCEEDED, false, false},
         &nothing,
         MODULE_COMPLETING,
         "module v1b@a is Completing AwaitingHealth/release module v1@a"},
        {"it got the traffic",
         {OPERATION_SWITCH, OPERATION_SUCCEEDED, false, false},
         &nothing,
         MODULE_COMPLETING,
         "module v1b@a is Available/release module v1@a"},
        {"its install has failed: it is tried again when the other one is gone",
         {OPERATION_INSTALL, OPERATION_FAILED, false, false},
         &nothing,
         MODULE_FAILED,
         "/uninstall v1@a"},
        {"nobody knows what became of its install: that is asked first",
         {OPERATION_INSTALL, OPERATION_FAILED, true, false},
         &nothing,
         MODULE_UPGRADING,
         "install v1b@a/requeue at 1001000"},
        {"not while the uninstall of the other one runs",
         {OPERATION_INSTALL, OPERATION_FAILED, true, false},
         &running,
         MODULE_UPGRADING,
         "/module v1@a is Terminating Uninstalling"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit kit;
        const struct kit_row world = {
            .spec = "v1 x1", .revisions = relations[0].revisions, .bases = "a"};
        kit_init(&kit, &world);
        struct instance *stays = kit_instance(&kit, "v1b@a"), *leaves = kit_instance(&kit, "v1@a");
        kit_set_phase(stays, rows[i].phase);
        set_state(stays, &rows[i].stays_done, REPORTED_NOTHING);
        set_state(leaves, rows[i].leaves_done, REPORTED_NOTHING);
        struct plan stays_plan = plan_of(stays), leaves_plan = plan_of(leaves);
        AUTO_FREE char *stays_text = kit_plan_text(&stays_plan, false);
        AUTO_FREE char *leaves_text = kit_plan_text(&leaves_plan, false);
        AUTO_FREE char *plans = mem_printf("%s/%s", stays_text, leaves_text);
        if (!str_eq(plans, rows[i].plans))
            fail_msg("%s\n  want: %s\n  got:  %s", rows[i].name, rows[i].plans, plans);
        plan_done(&stays_plan);
        plan_done(&leaves_plan);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(neither_waits_for_ever),
                                       cmocka_unit_test(who_goes_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
