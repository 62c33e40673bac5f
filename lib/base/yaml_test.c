/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"

static char *parse(const char *text, struct err **err)
{
    AUTO_JSON cJSON *docs = NULL;
    if (yaml_parse(text, strlen(text), &docs, err) < 0) {
        assert_null(docs);
        return NULL;
    }
    return json_text(docs);
}

static void documents_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"", "[]"},
        {"# only a comment\n", "[]"},
        {"---\n", "[]"},
        {"---\n---\n...\n", "[]"},
        {"a: 1", "[{\"a\":1}]"},
        {"---\na: 1\n---\n# empty\n---\nb: 2\n...\n---\n- c\n", "[{\"a\":1},{\"b\":2},[\"c\"]]"},
        {"text", "[\"text\"]"},
        {"{\"a\": [1, true, null, \"x\"]}", "[{\"a\":[1,true,null,\"x\"]}]"},
        {"a:\n  b:\n  - c: 1\n    d: 2\n  - e\n", "[{\"a\":{\"b\":[{\"c\":1,\"d\":2},\"e\"]}}]"},
        {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "[{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}]"},
        {"a: {}\nb: []\n", "[{\"a\":{},\"b\":[]}]"},
        {"a: &x {k: 1}\nb: *x\n", "[{\"a\":{\"k\":1},\"b\":{\"k\":1}}]"},
        {"a: &x 1.10\n---\nb: &x 2\nc: *x\n", "[{\"a\":1.1},{\"b\":2,\"c\":2}]"},
        {"1: a\ntrue: b\n~: c\n", "[{\"1\":\"a\",\"true\":\"b\",\"~\":\"c\"}]"},
        {"a: \"\\u00e4\\t\"\n", "[{\"a\":\"\xc3\xa4\\t\"}]"},
        {"%YAML 1.2\n---\na: 1\n", "[{\"a\":1}]"},
        {"\xef\xbb\xbf"
         "a: 1\n",
         "[{\"a\":1}]"},
        {"a: 1\r\nb: 2\r\n", "[{\"a\":1,\"b\":2}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_FREE char *json = parse(rows[i].yaml, &err);
        if (!json)
            fail_msg("%s: %s", rows[i].yaml, err->message);
        assert_string_equal(json, rows[i].json);
    }
}

/* The core schema of YAML 1.2. */
static void plain_scalars_have_types(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"1", "1"},
        {"-1", "-1"},
        {"+1", "1"},
        {"010", "10"}, /* octal in YAML 1.1 only */
        {"0o17", "15"},
        {"0x1F", "31"},
        {"0xfffffffffffffffff", "\"0xfffffffffffffffff\""},
        {"0o18", "\"0o18\""},
        {"0x", "\"0x\""},
        {"0b11", "\"0b11\""},
        {"-0x1F", "\"-0x1F\""},
        {"1_000", "\"1_000\""},
        {"1.5", "1.5"},
        {".5", "0.5"},
        {"1.", "1"},
        {"1e3", "1000"},
        {"1E-2", "0.01"},
        {"1e999", "\"1e999\""},
        {".inf", "\".inf\""},
        {".nan", "\".nan\""},
        {"inf", "\"inf\""},
        {"nan", "\"nan\""},
        {"1.0", "1"},
        {"'1.0'", "\"1.0\""},
        {"\"1.0\"", "\"1.0\""},
        {"1.0.0", "\"1.0.0\""},
        {"'1.0.0'", "\"1.0.0\""},
        {"1.0-SNAPSHOT", "\"1.0-SNAPSHOT\""},
        {"12:30:45", "\"12:30:45\""},
        {"2026-11-23", "\"2026-11-23\""},
        {"-", "[null]"},
        {".", "\".\""},
        {"+", "\"+\""},
        {"e3", "\"e3\""},
        {"--1", "\"--1\""},
        {"true", "true"},
        {"True", "true"},
        {"TRUE", "true"},
        {"tRUE", "\"tRUE\""},
        {"false", "false"},
        {"yes", "\"yes\""},
        {"No", "\"No\""},
        {"on", "\"on\""},
        {"y", "\"y\""},
        {"'true'", "\"true\""},
        {"null", "null"},
        {"~", "null"},
        {"", "null"},
        {"'null'", "\"null\""},
        {"''", "\"\""},
        {"|\n  1", "\"1\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_FREE char *yaml = mem_printf("a:\n  %s", rows[i].yaml);
        AUTO_FREE char *json = parse(yaml, &err);
        AUTO_FREE char *wanted = mem_printf("[{\"a\":%s}]", rows[i].json);
        if (!json)
            fail_msg("%s: %s", rows[i].yaml, err->message);
        assert_string_equal(json, wanted);
    }
}

static void a_number_keeps_its_text(void **state)
{
    (void)state;
    static const struct json_field fields[] = {
        {.key = "version", .type = JSON_STRING},
        JSON_END,
    };
    static const struct json_field numbers[] = {
        {.key = "version", .type = JSON_INT64},
        JSON_END,
    };
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *docs = NULL, *exact = NULL;
    assert_int_equal(yaml_parse("version: 1.10", 13, &docs, NULL), 0);
    char *version = NULL;
    assert_int_equal(
        json_read(fields, cJSON_GetArrayItem(docs, 0), "", JSON_UNKNOWN_REFUSE, &version, &err),
        -1);
    assert_string_equal(err->message, "version: must be a string; put it in quotes: \"1.10\"");

    static const char big[] = "version: 9223372036854775807";
    int64_t number = 0;
    assert_int_equal(yaml_parse(big, strlen(big), &exact, NULL), 0);
    assert_int_equal(
        json_read(numbers, cJSON_GetArrayItem(exact, 0), "", JSON_UNKNOWN_REFUSE, &number, NULL),
        0);
    assert_true(number == INT64_MAX); /* no double could carry it */
}

static void others_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } rows[] = {
        {"a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" is there twice"},
        {"a:\n  b: 1\n  'b': 2\n", "line 3: the key \"b\" is there twice"},
        {"---\na: 1\n---\nb: 1\nb: 2\n", "line 5: the key \"b\" is there twice"},
        {"{a: 1, a: 2}", "line 1: the key \"a\" is there twice"},
        {"a: 1\n? [b]\n: 2\n", "line 2: a key must be a string"},
        {"a: 1\nb: !!str 1\n",
         "line 2: a tag; tags are not read, and text that begins with \"!\" needs quotes"},
        {"a: !mine x\n",
         "line 1: a tag; tags are not read, and text that begins with \"!\" needs quotes"},
        {"a: ! x\n",
         "line 1: a tag; tags are not read, and text that begins with \"!\" needs quotes"},
        {"a:\n  !!map {}\n",
         "line 2: a tag; tags are not read, and text that begins with \"!\" needs quotes"},
        {"- !!seq []\n",
         "line 1: a tag; tags are not read, and text that begins with \"!\" needs quotes"},
        {"!!python/object:os.system x",
         "line 1: a tag; tags are not read, and text that begins with \"!\" needs quotes"},
        {"a: 1\nb: \"x\\0y\"\n", "line 2: a NUL character in a string"},
        {"a: 1\n\"x\\0y\": 2\n", "line 2: a NUL character in a string"},
        {"a: 1\nb: *x\n", "line 2: found undefined alias"},
        {"a: 1\n---\nb: [\n", "line 4: did not find expected node content"},
        {"a: 1\n b: 2\n", "line 2: mapping values are not allowed in this context"},
        {"a:\n\t- b\n", "line 2: found character that cannot start any token"},
        {"a: 'b", "line 1: found unexpected end of stream"},
        {"a: \xff", "byte 3: invalid leading UTF-8 octet"},
        {"a: \x01", "byte 3: control characters are not allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_FREE char *json = parse(rows[i].yaml, &err);
        if (json)
            fail_msg("%s: %s", rows[i].yaml, json);
        assert_string_equal(err->message, rows[i].message);
        assert_int_equal(err->code, ERR_INVALID);
    }
}

/* -- bounds -- */

static void repeat(struct str *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        str_add(out, text);
}

static void expect(const struct str *yaml, enum err_code code, const char *message)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *docs = NULL;
    assert_false(yaml->full);
    if (yaml_parse(yaml->data, yaml->len, &docs, &err) == 0)
        fail_msg("taken, but \"%s\" was expected", message);
    assert_string_equal(err->message, message);
    assert_int_equal(err->code, code);
}

static void depth_is_bounded_as_in_json(void **state)
{
    (void)state;
    AUTO_STR struct str deepest = STR_INIT(10000), deeper = STR_INIT(10000),
                        block = STR_INIT(10000);
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *docs = NULL;
    repeat(&deepest, "[", LIMIT_JSON_DEPTH);
    str_add(&deepest, "1");
    repeat(&deepest, "]", LIMIT_JSON_DEPTH);
    assert_int_equal(yaml_parse(deepest.data, deepest.len, &docs, &err), 0);

    str_add(&deeper, "a: 1\nb:\n  ");
    repeat(&deeper, "[", LIMIT_JSON_DEPTH);
    repeat(&deeper, "]", LIMIT_JSON_DEPTH);
    expect(&deeper, ERR_LIMIT, "line 3: nested deeper than 64");
    repeat(&block, "- ", LIMIT_JSON_DEPTH + 1);
    expect(&block, ERR_LIMIT, "line 1: nested deeper than 64");
}

static void an_alias_does_not_nest_deeper(void **state)
{
    (void)state;
    AUTO_STR struct str circle = STR_INIT(100), stairs = STR_INIT(100000);
    str_add(&circle, "a: &a\n- [*a, *a]\n");
    expect(&circle, ERR_LIMIT, "line 2: nested deeper than 64");
    str_add(&stairs, "- &a0 []\n");
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++)
        str_printf(&stairs, "- &a%d [*a%d]\n", i + 1, i);
    expect(&stairs, ERR_LIMIT, "line 1: nested deeper than 64");
}

/* "A billion laughs". */
static void an_alias_bomb_is_refused(void **state)
{
    (void)state;
    AUTO_STR struct str bomb = STR_INIT(10000);
    str_add(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        str_printf(&bomb, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            str_printf(&bomb, "%s*a%d", j ? "," : "", i - 1);
        str_add(&bomb, "]\n");
    }
    expect(&bomb, ERR_LIMIT, "line 1: more than 1000000 values, aliases expanded");
}

static void many_small_bombs_count_together(void **state)
{
    (void)state;
    AUTO_STR struct str bombs = STR_INIT(100000);
    for (int i = 0; i < 20; i++) {
        str_add(&bombs, "---\na: &a [0,0,0,0,0,0,0,0,0,0]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                        "e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n");
    }
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *docs = NULL;
    assert_int_equal(yaml_parse(bombs.data, bombs.len, &docs, &err), -1);
    assert_int_equal(err->code, ERR_LIMIT);
    assert_non_null(strstr(err->message, "more than 1000000 values, aliases expanded"));
}

static void aliases_of_long_strings_are_bounded(void **state)
{
    (void)state;
    AUTO_STR struct str yaml = STR_INIT(LIMIT_MIB(2));
    str_add(&yaml, "a: &a ");
    repeat(&yaml, "0123456789abcdef", 65536); /* 1 MiB */
    str_add(&yaml, "\nb:\n");
    repeat(&yaml, "- *a\n", 1000);
    expect(&yaml, ERR_LIMIT, "line 1: more than 33554432 bytes of text, aliases expanded");
}

static void anchors_are_bounded(void **state)
{
    (void)state;
    AUTO_STR struct str yaml = STR_INIT(LIMIT_MIB(1));
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *docs = NULL;
    for (int i = 0; i < LIMIT_YAML_ANCHORS; i++)
        str_printf(&yaml, "- &a%d x\n", i);
    assert_int_equal(yaml_parse(yaml.data, yaml.len, &docs, &err), 0);
    str_add(&yaml, "- &more x\n");
    expect(&yaml, ERR_LIMIT, "line 1001: more than 1000 anchors");
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    AUTO_STR struct str values = STR_INIT(LIMIT_MIB(4)), file = STR_INIT(LIMIT_YAML_FILE);
    str_add(&values, "[");
    repeat(&values, "1,", LIMIT_YAML_NODES);
    str_add(&values, "]");
    expect(&values, ERR_LIMIT, "line 1: more than 1000000 values");
    repeat(&file, "# 567890123456\n#", LIMIT_YAML_FILE / 16);
    expect(&file, ERR_LIMIT, "the file is too large: at most 16777216 bytes");
}

/* A search through all keys before would take minutes. */
static void a_mapping_of_many_keys_is_read_at_once(void **state)
{
    (void)state;
    AUTO_STR struct str yaml = STR_INIT(LIMIT_MIB(8));
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *docs = NULL;
    for (int i = 0; i < 300000; i++)
        str_printf(&yaml, "k%d: 1\n", i);
    assert_int_equal(yaml_parse(yaml.data, yaml.len, &docs, &err), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetArrayItem(docs, 0)), 300000);
}

/* -- writing -- */

static void trees_are_written_as_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *json, *yaml;
    } rows[] = {
        {"{\"a\":{\"b\":[1,\"x\",{\"c\":null,\"d\":true}]},\"e\":{},\"f\":[]}",
         "a:\n  b:\n  - 1\n  - x\n  - c: null\n    d: true\ne: {}\nf: []\n"},
        {"{\"version\":\"1.0.0\"}", "version: '1.0.0'\n"},
        {"{\"a\":1.5,\"b\":-3}", "a: 1.5\nb: -3\n"},
        {"{\"a\":\"\"}", "a: ''\n"},
        {"{\"a\":\"x: y\"}", "a: 'x: y'\n"},
        {"{\"a\":\"two\\nlines\\n\"}", "a: \"two\\nlines\\n\"\n"},
        {"{\"a\":\"\xc3\xa4\"}", "a: \xc3\xa4\n"},
        {"{\"yes\":\"no\",\"1\":\"true\"}", "'yes': 'no'\n'1': 'true'\n"},
        {"{\"a\":\"http://x:80/y.jar\"}", "a: http://x:80/y.jar\n"},
        {"{\"a\":\"\xff\xc3\"}", "a: \xef\xbf\xbd\xef\xbf\xbd\n"},
        {"{\"\xff\":1}", "\xef\xbf\xbd: 1\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON cJSON *json = json_parse(rows[i].json, strlen(rows[i].json), 1000, NULL);
        AUTO_FREE char *yaml = yaml_text(json);
        assert_string_equal(yaml, rows[i].yaml);
    }
}

static void check_round_trip(const char *string)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *object = cJSON_CreateObject(), *docs = NULL;
    cJSON_AddStringToObject(object, string, string);
    cJSON *array = cJSON_AddArrayToObject(object, "list of the same");
    cJSON_AddItemToArray(array, cJSON_CreateString(string));
    AUTO_FREE char *yaml = yaml_text(object);
    if (yaml_parse(yaml, strlen(yaml), &docs, &err) < 0)
        fail_msg("%s: %s", yaml, err->message);
    if (!cJSON_Compare(object, cJSON_GetArrayItem(docs, 0), true))
        fail_msg("\"%s\" is another after %s", string, yaml);
}

static void strings_come_back_as_they_were(void **state)
{
    (void)state;
    static const char *const strings[] = {"",
                                          " ",
                                          "a",
                                          " a",
                                          "a ",
                                          "a b",
                                          "a  b",
                                          "-",
                                          "- a",
                                          "-a",
                                          "?",
                                          "? a",
                                          ":",
                                          "a:",
                                          ": a",
                                          "a: b",
                                          "a:b",
                                          "#",
                                          "# a",
                                          "a #b",
                                          "a#b",
                                          "&a",
                                          "*a",
                                          "!a",
                                          "!!str",
                                          "|",
                                          ">",
                                          "%a",
                                          "@a",
                                          "`a",
                                          "'",
                                          "''",
                                          "\"",
                                          "\"\"",
                                          "'a'",
                                          "\"a\"",
                                          "a'b",
                                          "a\"b",
                                          "[",
                                          "]",
                                          "[a]",
                                          "{",
                                          "{a: b}",
                                          ",",
                                          "a,b",
                                          "\\",
                                          "\\n",
                                          "---",
                                          "...",
                                          "--- a",
                                          "~",
                                          "null",
                                          "Null",
                                          "true",
                                          "FALSE",
                                          "yes",
                                          "No",
                                          "ON",
                                          "off",
                                          "y",
                                          "N",
                                          "=",
                                          "<<",
                                          "1",
                                          "-1",
                                          "+1",
                                          "1.0",
                                          "1.0.0",
                                          ".5",
                                          "1e3",
                                          "0x1F",
                                          "0o17",
                                          "017",
                                          "1_000",
                                          "0b1",
                                          ".inf",
                                          "-.INF",
                                          ".nan",
                                          "1:30",
                                          "2026-11-23",
                                          "2026-11-23T08:00:00Z",
                                          "\n",
                                          "a\n",
                                          "\na",
                                          "a\nb",
                                          "a\n\nb",
                                          "a\n b",
                                          " a\nb ",
                                          "a \nb",
                                          "\n\n",
                                          "a\r",
                                          "\r\n",
                                          "a\rb",
                                          "\t",
                                          "a\tb",
                                          "\ta",
                                          "\x01",
                                          "\x1b[0m",
                                          "\x7f",
                                          "\xc2\x80",
                                          "\xc2\x85",
                                          ("a\xc2\x85"
                                           "b"),
                                          ("a\xe2\x80\xa8"
                                           "b"),
                                          "\xe2\x80\xa9",
                                          "\xc2\xa0",
                                          "\xef\xbb\xbf",
                                          "a\xef\xbb\xbf",
                                          "\xef\xbf\xbd",
                                          "\xef\xbf\xbe",
                                          "\xf0\x9f\x98\x80",
                                          "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < ARRAY_LEN(strings); i++)
        check_round_trip(strings[i]);
    AUTO_STR struct str lengthy = STR_INIT(100000);
    repeat(&lengthy, "many words ", 500); /* longer than a line, and than a simple key may be */
    check_round_trip(str_text(&lengthy));
}

static void numbers_come_back_as_they_were(void **state)
{
    (void)state;
    static const char text[] = "[0,-1,2147483648,1.5,0.001,1e-9,1e20,-1e300,123456789012345]";
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), 1000, NULL), *docs = NULL;
    AUTO_FREE char *yaml = yaml_text(json);
    assert_int_equal(yaml_parse(yaml, strlen(yaml), &docs, NULL), 0);
    assert_true(cJSON_Compare(json, cJSON_GetArrayItem(docs, 0), true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_read),
        cmocka_unit_test(plain_scalars_have_types),
        cmocka_unit_test(a_number_keeps_its_text),
        cmocka_unit_test(others_are_refused_with_their_line),
        cmocka_unit_test(depth_is_bounded_as_in_json),
        cmocka_unit_test(an_alias_does_not_nest_deeper),
        cmocka_unit_test(an_alias_bomb_is_refused),
        cmocka_unit_test(many_small_bombs_count_together),
        cmocka_unit_test(aliases_of_long_strings_are_bounded),
        cmocka_unit_test(anchors_are_bounded),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_mapping_of_many_keys_is_read_at_once),
        cmocka_unit_test(trees_are_written_as_blocks),
        cmocka_unit_test(strings_come_back_as_they_were),
        cmocka_unit_test(numbers_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
