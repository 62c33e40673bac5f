/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/completion.h"

#include <string.h>

#include "clients/cli/command.h"
#include "lib/base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const shells[] = {"bash", "zsh", "fish"};

static void every_command_and_option_is_in_each_script(void **state)
{
    (void)state;
    size_t count;
    const struct command *const *all = commands(&count);
    for (size_t s = 0; s < ARRAY_LEN(shells); s++) {
        AUTO_STR struct str out = STR_INIT(LIMIT_MIB(1));
        assert_int_equal(completion_write(shells[s], &out, NULL), 0);
        assert_false(out.full);
        for (size_t i = 0; i < count; i++) {
            assert_non_null(strstr(str_text(&out), all[i]->name));
            AUTO_FREE struct option_spec *specs = command_options(all[i]);
            for (const struct option_spec *spec = specs; spec->name; spec++)
                assert_non_null(strstr(str_text(&out), spec->name));
        }
        assert_non_null(
            strstr(str_text(&out), "moduledeployments modulereplicasets modules bases"));
    }
}

/* The scripts put these between single quotes. */
static void no_text_has_a_single_quote(void **state)
{
    (void)state;
    size_t count;
    const struct command *const *all = commands(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE struct option_spec *specs = command_options(all[i]);
        assert_null(strchr(all[i]->summary, '\''));
        for (const struct option_spec *spec = specs; spec->name; spec++)
            assert_null(strchr(spec->help, '\''));
    }
}

static void another_shell_is_a_usage_error(void **state)
{
    (void)state;
    AUTO_ERR struct err *err = NULL;
    AUTO_STR struct str out = STR_INIT(LIMIT_MIB(1));
    assert_int_equal(completion_write("powershell", &out, &err), -1);
    assert_string_equal(err->reason, "USAGE");
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_and_option_is_in_each_script),
        cmocka_unit_test(no_text_has_a_single_quote),
        cmocka_unit_test(another_shell_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
