/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define TEXT_MAX 10000

static void texts_are_read_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } rows[] = {
        {"{}", "{}"},
        {" {\n\t\"a\" : [ 1 , true , null , \"x\" ] }\r\n ", "{\"a\":[1,true,null,\"x\"]}"},
        {"[]", "[]"},
        {"1", "1"},
        {"-2.5", "-2.5"},
        {"1e3", "1000"},
        {"\"\"", "\"\""},
        {"null", "null"},
        {"\"\\u00e4\\n\\\"\\\\\"", "\"\xc3\xa4\\n\\\"\\\\\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\\\u0000\"", "\"\\\\u0000\""}, /* a backslash and five characters, no NUL */
        {"\"{[\"", "\"{[\""},
        {"{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}"},
        {"{\"a\":{\"b\":1},\"b\":{\"b\":1}}", "{\"a\":{\"b\":1},\"b\":{\"b\":1}}"},
        {"[{\"a\":1},{\"a\":1}]", "[{\"a\":1},{\"a\":1}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), TEXT_MAX, &err);
        if (!json)
            fail_msg("%s: %s", rows[i].text, err->message);
        AUTO_FREE char *written = json_text(json);
        assert_string_equal(written, rows[i].written);
    }
}

/* A text with its length, for those that hold a NUL. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static void others_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *message; /* a part of it */
    } rows[] = {
        {BYTES(""), "not JSON"},
        {BYTES("  "), "not JSON"},
        {BYTES("{"), "not JSON"},
        {BYTES("{}}"), "not JSON"},
        {BYTES("{} x"), "not JSON"},
        {BYTES("{}{}"), "not JSON"},
        {BYTES("1 2"), "not JSON"},
        {BYTES("{\"a\":}"), "not JSON"},
        {BYTES("{\"a\":1,}"), "not JSON"},
        {BYTES("{a:1}"), "not JSON"},
        {BYTES("'a'"), "not JSON"},
        {BYTES("\"a"), "not JSON"},
        {BYTES("\"a\\"), "not JSON"},
        {BYTES("\"\\ud83d\""), "not JSON"},
        {BYTES("tru"), "not JSON"},
        {BYTES("]]]]"), "not JSON"},
        {BYTES("{}\0"), "NUL byte at byte 2"},
        {BYTES("{}\0{}"), "NUL byte at byte 2"},
        {BYTES("\"a\0b\""), "NUL byte at byte 2"},
        {BYTES("\"\\\0\""), "not JSON"},
        {BYTES("\"a\\u0000b\""), "NUL character in a string at byte 2"},
        {BYTES("{\"\\u0000\":1}"), "NUL character in a string at byte 2"},
        {BYTES("\"\\\\\\u0000\""), "NUL character in a string at byte 3"},
        {BYTES("{\"a\":1,\"a\":1}"), "\"a\" is there twice"},
        {BYTES("{\"a\":1,\"\\u0061\":1}"), "\"a\" is there twice"},
        {BYTES("[0,{\"b\":{\"c\":1,\"d\":2,\"c\":3}}]"), "\"c\" is there twice"},
        {BYTES("{\"\":1,\"\":1}"), "\"\" is there twice"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        if (json_parse(rows[i].text, rows[i].len, TEXT_MAX, &err))
            fail_msg("%s is taken", rows[i].text);
        assert_int_equal(err->code, ERR_INVALID);
        if (!strstr(err->message, rows[i].message))
            fail_msg("%s: %s", rows[i].text, err->message);
    }
    assert_null(json_parse("{", 1, TEXT_MAX, NULL));
}

static void the_length_is_bounded(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse("[1,2]xx", 5, 5, &err); /* reads no further than @len */
    assert_non_null(json);
    assert_null(json_parse("[1,2]", 5, 4, &err));
    assert_int_equal(err->code, ERR_LIMIT);
}

static char *nested(size_t depth, const char *open, const char *middle, const char *close)
{
    struct str text = STR_INIT(TEXT_MAX);
    for (size_t i = 0; i < depth; i++)
        str_add(&text, open);
    str_add(&text, middle);
    for (size_t i = 0; i < depth; i++)
        str_add(&text, close);
    return str_take(&text);
}

static void the_depth_is_bounded(void **state)
{
    (void)state;
    static const struct {
        size_t depth;
        const char *open, *middle, *close;
        bool valid;
    } rows[] = {
        {LIMIT_JSON_DEPTH, "[", "1", "]", true},
        {LIMIT_JSON_DEPTH + 1, "[", "", "]", false},
        {LIMIT_JSON_DEPTH, "{\"a\":", "\"[{\"", "}", true},
        {LIMIT_JSON_DEPTH + 1, "{\"a\":", "1", "}", false},
        {LIMIT_JSON_DEPTH / 2, "{\"\\\"\":[", "1", "]}", true},
        {LIMIT_JSON_DEPTH / 2 + 1, "{\"\\\"\":[", "1", "]}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_FREE char *text = nested(rows[i].depth, rows[i].open, rows[i].middle, rows[i].close);
        AUTO_JSON cJSON *json = json_parse(text, strlen(text), TEXT_MAX, &err);
        if (!json != !rows[i].valid)
            fail_msg("row %zu: %s", i, err ? err->message : "taken");
        if (err)
            assert_int_equal(err->code, ERR_LIMIT);
    }
}

static void numbers_are_held_in_a_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min, max, number;
    } rows[] = {
        {"7", 0, 9, 7},
        {"7.9", 0, 9, 7},
        {"-7.9", -9, 9, -7},
        {"-1", 0, 9, 0},
        {"10", 0, 9, 9},
        {"6.2e19", INT64_MIN, INT64_MAX, INT64_MAX},
        {"-6.2e19", INT64_MIN, INT64_MAX, INT64_MIN},
        {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX},
        {"1e999", 0, INT32_MAX, INT32_MAX},
        {"\"7\"", 0, 9, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), TEXT_MAX, NULL);
        int64_t number = json_int64(json, rows[i].min, rows[i].max);
        if (number != rows[i].number)
            fail_msg("%s: %lld", rows[i].text, (long long)number);
    }
    assert_int_equal(json_int64(NULL, 1, 9), 0);
}

static void paths_lead_to_values(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":{\"b\":\"x\",\"n\":1},\"s\":\"y\",\"A\":\"z\"}";
    static const struct {
        const char *path, *string;
    } rows[] = {
        {"a.b", "x"}, {"s", "y"},    {"A", "z"},    {"a", NULL},     {"a.n", NULL},
        {"b", NULL},  {"a.c", NULL}, {"s.b", NULL}, {"a.b.c", NULL},
    };
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), TEXT_MAX, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *string = json_get_string(json, rows[i].path);
        if (!string != !rows[i].string || !str_eq(string, rows[i].string))
            fail_msg("%s: %s", rows[i].path, string ? string : "none");
    }
    assert_ptr_equal(json_get(json, ""), json);
    assert_true(cJSON_IsNumber(json_get(json, "a.n")));
    assert_null(json_get(NULL, "a"));
}

static void maps_keep_one_value_per_key(void **state)
{
    (void)state;
    struct json_map map = {0}, copy = {0};
    assert_null(json_map_get(&map, "a"));
    json_map_set(&map, "a", NULL);
    assert_int_equal(map.len, 0);
    json_map_set(&map, "a", "1");
    json_map_set(&map, "b", "2");
    json_map_set(&map, "c", "");
    json_map_set(&map, "a", "3");
    assert_int_equal(map.len, 3);
    assert_string_equal(json_map_get(&map, "a"), "3");
    assert_string_equal(json_map_get(&map, "c"), "");
    json_map_copy(&copy, &map);
    json_map_set(&map, "b", NULL);
    assert_null(json_map_get(&map, "b"));
    assert_int_equal(map.len, 2);
    assert_string_equal(map.items[1].key, "c");
    json_map_done(&map);
    assert_int_equal(map.len, 0);
    assert_int_equal(copy.len, 3);
    assert_string_equal(json_map_get(&copy, "b"), "2");
    assert_string_equal(copy.items[0].key, "a");
    json_map_done(&copy);
    json_map_copy(&copy, &map); /* of nothing */
    assert_int_equal(copy.len, 0);
    json_map_done(&copy);
}

static void strings_are_copied(void **state)
{
    (void)state;
    char a[] = "a", empty[] = "";
    const struct json_strings two = {(char *[]){a, empty}, 2}, none = {0};
    struct json_strings copy = {0};
    json_strings_copy(&copy, &two);
    assert_int_equal(copy.len, 2);
    assert_string_equal(copy.items[0], "a");
    assert_ptr_not_equal(copy.items[0], two.items[0]);
    assert_string_equal(copy.items[1], "");
    json_strings_done(&copy);
    json_strings_copy(&copy, &none);
    assert_int_equal(copy.len, 0);
    json_strings_done(&copy);
}

/* An object of LIMIT_OBJECT bytes has room for this many labels; a search for each would take minutes. */
static void large_maps_are_copied_in_one_go(void **state)
{
    (void)state;
    struct json_map map = {.len = 150000}, copy = {0};
    map.items = mem_alloc(map.len * sizeof(*map.items));
    for (size_t i = 0; i < map.len; i++)
        map.items[i] = (struct json_pair){mem_printf("%zx", i), mem_strdup("")};
    json_map_copy(&copy, &map);
    assert_int_equal(copy.len, map.len);
    assert_string_equal(copy.items[copy.len - 1].key, map.items[map.len - 1].key);
    json_map_done(&map);
    json_map_done(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_whole),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(the_length_is_bounded),
        cmocka_unit_test(the_depth_is_bounded),
        cmocka_unit_test(numbers_are_held_in_a_range),
        cmocka_unit_test(paths_lead_to_values),
        cmocka_unit_test(maps_keep_one_value_per_key),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(large_maps_are_copied_in_one_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
