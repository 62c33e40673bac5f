/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"

/* 2026-11-23T08:00:00Z; the numbers here come from `date -u -d ... +%s`. */
#define MORNING INT64_C(1795420800000)

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-23T08:00:00Z", MORNING},
        {"2026-11-23t08:00:00z", MORNING},
        {"2026-11-23 08:00:00Z", MORNING}, /* RFC 3339, 5.6: for readability */
        {"2026-11-23T09:00:00+01:00", MORNING},
        {"2026-11-23T02:30:00-05:30", MORNING},
        {"2026-11-24T07:59:00+23:59", MORNING},
        {"2026-11-22T08:01:00-23:59", MORNING},
        {"2026-11-23T08:00:00+00:00", MORNING},
        {"2026-11-23T08:00:00-00:00", MORNING},
        {"2026-11-23T08:00:00.5Z", MORNING + 500},
        {"2026-11-23T08:00:00.12Z", MORNING + 120},
        {"2026-11-23T08:00:00.123Z", MORNING + 123},
        {"2026-11-23T08:00:00.1239Z", MORNING + 123},
        {"2026-11-23T08:00:00.123456789Z", MORNING + 123},
        {"2026-11-23T08:00:00.000+00:00", MORNING},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
        {"2000-02-29T23:59:59Z", INT64_C(951868799000)},
        {"2026-12-31T23:59:59Z", INT64_C(1798761599000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)}, /* a leap second */
        {"1970-01-01T01:00:00+01:00", 0},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = 42;
        if (!time_parse(rows[i].text, &ms) || ms != rows[i].ms)
            fail_msg("%s: %lld", rows[i].text, (long long)ms);
    }
}

static void others_are_none(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "now",
        "2026-11-23",
        "2026-11-23T08:00:00", /* where? */
        "2026-11-23T08:00Z",
        "2026-11-23T08:00:00 Z",
        " 2026-11-23T08:00:00Z",
        "2026-11-23T08:00:00Z ",
        "2026-11-23T08:00:00ZZ",
        "2026-11-23_08:00:00Z",
        "2026-1-23T08:00:00Z",
        "2026-11-23T8:00:00Z",
        "26-11-23T08:00:00Z",
        "12026-11-23T08:00:00Z",
        "-026-11-23T08:00:00Z",
        "2026/11/23T08:00:00Z",
        "2026-00-23T08:00:00Z",
        "2026-13-23T08:00:00Z",
        "2026-11-00T08:00:00Z",
        "2026-11-31T08:00:00Z",
        "2026-12-32T08:00:00Z",
        "2026-02-29T08:00:00Z", /* no leap year */
        "2100-02-29T08:00:00Z",
        "2024-02-30T08:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T08:60:00Z",
        "2026-11-23T08:00:61Z",
        "2026-11-23T08:00:00.Z",
        "2026-11-23T08:00:00,5Z",
        "2026-11-23T08:00:00.1234567890Z",
        "2026-11-23T08:00:00+1:00",
        "2026-11-23T08:00:00+0100",
        "2026-11-23T08:00:00+24:00",
        "2026-11-23T08:00:00+01:60",
        "2026-11-23T08:00:00+01",
        "2026-11-23T08:00:00+",
        "1795420800",
        "0001-01-01T00:00:00Z", /* times begin in 1970 */
        "1969-12-31T23:59:59Z",
        "1969-12-31T23:59:59-01:00",
        "1970-01-01T00:59:59.999+01:00",
    };
    int64_t ms = 42;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (time_parse(rows[i], &ms) || ms != 42)
            fail_msg("\"%s\": %lld", rows[i], (long long)ms);
    assert_false(time_parse(NULL, &ms));
}

static void times_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {MORNING, "2026-11-23T08:00:00Z"},
        {MORNING + 20, "2026-11-23T08:00:00.020Z"},
        {INT64_C(1709251199999), "2024-02-29T23:59:59.999Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59Z"},
        {INT64_C(-62135596800000), "0001-01-01T00:00:00Z"},
        {TIME_NEVER, "292278994-08-17T07:12:55.807Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TIME_TEXT_SIZE];
        int64_t back = 0;
        assert_ptr_equal(time_format(rows[i].ms, text), text);
        assert_string_equal(text, rows[i].text);
        if (rows[i].ms >= 0 && rows[i].ms != TIME_NEVER) {
            assert_true(time_parse(text, &back));
            assert_true(back == rows[i].ms);
        }
    }
    char text[TIME_TEXT_SIZE];
    assert_true(strlen(time_format(INT64_MIN, text)) < TIME_TEXT_SIZE);
}

static void the_real_clock_goes_forward(void **state)
{
    (void)state;
    struct clock *clock = clock_real();
    int64_t before = clock_mono_ms(clock);
    assert_true(clock_mono_ms(clock) >= before);
    assert_true(clock_wall_ms(clock) > MORNING - INT64_C(10) * 365 * 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(others_are_none),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(the_real_clock_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
