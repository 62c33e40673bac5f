/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

#define UNLIMITED (-1)

/* Requirement 5.6 and design 6: which bases may take a new instance, and which may take one in the place of another. */
static void which_bases_fit(void **state)
{
    (void)state;
    static const struct {
        const char *name, *ip, *labels, *selector;
        bool unready, terminating;
        int32_t limit, count;
        bool fits, eligible;
    } rows[] = {
        {"no limit", "10.0.0.1", "", "", .limit = UNLIMITED, .count = 99, .fits = true,
         .eligible = true},
        {"room for one", "::1", "", "", .limit = 3, .count = 2, .fits = true, .eligible = true},
        {"full: only in the place of another", "::1", "", "", .limit = 3, .count = 3, .fits = true},
        {"0 is a limit", "::1", "", "", .limit = 0, .count = 0, .fits = true},
        {"not ready", "::1", "", "", .unready = true, .limit = UNLIMITED},
        {"terminating", "::1", "", "", .terminating = true, .limit = UNLIMITED},
        {"no address yet", NULL, "", "", .limit = UNLIMITED},
        {"an empty one is none", "", "", "", .limit = UNLIMITED},
        {"selected", "::1", "zone=a,disk=ssd", "disk=ssd", .limit = UNLIMITED, .fits = true,
         .eligible = true},
        {"selected by both", "::1", "zone=a,disk=ssd", "zone=a,disk=ssd", .limit = UNLIMITED,
         .fits = true, .eligible = true},
        {"another value", "::1", "zone=a", "zone=b", .limit = UNLIMITED},
        {"no such label", "::1", "", "zone=a", .limit = UNLIMITED},
        {"the first alone is not enough", "::1", "zone=a", "zone=a,disk=ssd", .limit = UNLIMITED},
        {"nor is the second", "::1", "disk=ssd", "zone=a,disk=ssd", .limit = UNLIMITED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct base base = {.spec = {.ip = mem_strdup(rows[i].ip),
                                     .max_module_count = rows[i].limit,
                                     .max_module_count_set = rows[i].limit != UNLIMITED}};
        struct module_template_spec template = {0};
        assert_int_equal(labels_parse(rows[i].labels, "labels", &base.meta.labels, NULL), 0);
        assert_int_equal(labels_parse(rows[i].selector, "selector", &template.base_selector, NULL),
                         0);
        struct base_state base_state = {.base = &base,
                                        .ready = !rows[i].unready,
                                        .terminating = rows[i].terminating,
                                        .module_count = rows[i].count};
        if (base_fits(&base_state, &template) != rows[i].fits ||
            base_eligible(&base_state, &template) != rows[i].eligible)
            fail_msg("%s", rows[i].name);
        json_map_done(&base.meta.labels);
        json_map_done(&template.base_selector);
        mem_free(base.spec.ip);
    }
}

static void which_reports_show_an_install(void **state)
{
    (void)state;
    static const struct {
        const char *name, *other; /* version of another Module of that name on the base */
        enum operation_type type;
        enum reported reported;
        int64_t reported_ms;
        bool shows;
    } rows[] = {
        {"it is there", "0.9", OPERATION_INSTALL, REPORTED_ACTIVE, 100, true},
        {"beside the active one", "0.9", OPERATION_INSTALL, REPORTED_INACTIVE, 101, true},
        {"from before the install", "0.9", OPERATION_INSTALL, REPORTED_ACTIVE, 99, false},
        {"not yet there", "0.9", OPERATION_INSTALL, REPORTED_RESOLVED, 101, false},
        {"of another one, maybe", "1.0", OPERATION_INSTALL, REPORTED_ACTIVE, 101, false},
        {"it was to go", "0.9", OPERATION_UNINSTALL, REPORTED_ACTIVE, 101, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module module = {
            .spec.module = {.name = mem_strdup("m"), .version = mem_strdup("1.0")}};
        struct module other = {
            .spec.module = {.name = module.spec.module.name, .version = mem_strdup(rows[i].other)}};
        struct instance there = {.module = &other};
        struct base_state base = {0};
        struct instance instance = {.module = &module,
                                    .base = &base,
                                    .operation = {.type = rows[i].type, .started_ms = 100},
                                    .reported = rows[i].reported,
                                    .reported_ms = rows[i].reported_ms};
        struct instance *on_base[] = {&there, &instance};
        base.instances.items = on_base;
        base.instances.len = ARRAY_LEN(on_base);
        if (instance_report_overtook(&instance) != rows[i].shows)
            fail_msg("%s", rows[i].name);
        instance.base = NULL;
        assert_false(instance_report_overtook(&instance));
        mem_free(module.spec.module.name);
        mem_free(module.spec.module.version);
        mem_free(other.spec.module.version);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_bases_fit),
        cmocka_unit_test(which_reports_show_an_install),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
