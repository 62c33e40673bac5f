/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_GATEWAY_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_GATEWAY_TEST_KIT_H

/*
 * Reports of agents, and what their silence does. The controller is whole: store, gateway, planning; the
 * scheduler takes the first base that fits, and each agent installs at once. Time is made up.
 */
#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/model/protojson.h"
#include "services/controller/agents_test_kit.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/embedded/test_dir.h"

#define SILENT_MS 90000
#define GONE_MS 300000
#define GATEWAY (&koupleless__controller__v1__agent_gateway_service__descriptor)

typedef Koupleless__Scheduler__V1__SchedulerService_Service Scheduler;

struct world {
    struct kit_clock clock;
    char *dir, *address;
    struct store *store;
    struct store_ops pod_ops; /* of the store, where its Bases are Pods */
    struct loop *loop;
    struct metrics *metrics;
    struct rpc_server *peers, *door;
    struct rpc_client *client, *agents_client;
    struct rpc_channel *channel;
    struct controller *controller;
    Scheduler scheduler;
    Agent agent;
    int installs; /* atomic */
};

/* -- peers, on threads of their server -- */

static inline bool fits(const Koupleless__Scheduler__V1__BaseCandidate *base)
{
    bool room = !base->_max_module_count_case || base->module_count < base->max_module_count;
    return base->ready && base->agent_reachable && !base->terminating && !base->has_module && room;
}

static inline void on_place(Scheduler *service,
                            const Koupleless__Scheduler__V1__PlaceRequest *request,
                            Koupleless__Scheduler__V1__PlaceResponse_Closure closure, void *call)
{
    (void)service;
    AUTO_FREE char **names = mem_alloc((request->n_bases + 1) * sizeof(*names));
    Koupleless__Scheduler__V1__PlaceResponse response =
        KOUPLELESS__SCHEDULER__V1__PLACE_RESPONSE__INIT;
    for (size_t i = 0; i < request->n_bases; i++)
        if (fits(request->bases[i]) && (int)response.n_bases < request->replicas)
            names[response.n_bases++] = request->bases[i]->name;
    response.bases = names;
    closure(&response, call);
}

static inline void on_evict(Scheduler *service,
                            const Koupleless__Scheduler__V1__EvictRequest *request,
                            Koupleless__Scheduler__V1__EvictResponse_Closure closure, void *call)
{
    (void)service;
    AUTO_FREE char **names = mem_alloc((request->n_instances + 1) * sizeof(*names));
    Koupleless__Scheduler__V1__EvictResponse response =
        KOUPLELESS__SCHEDULER__V1__EVICT_RESPONSE__INIT;
    for (size_t i = 0; i < request->n_instances && (int)i < request->replicas; i++)
        names[response.n_instances++] = request->instances[i]->name;
    response.instances = names;
    closure(&response, call);
}

static inline void on_install(Agent *service,
                              const Koupleless__Agent__V1__InstallModuleRequest *request,
                              Koupleless__Agent__V1__InstallModuleResponse_Closure closure,
                              void *call)
{
    (void)request;
    __atomic_add_fetch(&CONTAINER_OF(service, struct world, agent)->installs, 1, __ATOMIC_ACQ_REL);
    Koupleless__Agent__V1__Operation operation = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    operation.state = STATE(SUCCEEDED);
    Koupleless__Agent__V1__InstallModuleResponse response =
        KOUPLELESS__AGENT__V1__INSTALL_MODULE_RESPONSE__INIT;
    response.operation = &operation;
    closure(&response, call);
}

static inline void on_uninstall(Agent *service,
                                const Koupleless__Agent__V1__UninstallModuleRequest *request,
                                Koupleless__Agent__V1__UninstallModuleResponse_Closure closure,
                                void *call)
{
    (void)service;
    (void)request;
    Koupleless__Agent__V1__Operation operation = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    operation.state = STATE(SUCCEEDED);
    Koupleless__Agent__V1__UninstallModuleResponse response =
        KOUPLELESS__AGENT__V1__UNINSTALL_MODULE_RESPONSE__INIT;
    response.operation = &operation;
    closure(&response, call);
}

static inline bool is_synced(void *user)
{
    return ((struct controller *)user)->synced == WATCHED_KINDS;
}

static inline void start_peers(struct world *world)
{
    koupleless__scheduler__v1__scheduler_service__init(&world->scheduler, NULL);
    koupleless__agent__v1__agent_service__init(&world->agent, NULL);
    world->scheduler.place = on_place;
    world->scheduler.evict = on_evict;
    world->agent.install_module = on_install;
    world->agent.uninstall_module = on_uninstall;
    ProtobufCService *services[] = {&world->scheduler.base, &world->agent.base};
    world->peers = kit_serve(services, ARRAY_LEN(services), &world->address);
}

/* -- a store where Bases are Pods: nobody makes one here, and a deployment that is followed never shows up -- */

static inline void follow_nothing(struct store *store, const char *namespace,
                                  const char *deployment, store_follow_fn on_state, void *user)
{
    (void)store;
    (void)namespace;
    (void)deployment;
    (void)on_state;
    (void)user;
}

/* Before any thread reads the operations of the store. */
static inline void make_bases_pods(struct world *world)
{
    world->pod_ops = *world->store->ops;
    world->pod_ops.follow_bases = follow_nothing;
    world->store->ops = &world->pod_ops;
}

/* -- set up -- */

static inline int set_up_where(void **state, bool bases_are_pods)
{
    struct world *world = NEW(struct world);
    kit_clock_init(&world->clock);
    world->dir = test_dir_make();
    assert_int_equal(embedded_store_open(&world->store, world->dir, &world->clock.clock, NULL), 0);
    if (bases_are_pods)
        make_bases_pods(world);
    world->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    world->metrics = metrics_new();
    world->client = rpc_client_new();
    world->agents_client = rpc_client_new();
    start_peers(world);
    struct controller_options options = {
        .loop = world->loop,
        .store = world->store,
        .rpc = world->client,
        .scheduler = world->address,
        .metrics = world->metrics,
        .base_silent_ms = SILENT_MS,
        .base_gone_ms = GONE_MS,
    };
    assert_int_equal(controller_new(&world->controller, &options, NULL), 0);
    ProtobufCService *gateway[] = {controller_gateway(world->controller)};
    AUTO_FREE char *door = NULL;
    world->door = kit_serve(gateway, ARRAY_LEN(gateway), &door);
    struct rpc_tls plain = {0};
    assert_int_equal(rpc_channel_new(&world->channel, world->agents_client, door, &plain, NULL), 0);
    kit_turn_until(world->loop, is_synced, world->controller, "the lists");
    *state = world;
    return 0;
}

static inline int set_up(void **state)
{
    return set_up_where(state, false);
}

static inline int set_up_pods(void **state)
{
    return set_up_where(state, true);
}

static inline int tear_down(void **state)
{
    struct world *world = *state;
    rpc_channel_free(world->channel);
    rpc_client_free(world->agents_client);
    rpc_server_free(world->door);
    controller_stop(world->controller);
    rpc_client_free(world->client);
    controller_free(world->controller);
    rpc_server_free(world->peers);
    store_free(world->store);
    loop_free(world->loop);
    metrics_free(world->metrics);
    test_dir_remove(world->dir);
    mem_free(world->address);
    mem_free(world);
    return 0;
}

/* -- calls: the loop turns until they are answered -- */

struct outcome {
    cJSON *json;
    struct err *err;
    bool done; /* atomic */
};

static inline void outcome_done(struct outcome *outcome)
{
    json_free(outcome->json);
    err_free(outcome->err);
}

#define AUTO_OUTCOME AUTO(outcome_done) __attribute__((unused))

static inline void on_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct outcome *outcome = user;
    outcome->json = response ? protojson_write(response) : NULL;
    outcome->err = err_copy(err);
    __atomic_store_n(&outcome->done, true, __ATOMIC_RELEASE);
}

static inline bool is_done(void *user)
{
    return __atomic_load_n(&((struct outcome *)user)->done, __ATOMIC_ACQUIRE);
}

static inline struct outcome send(struct world *world, const char *method,
                                  const ProtobufCMessage *request)
{
    struct outcome outcome = {0};
    struct rpc_options options = {0};
    rpc_unary(world->channel, GATEWAY, method, request, &options, on_done, &outcome);
    kit_turn_until(world->loop, is_done, &outcome, method);
    return outcome;
}

static inline struct outcome call(struct world *world, const char *method, const char *text)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    const ProtobufCMethodDescriptor *found =
        protobuf_c_service_descriptor_get_method_by_name(GATEWAY, method);
    ASSERT(json && found);
    ProtobufCMessage *request = protojson_read(found->input, json, JSON_UNKNOWN_REFUSE, &err);
    if (!request)
        fail_msg("%s", err->message);
    struct outcome outcome = send(world, method, request);
    protobuf_c_message_free_unpacked(request, NULL);
    return outcome;
}

/* A report of base @name that must be taken; @more: further members with a comma in front. Return: when the next is wanted. */
static inline char *report(struct world *world, const char *name, const char *more)
{
    AUTO_FREE char *text =
        mem_printf("{\"baseName\":\"%s\",\"baseDeployment\":\"stock\",\"ip\":\"10.0.0.1\","
                   "\"agentAddress\":\"%s\"%s}",
                   name, world->address, more);
    AUTO_OUTCOME struct outcome outcome = call(world, "Report", text);
    if (outcome.err)
        fail_msg("%s", outcome.err->message);
    return mem_strdup(json_get_string(outcome.json, "nextReport"));
}

static inline void tell(struct world *world, const char *name, const char *more)
{
    AUTO_FREE char *next = report(world, name, more);
    assert_non_null(next);
}

#define READY ",\"ready\":true,\"bootId\":\"boot-1\""

/* -- states to wait for -- */

struct wanted {
    struct world *world;
    const char *base, *phase, *reason;
    const char *module; /* base of the one Module that is Available */
};

static inline const struct base *base_of(struct world *world, const char *name)
{
    const struct cached_base *base = kit_get_base(&world->controller->cache, name);
    return base ? base->base : NULL;
}

static inline bool base_is(void *user)
{
    const struct wanted *wanted = user;
    const struct base *base = base_of(wanted->world, wanted->base);
    return base && str_eq(base->status.phase, wanted->phase) &&
           str_eq(base->status.reason, wanted->reason);
}

/* Waits until base @name is in @phase ("" = none yet) for @reason ("" = none). */
static inline void await_base(struct world *world, const char *name, const char *phase,
                              const char *reason)
{
    struct wanted wanted = {.world = world, .base = name, .phase = phase, .reason = reason};
    kit_turn_until(world->loop, base_is, &wanted, phase);
}

/* A base that has reported and is ready. */
static inline void join(struct world *world, const char *name)
{
    tell(world, name, READY);
    await_base(world, name, "", "");
    tell(world, name, READY);
    await_base(world, name, "Ready", "");
}

/* Time goes on, and is noticed. */
static inline void pass(struct world *world, int64_t ms)
{
    kit_clock_advance(&world->clock, ms);
    loop_turn(world->loop);
    kit_await_outcomes(world->controller);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_PODS(name) cmocka_unit_test_setup_teardown(name, set_up_pods, tear_down)

#endif
