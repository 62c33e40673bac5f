/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be released may go, or be another one, while the status is being written before its revision or its Service. */
#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"
#include "services/controller/engine/plan_deployment.h"

#define KEY "d/default/md"

struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store store;
    struct str written; /* "create Kind; patch Kind; " */
    store_done_fn done; /* of the status */
    void *user;
};

static void answer(store_done_fn done, void *user)
{
    struct document document = {.kind = KIND_MODULE_REPLICASET,
                                .namespace = "default",
                                .name = "any",
                                .resource_version = "",
                                .json = "{}",
                                .json_len = 2};
    done(user, &document, NULL);
}

static void on_create(struct store *store, enum object_kind kind, const char *json,
                      store_done_fn done, void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    AUTO_JSON cJSON *tree = json_parse(json, strlen(json), LIMIT_OBJECT, NULL);
    const char *version = json_get_string(tree, "spec.template.spec.module.version");
    str_printf(&world->written, "create %s %s; ", kind_name(kind),
               version ? version : json_get_string(tree, "metadata.name"));
    answer(done, user);
}

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    (void)merge_patch;
    (void)resource_version;
    struct world *world = CONTAINER_OF(store, struct world, store);
    if (part == STORE_STATUS) {
        world->done = done;
        world->user = user;
        return;
    }
    str_printf(&world->written, "patch %s; ", kind_name(key->kind));
    answer(done, user);
}

static const struct store_ops ops = {.create = on_create, .patch = on_patch};

static void ignore(void *user, const char *key)
{
    (void)user;
    (void)key;
}

static void put_template(struct cache *cache, const char *module, const char *version)
{
    AUTO_FREE char *metadata = kit_metadata("shared", "u-shared", 1, NULL, "");
    kit_apply(cache, KIND_MODULE_TEMPLATE,
              mem_printf("{%s,\"spec\":{\"module\":{\"name\":\"%s\",\"version\":\"%s\","
                         "\"url\":\"file:///any.jar\"}}}",
                         metadata, module, version));
}

static void put_deployment(struct cache *cache)
{
    AUTO_FREE char *metadata = kit_metadata("md", "u-md", 9, NULL, "");
    kit_apply(cache, KIND_MODULE_DEPLOYMENT,
              mem_printf("{%s,\"spec\":{\"baseDeploymentName\":\"stock\","
                         "\"templateRef\":{\"name\":\"shared\"}}}",
                         metadata));
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    kit_clock_init(&world->clock);
    world->store.ops = &ops;
    world->written = STR_INIT(LIMIT_KIB(4));
    controller->store = &world->store;
    controller->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    controller->queue = workqueue_new();
    controller->cache.on_dirty_deployment = controller->cache.on_dirty_module =
        controller->cache.on_dirty_base = ignore;
    loop_timer_init(&controller->turn, NULL);
    put_deployment(&controller->cache);
    put_template(&controller->cache, "provider", "1.0.0");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    kit_executor_done(controller);
    str_done(&world->written);
    mem_free(world);
    return 0;
}

static void put_service(struct cache *cache)
{
    AUTO_FREE char *metadata =
        kit_metadata("provider-service", "u-s", 3, "ModuleDeployment/md/u-md", "");
    kit_apply(cache, KIND_SERVICE, mem_printf("{%s,\"spec\":{}}", metadata));
}

/* @type of the revision that is wanted now, or of its Service, behind the status. What the ModuleTemplate has then: a
 * @module and its @version; NULL: it is gone. */
static void run(struct world *world, enum action_type type, const char *module, const char *version)
{
    bool service = type == ACTION_CREATE_SERVICE || type == ACTION_UPDATE_SERVICE;
    struct controller *controller = &world->controller;
    struct deployment *md = kit_get_deployment(&controller->cache, "md");
    AUTO_FREE char *name =
        mem_strdup(service ? "provider-service" : cache_wanted(&controller->cache, md));
    if (type == ACTION_RENEW_REPLICASET)
        kit_apply(&controller->cache, KIND_MODULE_REPLICASET,
                  kit_replicaset(name, 20, "md", "1.0.0"));
    struct plan plan = {0};
    plan_add(&plan, ACTION_WRITE_STATUS, "")->status =
        module_deployment_status_copy(&md->md->status);
    plan_add(&plan, type, name)->number = 1;
    workqueue_add(controller->queue, KEY);
    assert_string_equal(workqueue_take(controller->queue, loop_now_ms(controller->loop)), KEY);
    executor_run(controller, KEY, &plan);
    assert_string_equal(str_text(&world->written), "");
    if (module)
        put_template(&controller->cache, module, version);
    else
        kit_remove(&controller->cache, KIND_MODULE_TEMPLATE, "shared");
    answer(world->done, world->user);
    for (int i = 0; i < 3; i++)
        loop_turn(controller->loop);
    assert_int_equal(controller->works.len, 0);
}

static void what_is_planned_is_made_of_what_it_was_planned_for(void **state)
{
    static const struct {
        const char *module, *version; /* meanwhile */
        enum action_type type;
        const char *written;
    } rows[] = {
        {"provider", "1.0.0", ACTION_CREATE_REPLICASET, "create ModuleReplicaSet 1.0.0; "},
        {NULL, NULL, ACTION_CREATE_REPLICASET, ""},
        {"provider", "2.0.0", ACTION_CREATE_REPLICASET, ""},
        {"provider", "1.0.0", ACTION_RENEW_REPLICASET, "patch ModuleReplicaSet; "},
        {NULL, NULL, ACTION_RENEW_REPLICASET, ""},
        {"provider", "2.0.0", ACTION_RENEW_REPLICASET, ""},
        {"provider", "2.0.0", ACTION_CREATE_SERVICE, "create Service provider-service; "},
        {"other", "1.0.0", ACTION_CREATE_SERVICE, ""},
        {NULL, NULL, ACTION_CREATE_SERVICE, ""},
        {"provider", "2.0.0", ACTION_UPDATE_SERVICE, "patch Service; "},
        {"other", "1.0.0", ACTION_UPDATE_SERVICE, ""},
        {NULL, NULL, ACTION_UPDATE_SERVICE, ""},
    };
    struct world *world = *state;
    put_service(&world->controller.cache);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put_template(&world->controller.cache, "provider", "1.0.0");
        str_clear(&world->written);
        run(world, rows[i].type, rows[i].module, rows[i].version);
        assert_string_equal(str_text(&world->written), rows[i].written);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_planned_is_made_of_what_it_was_planned_for, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
