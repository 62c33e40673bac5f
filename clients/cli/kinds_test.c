/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/kinds.h"

#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_name_finds_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name, *singular;
    } rows[] = {
        {"moduledeployments", "moduledeployment"},
        {"moduledeployment", "moduledeployment"},
        {"mddeploy", "moduledeployment"},
        {"ModuleDeployment", "moduledeployment"},
        {"modulereplicasets", "modulereplicaset"},
        {"mdrs", "modulereplicaset"},
        {"modules", "module"},
        {"module", "module"},
        {"md", "module"},
        {"bases", "base"},
        {"base", "base"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct cli_kind *kind = kind_parse(rows[i].name, NULL);
        assert_non_null(kind);
        assert_string_equal(kind->singular, rows[i].singular);
    }
}

static void others_are_usage_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name, *message;
    } rows[] = {
        {"modul", "kind \"modul\" is not known; did you mean modules?"},
        {"moduletemplates", "moduletemplates are not served by the controller's API; use kubectl"},
        {"svc", "services are not served by the controller's API; use kubectl"},
        {"servics", "kind \"servics\" is not known; it is moduledeployments (mddeploy), "
                    "modulereplicasets (mdrs), modules (md) or bases"},
        {"pods-of-another-world", "kind \"pods-of-another-world\" is not known; it is "
                                  "moduledeployments (mddeploy), modulereplicasets (mdrs), modules "
                                  "(md) or bases"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        assert_null(kind_parse(rows[i].name, &err));
        assert_string_equal(err->message, rows[i].message);
        assert_string_equal(err->reason, "USAGE");
    }
}

static const ProtobufCMethodDescriptor *method(const struct cli_kind *kind, const char *name)
{
    return protobuf_c_service_descriptor_get_method_by_name(kind->service, name);
}

/* "moduleDeployments" is the field module_deployments of a message. */
static bool has_member(const ProtobufCMessageDescriptor *type, const char *member)
{
    struct str name = STR_INIT(256);
    for (; *member; member++) {
        bool upper = *member >= 'A' && *member <= 'Z';
        if (upper)
            str_add_char(&name, '_');
        str_add_char(&name, (char)(upper ? *member - 'A' + 'a' : *member));
    }
    bool found = protobuf_c_message_descriptor_get_field_by_name(type, str_text(&name)) != NULL;
    str_done(&name);
    return found;
}

/* The names are text, so nothing but this ties them to the protos. */
static void calls_and_members_are_there(void **state)
{
    (void)state;
    size_t count;
    const struct cli_kind *kinds = kind_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct cli_kind *kind = &kinds[i];
        const struct {
            const char *name, *member;
        } calls[] = {{kind->list, kind->list_member},
                     {kind->get, kind->get_member},
                     {kind->watch, kind->watch_member},
                     {kind->remove, kind->get_member}};
        for (size_t k = 0; k < ARRAY_LEN(calls); k++) {
            if (!calls[k].name)
                continue;
            const ProtobufCMethodDescriptor *found = method(kind, calls[k].name);
            assert_non_null(found);
            assert_true(has_member(found->output, calls[k].member));
        }
        assert_ptr_equal(kind_of(kind->kind), kind);
    }
    assert_null(kind_of(KIND_EVENT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_finds_its_kind),
        cmocka_unit_test(others_are_usage_errors),
        cmocka_unit_test(calls_and_members_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
