/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/str.h"

struct inner {
    char *name;
    int32_t n;
};

/* One field of each type. */
struct outer {
    char *name;
    int32_t replicas;
    int64_t bytes;
    bool pause;
    int64_t created_ms;
    struct json_map labels;
    struct inner inner;
    struct json_array items;
    struct json_strings words;
    char *raw;
    struct int_or_percent max_unavailable;
    int32_t drain;
    bool drain_set;
    bool kept;
    int32_t gray;
    char *policy;
};

static const struct json_field inner_fields[] = {
    JSON_FIELD(struct inner, "name", JSON_STRING, name, JSON_REQUIRED),
    JSON_FIELD(struct inner, "n", JSON_INT32, n, 0),
    JSON_END,
};

static const struct json_field outer_fields[] = {
    JSON_FIELD(struct outer, "name", JSON_STRING, name, 0),
    JSON_FIELD(struct outer, "replicas", JSON_INT32, replicas, 0),
    JSON_FIELD(struct outer, "bytes", JSON_INT64, bytes, 0),
    JSON_FIELD(struct outer, "pause", JSON_BOOL, pause, 0),
    JSON_FIELD(struct outer, "created", JSON_TIME, created_ms, 0),
    JSON_FIELD(struct outer, "labels", JSON_STRING_MAP, labels, 0),
    JSON_FIELD_OBJECT(struct outer, "inner", inner, inner_fields, 0),
    JSON_FIELD_ARRAY(struct outer, "items", items, inner_fields, struct inner),
    JSON_FIELD(struct outer, "words", JSON_STRINGS, words, 0),
    JSON_FIELD(struct outer, "raw", JSON_TEXT, raw, 0),
    JSON_FIELD(struct outer, "maxUnavailable", JSON_INT_OR_PERCENT, max_unavailable, 0),
    JSON_FIELD_SET(struct outer, "drain", JSON_INT32, drain, drain_set),
    JSON_FIELD(struct outer, "kept", JSON_BOOL, kept, JSON_KEEP_ZERO),
    JSON_FIELD(struct outer, "graySeconds", JSON_INT32, gray, 0),
    JSON_FIELD(struct outer, "gray", JSON_INT32, gray, JSON_ALIAS),
    JSON_FIELD(struct outer, "policy", JSON_STRING, policy, 0),
    JSON_FIELD(struct outer, "strategy", JSON_STRING, policy, JSON_ALIAS),
    JSON_END,
};

static int read_into(const struct json_field *table, const char *text, enum json_unknown unknown,
                     void *out, struct err **err)
{
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), 10000, err);
    return json ? json_read(table, json, "", unknown, out, err) : -1;
}

/* What is read and written again, for each type. "{"kept":false}" is always there. */
static void values_come_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written; /* written NULL: as text */
    } rows[] = {
        {"\"name\":\"a\"", NULL},
        {"\"name\":\"\"", ""},
        {"\"name\":null", ""},
        {"\"replicas\":-2147483648", NULL},
        {"\"replicas\":2147483647", NULL},
        {"\"replicas\":0", ""},
        {"\"replicas\":1.0", "\"replicas\":1"},
        {"\"replicas\":1e3", "\"replicas\":1000"},
        {"\"bytes\":999999999999999", NULL},
        {"\"bytes\":-999999999999999", NULL},
        {"\"bytes\":1000000000000000", "\"bytes\":\"1000000000000000\""},
        {"\"bytes\":-9007199254740992", "\"bytes\":\"-9007199254740992\""},
        {"\"bytes\":\"12\"", "\"bytes\":12"},
        {"\"bytes\":\"9007199254740993\"", NULL}, /* no double */
        {"\"bytes\":\"9223372036854775807\"", NULL},
        {"\"bytes\":\"-9223372036854775808\"", NULL},
        {"\"pause\":true", NULL},
        {"\"pause\":false", ""},
        {"\"created\":\"2026-11-23T08:00:00Z\"", NULL},
        {"\"created\":\"2026-11-23T09:00:00.5+01:00\"", "\"created\":\"2026-11-23T08:00:00.500Z\""},
        {"\"labels\":{\"a\":\"1\",\"b.c/d\":\"\"}", NULL},
        {"\"labels\":{}", ""},
        {"\"inner\":{\"name\":\"x\",\"n\":7}", NULL},
        {"\"inner\":null", ""},
        {"\"items\":[{\"name\":\"x\"},{\"name\":\"y\",\"n\":1}]", NULL},
        {"\"items\":[]", ""},
        {"\"words\":[\"a\",\"\",\"b\"]", NULL},
        {"\"words\":[]", ""},
        {"\"raw\":{\"any\":[1,null,\"x\"]}", NULL},
        {"\"raw\":\"text\"", NULL},
        {"\"raw\":0", NULL},
        {"\"maxUnavailable\":3", NULL},
        {"\"maxUnavailable\":0", NULL},
        {"\"maxUnavailable\":\"3\"", "\"maxUnavailable\":3"},
        {"\"maxUnavailable\":\"25%\"", NULL},
        {"\"maxUnavailable\":\"0%\"", NULL},
        {"\"maxUnavailable\":\"100%\"", NULL},
        {"\"drain\":5", NULL},
        {"\"drain\":0", NULL}, /* was given */
        {"\"drain\":null", ""},
        {"\"gray\":5", "\"graySeconds\":5"},
        {"\"graySeconds\":5,\"gray\":null", "\"graySeconds\":5"},
        {"\"strategy\":\"s\"", "\"policy\":\"s\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct outer outer = {0};
        AUTO_FREE char *text = mem_printf("{%s}", rows[i].text);
        if (read_into(outer_fields, text, JSON_UNKNOWN_REFUSE, &outer, &err) < 0)
            fail_msg("%s: %s", text, err->message);
        AUTO_JSON cJSON *json = json_write(outer_fields, &outer);
        assert_true(cJSON_IsFalse(json_get(json, "kept")));
        cJSON_DeleteItemFromObject(json, "kept");
        const char *expected = rows[i].written ? rows[i].written : rows[i].text;
        AUTO_FREE char *wanted = mem_printf("{%s}", expected);
        AUTO_FREE char *written = json_text(json);
        assert_string_equal(written, wanted);
        json_release(outer_fields, &outer);
    }
}

static void values_arrive_in_their_fields(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\":\"a\",\"replicas\":-1,\"bytes\":\"9007199254740993\",\"pause\":true,"
        "\"created\":\"1970-01-01T00:00:01.5Z\",\"labels\":{\"k\":\"v\"},\"inner\":{\"name\":\"i\"}"
        ","
        "\"items\":[{\"name\":\"x\"},{\"name\":\"y\",\"n\":2}],\"words\":[\"w\"],\"raw\":[1],"
        "\"maxUnavailable\":\"25%\",\"drain\":0}";
    struct outer o = {0};
    if (read_into(outer_fields, text, JSON_UNKNOWN_REFUSE, &o, NULL) < 0) {
        fail_msg("refused: %s", text);
        return;
    }
    assert_string_equal(o.name, "a");
    assert_int_equal(o.replicas, -1);
    assert_true(o.bytes == INT64_C(9007199254740993));
    assert_true(o.pause);
    assert_int_equal(o.created_ms, 1500);
    assert_string_equal(json_map_get(&o.labels, "k"), "v");
    assert_string_equal(o.inner.name, "i");
    assert_int_equal(o.items.len, 2);
    assert_string_equal(((struct inner *)o.items.items)[1].name, "y");
    assert_int_equal(((struct inner *)o.items.items)[1].n, 2);
    assert_string_equal(o.words.items[0], "w");
    assert_string_equal(o.raw, "[1]");
    assert_int_equal(o.max_unavailable.kind, INT_OR_PERCENT_PERCENT);
    assert_int_equal(o.max_unavailable.value, 25);
    assert_true(o.drain_set);
    json_release(outer_fields, &o);
    static const struct outer nothing;
    assert_null(o.name);
    assert_memory_equal(&o.items, &nothing.items, sizeof(o.items));
}

static void wrong_values_are_named_by_their_path(void **state)
{
    (void)state;
    static const struct {
        const char *text, *field, *message; /* what comes behind "field: " */
    } rows[] = {
        {"\"name\":1.5", "name", "must be a string; put it in quotes"},
        {"\"name\":true", "name", "must be a string; put it in quotes"},
        {"\"name\":[]", "name", "must be a string"},
        {"\"replicas\":\"1\"", "replicas", "must be an integer"},
        {"\"replicas\":1.5", "replicas", "must be an integer"},
        {"\"replicas\":true", "replicas", "must be an integer"},
        {"\"replicas\":2147483648", "replicas", "must be between -2147483648 and 2147483647"},
        {"\"replicas\":-2147483649", "replicas", "must be between -2147483648 and 2147483647"},
        {"\"replicas\":1e300", "replicas", "must be between -2147483648 and 2147483647"},
        {"\"bytes\":9007199254740994", "bytes", "is too large for a number; put it in quotes"},
        {"\"bytes\":1e999", "bytes", "is too large for a number; put it in quotes"},
        {"\"bytes\":\"9223372036854775808\"", "bytes", "must be an integer"},
        {"\"bytes\":\"\"", "bytes", "must be an integer"},
        {"\"pause\":1", "pause", "must be true or false"},
        {"\"pause\":\"true\"", "pause", "must be true or false"},
        {"\"created\":5", "created", "must be an RFC 3339 time"},
        {"\"created\":\"yesterday\"", "created", "must be an RFC 3339 time"},
        {"\"labels\":[]", "labels", "must be an object of strings"},
        {"\"labels\":{\"a\":\"1\",\"b\":2}", "labels.b", "must be a string; put it in quotes"},
        {"\"inner\":[]", "inner", "must be an object"},
        {"\"inner\":{}", "inner.name", "is required"},
        {"\"inner\":{\"name\":\"\"}", "inner.name", "is required"},
        {"\"inner\":{\"name\":null}", "inner.name", "is required"},
        {"\"inner\":{\"name\":7}", "inner.name", "must be a string; put it in quotes"},
        {"\"items\":{}", "items", "must be a list"},
        {"\"items\":[{\"name\":\"a\"},{\"n\":1}]", "items[1].name", "is required"},
        {"\"items\":[1]", "items[0]", "must be an object"},
        {"\"items\":[{\"name\":\"a\",\"nam\":1}]", "items[0].nam",
         "unknown field (did you mean \"name\"?)"},
        {"\"words\":\"a\"", "words", "must be a list of strings"},
        {"\"words\":[\"a\",2]", "words[1]", "must be a string; put it in quotes"},
        {"\"maxUnavailable\":-1", "maxUnavailable", "must be between 0 and 2147483647"},
        {"\"maxUnavailable\":\"101%\"", "maxUnavailable",
         "must be a number or a percentage from \"0%\" to \"100%\""},
        {"\"maxUnavailable\":\"%\"", "maxUnavailable",
         "must be a number or a percentage from \"0%\" to \"100%\""},
        {"\"maxUnavailable\":\"half\"", "maxUnavailable",
         "must be a number or a percentage from \"0%\" to \"100%\""},
        {"\"replica\":1", "replica", "unknown field (did you mean \"replicas\"?)"},
        {"\"Name\":\"a\"", "Name", "unknown field (did you mean \"name\"?)"},
        {"\"somethingElse\":1", "somethingElse", "unknown field"},
        {"\"somethingElse\":null", "somethingElse", "unknown field"},
        {"\"gray\":1,\"graySeconds\":1", "gray", "must not stand beside graySeconds"},
        {"\"graySeconds\":1,\"gray\":1", "gray", "must not stand beside graySeconds"},
        {"\"policy\":\"a\",\"strategy\":\"b\"", "strategy", "must not stand beside policy"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct outer outer = {0};
        /* Fields that own something stand before the wrong one: they must not leak. */
        AUTO_FREE char *text = mem_printf("{\"raw\":[1],\"kept\":true,%s}", rows[i].text);
        AUTO_FREE char *message = mem_printf("%s: %s", rows[i].field, rows[i].message);
        if (read_into(outer_fields, text, JSON_UNKNOWN_REFUSE, &outer, &err) == 0)
            fail_msg("%s is taken", text);
        assert_int_equal(err->code, ERR_INVALID);
        assert_string_equal(err->field, rows[i].field);
        assert_string_equal(err->message, message);
        static const struct outer nothing;
        assert_memory_equal(&outer, &nothing, sizeof(outer)); /* as if nothing had been read */
    }
}

static void unknown_fields_can_be_ignored_at_any_depth(void **state)
{
    (void)state;
    struct outer o = {0};
    assert_int_equal(read_into(outer_fields,
                               "{\"x\":1,\"inner\":{\"name\":\"a\",\"y\":{}},"
                               "\"items\":[{\"name\":\"b\",\"z\":null}]}",
                               JSON_UNKNOWN_IGNORE, &o, NULL),
                     0);
    assert_string_equal(o.inner.name, "a");
    json_release(outer_fields, &o);
}

static void the_path_of_the_caller_stands_before(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path, *field;
    } rows[] = {
        {"[]", "", "document"},
        {"[]", "spec", "spec"},
        {"{\"pause\":1}", "spec", "spec.pause"},
        {"{\"items\":[{}]}", "spec", "spec.items[0].name"},
        {"{\"paus\":1}", "spec", "spec.paus"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct outer outer = {0};
        AUTO_JSON cJSON *json = json_parse(rows[i].text, strlen(rows[i].text), 1000, NULL);
        assert_int_equal(
            json_read(outer_fields, json, rows[i].path, JSON_UNKNOWN_REFUSE, &outer, &err), -1);
        assert_string_equal(err->field, rows[i].field);
    }
}

static void an_alias_meets_what_is_required(void **state)
{
    (void)state;
    static const struct json_field fields[] = {
        JSON_FIELD(struct inner, "name", JSON_STRING, name, JSON_REQUIRED),
        JSON_FIELD(struct inner, "title", JSON_STRING, name, JSON_ALIAS),
        JSON_END,
    };
    AUTO_ERR struct err *err = NULL;
    struct inner inner = {0};
    assert_int_equal(read_into(fields, "{\"title\":\"a\"}", JSON_UNKNOWN_REFUSE, &inner, NULL), 0);
    assert_string_equal(inner.name, "a");
    json_release(fields, &inner);
    assert_int_equal(read_into(fields, "{\"title\":\"\"}", JSON_UNKNOWN_REFUSE, &inner, &err), -1);
    assert_string_equal(err->field, "name");
}

static void empty_fields_are_kept_where_the_table_says_so(void **state)
{
    (void)state;
    static const struct json_field fields[] = {
        JSON_FIELD(struct outer, "s", JSON_STRING, name, JSON_KEEP_ZERO),
        JSON_FIELD(struct outer, "i", JSON_INT32, replicas, JSON_KEEP_ZERO),
        JSON_FIELD(struct outer, "l", JSON_INT64, bytes, JSON_KEEP_ZERO),
        JSON_FIELD(struct outer, "b", JSON_BOOL, pause, JSON_KEEP_ZERO),
        JSON_FIELD(struct outer, "m", JSON_STRING_MAP, labels, JSON_KEEP_ZERO),
        JSON_FIELD(struct outer, "w", JSON_STRINGS, words, JSON_KEEP_ZERO),
        JSON_FIELD_OBJECT(struct outer, "o", inner, inner_fields, JSON_KEEP_ZERO),
        JSON_END,
    };
    struct outer outer = {0};
    AUTO_JSON cJSON *json = json_write(fields, &outer);
    AUTO_FREE char *text = json_text(json);
    assert_string_equal(text,
                        "{\"s\":\"\",\"i\":0,\"l\":0,\"b\":false,\"m\":{},\"w\":[],\"o\":{}}");
    AUTO_JSON cJSON *left_out = json_write(outer_fields, &outer);
    AUTO_FREE char *short_text = json_text(left_out);
    assert_string_equal(short_text, "{\"kept\":false}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(values_arrive_in_their_fields),
        cmocka_unit_test(wrong_values_are_named_by_their_path),
        cmocka_unit_test(unknown_fields_can_be_ignored_at_any_depth),
        cmocka_unit_test(the_path_of_the_caller_stands_before),
        cmocka_unit_test(an_alias_meets_what_is_required),
        cmocka_unit_test(empty_fields_are_kept_where_the_table_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
