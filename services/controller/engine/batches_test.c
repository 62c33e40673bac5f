/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/batches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* The sizes of all batches as "3+2". */
static char *sizes(int32_t changes, int32_t wanted, bool beta)
{
    struct str text = STR_INIT(256);
    int32_t count = batches_count(changes, wanted, beta);
    for (int32_t k = 1; k <= count; k++)
        str_printf(&text, "%s%d", k > 1 ? "+" : "",
                   batches_end(changes, wanted, beta, k) -
                       batches_end(changes, wanted, beta, k - 1));
    return str_take(&text);
}

static void sizes_are_even_and_larger_first(void **state)
{
    (void)state;
    static const struct {
        int32_t changes, wanted;
        bool beta;
        const char *sizes;
    } rows[] = {
        {5, 2, false, "3+2"},
        {5, 2, true, "1+4"},      /* the original made three batches of it */
        {5, 4, false, "2+1+1+1"}, /* the original overshot to 6 */
        {4, 3, false, "2+1+1"},   /* the original made two batches of it */
        {10, 4, true, "1+3+3+3"},
        {3, 2, false, "2+1"}, /* scale 2 -> 5, and 5 -> 2 */
        {3, 2, true, "1+2"},  /* the original shrank first */
        {5, 1, false, "5"},
        {5, 0, false, "5"},  /* absent */
        {5, 1, true, "1+4"}, /* beta is a batch of its own */
        {4, 2, false, "2+2"},
        {2, 5, false, "1+1"}, /* more batches than changes */
        {1, 1, true, "1"},
        {1, 3, true, "1"},
        {2, 1, true, "1+1"},
        {6, 3, true, "1+3+2"},
        {0, 3, false, ""},
        {0, 3, true, ""},
        {200, 4, false, "50+50+50+50"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = sizes(rows[i].changes, rows[i].wanted, rows[i].beta);
        assert_string_equal(got, rows[i].sizes);
    }
}

static void every_split_is_fair(void **state)
{
    (void)state;
    for (int32_t n = 0; n <= 40; n++) {
        for (int32_t b = 0; b <= 45; b++) {
            for (int beta = 0; beta <= 1; beta++) {
                int32_t count = batches_count(n, b, beta), least = n, most = 0, before = n;
                for (int32_t k = 1; k <= count; k++) {
                    int32_t size = batches_end(n, b, beta, k) - batches_end(n, b, beta, k - 1);
                    assert_true(size >= 1);
                    if (beta && k == 1) {
                        assert_int_equal(size, 1);
                        continue;
                    }
                    assert_true(size <= before);
                    before = size;
                    least = size < least ? size : least;
                    most = size > most ? size : most;
                }
                assert_true(most - least <= 1);
                assert_int_equal(batches_end(n, b, beta, count), n);
                assert_int_equal(batches_end(n, b, beta, 0), 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_even_and_larger_first),
        cmocka_unit_test(every_split_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
