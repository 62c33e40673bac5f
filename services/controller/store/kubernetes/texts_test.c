/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

#define TYPE "{\"apiVersion\":\"koupleless.alipay.com/v1alpha1\",\"kind\":\"Module\""
#define NAMES "\"name\":\"m\",\"namespace\":\"shop\",\"uid\":\"u-1\",\"resourceVersion\":\"17\""

static void test_objects_become_documents(void **state)
{
    (void)state;
    static const struct {
        const char *object, *json;
    } rows[] = {
        {TYPE ",\"metadata\":{" NAMES "},\"spec\":{}}",
         TYPE ",\"metadata\":{" NAMES "},\"spec\":{}}"},
        /* An item of a list has no type. */
        {"{\"metadata\":{" NAMES "}}", TYPE ",\"metadata\":{" NAMES "}}"},
        /* Whoever managed which field is nobody's business here. */
        {"{\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"f:a]\":{}}}]," NAMES "}}",
         TYPE ",\"metadata\":{" NAMES "}}"},
        {"{\"metadata\":{" NAMES ",\"managedFields\":[]},\"status\":null}\n",
         TYPE ",\"metadata\":{" NAMES "},\"status\":null}"},
        {"{\"metadata\":{\"a\":[{\"b\":\"}\\\"]\"},2],\"managedFields\":[]," NAMES
         ",\"z\":{}},\"kind\":\"Other\"}",
         TYPE ",\"metadata\":{\"a\":[{\"b\":\"}\\\"]\"},2]," NAMES ",\"z\":{}}}"},
        {" { \"metadata\" : { " NAMES " } , \"n\" : -1.5e3 } ",
         TYPE ",\"metadata\":{" NAMES "},\"n\":-1.5e3}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct document document;
        AUTO_FREE char *memory = NULL;
        assert_int_equal(text_read(KIND_MODULE, span_of(rows[i].object), &document, &memory, NULL),
                         0);
        assert_string_equal(document.json, rows[i].json);
        assert_int_equal(document.json_len, strlen(rows[i].json));
        assert_string_equal(document.namespace, "shop");
        assert_string_equal(document.name, "m");
        assert_string_equal(document.uid, "u-1");
        assert_string_equal(document.resource_version, "17");
    }
}

static void test_what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "x",
        "[]",
        "null",
        "{",
        "{}",
        "{\"metadata\":{}}",
        "{\"metadata\":[]}",
        "{\"metadata\":7}",
        "{\"metadata\":{\"name\":\"m\"}}",
        "{\"metadata\":{\"name\":\"m\",\"resourceVersion\":17}}",
        "{\"metadata\":{\"name\":\"m\\u0041\",\"resourceVersion\":\"17\"}}",
        "{\"metadata\":{" NAMES "}",
        "{\"metadata\":{" NAMES "},\"spec\":{\"a\":\"}}",
        "{\"metadata\":{" NAMES "},\"spec\"}",
        "{\"metadata\":{" NAMES "},}",
        "{\"metadata\":{" NAMES ",}}",
        "{\"metadata\":{" NAMES "} \"spec\":{}}",
        "{\"metadata\":{" NAMES "},\"a\":\"\\",
        "{\"metadata\":{},\"metadata\":{" NAMES "}}",
        "{\"metadata\":{" NAMES "},metadata:{}}",
        "{\"metadata\":{" NAMES "},\"spec\":}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct document document;
        char *memory = NULL;
        AUTO_ERR struct err *err = NULL;
        if (text_read(KIND_MODULE, span_of(rows[i]), &document, &memory, &err) == 0)
            fail_msg("accepted: %s", rows[i]);
        assert_int_equal(err->code, ERR_DATA_LOSS);
        assert_null(memory);
    }
}

/* Cut off anywhere, an object is either refused or not longer than its memory: ASan looks. */
static void test_any_beginning_is_read_within_its_bounds(void **state)
{
    (void)state;
    static const char whole[] = "{\"metadata\":{" NAMES ",\"managedFields\":[{\"a\":\"\\\"\"}]},"
                                "\"spec\":{\"a\":[1,true,\"\\\\\"]}}";
    for (size_t len = 0; len < strlen(whole); len++) {
        AUTO_FREE char *cut = mem_alloc(len + 1);
        memcpy(cut, whole, len);
        struct document document;
        char *memory = NULL;
        assert_int_equal(text_read(KIND_MODULE, (struct span){cut, len}, &document, &memory, NULL),
                         -1);
    }
}

static void test_events_and_services_are_of_their_own_types(void **state)
{
    (void)state;
    static const char object[] =
        "{\"kind\":\"Event\",\"apiVersion\":\"v1\",\"metadata\":{" NAMES "}}";
    struct document document;
    AUTO_FREE char *event = NULL, *service = NULL;
    assert_int_equal(text_read(KIND_EVENT, span_of(object), &document, &event, NULL), 0);
    assert_string_equal(document.json,
                        "{\"apiVersion\":\"koupleless.alipay.com/v1alpha1\",\"kind\":"
                        "\"Event\",\"metadata\":{" NAMES "}}");
    assert_int_equal(text_read(KIND_SERVICE, span_of(object), &document, &service, NULL), 0);
    assert_string_equal(document.json,
                        "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{" NAMES "}}");
}

static void test_lists_are_taken_apart(void **state)
{
    (void)state;
    struct text_list list;
    assert_int_equal(text_read_list(span_of("{\"kind\":\"ModuleList\",\"items\":[{\"a\":1},{}],"
                                            "\"metadata\":{\"continue\":\"abc\","
                                            "\"resourceVersion\":\"9\"}}"),
                                    &list, NULL),
                     0);
    assert_true(span_is(list.resource_version, "9"));
    assert_true(span_is(list.continue_token, "abc"));
    struct scan scan = scan_begin(list.items, '[');
    struct span item;
    assert_true(scan_item(&scan, &item) && span_is(item, "{\"a\":1}"));
    assert_true(scan_item(&scan, &item) && span_is(item, "{}"));
    assert_false(scan_item(&scan, &item));
    assert_false(scan.malformed);

    assert_int_equal(
        text_read_list(span_of("{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":null}"), &list,
                       NULL),
        0);
    assert_int_equal(list.continue_token.len, 0);
    scan = scan_begin(list.items, '[');
    assert_false(scan_item(&scan, &item) || scan.malformed);

    static const char *const none[] = {"", "{}", "{\"items\":[]}", "{\"metadata\":{},\"items\":[]}",
                                       "<html>"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(text_read_list(span_of(none[i]), &list, NULL), -1);
}

static void test_a_delete_tells_what_is_gone(void **state)
{
    (void)state;
    struct span uid;
    assert_true(text_status_uid(
        span_of("{\"kind\":\"Status\",\"status\":\"Success\",\"details\":{\"name\":\"m\",\"uid\":"
                "\"u-1\"}}"),
        &uid));
    assert_true(span_is(uid, "u-1"));
    assert_true(text_status_uid(span_of("{\"kind\":\"Status\"}"), &uid));
    assert_int_equal(uid.len, 0);
    assert_false(text_status_uid(span_of("{\"kind\":\"Module\",\"details\":{}}"), &uid));

    const struct store_key key = {KIND_MODULE, "shop", "m"};
    struct document document;
    AUTO_FREE char *memory = NULL;
    text_read_key(&key, span_of("u-1"), &document, &memory);
    assert_string_equal(document.uid, "u-1");
    assert_string_equal(document.resource_version, "");
    assert_string_equal(document.json, TYPE
                        ",\"metadata\":{\"name\":\"m\",\"namespace\":\"shop\",\"uid\":\"u-1\"}}");
    assert_int_equal(document.json_len, strlen(document.json));
}

static void test_a_bookmark_has_a_version(void **state)
{
    (void)state;
    struct span version;
    assert_true(text_version(
        span_of("{\"kind\":\"Module\",\"metadata\":{\"resourceVersion\":\"44\"}}"), &version));
    assert_true(span_is(version, "44"));
    assert_false(text_version(span_of("{\"metadata\":{}}"), &version));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_become_documents),
        cmocka_unit_test(test_what_is_no_object_is_refused),
        cmocka_unit_test(test_any_beginning_is_read_within_its_bounds),
        cmocka_unit_test(test_events_and_services_are_of_their_own_types),
        cmocka_unit_test(test_lists_are_taken_apart),
        cmocka_unit_test(test_a_delete_tells_what_is_gone),
        cmocka_unit_test(test_a_bookmark_has_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
