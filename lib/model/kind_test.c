/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_name_finds_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum object_kind kind;
    } rows[] = {
        {"ModuleDeployment", KIND_MODULE_DEPLOYMENT},
        {"moduledeployment", KIND_MODULE_DEPLOYMENT},
        {"moduledeployments", KIND_MODULE_DEPLOYMENT},
        {"MDDEPLOY", KIND_MODULE_DEPLOYMENT},
        {"mdrs", KIND_MODULE_REPLICASET},
        {"module", KIND_MODULE},
        {"modules", KIND_MODULE},
        {"md", KIND_MODULE},
        {"mdtemplate", KIND_MODULE_TEMPLATE},
        {"bases", KIND_BASE},
        {"base", KIND_BASE},
        {"Event", KIND_EVENT},
        {"service", KIND_SERVICE},
        {"svc", KIND_SERVICE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum object_kind kind = KIND_MAX_;
        assert_true(kind_from_name(rows[i].name, &kind));
        assert_int_equal(kind, rows[i].kind);
    }
    for (int k = 0; k < KIND_MAX_; k++) {
        enum object_kind kind = KIND_MAX_;
        assert_true(kind_from_name(kind_short_name((enum object_kind)k), &kind));
        assert_int_equal(kind, k);
    }
}

static void others_are_none(void **state)
{
    (void)state;
    enum object_kind kind = KIND_EVENT;
    assert_false(kind_from_name("pods", &kind));
    assert_false(kind_from_name("", &kind));
    assert_false(kind_from_name(NULL, &kind));
    assert_int_equal(kind, KIND_EVENT);
    assert_string_equal(kind_nearest("modul"), "modules");
    assert_string_equal(kind_nearest("ModuleDeploymnet"), "moduledeployments");
    assert_null(kind_nearest("pods-of-another-world"));
}

static void a_service_is_that_of_kubernetes(void **state)
{
    (void)state;
    assert_string_equal(kind_api_version(KIND_SERVICE), "v1");
    assert_string_equal(kind_api_version(KIND_MODULE), API_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_finds_its_kind),
        cmocka_unit_test(others_are_none),
        cmocka_unit_test(a_service_is_that_of_kubernetes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
