/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"

/*
 * Plans against a store that only notes what it is asked; the test answers each call when it likes. There
 * is no thread: outcomes go through the loop, time stands still until it is advanced.
 */

#define CALLS_MAX 600
#define KEY "d/default/md"

struct call {
    char what[16]; /* create, patch, status, remove */
    enum object_kind kind;
    char *name, *text, *resource_version;
    store_done_fn done; /* NULL: answered */
    void *user;
};

struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store store;
    struct call calls[CALLS_MAX];
    size_t call_count;
};

/* -- the store -- */

static struct call *note(struct store *store, const char *what, enum object_kind kind,
                         const char *name, const char *text, store_done_fn done, void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    ASSERT(world->call_count < CALLS_MAX);
    struct call *call = &world->calls[world->call_count++];
    memcpy(call->what, what, strlen(what) + 1);
    call->kind = kind;
    call->name = mem_strdup(name);
    call->text = mem_strdup(text);
    call->done = done;
    call->user = user;
    return call;
}

static void on_create(struct store *store, enum object_kind kind, const char *json,
                      store_done_fn done, void *user)
{
    AUTO_JSON cJSON *tree = json_parse(json, strlen(json), LIMIT_OBJECT, NULL);
    note(store, "create", kind, json_get_string(tree, "metadata.name"), json, done, user);
}

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    struct call *call = note(store, part == STORE_STATUS ? "status" : "patch", key->kind, key->name,
                             merge_patch, done, user);
    call->resource_version = mem_strdup(resource_version);
}

static void on_remove(struct store *store, const struct store_key *key, const char *uid,
                      const char *resource_version, store_done_fn done, void *user)
{
    struct call *call = note(store, "remove", key->kind, key->name, uid, done, user);
    call->resource_version = mem_strdup(resource_version);
}

static const struct store_ops ops = {.create = on_create, .patch = on_patch, .remove = on_remove};

static struct controller *turn(struct world *world)
{
    loop_turn(world->controller.loop);
    return &world->controller;
}

static void answer(struct world *world, size_t index, const struct document *document,
                   const struct err *err)
{
    struct call *call = &world->calls[index];
    assert_true(index < world->call_count);
    store_done_fn done = call->done;
    call->done = NULL;
    done(call->user, document, err);
    turn(world);
}

/* Answers call @index: done, and the object is at @version now. */
static void succeed(struct world *world, size_t index, const char *version)
{
    const struct call *call = &world->calls[index];
    struct document document = {.kind = call->kind,
                                .namespace = "default",
                                .name = call->name,
                                .resource_version = version,
                                .json = "{}",
                                .json_len = 2};
    answer(world, index, &document, NULL);
}

static void refuse(struct world *world, size_t index, enum err_code code)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "made to fail");
    answer(world, index, NULL, err);
}

/* -- set up -- */

static void ignore(void *user, const char *key)
{
    (void)user;
    (void)key;
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    kit_clock_init(&world->clock);
    world->store.ops = &ops;
    controller->store = &world->store;
    controller->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    controller->queue = workqueue_new();
    controller->cache.on_dirty_deployment = controller->cache.on_dirty_module =
        controller->cache.on_dirty_base = ignore;
    controller->cache.now_ms = loop_now_ms(controller->loop);
    loop_timer_init(&controller->turn, NULL);
    kit_apply(&controller->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 5, "", ""));
    kit_apply(&controller->cache, KIND_MODULE_REPLICASET, kit_replicaset("rs", 6, "md", "1.0.0"));
    kit_apply(&controller->cache, KIND_BASE, kit_base("a", 7, "stock", "h:1", "Ready", ""));
    kit_apply(&controller->cache, KIND_BASE, kit_base("b", 8, "stock", "h:2", "Ready", ""));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    for (size_t i = 0; i < world->call_count; i++) /* a store answers each call */
        if (world->calls[i].done)
            refuse(world, i, ERR_CANCELLED);
    kit_executor_done(controller);
    for (size_t i = 0; i < world->call_count; i++) {
        mem_free(world->calls[i].name);
        mem_free(world->calls[i].text);
        mem_free(world->calls[i].resource_version);
    }
    mem_free(world);
    return 0;
}

/* Takes the key as planning does, and hands @plan over. */
static void run(struct world *world, struct plan *plan)
{
    struct controller *controller = &world->controller;
    workqueue_add(controller->queue, KEY);
    assert_string_equal(workqueue_take(controller->queue, loop_now_ms(controller->loop)), KEY);
    executor_run(controller, KEY, plan);
}

static void add_module(struct plan *plan, const char *base)
{
    struct action *action = plan_add(plan, ACTION_CREATE_MODULE, "rs");
    action->base = mem_strdup(base);
    action->reason = mem_strdup("");
}

static void see(struct world *world, enum object_kind kind, const char *key, const char *version)
{
    executor_saw(&world->controller, kind, key, version);
}

static bool at_work(const struct world *world)
{
    return map_get(&world->controller.works, KEY) != NULL;
}

/* Whether the key is planned again at @in_ms from now, and not before. */
static bool planned_again_in(struct world *world, int64_t in_ms)
{
    struct workqueue *queue = world->controller.queue;
    return workqueue_len(queue) == 1 &&
           workqueue_next_ms(queue) == loop_now_ms(world->controller.loop) + in_ms;
}

/* Whether key can be planned: it was given back, and nothing asks for it by itself. */
static bool given_back(struct world *world)
{
    struct workqueue *queue = world->controller.queue;
    int64_t now_ms = loop_now_ms(world->controller.loop);
    bool idle = !at_work(world) && workqueue_len(queue) == 0;
    workqueue_add(queue, KEY);
    bool taken = workqueue_take(queue, now_ms) != NULL;
    if (taken)
        workqueue_done(queue, KEY);
    return idle && taken;
}

/* -- order -- */

static void test_a_plan_of_nothing_is_done_at_once(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    run(world, &plan);
    assert_int_equal(world->call_count, 0);
    assert_true(given_back(world));
}

static void test_a_write_waits_for_the_one_before(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 3;
    plan_add(&plan, ACTION_SET_PAUSE, "")->number = 1;
    run(world, &plan);
    assert_int_equal(world->call_count, 1);
    assert_string_equal(world->calls[0].what, "patch");
    assert_int_equal(world->calls[0].kind, KIND_MODULE_REPLICASET);
    assert_string_equal(world->calls[0].text, "{\"spec\":{\"replicas\":3}}");
    assert_null(world->calls[0].resource_version);
    turn(world);
    assert_int_equal(world->call_count, 1);

    succeed(world, 0, "20");
    assert_int_equal(world->call_count, 2);
    assert_int_equal(world->calls[1].kind, KIND_MODULE_DEPLOYMENT);
    assert_string_equal(world->calls[1].resource_version, "5"); /* a lost update would hurt */
}

static void test_creations_and_deletions_go_out_together(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module("m", 9, "rs", "a", "", "", "Available"));
    add_module(&plan, "a");
    add_module(&plan, "b");
    plan_add(&plan, ACTION_DELETE_MODULE, "m");
    plan_event(&plan, "", false, "BatchStarted", mem_strdup("batch 1"));
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 2;
    run(world, &plan);
    assert_int_equal(world->call_count, 4);
    assert_string_equal(world->calls[0].what, "create");
    assert_string_equal(world->calls[1].what, "create");
    assert_string_equal(world->calls[2].what, "remove");
    assert_string_equal(world->calls[2].text, "u-m"); /* that one, and no other of the name */
    assert_int_equal(world->calls[3].kind, KIND_EVENT);

    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(world->call_count, 4); /* the patch waits for all of them but the event */
        succeed(world, i, "30");
    }
    assert_int_equal(world->call_count, 5);
    succeed(world, 3, "30");
    assert_int_equal(world->call_count, 5);
}

/* Scheduler and agents are gone by then. */
static void test_nothing_new_begins_while_the_controller_stops(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 2;
    plan_add(&plan, ACTION_PLACE, "rs")->number = 2;
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 3;
    run(world, &plan);
    assert_int_equal(world->call_count, 1);
    world->controller.stopping = true;
    succeed(world, 0, "30");
    assert_int_equal(world->call_count, 1);
    world->controller.stopping = false;
}

static void test_so_many_at_once_and_no_more(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    for (int i = 0; i < 300; i++)
        add_module(&plan, "a");
    run(world, &plan);
    assert_int_equal(world->call_count, 256);
    succeed(world, 0, "30");
    assert_int_equal(world->call_count, 257);
}

static void test_what_is_gone_is_passed_over(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    add_module(&plan, "nowhere");
    plan_add(&plan, ACTION_SET_REPLICAS, "no-such");
    plan_add(&plan, ACTION_DELETE_MODULE, "no-such");
    plan_event(&plan, "no-such", false, "Installed", mem_strdup(""));
    run(world, &plan);
    assert_int_equal(world->call_count, 0);
    assert_true(given_back(world));
}

static void test_a_requeue_is_no_write(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_requeue(&plan, loop_now_ms(world->controller.loop) + 1234);
    run(world, &plan);
    assert_false(at_work(world));
    assert_true(planned_again_in(world, 1234));
}

/* -- failures -- */

static void test_a_failed_write_ends_the_plan(void **state)
{
    static const struct {
        enum err_code code;
        int64_t wait_ms; /* longer with each failure, which a conflict is none of (setbacks.c) */
    } rows[] = {{ERR_CONFLICT, 500}, {ERR_UNAVAILABLE, 500}, {ERR_INVALID, 1000}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *world = *state;
        struct plan plan = {0};
        size_t before = world->call_count;
        plan_add(&plan, ACTION_SET_PAUSE, "")->number = 1;
        plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 2;
        run(world, &plan);
        refuse(world, before, rows[i].code);
        assert_int_equal(world->call_count, before + 1); /* what came behind is not begun */
        assert_false(at_work(world));
        assert_true(planned_again_in(world, rows[i].wait_ms));
        kit_clock_advance(&world->clock, rows[i].wait_ms);
        turn(world);
        assert_string_equal(
            workqueue_take(world->controller.queue, loop_now_ms(world->controller.loop)), KEY);
        workqueue_done(world->controller.queue, KEY);
    }
}

static void test_a_failure_waits_for_the_others(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    add_module(&plan, "a");
    add_module(&plan, "b");
    run(world, &plan);
    refuse(world, 0, ERR_DENIED);
    assert_true(at_work(world)); /* the other one may still be carried out */
    succeed(world, 1, "30");
    assert_true(at_work(world)); /* and is to be seen */
    see(world, KIND_MODULE, "default/none", "30");
    assert_true(at_work(world));
    AUTO_FREE char *key = object_key("default", world->calls[1].name);
    see(world, KIND_MODULE, key, "30");
    assert_false(at_work(world));
    assert_true(planned_again_in(world, 500));
}

static void test_what_exists_already_is_what_was_to_be_made(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    struct cached_base *a = kit_get_base(&world->controller.cache, "a");
    add_module(&plan, "a");
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 2;
    run(world, &plan);
    assert_int_equal(a->view.module_count, 1); /* assumed */
    refuse(world, 0, ERR_EXISTS);
    assert_int_equal(a->view.module_count, 1); /* it is there, and counts until it is seen to */
    assert_int_equal(world->call_count, 2);    /* goes on */
}

static void test_what_is_not_there_needs_no_change(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_add(&plan, ACTION_DELETE_REPLICASET, "rs");
    plan_add(&plan, ACTION_SET_PAUSE, "")->number = 0;
    run(world, &plan);
    assert_string_equal(world->calls[0].what, "remove");
    refuse(world, 0, ERR_NOT_FOUND);
    assert_int_equal(world->call_count, 2);
}

/* What is missing then is its namespace. */
static void test_what_can_not_be_made_is_planned_again(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    add_module(&plan, "a");
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 2;
    run(world, &plan);
    refuse(world, 0, ERR_NOT_FOUND);
    assert_int_equal(world->call_count, 1);
    assert_true(planned_again_in(world, 500));
}

static void test_an_assumption_ends_with_its_failure(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    struct cached_base *a = kit_get_base(&world->controller.cache, "a");
    add_module(&plan, "a");
    run(world, &plan);
    refuse(world, 0, ERR_DENIED);
    assert_int_equal(a->view.module_count, 0);
    assert_int_equal(a->assumed, 0);
    assert_true(planned_again_in(world, 500));
}

static void test_an_assumption_stays_until_the_module_is_seen(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    struct cached_base *a = kit_get_base(&world->controller.cache, "a");
    add_module(&plan, "a");
    run(world, &plan);
    succeed(world, 0, "30");
    assert_int_equal(a->view.module_count, 1);
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module(world->calls[0].name, 30, "rs", "a", "", "", "Pending"));
    assert_int_equal(a->view.module_count, 1);
    assert_int_equal(a->assumed, 0);
}

static void test_a_base_may_go_meanwhile(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    add_module(&plan, "a");
    run(world, &plan);
    kit_remove(&world->controller.cache, KIND_BASE, "a");
    refuse(world, 0, ERR_DENIED);
    assert_false(at_work(world));
}

/* -- seeing one's own writes -- */

static void begin_pause(struct world *world)
{
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_PAUSE, "")->number = 1;
    run(world, &plan);
}

static void test_a_key_waits_until_its_write_is_seen(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    workqueue_add(world->controller.queue, KEY); /* something happened meanwhile */
    succeed(world, 0, "21");
    assert_true(at_work(world));
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "20"); /* an older one, on its way before */
    see(world, KIND_MODULE_REPLICASET, "default/md", "21"); /* another kind */
    see(world, KIND_MODULE_DEPLOYMENT, "default/other", "21");
    turn(world);
    assert_true(at_work(world));
    assert_null(workqueue_take(world->controller.queue, loop_now_ms(world->controller.loop)));

    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "21");
    assert_false(at_work(world));
    assert_string_equal(
        workqueue_take(world->controller.queue, loop_now_ms(world->controller.loop)), KEY);
}

static void test_a_write_that_was_seen_before_its_answer(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    kit_apply(&world->controller.cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 21, "", ""));
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "21");
    succeed(world, 0, "21");
    assert_true(given_back(world));
}

/* A store may tell what it did before it answers, and be further by then. */
static void test_a_write_that_was_overtaken_before_its_answer(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "21");
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "22");
    kit_apply(&world->controller.cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 22, "", ""));
    succeed(world, 0, "21");
    assert_true(given_back(world));
    assert_int_equal(world->controller.awaited.len, 0);
}

static void test_what_was_seen_before_is_another_version(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "19");
    see(world, KIND_MODULE_REPLICASET, "default/md", "21");
    succeed(world, 0, "21");
    assert_true(at_work(world));
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "21");
    assert_true(given_back(world));
}

static void test_an_object_that_went_before_the_answer(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", NULL);
    succeed(world, 0, "21");
    assert_true(given_back(world));
}

static void test_a_namesake_went_while_an_object_was_made(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    add_module(&plan, "a");
    run(world, &plan);
    AUTO_FREE char *key = object_key("default", world->calls[0].name);
    see(world, KIND_MODULE, key, NULL);
    succeed(world, 0, "21");
    assert_true(at_work(world)); /* or it would be made again */
    see(world, KIND_MODULE, key, "21");
    assert_true(given_back(world));
}

/* There is only what names it: nobody will see a version. */
static void test_an_object_that_lost_its_finalizers_is_gone_with_its_removal(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module("m", 9, "rs", "a", ",\"finalizers\":[\"" FINALIZER_MODULE "\"]", "",
                         "Available"));
    plan_add(&plan, ACTION_DELETE_MODULE, "m");
    run(world, &plan);
    succeed(world, 0, "");
    assert_true(given_back(world));
}

static void test_a_write_that_changed_nothing(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    succeed(world, 0, "5"); /* the version that is in the cache: no event will come */
    assert_true(given_back(world));
}

static void test_the_end_of_an_object_is_seen_too(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    succeed(world, 0, "21");
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", NULL);
    assert_true(given_back(world));
}

static void test_all_writes_are_to_be_seen(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_PAUSE, "")->number = 1;
    plan_add(&plan, ACTION_ADD_FINALIZER, "");
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 1;
    run(world, &plan);
    succeed(world, 0, "21");
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "21");
    assert_true(at_work(world)); /* the others are not written yet */
    succeed(world, 1, "22");
    succeed(world, 2, "23");
    see(world, KIND_MODULE_REPLICASET, "default/rs", "23");
    assert_true(at_work(world));
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "22");
    assert_true(given_back(world));
}

static void test_a_version_that_never_shows_up_holds_nothing_for_ever(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    succeed(world, 0, "21");
    kit_clock_advance(&world->clock, 9999);
    turn(world);
    assert_true(at_work(world));
    assert_int_equal(world->controller.awaited.len, 1);
    kit_clock_advance(&world->clock, 1);
    turn(world);
    assert_true(given_back(world));
    assert_int_equal(world->controller.awaited.len, 0);
    see(world, KIND_MODULE_DEPLOYMENT, "default/md", "21"); /* late: nobody waits */
}

static void test_time_is_up_while_a_write_is_out(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_add(&plan, ACTION_SET_PAUSE, "")->number = 1;
    plan_add(&plan, ACTION_SET_REPLICAS, "rs")->number = 1;
    run(world, &plan);
    succeed(world, 0, "21");
    kit_clock_advance(&world->clock, 20000);
    turn(world);
    assert_true(at_work(world)); /* the second write has no outcome: nothing else may be begun */
    succeed(world, 1, "6");
    assert_true(given_back(world));
}

static void test_nobody_waits_to_see_an_event(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    plan_event(&plan, "", true, "InstallFailed", mem_strdup("why"));
    run(world, &plan);
    assert_int_equal(world->calls[0].kind, KIND_EVENT);
    succeed(world, 0, "40");
    assert_true(given_back(world));
}

static void test_an_object_that_keeps_finalizers_is_seen_after_its_removal(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module("m", 9, "rs", "a", ",\"finalizers\":[\"" FINALIZER_MODULE "\"]", "",
                         "Available"));
    plan_add(&plan, ACTION_DELETE_MODULE, "m");
    run(world, &plan);
    succeed(world, 0, "31");
    assert_true(at_work(world)); /* or it would be deleted again */
    see(world, KIND_MODULE, "default/m", "31");
    assert_true(given_back(world));
}

/* An API server answers with the version that is in the cache already, and then it goes. */
static void test_an_object_that_loses_its_last_finalizer_is_seen_to_go(void **state)
{
    struct world *world = *state;
    struct plan plan = {0};
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module("m", 9, "rs", "a",
                         ",\"deletionTimestamp\":\"2026-11-23T08:00:00Z\",\"finalizers\":"
                         "[\"" FINALIZER_MODULE "\"]",
                         "", "Terminating"));
    plan_add(&plan, ACTION_RELEASE_MODULE, "m");
    run(world, &plan);
    succeed(world, 0, "9");
    assert_true(at_work(world)); /* or it would be patched again */
    see(world, KIND_MODULE, "default/m", NULL);
    assert_true(given_back(world));
}

static void test_the_end_with_work_on_hand(void **state)
{
    struct world *world = *state;
    begin_pause(world);
    succeed(world, 0, "21");
    executor_free(&world->controller); /* frees it all: the sanitizers tell */
    assert_int_equal(world->controller.works.len, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_plan_of_nothing_is_done_at_once),
        TEST(test_a_write_waits_for_the_one_before),
        TEST(test_creations_and_deletions_go_out_together),
        TEST(test_nothing_new_begins_while_the_controller_stops),
        TEST(test_so_many_at_once_and_no_more),
        TEST(test_what_is_gone_is_passed_over),
        TEST(test_a_requeue_is_no_write),
        TEST(test_a_failed_write_ends_the_plan),
        TEST(test_a_failure_waits_for_the_others),
        TEST(test_what_exists_already_is_what_was_to_be_made),
        TEST(test_what_is_not_there_needs_no_change),
        TEST(test_what_can_not_be_made_is_planned_again),
        TEST(test_an_assumption_ends_with_its_failure),
        TEST(test_an_assumption_stays_until_the_module_is_seen),
        TEST(test_a_base_may_go_meanwhile),
        TEST(test_a_key_waits_until_its_write_is_seen),
        TEST(test_a_write_that_was_seen_before_its_answer),
        TEST(test_a_write_that_was_overtaken_before_its_answer),
        TEST(test_what_was_seen_before_is_another_version),
        TEST(test_an_object_that_went_before_the_answer),
        TEST(test_a_namesake_went_while_an_object_was_made),
        TEST(test_an_object_that_lost_its_finalizers_is_gone_with_its_removal),
        TEST(test_a_write_that_changed_nothing),
        TEST(test_the_end_of_an_object_is_seen_too),
        TEST(test_all_writes_are_to_be_seen),
        TEST(test_a_version_that_never_shows_up_holds_nothing_for_ever),
        TEST(test_time_is_up_while_a_write_is_out),
        TEST(test_nobody_waits_to_see_an_event),
        TEST(test_an_object_that_keeps_finalizers_is_seen_after_its_removal),
        TEST(test_an_object_that_loses_its_last_finalizer_is_seen_to_go),
        TEST(test_the_end_with_work_on_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
