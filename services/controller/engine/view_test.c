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
        bool unready, terminating, metaspace_full;
        int32_t limit, count;
        bool fits, eligible;
    } rows[] = {
        {"no limit", "10.0.0.1", "", "", .limit = UNLIMITED, .count = 99, .fits = true,
         .eligible = true},
        {"room for one", "::1", "", "", .limit = 3, .count = 2, .fits = true, .eligible = true},
        {"full: only in the place of another", "::1", "", "", .limit = 3, .count = 3, .fits = true},
        {"0 is a limit", "::1", "", "", .limit = 0, .count = 0, .fits = true},
        {"no metaspace: only in the place of another", "::1", "", "", .metaspace_full = true,
         .limit = UNLIMITED, .fits = true},
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
                                     .max_module_count_set = rows[i].limit != UNLIMITED},
                            .status = {.metaspace_full = rows[i].metaspace_full}};
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

/* Two ModuleDeployments with one module on the same bases: one of them is the owner, whichever is asked first. */
static void who_was_first(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool first_began, second_began;
        int64_t first_ms, second_ms;
        const char *first_uid, *second_uid;
    } rows[] = {
        {"the one that has begun, also where the clock was set back", true, false, 2000, 1000, "b",
         "a"},
        {"of two that have, the older one", true, true, 1000, 2000, "b", "a"},
        {"of two that have not, too", false, false, 1000, 2000, "b", "a"},
        {"of one second, by uid", true, true, 1000, 1000, "a", "b"},
    };
    char began[] = FINALIZER_DEPLOYMENT;
    char *finalizers[] = {began};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *first_uid = mem_strdup(rows[i].first_uid);
        AUTO_FREE char *second_uid = mem_strdup(rows[i].second_uid);
        struct object_meta first = {
            .uid = first_uid,
            .creation_ms = rows[i].first_ms,
            .finalizers = {finalizers, rows[i].first_began},
        };
        struct object_meta second = {
            .uid = second_uid,
            .creation_ms = rows[i].second_ms,
            .finalizers = {finalizers, rows[i].second_began},
        };
        if (!deployment_was_first(&first, &second) || deployment_was_first(&second, &first))
            fail_msg("%s", rows[i].name);
    }
}

/* Traffic goes only where an instance is well and stays. */
static void what_serves(void **state)
{
    (void)state;
    enum { SICK = 1, BASE_GONE = 2, BASE_SILENT = 4, DELETING = 8 };
    static const struct {
        const char *name;
        enum module_phase phase;
        int trouble;
        enum reported reported;
        enum operation_type type;
        enum operation_state operation;
        bool serves, may_serve;
    } rows[] = {
        {"one that is Available", MODULE_AVAILABLE, .serves = true, .may_serve = true},
        {"... and unhealthy", MODULE_AVAILABLE, .trouble = SICK, .may_serve = true},
        {"... on a base that is gone", MODULE_AVAILABLE, .trouble = BASE_GONE, .may_serve = true},
        {"... that does not answer", MODULE_AVAILABLE, .trouble = BASE_SILENT, .may_serve = true},
        {"... and goes", MODULE_AVAILABLE, .trouble = DELETING, .may_serve = true},
        {"one that is installed still", .phase = MODULE_UPGRADING},
        {"... but the agent says that it has the traffic", MODULE_UPGRADING,
         .reported = REPORTED_ACTIVE, .may_serve = true},
        {"... or it is switched to", MODULE_UPGRADING, .type = OPERATION_SWITCH,
         .operation = OPERATION_RUNNING, .may_serve = true},
        {"... or that failed, so nobody knows", MODULE_UPGRADING, .type = OPERATION_SWITCH,
         .operation = OPERATION_FAILED, .may_serve = true},
        {"... or was taken back before it began", MODULE_UPGRADING, .type = OPERATION_SWITCH},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int trouble = rows[i].trouble;
        struct module module = {.meta = {.deletion_ms = trouble & DELETING},
                                .status = {.phase = rows[i].phase}};
        struct base_state base = {.ready = !(trouble & BASE_SILENT)};
        struct instance instance = {
            .module = &module,
            .base = trouble & BASE_GONE ? NULL : &base,
            .unhealthy = trouble & SICK,
            .reported = rows[i].reported,
            .operation = {.type = rows[i].type, .state = rows[i].operation},
        };
        if (instance_serves(&instance) != rows[i].serves ||
            instance_may_serve(&instance) != rows[i].may_serve)
            fail_msg("%s", rows[i].name);
    }
}

static void set_module(struct module *module, const char *name, const char *version,
                       const char *base)
{
    module->spec.module.name = mem_strdup(name);
    module->spec.module.version = mem_strdup(version);
    module->spec.base_name = mem_strdup(base);
}

static void module_done(struct module *module)
{
    mem_free(module->spec.module.name);
    mem_free(module->spec.module.version);
    mem_free(module->spec.base_name);
}

/* Taking the old one off would take off the new one: there is one module of that name on the base. */
static void what_overwrites(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum upgrade_way way;
        bool alone;
        const char *name, *version, *base; /* of the old one; the new one is pay 1 on a */
        bool overwrites;
    } rows[] = {
        {"in place, of the same name and version", WAY_IN_PLACE, false, "pay", "1", "a", true},
        {"nothing was there", WAY_IN_PLACE, true, "pay", "1", "a", false},
        {"beside the old one", WAY_SIDE_BY_SIDE, false, "pay", "1", "a", false},
        {"on another base", WAY_IN_PLACE, false, "pay", "1", "b", false},
        {"of another name", WAY_IN_PLACE, false, "order", "1", "a", false},
        {"of another version", WAY_IN_PLACE, false, "pay", "2", "a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module old_module = {0}, new_module = {.spec = {.upgrade_way = rows[i].way}};
        set_module(&old_module, rows[i].name, rows[i].version, rows[i].base);
        set_module(&new_module, "pay", "1", "a");
        struct instance old = {.module = &old_module};
        struct instance new = {.module = &new_module, .replaces = rows[i].alone ? NULL : &old};
        if (instance_overwrites(&new) != rows[i].overwrites)
            fail_msg("%s", rows[i].what);
        module_done(&old_module);
        module_done(&new_module);
    }
}

static void what_the_original_left_is_adopted(void **state)
{
    (void)state;
    struct module pay = {0}, order = {0};
    set_module(&pay, "pay", "1", "a");
    set_module(&order, "order", "1", "a");
    struct original of_pay = {.module = &pay}, of_order = {.module = &order};
    struct original *items[] = {&of_pay, &of_order};
    struct original_list left = {items, 2, 2};
    struct base_state without = {0}, with = {.originals = &left};
    assert_false(base_adopts(&without, "pay"));
    assert_true(base_adopts(&with, "pay"));
    assert_true(base_adopts(&with, "order"));
    assert_false(base_adopts(&with, "stock"));
    module_done(&pay);
    module_done(&order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_bases_fit), cmocka_unit_test(which_reports_show_an_install),
        cmocka_unit_test(who_was_first),   cmocka_unit_test(what_serves),
        cmocka_unit_test(what_overwrites), cmocka_unit_test(what_the_original_left_is_adopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
