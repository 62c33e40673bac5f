/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/err.h"

static void set_fills_code_and_message(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(err_set(&err, ERR_NOT_FOUND, "module %s:%d", "a", 1), -1);
    assert_int_equal(err->code, ERR_NOT_FOUND);
    assert_string_equal(err->message, "module a:1");
    assert_null(err->reason);
    assert_null(err->field);
}

static void a_field_error_names_its_field(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(err_field(&err, "spec.replicas", "must be >= %d", 0), -1);
    assert_int_equal(err->code, ERR_INVALID);
    assert_string_equal(err->message, "spec.replicas: must be >= 0");
    assert_string_equal(err->field, "spec.replicas");
}

static void wrapping_puts_context_before(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_TIMEOUT, "no answer");
    err_reason(&err, "BASE_SILENT");
    err_reason(&err, "ARKLET_SILENT"); /* the last one counts */
    assert_int_equal(err_wrap(&err, "base %s", "10.0.0.1"), -1);
    assert_int_equal(err_wrap(&err, "100%%"), -1);
    assert_string_equal(err->message, "100%: base 10.0.0.1: no answer");
    assert_string_equal(err->reason, "ARKLET_SILENT");
    assert_int_equal(err->code, ERR_TIMEOUT);
}

static void nobody_has_to_want_an_error(void **state)
{
    (void)state;
    struct err *none = NULL;
    assert_int_equal(err_set(NULL, ERR_INTERNAL, "x"), -1);
    assert_int_equal(err_field(NULL, "a", "x"), -1);
    assert_int_equal(err_wrap(NULL, "x"), -1);
    assert_int_equal(err_wrap(&none, "x"), -1);
    assert_int_equal(err_reason(NULL, "X"), -1);
    assert_int_equal(err_reason(&none, "X"), -1);
    assert_null(none);
    struct err *from = NULL;
    err_set(&from, ERR_INTERNAL, "x");
    assert_int_equal(err_move(NULL, from), -1); /* freed; the leak check would tell */
    err_free(NULL);
    err_clear(&none);
}

static void move_hands_over_the_same_object(void **state)
{
    (void)state;
    AUTO_ERR struct err *to = NULL;
    struct err *from = NULL;
    err_set(&from, ERR_DENIED, "no");
    assert_int_equal(err_move(&to, from), -1);
    assert_ptr_equal(to, from);
}

static void a_copy_owns_everything(void **state)
{
    (void)state;
    struct err *err = NULL;
    assert_null(err_copy(NULL));
    err_field(&err, "spec.url", "is required");
    err_reason(&err, "FIELD_REQUIRED");
    AUTO_ERR struct err *copy = err_copy(err);
    err_clear(&err);
    assert_null(err);
    assert_int_equal(copy->code, ERR_INVALID);
    assert_string_equal(copy->message, "spec.url: is required");
    assert_string_equal(copy->reason, "FIELD_REQUIRED");
    assert_string_equal(copy->field, "spec.url");
}

static void codes_have_names_and_know_whether_to_retry(void **state)
{
    (void)state;
    static const struct {
        enum err_code code;
        const char *name;
        bool retryable, unknown;
    } rows[] = {
        {ERR_INVALID, "INVALID", false, false},           {ERR_CONFLICT, "CONFLICT", true, false},
        {ERR_PRECONDITION, "PRECONDITION", false, false}, {ERR_LIMIT, "LIMIT", true, false},
        {ERR_UNAVAILABLE, "UNAVAILABLE", true, true},     {ERR_TIMEOUT, "TIMEOUT", true, true},
        {ERR_DATA_LOSS, "DATA_LOSS", false, true},        {ERR_CANCELLED, "CANCELLED", false, true},
        {ERR_INTERNAL, "INTERNAL", true, true},           {ERR_CODE_MAX_, "UNKNOWN", false, false},
        {(enum err_code) - 1, "UNKNOWN", false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(err_code_name(rows[i].code), rows[i].name);
        assert_int_equal(err_retryable(rows[i].code), rows[i].retryable);
        assert_int_equal(err_outcome_unknown(&(struct err){.code = rows[i].code}), rows[i].unknown);
    }
    for (int code = 0; code < ERR_CODE_MAX_; code++)
        assert_true(*err_code_name((enum err_code)code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_code_and_message),
        cmocka_unit_test(a_field_error_names_its_field),
        cmocka_unit_test(wrapping_puts_context_before),
        cmocka_unit_test(nobody_has_to_want_an_error),
        cmocka_unit_test(move_hands_over_the_same_object),
        cmocka_unit_test(a_copy_owns_everything),
        cmocka_unit_test(codes_have_names_and_know_whether_to_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
