/* SPDX-License-Identifier: Apache-2.0 */
/* Defect 44: what is told of an instance, and that the same is not told again with every look at it. */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

/* Of v1@a; "F*2": its status tells of two failed attempts. */
static void each_failure_is_told_once(void **state)
{
    (void)state;
    static const struct {
        struct kit_row row;
        int32_t failures;
    } rows[] = {
        {{.name = "the first", .revisions = "v1#1=1 aP", .plan = "event InstallFailed of v1@a"}, 1},
        {{.name = "told already", .revisions = "v1#1=1 aF*1"}, 1},
        {{.name = "one more", .revisions = "v1#1=1 aF*1", .plan = "event InstallFailed of v1@a"},
         2},
        {{.name = "that was told too", .revisions = "v1#1=1 aF*2"}, 2},
    };
    struct str wrong = STR_INIT(1u << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit_row row = rows[i].row;
        row.spec = "v1 x1";
        row.bases = "a";
        struct kit kit;
        kit_init(&kit, &row);
        ASSERT(kit.revision_count == 1);
        struct instance *instance = kit.revisions[0]->instances.items[0];
        instance->operation.type = OPERATION_INSTALL;
        instance->operation.state = OPERATION_FAILED;
        instance->operation.failures = rows[i].failures;
        instance->operation.ended_ms = KIT_NOW_MS;
        struct module_view view = {.instance = instance, .wanted = true, .now_ms = KIT_NOW_MS};
        struct plan plan = {0};
        plan_module(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, /* events= */ true);
        kit_expect(&row, got, &wrong);
        plan_done(&plan);
        kit_done(&kit);
    }
    assert_string_equal(str_text(&wrong), "");
    str_done(&wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
