/* SPDX-License-Identifier: Apache-2.0 */
/* Bases that restart while a forecast is made. What that does to a release: forecast_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/forecast_test_kit.h"

static struct forecast_base *add_base(struct forecast *f, const char *name, const char *deployment,
                                      const char *reason, int64_t ago_ms)
{
    struct forecast_base *base = copy_add_base(f, name);
    base->view.ready = false;
    mem_replace(&base->base->spec.deployment, deployment);
    mem_replace(&base->base->status.phase, "NotReady");
    mem_replace(&base->base->status.reason, reason);
    base->base->status.last_transition_ms = COPY_NOW_MS - ago_ms;
    return base;
}

static void which_bases_are_starting(void **state)
{
    (void)state;
    static const struct {
        const char *phase, *reason;
        int64_t ago_ms;
        bool going, starting;
    } rows[] = {
        {"NotReady", "BaseStarting", 0, false, true},
        {"NotReady", "Replaying", 0, false, true},
        {"NotReady", "PodNotReady", 120000, false, true},
        {"NotReady", "BaseStarting", 120001, false, false}, /* that is trouble */
        {"NotReady", "BaseStarting", 0, true, false},       /* it goes */
        {"NotReady", "AgentSilent", 0, false, false},       /* nobody knows */
        {"NotReady", NULL, 0, false, false},
        {"Ready", "BaseStarting", 0, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        struct forecast_base *base = add_base(f, "a", "stock", rows[i].reason, rows[i].ago_ms);
        mem_replace(&base->base->status.phase, rows[i].phase);
        base->base->meta.deletion_ms = rows[i].going;
        if (forecast__is_starting(f, base->base) != rows[i].starting)
            fail_msg("row %zu", i);
        forecast_free(f);
    }
}

/* Those that may take an instance, or have one of the ModuleDeployment; of the rest nothing is told. */
static void which_are_waited_for(void **state)
{
    (void)state;
    static const struct {
        const char *name, *deployments; /* of the bases a, b, c */
        bool ours, theirs;              /* what is on base a */
        int32_t running;
        const char *told;
    } rows[] = {
        {"none", "", false, false, 0, NULL},
        {"one", "s", false, false, 1, "base a is starting, and taken to be ready after 30 s"},
        {"three", "sss", false, false, 3,
         "base a and 2 more are starting, and taken to be ready after 30 s"},
        {"not one of another base Deployment", "os", false, false, 1,
         "base b is starting, and taken to be ready after 30 s"},
        {"... with instances of others", "o", false, true, 0, NULL},
        {"... but with one of ours", "o", true, true, 1,
         "base a is starting, and taken to be ready after 30 s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        f->times.base_start_ms = 30000;
        struct revision *revision = copy_add_revision(f, "v1");
        for (size_t b = 0; rows[i].deployments[b]; b++) {
            const char name[] = {(char)('a' + b), '\0'};
            add_base(f, name, rows[i].deployments[b] == 's' ? "stock" : "other", "BaseStarting", 0);
        }
        copy_add_base(f, "ready");
        if (rows[i].theirs)
            copy_add(f, NULL, copy_module("v9", "a", MODULE_AVAILABLE));
        if (rows[i].ours)
            copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
        forecast__begin_starts(f);
        const struct forecast_result *result = forecast_result(f);
        if (f->running != rows[i].running || f->timers.len != (size_t)rows[i].running ||
            result->holds.len != (rows[i].told != NULL) ||
            (rows[i].told && !str_eq(result->holds.items[0].message, rows[i].told)))
            fail_msg("%s", rows[i].name);
        forecast_free(f);
    }
}

/* Its agent has put back what was there, and what was sick is not known to be so any more. */
static void what_a_base_has_that_is_back(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    struct forecast_base *base = add_base(f, "a", "stock", "BaseStarting", 0);
    struct forecast_instance *one =
        copy_add(f, revision, copy_module("v1", "a", MODULE_UNAVAILABLE));
    one->view.unhealthy = true;
    forecast__begin_starts(f);
    f->now_ms += 30000;
    f->dirty = false;
    forecast__end_start(f, base);
    assert_true(base->view.ready);
    assert_int_equal(f->running, 0);
    assert_int_equal(one->view.reported, REPORTED_ACTIVE);
    assert_int_equal(one->view.reported_ms, COPY_NOW_MS + 30000);
    assert_false(one->view.unhealthy);
    assert_true(one->queued);
    assert_true(base->queued);
    assert_true(f->dirty);
    forecast_free(f);
}

/* As GetBaseline says it (baseline_test.c), and whoever is the last of two gets the traffic. */
static void what_its_agent_puts_back(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum module_phase old_phase, new_phase;
        enum upgrade_way way; /* of the new one, if it is there */
        bool pair, going;
        enum reported old_reported, new_reported;
    } rows[] = {
        {.name = "what was never there",
         .old_phase = MODULE_PENDING,
         .old_reported = REPORTED_ABSENT},
        {.name = "what was there", .old_phase = MODULE_AVAILABLE, .old_reported = REPORTED_ACTIVE},
        {.name = "what is about to go with its ModuleDeployment",
         .old_phase = MODULE_AVAILABLE,
         .going = true,
         .old_reported = REPORTED_ABSENT},
        {"the new one beside it was not there yet", MODULE_UNAVAILABLE, MODULE_PENDING,
         WAY_SIDE_BY_SIDE, true, false, REPORTED_ACTIVE, REPORTED_ABSENT},
        {"... or was", MODULE_UNAVAILABLE, MODULE_UNAVAILABLE, WAY_SIDE_BY_SIDE, true, false,
         REPORTED_INACTIVE, REPORTED_ACTIVE},
        {"the new one takes its place", MODULE_UNAVAILABLE, MODULE_PENDING, WAY_IN_PLACE, true,
         false, REPORTED_ABSENT, REPORTED_ABSENT},
        {"the new one is on another base, which has not restarted", MODULE_UNAVAILABLE,
         MODULE_AVAILABLE, WAY_OTHER_BASE, true, false, REPORTED_ACTIVE, REPORTED_NOTHING},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        struct forecast_base *base = add_base(f, "a", "stock", "Replaying", 0);
        copy_add_base(f, "b");
        struct forecast_instance *old =
            copy_add(f, copy_add_revision(f, "v1"), copy_module("v1", "a", rows[i].old_phase));
        struct forecast_instance *new = NULL;
        if (rows[i].pair) {
            bool elsewhere = rows[i].way == WAY_OTHER_BASE;
            struct module *module = copy_module("v2", elsewhere ? "b" : "a", rows[i].new_phase);
            module->spec.replaces = mem_strdup(old->module->meta.name);
            module->spec.upgrade_way = rows[i].way;
            new = copy_add(f, copy_add_revision(f, "v2"), module);
            forecast__link(f);
        }
        f->md->meta.deletion_ms = rows[i].going;
        forecast__begin_starts(f);
        forecast__end_start(f, base);
        if (old->view.reported != rows[i].old_reported ||
            (new &&new->view.reported != rows[i].new_reported))
            fail_msg("%s", rows[i].name);
        forecast_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_bases_are_starting),
        cmocka_unit_test(which_are_waited_for),
        cmocka_unit_test(what_a_base_has_that_is_back),
        cmocka_unit_test(what_its_agent_puts_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
