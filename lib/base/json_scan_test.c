/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

static struct span of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* The members of @text as "key=value;". Return: false where it is malformed. */
static bool members(const char *text, struct str *out)
{
    struct span key, value;
    struct scan scan = scan_begin(of(text), '{');
    while (scan_member(&scan, &key, &value))
        str_printf(out, "%.*s=%.*s;", (int)key.len, key.text, (int)value.len, value.text);
    return !scan.malformed;
}

static void members_come_as_they_are_written(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"{}", ""},
        {" { } ", ""},
        {"{\"a\":1}", "a=1;"},
        {"{ \"a\" : \"x}\\\"]\" ,\n\"b\":{\"c\":[1,{}]} , \"d\":[ ]}",
         "a=\"x}\\\"]\";b={\"c\":[1,{}]};d=[ ];"},
        {"{\"a\":true,\"a\":null,\"\":-1.5e3}", "a=true;a=null;=-1.5e3;"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out = STR_INIT(LIMIT_KIB(1));
        assert_true(members(rows[i][0], &out));
        assert_string_equal(str_text(&out), rows[i][1]);
        str_done(&out);
    }
}

static void items_come_in_order(void **state)
{
    (void)state;
    struct str out = STR_INIT(LIMIT_KIB(1));
    struct span value;
    struct scan scan = scan_begin(of("[1, \"b\",[2],{\"c\":3}]"), '[');
    while (scan_item(&scan, &value))
        str_printf(&out, "%.*s;", (int)value.len, value.text);
    assert_false(scan.malformed);
    assert_string_equal(str_text(&out), "1;\"b\";[2];{\"c\":3};");
    str_done(&out);
}

static void what_is_no_object_is_malformed(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",      "[]",         "{",           "{\"a\"",      "{\"a\":",           "{\"a\":}",
        "{a:1}", "{\"a\":1,}", "{\"a\" 1}",   "{\"a\":1 2}", "{\"a\":\"x",        "{\"a\":[1}",
        "{1:2}", "{\"a\":{]}", "{\"a\":[}]}", "{\"a\":\"\\", "{\"a\":{\"b\":1]}", "{,}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str out = STR_INIT(LIMIT_KIB(1));
        if (members(rows[i], &out))
            fail_msg("accepted: %s", rows[i]);
        str_done(&out);
    }
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (size_t depth = LIMIT_JSON_DEPTH; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
        struct str text = STR_INIT(LIMIT_KIB(1)), out = STR_INIT(LIMIT_KIB(1));
        str_add(&text, "{\"a\":");
        for (size_t i = 0; i < depth; i++)
            str_add_char(&text, '[');
        for (size_t i = 0; i < depth; i++)
            str_add_char(&text, ']');
        str_add_char(&text, '}');
        assert_int_equal(members(str_text(&text), &out), depth == LIMIT_JSON_DEPTH);
        str_done(&text);
        str_done(&out);
    }
}

static void strings_without_escapes_are_shown(void **state)
{
    (void)state;
    struct span out;
    assert_true(span_string(of("\"ab\""), &out));
    assert_true(span_is(out, "ab"));
    assert_false(span_is(out, "abc"));
    assert_true(span_string(of("\"\""), &out));
    assert_true(span_is(out, ""));
    assert_false(span_string(of("\"a\\n\""), &out));
    assert_false(span_string(of("12"), &out));
    assert_false(span_string(of("\""), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_as_they_are_written),  cmocka_unit_test(items_come_in_order),
        cmocka_unit_test(what_is_no_object_is_malformed),    cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(strings_without_escapes_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
