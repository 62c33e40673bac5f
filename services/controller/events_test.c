/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/controller_test_kit.h"

/* Events against a store that counts what it is asked, answers at once, and holds nothing but what it is told to. */
struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store_ops ops;
    struct store store;
    int created, patched, removed, lists;
    int fails;   /* which list fails, from 1 */
    bool stored; /* two Events, on a page each */
    bool gone;   /* what is patched is not there */
    char *last_created;
};

static void succeed(const char *namespace, const char *name, store_done_fn done, void *user)
{
    const struct document document = {.kind = KIND_EVENT,
                                      .namespace = namespace,
                                      .name = name,
                                      .resource_version = "1",
                                      .json = "{}",
                                      .json_len = 2};
    done(user, &document, NULL);
}

static void on_create(struct store *store, enum object_kind kind, const char *json,
                      store_done_fn done, void *user)
{
    (void)kind;
    struct world *world = CONTAINER_OF(store, struct world, store);
    world->created++;
    mem_replace(&world->last_created, json);
    succeed("default", "e", done, user);
}

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    (void)part;
    (void)merge_patch;
    (void)resource_version;
    struct world *world = CONTAINER_OF(store, struct world, store);
    AUTO_ERR struct err *err = NULL;
    world->patched++;
    if (!world->gone) {
        succeed(key->namespace, key->name, done, user);
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "it is gone");
    done(user, NULL, err);
}

static void on_remove(struct store *store, const struct store_key *key, const char *uid,
                      const char *resource_version, store_done_fn done, void *user)
{
    (void)uid;
    (void)resource_version;
    CONTAINER_OF(store, struct world, store)->removed++;
    succeed(key->namespace, key->name, done, user);
}

/* An Event that happened five times, the last time just now. Owned. */
static char *stored_event(struct world *world, const char *name)
{
    AUTO_FREE char *metadata = kit_metadata(name, name, 1, NULL, "");
    char when[TIME_TEXT_SIZE];
    return mem_printf("{%s,\"count\":5,\"lastTimestamp\":\"%s\"}", metadata,
                      time_format(kit_wall_ms(&world->clock.clock), when));
}

static void on_list(struct store *store, const struct store_query *query, store_list_fn done,
                    void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    if (++world->lists == world->fails) {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_UNAVAILABLE, "made to fail");
        done(user, NULL, err);
        return;
    }
    const char *name = query->continue_token ? "second" : "first";
    AUTO_FREE char *json = stored_event(world, name);
    const struct document document = {.kind = KIND_EVENT,
                                      .namespace = "default",
                                      .name = name,
                                      .resource_version = "1",
                                      .json = json,
                                      .json_len = strlen(json)};
    const struct store_list list = {
        .items = &document,
        .len = world->stored ? 1 : 0,
        .resource_version = "1",
        .continue_token = world->stored && !query->continue_token ? "second" : NULL,
    };
    done(user, &list, NULL);
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    kit_clock_init(&world->clock);
    world->ops = (struct store_ops){
        .create = on_create, .patch = on_patch, .remove = on_remove, .list = on_list};
    world->store.ops = &world->ops;
    world->controller.store = &world->store;
    world->controller.loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    *state = world;
    return 0;
}

static int set_up_started(void **state)
{
    set_up(state);
    events_start(&((struct world *)*state)->controller);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    events_stop(&world->controller);
    loop_turn(world->controller.loop);
    event_ledger_done(&world->controller.events);
    loop_free(world->controller.loop);
    mem_free(world->last_created);
    mem_free(world);
    return 0;
}

static void tell(struct world *world)
{
    struct plan plan = {0};
    char namespace[] = "default", name[] = "m", uid[] = "u";
    struct object_meta meta = {.namespace = namespace, .name = name, .uid = uid};
    plan_event(&plan, "", false, "Installed", mem_strdup("in 2 s"));
    events_write(&world->controller, KIND_MODULE, &meta, &plan.actions.items[0], 0);
    plan_done(&plan);
    loop_turn(world->controller.loop);
}

/* An hour later the Event is forgotten, and a minute after that looked for. */
static void grow_old(struct world *world)
{
    for (int minute = 0; minute <= 61; minute++) {
        kit_clock_advance(&world->clock, 60000);
        loop_turn(world->controller.loop);
    }
    assert_int_equal(world->controller.events.entries.len, 0);
}

static void test_old_events_are_removed(void **state)
{
    struct world *world = *state;
    tell(world);
    grow_old(world);
    assert_int_equal(world->removed, 1);
    tell(world);
    assert_int_equal(world->created, 2);
}

static void test_a_store_that_forgets_events_is_not_asked_to(void **state)
{
    struct world *world = *state;
    world->ops.events_expire = true;
    tell(world);
    grow_old(world);
    assert_int_equal(world->removed, 0);
    tell(world);
    assert_int_equal(world->created, 2);
}

static bool both_known(void *user)
{
    const struct world *world = user;
    return world->controller.events.entries.len == 2 && world->controller.in_flight == 0;
}

/* Whichever page fails: all are known in the end, each as often as it happened, and go when they are old. */
static void test_a_list_that_fails_is_made_again(void **state)
{
    struct world *world = *state;
    world->stored = true;
    for (world->fails = 1; world->fails <= 2; world->fails++) {
        world->lists = world->removed = 0;
        events_start(&world->controller);
        loop_turn(world->controller.loop);
        loop_turn(world->controller.loop);
        assert_int_equal(world->lists, world->fails);
        kit_clock_advance(&world->clock, 60000);
        kit_turn_until(world->controller.loop, both_known, world, "both Events");
        for (size_t i = 0; i < 2; i++) {
            const struct event_entry *entry = world->controller.events.entries.entries[i].value;
            assert_int_equal(entry->count, 5);
        }
        grow_old(world);
        assert_int_equal(world->removed, 2);
        events_stop(&world->controller);
    }
}

/* It happens again, and the count is written. */
static void tell_again(struct world *world)
{
    tell(world);
    kit_clock_advance(&world->clock, EVENT_WRITE_EVERY_MS);
    loop_turn(world->controller.loop); /* the patch, and its outcome is posted */
    loop_turn(world->controller.loop);
}

static void test_the_same_is_patched(void **state)
{
    struct world *world = *state;
    tell(world);
    tell_again(world);
    assert_int_equal(world->created, 1);
    assert_int_equal(world->patched, 1);
}

static void test_an_event_that_was_removed_comes_again(void **state)
{
    struct world *world = *state;
    tell(world);
    tell(world);
    world->gone = true; /* "kubectl delete events --all" */
    tell_again(world);
    assert_int_equal(world->patched, 1);
    assert_int_equal(world->created, 2);
    AUTO_JSON cJSON *json =
        json_parse(world->last_created, strlen(world->last_created), LIMIT_OBJECT, NULL);
    assert_string_equal(json_get_string(json, "reason"), "Installed");
    assert_string_equal(json_get_string(json, "message"), "in 2 s");
    assert_int_equal(cJSON_GetNumberValue(json_get(json, "count")), 3);

    world->gone = false;
    tell_again(world);
    assert_int_equal(world->patched, 2);
    assert_int_equal(world->created, 2);
}

/* The store's answers come late; nothing is begun any more. */
static void test_nothing_comes_again_at_the_end(void **state)
{
    struct world *world = *state;
    tell(world);
    world->gone = world->controller.stopping = true;
    tell_again(world);
    assert_int_equal(world->patched, 1);
    assert_int_equal(world->created, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_started, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_old_events_are_removed),
        TEST(test_a_store_that_forgets_events_is_not_asked_to),
        cmocka_unit_test_setup_teardown(test_a_list_that_fails_is_made_again, set_up, tear_down),
        TEST(test_the_same_is_patched),
        TEST(test_an_event_that_was_removed_comes_again),
        TEST(test_nothing_comes_again_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
