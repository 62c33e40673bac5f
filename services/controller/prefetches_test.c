/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "lib/model/labels.h"
#include "services/controller/agents_test_kit.h"

/* One agent in front of all bases, which answers when the test says so. Time stands still until it is advanced. */

#define BASES (2 * LIMIT_PREFETCHES)
#define DIGEST "5555555555555555555555555555555555555555555555555555555555555555"
#define RELEASED                                                                                   \
    "},\"status\":{\"releaseStatus\":{\"updateRevision\":\"new\",\"progress\":\"Executing\"}"

typedef Koupleless__Agent__V1__PrefetchModuleResponse_Closure Closure;

struct asked {
    Closure closure;
    void *call;
    char id[64], base[32], sha256[65];
    int64_t epoch;
};

struct world {
    struct controller controller;
    struct kit_clock clock;
    Agent agent;
    struct rpc_server *server;
    size_t wanted; /* calls that the test waits for */

    pthread_mutex_t lock;      /* of what follows */
    struct asked asked[BASES]; /* not answered yet */
    size_t len;
    bool is_old; /* it does not know the call */
};

/* -- the agent -- */

static void copy(char *to, size_t size, const char *from)
{
    assert_true(strlen(from) < size);
    memcpy(to, from, strlen(from) + 1);
}

static void on_prefetch(Agent *service, const Koupleless__Agent__V1__PrefetchModuleRequest *request,
                        Closure closure, void *call)
{
    struct world *world = CONTAINER_OF(service, struct world, agent);
    struct asked asked = {.closure = closure, .call = call, .epoch = request->epoch};
    copy(asked.id, sizeof(asked.id), request->operation_id);
    copy(asked.base, sizeof(asked.base), request->target_base);
    copy(asked.sha256, sizeof(asked.sha256), request->module->sha256);
    pthread_mutex_lock(&world->lock);
    bool is_old = world->is_old;
    ASSERT(world->len < BASES);
    if (!is_old)
        world->asked[world->len++] = asked;
    pthread_mutex_unlock(&world->lock);
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_UNIMPLEMENTED, "made to fail");
    if (is_old)
        rpc_call_fail(call, err);
}

static size_t unanswered(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    size_t len = world->len;
    pthread_mutex_unlock(&world->lock);
    return len;
}

static bool enough(void *user)
{
    struct world *world = user;
    return unanswered(world) >= world->wanted;
}

/* Waits until @count calls are there that are not answered yet. */
static void await_calls(struct world *world, size_t count)
{
    world->wanted = count;
    kit_turn_until(world->controller.loop, enough, world, "calls of the agent");
}

static struct asked take(struct world *world)
{
    await_calls(world, 1);
    pthread_mutex_lock(&world->lock);
    struct asked asked = world->asked[--world->len];
    pthread_mutex_unlock(&world->lock);
    return asked;
}

static void answer(const struct asked *asked, Koupleless__Agent__V1__OperationState state,
                   bool passed_through)
{
    Koupleless__Agent__V1__Operation operation = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    Koupleless__Agent__V1__PrefetchModuleResponse response =
        KOUPLELESS__AGENT__V1__PREFETCH_MODULE_RESPONSE__INIT;
    operation.state = state;
    operation.url_passed_through = passed_through;
    response.operation = &operation;
    asked->closure(&response, asked->call);
}

/* -- set up -- */

static void add_base(struct cache *cache, int i, const char *agent)
{
    AUTO_FREE char *base = mem_printf("b%d", i);
    AUTO_FREE char *module = mem_printf("m%d", i);
    kit_apply(cache, KIND_BASE, kit_base(base, 1, "stock", agent, "Ready", ""));
    kit_apply(cache, KIND_MODULE, kit_module(module, 1, "old", base, "", "", "Available"));
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct cache *cache = &world->controller.cache;
    AUTO_FREE char *address = NULL;
    pthread_mutex_init(&world->lock, NULL);
    koupleless__agent__v1__agent_service__init(&world->agent, NULL);
    world->agent.prefetch_module = on_prefetch;
    world->server = kit_serve((ProtobufCService *[]){&world->agent.base}, 1, &address);
    kit_caller_init(&world->controller, &world->clock);
    world->controller.epoch = 7;
    AUTO_FREE char *metadata = kit_metadata("new", "u-new", 1, "ModuleDeployment/md/u-md", "");
    kit_apply(cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", RELEASED));
    kit_apply(cache, KIND_MODULE_REPLICASET, kit_replicaset("old", 1, "md", "1.0.0"));
    kit_apply(cache, KIND_MODULE_REPLICASET,
              mem_printf("{%s,\"spec\":{\"baseDeploymentName\":\"stock\",\"replicas\":1,"
                         "\"template\":{\"spec\":{\"module\":{" KIT_MODULE
                         ",\"version\":\"2.0.0\",\"sha256\":\"" DIGEST "\"}}}}}",
                         metadata));
    for (int i = 0; i < BASES; i++)
        add_base(cache, i, address);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    kit_caller_done(&world->controller);
    rpc_server_free(world->server);
    pthread_mutex_destroy(&world->lock);
    mem_free(world);
    return 0;
}

static struct deployment *deployment_of(struct world *world)
{
    return map_get(&world->controller.cache.deployments, "default/md");
}

/* As after a plan. */
static void begin(struct world *world)
{
    struct deployment *deployment = deployment_of(world);
    struct deployment_view view = cache_view(&world->controller.cache, deployment, 0);
    prefetches_begin(&world->controller, deployment, &view);
}

/* -- what must hold -- */

static void each_base_fetches_once_and_few_at_once(void **state)
{
    struct world *world = *state;
    begin(world);
    await_calls(world, LIMIT_PREFETCHES);
    begin(world);
    assert_int_equal(world->controller.prefetches, LIMIT_PREFETCHES);
    struct map bases = {0};
    for (int i = 0; i < BASES; i++) {
        struct asked asked = take(world);
        assert_string_equal(asked.sha256, DIGEST);
        assert_int_equal(asked.epoch, 7);
        assert_null(map_put(&bases, asked.base, world));
        assert_true(world->controller.prefetches <= LIMIT_PREFETCHES);
        answer(&asked, STATE(SUCCEEDED), false);
    }
    kit_await_outcomes(&world->controller);
    assert_non_null(map_get(&bases, "default/b0"));
    map_done(&bases);
    begin(world);
    assert_int_equal(world->controller.in_flight, 0);
    assert_int_equal(world->controller.prefetches_waiting.len, 0);
}

/* Not by GetOperation: an id stands for its operation. */
static void one_that_lasts_is_asked_for_again(void **state)
{
    struct world *world = *state;
    begin(world);
    await_calls(world, LIMIT_PREFETCHES);
    struct asked first = take(world);
    kit_clock_advance(&world->clock, AGENT_WAIT_MS);
    loop_turn(world->controller.loop);
    answer(&first, STATE(DOWNLOADING), false);
    await_calls(world, LIMIT_PREFETCHES);
    struct asked again = take(world);
    assert_string_equal(again.base, first.base);
    assert_string_equal(again.id, first.id);
    world->controller.stopping = true; /* no more of it */
    answer(&again, STATE(DOWNLOADING), false);
    while (unanswered(world)) {
        struct asked rest = take(world);
        answer(&rest, STATE(SUCCEEDED), false);
    }
    kit_await_outcomes(&world->controller);
}

static bool called_or_over(void *user)
{
    struct world *world = user;
    return unanswered(world) || !world->controller.in_flight;
}

/* Answers all calls in one way, until there are no more. Return: how many there were. */
static int answer_all(struct world *world, Koupleless__Agent__V1__OperationState state,
                      bool passed_through)
{
    int count = 0;
    begin(world);
    for (;; count++) {
        kit_turn_until(world->controller.loop, called_or_over, world, "a call, or the end");
        if (!unanswered(world))
            return count;
        struct asked asked = take(world);
        answer(&asked, state, passed_through);
    }
}

static void a_jar_that_fails_is_left_to_installs(void **state)
{
    struct world *world = *state;
    assert_true(answer_all(world, STATE(FAILED), false) < BASES);
    assert_true(deployment_of(world)->prefetch.failures >= PREFETCH_FAILURES_MAX);
}

static void agents_without_a_cache_are_let_alone(void **state)
{
    struct world *world = *state;
    assert_true(answer_all(world, STATE(SUCCEEDED), true) < BASES);
    assert_true(deployment_of(world)->prefetch.useless);
}

static void old_agents_are_let_alone(void **state)
{
    struct world *world = *state;
    pthread_mutex_lock(&world->lock);
    world->is_old = true;
    pthread_mutex_unlock(&world->lock);
    begin(world);
    kit_await_outcomes(&world->controller);
    assert_true(deployment_of(world)->prefetch.useless);
    assert_int_equal(deployment_of(world)->prefetch.failures, 0);
}

/* Its agents may be others by then, and what one of them remembers of the first is no answer. */
static void another_release_of_the_same_asks_anew(void **state)
{
    struct world *world = *state;
    begin(world);
    struct asked first = take(world);
    answer(&first, STATE(SUCCEEDED), true);
    assert_true(answer_all(world, STATE(SUCCEEDED), true) < BASES);
    mem_replace(&deployment_of(world)->prefetch.revision, "released-meanwhile");
    kit_clock_advance(&world->clock, 1);
    loop_turn(world->controller.loop);
    begin(world);
    struct asked again = take(world);
    assert_string_not_equal(again.id, first.id);
    answer(&again, STATE(SUCCEEDED), false);
    assert_int_equal(answer_all(world, STATE(SUCCEEDED), false), BASES - 1);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(each_base_fetches_once_and_few_at_once),
        WITH_WORLD(one_that_lasts_is_asked_for_again),
        WITH_WORLD(a_jar_that_fails_is_left_to_installs),
        WITH_WORLD(agents_without_a_cache_are_let_alone),
        WITH_WORLD(old_agents_are_let_alone),
        WITH_WORLD(another_release_of_the_same_asks_anew),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
