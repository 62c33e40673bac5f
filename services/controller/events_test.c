/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/controller_test_kit.h"

/* Events against a store that counts what it is asked, answers at once, and holds nothing. */
struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store_ops ops;
    struct store store;
    int created, removed;
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
    (void)json;
    CONTAINER_OF(store, struct world, store)->created++;
    succeed("default", "e", done, user);
}

static void on_remove(struct store *store, const struct store_key *key, const char *uid,
                      const char *resource_version, store_done_fn done, void *user)
{
    (void)uid;
    (void)resource_version;
    CONTAINER_OF(store, struct world, store)->removed++;
    succeed(key->namespace, key->name, done, user);
}

static void on_list(struct store *store, const struct store_query *query, store_list_fn done,
                    void *user)
{
    (void)store;
    (void)query;
    const struct store_list none = {.resource_version = "1"};
    done(user, &none, NULL);
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    kit_clock_init(&world->clock);
    world->ops = (struct store_ops){.create = on_create, .remove = on_remove, .list = on_list};
    world->store.ops = &world->ops;
    world->controller.store = &world->store;
    world->controller.loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    events_start(&world->controller);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    events_stop(&world->controller);
    loop_turn(world->controller.loop);
    event_ledger_done(&world->controller.events);
    loop_free(world->controller.loop);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_old_events_are_removed),
        TEST(test_a_store_that_forgets_events_is_not_asked_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
