/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"

static void grows_and_ends_in_a_terminator(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(1000);
    assert_string_equal(str_text(&s), "");
    str_add(&s, "");
    str_add_char(&s, 'a');
    str_add_bytes(&s, "bcd", 2);
    str_printf(&s, "-%d-%s", 7, "x");
    assert_string_equal(str_text(&s), "abc-7-x");
    assert_int_equal(s.len, 7);
    for (int i = 0; i < 900; i++)
        str_add_char(&s, '.');
    assert_int_equal(strlen(str_text(&s)), 907);
    assert_false(s.full);
}

static void takes_exactly_its_maximum(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(4);
    str_add(&s, "abcd");
    assert_false(s.full);
    str_add(&s, "e");
    assert_true(s.full);
    assert_string_equal(str_text(&s), "abcd");
}

static void stays_full_once_something_was_left_out(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(4);
    str_add(&s, "ab");
    str_add(&s, "cde"); /* not even a part of it */
    str_add(&s, "f");   /* would fit, but what stands before it is missing */
    assert_true(s.full);
    assert_string_equal(str_text(&s), "ab");
    str_add_bytes(&s, "x", SIZE_MAX);
    assert_string_equal(str_text(&s), "ab");

    str_clear(&s);
    assert_false(s.full);
    assert_string_equal(str_text(&s), "");
    str_add(&s, "ghij");
    assert_string_equal(str_text(&s), "ghij");
}

static void take_leaves_an_empty_string_of_the_same_maximum(void **state)
{
    (void)state;
    AUTO_STR struct str s = STR_INIT(3);
    AUTO_FREE char *nothing = str_take(&s);
    assert_string_equal(nothing, "");
    str_add(&s, "abc");
    str_add(&s, "d");
    AUTO_FREE char *abc = str_take(&s);
    assert_string_equal(abc, "abc");
    assert_string_equal(str_text(&s), "");
    assert_false(s.full);
    str_add(&s, "abcd");
    assert_true(s.full);
}

static void null_counts_as_empty(void **state)
{
    (void)state;
    assert_true(str_eq(NULL, NULL));
    assert_true(str_eq(NULL, ""));
    assert_false(str_eq("a", NULL));
    assert_true(str_eq("a", "a"));
    assert_false(str_eq("a", "A"));
    assert_true(str_empty(NULL));
    assert_true(str_empty(""));
    assert_false(str_empty(" "));
    assert_null(str_given(NULL));
    assert_null(str_given((char[]){""}));
    assert_string_equal(str_given((char[]){"a"}), "a");
    assert_true(str_starts_with(NULL, ""));
    assert_true(str_starts_with("a", NULL));
    assert_true(str_starts_with(NULL, NULL));
    assert_false(str_starts_with(NULL, "a"));
    assert_true(str_starts_with("abc", "ab"));
    assert_false(str_starts_with("a", "ab"));
    AUTO_FREE char *none = str_lower(NULL);
    assert_string_equal(none, "");
    assert_null(str_nearest(NULL, (const char *const[]){"replicas"}, 1));
    int64_t n;
    assert_false(str_parse_int64(NULL, INT64_MIN, INT64_MAX, &n));
    assert_false(str_parse_duration(NULL, &n));
}

static void lower_changes_ascii_only(void **state)
{
    (void)state;
    AUTO_FREE char *lower = str_lower("AbZ-09_\xc3\x84");
    assert_string_equal(lower, "abz-09_\xc3\x84");
}

static void int64_is_the_whole_string_within_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max;
        bool valid;
        int64_t value;
    } rows[] = {
        {"0", INT64_MIN, INT64_MAX, true, 0},
        {"-1", INT64_MIN, INT64_MAX, true, -1},
        {"007", INT64_MIN, INT64_MAX, true, 7},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"1", 1, 3, true, 1},
        {"3", 1, 3, true, 3},
        {"0", 1, 3, false, 0},
        {"4", 1, 3, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"+1", INT64_MIN, INT64_MAX, false, 0},
        {" 1", INT64_MIN, INT64_MAX, false, 0},
        {"1 ", INT64_MIN, INT64_MAX, false, 0},
        {"1.0", INT64_MIN, INT64_MAX, false, 0},
        {"0x10", INT64_MIN, INT64_MAX, false, 0},
        {"1e3", INT64_MIN, INT64_MAX, false, 0},
        {"one", INT64_MIN, INT64_MAX, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 42;
        bool valid = str_parse_int64(rows[i].text, rows[i].min, rows[i].max, &value);
        if (valid != rows[i].valid || value != (valid ? rows[i].value : 42))
            fail_msg("\"%s\": %d, %lld", rows[i].text, valid, (long long)value);
    }
}

static void durations_have_a_unit_or_are_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1 = refused */
    } rows[] = {
        {"250ms", 250},
        {"30s", 30000},
        {"5m", 300000},
        {"2h", 7200000},
        {"10", 10000},
        {"0", 0},
        {"0ms", 0},
        {"999999999999h", 999999999999 * 3600000},
        {"9999999999999", -1}, /* would overflow in hours */
        {"", -1},
        {"s", -1},
        {"-1s", -1},
        {"+1s", -1},
        {"1.5s", -1},
        {"1 s", -1},
        {" 1s", -1},
        {"1s ", -1},
        {"1S", -1},
        {"1d", -1},
        {"1m30s", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -1;
        bool valid = str_parse_duration(rows[i].text, &ms);
        if (valid != (rows[i].ms >= 0) || ms != rows[i].ms)
            fail_msg("\"%s\": %d, %lld", rows[i].text, valid, (long long)ms);
    }
}

static void sizes_have_a_unit_or_are_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1 = refused */
    } rows[] = {
        {"4096", 4096},
        {"0", 0},
        {"1KiB", 1024},
        {"512MiB", 536870912},
        {"2GiB", 2147483648},
        {"8589934591GiB", 8589934591 << 30},
        {"8589934592GiB", -1}, /* 2^63 */
        {"", -1},
        {"GiB", -1},
        {"-1", -1},
        {"1.5GiB", -1},
        {"1 GiB", -1},
        {"1GB", -1}, /* says nobody what it is */
        {"1G", -1},
        {"1gib", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t bytes = -1;
        bool valid = str_parse_bytes(rows[i].text, &bytes);
        if (valid != (rows[i].bytes >= 0) || bytes != rows[i].bytes)
            fail_msg("\"%s\": %d, %lld", rows[i].text, valid, (long long)bytes);
    }
}

static void nearest_is_what_was_meant(void **state)
{
    (void)state;
    static const char *const names[] = {"replicas", "name",        "namespace", "url",
                                        "listen",   "http-listen", "o"};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"replica", "replicas"},
        {"replcias", "replicas"},
        {"Replicas", "replicas"},
        {"naem", "name"},
        {"name_space", "namespace"},
        {"uri", "url"},
        {"lisen", "listen"},
        {"http_listen", "http-listen"},
        {"port", NULL},
        {"", NULL},
        {"x", NULL}, /* one letter for another means nothing */
        {"kubeconfig", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *nearest = str_nearest(rows[i].word, names, ARRAY_LEN(names));
        if (!str_eq(nearest, rows[i].nearest) || !nearest != !rows[i].nearest)
            fail_msg("\"%s\": %s", rows[i].word, nearest ? nearest : "none");
    }
    assert_null(str_nearest("name", names, 0));
}

/* The word may be a key of somebody's file. */
static void nearest_of_a_huge_word_costs_nothing(void **state)
{
    (void)state;
    AUTO_FREE char *word = mem_alloc(16 * 1024 * 1024 + 1);
    memset(word, 'a', 16 * 1024 * 1024);
    const char *candidates[500];
    for (size_t i = 0; i < ARRAY_LEN(candidates); i++)
        candidates[i] = "a-name-that-is-longer-than-most-names-are-in-a-table-of-fields";
    assert_null(str_nearest(word, candidates, ARRAY_LEN(candidates)));
}

static void hash_is_the_same_in_every_run(void **state)
{
    (void)state;
    uint64_t empty = str_hash("", 0), a = str_hash("a", 1);
    assert_int_equal(empty, UINT64_C(0xecba3df2c3383c52));
    assert_int_equal(a, UINT64_C(0xed8170de1919a24d));
    assert_int_not_equal(str_hash("a\0b", 3), a);
    assert_int_not_equal(str_hash("ab", 2), str_hash("ba", 2));
}

static void utf8_characters_are_measured(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {"", 0},
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xc3\xa4x", 2},
        {"\xe0\xa0\x80", 3},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0}, /* goes on with nothing before */
        {"\xbf\xbf", 0},
        {"\xc3", 0}, /* cut off */
        {"\xe2\x82", 0},
        {"\xf0\x9f\x98", 0},
        {"\xc3"
         "a",
         0},
        {"\xc0\x80", 0}, /* longer than need be */
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* past the last */
        {"\xf8\x88\x80\x80\x80", 0},
        {"\xff\xff\xff\xff", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_utf8(rows[i].text) != rows[i].len)
            fail_msg("row %zu: %zu", i, str_utf8(rows[i].text));
}

static void shortened_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t max;
        const char *left;
    } rows[] = {
        {"", 0, ""},
        {"abc", 4, "abc"},
        {"abc", 3, "abc"},
        {"abc", 2, "ab"},
        {"abc", 0, ""},
        {"a\xc3\xa4", 3, "a\xc3\xa4"},
        {"a\xc3\xa4", 2, "a"},
        {"a\xf0\x9f\x98\x80", 4, "a"},
        {"\xe2\x82\xac", 2, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text = mem_strdup(rows[i].text);
        str_shorten(text, rows[i].max);
        assert_string_equal(text, rows[i].left);
    }
    str_shorten(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_ends_in_a_terminator),
        cmocka_unit_test(takes_exactly_its_maximum),
        cmocka_unit_test(stays_full_once_something_was_left_out),
        cmocka_unit_test(take_leaves_an_empty_string_of_the_same_maximum),
        cmocka_unit_test(null_counts_as_empty),
        cmocka_unit_test(lower_changes_ascii_only),
        cmocka_unit_test(int64_is_the_whole_string_within_bounds),
        cmocka_unit_test(durations_have_a_unit_or_are_seconds),
        cmocka_unit_test(sizes_have_a_unit_or_are_bytes),
        cmocka_unit_test(nearest_is_what_was_meant),
        cmocka_unit_test(nearest_of_a_huge_word_costs_nothing),
        cmocka_unit_test(utf8_characters_are_measured),
        cmocka_unit_test(shortened_between_characters),
        cmocka_unit_test(hash_is_the_same_in_every_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
