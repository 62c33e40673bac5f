/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/plan_view.h"

#include <string.h>

#include "lib/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX LIMIT_KIB(64)

static void expect(const char *response, bool wide, const char *wanted)
{
    AUTO_JSON cJSON *json = json_parse(response, strlen(response), MAX, NULL);
    assert_non_null(json);
    AUTO_STR struct str out = STR_INIT(MAX);
    plan_view("pay", json, wide, &out);
    assert_string_equal(str_text(&out), wanted);
}

static void a_table_for_each_batch(void **state)
{
    (void)state;
    expect(
        "{\"outcome\":\"PLAN_OUTCOME_COMPLETED\",\"batchCount\":2,\"durationMs\":75500,"
        "\"installMs\":5000,\"mostUnavailable\":2,\"batches\":[{\"number\":1,\"size\":1,"
        "\"gate\":\"confirmation\"},{\"number\":2,\"size\":2,\"gate\":\"\",\"mostUnavailable\":2}]"
        ",\"changes\":[{\"batch\":1,\"action\":\"install\",\"baseName\":\"a\",\"way\":"
        "\"SideBySide\"},{\"batch\":1,\"action\":\"switch\",\"baseName\":\"a\",\"way\":"
        "\"SideBySide\",\"beginsMs\":5000},{\"batch\":2,\"action\":\"replace\",\"baseName\":"
        "\"b\",\"way\":\"InPlace\",\"reason\":\"WebPathInUse,NoCapacity\",\"beginsMs\":5100}],"
        "\"coTenants\":[{\"moduleName\":\"cart\",\"instances\":3,\"mostTouched\":2}],"
        "\"writes\":[{\"kind\":\"Module\",\"creates\":3,\"deletes\":12}]}",
        false,
        "moduledeployment/pay: 3 instances to change in 2 batches\n"
        "\n"
        "Batch 1 of 2: 1 instance to change, then it waits for a confirmation\n"
        "AFTER   ACTION    BASE   WAY          REASON\n"
        "0s      install   a      SideBySide   -\n"
        "5s      switch    a      SideBySide   -\n"
        "\n"
        "Batch 2 of 2: 2 instances to change; 2 instances less at once\n"
        "AFTER   ACTION    BASE   WAY       REASON\n"
        "5.1s    replace   b      InPlace   WebPathInUse,NoCapacity\n"
        "\n"
        "Outcome:      Completed after 1m15s, where an install takes 5s\n"
        "Unavailable:  2 instances at once\n"
        "Co-tenant:    cart: 3 instances, at most 2 beside an operation at once\n"
        "WRITES OF   CREATE   STATUS   LABELS   OTHER   DELETE\n"
        "Module      3        0        0        0       12\n");
}

static void what_holds_it_up(void **state)
{
    (void)state;
    expect("{\"outcome\":\"PLAN_OUTCOME_STUCK\",\"batchCount\":1,\"installMs\":5000,\"batches\":[{"
           "\"number\":1,\"size\":1,\"gate\":\"grayTime\"}],\"holds\":[{\"batch\":1,\"reason\":"
           "\"NoCapacity\",\"message\":\"0 of 1 placed\"},{\"reason\":\"PausedByUser\"}]}",
           false,
           "moduledeployment/pay: 1 instance to change in 1 batch\n"
           "\n"
           "Batch 1 of 1: 1 instance to change, then gray time\n"
           "\n"
           "Outcome:      stuck after 0s, where an install takes 5s\n"
           "Unavailable:  0 instances at once\n"
           "Held up:      NoCapacity: 0 of 1 placed\n"
           "Held up:      PausedByUser\n");
}

static void names_of_instances_where_it_is_wide(void **state)
{
    (void)state;
    expect("{\"outcome\":\"PLAN_OUTCOME_COMPLETED\",\"durationMs\":7500000,\"installMs\":500,"
           "\"batches\":[{\"number\":0}],\"changes\":[{\"action\":\"install\",\"baseName\":\"a\","
           "\"instanceName\":\"pay-1-a\"}]}",
           true,
           "moduledeployment/pay: 0 instances to change in 1 batch\n"
           "\n"
           "In no batch: what is there is brought in order\n"
           "AFTER   ACTION    BASE   WAY   REASON   MODULE\n"
           "0s      install   a      -     -        pay-1-a\n"
           "\n"
           "Outcome:      Completed after 2h5m, where an install takes 0.5s\n"
           "Unavailable:  0 instances at once\n");
}

static void nothing(void **state)
{
    (void)state;
    expect("{\"outcome\":\"PLAN_OUTCOME_COMPLETED\",\"installMs\":14}", false,
           "moduledeployment/pay: nothing changes\n"
           "\n"
           "Outcome:      Completed after 0s, where an install takes 14ms\n"
           "Unavailable:  0 instances at once\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_for_each_batch),
        cmocka_unit_test(what_holds_it_up),
        cmocka_unit_test(names_of_instances_where_it_is_wide),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
