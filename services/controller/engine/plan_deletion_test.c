/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the last of a deletion goes: the finalizer, by which the ModuleDeployment ends. Its batches:
 * plan_deployment_changes_test.c.
 */
#include "services/controller/engine/plan_deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

/* 1.2, design invariant I6: nothing may be left of it. */
static void the_finalizer_goes_last(void **state)
{
    (void)state;
    static const struct {
        struct kit_row row;
        size_t services;
    } rows[] = {
        {{.name = "nothing is left", .revisions = "v1#1=0", .plan = "remove finalizer"}, 0},
        {{.name = "the last is being uninstalled", .revisions = "v1#1=0 aT-"}, 0},
        {{.name = "also where its base is gone", .revisions = "v1#1=0 xT-"}, 0},
        {{.name = "the Service is there still", .revisions = "v1#1=0"}, 1},
        {{.name = "both", .revisions = "v1#1=0 aT-"}, 1},
    };
    struct str wrong = STR_INIT(1u << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit_row row = rows[i].row;
        row.spec = "v1 x1 deleting";
        row.release = "Terminating 1/1 v1 was=0 changes=1 x1";
        row.bases = "a";
        struct kit kit;
        kit_init(&kit, &row);
        kit_settle(&kit);
        struct deployment_view view = kit_view(&kit);
        view.service_count = rows[i].services;
        struct plan plan = {0};
        plan_deployment(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, /* events= */ false);
        kit_expect(&row, got, &wrong);
        plan_done(&plan);
        kit_done(&kit);
    }
    assert_string_equal(str_text(&wrong), "");
    str_done(&wrong);
}

/* Whatever its status says: batches beyond the last are none. */
static void the_last_batch_is_the_last(void **state)
{
    (void)state;
    const struct kit_row row = {.spec = "v1 x1 deleting",
                                .release = "Terminating 1/1 v1 was=0 changes=5 x5 batches=2",
                                .revisions = "v1#1=2 aA bA",
                                .bases = "a b"};
    struct kit kit;
    kit_init(&kit, &row);
    struct deployment_view view = kit_view(&kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    AUTO_FREE char *got = kit_plan_text(&plan, /* events= */ false);
    assert_string_equal(got, "status Terminating 1/1 Deleting (2 of 2 available)");
    plan_done(&plan);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_finalizer_goes_last),
        cmocka_unit_test(the_last_batch_is_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
