/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/report_interval.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void any_answer_gives_an_interval(void **state)
{
    static const struct {
        int64_t seconds;
        int32_t nanos;
        int64_t ms;
    } cases[] = {
        {10, 0, 10000},
        {1, 500000000, 1500},
        {0, 1000000, 1},
        {0, 0, REPORT_EVERY_DEFAULT_MS},
        {0, 999999, REPORT_EVERY_DEFAULT_MS},
        {0, -1000000, REPORT_EVERY_DEFAULT_MS},
        {-1, 0, REPORT_EVERY_DEFAULT_MS},
        {INT64_MIN, INT32_MIN, REPORT_EVERY_DEFAULT_MS},
        {3599, INT32_MAX, 3601147},
        {3600, 0, REPORT_EVERY_MAX_MS},
        {18446744073709552, 0, REPORT_EVERY_MAX_MS}, /* 384 ms where it overflows */
        {INT64_MAX, INT32_MAX, REPORT_EVERY_MAX_MS},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(report_interval_ms(cases[i].seconds, cases[i].nanos), cases[i].ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_answer_gives_an_interval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
