/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define X63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static void valid_values_stay(void **state)
{
    (void)state;
    static const char *const values[] = {"", "a", "1.0.2", "10.0.0.7", "A_b-c.d", X63};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        AUTO_FREE char *value = label_value(values[i]);
        assert_string_equal(value, values[i]);
    }
    AUTO_FREE char *none = label_value(NULL);
    assert_string_equal(none, "");
}

static void others_are_encoded(void **state)
{
    (void)state;
    static const struct {
        const char *value, *start;
    } rows[] = {
        {"1.0+x", "1.0-x-"},
        {"1.0 x", "1.0-x-"},     /* told apart by the hash */
        {"fe80::1", "fe80--1-"}, /* IPv6 */
        {"-1.0", "1.0-"},
        {"1.0-", "1.0--"},
        {"+++", ""},
        {X63 "h", "aaaaaaaaaabbbbbbbbbb"},
        {"caf\xc3\xa9", "caf--"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *value = label_value(rows[i].value);
        AUTO_FREE char *again = label_value(rows[i].value);
        assert_true(label_value_is_valid(value));
        assert_true(strncmp(value, rows[i].start, strlen(rows[i].start)) == 0);
        assert_string_equal(value, again);
    }
    AUTO_FREE char *plus = label_value("1.0+x");
    AUTO_FREE char *space = label_value("1.0 x");
    assert_string_not_equal(plus, space);
    /* Stored labels hold it, so it must never change. */
    assert_string_equal(plus, "1.0-x-7cfe09");
}

static void names_are_checked_as_kubernetes_does(void **state)
{
    (void)state;
    assert_true(name_is_dns_label("provider"));
    assert_true(name_is_dns_label("1-a"));
    assert_true(name_is_dns_label(X63));
    assert_false(name_is_dns_label(X63 "h"));
    static const char *const wrong[] = {"", "-a", "a-", "A", "a_b", "a.b", "a b", "\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(name_is_dns_label(wrong[i]));
    assert_false(name_is_dns_label(NULL));

    assert_true(name_is_dns_subdomain("a.b-c.1"));
    assert_false(name_is_dns_subdomain("a..b"));
    assert_false(name_is_dns_subdomain("a."));
    assert_false(name_is_dns_subdomain(".a"));
    assert_false(name_is_dns_subdomain(""));
    char long_name[255];
    memset(long_name, 'a', 254);
    long_name[254] = '\0';
    assert_false(name_is_dns_subdomain(long_name));
    long_name[253] = '\0';
    assert_true(name_is_dns_subdomain(long_name));
}

static void keys_may_have_a_prefix(void **state)
{
    (void)state;
    assert_true(label_key_is_valid("app"));
    assert_true(label_key_is_valid(LABEL_MODULE_NAME));
    assert_false(label_key_is_valid("/app"));
    assert_false(label_key_is_valid("example.com/"));
    assert_false(label_key_is_valid("a/b/c"));
    assert_false(label_key_is_valid("Example.com/a"));
    assert_false(label_key_is_valid(NULL));

    struct json_map labels = {0};
    AUTO_ERR struct err *err = NULL;
    json_map_set(&labels, "app", "good");
    assert_int_equal(labels_check(&labels, "metadata.labels", &err), 0);
    json_map_set(&labels, "app", "no good");
    assert_int_equal(labels_check(&labels, "metadata.labels", &err), -1);
    assert_string_equal(err->field, "metadata.labels");
    json_map_done(&labels);
}

static void labels_of_an_option(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error; /* NULL = none */
        size_t len;
    } rows[] = {
        {NULL, NULL, 0},
        {"", NULL, 0},
        {"zone=z1", NULL, 1},
        {"zone=z1,example.com/disk=,a=b", NULL, 3},
        {"zone", "--labels: \"zone\" is no KEY=VALUE", 0},
        {"a=b,a=c", "--labels: a is there twice", 0},
        {"a=b,,c=d", "--labels: \"\" is no KEY=VALUE", 0},
        {"-=b", "--labels", 0},
        {"a=b c", "--labels", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct json_map labels = {0};
        int status = labels_parse(rows[i].text, "--labels", &labels, &err);
        assert_int_equal(status, rows[i].error ? -1 : 0);
        assert_int_equal(labels.len, rows[i].len);
        if (rows[i].error)
            assert_memory_equal(err->message, rows[i].error, strlen(rows[i].error));
        if (i == 3)
            assert_string_equal(json_map_get(&labels, "example.com/disk"), "");
        json_map_done(&labels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_of_an_option),
        cmocka_unit_test(valid_values_stay),
        cmocka_unit_test(others_are_encoded),
        cmocka_unit_test(names_are_checked_as_kubernetes_does),
        cmocka_unit_test(keys_may_have_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
