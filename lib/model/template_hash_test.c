/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/model/labels.h"
#include "lib/model/module.h"

static char *hash_of(const char *name, const char *version, const char *url, const char *md5)
{
    struct module_template_spec template = {.module = {.name = mem_strdup(name),
                                                       .version = mem_strdup(version),
                                                       .url = mem_strdup(url),
                                                       .md5 = mem_strdup(md5)}};
    char *hash = template_hash(&template, NULL);
    json_release(module_template_spec_fields, &template);
    return hash;
}

static void what_makes_a_revision_changes_it(void **state)
{
    (void)state;
    AUTO_FREE char *plain = hash_of("p", "1", "http://a", NULL);
    AUTO_FREE char *url = hash_of("p", "1", "http://b", NULL);
    AUTO_FREE char *name = hash_of("q", "1", "http://a", NULL);
    AUTO_FREE char *version = hash_of("p", "2", "http://a", NULL);
    AUTO_FREE char *shifted = hash_of("p1", "", "http://a", NULL);
    AUTO_FREE char *md5 = hash_of("p", "1", "http://a", "00aa");
    AUTO_FREE char *upper_md5 = hash_of("p", "1", "http://a", "00AA");
    assert_int_equal(strlen(plain), 10);
    assert_true(name_is_dns_label(plain));
    assert_string_equal(plain, url); /* a url alone is no release */
    assert_string_not_equal(plain, name);
    assert_string_not_equal(plain, version);
    assert_string_not_equal(plain, shifted);
    assert_string_not_equal(plain, md5);
    assert_string_equal(md5, upper_md5);
    /* Names of stored objects hold it, so it must never change. */
    assert_string_equal(plain, "tjxlpwfltp");
}

static void also_and_selector_count_but_not_their_order(void **state)
{
    (void)state;
    char name[] = "p", version[] = "1";
    struct module_template_spec a = {.module = {.name = name, .version = version}};
    struct module_template_spec b = a;
    AUTO_FREE char *plain = template_hash(&a, NULL);
    AUTO_FREE char *elsewhere = template_hash(&a, "stock");
    assert_string_not_equal(plain, elsewhere);

    json_map_set(&a.base_selector, "x", "1");
    json_map_set(&a.base_selector, "y", "2");
    json_map_set(&b.base_selector, "y", "2");
    json_map_set(&b.base_selector, "x", "1");
    AUTO_FREE char *one = template_hash(&a, NULL);
    AUTO_FREE char *other = template_hash(&b, NULL);
    assert_string_equal(one, other);
    assert_string_not_equal(one, plain);
    json_map_set(&b.base_selector, "x", "3");
    AUTO_FREE char *changed = template_hash(&b, NULL);
    assert_string_not_equal(one, changed);
    json_map_done(&a.base_selector);
    json_map_done(&b.base_selector);
}

static void another_restart_stamp_is_another_revision(void **state)
{
    (void)state;
    char name[] = "p", version[] = "1";
    struct module_template_spec a = {.module = {.name = name, .version = version}};
    AUTO_FREE char *plain = template_hash(&a, "stock");
    assert_null(template_restart(&a));
    json_map_set(&a.meta.annotations, "example.com/other", "x");
    json_map_set(&a.meta.annotations, ANNOTATION_RESTARTED_AT, "");
    AUTO_FREE char *none = template_hash(&a, "stock");
    assert_string_equal(none, plain); /* other annotations say nothing */

    json_map_set(&a.meta.annotations, ANNOTATION_RESTARTED_AT, "1");
    AUTO_FREE char *once = template_hash(&a, "stock");
    assert_string_equal(template_restart(&a), "1");
    json_map_set(&a.meta.annotations, ANNOTATION_RESTARTED_AT, "2");
    AUTO_FREE char *twice = template_hash(&a, "stock");
    assert_string_not_equal(once, plain);
    assert_string_not_equal(once, twice);
    json_map_done(&a.meta.annotations);
}

static void an_instance_is_named_after_its_place(void **state)
{
    (void)state;
    AUTO_FREE char *one = module_instance_name("md-x", "uid-1");
    AUTO_FREE char *same = module_instance_name("md-x", "uid-1");
    AUTO_FREE char *other = module_instance_name("md-x", "uid-2");
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    assert_true(strncmp(one, "md-x-", 5) == 0);
    assert_int_equal(strlen(one), 15);
    assert_true(name_is_dns_subdomain(one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_makes_a_revision_changes_it),
        cmocka_unit_test(also_and_selector_count_but_not_their_order),
        cmocka_unit_test(another_restart_stamp_is_another_revision),
        cmocka_unit_test(an_instance_is_named_after_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
