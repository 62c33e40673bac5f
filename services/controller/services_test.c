/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a Service that could not be made: a store that has one Service, and tells what it was patched with. */
#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"

#define KEY "default/md"
#define NAME "provider-service"

struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store store;
    char *present;         /* the Service; NULL: none, or */
    enum err_code failure; /* why it can't be looked at; 0: it can */
    char *patch;
    int dirty;
};

static struct world *world_of(struct store *store)
{
    return CONTAINER_OF(store, struct world, store);
}

static void on_get(struct store *store, const struct store_key *key, store_done_fn done, void *user)
{
    const char *json = world_of(store)->present;
    assert_string_equal(key->name, NAME);
    AUTO_ERR struct err *err = NULL;
    if (!json)
        err_set(&err, world_of(store)->failure ? world_of(store)->failure : ERR_NOT_FOUND, "none");
    struct document document = {.kind = KIND_SERVICE,
                                .namespace = "default",
                                .name = NAME,
                                .json = json,
                                .json_len = json ? strlen(json) : 0};
    done(user, json ? &document : NULL, err);
}

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    (void)part;
    (void)resource_version;
    mem_replace(&world_of(store)->patch, merge_patch);
    struct document document = {.kind = key->kind, .name = key->name, .json = "{}", .json_len = 2};
    done(user, &document, NULL);
}

static const struct store_ops ops = {.get = on_get, .patch = on_patch};

static void on_dirty_deployment(void *user, const char *key)
{
    assert_string_equal(key, KEY);
    CONTAINER_OF((struct controller *)user, struct world, controller)->dirty++;
}

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
    controller->cache.user = controller;
    controller->cache.on_dirty_deployment = on_dirty_deployment;
    controller->cache.on_dirty_module = controller->cache.on_dirty_base = ignore;
    controller->cache.now_ms = kit_mono_ms(&world->clock.clock);
    kit_apply(&controller->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    world->dirty = 0;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    assert_int_equal(world->controller.in_flight, 0);
    cache_done(&world->controller.cache);
    loop_free(world->controller.loop);
    mem_free(world->present);
    mem_free(world->patch);
    mem_free(world);
    return 0;
}

/* A create that failed; then whatever follows from it. Return: whether that is the end of it for now. */
static bool refused(struct world *world, enum err_code code)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "port is allocated");
    bool over = services_refused(&world->controller, KEY, NAME, err);
    loop_turn(world->controller.loop);
    return over;
}

static char *service(const char *owner)
{
    AUTO_FREE char *metadata = kit_metadata(NAME, "u-service", 3, owner, "");
    return mem_printf(
        "{%s,\"spec\":{\"ports\":[{\"name\":\"http\",\"port\":80,\"nodePort\":30080}]}}", metadata);
}

static const struct service_refusal *refusal(struct world *world)
{
    return &kit_get_deployment(&world->controller.cache, "md")->service_refusal;
}

static void test_anothers_is_left_alone_and_named(void **state)
{
    struct world *world = *state;
    world->present = service("Gateway/front/u-front");
    assert_true(refused(world, ERR_EXISTS));
    assert_string_equal(refusal(world)->name, NAME);
    assert_string_equal(refusal(world)->reason, "ServiceConflict");
    assert_non_null(strstr(refusal(world)->message, NAME " is there already"));
    assert_non_null(strstr(refusal(world)->message, "Gateway front"));
    assert_int_equal(refusal(world)->at_ms, world->controller.cache.now_ms);
    assert_null(world->patch);
    assert_true(world->dirty > 0);
}

/* Tried again, it is told as before until more is known. */
static void test_one_that_stays_is_told_all_the_time(void **state)
{
    struct world *world = *state;
    world->present = service(NULL);
    assert_true(refused(world, ERR_EXISTS));
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_EXISTS, "exists");
    AUTO_FREE char *message = mem_strdup(refusal(world)->message);
    assert_true(services_refused(&world->controller, KEY, NAME, err));
    assert_string_equal(refusal(world)->message, message);
    loop_turn(world->controller.loop);
    assert_string_equal(refusal(world)->message, message);
}

static void test_ours_without_its_labels_gets_them_back(void **state)
{
    struct world *world = *state;
    world->present = service("ModuleDeployment/md/u-md");
    assert_true(refused(world, ERR_EXISTS));
    assert_non_null(strstr(world->patch, "\"" LABEL_MODULE_DEPLOYMENT "\":\"md\""));
    assert_non_null(strstr(world->patch, "\"nodePort\":30080"));
    assert_null(refusal(world)->reason);
    loop_turn(world->controller.loop);
}

static void test_one_that_has_gone_is_no_conflict(void **state)
{
    struct world *world = *state;
    assert_true(refused(world, ERR_EXISTS));
    assert_null(refusal(world)->reason);
    assert_true(refusal(world)->at_ms < world->controller.cache.now_ms); /* made at once */
}

static void test_whose_nobody_can_tell_is_no_conflict(void **state)
{
    struct world *world = *state;
    world->failure = ERR_TIMEOUT;
    assert_true(refused(world, ERR_EXISTS));
    assert_string_equal(refusal(world)->name, NAME);
    assert_null(refusal(world)->reason);
    assert_int_equal(refusal(world)->at_ms, world->controller.cache.now_ms); /* after a while */
}

static void test_what_the_store_does_not_take_is_told(void **state)
{
    struct world *world = *state;
    assert_true(refused(world, ERR_INVALID));
    assert_string_equal(refusal(world)->reason, "ServiceRefused");
    assert_string_equal(refusal(world)->message, "Service " NAME ": port is allocated");
    assert_true(refused(world, ERR_DENIED));
}

static void test_other_failures_are_repeated(void **state)
{
    struct world *world = *state;
    assert_false(refused(world, ERR_UNAVAILABLE));
    assert_false(refused(world, ERR_CONFLICT));
    assert_null(refusal(world)->name);
    kit_remove(&world->controller.cache, KIND_MODULE_DEPLOYMENT, "md");
    assert_false(refused(world, ERR_EXISTS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anothers_is_left_alone_and_named),
        TEST(test_one_that_stays_is_told_all_the_time),
        TEST(test_ours_without_its_labels_gets_them_back),
        TEST(test_one_that_has_gone_is_no_conflict),
        TEST(test_whose_nobody_can_tell_is_no_conflict),
        TEST(test_what_the_store_does_not_take_is_told),
        TEST(test_other_failures_are_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
