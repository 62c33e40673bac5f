/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/informer.h"

#include "services/controller/controller_test_kit.h"

/* An informer of a store that waits for the test to answer: lists and watches are noted as "LIST", "LIST after TOKEN",
 * "WATCH", "WATCH from VERSION", beside what the informer tells. */
struct world {
    struct kit_clock clock;
    struct loop *loop;
    struct store_ops ops;
    struct store store;
    struct informer *informer;
    struct str told;
    store_list_fn on_listed;
    store_event_fn on_event; /* NULL: nobody watches */
    void *list_user, *watch_user;
};

static void on_list(struct store *store, const struct store_query *query, store_list_fn done,
                    void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    const char *token = query->continue_token;
    str_printf(&world->told, "LIST%s%s; ", token ? " after " : "", token ? token : "");
    world->on_listed = done;
    world->list_user = user;
}

static struct store_watch *on_watch(struct store *store, const struct store_query *query,
                                    const char *resource_version, store_event_fn on_event,
                                    void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    assert_null(world->on_event);
    assert_int_equal(query->kind, KIND_MODULE);
    str_printf(&world->told, "WATCH%s%s; ", resource_version ? " from " : "",
               resource_version ? resource_version : "");
    world->on_event = on_event;
    world->watch_user = user;
    return NULL;
}

static void on_watch_stop(struct store *store, struct store_watch *watch)
{
    (void)watch;
    CONTAINER_OF(store, struct world, store)->on_event = NULL;
}

static void on_change(void *user, const struct document *document, bool deleted)
{
    struct world *world = user;
    str_printf(&world->told, "%s%s; ", deleted ? "no " : "", document->name);
}

static void on_synced(void *user)
{
    struct world *world = user;
    str_add(&world->told, "synced; ");
}

static void on_error(void *user, enum object_kind kind, const struct err *err)
{
    struct world *world = user;
    (void)kind;
    str_printf(&world->told, "%s; ", err_code_name(err->code));
}

static void on_version(void *user, enum object_kind kind, const char *resource_version)
{
    struct world *world = user;
    (void)kind;
    str_printf(&world->told, "version %s; ", resource_version);
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    kit_clock_init(&world->clock);
    world->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    world->ops =
        (struct store_ops){.list = on_list, .watch = on_watch, .watch_stop = on_watch_stop};
    world->store.ops = &world->ops;
    world->told = STR_INIT(LIMIT_KIB(4));
    const struct informer_handler handler = {on_change, on_synced, on_error, on_version, world};
    loop_turn(world->loop);
    world->informer =
        informer_start(&world->store, world->loop, KIND_MODULE, "shop", NULL, &handler);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    informer_stop(world->informer);
    loop_free(world->loop);
    str_done(&world->told);
    mem_free(world);
    return 0;
}

/* What was told and asked since it was last looked at. */
static void assert_told(struct world *world, const char *told)
{
    loop_turn(world->loop);
    assert_string_equal(str_text(&world->told), told);
    str_clear(&world->told);
}

static struct document document_of(const char *name, const char *version)
{
    return (struct document){.kind = KIND_MODULE,
                             .namespace = "shop",
                             .name = name,
                             .uid = name ? name : "",
                             .resource_version = version,
                             .json = "{}",
                             .json_len = 2};
}

/* @name: NULL where it is about no object */
static void event(struct world *world, enum store_event_type type, const char *name,
                  const char *version)
{
    const struct document document = document_of(name, version);
    world->on_event(world->watch_user, type, version ? &document : NULL);
}

static void page(struct world *world, const char *name, const char *token)
{
    const struct document document = document_of(name, "1");
    const struct store_list list = {
        .items = &document, .len = 1, .resource_version = "5", .continue_token = token};
    world->on_listed(world->list_user, &list, NULL);
}

static void a_second_later(struct world *world)
{
    kit_clock_advance(&world->clock, 1000);
    loop_turn(world->loop);
}

/* Up to no version is all told before its end. */
static void the_watch_lists(void **state)
{
    struct world *world = *state;
    event(world, STORE_ADDED, "a", "8");
    event(world, STORE_ADDED, "b", "2");
    event(world, STORE_MODIFIED, "a", "9");
    event(world, STORE_DELETED, "b", "9");
    assert_told(world, "WATCH; a; b; a; no b; ");
    assert_false(informer_follows(world->informer));
    event(world, STORE_LISTED, NULL, "9");
    event(world, STORE_ADDED, "c", "10");
    assert_told(world, "synced; version 9; c; version 10; ");
    assert_true(informer_follows(world->informer));
}

static void a_second_list_tells_who_is_missing(void **state)
{
    struct world *world = *state;
    event(world, STORE_ADDED, "a", "1");
    event(world, STORE_ADDED, "b", "2");
    event(world, STORE_LISTED, NULL, "9");
    event(world, STORE_EXPIRED, NULL, NULL);
    assert_told(world, "WATCH; a; b; synced; version 9; ");
    assert_false(informer_follows(world->informer)); /* what changes now, the next list tells */
    a_second_later(world);                           /* not again and again */
    event(world, STORE_ADDED, "b", "2");
    event(world, STORE_LISTED, NULL, "20");
    assert_told(world, "WATCH; b; no a; version 20; ");
    assert_true(informer_follows(world->informer));
}

static void pages_where_the_watch_does_not_list(void **state)
{
    struct world *world = *state;
    event(world, STORE_EXPIRED, NULL, NULL);
    assert_told(world, "WATCH; LIST; ");
    page(world, "a", "next");
    assert_told(world, "a; LIST after next; ");
    assert_false(informer_follows(world->informer));
    page(world, "b", NULL);
    assert_told(world, "b; WATCH from 5; synced; version 5; ");
    assert_true(informer_follows(world->informer));
}

/* What only a list that did not come to its end has told may be gone since. */
static void lists_in_part(void **state)
{
    struct world *world = *state;
    AUTO_ERR struct err *err = NULL;
    event(world, STORE_ADDED, "a", "1");
    event(world, STORE_EXPIRED, NULL, NULL);
    assert_told(world, "WATCH; a; LIST; ");
    page(world, "b", "next");
    assert_told(world, "b; LIST after next; ");
    err_set(&err, ERR_EXPIRED, "as the test says");
    world->on_listed(world->list_user, NULL, err);
    assert_told(world, "EXPIRED; ");
    a_second_later(world);
    event(world, STORE_ADDED, "c", "3");
    event(world, STORE_LISTED, NULL, "7");
    assert_told(world, "WATCH; c; no a; no b; synced; version 7; ");
}

/* The rest comes in pages, which are asked for one after the other. */
static void a_watch_that_is_too_fast(void **state)
{
    struct world *world = *state;
    struct document large = document_of("large", "2");
    AUTO_FREE char *json = mem_alloc(LIMIT_UNTAKEN_BYTES);
    large.json = json;
    large.json_len = LIMIT_UNTAKEN_BYTES;
    event(world, STORE_ADDED, "a", "1");
    world->on_event(world->watch_user, STORE_ADDED, &large);
    event(world, STORE_ADDED, "b", "3");
    assert_told(world, "WATCH; a; LIST; ");
    page(world, "a", NULL);
    assert_told(world, "a; WATCH from 5; synced; version 5; ");
    event(world, STORE_ADDED, "b", "6");
    assert_told(world, "b; version 6; ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_watch_lists),
        TEST(a_second_list_tells_who_is_missing),
        TEST(pages_where_the_watch_does_not_list),
        TEST(lists_in_part),
        TEST(a_watch_that_is_too_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
