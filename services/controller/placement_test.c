/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "services/controller/agents_test_kit.h"

/*
 * Questions to a scheduler, which is made up and keeps what it was asked; and the way to agents, of which
 * one answers, and one address has nobody.
 */

#define NOBODY "127.0.0.1:1"
#define CANDIDATES_MAX 16

typedef Koupleless__Scheduler__V1__SchedulerService_Service Scheduler;

struct seen {
    char name[32];
    bool ready, reachable, has_module;
    int count;
};

struct world {
    struct controller controller;
    struct kit_clock clock;
    Scheduler scheduler;
    Agent agent;
    struct rpc_server *server;
    char *agent_address;
    int dirty; /* deployments planned anew */

    pthread_mutex_t lock; /* of what follows */
    struct seen seen[CANDIDATES_MAX];
    size_t seen_len;
    char *choose; /* answered to Place and Evict; NULL = fails */
    bool still_running;
};

/* -- the peers, on threads of the server -- */

static struct seen see(const Koupleless__Scheduler__V1__BaseCandidate *candidate)
{
    struct seen seen = {.ready = candidate->ready,
                        .reachable = candidate->agent_reachable,
                        .has_module = candidate->has_module,
                        .count = candidate->module_count};
    ASSERT(strlen(candidate->name) < sizeof(seen.name));
    memcpy(seen.name, candidate->name, strlen(candidate->name));
    return seen;
}

static void fail_call(void *call, enum err_code code)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "made to fail");
    rpc_call_fail(call, err);
}

static void on_place(Scheduler *service, const Koupleless__Scheduler__V1__PlaceRequest *request,
                     Koupleless__Scheduler__V1__PlaceResponse_Closure closure, void *call)
{
    struct world *world = CONTAINER_OF(service, struct world, scheduler);
    pthread_mutex_lock(&world->lock);
    ASSERT(request->n_bases <= CANDIDATES_MAX);
    world->seen_len = request->n_bases;
    for (size_t i = 0; i < request->n_bases; i++)
        world->seen[i] = see(request->bases[i]);
    AUTO_FREE char *choose = mem_strdup(world->choose);
    pthread_mutex_unlock(&world->lock);
    if (!choose) {
        fail_call(call, ERR_INTERNAL);
        return;
    }
    char *bases[] = {choose};
    Koupleless__Scheduler__V1__PlaceResponse response =
        KOUPLELESS__SCHEDULER__V1__PLACE_RESPONSE__INIT;
    response.n_bases = *choose ? 1 : 0;
    response.bases = bases;
    response.explanation = (char *)(uintptr_t) "1 of 2 placed";
    closure(&response, call);
}

static void on_evict(Scheduler *service, const Koupleless__Scheduler__V1__EvictRequest *request,
                     Koupleless__Scheduler__V1__EvictResponse_Closure closure, void *call)
{
    struct world *world = CONTAINER_OF(service, struct world, scheduler);
    char *names[CANDIDATES_MAX];
    ASSERT(request->n_instances <= CANDIDATES_MAX);
    pthread_mutex_lock(&world->lock);
    world->seen_len = 0;
    for (size_t i = 0; i < request->n_instances; i++) {
        names[i] = request->instances[i]->name;
        struct seen *seen = &world->seen[world->seen_len++];
        *seen = (struct seen){.ready = request->instances[i]->healthy,
                              .reachable = request->instances[i]->base_ready,
                              .count = request->instances[i]->module_count};
        ASSERT(strlen(names[i]) < sizeof(seen->name));
        memcpy(seen->name, names[i], strlen(names[i]));
    }
    pthread_mutex_unlock(&world->lock);
    Koupleless__Scheduler__V1__EvictResponse response =
        KOUPLELESS__SCHEDULER__V1__EVICT_RESPONSE__INIT;
    response.n_instances = request->n_instances;
    response.instances = names;
    closure(&response, call);
}

static void on_install(Agent *service, const Koupleless__Agent__V1__InstallModuleRequest *request,
                       Koupleless__Agent__V1__InstallModuleResponse_Closure closure, void *call)
{
    struct world *world = CONTAINER_OF(service, struct world, agent);
    (void)request;
    pthread_mutex_lock(&world->lock);
    bool still_running = world->still_running;
    pthread_mutex_unlock(&world->lock);
    Koupleless__Agent__V1__Operation operation = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    operation.state = still_running ? STATE(EXECUTING) : STATE(SUCCEEDED);
    Koupleless__Agent__V1__InstallModuleResponse response =
        KOUPLELESS__AGENT__V1__INSTALL_MODULE_RESPONSE__INIT;
    response.operation = &operation;
    closure(&response, call);
}

/* -- set up -- */

static void on_dirty_deployment(void *user, const char *key)
{
    (void)key;
    CONTAINER_OF((struct controller *)user, struct world, controller)->dirty++;
}

static void serve(struct world *world)
{
    koupleless__scheduler__v1__scheduler_service__init(&world->scheduler, NULL);
    koupleless__agent__v1__agent_service__init(&world->agent, NULL);
    world->scheduler.place = on_place;
    world->scheduler.evict = on_evict;
    world->agent.install_module = on_install;
    ProtobufCService *services[] = {&world->scheduler.base, &world->agent.base};
    world->server = kit_serve(services, ARRAY_LEN(services), &world->agent_address);
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    pthread_mutex_init(&world->lock, NULL);
    serve(world);
    kit_caller_init(controller, &world->clock);
    controller->cache.on_dirty_deployment = on_dirty_deployment;
    controller->cache.now_ms = kit_mono_ms(&world->clock.clock);
    assert_int_equal(rpc_channel_new(&controller->scheduler, controller->options.rpc,
                                     world->agent_address, &controller->options.tls, NULL),
                     0);
    kit_apply(&controller->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    kit_apply(&controller->cache, KIND_MODULE_REPLICASET, kit_replicaset("old", 1, "md", "1.0.0"));
    kit_apply(&controller->cache, KIND_MODULE_REPLICASET, kit_replicaset("new", 1, "md", "2.0.0"));
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    rpc_channel_free(world->controller.scheduler);
    kit_caller_done(&world->controller);
    rpc_server_free(world->server);
    pthread_mutex_destroy(&world->lock);
    mem_free(world->agent_address);
    mem_free(world->choose);
    mem_free(world);
    return 0;
}

static void add_base(struct world *world, const char *name, const char *agent, const char *phase)
{
    kit_apply(&world->controller.cache, KIND_BASE, kit_base(name, 1, "stock", agent, phase, ""));
}

static void add_module(struct world *world, const char *name, const char *rs, const char *base)
{
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module(name, 1, rs, base, "", "", "Available"));
}

static void set_choice(struct world *world, const char *choose)
{
    pthread_mutex_lock(&world->lock);
    mem_replace(&world->choose, choose);
    pthread_mutex_unlock(&world->lock);
}

/* Asks about @rs and waits for the answer. */
static struct placement *ask(struct world *world, const char *rs, enum action_type question,
                             int count)
{
    struct controller *controller = &world->controller;
    struct cached_revision *revision = kit_get_revision(&controller->cache, rs);
    placement_ask(controller, kit_get_deployment(&controller->cache, "md"), revision, question,
                  count);
    struct placement *placement =
        question == ACTION_PLACE ? &revision->view.place : &revision->view.evict;
    assert_int_equal(placement->state, PLACEMENT_ASKED);
    kit_await_outcomes(controller);
    return placement;
}

/* What the scheduler was told about @name; NULL: nothing. The server is not at work any more. */
static const struct seen *seen(struct world *world, const char *name)
{
    const struct seen *found = NULL;
    pthread_mutex_lock(&world->lock);
    for (size_t i = 0; i < world->seen_len; i++)
        if (str_eq(world->seen[i].name, name))
            found = &world->seen[i];
    pthread_mutex_unlock(&world->lock);
    return found;
}

static int seen_count(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    int count = (int)world->seen_len;
    pthread_mutex_unlock(&world->lock);
    return count;
}

/* Begins an install of Module @name and waits for what becomes of it. */
static const struct operation *install(struct world *world, const char *name)
{
    struct controller *controller = &world->controller;
    struct cached_instance *instance = kit_get_instance(&controller->cache, name);
    agents_start(controller, instance, OPERATION_INSTALL);
    kit_await_outcomes(controller);
    return &instance->view.operation;
}

/* -- has_module -- */

static void test_has_module_means_this_revision(void **state)
{
    struct world *world = *state;
    add_base(world, "free", world->agent_address, "Ready");
    add_base(world, "with-old", world->agent_address, "Ready");
    add_module(world, "old-1", "old", "with-old");
    set_choice(world, "free");

    ask(world, "old", ACTION_PLACE, 1);
    assert_true(seen(world, "with-old")->has_module);
    assert_false(seen(world, "free")->has_module);
}

static void test_bases_with_another_revision_are_left_to_successors(void **state)
{
    struct world *world = *state;
    add_base(world, "free", world->agent_address, "Ready");
    add_base(world, "with-old", world->agent_address, "Ready");
    add_base(world, "with-both", world->agent_address, "Ready");
    add_module(world, "old-1", "old", "with-old");
    add_module(world, "old-2", "old", "with-both");
    add_module(world, "new-2", "new", "with-both");
    set_choice(world, "free");

    const struct placement *place = ask(world, "new", ACTION_PLACE, 2);
    assert_int_equal(seen_count(world), 1);
    assert_false(seen(world, "free")->has_module);
    assert_string_equal(place->explanation,
                        "NoCapacity: 1 of 2 placed; 2 left out, with another revision there");

    kit_remove(&world->controller.cache, KIND_MODULE, "old-1");
    ask(world, "new", ACTION_PLACE, 1);
    assert_false(seen(world, "with-old")->has_module);
    assert_null(seen(world, "with-both"));
}

static void test_an_instance_that_is_leaving_is_there(void **state)
{
    struct world *world = *state;
    add_base(world, "a", world->agent_address, "Ready");
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module("new-1", 1, "new", "a", ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"",
                         "", "Terminating"));
    set_choice(world, "");
    ask(world, "new", ACTION_PLACE, 1);
    assert_true(seen(world, "a")->has_module);
}

/* -- agent_reachable -- */

static void test_a_call_without_connection_makes_its_base_unreachable(void **state)
{
    struct world *world = *state;
    add_base(world, "a", world->agent_address, "Ready");
    add_base(world, "b", NOBODY, "Ready");
    add_module(world, "old-a", "old", "a");
    add_module(world, "old-b", "old", "b");
    set_choice(world, "a");

    ask(world, "old", ACTION_PLACE, 1);
    assert_true(seen(world, "a")->reachable);
    assert_true(seen(world, "b")->reachable); /* nobody has tried yet */

    assert_int_equal(install(world, "old-a")->unanswered, 0);
    assert_int_equal(install(world, "old-b")->unanswered, 1);
    ask(world, "old", ACTION_PLACE, 1);
    assert_true(seen(world, "a")->reachable);
    assert_false(seen(world, "b")->reachable);
    assert_true(seen(world, "b")->ready); /* its agent reports all the same */
}

static void test_unreachable_is_forgotten_after_a_while(void **state)
{
    struct world *world = *state;
    add_base(world, "b", NOBODY, "Ready");
    add_module(world, "old-b", "old", "b");
    set_choice(world, "");
    install(world, "old-b");

    kit_clock_advance(&world->clock, 59999);
    loop_turn(world->controller.loop);
    ask(world, "old", ACTION_PLACE, 1);
    assert_false(seen(world, "b")->reachable);
    kit_clock_advance(&world->clock, 1);
    loop_turn(world->controller.loop);
    ask(world, "old", ACTION_PLACE, 1);
    assert_true(seen(world, "b")->reachable);
}

static void test_an_answer_makes_it_reachable_again(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    add_base(world, "b", world->agent_address, "Ready");
    add_module(world, "old-b", "old", "b");
    set_choice(world, "");
    struct cached_base *base = kit_get_base(cache, "b");
    base->unreached = true;
    base->unreached_ms = cache->now_ms;
    ask(world, "old", ACTION_PLACE, 1);
    assert_false(seen(world, "b")->reachable);

    /* Not the end of an operation, but the agent spoke. */
    pthread_mutex_lock(&world->lock);
    world->still_running = true;
    pthread_mutex_unlock(&world->lock);
    world->dirty = 0;
    const struct operation *operation = install(world, "old-b");
    assert_int_equal(operation->state, OPERATION_FAILED);
    assert_int_equal(operation->unanswered, 1);
    assert_true(world->dirty > 0); /* who waits for a place asks anew */
    ask(world, "old", ACTION_PLACE, 1);
    assert_true(seen(world, "b")->reachable);
}

static void test_another_address_is_another_way(void **state)
{
    struct world *world = *state;
    add_base(world, "b", NOBODY, "Ready");
    add_module(world, "old-b", "old", "b");
    set_choice(world, "");
    install(world, "old-b");
    kit_apply(&world->controller.cache, KIND_BASE,
              kit_base("b", 2, "stock", NOBODY, "NotReady", ""));
    ask(world, "old", ACTION_PLACE, 1);
    assert_false(seen(world, "b")->reachable);

    kit_apply(&world->controller.cache, KIND_BASE,
              kit_base("b", 3, "stock", world->agent_address, "NotReady", ""));
    ask(world, "old", ACTION_PLACE, 1);
    assert_true(seen(world, "b")->reachable);
    assert_false(seen(world, "b")->ready);
}

/* -- the answer -- */

static void test_an_answer_waits_in_the_revision(void **state)
{
    struct world *world = *state;
    add_base(world, "a", world->agent_address, "Ready");
    set_choice(world, "a");
    world->dirty = 0;
    struct placement *place = ask(world, "new", ACTION_PLACE, 1);
    assert_int_equal(place->state, PLACEMENT_ANSWERED);
    assert_int_equal(place->names.len, 1);
    assert_string_equal(place->names.items[0], "a");
    assert_null(place->explanation); /* enough */
    assert_int_equal(place->answered_ms, loop_now_ms(world->controller.loop));
    assert_int_equal(world->dirty, 1);

    placement_forget(place);
    assert_int_equal(place->state, PLACEMENT_NONE);
    assert_int_equal(place->names.len, 0);
}

static void test_a_failure_says_why(void **state)
{
    struct world *world = *state;
    add_base(world, "a", world->agent_address, "Ready");
    const struct placement *place = ask(world, "new", ACTION_PLACE, 1);
    assert_int_equal(place->state, PLACEMENT_FAILED);
    assert_int_equal(place->names.len, 0);
    assert_true(str_starts_with(place->explanation, "SchedulerUnavailable: "));
}

static void test_an_answer_about_what_is_gone_is_dropped(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    add_base(world, "a", world->agent_address, "Ready");
    set_choice(world, "a");
    placement_ask(controller, kit_get_deployment(&controller->cache, "md"),
                  kit_get_revision(&controller->cache, "new"), ACTION_PLACE, 1);
    kit_remove(&controller->cache, KIND_MODULE_REPLICASET, "new");
    world->dirty = 0;
    kit_await_outcomes(controller);
    assert_int_equal(world->dirty, 0);
}

static void test_evict_asks_about_those_that_stay_otherwise(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    add_base(world, "a", world->agent_address, "Ready");
    add_base(world, "b", world->agent_address, "NotReady");
    add_module(world, "old-a", "old", "a");
    kit_apply(cache, KIND_MODULE, kit_module("old-b", 1, "old", "b", "", "", "Failed"));
    add_module(world, "old-leaving", "old", "a");
    kit_apply(cache, KIND_MODULE,
              kit_module("old-leaving", 2, "old", "a",
                         ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"", "", "Terminating"));
    add_module(world, "old-claimed", "old", "a");
    kit_apply(cache, KIND_MODULE,
              kit_module("new-1", 1, "new", "a", "", ",\"replaces\":\"old-claimed\"", "Pending"));

    const struct placement *evict = ask(world, "old", ACTION_EVICT, 2);
    assert_int_equal(seen_count(world), 2);
    assert_true(seen(world, "old-a")->ready);
    assert_true(seen(world, "old-a")->reachable);
    assert_int_equal(seen(world, "old-a")->count, 4);
    assert_false(seen(world, "old-b")->ready);
    assert_false(seen(world, "old-b")->reachable);
    assert_int_equal(evict->names.len, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_has_module_means_this_revision),
        TEST(test_bases_with_another_revision_are_left_to_successors),
        TEST(test_an_instance_that_is_leaving_is_there),
        TEST(test_a_call_without_connection_makes_its_base_unreachable),
        TEST(test_unreachable_is_forgotten_after_a_while),
        TEST(test_an_answer_makes_it_reachable_again),
        TEST(test_another_address_is_another_way),
        TEST(test_an_answer_waits_in_the_revision),
        TEST(test_a_failure_says_why),
        TEST(test_an_answer_about_what_is_gone_is_dropped),
        TEST(test_evict_asks_about_those_that_stay_otherwise),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
