/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "services/agent/engine/drain.h"

/* Of every row: it began at 1000, drains for 500, and waits for 3000 more at most: until 4500. */
static const struct {
    const char *name;
    int64_t now_ms;
    enum drain_told told;
    int64_t requests;
    enum drain_step step;
    int64_t until_ms; /* DRAIN_WAIT */
} rows[] = {
    {"the time to drain comes first", 1000, DRAIN_NOT_TOLD, 0, DRAIN_WAIT, 1500},
    {"to its end", 1499, DRAIN_NOT_TOLD, 0, DRAIN_WAIT, 1500},
    {"then it is asked", 1500, DRAIN_NOT_TOLD, 0, DRAIN_ASK, 0},
    {"a base that does not count: over", 1501, DRAIN_NOT_COUNTED, 0, DRAIN_OVER, 0},
    {"no request is under way: over", 1501, DRAIN_COUNTED, 0, DRAIN_OVER, 0},
    {"some are: a little later again", 1501, DRAIN_COUNTED, 2, DRAIN_WAIT, 1701},
    {"what was told is old then", 1701, DRAIN_NOT_TOLD, 2, DRAIN_ASK, 0},
    {"never later than the end", 4400, DRAIN_COUNTED, 1, DRAIN_WAIT, 4500},
    {"at the end it is asked once more", 4500, DRAIN_NOT_TOLD, 1, DRAIN_ASK, 0},
    {"and over, whatever is left", 4500, DRAIN_COUNTED, 1, DRAIN_OVER, 0},
    {"an answer that came late", 9000, DRAIN_COUNTED, 1, DRAIN_OVER, 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct drain drain = {1000, 500, 3000, rows[i].told, rows[i].requests};
        int64_t until_ms = 0;
        print_message("%s\n", rows[i].name);
        assert_int_equal(drain_next(&drain, rows[i].now_ms, &until_ms), rows[i].step);
        assert_int_equal(until_ms, rows[i].until_ms);
    }
}

static void test_nothing_to_wait_for_is_asked_at_once(void **state)
{
    (void)state;
    struct drain drain = {.began_ms = 7};
    int64_t until_ms;
    assert_int_equal(drain_next(&drain, 7, &until_ms), DRAIN_ASK);
    drain.told = DRAIN_COUNTED;
    drain.requests = 3;
    assert_int_equal(drain_next(&drain, 7, &until_ms), DRAIN_OVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nothing_to_wait_for_is_asked_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
