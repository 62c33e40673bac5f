/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/commands.h"

#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_command_is_found_or_the_nearest_named(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    assert_ptr_equal(command_find("status", NULL), &status_command);
    assert_null(command_find("statsu", &err));
    assert_string_equal(err->message, "command \"statsu\" is not known; did you mean status?");
    assert_string_equal(err->reason, "USAGE");
    err_clear(&err);
    assert_null(command_find("frobnicate-all", &err));
    assert_string_equal(err->message,
                        "command \"frobnicate-all\" is not known; --help lists the commands");
}

/* All options of a command live in one struct, whose first member is that of the common ones. */
static void tables_fit_their_structs(void **state)
{
    (void)state;
    size_t count;
    const struct command *const *all = commands(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE struct option_spec *specs = command_options(all[i]);
        for (const struct option_spec *a = specs; a->name; a++) {
            assert_true(a->offset < all[i]->options_size);
            for (const struct option_spec *b = a + 1; b->name; b++) {
                assert_string_not_equal(a->name, b->name);
                assert_true(!a->short_name || a->short_name != b->short_name);
                assert_int_not_equal(a->offset, b->offset);
            }
        }
        assert_true(all[i]->operands_min <= all[i]->operands_max);
    }
}

static void the_plugin_of_kubectl_has_another_name(void **state)
{
    (void)state;
    assert_string_equal(cli_program("/usr/bin/koupleless"), "koupleless");
    assert_string_equal(cli_program("kubectl-koupleless"), "kubectl koupleless");
    assert_string_equal(cli_program("/usr/bin/kubectl-koupleless"), "kubectl koupleless");
    assert_string_equal(cli_program(NULL), "koupleless");
}

static void common_options_are_checked(void **state)
{
    (void)state;
    char yaml[] = "yaml", xml[] = "xml", empty[] = "", file[] = "cert.pem";
    const struct {
        struct cli_options options;
        const char *message; /* NULL: good */
    } rows[] = {
        {{.output = yaml}, NULL},
        {{.output = empty}, NULL},
        {{.output = xml}, "--output: must be table, wide, json, yaml or name, not \"xml\""},
        {{.identity = {.tls_cert = file}}, "--tls-cert and --tls-key are required together"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        struct cli cli;
        int result = cli_init(&cli, "koupleless", &rows[i].options, &err);
        assert_int_equal(result, rows[i].message ? -1 : 0);
        assert_string_equal(err ? err->message : "", rows[i].message ? rows[i].message : "");
        assert_string_equal(cli.namespace, "default");
        assert_false(cli.namespace_given);
        cli_done(&cli);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_found_or_the_nearest_named),
        cmocka_unit_test(tables_fit_their_structs),
        cmocka_unit_test(the_plugin_of_kubectl_has_another_name),
        cmocka_unit_test(common_options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
