/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/bodies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/store/kubernetes/query.h"

static void test_creates_get_their_type(void **state)
{
    (void)state;
    AUTO_FREE char *namespace = NULL, *name = NULL;
    AUTO_FREE char *body = body_create(
        KIND_MODULE, "{\"metadata\":{\"name\":\"m\",\"namespace\":\"shop\"},\"spec\":{\"a\":1}}",
        &namespace, &name, NULL);
    assert_string_equal(body, "{\"metadata\":{\"name\":\"m\",\"namespace\":\"shop\"},\"spec\":{"
                              "\"a\":1},\"kind\":\"Module\","
                              "\"apiVersion\":\"koupleless.alipay.com/v1alpha1\"}");
    assert_string_equal(namespace, "shop");
    assert_string_equal(name, "m");
}

static void test_events_are_those_of_the_core_api(void **state)
{
    (void)state;
    AUTO_FREE char *namespace = NULL, *name = NULL;
    AUTO_FREE char *body = body_create(
        KIND_EVENT,
        "{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e\","
        "\"namespace\":\"shop\"},\"involvedObject\":{\"kind\":\"Module\",\"name\":\"m\"}}",
        &namespace, &name, NULL);
    assert_string_equal(
        body, "{\"kind\":\"Event\",\"metadata\":{\"name\":\"e\",\"namespace\":\"shop\"},"
              "\"involvedObject\":{\"kind\":\"Module\",\"name\":\"m\",\"apiVersion\":\"" API_VERSION
              "\",\"namespace\":\"shop\"},\"apiVersion\":\"v1\",\"source\":{\"component\":"
              "\"koupleless-controller\"},\"reportingComponent\":\"koupleless-controller\"}");
}

static void test_creates_without_identity_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *field;
    } rows[] = {
        {"", NULL},
        {"[]", NULL},
        {"{}", "metadata.name"},
        {"{\"metadata\":7}", "metadata.name"},
        {"{\"metadata\":{\"namespace\":\"shop\"}}", "metadata.name"},
        {"{\"metadata\":{\"name\":\"m\"}}", "metadata.namespace"},
        {"{\"metadata\":{\"name\":\"m\",\"namespace\":\"\"}}", "metadata.namespace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *namespace = NULL, *name = NULL;
        AUTO_ERR struct err *err = NULL;
        assert_null(body_create(KIND_MODULE, rows[i].json, &namespace, &name, &err));
        assert_int_equal(err->code, ERR_INVALID);
        if (rows[i].field)
            assert_string_equal(err->field, rows[i].field);
    }
}

static void test_patches_carry_their_part_and_precondition(void **state)
{
    (void)state;
    static const struct {
        enum store_part part;
        const char *patch, *version, *body;
    } rows[] = {
        {STORE_MAIN, "{}", NULL, "{}"},
        {STORE_MAIN, "{\"spec\":{\"a\":null}}", "7",
         "{\"spec\":{\"a\":null},\"metadata\":{\"resourceVersion\":\"7\"}}"},
        {STORE_MAIN,
         "{\"metadata\":{\"generation\":9,\"uid\":\"u\",\"resourceVersion\":\"1\",\"labels\":{"
         "\"a\":null},"
         "\"finalizers\":null}}",
         NULL, "{\"metadata\":{\"labels\":{\"a\":null},\"finalizers\":null,\"uid\":\"u\"}}"},
        {STORE_STATUS, "{\"metadata\":{\"labels\":{\"a\":\"1\"}},\"spec\":{},\"status\":{\"b\":1}}",
         NULL, "{\"status\":{\"b\":1}}"},
        {STORE_STATUS, "{\"status\":{\"b\":1}}", "7",
         "{\"status\":{\"b\":1},\"metadata\":{\"resourceVersion\":\"7\"}}"},
        {STORE_STATUS, "{\"spec\":{}}", NULL, "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *body = body_patch(rows[i].part, rows[i].patch, rows[i].version, NULL);
        assert_string_equal(body, rows[i].body);
    }
    static const char *const wrong[] = {"", "[]", "{", "{\"metadata\":[]}"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO_ERR struct err *err = NULL;
        assert_null(body_patch(STORE_MAIN, wrong[i], NULL, &err));
        assert_int_equal(err->code, ERR_INVALID);
    }
}

static void test_deletes_name_what_they_mean(void **state)
{
    (void)state;
    AUTO_FREE char *any = body_delete(NULL, NULL);
    assert_string_equal(any, "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\","
                             "\"propagationPolicy\":\"Background\",\"preconditions\":{}}");
    AUTO_FREE char *exact = body_delete("u-1", "7");
    assert_string_equal(exact,
                        "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"propagationPolicy\":"
                        "\"Background\",\"preconditions\":{\"uid\":\"u-1\",\"resourceVersion\":"
                        "\"7\"}}");
}

static void test_queries_become_selectors(void **state)
{
    (void)state;
    static const struct {
        const char *given, *labels;
    } rows[] = {
        {"a=1", "a in (1)"},
        {"a!=1,b in (x,y),c notin (z),d,!e", "a notin (1),b in (x,y),c notin (z),d,!e"},
        {"a=", "a in ()"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct selector selector = {0};
        assert_int_equal(selector_parse(rows[i].given, &selector, NULL), 0);
        AUTO_FREE char *labels = query_labels(&selector);
        assert_string_equal(labels, rows[i].labels);
        selector_done(&selector);
    }
    assert_null(query_labels(NULL));
    assert_null(query_labels(&(struct selector){0}));

    assert_null(query_fields(&(struct store_query){.kind = KIND_MODULE}));
    AUTO_FREE char *name = query_fields(&(struct store_query){.kind = KIND_MODULE, .name = "m"});
    assert_string_equal(name, "metadata.name=m");
    AUTO_FREE char *odd = query_fields(&(struct store_query){.kind = KIND_MODULE, .name = "a,b=c"});
    assert_string_equal(odd, "metadata.name=a\\,b\\=c");
    AUTO_FREE char *events = query_fields(&(struct store_query){.kind = KIND_EVENT});
    assert_string_equal(events, "source=koupleless-controller");
    AUTO_FREE char *event = query_fields(&(struct store_query){.kind = KIND_EVENT, .name = "e"});
    assert_string_equal(event, "metadata.name=e,source=koupleless-controller");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creates_get_their_type),
        cmocka_unit_test(test_events_are_those_of_the_core_api),
        cmocka_unit_test(test_creates_without_identity_are_refused),
        cmocka_unit_test(test_patches_carry_their_part_and_precondition),
        cmocka_unit_test(test_deletes_name_what_they_mean),
        cmocka_unit_test(test_queries_become_selectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
