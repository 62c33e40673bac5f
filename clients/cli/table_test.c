/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX 4096

static void add_row(struct table *table, const char *a, const char *b, const char *c)
{
    table_row(table);
    table_cell(table, a);
    table_cell(table, b);
    if (c)
        table_cell(table, c);
}

static void columns_line_up(void **state)
{
    (void)state;
    AUTO_TABLE struct table table = {0};
    AUTO_STR struct str out = STR_INIT(MAX);
    add_row(&table, "NAME", "V", "STATUS");
    add_row(&table, "a", "1.0.2", "Available");
    add_row(&table, "a-long-name", "", "x");
    add_row(&table, "b", "2", NULL);
    table_write(&table, "", &out);
    assert_string_equal(str_text(&out), "NAME          V       STATUS\n"
                                        "a             1.0.2   Available\n"
                                        "a-long-name   -       x\n"
                                        "b             2\n");
}

static void later_rows_keep_the_widths(void **state)
{
    (void)state;
    AUTO_TABLE struct table table = {0};
    AUTO_STR struct str out = STR_INIT(MAX);
    add_row(&table, "long-name", "x", NULL);
    table_write(&table, "", &out);
    str_clear(&out);
    add_row(&table, "a", "y", NULL);
    table_write(&table, "  ", &out);
    assert_string_equal(str_text(&out), "  a           y\n");
    str_clear(&out);
    table_write(&table, "", &out);
    assert_string_equal(str_text(&out), "");
}

static void a_cell_stays_one_line(void **state)
{
    (void)state;
    AUTO_TABLE struct table table = {0};
    AUTO_STR struct str out = STR_INIT(MAX);
    add_row(&table, "a\nb\x1b[31m", "\t", NULL);
    table_write(&table, "", &out);
    assert_string_equal(str_text(&out), "a b [31m    \n");
}

static void width_counts_letters_not_bytes(void **state)
{
    (void)state;
    AUTO_TABLE struct table table = {0};
    AUTO_STR struct str out = STR_INIT(MAX);
    assert_int_equal(text_width("gr\xc3\xbc\xc3\x9f"), 4);
    assert_int_equal(text_width(""), 0);
    add_row(&table, "gr\xc3\xbc\xc3\x9f", "x", NULL);
    add_row(&table, "abcd", "y", NULL);
    table_write(&table, "", &out);
    assert_string_equal(str_text(&out), "gr\xc3\xbc\xc3\x9f   x\nabcd   y\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(later_rows_keep_the_widths),
        cmocka_unit_test(a_cell_stays_one_line),
        cmocka_unit_test(width_counts_letters_not_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
