/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX 4096

static void what_does_not_fit_is_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t rows, columns, lines;
        const char *cut;
    } rows[] = {
        {"", 5, 5, 0, ""},
        {"abc\n", 5, 5, 1, "abc\n"},
        {"abcdef\nx\n", 5, 3, 2, "abc\nx\n"},
        {"a\nb\nc\n", 2, 5, 2, "a\nb\n"},
        {"no end", 5, 80, 1, "no end\n"},
        {"\xe2\x94\x9c\xe2\x94\x80 base\n", 5, 4, 1, "\xe2\x94\x9c\xe2\x94\x80 b\n"},
        {"\n\nx\n", 5, 5, 3, "\n\nx\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR struct str out = STR_INIT(MAX);
        assert_int_equal(screen_cut(rows[i].text, rows[i].rows, rows[i].columns, &out),
                         rows[i].lines);
        assert_string_equal(str_text(&out), rows[i].cut);
    }
}

static void only_new_lines_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *before, *text, *told;
    } rows[] = {
        {NULL, "a\nb\n", "a\nb\n"},  {"a\nb\n", "a\nb\n", ""},  {"a\nb\n", "b\na\n", ""},
        {"a\nb\n", "a\nc\n", "c\n"}, {"abc\n", "ab\n", "ab\n"}, {"a\nb\n", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR struct str out = STR_INIT(MAX);
        screen_new_lines(rows[i].before, rows[i].text, &out);
        assert_string_equal(str_text(&out), rows[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(only_new_lines_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
