/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of the present: what is linked and counted there, and what comes and goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/forecast_test_kit.h"

/* -- what is there when it begins -- */

static void only_bases_of_the_deployment_are_released_on(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    copy_add_base(f, "a");
    struct base *base = NEW(struct base);
    base->meta.name = mem_strdup("f");
    base->spec.deployment = mem_strdup("other");
    forecast_add_base(f, base);
    assert_int_equal(f->bases.len, 1); /* the other one has what the ModuleDeployment left there */
    assert_non_null(map_get(&f->all_bases, "f"));
    forecast_free(f);
}

/* A Pod of that name that is a new one has nothing of what was on the former. */
static void instances_are_on_the_base_that_they_were_made_for(void **state)
{
    (void)state;
    static const struct {
        const char *base_name, *base_uid;
        bool there;
    } rows[] = {
        {"a", "uid-a", true}, {"a", "uid-former", false}, {"x", "uid-x", false}, {"", "", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        struct revision *revision = copy_add_revision(f, "v1");
        struct forecast_base *base = copy_add_base(f, "a");
        struct module *module = copy_module("v1", "a", MODULE_AVAILABLE);
        mem_replace(&module->spec.base_name, rows[i].base_name);
        mem_replace(&module->spec.base_uid, rows[i].base_uid);
        struct forecast_instance *one = copy_add(f, revision, module);
        assert_int_equal(one->base == base, rows[i].there);
        assert_int_equal(one->view.base == &base->view, rows[i].there);
        assert_int_equal(base->view.module_count, rows[i].there);
        assert_int_equal(f->serving, rows[i].there);
        forecast_free(f);
    }
}

static void instances_are_counted(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    copy_add_base(f, "b");
    copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    struct module *failed = copy_module("v1", "b", MODULE_FAILED);
    failed->status.attempts = 2;
    assert_int_equal(copy_add(f, revision, failed)->view.operation.failures, 2);
    struct module *going = copy_module("v1", "x", MODULE_TERMINATING);
    going->meta.deletion_ms = 5;
    assert_int_equal(copy_add(f, revision, going)->view.going_ms, COPY_NOW_MS);
    assert_int_equal(revision->existing, 2);
    assert_int_equal(revision->available, 1);
    assert_int_equal(revision->failed, 1);
    assert_int_equal(revision->terminating, 1);
    forecast_free(f);
}

/* Nobody on the copy reports that it gets well. */
static void what_is_unhealthy_stays_so(void **state)
{
    (void)state;
    static const struct {
        enum module_phase phase;
        const char *reason;
        bool unhealthy;
    } rows[] = {
        {MODULE_UNAVAILABLE, "Unhealthy", true},
        {MODULE_UNAVAILABLE, "BeingReplaced", false},
        {MODULE_COMPLETING, "Unhealthy", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        struct revision *revision = copy_add_revision(f, "v1");
        copy_add_base(f, "a");
        struct module *module = copy_module("v1", "a", rows[i].phase);
        module->status.reason = mem_strdup(rows[i].reason);
        module->status.message = mem_strdup("DOWN");
        const struct forecast_instance *one = copy_add(f, revision, module);
        assert_int_equal(one->view.unhealthy, rows[i].unhealthy);
        if (rows[i].unhealthy)
            assert_string_equal(one->view.unhealthy_message, "DOWN");
        forecast_free(f);
    }
}

/* -- who takes the place of whom -- */

static void who_takes_the_place_of_whom(void **state)
{
    (void)state;
    static const struct {
        const char *name, *replaces, *uid; /* uid: of the one that is meant, or NULL */
        int64_t old_ms, new_ms;
        bool going, linked;
    } rows[] = {
        {"the one of that uid", "v2@a", "uid-v2@a", 2000, 1000, .linked = true},
        {"... of which the name is used anew", "v2@a", "uid-former", 1000, 2000, .linked = false},
        {"without a uid, who was there first", "v2@a", NULL, 1000, 2000, .linked = true},
        {"... and not who came later", "v2@a", NULL, 2000, 1000, .linked = false},
        {"nobody, when it goes", "v2@a", NULL, 1000, 2000, .going = true},
        {"nobody", "", NULL, 1000, 2000, .linked = false},
        {"who is not there", "v3@a", NULL, 1000, 2000, .linked = false},
        {"itself", "v1@a", NULL, 1000, 2000, .linked = false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        struct revision *old_revision = copy_add_revision(f, "v2");
        struct revision *update = copy_add_revision(f, "v1");
        copy_add_base(f, "a");
        struct module *old_module = copy_module("v2", "a", MODULE_AVAILABLE);
        struct module *module = copy_module("v1", "a", MODULE_PENDING);
        old_module->meta.creation_ms = rows[i].old_ms;
        module->meta.creation_ms = rows[i].new_ms;
        module->meta.deletion_ms = rows[i].going;
        module->spec.replaces = mem_strdup(rows[i].replaces);
        json_map_set(&module->meta.annotations, ANNOTATION_REPLACES_UID, rows[i].uid);
        const struct forecast_instance *old = copy_add(f, old_revision, old_module);
        const struct forecast_instance *one = copy_add(f, update, module);
        forecast__link(f);
        if ((one->view.replaces == &old->view) != rows[i].linked ||
            (old->view.replaced_by == &one->view) != rows[i].linked ||
            old_revision->replaced != rows[i].linked)
            fail_msg("%s", rows[i].name);
        forecast_free(f);
    }
}

static struct forecast_instance *add_successor(struct forecast *f, const struct revision *revision,
                                               const char *version, const char *replaces)
{
    struct module *module = copy_module(version, "a", MODULE_PENDING);
    module->spec.replaces = mem_strdup(replaces);
    module->spec.upgrade_way = WAY_IN_PLACE;
    return copy_add(f, revision, module);
}

/* The first of two has it; when that one is given up, the old one is free. */
static void one_takes_the_place_of_one(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *old_revision = copy_add_revision(f, "v2");
    struct revision *update = copy_add_revision(f, "v1"), *former = copy_add_revision(f, "v3");
    copy_add_base(f, "a");
    const struct forecast_instance *old =
        copy_add(f, old_revision, copy_module("v2", "a", MODULE_AVAILABLE));
    const struct forecast_instance *first = add_successor(f, former, "v3", "v2@a");
    const struct forecast_instance *second = add_successor(f, update, "v1", "v2@a");
    forecast__link(f);
    assert_ptr_equal(old->view.replaced_by, &first->view);
    assert_null(second->view.replaces);
    assert_int_equal(old_revision->replaced, 1);
    assert_true(copy_do(f, ACTION_DELETE_MODULE, "v3@a", 0));
    assert_null(old->view.replaced_by);
    assert_null(first->view.replaces);
    assert_int_equal(old_revision->replaced, 0);
    forecast_free(f);
}

/* -- what comes -- */

static void create_module(struct forecast *f, const char *version, const char *base)
{
    AUTO_FREE char *name = kit_revision_name(version);
    struct plan plan = {0};
    plan_add(&plan, ACTION_CREATE_MODULE, name)->base = mem_strdup(base);
    assert_true(forecast__apply(f, &plan.actions.items[0], NULL));
    plan_done(&plan);
}

static void an_instance_is_made_once_and_of_what_is_there(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    struct forecast_base *base = copy_add_base(f, "a");
    create_module(f, "v2", "a"); /* of no revision */
    create_module(f, "v1", "x"); /* on no base */
    assert_int_equal(f->all_instances.len, 0);
    create_module(f, "v1", "a");
    create_module(f, "v1", "a"); /* its name is in use: seen again later */
    assert_int_equal(f->all_instances.len, 1);
    const struct forecast_instance *one = f->all_instances.items[0];
    assert_ptr_equal(one->base, base);
    assert_ptr_equal(one->view.revision, revision);
    assert_int_equal(revision->existing, 1);
    assert_string_equal(one->module->spec.module.version, "v1");
    assert_string_equal(one->module->spec.base_uid, "uid-a");
    forecast_free(f);
}

/* -- what goes -- */

static void what_is_gone_is_on_no_base_and_in_no_revision(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    struct forecast_base *base = copy_add_base(f, "a");
    struct module *other = copy_module("v9", "a", MODULE_AVAILABLE);
    mem_replace(&other->spec.module.name, "cart");
    copy_add(f, NULL, other);
    struct forecast_instance *lost =
        copy_add(f, revision, copy_module("v1", "x", MODULE_AVAILABLE));
    struct forecast_instance *one = copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    assert_true(copy_do(f, ACTION_RELEASE_MODULE, "v1@x", 0));
    assert_true(lost->gone);
    assert_int_equal(revision->instances.len, 1);
    assert_int_equal(one->view.index, 0); /* it stands where that one stood */
    assert_true(copy_do(f, ACTION_RELEASE_MODULE, "v1@a", 0));
    assert_int_equal(revision->instances.len, 0);
    assert_int_equal(revision->existing, 0);
    assert_int_equal(base->view.instances.len, 1);
    assert_string_equal(base->view.instances.items[0]->module->meta.name, "v9@a");
    assert_int_equal(f->serving, 0);
    assert_null(map_get(&f->instances, "v1@a"));
    forecast_free(f);
}

/* Who had the traffic before may have it back; and who waited for the base is planned again. */
static void others_are_planned_when_one_has_gone(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *old_revision = copy_add_revision(f, "v2");
    struct revision *update = copy_add_revision(f, "v1");
    struct forecast_base *base = copy_add_base(f, "a");
    const struct forecast_instance *old =
        copy_add(f, old_revision, copy_module("v2", "a", MODULE_AVAILABLE));
    (void)add_successor(f, update, "v1", "v2@a");
    const struct forecast_instance *other =
        copy_add(f, NULL, copy_module("v9", "a", MODULE_PENDING));
    forecast__link(f);
    for (size_t i = 0; i < f->all_instances.len; i++)
        f->all_instances.items[i]->queued = false;
    f->dirty_modules.len = 0;
    assert_true(copy_do(f, ACTION_RELEASE_MODULE, "v1@a", 0));
    assert_null(old->view.replaced_by);
    assert_true(old->queued);
    assert_false(other->queued); /* another ModuleDeployment's: it is not planned here */
    assert_true(base->queued);
    assert_true(f->dirty);
    forecast_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_bases_of_the_deployment_are_released_on),
        cmocka_unit_test(instances_are_on_the_base_that_they_were_made_for),
        cmocka_unit_test(instances_are_counted),
        cmocka_unit_test(what_is_unhealthy_stays_so),
        cmocka_unit_test(who_takes_the_place_of_whom),
        cmocka_unit_test(one_takes_the_place_of_one),
        cmocka_unit_test(an_instance_is_made_once_and_of_what_is_there),
        cmocka_unit_test(what_is_gone_is_on_no_base_and_in_no_revision),
        cmocka_unit_test(others_are_planned_when_one_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
