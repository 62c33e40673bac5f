/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

static int read_text(const char *selector, const char *labels, struct deployment_read *out,
                     struct err **err)
{
    AUTO_FREE char *text =
        mem_printf("{\"metadata\":{\"name\":\"d\",\"labels\":{%s}},\"spec\":{\"selector\":%s}}",
                   labels, selector);
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    assert_non_null(json);
    return deployment_read(json, out, err);
}

#define LABELS(text) "{\"matchLabels\":{" text "}}"
#define EXPRESSION(key, operator, values)                                                          \
    "{\"matchExpressions\":[{\"key\":\"" key "\",\"operator\":\"" operator"\",\"values\":[" values \
                                                                          "]}]}"

static void selectors(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *want;
    } rows[] = {
        {LABELS("\"app\":\"stock\""), "app=stock"},
        {LABELS("\"app\":\"stock\",\"x.io/tier\":\"\""), "app=stock,x.io/tier="},
        {EXPRESSION("app", "In", "\"a\",\"b\""), "app in (a,b)"},
        {EXPRESSION("app", "NotIn", "\"a\""), "app notin (a)"},
        {EXPRESSION("app", "Exists", ""), "app"},
        {EXPRESSION("app", "DoesNotExist", ""), "!app"},
        {"{\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"c\",\"operator\":"
         "\"Exists\"},{\"key\":\"d\",\"operator\":\"DoesNotExist\"}]}",
         "a=b,c,!d"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct deployment_read read;
        assert_int_equal(read_text(rows[i].selector, "", &read, NULL), 0);
        assert_string_equal(read.selector, rows[i].want);
        deployment_read_done(&read);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *field;
    } rows[] = {
        {"{}", "spec.selector"},
        {"[]", "spec.selector"},
        {"null", "spec.selector"},
        {LABELS("\"a\":\"b,c\""), "spec.selector.matchLabels[a]"},
        {EXPRESSION("a b", "Exists", ""), "spec.selector.matchExpressions"},
        {EXPRESSION("a", "In", "\"b),(c\""), "spec.selector.matchExpressions"},
        {EXPRESSION("a", "Near", "\"b\""), "spec.selector.matchExpressions"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct deployment_read read;
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(read_text(rows[i].selector, "", &read, &err), -1);
        assert_true(str_starts_with(err->field, "spec.selector"));
        assert_true(str_starts_with(rows[i].field, err->field) ||
                    str_starts_with(err->field, rows[i].field));
    }
}

/* Of its labels one alone counts: the limit. */
static void equality(void **state)
{
    (void)state;
    struct deployment_read a, same, limited, other;
    assert_int_equal(read_text(LABELS("\"app\":\"x\""), "", &a, NULL), 0);
    assert_int_equal(read_text(LABELS("\"app\":\"x\""), "\"team\":\"t\"", &same, NULL), 0);
    assert_int_equal(read_text(LABELS("\"app\":\"x\""),
                               "\"koupleless.alipay.com/max-module-count\":\"3\"", &limited, NULL),
                     0);
    assert_int_equal(read_text(LABELS("\"app\":\"y\""), "", &other, NULL), 0);
    assert_true(deployment_reads_equal(&a, &same));
    assert_false(deployment_reads_equal(&a, &limited));
    assert_false(deployment_reads_equal(&a, &other));
    deployment_read_done(&a);
    deployment_read_done(&same);
    deployment_read_done(&limited);
    deployment_read_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors),
        cmocka_unit_test(refused),
        cmocka_unit_test(equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
