/* SPDX-License-Identifier: Apache-2.0 */
/* What the original left, in the cache: apart from ours, and holding what it concerns until it is taken over. */
#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"
#include "services/controller/documents.h"
#include "services/controller/engine/action_test_kit.h"
#include "services/controller/engine/traffic.h"

struct world {
    struct controller controller;
    struct str marks; /* " d/md o/x r/y m/z b/a", each once */
};

static void mark(void *user, char type, const char *key)
{
    struct world *world = CONTAINER_OF(user, struct world, controller);
    AUTO_FREE char *text = mem_printf(" %c/%s ", type, strchr(key, '/') + 1);
    if (!strstr(str_text(&world->marks), text))
        str_add(&world->marks, text);
}

static void on_deployment(void *user, const char *key)
{
    mark(user, 'd', key);
}

static void on_module(void *user, const char *key)
{
    mark(user, 'm', key);
}

static void on_base(void *user, const char *key)
{
    mark(user, 'b', key);
}

static void on_original(void *user, enum object_kind kind, const char *key)
{
    mark(user, kind == KIND_MODULE ? 'o' : 'r', key);
}

static bool take_mark(struct world *world, const char *what)
{
    AUTO_FREE char *text = mem_printf(" %s ", what);
    bool found = strstr(str_text(&world->marks), text) != NULL;
    str_clear(&world->marks);
    return found;
}

static char *original_module(const char *name, int version, const char *base, const char *phase)
{
    return mem_printf(
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\",\"uid\":\"u-%s\","
        "\"resourceVersion\":\"%d\",\"finalizers\":[\"" LABEL_PREFIX "allocate-pod\"],"
        "\"labels\":{\"" LABEL_MODULE_DEPLOYMENT "\":\"md\",\"" LABEL_MODULE_REPLICASET
        "\":\"md-replicas-3\",\"" LABEL_REVISION
        "\":\"3\"},\"ownerReferences\":[{\"apiVersion\":\"v1\","
        "\"kind\":\"Pod\",\"name\":\"%s\",\"uid\":\"u-%s\"}]},\"spec\":{\"module\":{" KIT_MODULE
        ",\"version\":\"1.0.0\"}},\"status\":{\"status\":\"%s\"}}",
        name, name, version, base, base, phase);
}

static char *original_replicaset(void)
{
    AUTO_FREE char *metadata = kit_metadata("md-replicas-3", "u-rs3", 4, "ModuleDeployment/md/u-md",
                                            ",\"finalizers\":[\"" LABEL_PREFIX "module-existed\"]");
    return mem_printf("{%s,\"spec\":{\"template\":{\"spec\":{\"module\":{" KIT_MODULE
                      ",\"version\":\"1.0.0\"}}}}}",
                      metadata);
}

#define TRAFFIC                                                                                    \
    ",\"labels\":{\"" LABEL_TRAFFIC_PREFIX "provider\":\"true\",\"" LABEL_PREFIX                   \
    "module-instance-count\":\"1\"}"

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    world->marks = STR_INIT(LIMIT_KIB(64));
    struct cache *cache = &world->controller.cache;
    cache->user = &world->controller;
    cache->on_dirty_deployment = on_deployment;
    cache->on_dirty_module = on_module;
    cache->on_dirty_base = on_base;
    cache->on_dirty_original = on_original;
    kit_apply(cache, KIND_MODULE, original_module("x", 3, "a", "Available")); /* in any order */
    kit_apply(cache, KIND_BASE, kit_base("a", 7, "stock", "h:1", "Ready", TRAFFIC));
    kit_apply(cache, KIND_MODULE_REPLICASET, original_replicaset());
    kit_apply(cache, KIND_MODULE_DEPLOYMENT,
              kit_deployment("md", 5, ",\"finalizers\":[\"" LABEL_PREFIX "module-existed\"]", ""));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    cache_done(&world->controller.cache);
    str_done(&world->marks);
    mem_free(world);
    return 0;
}

static char *plan_of(struct world *world, enum object_kind kind, const char *name)
{
    struct plan plan = {0};
    AUTO_FREE char *key = object_key("default", name);
    originals_plan(&world->controller, kind, key, &plan);
    char *text = plan_describe(&plan);
    plan_done(&plan);
    return text;
}

static char *traffic_of(struct world *world)
{
    struct plan plan = {0};
    plan_traffic(&kit_get_base(&world->controller.cache, "a")->view, 0, &plan);
    char *text = plan_describe(&plan);
    plan_done(&plan);
    return text;
}

static bool held(struct world *world, int actions)
{
    struct plan plan = {0};
    bool holds = originals_hold(&world->controller,
                                kit_get_deployment(&world->controller.cache, "md"), &plan);
    assert_int_equal(plan.actions.len, actions);
    plan_done(&plan);
    return holds;
}

#define expect_plan(world, kind, name, text)                                                       \
    do {                                                                                           \
        AUTO_FREE char *got_ = plan_of(world, kind, name);                                         \
        assert_string_equal(got_, text);                                                           \
    } while (0)

static void test_they_are_apart_from_ours(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    assert_null(kit_get_instance(cache, "x"));
    assert_null(kit_get_revision(cache, "md-replicas-3"));
    assert_string_equal(cache_resource_version(cache, KIND_MODULE, "default/x"), "3");
    assert_true(base_adopts(&kit_get_base(cache, "a")->view, "provider"));
    assert_int_equal(kit_get_base(cache, "a")->view.module_count, 0);
}

static void test_a_module_is_taken_over_step_by_step(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    const char *name = cache_wanted(cache, kit_get_deployment(cache, "md"));
    AUTO_FREE char *wanted = mem_strdup(name);
    AUTO_FREE char *adopt = mem_printf("adopt replicaset %s revision 3\n", wanted);
    expect_plan(world, KIND_MODULE, "x", adopt);
    take_mark(world, "");
    kit_apply(cache, KIND_MODULE_REPLICASET, kit_replicaset(wanted, 8, "md", "1.0.0"));
    assert_true(take_mark(world, "o/x"));
    AUTO_FREE char *create = mem_printf("create module of %s on a\n", wanted);
    expect_plan(world, KIND_MODULE, "x", create);
    kit_apply(cache, KIND_MODULE, kit_module("ours", 9, wanted, "a", "", "", ""));
    assert_true(take_mark(world, "o/x"));
    expect_plan(world, KIND_MODULE, "x", "module ours is Available\nevent Adopted\n");
    kit_apply(cache, KIND_MODULE, kit_module("ours", 10, wanted, "a", "", "", "Available"));
    expect_plan(world, KIND_MODULE, "x", "clear original x\ndelete original x\n");
}

static void test_the_rest_waits_until_all_is_taken_over(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    AUTO_FREE char *before = traffic_of(world);
    assert_string_equal(before, ""); /* what serves stays in traffic */
    assert_true(held(world, 1));     /* its own finalizers meanwhile */
    kit_apply(cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 6, "", ""));
    assert_true(held(world, 0));
    expect_plan(world, KIND_MODULE_REPLICASET, "md-replicas-3", "");

    take_mark(world, "");
    kit_remove(cache, KIND_MODULE, "x");
    assert_non_null(strstr(str_text(&world->marks), " b/a "));
    assert_true(take_mark(world, "r/md-replicas-3"));
    AUTO_FREE char *after = traffic_of(world);
    assert_non_null(strstr(after, "-module-instance-count"));
    assert_non_null(strstr(after, "-provider"));
    assert_true(held(world, 0));
    expect_plan(world, KIND_MODULE_REPLICASET, "md-replicas-3",
                "clear original md-replicas-3\ndelete original md-replicas-3\n");
    kit_remove(cache, KIND_MODULE_REPLICASET, "md-replicas-3");
    assert_true(take_mark(world, "d/md"));
    assert_false(held(world, 0));
}

static void test_a_pod_of_the_same_name_is_another(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    kit_remove(cache, KIND_BASE, "a");
    expect_plan(world, KIND_MODULE, "x", "clear original x\ndelete original x\n");
    kit_apply(cache, KIND_MODULE, original_module("x", 4, "b", "Available"));
    kit_apply(cache, KIND_BASE, kit_base("a", 9, "stock", "h:1", "Ready", ""));
    assert_false(base_adopts(&kit_get_base(cache, "a")->view, "provider"));
}

static void test_marks_of_a_deployment_make_room_for_ours(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    kit_apply(
        cache, KIND_MODULE_DEPLOYMENT,
        kit_deployment("md", 6,
                       ",\"finalizers\":[\"koupleless.io/module-existed\",\"a.b/theirs\"],"
                       "\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
                       "\"name\":\"stock\",\"uid\":\"u\",\"controller\":true},{\"apiVersion\":"
                       "\"v1\",\"kind\":\"ConfigMap\",\"name\":\"c\",\"uid\":\"v\"}],\"labels\":{"
                       "\"team\":\"shop\",\"koupleless.io/module-name\":\"provider\"}",
                       ""));
    AUTO_FREE char *patch = patch_cleared(&kit_get_deployment(cache, "md")->md->meta);
    assert_string_equal(patch,
                        "{\"metadata\":{\"finalizers\":[\"a.b/theirs\",\"" FINALIZER_DEPLOYMENT
                        "\"],\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\","
                        "\"name\":\"c\",\"uid\":\"v\"}],\"labels\":{"
                        "\"koupleless.io/module-name\":null}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_they_are_apart_from_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_module_is_taken_over_step_by_step, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_rest_waits_until_all_is_taken_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_pod_of_the_same_name_is_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marks_of_a_deployment_make_room_for_ours, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
