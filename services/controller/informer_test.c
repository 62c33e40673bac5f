/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/informer.h"

#include "services/controller/controller_test_kit.h"

/*
 * An informer against a store whose answers are scripted: one answer per list, on the thread that asks. What
 * the informer tells is noted: "+a:1" is a with uid 1, "-a:1" that it is gone.
 */
#define PAGE_MAX 4

struct answer {
    const char *objects[PAGE_MAX]; /* name, a colon, uid */
    bool more;                     /* another page follows */
    bool fails;
};

struct world {
    struct store store;
    struct kit_clock clock;
    struct loop *loop;
    struct informer *informer;
    const struct answer *answers;
    size_t len, used;
    struct str told;
    int synced, errors, watches;
    store_event_fn on_event;
    void *watcher;
};

static struct document document_of(const char *object, char name[2])
{
    name[0] = object[0];
    name[1] = '\0';
    return (struct document){.kind = KIND_MODULE,
                             .namespace = "default",
                             .name = name,
                             .uid = object + 2,
                             .resource_version = "1",
                             .json = "{}",
                             .json_len = 2};
}

static void on_list(struct store *store, const struct store_query *query, store_list_fn done,
                    void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    ASSERT(world->used < world->len);
    const struct answer *answer = &world->answers[world->used];
    bool goes_on = world->used > 0 && world->answers[world->used - 1].more;
    world->used++;
    assert_int_equal(query->continue_token != NULL, goes_on);
    if (answer->fails) {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_EXPIRED, "made to fail");
        done(user, NULL, err);
        return;
    }
    struct document items[PAGE_MAX];
    char names[PAGE_MAX][2];
    struct store_list list = {
        .items = items, .resource_version = "7", .continue_token = answer->more ? "more" : NULL};
    for (; list.len < PAGE_MAX && answer->objects[list.len]; list.len++)
        items[list.len] = document_of(answer->objects[list.len], names[list.len]);
    done(user, &list, NULL);
}

static struct store_watch *on_watch(struct store *store, const struct store_query *query,
                                    const char *resource_version, store_event_fn on_event,
                                    void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    (void)query;
    assert_string_equal(resource_version, "7");
    world->watches++;
    world->on_event = on_event;
    world->watcher = user;
    return (struct store_watch *)world;
}

static void on_watch_stop(struct store *store, struct store_watch *watch)
{
    (void)watch;
    CONTAINER_OF(store, struct world, store)->watches--;
}

static const struct store_ops ops = {
    .list = on_list, .watch = on_watch, .watch_stop = on_watch_stop};

static void on_change(void *user, const struct document *document, bool deleted)
{
    struct world *world = user;
    str_printf(&world->told, " %c%s:%s", deleted ? '-' : '+', document->name, document->uid);
}

static void on_synced(void *user)
{
    ((struct world *)user)->synced++;
}

static void on_error(void *user, enum object_kind kind, const struct err *err)
{
    assert_int_equal(kind, KIND_MODULE);
    assert_int_equal(err->code, ERR_EXPIRED);
    ((struct world *)user)->errors++;
}

static void start(struct world *world, const struct answer *answers, size_t len)
{
    *world = (struct world){.store.ops = &ops, .answers = answers, .len = len};
    world->told = STR_INIT(LIMIT_KIB(4));
    kit_clock_init(&world->clock);
    world->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    const struct informer_handler handler = {
        .on_change = on_change, .on_synced = on_synced, .on_error = on_error, .user = world};
    world->informer = informer_start(&world->store, world->loop, KIND_MODULE, NULL, NULL, &handler);
}

static void stop(struct world *world)
{
    informer_stop(world->informer);
    loop_turn(world->loop);
    assert_int_equal(world->watches, 0);
    loop_free(world->loop);
    str_done(&world->told);
}

static bool all_answered(void *user)
{
    const struct world *world = user;
    return world->used == world->len && world->watches == 1;
}

static bool list_failed(void *user)
{
    return ((const struct world *)user)->errors == 1;
}

static void list_in_pages(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        {.objects = {"a:1", "b:2"}, .more = true},
        {.objects = {"c:3"}},
    };
    struct world world;
    start(&world, answers, ARRAY_LEN(answers));
    kit_turn_until(world.loop, all_answered, &world, "both pages are read");
    assert_string_equal(str_text(&world.told), " +a:1 +b:2 +c:3");
    assert_int_equal(world.synced, 1);
    stop(&world);
}

/* What a list has told before it failed is known: the next one may miss it. */
static void gone_after_a_page_that_failed(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        {.objects = {"a:1", "b:2", "c:3"}, .more = true},
        {.fails = true},
        {.objects = {"b:2", "c:4"}},
    };
    struct world world;
    start(&world, answers, ARRAY_LEN(answers));
    kit_turn_until(world.loop, list_failed, &world, "the second page fails");
    assert_int_equal(world.synced, 0);
    kit_clock_advance(&world.clock, 1000);
    kit_turn_until(world.loop, all_answered, &world, "it is listed again");
    assert_string_equal(str_text(&world.told), " +a:1 +b:2 +c:3 +b:2 +c:4 -a:1");
    assert_int_equal(world.synced, 1);
    stop(&world);
}

/* The same when it was listed before: what is known stays known, and the newer uid counts. */
static void gone_after_a_later_list_that_failed(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        {.objects = {"a:1", "b:2"}},
        {.objects = {"a:3", "c:4"}, .more = true},
        {.fails = true},
        {.objects = {"a:3"}},
    };
    struct world world;
    start(&world, answers, 1);
    kit_turn_until(world.loop, all_answered, &world, "it is listed");
    world.len = ARRAY_LEN(answers);
    str_clear(&world.told);
    kit_clock_advance(&world.clock, 1000);
    world.on_event(world.watcher, STORE_EXPIRED, NULL);
    kit_turn_until(world.loop, list_failed, &world, "the second page fails");
    kit_clock_advance(&world.clock, 1000);
    kit_turn_until(world.loop, all_answered, &world, "it is listed again");
    assert_string_equal(str_text(&world.told), " +a:3 +c:4 +a:3 -b:2 -c:4");
    assert_int_equal(world.synced, 1);
    stop(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_in_pages),
        cmocka_unit_test(gone_after_a_page_that_failed),
        cmocka_unit_test(gone_after_a_later_list_that_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
