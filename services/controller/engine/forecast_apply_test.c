/* SPDX-License-Identifier: Apache-2.0 */
/* What plans decide, carried out on the copy: action by action. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/forecast_test_kit.h"
#include "services/controller/engine/plan_service.h"

/* -- instances -- */

static void an_instance_without_a_base_has_no_operation(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    struct forecast_instance *lost =
        copy_add(f, revision, copy_module("v1", "x", MODULE_AVAILABLE));
    assert_true(copy_do(f, ACTION_UNINSTALL, "v1@x", 0));
    assert_int_equal(lost->view.operation.state, OPERATION_NONE);
    assert_int_equal(f->running, 0);
    assert_int_equal(forecast_result(f)->steps.len, 0);
    assert_true(copy_do(f, ACTION_DELETE_MODULE, "v1@x", 0));
    assert_int_equal(revision->terminating, 1);
    assert_int_equal(f->dirty_bases.len, 0);
    forecast_free(f);
}

static void an_instance_is_deleted_once(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    struct forecast_instance *one = copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    for (int i = 0; i < 2; i++, f->now_ms += 1000) {
        assert_true(copy_do(f, ACTION_DELETE_MODULE, "v1@a", 0));
        assert_int_equal(one->module->meta.deletion_ms, COPY_NOW_MS);
        assert_int_equal(revision->existing, 0);
        assert_int_equal(revision->terminating, 1);
    }
    forecast_free(f);
}

/* Its install was refused beside the old one: then nothing has been done yet in the other way. */
static void an_instance_gets_another_way(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *old = copy_add_revision(f, "v2"), *update = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    copy_add(f, old, copy_module("v2", "a", MODULE_AVAILABLE));
    struct module *module = copy_module("v1", "a", MODULE_PENDING);
    module->spec.replaces = mem_strdup("v2@a");
    module->spec.upgrade_way = WAY_SIDE_BY_SIDE;
    module->spec.upgrade_way_reason = mem_strdup("UpgradePolicy");
    struct forecast_instance *one = copy_add(f, update, module);
    forecast__link(f);
    one->view.operation.state = OPERATION_FAILED;
    struct plan plan = {0};
    struct action *action = plan_add(&plan, ACTION_SET_WAY, "v1@a");
    action->way = WAY_IN_PLACE;
    action->reason = mem_strdup("WebPathInUse");
    int64_t before = f->change;
    assert_true(forecast__apply(f, action, NULL));
    plan_done(&plan);
    assert_int_equal(one->view.operation.state, OPERATION_NONE);
    assert_int_equal(one->module->spec.upgrade_way, WAY_IN_PLACE);
    assert_string_equal(one->module->spec.upgrade_way_reason, "WebPathInUse");
    assert_true(f->change > before); /* the scheduler may have another answer now */
    assert_true(one->queued);
    forecast_free(f);
}

/* -- revisions -- */

static void a_revision_follows_its_plan(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    AUTO_FREE char *name = mem_strdup(revision->rs->meta.name);
    const struct json_map *annotations = &revision->rs->meta.annotations;

    mem_replace(&f->asked.module.url, "http://jars/moved.jar");
    assert_true(copy_do(f, ACTION_RENEW_REPLICASET, name, 7));
    assert_string_equal(json_map_get(&revision->rs->meta.labels, LABEL_REVISION), "7");
    assert_string_equal(revision->rs->spec.template.module.url, "http://jars/moved.jar");

    assert_true(copy_do(f, ACTION_LEARN_WEB_PATH, name, 0));
    assert_non_null(json_map_get(annotations, ANNOTATION_WEB_PATH_IN_USE));

    assert_true(copy_do(f, ACTION_PLACE, name, 3));
    assert_true(copy_do(f, ACTION_FORGET_PLACE, name, 0));
    assert_int_equal(revision->place.state, PLACEMENT_ASKED); /* the answer is on its way */
    revision->place.state = PLACEMENT_ANSWERED;
    assert_true(copy_do(f, ACTION_FORGET_PLACE, name, 0));
    assert_int_equal(revision->place.state, PLACEMENT_NONE);

    assert_true(copy_do(f, ACTION_DELETE_REPLICASET, name, 0));
    assert_null(forecast__find_revision(f, name));
    forecast_free(f);
}

/* What comes after the release of another one failed is another forecast. */
static void only_the_failure_of_what_is_released_ends_it(void **state)
{
    (void)state;
    static const struct {
        const char *version, *why;
        bool given_up;
    } rows[] = {{"v1", "no luck", true}, {"v1", NULL, false}, {"v2", "no luck", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        copy_add_revision(f, "v1");
        copy_add_revision(f, "v2");
        f->update_name = kit_revision_name("v1");
        AUTO_FREE char *name = kit_revision_name(rows[i].version);
        struct plan plan = {0};
        plan_add(&plan, ACTION_SET_FAILED, name)->message = mem_strdup(rows[i].why);
        assert_true(forecast__apply(f, &plan.actions.items[0], NULL));
        plan_done(&plan);
        assert_int_equal(f->given_up, rows[i].given_up);
        assert_int_equal(forecast_result(f)->holds.len, rows[i].given_up);
        const struct revision *revision = forecast__find_revision(f, name);
        const char *mark = json_map_get(&revision->rs->meta.annotations, ANNOTATION_FAILED);
        assert_int_equal(mark != NULL, rows[i].why != NULL);
        forecast_free(f);
    }
}

/* -- bases -- */

static void apply_labels(struct forecast *f, struct forecast_base *base, const char *key,
                         const char *value)
{
    struct plan plan = {0};
    json_map_set(&plan_add(&plan, ACTION_LABEL_BASE, base->base->meta.name)->labels, key, value);
    assert_true(forecast__apply_to_base(f, base, &plan.actions.items[0]));
    plan_done(&plan);
}

/* The time to drain is counted from when its own label goes, of each module. */
static void labels_go_and_come(void **state)
{
    (void)state;
#define WEB LABEL_TRAFFIC_PREFIX "web"
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    struct forecast_base *a = copy_add_base(f, "a");
    struct forecast_instance *web = copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    struct module *module = copy_module("v9", "a", MODULE_AVAILABLE);
    mem_replace(&module->spec.module.name, "cart");
    struct forecast_instance *cart = copy_add(f, NULL, module);
    f->now_ms += 1000;
    apply_labels(f, a, WEB, "true");
    assert_string_equal(json_map_get(&a->base->meta.labels, WEB), "true");
    apply_labels(f, a, LABEL_PREFIX "module-instance-count", "");
    assert_int_equal(web->view.unlabelled_ms, COPY_NOW_MS);
    apply_labels(f, a, WEB, "");
    assert_null(json_map_get(&a->base->meta.labels, WEB));
    assert_int_equal(web->view.unlabelled_ms, COPY_NOW_MS + 1000);
    assert_int_equal(cart->view.unlabelled_ms, COPY_NOW_MS);
    forecast_free(f);
#undef WEB
}

/* -- the deployment -- */

static void the_deployment_follows_its_plan(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct module_deployment_spec *spec = &f->md->spec;
    spec->confirm_batch_num = 2;
    assert_true(copy_do(f, ACTION_SET_PAUSE, "", 0));
    assert_false(spec->pause);
    assert_int_equal(spec->confirm_batch_num, 2);
    assert_true(copy_do(f, ACTION_SET_PAUSE, "", 1));
    assert_true(spec->pause);
    assert_int_equal(spec->confirm_batch_num, 0); /* it was for the batch before */
    assert_true(copy_do(f, ACTION_SET_SCALE, "", 4));
    assert_int_equal(spec->replicas, 4);
    assert_int_equal(spec->scale_replicas, 4);
    assert_true(spec->scale_replicas_set);
    assert_int_equal(f->md->meta.generation, 3); /* edits of the spec, all of them */
    json_map_set(&f->md->meta.annotations, ANNOTATION_RESUME, "web-x");
    assert_true(copy_do(f, ACTION_END_RESUME, "", 0));
    assert_null(json_map_get(&f->md->meta.annotations, ANNOTATION_RESUME));
    assert_false(copy_do(f, ACTION_REMOVE_FINALIZER, "", 0));
    assert_true(f->removed);
    forecast_free(f);
}

static void its_service_comes_changes_and_goes(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    f->md->spec.strategy.service = (struct service_strategy){true, 80, 8080};
    assert_true(copy_do(f, ACTION_CREATE_SERVICE, "web-service", 0));
    assert_int_equal(f->services.len, 1);
    f->md->spec.strategy.service.port = 81;
    assert_true(copy_do(f, ACTION_UPDATE_SERVICE, "web-service", 0));
    assert_int_equal(f->services.len, 1);
    const struct service_port *port = f->services.items[0]->service->spec.ports.items;
    assert_int_equal(port->port, 81);
    struct service *other = service_wanted(f->md, &f->asked);
    mem_replace(&other->meta.name, "former-service");
    forecast_add_service(f, other);
    assert_true(copy_do(f, ACTION_DELETE_SERVICE, "former-service", 0));
    assert_int_equal(f->services.len, 1);
    assert_string_equal(f->services.items[0]->service->meta.name, "web-service");
    assert_true(copy_do(f, ACTION_DELETE_SERVICE, "former-service", 0)); /* as if it had been */
    assert_int_equal(f->services.len, 1);
    forecast_free(f);
}

/* -- what is nobody's -- */

/* Nothing on the copy is adopted; and what is told, or looked at later, changes nothing. */
static void other_actions_change_nothing(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    assert_false(copy_do(f, ACTION_EVENT, "v1@a", 0));
    assert_false(copy_do(f, ACTION_REQUEUE, "v1@a", 0));
    assert_false(copy_do(f, ACTION_DELETE_ORIGINAL, "v1@a", 0));
    assert_false(copy_do(f, ACTION_ADOPT_REVISION, revision->rs->meta.name, 7));
    assert_false(copy_do(f, ACTION_CLEAR_DEPLOYMENT, "", 0));
    char name[] = "a";
    const struct action event = {.type = ACTION_EVENT, .name = name};
    assert_false(forecast__apply_to_base(f, map_get(&f->all_bases, "a"), &event));
    assert_int_equal(f->md->meta.generation, 0);
    forecast_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_without_a_base_has_no_operation),
        cmocka_unit_test(an_instance_is_deleted_once),
        cmocka_unit_test(an_instance_gets_another_way),
        cmocka_unit_test(a_revision_follows_its_plan),
        cmocka_unit_test(only_the_failure_of_what_is_released_ends_it),
        cmocka_unit_test(labels_go_and_come),
        cmocka_unit_test(the_deployment_follows_its_plan),
        cmocka_unit_test(its_service_comes_changes_and_goes),
        cmocka_unit_test(other_actions_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
