/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kube/client.h"

static struct err *of(int status, const char *body)
{
    return kube_status_error(status, body, strlen(body));
}

static void reasons_count_before_the_http_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *reason;
        enum err_code code;
    } rows[] = {
        {409, "AlreadyExists", ERR_EXISTS},
        {409, "Conflict", ERR_CONFLICT},
        {404, "NotFound", ERR_NOT_FOUND},
        {422, "Invalid", ERR_INVALID},
        {400, "BadRequest", ERR_INVALID},
        {403, "Forbidden", ERR_DENIED},
        {401, "Unauthorized", ERR_UNAUTHENTICATED},
        {410, "Expired", ERR_EXPIRED},
        {410, "Gone", ERR_EXPIRED},
        {429, "TooManyRequests", ERR_LIMIT},
        {413, "RequestEntityTooLarge", ERR_LIMIT},
        {504, "Timeout", ERR_TIMEOUT},
        {500, "ServerTimeout", ERR_TIMEOUT},
        {405, "MethodNotAllowed", ERR_UNIMPLEMENTED},
        {500, "InternalError", ERR_UNAVAILABLE},
        {503, "ServiceUnavailable", ERR_UNAVAILABLE},
        {418, "SomethingNew", ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *body =
            mem_printf("{\"kind\":\"Status\",\"message\":\"no\",\"reason\":\"%s\",\"code\":%d}",
                       rows[i].reason, rows[i].status);
        AUTO_ERR struct err *err = of(rows[i].status, body);
        if (err->code != rows[i].code)
            fail_msg("%s: %s", rows[i].reason, err_code_name(err->code));
        assert_string_equal(err->message, "no");
        assert_null(err->field);
    }
}

static void the_first_cause_names_the_field(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = of(
        422, "{\"kind\":\"Status\",\"message\":\"x \\\"m\\\" is invalid\",\"reason\":\"Invalid\","
             "\"details\":{\"causes\":[{\"field\":\"spec.replicas\"},{\"field\":\"spec.x\"}]}}");
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->field, "spec.replicas");
    assert_string_equal(err->message, "x \"m\" is invalid");
}

/* However much of the object is quoted before it. */
static void a_field_that_is_not_known_is_told(void **state)
{
    (void)state;
    char object[5000];
    memset(object, 'x', sizeof(object));
    object[sizeof(object) - 1] = '\0';
    AUTO_FREE char *body =
        mem_printf("{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\" "
                   "is invalid: patch: Invalid value: "
                   "{%s" KUBE_STRICT ": unknown field}: strict decoding error: unknown field "
                   "\\\"spec.a\\\"\",\"details\":{\"causes\":[{\"field\":"
                   "\"patch\"}]}}",
                   object);
    AUTO_ERR struct err *err = of(422, body);
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->message, KUBE_STRICT ": unknown field \"spec.a\"");
    assert_null(err->field);
}

/* In a watch the Status comes with 200; the code in it says more. */
static void the_code_in_the_document_counts(void **state)
{
    (void)state;
    AUTO_ERR struct err *err =
        of(500, "{\"kind\":\"Status\",\"message\":\"too old\",\"code\":410}");
    assert_int_equal(err->code, ERR_EXPIRED);
}

static void what_is_no_status_counts_by_http(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum err_code code;
        const char *body, *message;
    } rows[] = {
        {502, ERR_UNAVAILABLE, "<html>\nBad\tGateway", "HTTP status 502: <html> Bad Gateway"},
        {504, ERR_TIMEOUT, "", "HTTP status 504"},
        {403, ERR_DENIED, "{", "HTTP status 403: {"},
        {404, ERR_UNIMPLEMENTED, "404 page not found\n", "HTTP status 404: 404 page not found"},
        {400, ERR_INVALID, "{\"kind\":\"Status\"}", "HTTP status 400: {\"kind\":\"Status\"}"},
        {409, ERR_CONFLICT, "[]", "HTTP status 409: []"},
        {302, ERR_UNAVAILABLE, "", "HTTP status 302"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = of(rows[i].status, rows[i].body);
        assert_int_equal(err->code, rows[i].code);
        assert_string_equal(err->message, rows[i].message);
    }
}

static void a_long_page_is_cut(void **state)
{
    (void)state;
    char page[5000];
    memset(page, 'x', sizeof(page));
    AUTO_ERR struct err *err = kube_status_error(500, page, sizeof(page));
    assert_true(strlen(err->message) < 300);
}

static void a_long_message_is_cut(void **state)
{
    (void)state;
    AUTO_FREE char *body =
        mem_printf("{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"%05000d\"}", 1);
    AUTO_ERR struct err *err = of(422, body);
    assert_int_equal(err->code, ERR_INVALID);
    assert_int_equal(strlen(err->message), 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_count_before_the_http_status),
        cmocka_unit_test(the_first_cause_names_the_field),
        cmocka_unit_test(a_field_that_is_not_known_is_told),
        cmocka_unit_test(the_code_in_the_document_counts),
        cmocka_unit_test(what_is_no_status_counts_by_http),
        cmocka_unit_test(a_long_page_is_cut),
        cmocka_unit_test(a_long_message_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
