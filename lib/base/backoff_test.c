/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/backoff.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"

static void doubles_up_to_the_maximum(void **state)
{
    (void)state;
    static const struct {
        int attempt;
        int64_t first_ms, max_ms, ms;
    } rows[] = {
        {1, 100, 1000, 100},
        {2, 100, 1000, 200},
        {3, 100, 1000, 400},
        {4, 100, 1000, 800},
        {5, 100, 1000, 1000},
        {1000000, 100, 1000, 1000},
        {1, 1000, 1000, 1000},
        {2, 1000, 1000, 1000},
        {2, 3, 5, 5},
        {63, 1, INT64_MAX, INT64_C(1) << 62},
        {64, 1, INT64_MAX, INT64_MAX},
        {INT32_MAX, 3, INT64_MAX, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = backoff_ms(rows[i].attempt, rows[i].first_ms, rows[i].max_ms, NULL);
        if (ms != rows[i].ms)
            fail_msg("row %zu: %lld", i, (long long)ms);
    }
}

static void is_spread_by_a_fifth(void **state)
{
    (void)state;
    struct rand rand;
    bool below = false, above = false;
    rand_seed(&rand, 7);
    for (int i = 0; i < 1000; i++) {
        int64_t ms = backoff_ms(3, 100, 1000, &rand);
        assert_in_range(ms, 320, 480);
        below = below || ms < 340;
        above = above || ms > 460;
    }
    assert_true(below && above); /* all of it is used */
}

static void the_same_seed_gives_the_same_waits(void **state)
{
    (void)state;
    struct rand a, b;
    rand_seed(&a, 1);
    rand_seed(&b, 1);
    for (int attempt = 1; attempt < 20; attempt++)
        assert_int_equal(backoff_ms(attempt, 100, 60000, &a), backoff_ms(attempt, 100, 60000, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_the_maximum),
        cmocka_unit_test(is_spread_by_a_fifth),
        cmocka_unit_test(the_same_seed_gives_the_same_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
