/* SPDX-License-Identifier: Apache-2.0 */
/* What reports do to the modules on a base. */
#include "services/controller/gateway_test_kit.h"

/* -- modules -- */

static void on_changed(void *user, const struct document *document, const struct err *err)
{
    (void)document;
    struct outcome *outcome = user;
    outcome->err = err_copy(err);
    __atomic_store_n(&outcome->done, true, __ATOMIC_RELEASE);
}

static void deploy(struct world *world)
{
    AUTO_OUTCOME struct outcome outcome = {0};
    AUTO_FREE char *text = kit_deployment("md", 1, "", ",\"replicas\":1");
    store_create(world->store, KIND_MODULE_DEPLOYMENT, text, on_changed, &outcome);
    kit_turn_until(world->loop, is_done, &outcome, "the creation");
    assert_null(outcome.err);
}

static void edit(struct world *world, const char *merge_patch)
{
    struct store_key key = {KIND_MODULE_DEPLOYMENT, "default", "md"};
    AUTO_OUTCOME struct outcome outcome = {0};
    store_patch(world->store, &key, STORE_MAIN, merge_patch, NULL, on_changed, &outcome);
    kit_turn_until(world->loop, is_done, &outcome, "the edit");
    assert_null(outcome.err);
}

static const struct cached_instance *only_instance(struct world *world)
{
    const struct map *instances = &world->controller->cache.instances;
    return instances->len == 1 ? instances->entries[0].value : NULL;
}

static bool available_on(void *user)
{
    const struct wanted *wanted = user;
    const struct cached_instance *one = only_instance(wanted->world);
    return one && str_eq(one->module->spec.base_name, wanted->module) &&
           one->module->status.phase == MODULE_AVAILABLE && !one->module->meta.deletion_ms;
}

static const struct cached_instance *installed_on(struct world *world, const char *base)
{
    const struct map *instances = &world->controller->cache.instances;
    for (size_t i = 0; i < instances->len; i++) {
        const struct cached_instance *c = instances->entries[i].value;
        if (str_eq(c->module->spec.base_name, base) &&
            c->view.operation.type == OPERATION_INSTALL &&
            c->view.operation.state == OPERATION_SUCCEEDED)
            return c;
    }
    return NULL;
}

static bool is_installed(void *user)
{
    const struct wanted *wanted = user;
    return installed_on(wanted->world, wanted->module) != NULL;
}

/* The agent tells of the module soon after it was installed. */
static void await_available(struct world *world, const char *base)
{
    struct wanted wanted = {.world = world, .module = base};
    kit_turn_until(world->loop, is_installed, &wanted, "the install");
    const struct module_spec *module = &installed_on(world, base)->module->spec.module;
    AUTO_FREE char *there =
        mem_printf(READY ",\"modulesKnown\":true,\"modules\":[{\"name\":\"%s\",\"version\":\"%s\","
                         "\"state\":\"activated\"}]",
                   module->name, module->version);
    tell(world, base, there);
    kit_turn_until(world->loop, available_on, &wanted, base);
}

static bool is_unavailable(void *user)
{
    const struct cached_instance *one = only_instance(user);
    return one && one->module->status.phase == MODULE_UNAVAILABLE;
}

static int installs(const struct world *world)
{
    return __atomic_load_n(&world->installs, __ATOMIC_ACQUIRE);
}

static void test_the_modules_of_a_gone_base_are_placed_elsewhere(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    deploy(world);
    await_available(world, "p1");
    join(world, "p2");
    for (int64_t silent_ms = 0; silent_ms <= GONE_MS; silent_ms += 20000) {
        pass(world, 20000);
        tell(world, "p2", READY);
        if (silent_ms == 2 * SILENT_MS)
            kit_turn_until(world->loop, is_unavailable, world, "unavailable while it is silent");
    }
    await_available(world, "p2");
    assert_null(base_of(world, "p1"));
    assert_int_equal(kit_get_base(&world->controller->cache, "p2")->view.module_count, 1);
    assert_int_equal(installs(world), 2);
}

#define PROVIDER "\"name\":\"provider\",\"version\":\"1.0.0\""
#define THERE READY ",\"modulesKnown\":true,\"modules\":[{" PROVIDER ",\"state\":\"activated\"}]"

static bool installed_again(void *user)
{
    return installs(user) == 2;
}

static void test_a_lost_module_is_installed_again(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    deploy(world);
    await_available(world, "p1");
    pass(world, 5000);
    tell(world, "p1", THERE);
    tell(world, "p1", READY ",\"modulesKnown\":false"); /* Arklet did not answer: says nothing */
    pass(world, 1000);
    assert_int_equal(installs(world), 1);
    tell(world, "p1", READY ",\"modulesKnown\":true");
    kit_turn_until(world->loop, installed_again, world, "the second install");
    await_available(world, "p1");
}

/* Another one of the same version was uninstalled just now. */
static void test_a_report_that_may_be_of_another_one_says_nothing(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    deploy(world);
    await_available(world, "p1");
    pass(world, 5000);
    struct instance *instance = (struct instance *)(uintptr_t)&only_instance(world)->view;
    instance->distrusted_ms = loop_now_ms(world->loop) + 2000;
    instance->reported = REPORTED_NOTHING;
    tell(world, "p1", THERE);
    assert_int_equal(instance->reported, REPORTED_NOTHING);
    pass(world, 2000);
    tell(world, "p1", THERE);
    assert_int_equal(instance->reported, REPORTED_ACTIVE);
}

/* The first base fits by all that a scheduler is told, but the old version is there. */
static void test_a_base_with_the_old_version_is_no_other_base(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    deploy(world);
    await_available(world, "p1");
    join(world, "p2");
    edit(world, "{\"spec\":{\"operationStrategy\":{\"upgradePolicy\":\"scaleUpThenScaleDown\"},"
                "\"template\":{\"spec\":{\"module\":{\"version\":\"2.0.0\"}}}}}");
    await_available(world, "p2");
    assert_string_equal(only_instance(world)->module->spec.module.version, "2.0.0");
}

static void test_a_sick_module_is_unavailable(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *sick = mem_printf("%s,\"moduleHealth\":[{" PROVIDER
                                      ",\"status\":\"HEALTH_STATUS_DOWN\",\"message\":\"db\"}]",
                                      THERE);
    join(world, "p1");
    deploy(world);
    await_available(world, "p1");
    pass(world, 5000);
    tell(world, "p1", sick);
    kit_turn_until(world->loop, is_unavailable, world, "unavailable");
    assert_string_equal(only_instance(world)->module->status.message, "db");
    pass(world, 5000);
    tell(world, "p1", THERE);
    await_available(world, "p1");
    assert_int_equal(installs(world), 1);
}

#define MOVED "file:///moved.jar"

static bool url_is_moved(void *user)
{
    const struct map *revisions = &((struct world *)user)->controller->cache.revisions;
    const struct cached_revision *only = revisions->entries[0].value;
    return str_eq(only->rs->spec.template.module.url, MOVED);
}

static void test_a_baseline_is_what_should_be_there(void **state)
{
    struct world *world = *state;
    join(world, "p1");
    deploy(world);
    await_available(world, "p1");
    AUTO_OUTCOME struct outcome here = call(world, "GetBaseline", "{\"baseName\":\"p1\"}");
    assert_null(here.err);
    const cJSON *modules = json_get(here.json, "modules");
    assert_int_equal(cJSON_GetArraySize(modules), 1);
    const cJSON *module = cJSON_GetArrayItem(modules, 0);
    assert_string_equal(json_get_string(module, "name"), "provider");
    assert_string_equal(json_get_string(module, "version"), "1.0.0");
    assert_string_equal(json_get_string(module, "url"), "file:///provider.jar");

    /* The newest url, be it that the instance came by an older one. */
    edit(world, "{\"spec\":{\"template\":{\"spec\":{\"module\":{\"url\":\"" MOVED "\"}}}}}");
    kit_turn_until(world->loop, url_is_moved, world, "the revision's url");
    AUTO_OUTCOME struct outcome moved = call(world, "GetBaseline", "{\"baseName\":\"p1\"}");
    module = cJSON_GetArrayItem(json_get(moved.json, "modules"), 0);
    assert_string_equal(json_get_string(module, "url"), MOVED);

    AUTO_OUTCOME struct outcome unknown = call(world, "GetBaseline", "{\"baseName\":\"p9\"}");
    assert_null(unknown.err);
    assert_int_equal(cJSON_GetArraySize(json_get(unknown.json, "modules")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_modules_of_a_gone_base_are_placed_elsewhere),
        TEST(test_a_base_with_the_old_version_is_no_other_base),
        TEST(test_a_lost_module_is_installed_again),
        TEST(test_a_report_that_may_be_of_another_one_says_nothing),
        TEST(test_a_sick_module_is_unavailable),
        TEST(test_a_baseline_is_what_should_be_there),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
