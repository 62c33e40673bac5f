/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/metaspace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "lib/base/str.h"

#define MOST (INT64_MAX / 1000) /* that the parser gives */

static void a_base_above_its_share_takes_nothing(void **state)
{
    (void)state;
    static const struct {
        int64_t used, max, percent;
        bool refused;
    } rows[] = {
        /* the share itself still goes */
        {89, 100, 90, false},
        {90, 100, 90, false},
        {91, 100, 90, true},
        {900, 1001, 90, false},
        {901, 1001, 90, true},
        {100, 100, 100, false},
        {101, 100, 100, true},
        {0, 100, 1, false},
        {2, 100, 1, true},
        /* off */
        {101, 100, 0, false},
        /* no limit, or not known */
        {100, JVM_UNKNOWN, 90, false},
        {100, 0, 90, false},
        {JVM_UNKNOWN, 100, 90, false},
        {JVM_UNKNOWN, JVM_UNKNOWN, 90, false},
        /* as large as they get */
        {MOST, MOST, 99, true},
        {MOST, MOST, 100, false},
        {1, MOST, 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jvm_figures figures = {.metaspace_used_bytes = rows[i].used,
                                      .metaspace_max_bytes = rows[i].max};
        AUTO_FREE char *refusal = metaspace_refusal(&figures, rows[i].percent);
        if (rows[i].refused != (refusal != NULL))
            fail_msg("row %zu: %s", i, refusal ? refusal : "taken");
    }
}

static void the_refusal_has_the_figures(void **state)
{
    (void)state;
    struct jvm_figures figures = {.metaspace_used_bytes = 248512512,
                                  .metaspace_max_bytes = 268435456};
    AUTO_FREE char *refusal = metaspace_refusal(&figures, 90);
    assert_string_equal(refusal, "237.0 of 256.0 MiB of metaspace are in use, 93 %, and above 90 % "
                                 "nothing is installed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_above_its_share_takes_nothing),
        cmocka_unit_test(the_refusal_has_the_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
