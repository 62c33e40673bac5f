/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/model/labels.h"

static void terms_select_as_kubectl_does(void **state)
{
    (void)state;
    /* The labels are always a=1, b=2, k.io/v=1.0. */
    static const struct {
        const char *selector;
        bool matches;
    } rows[] = {
        {"", true},
        {"  ", true},
        {"a=1", true},
        {"a==1", true},
        {"a = 1 , b=2", true},
        {"a=1,b=3", false},
        {"a=", false},
        {"c=", false},
        {"a!=2", true},
        {"a!=1", false},
        {"c!=1", true}, /* a missing key meets it */
        {"a in (1,2)", true},
        {"a in(3, 1 )", true},
        {"a in (3)", false},
        {"c in ()", false},
        {"a notin (1)", false},
        {"a notin (2,3)", true},
        {"c notin (1)", true},
        {"a", true},
        {"c", false},
        {"!c", true},
        {"!a", false},
        {"! a", false},
        {"k.io/v=1.0,!c,b notin (3),a", true},
        {"in=1", false},
        {"notin", false},
    };
    struct json_map labels = {0};
    json_map_set(&labels, "a", "1");
    json_map_set(&labels, "b", "2");
    json_map_set(&labels, "k.io/v", "1.0");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct selector selector = {0};
        if (selector_parse(rows[i].selector, &selector, &err) < 0)
            fail_msg("%s: %s", rows[i].selector, err->message);
        if (selector_matches(&selector, &labels) != rows[i].matches)
            fail_msg("%s", rows[i].selector);
        selector_done(&selector);
    }
    struct selector everything = {0};
    assert_int_equal(selector_parse(NULL, &everything, NULL), 0);
    assert_int_equal(everything.len, 0);
    json_map_done(&labels);
}

static void a_value_is_found_in_its_encoded_form(void **state)
{
    (void)state;
    struct json_map labels = {0};
    AUTO_FREE char *version = label_value("1.0+x");
    AUTO_FREE char *ip = label_value("fe80::1");
    json_map_set(&labels, LABEL_MODULE_VERSION, version);
    json_map_set(&labels, LABEL_BASE_INSTANCE_IP, ip);
    struct selector selector = {0};
    assert_int_equal(selector_parse(LABEL_MODULE_VERSION "=1.0+x," LABEL_BASE_INSTANCE_IP
                                                         " in (fe80::1)",
                                    &selector, NULL),
                     0);
    assert_true(selector_matches(&selector, &labels));
    selector_done(&selector);
    json_map_done(&labels);
}

static void nonsense_is_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *message;
    } rows[] = {
        {"=1", "key of a label expected at \"=1\""},
        {"a=1,", "key of a label expected at \"\""},
        {",a=1", "key of a label expected at \",a=1\""},
        {"a=1 b=2", "',' or the end expected at \"b=2\""},
        {"a in 1", "'(' expected at \"1\""},
        {"a in (1", "',' or ')' expected at \"\""},
        {"a b", "',' or the end expected at \"b\""},
        {"a=1)", "',' or the end expected at \")\""},
        {"a b/c/d=1", "',' or the end expected at \"b/c/d=1\""},
        {"b/c/d=1", "key of a label expected at \"b/c/d=1\""},
        {"!a=1", "',' or the end expected at \"=1\""},
        {"a===1", "',' or the end expected at \"=1\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct selector selector = {0};
        assert_int_equal(selector_parse(rows[i].selector, &selector, &err), -1);
        assert_int_equal(err->code, ERR_INVALID);
        if (!strstr(err->message, rows[i].message))
            fail_msg("%s: %s", rows[i].selector, err->message);
        assert_int_equal(selector.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_select_as_kubectl_does),
        cmocka_unit_test(a_value_is_found_in_its_encoded_form),
        cmocka_unit_test(nonsense_is_refused_with_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
