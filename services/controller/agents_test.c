/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>

#include "lib/model/labels.h"
#include "services/controller/agents_test_kit.h"
#include "services/controller/store/merge_patch.h"

/*
 * Operations against an agent that keeps each call until the test answers it. Time stands still until it is
 * advanced.
 */

#define NOBODY "127.0.0.1:1"
#define WAITED_MS 30000

typedef Koupleless__Agent__V1__InstallModuleResponse_Closure InstallClosure;
typedef Koupleless__Agent__V1__GetOperationResponse_Closure GetClosure;

/* The call that waits for an answer. */
struct pending {
    void *call;    /* NULL: none */
    int64_t epoch; /* of an install */
    InstallClosure install;
    GetClosure get; /* one of the two */
    int64_t wait_s;
    char id[129];
    char restart[32]; /* of an install */
};

struct world {
    struct controller controller;
    struct kit_clock clock;
    Agent agent;
    struct rpc_server *server;
    int planned; /* how often modules were to be planned anew */

    pthread_mutex_t lock; /* of what follows */
    struct pending pending;
};

/* -- the agent, on threads of the server -- */

static void keep(struct world *world, struct pending pending, const char *id)
{
    ASSERT(strlen(id) < sizeof(pending.id));
    memcpy(pending.id, id, strlen(id) + 1);
    pthread_mutex_lock(&world->lock);
    ASSERT(!world->pending.call);
    world->pending = pending;
    pthread_mutex_unlock(&world->lock);
}

static void on_install(Agent *service, const Koupleless__Agent__V1__InstallModuleRequest *request,
                       InstallClosure closure, void *call)
{
    struct pending pending = {
        .call = call,
        .install = closure,
        .epoch = request->epoch,
        .wait_s = request->wait ? request->wait->seconds : -1,
    };
    ASSERT(strlen(request->restart) < sizeof(pending.restart));
    memcpy(pending.restart, request->restart, strlen(request->restart) + 1);
    keep(CONTAINER_OF(service, struct world, agent), pending, request->operation_id);
}

static void on_get(Agent *service, const Koupleless__Agent__V1__GetOperationRequest *request,
                   GetClosure closure, void *call)
{
    struct pending pending = {
        .call = call,
        .get = closure,
        .wait_s = request->wait ? request->wait->seconds : -1,
    };
    keep(CONTAINER_OF(service, struct world, agent), pending, request->operation_id);
}

/* Done at once. */
static void on_uninstall(Agent *service,
                         const Koupleless__Agent__V1__UninstallModuleRequest *request,
                         Koupleless__Agent__V1__UninstallModuleResponse_Closure closure, void *call)
{
    Koupleless__Agent__V1__Operation operation = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    Koupleless__Agent__V1__UninstallModuleResponse response =
        KOUPLELESS__AGENT__V1__UNINSTALL_MODULE_RESPONSE__INIT;
    (void)service;
    (void)request;
    operation.state = STATE(SUCCEEDED);
    response.operation = &operation;
    closure(&response, call);
}

/* -- what the test does with calls -- */

static bool called(void *user)
{
    struct world *world = user;
    pthread_mutex_lock(&world->lock);
    bool is = world->pending.call != NULL;
    pthread_mutex_unlock(&world->lock);
    return is;
}

/* Waits for a call of the agent; it is the caller's then. */
static struct pending take_call(struct world *world)
{
    kit_turn_until(world->controller.loop, called, world, "a call of the agent");
    pthread_mutex_lock(&world->lock);
    struct pending pending = world->pending;
    world->pending.call = NULL;
    pthread_mutex_unlock(&world->lock);
    return pending;
}

static void pass(struct world *world, int64_t ms)
{
    kit_clock_advance(&world->clock, ms);
    loop_turn(world->controller.loop);
}

static void answer(const struct pending *pending, Koupleless__Agent__V1__OperationState state)
{
    Koupleless__Agent__V1__OperationError error = KOUPLELESS__AGENT__V1__OPERATION_ERROR__INIT;
    Koupleless__Agent__V1__Operation operation = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    operation.state = state;
    operation.error = state == STATE(FAILED) ? &error : NULL;
    if (pending->install) {
        Koupleless__Agent__V1__InstallModuleResponse response =
            KOUPLELESS__AGENT__V1__INSTALL_MODULE_RESPONSE__INIT;
        response.operation = &operation;
        pending->install(&response, pending->call);
    } else {
        Koupleless__Agent__V1__GetOperationResponse response =
            KOUPLELESS__AGENT__V1__GET_OPERATION_RESPONSE__INIT;
        response.operation = &operation;
        pending->get(&response, pending->call);
    }
}

static void refuse(const struct pending *pending, enum err_code code)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "made to fail");
    rpc_call_fail(pending->call, err);
}

static void await_outcome(struct world *world)
{
    kit_await_outcomes(&world->controller);
}

/* -- set up -- */

static void on_dirty_module(void *user, const char *key)
{
    (void)key;
    CONTAINER_OF((struct controller *)user, struct world, controller)->planned++;
}

static void add_base(struct world *world, const char *name, const char *agent)
{
    kit_apply(&world->controller.cache, KIND_BASE, kit_base(name, 1, "stock", agent, "Ready", ""));
}

static int set_up(void **state)
{
    struct world *world = NEW(struct world);
    struct controller *controller = &world->controller;
    AUTO_FREE char *address = NULL;
    pthread_mutex_init(&world->lock, NULL);
    koupleless__agent__v1__agent_service__init(&world->agent, NULL);
    world->agent.install_module = on_install;
    world->agent.get_operation = on_get;
    world->agent.uninstall_module = on_uninstall;
    world->server = kit_serve((ProtobufCService *[]){&world->agent.base}, 1, &address);
    kit_caller_init(controller, &world->clock);
    controller->cache.on_dirty_module = on_dirty_module;
    kit_apply(&controller->cache, KIND_MODULE_DEPLOYMENT, kit_deployment("md", 1, "", ""));
    kit_apply(&controller->cache, KIND_MODULE_REPLICASET, kit_replicaset("rs", 1, "md", "1.0.0"));
    add_base(world, "a", address);
    add_base(world, "b", NOBODY);
    kit_apply(&controller->cache, KIND_MODULE, kit_module("m", 1, "rs", "a", "", "", "Pending"));
    kit_apply(&controller->cache, KIND_MODULE, kit_module("n", 1, "rs", "b", "", "", "Pending"));
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

/* Begins an install of Module @name. */
static const struct operation *begin(struct world *world, const char *name)
{
    struct cached_instance *instance = kit_get_instance(&world->controller.cache, name);
    agents_start(&world->controller, instance, OPERATION_INSTALL);
    assert_int_equal(instance->view.operation.state, OPERATION_RUNNING);
    return &instance->view.operation;
}

/* What is off may be reported still; of the next one of that version this says nothing. */
static void test_after_an_uninstall_reports_say_nothing_for_a_while(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    kit_apply(cache, KIND_MODULE, kit_module("same", 1, "rs", "a", "", "", "Pending"));
    kit_apply(cache, KIND_MODULE, kit_module("elsewhere", 1, "rs", "b", "", "", "Pending"));
    struct instance *off = &kit_get_instance(cache, "m")->view;
    struct instance *same = &kit_get_instance(cache, "same")->view;
    off->reported = same->reported = REPORTED_ACTIVE;
    agents_start(&world->controller, kit_get_instance(cache, "m"), OPERATION_UNINSTALL);
    await_outcome(world);
    assert_int_equal(off->operation.state, OPERATION_SUCCEEDED);
    assert_int_equal(same->reported, REPORTED_NOTHING);
    assert_int_equal(same->distrusted_ms, off->operation.ended_ms + 2000);
    assert_int_equal(off->distrusted_ms, 0);
    assert_int_equal(kit_get_instance(cache, "elsewhere")->view.distrusted_ms, 0);
}

/* What it was to overwrite went with it: that is not there any more, whatever its status says. */
static void test_an_uninstall_takes_off_what_was_to_be_overwritten(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    const char *spec = ",\"replaces\":\"old\",\"upgradeWay\":\"InPlace\"";
    kit_apply(cache, KIND_MODULE, kit_module("old", 1, "rs", "a", "", "", "Available"));
    kit_apply(cache, KIND_MODULE, kit_module("given-up", 1, "rs", "a", "", spec, "Pending"));
    struct cached_instance *off = kit_get_instance(cache, "given-up");
    struct instance *old = &kit_get_instance(cache, "old")->view;
    old->reported = REPORTED_ACTIVE;
    agents_start(&world->controller, off, OPERATION_UNINSTALL);
    await_outcome(world);
    assert_int_equal(off->view.operation.state, OPERATION_SUCCEEDED);
    assert_int_equal(old->reported, REPORTED_ABSENT);
    assert_int_equal(old->reported_ms, off->view.operation.ended_ms);
    old->operation.type = OPERATION_INSTALL;
    old->operation.state = OPERATION_RUNNING; /* what that brings is told by its outcome */
    agents_start(&world->controller, off, OPERATION_UNINSTALL);
    await_outcome(world);
    assert_int_equal(old->reported, REPORTED_NOTHING);
}

/* A plan writes the status first; meanwhile another one of the module may have begun: in place each takes the other off. */
static void test_two_installs_of_a_module_are_not_begun_together(void **state)
{
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    kit_apply(cache, KIND_MODULE, kit_module("next", 1, "rs", "a", "", "", "Pending"));
    begin(world, "m");
    struct pending call = take_call(world);
    world->planned = 0;
    struct cached_instance *next = kit_get_instance(cache, "next");
    agents_start(&world->controller, next, OPERATION_INSTALL);
    assert_int_equal(next->view.operation.state, OPERATION_NONE);
    assert_int_equal(world->planned, 1); /* looked at again */
    answer(&call, STATE(SUCCEEDED));
    await_outcome(world);
    begin(world, "next");
    call = take_call(world);
    answer(&call, STATE(SUCCEEDED));
    await_outcome(world);
}

/* -- an operation takes as long as it takes -- */

static void test_an_install_may_last(void **state)
{
    struct world *world = *state;
    const struct operation *operation = begin(world, "m");
    int64_t started_ms = operation->started_ms;
    struct pending call = take_call(world);
    assert_non_null(call.install);
    assert_int_equal(call.wait_s, WAITED_MS / 1000);
    world->planned = 0;
    for (int i = 0; i < 20; i++) { /* ten minutes */
        struct pending before = call;
        pass(world, WAITED_MS);
        answer(&before, STATE(EXECUTING));
        call = take_call(world);
        assert_non_null(call.get); /* not begun once more */
        assert_string_equal(call.id, before.id);
        assert_int_equal(call.wait_s, WAITED_MS / 1000);
        assert_int_equal(operation->state, OPERATION_RUNNING);
    }
    assert_int_equal(world->planned, 0);
    assert_int_equal(operation->started_ms, started_ms);
    answer(&call, STATE(SUCCEEDED));
    await_outcome(world);
    assert_int_equal(operation->state, OPERATION_SUCCEEDED);
    assert_int_equal(operation->failures, 0);
    assert_int_equal(operation->unanswered, 0);
    assert_int_equal(world->planned, 1);
}

/* What came meanwhile is forgotten, but for a report that shows what the answer says. */
static void test_a_report_may_overtake_the_answer(void **state)
{
    struct world *world = *state;
    static const struct {
        enum reported reported, kept;
    } rows[] = {
        {REPORTED_ACTIVE, REPORTED_ACTIVE},
        {REPORTED_INACTIVE, REPORTED_INACTIVE},
        {REPORTED_RESOLVED, REPORTED_NOTHING},
        {REPORTED_ABSENT, REPORTED_NOTHING},
    };
    struct instance *instance = &kit_get_instance(&world->controller.cache, "m")->view;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)begin(world, "m");
        struct pending call = take_call(world);
        instance->reported = rows[i].reported;
        instance->reported_ms = loop_now_ms(world->controller.loop);
        answer(&call, STATE(SUCCEEDED));
        await_outcome(world);
        assert_int_equal(instance->reported, rows[i].kept);
    }
}

static void test_a_failure_at_last_is_a_failure(void **state)
{
    struct world *world = *state;
    const struct operation *operation = begin(world, "m");
    struct pending call = take_call(world);
    pass(world, WAITED_MS);
    answer(&call, STATE(CHECKING));
    call = take_call(world);
    answer(&call, STATE(FAILED));
    await_outcome(world);
    assert_int_equal(operation->state, OPERATION_FAILED);
    assert_int_equal(operation->failures, 1);
    assert_int_equal(operation->unanswered, 0);
}

/* It does not wait when it is about to stop; asked again at once it would be asked without end. */
static void test_an_agent_that_does_not_wait_is_left_alone(void **state)
{
    struct world *world = *state;
    const struct operation *operation = begin(world, "m");
    struct pending call = take_call(world);
    answer(&call, STATE(EXECUTING));
    await_outcome(world);
    assert_int_equal(operation->state, OPERATION_FAILED);
    assert_int_equal(operation->failures, 0);
    assert_int_equal(operation->unanswered, 1);
}

static void test_what_is_gone_is_not_asked_for_again(void **state)
{
    struct world *world = *state;
    begin(world, "m");
    struct pending call = take_call(world);
    kit_remove(&world->controller.cache, KIND_MODULE, "m");
    pass(world, WAITED_MS);
    answer(&call, STATE(EXECUTING));
    await_outcome(world);
    assert_false(called(world));
}

/* -- no more calls at once than allowed -- */

static void test_a_call_waits_while_too_many_are_out(void **state)
{
    struct world *world = *state;
    world->controller.calls = LIMIT_AGENT_CALLS - 1; /* to others */
    begin(world, "m");
    const struct operation *waiting = begin(world, "n");
    struct pending call = take_call(world);
    assert_int_equal(world->controller.in_flight, 1);
    answer(&call, STATE(SUCCEEDED));
    await_outcome(world);
    assert_int_equal(waiting->state, OPERATION_FAILED); /* nobody is there */
    assert_int_equal(waiting->unanswered, 1);
}

static void test_what_goes_while_it_waits_is_not_called(void **state)
{
    struct world *world = *state;
    world->controller.calls = LIMIT_AGENT_CALLS - 1;
    begin(world, "m");
    begin(world, "n");
    struct pending call = take_call(world);
    kit_remove(&world->controller.cache, KIND_MODULE, "n");
    answer(&call, STATE(SUCCEEDED));
    await_outcome(world);
    assert_true(list_empty(&world->controller.calls_waiting));
    assert_int_equal(world->controller.calls, LIMIT_AGENT_CALLS - 1);
}

/* -- no answer -- */

static void test_without_an_answer_nothing_has_failed(void **state)
{
    struct world *world = *state;
    static const enum err_code codes[] = {ERR_UNAVAILABLE, ERR_LIMIT, ERR_NOT_FOUND, ERR_TIMEOUT};
    char id[129] = "";
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        const struct operation *operation = begin(world, "m");
        struct pending call = take_call(world);
        assert_true(!*id || str_eq(call.id, id)); /* the one that may be running */
        memcpy(id, call.id, sizeof(id));
        refuse(&call, codes[i]);
        await_outcome(world);
        assert_int_equal(operation->state, OPERATION_FAILED);
        assert_int_equal(operation->failures, 0);
        assert_int_equal(operation->unanswered, i + 1);
        assert_string_equal(operation->code, "Arklet.NetworkError");
    }
    const struct operation *operation = begin(world, "n");
    await_outcome(world);
    assert_int_equal(operation->failures, 0);
    assert_int_equal(operation->unanswered, 1);
}

static void test_a_refusal_is_a_failure(void **state)
{
    struct world *world = *state;
    const struct operation *operation = begin(world, "m");
    struct pending call = take_call(world);
    refuse(&call, ERR_INVALID);
    await_outcome(world);
    assert_int_equal(operation->failures, 1);
    assert_int_equal(operation->unanswered, 0);
    assert_string_equal(operation->code, "ModuleController.InvalidRequest");
}

/* What an agent has heard of another leader is for that one to tell; ours has ended, or is about to. */
static void test_a_leader_that_was_deposed_has_failed_at_nothing(void **state)
{
    struct world *world = *state;
    world->controller.epoch = 41;
    const struct operation *operation = begin(world, "m");
    struct pending call = take_call(world);
    assert_int_equal(call.epoch, 41);
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_PRECONDITION, "another controller leads");
    err_reason(&err, "STALE_EPOCH");
    rpc_call_fail(call.call, err);
    await_outcome(world);
    assert_int_equal(operation->failures, 0);
    assert_int_equal(operation->unanswered, 1);
}

/* -- ids -- */

/* Installs "m"; the id that the agent was given is written to @ret_id. */
static void install(struct world *world, char *ret_id, size_t size)
{
    begin(world, "m");
    struct pending call = take_call(world);
    ASSERT(size >= sizeof(call.id));
    memcpy(ret_id, call.id, sizeof(call.id));
    answer(&call, STATE(SUCCEEDED));
    await_outcome(world);
}

static void test_what_is_done_once_more_is_another_operation(void **state)
{
    struct world *world = *state;
    char first[129], second[129];
    install(world, first, sizeof(first));
    install(world, second, sizeof(second));
    assert_string_not_equal(first, second);
}

/* The agent remembers the install of before, but the module was taken off meanwhile. */
static void test_another_life_of_the_controller_has_other_ids(void **state)
{
    struct world *world = *state;
    char first[129], second[129];
    world->controller.life = 1;
    install(world, first, sizeof(first));
    kit_remove(&world->controller.cache, KIND_MODULE, "m");
    kit_apply(&world->controller.cache, KIND_MODULE,
              kit_module("m", 2, "rs", "a", "", "", "Available"));
    world->controller.life = 2;
    install(world, second, sizeof(second));
    assert_string_not_equal(first, second);
}

/* -- the same again -- */

/* A revision that is there for a restart. */
static char *restarted_revision(const char *name)
{
    static const char text[] = "{\"template\":{\"metadata\":{\"annotations\":{"
                               "\"" ANNOTATION_RESTARTED_AT "\":\"noon\"}}}}";
    AUTO_FREE char *plain = kit_replicaset(name, 1, "md", "1.0.0");
    AUTO_JSON cJSON *json = json_parse(plain, strlen(plain), LIMIT_OBJECT, NULL);
    AUTO_JSON cJSON *patch = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    merge_patch_member(json, "spec", patch);
    return json_text(json);
}

static void test_a_restart_in_place_says_so(void **state)
{
    static const struct {
        const char *rs, *spec, *restart;
    } rows[] = {
        {"rs", ",\"replaces\":\"m\",\"upgradeWay\":\"InPlace\"", ""},
        {"again", ",\"replaces\":\"m\",\"upgradeWay\":\"InPlace\"", "again"},
        {"again", ",\"replaces\":\"m\",\"upgradeWay\":\"OtherBase\"", ""}, /* nobody is there */
        {"again", ",\"upgradeWay\":\"InPlace\"", ""}, /* its predecessor is gone: it is done */
    };
    struct world *world = *state;
    struct cache *cache = &world->controller.cache;
    kit_apply(cache, KIND_MODULE_REPLICASET, restarted_revision("again"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        kit_apply(cache, KIND_MODULE,
                  kit_module("next", (int)i + 1, rows[i].rs, "a", "", rows[i].spec, "Pending"));
        begin(world, "next");
        struct pending call = take_call(world);
        assert_string_equal(call.restart, rows[i].restart);
        answer(&call, STATE(SUCCEEDED));
        await_outcome(world);
        kit_remove(cache, KIND_MODULE, "next");
    }
}

/* -- connections -- */

static void test_an_unused_connection_is_dropped(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    begin(world, "n");
    await_outcome(world);
    const struct operation *operation = begin(world, "m");
    struct pending call = take_call(world);
    pass(world, 59999);
    agents_sweep(controller);
    assert_int_equal(controller->agents.len, 2);
    answer(&call, STATE(EXECUTING));
    call = take_call(world);
    pass(world, 1);
    agents_sweep(controller);
    assert_int_equal(controller->agents.len, 1); /* that of "m" was used just now */
    pass(world, 60000);
    agents_sweep(controller);
    assert_int_equal(controller->agents.len, 0);
    answer(&call, STATE(SUCCEEDED)); /* who waits on it gets the answer all the same */
    await_outcome(world);
    assert_int_equal(operation->state, OPERATION_SUCCEEDED);
}

static void use_connection(struct controller *controller, int port, char text[32])
{
    snprintf(text, 32, "127.0.0.1:%d", port);
    assert_non_null(agents_channel(controller, text, NULL));
}

static void test_of_too_many_connections_the_one_longest_unused_goes(void **state)
{
    struct world *world = *state;
    struct controller *controller = &world->controller;
    char first[32], second[32], other[32];
    use_connection(controller, 1, first);
    use_connection(controller, 2, second);
    for (int i = 3; i <= LIMIT_AGENT_CONNECTIONS; i++)
        use_connection(controller, i, other);
    const void *kept = map_get(&controller->agents, first);
    use_connection(controller, 1, first);
    use_connection(controller, LIMIT_AGENT_CONNECTIONS + 1, other);
    assert_int_equal(controller->agents.len, LIMIT_AGENT_CONNECTIONS);
    assert_ptr_equal(map_get(&controller->agents, first), kept);
    assert_null(map_get(&controller->agents, second));
    assert_non_null(map_get(&controller->agents, other));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_after_an_uninstall_reports_say_nothing_for_a_while),
        TEST(test_an_uninstall_takes_off_what_was_to_be_overwritten),
        TEST(test_two_installs_of_a_module_are_not_begun_together),
        TEST(test_an_install_may_last),
        TEST(test_a_report_may_overtake_the_answer),
        TEST(test_a_failure_at_last_is_a_failure),
        TEST(test_an_agent_that_does_not_wait_is_left_alone),
        TEST(test_what_is_gone_is_not_asked_for_again),
        TEST(test_a_call_waits_while_too_many_are_out),
        TEST(test_what_goes_while_it_waits_is_not_called),
        TEST(test_without_an_answer_nothing_has_failed),
        TEST(test_a_refusal_is_a_failure),
        TEST(test_a_leader_that_was_deposed_has_failed_at_nothing),
        TEST(test_what_is_done_once_more_is_another_operation),
        TEST(test_another_life_of_the_controller_has_other_ids),
        TEST(test_a_restart_in_place_says_so),
        TEST(test_an_unused_connection_is_dropped),
        TEST(test_of_too_many_connections_the_one_longest_unused_goes),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
