/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"

/* The numbers of the authors' xoshiro256** for the state 1, 2, 3, 4. */
static void numbers_are_those_of_xoshiro256(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
    };
    struct rand rand = {{1, 2, 3, 4}};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        assert_true(rand_next(&rand) == expected[i]);
}

/* ... and those of splitmix64 for the seed 1234567. */
static void a_seed_is_spread_by_splitmix64(void **state)
{
    (void)state;
    struct rand rand;
    rand_seed(&rand, 1234567);
    assert_true(rand.s[0] == UINT64_C(6457827717110365317));
    assert_true(rand.s[1] == UINT64_C(3203168211198807973));
    assert_true(rand.s[2] == UINT64_C(9817491932198370423));
    assert_true(rand.s[3] == UINT64_C(4593380528125082431));
}

static void below_is_uniform(void **state)
{
    (void)state;
    struct rand rand;
    int counts[10] = {0};
    rand_seed(&rand, 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t n = rand_below(&rand, ARRAY_LEN(counts));
        assert_true(n < ARRAY_LEN(counts));
        counts[n]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        assert_in_range(counts[i], 9600, 10400); /* 10000 +- 4 standard deviations */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rand_below(&rand, 1), 0);
        assert_true(rand_below(&rand, UINT64_MAX) < UINT64_MAX);
    }
}

static void jitter_stays_within_its_percentage(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        int percent;
        int64_t min, max;
    } rows[] = {
        {1000, 10, 900, 1100},
        {10, 20, 8, 12},
        {4, 20, 4, 4}, /* less than 1 */
        {1000, 0, 1000, 1000},
        {0, 50, 0, 0},
        {INT64_C(1) << 61, 20, (INT64_C(1) << 60), (INT64_C(1) << 61) + (INT64_C(1) << 60)},
        {INT64_MAX, 20, INT64_C(1) << 62, INT64_MAX},
    };
    struct rand rand;
    rand_seed(&rand, 3);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t lowest = INT64_MAX, highest = 0;
        for (int n = 0; n < 1000; n++) {
            int64_t value = rand_jitter(&rand, rows[i].value, rows[i].percent);
            lowest = value < lowest ? value : lowest;
            highest = value > highest ? value : highest;
        }
        if (lowest < rows[i].min || highest > rows[i].max)
            fail_msg("row %zu: %lld to %lld", i, (long long)lowest, (long long)highest);
        if (rows[i].max < 2000 && (lowest != rows[i].min || highest != rows[i].max))
            fail_msg("row %zu reaches only %lld to %lld", i, (long long)lowest, (long long)highest);
    }
}

static void seeds_of_the_system_differ(void **state)
{
    (void)state;
    struct rand a, b;
    rand_seed_from_system(&a);
    rand_seed_from_system(&b);
    assert_memory_not_equal(&a, &b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_xoshiro256),
        cmocka_unit_test(a_seed_is_spread_by_splitmix64),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(jitter_stays_within_its_percentage),
        cmocka_unit_test(seeds_of_the_system_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
