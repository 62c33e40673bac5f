/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/controller_test_kit.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/release_status.h"

#define MD_KEY "d/default/md"
#define MODULE_OF_MD "m/default/m"

struct world {
    struct controller controller;
    struct kit_clock clock;
    int dirty;
};

static void count_dirty(void *user, const char *key)
{
    struct world *world = user;
    (void)key;
    world->dirty++;
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    struct cache *cache = &controller->cache;
    kit_clock_init(&world->clock);
    controller->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    cache->on_dirty_deployment = cache->on_dirty_module = cache->on_dirty_base = count_dirty;
    cache->user = world;
    cache->now_ms = loop_now_ms(controller->loop);
    kit_apply(cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 5, "", ""));
    kit_apply(cache, KIND_MODULE_REPLICASET, kit_replicaset("rs", 6, "md", "1.0.0"));
    kit_apply(cache, KIND_BASE, kit_base("a", 7, "stock", "h:1", "Ready", ""));
    kit_apply(cache, KIND_MODULE, kit_module("m", 8, "rs", "a", "", "", "Available"));
    world->dirty = 0;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    setbacks_free(&world->controller);
    cache_done(&world->controller.cache);
    loop_free(world->controller.loop);
    mem_free(world);
    return 0;
}

/* Notes that @key failed with @code; how long it is held from then on. */
static int64_t failed(struct world *world, const char *key, enum err_code code, const char *message)
{
    AUTO_ERR struct err *err = NULL;
    struct controller *controller = &world->controller;
    err_set(&err, code, "%s", message);
    int64_t at_ms = setbacks_add(controller, key, err);
    assert_int_equal(at_ms, setbacks_until_ms(controller, key));
    return at_ms - loop_now_ms(controller->loop);
}

static const struct deployment *deployment_of(struct world *world)
{
    return kit_get_deployment(&world->controller.cache, "md");
}

static void advance(struct world *world, int64_t ms)
{
    kit_clock_advance(&world->clock, ms);
    loop_turn(world->controller.loop);
    world->controller.cache.now_ms = loop_now_ms(world->controller.loop);
}

static void test_it_is_tried_less_and_less_often(void **state)
{
    struct world *world = *state;
    static const int64_t away_ms[] = {500, 1000, 2000, 4000, 5000, 5000};
    static const int64_t refused_ms[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < ARRAY_LEN(away_ms); i++)
        assert_int_equal(failed(world, "d/default/x", ERR_UNAVAILABLE, "away"), away_ms[i]);
    for (size_t i = 0; i < ARRAY_LEN(refused_ms); i++) {
        assert_int_equal(failed(world, "d/default/y", ERR_DENIED, "no"), refused_ms[i]);
        assert_int_equal(failed(world, "d/default/z", ERR_PRECONDITION, "drops it"), refused_ms[i]);
    }
    for (int i = 0; i < 5; i++) /* somebody else was faster, and may be so again */
        assert_int_equal(failed(world, "d/default/y", ERR_CONFLICT, "no"), 500);
    assert_int_equal(failed(world, "d/default/y", ERR_DENIED, "no"), 30000);
    assert_int_equal(failed(world, "d/default/new", ERR_CONFLICT, "no"), 500);
    assert_int_equal(failed(world, "d/default/new", ERR_DENIED, "no"), 500);
    setbacks_end(&world->controller, "d/default/x");
    assert_int_equal(setbacks_until_ms(&world->controller, "d/default/x"), 0);
    assert_int_equal(failed(world, "d/default/x", ERR_UNAVAILABLE, "away"), 500);
}

/* The keys of what belongs to it: each tells it, and takes back what it told. */
static void test_its_deployment_knows_what_is_refused(void **state)
{
    struct world *world = *state;
    static const char *const keys[] = {MD_KEY, MODULE_OF_MD, "b/default/a"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        world->dirty = 0;
        failed(world, keys[i], ERR_DENIED, "patch pods: forbidden");
        assert_string_equal(deployment_of(world)->write_refusal.message, "patch pods: forbidden");
        assert_int_equal(world->dirty, 1);
        setbacks_end(&world->controller, keys[i]);
        assert_null(deployment_of(world)->write_refusal.key);
        assert_int_equal(world->dirty, 2);
    }
    failed(world, MD_KEY, ERR_UNAVAILABLE, "away"); /* which can't be written anyway */
    failed(world, MD_KEY, ERR_CONFLICT, "changed");
    failed(world, "b/default/gone", ERR_DENIED, "no");
    assert_null(deployment_of(world)->write_refusal.key);
}

static void test_the_first_of_many_is_told(void **state)
{
    struct world *world = *state;
    failed(world, MODULE_OF_MD, ERR_DENIED, "first");
    failed(world, MD_KEY, ERR_DENIED, "second");
    assert_string_equal(deployment_of(world)->write_refusal.message, "first");
    setbacks_end(&world->controller, MD_KEY);
    assert_string_equal(deployment_of(world)->write_refusal.message, "first");
    advance(world, WRITE_REFUSAL_KEPT_MS); /* nobody tries it any more */
    failed(world, MD_KEY, ERR_DENIED, "second");
    assert_string_equal(deployment_of(world)->write_refusal.message, "second");
}

/* The Degraded condition that the deployment's plan writes now; NULL: it writes no status. Owned, "reason: message". */
static char *told(struct world *world)
{
    struct cache *cache = &world->controller.cache;
    struct plan plan = {0};
    struct deployment_view view = cache_view(cache, kit_get_deployment(cache, "md"), KIT_WALL_MS);
    char *text = NULL;
    plan_deployment(&view, &plan);
    for (size_t i = 0; i < plan.actions.len; i++) {
        const struct action *action = &plan.actions.items[i];
        const struct condition *degraded = action->type == ACTION_WRITE_STATUS
                                               ? status_condition(action->status, "Degraded")
                                               : NULL;
        if (degraded)
            text = mem_printf("%s: %s", degraded->reason, degraded->message);
    }
    plan_done(&plan);
    return text;
}

/* Also where nothing else can be written, such as the finalizer that comes first. */
static void test_the_status_tells_it_for_a_while(void **state)
{
    struct world *world = *state;
    failed(world, MD_KEY, ERR_DENIED, "patch moduledeployments \"md\": forbidden");
    AUTO_FREE char *refused = told(world);
    assert_string_equal(refused, "WriteRefused: patch moduledeployments \"md\": forbidden");
    advance(world, WRITE_REFUSAL_KEPT_MS);
    AUTO_FREE char *over = told(world);
    assert_null(over);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_tried_less_and_less_often, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_its_deployment_knows_what_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_first_of_many_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_status_tells_it_for_a_while, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
