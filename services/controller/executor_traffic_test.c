/* SPDX-License-Identifier: Apache-2.0 */
/* A Module is let go when no traffic comes to what its base was, and waits while that is being written. The store
 * answers each patch as the test says. */
#include "lib/model/labels.h"
#include "services/controller/controller_test_kit.h"

#define KEY "m/default/m"
#define DONE ERR_CODE_MAX_ /* no error */

struct world {
    struct controller controller;
    struct kit_clock clock;
    struct store store;
    struct store_ops ops;
    struct str patches;    /* "Kind/NAME PATCH; " */
    enum err_code outcome; /* of a patch of a Base */
    struct str planned;    /* Modules that are to be planned: "KEY; " */
};

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    struct world *world = CONTAINER_OF(store, struct world, store);
    assert_int_equal(part, STORE_MAIN);
    assert_null(resource_version);
    str_printf(&world->patches, "%s/%s %s; ", kind_name(key->kind), key->name, merge_patch);
    AUTO_ERR struct err *err = NULL;
    if (key->kind == KIND_BASE && world->outcome != DONE)
        err_set(&err, world->outcome, "made to fail");
    struct document document = {
        .kind = key->kind, .namespace = "default", .name = key->name, .json = "{}", .json_len = 2};
    done(user, err ? NULL : &document, err);
}

static void on_follow(struct store *store, const char *namespace, const char *deployment,
                      store_follow_fn on_state, void *user)
{
    (void)store;
    (void)namespace;
    (void)deployment;
    (void)on_state;
    (void)user;
}

static void ignore(void *user, const char *key)
{
    (void)user;
    (void)key;
}

static void note_module(void *user, const char *key)
{
    struct world *world = user;
    str_printf(&world->planned, "%s; ", key);
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    kit_clock_init(&world->clock);
    world->ops = (struct store_ops){.patch = on_patch, .follow_bases = on_follow};
    world->store.ops = &world->ops;
    world->patches = STR_INIT(LIMIT_KIB(4));
    controller->store = &world->store;
    controller->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    controller->queue = workqueue_new();
    controller->cache.on_dirty_deployment = controller->cache.on_dirty_base = ignore;
    controller->cache.on_dirty_module = note_module;
    controller->cache.user = world;
    world->planned = STR_INIT(LIMIT_KIB(1));
    loop_timer_init(&controller->turn, NULL);
    kit_apply(&controller->cache, KIND_MODULE,
              kit_module("m", 9, "rs", "a",
                         ",\"deletionTimestamp\":\"2026-11-23T08:00:00Z\",\"finalizers\":"
                         "[\"" FINALIZER_MODULE "\"]",
                         "", "Terminating"));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    kit_executor_done(controller);
    str_done(&world->patches);
    str_done(&world->planned);
    mem_free(world);
    return 0;
}

/* Carries out what is planned for a Module whose base is none any more. Return: what was written. */
static const char *release(struct world *world)
{
    struct controller *controller = &world->controller;
    struct plan plan = {0};
    struct action *end = plan_add(&plan, ACTION_END_TRAFFIC, "m");
    json_map_set(&end->labels, LABEL_TRAFFIC_PREFIX "provider", "");
    plan_add(&plan, ACTION_RELEASE_MODULE, "m");
    workqueue_add(controller->queue, KEY);
    assert_string_equal(workqueue_take(controller->queue, loop_now_ms(controller->loop)), KEY);
    executor_run(controller, KEY, &plan);
    for (int i = 0; i < 3; i++)
        loop_turn(controller->loop);
    return str_text(&world->patches);
}

#define OFF                                                                                        \
    "Base/a {\"metadata\":{\"uid\":\"u-a\",\"labels\":{\"" LABEL_TRAFFIC_PREFIX                    \
    "provider\":null}}}; "
#define RELEASE "Module/m {\"metadata\":{\"finalizers\":[]}}; "

static void the_label_goes_first(void **state)
{
    struct world *world = *state;
    world->outcome = ERR_NOT_FOUND;
    assert_string_equal(release(world), OFF RELEASE);
}

/* Nobody knows whether the label is off: the Module stays, and is planned anew. */
static void not_while_nobody_knows(void **state)
{
    struct world *world = *state;
    world->outcome = ERR_UNAVAILABLE;
    assert_string_equal(release(world), OFF);
    assert_int_equal(workqueue_len(world->controller.queue), 1);
}

/* A base that registered itself took its labels with it. */
static void bases_that_are_no_pods(void **state)
{
    struct world *world = *state;
    world->ops.follow_bases = NULL;
    assert_string_equal(release(world), RELEASE);
}

#define BASE "b/default/a"

/* Writes the label of the module on its base, "" takes it off; the store answers with @outcome. */
static void label_as(struct world *world, const char *value, enum err_code outcome)
{
    struct controller *controller = &world->controller;
    struct plan plan = {0};
    world->outcome = outcome;
    json_map_set(&plan_add(&plan, ACTION_LABEL_BASE, "a")->labels, LABEL_TRAFFIC_PREFIX "provider",
                 value);
    workqueue_add(controller->queue, BASE);
    assert_non_null(workqueue_take(controller->queue, INT64_MAX));
    executor_run(controller, BASE, &plan);
    loop_turn(controller->loop);
}

/* Gives it. */
static void label(struct world *world, enum err_code outcome)
{
    label_as(world, "true", outcome);
}

static struct cached_base *add_base(struct world *world)
{
    kit_apply(&world->controller.cache, KIND_BASE,
              kit_base("a", 3, "stock", "127.0.0.1:1", "Ready", ""));
    str_clear(&world->planned);
    return map_get(&world->controller.cache.bases, "default/a");
}

/* However the write of the labels of its base ends, what has waited for it is looked at again. */
static void what_waits_for_labels_goes_on(void **state)
{
    struct world *world = *state;
    add_base(world);
    label(world, ERR_UNAVAILABLE);
    assert_string_equal(str_text(&world->planned), "default/m; ");
}

/* What may have been written is in doubt until it was written again. */
static void labels_are_in_doubt_until_they_are_written(void **state)
{
    struct world *world = *state;
    const struct cached_base *base = add_base(world);
    label(world, ERR_DENIED);
    assert_int_equal(base->view.doubted.len, 0); /* it was not */
    static const enum err_code doubtful[] = {ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_INTERNAL,
                                             ERR_CANCELLED, ERR_DATA_LOSS};
    for (size_t i = 0; i < ARRAY_LEN(doubtful); i++) {
        label(world, doubtful[i]);
        assert_string_equal(json_map_get(&base->view.doubted, LABEL_TRAFFIC_PREFIX "provider"),
                            "true");
        label(world, ERR_DENIED); /* that says nothing of the one before */
        assert_int_equal(base->view.doubted.len, 1);
        label(world, DONE);
        assert_int_equal(base->view.doubted.len, 0);
        kit_clock_advance(&world->clock, 10000); /* nobody tells of it */
        loop_turn(world->controller.loop);
    }
}

/* The label may have been on until it is written as off, and nobody has seen it. */
static void drain_begins_when_a_label_in_doubt_is_off(void **state)
{
    struct world *world = *state;
    const struct cached_base *base = add_base(world);
    const struct instance *instance = base->view.instances.items[0];
    int64_t first_seen_ms = instance->unlabelled_ms;
    kit_clock_advance(&world->clock, 5000);
    label_as(world, "", DONE); /* it was not in doubt */
    assert_int_equal(instance->unlabelled_ms, first_seen_ms);
    label_as(world, "true", ERR_TIMEOUT);
    kit_clock_advance(&world->clock, 5000);
    label_as(world, "", ERR_TIMEOUT);
    label_as(world, "", ERR_DENIED);
    assert_int_equal(instance->unlabelled_ms, first_seen_ms);
    kit_clock_advance(&world->clock, 5000);
    label_as(world, "", DONE);
    assert_int_equal(instance->unlabelled_ms, loop_now_ms(world->controller.loop));
    kit_clock_advance(&world->clock, 5000);
    label_as(world, "", DONE); /* that is over */
    assert_int_equal(instance->unlabelled_ms, loop_now_ms(world->controller.loop) - 5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(the_label_goes_first),
                                       TEST(not_while_nobody_knows),
                                       TEST(bases_that_are_no_pods),
                                       TEST(what_waits_for_labels_goes_on),
                                       TEST(labels_are_in_doubt_until_they_are_written),
                                       TEST(drain_begins_when_a_label_in_doubt_is_off)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
