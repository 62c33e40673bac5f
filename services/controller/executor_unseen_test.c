/* SPDX-License-Identifier: Apache-2.0 */
/* What is written and not seen yet: a key waits for it while it may come by a list, a minute at most, and a Module
 * that may have been made counts on its base. The store answers each call at once, and tells of it when the test says so. */
#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"

#define KEY "m/default/m"
#define DEPLOYMENT "d/default/md"
#define SEEN_TIMEOUT_MS 10000

struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store store;
    struct store_ops ops;
    struct map events;     /* name of a kind -> struct watcher */
    enum err_code outcome; /* of a creation */
    char *created;         /* name of the last Module that was to be made; owned */
    bool seen_first;       /* it is told before the creation is answered */
};

struct watcher {
    store_event_fn on_event;
    void *user;
};

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    struct document document = {.kind = key->kind,
                                .namespace = "default",
                                .name = key->name,
                                .resource_version = "20",
                                .json = "{}",
                                .json_len = 2};
    (void)store;
    (void)part;
    (void)merge_patch;
    (void)resource_version;
    done(user, &document, NULL);
}

/* The cache sees the Module. */
static void show_module(struct world *world)
{
    AUTO_FREE char *key = object_key("default", world->created);
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module(world->created, 30, "rs", "b", "", "", "Pending"));
    executor_saw(&world->controller, KIND_MODULE, key, "30");
}

static void on_create(struct store *store, enum object_kind kind, const char *json,
                      store_done_fn done, void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    AUTO_JSON cJSON *object = cJSON_Parse(json);
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(kind, KIND_MODULE);
    mem_replace(&world->created, json_get_string(object, "metadata.name"));
    if (world->seen_first)
        show_module(world);
    err_set(&err, world->outcome, "made to fail");
    done(user, NULL, err);
}

static struct store_watch *on_watch(struct store *store, const struct store_query *query,
                                    const char *resource_version, store_event_fn on_event,
                                    void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    struct watcher *watcher = NEW(struct watcher);
    *watcher = (struct watcher){on_event, user};
    (void)resource_version;
    mem_free(map_put(&world->events, kind_name(query->kind), watcher));
    return NULL;
}

static void on_watch_stop(struct store *store, struct store_watch *watch)
{
    (void)store;
    (void)watch;
}

static void ignore(void *user, const char *key)
{
    (void)user;
    (void)key;
}

static void on_change(void *user, const struct document *document, bool deleted)
{
    (void)user;
    (void)document;
    (void)deleted;
}

static void on_synced(void *user)
{
    (void)user;
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    kit_clock_init(&world->clock);
    world->ops = (struct store_ops){
        .create = on_create, .patch = on_patch, .watch = on_watch, .watch_stop = on_watch_stop};
    world->store.ops = &world->ops;
    controller->store = &world->store;
    controller->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    controller->queue = workqueue_new();
    controller->cache.on_dirty_deployment = controller->cache.on_dirty_base = ignore;
    controller->cache.on_dirty_module = ignore;
    controller->cache.user = world;
    loop_timer_init(&controller->turn, NULL);
    kit_apply(&controller->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 5, "", ""));
    kit_apply(&controller->cache, KIND_MODULE_REPLICASET, kit_replicaset("rs", 6, "md", "1.0.0"));
    kit_apply(&controller->cache, KIND_BASE, kit_base("b", 8, "stock", "h:2", "Ready", ""));
    kit_apply(&controller->cache, KIND_MODULE,
              kit_module("m", 9, "rs", "a", ",\"finalizers\":[\"" FINALIZER_MODULE "\"]", "",
                         "Available"));
    const struct informer_handler handler = {on_change, on_synced, NULL, NULL, world};
    controller->informers[0] =
        informer_start(&world->store, controller->loop, KIND_BASE, NULL, NULL, &handler);
    controller->informers[1] =
        informer_start(&world->store, controller->loop, KIND_MODULE, NULL, NULL, &handler);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    informer_stop(controller->informers[0]);
    informer_stop(controller->informers[1]);
    kit_executor_done(controller);
    for (size_t i = 0; i < world->events.len; i++)
        mem_free(world->events.entries[i].value);
    map_done(&world->events);
    mem_free(world->created);
    mem_free(world);
    return 0;
}

static void tell(struct world *world, enum object_kind kind, enum store_event_type type)
{
    const struct document document = {.kind = kind, .resource_version = "20"};
    const struct watcher *watcher = map_get(&world->events, kind_name(kind));
    watcher->on_event(watcher->user, type, &document);
    loop_turn(world->controller.loop);
}

/* Something is written of the Module, and answered. */
static void begin(struct world *world)
{
    struct controller *controller = &world->controller;
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_WAY, "m")->way = WAY_IN_PLACE;
    workqueue_add(controller->queue, KEY);
    assert_non_null(workqueue_take(controller->queue, INT64_MAX));
    executor_run(controller, KEY, &plan);
    loop_turn(controller->loop);
}

/* Whether something that was written is waited for still after that time. */
static bool waits_after(struct world *world, int64_t ms)
{
    kit_clock_advance(&world->clock, ms);
    loop_turn(world->controller.loop);
    return world->controller.works.len;
}

static void as_long_as_its_kind_is_listed(void **state)
{
    struct world *world = *state;
    tell(world, KIND_BASE, STORE_LISTED);
    begin(world);
    for (int i = 0; i < 3; i++)
        assert_true(waits_after(world, SEEN_TIMEOUT_MS));
    tell(world, KIND_MODULE, STORE_LISTED); /* without it: a newer one may have been there */
    assert_true(waits_after(world, SEEN_TIMEOUT_MS - 1));
    assert_false(waits_after(world, 1));
    assert_int_equal(world->controller.awaited.len, 0);
}

/* A list may fail for ever: pause, abort and deletion have to come through. */
static void but_no_longer_than_a_minute(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 2; i++) { /* each time */
        begin(world);
        for (int round = 0; round < 5; round++)
            assert_true(waits_after(world, SEEN_TIMEOUT_MS));
        assert_true(waits_after(world, SEEN_TIMEOUT_MS - 1));
        assert_false(waits_after(world, 1));
        assert_int_equal(world->controller.awaited.len, 0);
    }
}

static void what_comes_by_the_list_ends_it(void **state)
{
    struct world *world = *state;
    begin(world);
    assert_true(waits_after(world, 3 * SEEN_TIMEOUT_MS));
    executor_saw(&world->controller, KIND_MODULE, "default/m", "20");
    assert_false(waits_after(world, 0));
}

static void lists_of_other_kinds_hold_nothing(void **state)
{
    struct world *world = *state;
    tell(world, KIND_MODULE, STORE_LISTED);
    begin(world);
    assert_true(waits_after(world, SEEN_TIMEOUT_MS - 1));
    assert_false(waits_after(world, 1));
}

/* A Module is to be made on base b, behind another write; the store says @outcome. Until the other one is answered. */
static void begin_module(struct world *world, enum err_code outcome)
{
    struct controller *controller = &world->controller;
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 2;
    struct action *action = plan_add(&plan, ACTION_CREATE_MODULE, "rs");
    action->base = mem_strdup("b");
    action->reason = mem_strdup("");
    world->outcome = outcome;
    workqueue_add(controller->queue, DEPLOYMENT);
    assert_non_null(workqueue_take(controller->queue, INT64_MAX));
    executor_run(controller, DEPLOYMENT, &plan);
}

/* The same, until the creation is answered. Return: the base. */
static const struct base_state *make_module(struct world *world, enum err_code outcome)
{
    struct controller *controller = &world->controller;
    begin_module(world, outcome);
    loop_turn(controller->loop);
    loop_turn(controller->loop);
    executor_saw(controller, KIND_MODULE_REPLICASET, "default/rs", "20");
    const struct cached_base *base = map_get(&controller->cache.bases, "default/b");
    return &base->view;
}

/* Another deployment would take its place, and this one would make it elsewhere, too. */
static void what_may_have_been_made_counts_until_it_is_seen(void **state)
{
    struct world *world = *state;
    static const enum err_code outcomes[] = {ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_INTERNAL,
                                             ERR_DATA_LOSS, ERR_EXISTS};
    tell(world, KIND_MODULE, STORE_LISTED);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        const struct base_state *base = make_module(world, outcomes[i]);
        assert_int_equal(base->module_count, 1);
        assert_true(waits_after(world, SEEN_TIMEOUT_MS - 1));
        assert_int_equal(base->module_count, 1);
        assert_false(waits_after(world, 1)); /* it was not */
        assert_int_equal(base->module_count, 0);
    }
    const struct base_state *base = make_module(world, ERR_DENIED);
    assert_int_equal(base->module_count, 0);
    assert_false(waits_after(world, 0));
}

static void what_was_made_all_the_same_counts_once(void **state)
{
    struct world *world = *state;
    const struct base_state *base = make_module(world, ERR_UNAVAILABLE);
    show_module(world);
    assert_false(waits_after(world, 0));
    assert_int_equal(base->module_count, 1);
    assert_int_equal(workqueue_len(world->controller.queue), 1); /* the rest of its plan */
}

/* Whatever comes of the creation of a Module that is there, what another deployment has assumed on its base stays. */
static void what_was_seen_is_forgotten_once(void **state)
{
    struct world *world = *state;
    static const enum err_code outcomes[] = {ERR_UNAVAILABLE, ERR_EXISTS, ERR_DENIED};
    struct controller *controller = &world->controller;
    struct cached_base *base = map_get(&controller->cache.bases, "default/b");
    make_module(world, ERR_DENIED); /* for its name */
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        for (int when = 0; when < 3; when++) {
            if (when == 0) /* when it is planned */
                show_module(world);
            cache_assume(base);
            begin_module(world, outcomes[i]);
            if (when == 1) /* when it is to be made */
                show_module(world);
            world->seen_first = when == 2;
            for (int turn = 0; turn < 3; turn++)
                loop_turn(controller->loop);
            world->seen_first = false;
            assert_int_equal(base->assumed, 1);
            assert_int_equal(base->view.module_count, 2);
            executor_saw(controller, KIND_MODULE_REPLICASET, "default/rs", "20");
            assert_false(waits_after(world, 0));
            kit_remove(&controller->cache, KIND_MODULE, world->created);
            cache_forget(base);
            assert_int_equal(base->view.module_count, 0);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(as_long_as_its_kind_is_listed),
                                       TEST(but_no_longer_than_a_minute),
                                       TEST(what_comes_by_the_list_ends_it),
                                       TEST(lists_of_other_kinds_hold_nothing),
                                       TEST(what_may_have_been_made_counts_until_it_is_seen),
                                       TEST(what_was_made_all_the_same_counts_once),
                                       TEST(what_was_seen_is_forgotten_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
