/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on bases: one RPC each, by the agent in front of the base.
 *
 * An operation has all the time that its agent gives it: a call waits for a while only, and where the
 * operation is still running then it is asked for again. When no answer came at all nobody knows what
 * happened, and the operation is begun again under the same id, which finds it where it runs.
 *
 * gRPC keeps some 12 KB for each call that is out, so there are at most LIMIT_AGENT_CALLS; others wait
 * for their turn, those that ask again behind those that were there before, so that operations which take
 * long do not keep the others from being begun.
 *
 * The id follows from the instance, the kind of operation, the failures and successes so far, the start of
 * the base's JVM, and a random number of this life of the controller. The number is there since failures and
 * successes are counted in memory: without it, the reinstall of a module that was lost after a restart would
 * be answered by the agent's memory of the first install. Another id for what an earlier life began does no
 * harm: the agent lets operations on one module wait for each other, and asks the base first what is there.
 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"
#include "services/controller/engine/plan_module.h"

/* A connection that is not used for so long is dropped: one that waits for its operation asks sooner. */
#define IDLE_MS 60000
#define UNREACHABLE_CODE "Arklet.NetworkError"

typedef Koupleless__Agent__V1__Operation AgentOperation;

struct agent {
    struct list node; /* in controller->agents_used, the one that was used last at the end */
    struct rpc_channel *channel;
    char *address;
    int64_t used_ms; /* mono */
};

/* The outcome of one RPC, on its way to the loop. */
struct outcome {
    struct loop_event event;
    struct controller *controller;
    char *key; /* of the instance */
    char *uid;
    char *id; /* of the operation */
    enum operation_type type;
    int64_t asked_ms; /* mono */
    bool again;       /* GetOperation was called, not what begins it */
    bool running;     /* said by the agent: it is not over */
    bool answered;    /* by the agent, with its end; else nobody knows what happened */
    bool connected,
        unconnected; /* the agent spoke, be it of an operation that still runs; or there was no way to it */
    bool succeeded;
    char *code, *reason, *message, *digest;
    bool restored;
    int32_t duration_ms;
};

static void ask(struct controller *controller, struct cached_instance *instance,
                enum operation_type type, const char *id);
static void make_calls(struct controller *controller);

/* The agent says that it is another base's: the address is of one that is gone. */
#define REASON_BASE_MISMATCH "BASE_MISMATCH"
#define REASON_STALE_EPOCH "STALE_EPOCH"

static const char *const type_names[] = {
    [OPERATION_INSTALL] = "install",
    [OPERATION_UNINSTALL] = "uninstall",
    [OPERATION_SWITCH] = "switch",
};

static void free_agent(struct agent *agent)
{
    list_remove(&agent->node);
    rpc_channel_free(agent->channel);
    mem_free(agent->address);
    mem_free(agent);
}

static struct agent *longest_unused(struct controller *controller)
{
    return list_empty(&controller->agents_used)
               ? NULL
               : CONTAINER_OF(controller->agents_used.next, struct agent, node);
}

/* A call that is out keeps what it needs. */
static void drop_agent(struct controller *controller, struct agent *agent)
{
    map_remove(&controller->agents, agent->address);
    free_agent(agent);
}

static struct agent *agent_get(struct controller *controller, const char *address, struct err **err)
{
    struct agent *agent = map_get(&controller->agents, address);
    if (agent)
        return agent;
    struct rpc_channel *channel = NULL;
    if (rpc_channel_new(&channel, controller->options.rpc, address, &controller->options.tls, err) <
        0)
        return NULL;
    if (controller->agents.len >= LIMIT_AGENT_CONNECTIONS)
        drop_agent(controller, longest_unused(controller));
    agent = NEW(struct agent);
    list_init(&agent->node);
    agent->channel = channel;
    agent->address = mem_strdup(address);
    map_put(&controller->agents, address, agent);
    return agent;
}

struct rpc_channel *agents_channel(struct controller *controller, const char *address,
                                   struct err **err)
{
    struct agent *agent = agent_get(controller, address, err);
    if (!agent)
        return NULL;
    agent->used_ms = loop_now_ms(controller->loop);
    list_remove(&agent->node);
    list_append(&controller->agents_used, &agent->node);
    return agent->channel;
}

void agents_sweep(struct controller *controller)
{
    int64_t now_ms = loop_now_ms(controller->loop);
    struct agent *agent;
    while ((agent = longest_unused(controller)) && now_ms - agent->used_ms >= IDLE_MS)
        drop_agent(controller, agent);
}

/* -- outcomes -- */

static void set_string(char **slot, char **from)
{
    mem_free(*slot);
    *slot = TAKE(*from);
}

static void note_outcome(struct controller *controller, struct operation *operation,
                         struct outcome *outcome)
{
    operation->state = outcome->succeeded ? OPERATION_SUCCEEDED : OPERATION_FAILED;
    operation->ended_ms = loop_now_ms(controller->loop);
    if (outcome->type == OPERATION_INSTALL) { /* what a switch that follows says nothing of */
        operation->duration_ms = outcome->duration_ms;
        set_string(&operation->digest, &outcome->digest);
    }
    operation->restored = outcome->restored;
    operation->failures = outcome->succeeded ? 0 : operation->failures + outcome->answered;
    operation->successes += outcome->succeeded;
    operation->unanswered = outcome->answered ? 0 : operation->unanswered + 1;
    set_string(&operation->code, &outcome->code);
    set_string(&operation->reason, &outcome->reason);
    set_string(&operation->message, &outcome->message);
}

/* A base can't be reached from a call without connection on, until the next one that its agent answers. */
static void note_connection(struct controller *controller, struct cached_base *base,
                            const struct outcome *outcome)
{
    bool again = outcome->connected && base->unreached;
    if (outcome->unconnected) {
        base->unreached = true;
        base->unreached_ms = loop_now_ms(controller->loop);
    } else if (again) {
        base->unreached = false;
        cache_dirty_group(&controller->cache, base->group); /* placements may have waited for it */
    }
}

static void log_failure(struct controller *controller, const struct outcome *outcome,
                        const struct operation *operation)
{
    metric_add(controller->operation_failures, 1);
    log_warn(controller->log, "operation failed, tried again",
             LOG_STR("operation", type_names[outcome->type]), LOG_STR("module", outcome->key),
             LOG_STR("code", operation->code), LOG_STR("error", operation->message));
}

/* Whether @other, which @off was to overwrite, was there till now: it went with @off, and has to be installed again. */
static bool lost_with(const struct instance *off, const struct instance *other)
{
    bool installs =
        other->operation.type == OPERATION_INSTALL && other->operation.state == OPERATION_RUNNING;
    return str_eq(off->module->spec.replaces, other->module->meta.name) && !installs;
}

/* That is known before its base reports: it gets no traffic until then. */
static void note_lost(struct controller *controller, struct instance *lost)
{
    lost->reported = REPORTED_ABSENT;
    lost->reported_ms = loop_now_ms(controller->loop);
    controller->cache.on_dirty_module(controller,
                                      CONTAINER_OF(lost, struct cached_instance, view)->key);
}

/*
 * A report that was sent before the end of an uninstall may come yet, and say that what is off now is there: of those
 * that wait to be installed in the same version.
 */
static void distrust_reports(struct controller *controller, const struct instance *off)
{
    for (size_t i = 0; off->base && i < off->base->instances.len; i++) {
        struct instance *other = off->base->instances.items[i];
        if (other == off ||
            !module_same_version(&other->module->spec.module, &off->module->spec.module))
            continue;
        other->distrusted_ms = loop_now_ms(controller->loop) + REPORT_SETTLE_MS;
        other->reported = REPORTED_NOTHING;
        if (lost_with(off, other))
            note_lost(controller, other);
    }
}

static void end_operation(struct controller *controller, struct cached_instance *instance,
                          struct outcome *outcome)
{
    struct operation *operation = &instance->view.operation;
    note_outcome(controller, operation, outcome);
    if (outcome->answered && !outcome->succeeded)
        log_failure(controller, outcome, operation);
    if (outcome->succeeded && !instance_report_overtook(&instance->view))
        instance->view.reported = REPORTED_NOTHING;
    if (outcome->succeeded && outcome->type == OPERATION_UNINSTALL)
        distrust_reports(controller, &instance->view);
    cache_recount(&controller->cache, instance);
    controller->cache.on_dirty_module(controller, instance->key);
    if (instance->view.replaces)
        controller->cache.on_dirty_module(
            controller, CONTAINER_OF(instance->view.replaces, struct cached_instance, view)->key);
}

/* Whether the agent did wait and the operation goes on. One that does not wait is about to stop: that is left to backoff. */
static bool goes_on(const struct controller *controller, const struct cached_instance *instance,
                    const struct outcome *outcome)
{
    return outcome->running && instance->view.base && !controller->stopping &&
           loop_now_ms(controller->loop) - outcome->asked_ms >= AGENT_WAIT_MS / 2;
}

/* The instance that @outcome is about; NULL: it is gone. */
static struct cached_instance *instance_of(const struct outcome *outcome)
{
    struct cached_instance *instance = map_get(&outcome->controller->cache.instances, outcome->key);
    return instance && str_eq(instance->module->meta.uid, outcome->uid) ? instance : NULL;
}

static void free_outcome(struct outcome *outcome)
{
    mem_free(outcome->key);
    mem_free(outcome->id);
    mem_free(outcome->uid);
    mem_free(outcome->code);
    mem_free(outcome->reason);
    mem_free(outcome->message);
    mem_free(outcome->digest);
    mem_free(outcome);
}

static void on_outcome(struct loop_event *event)
{
    struct outcome *outcome = CONTAINER_OF(event, struct outcome, event);
    struct controller *controller = outcome->controller;
    struct cached_instance *instance = instance_of(outcome);
    controller->in_flight--;
    controller->calls--;
    if (instance) {
        if (instance->view.base)
            note_connection(controller, CONTAINER_OF(instance->view.base, struct cached_base, view),
                            outcome);
        if (goes_on(controller, instance, outcome))
            ask(controller, instance, outcome->type, outcome->id);
        else
            end_operation(controller, instance, outcome);
    }
    free_outcome(outcome);
    make_calls(controller);
}

static void read_operation(const AgentOperation *operation, struct outcome *outcome)
{
    if (operation->state < KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED) {
        outcome->running = true;
        outcome->code = mem_strdup(UNREACHABLE_CODE);
        outcome->message = mem_strdup("the agent stops while the operation runs");
        return;
    }
    outcome->succeeded =
        operation->state == KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED;
    outcome->answered =
        outcome->succeeded ||
        operation->state == KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_FAILED;
    if (operation->execution_time)
        outcome->duration_ms = (int32_t)(operation->execution_time->seconds * 1000 +
                                         operation->execution_time->nanos / 1000000);
    outcome->digest = str_empty(operation->digest) ? NULL : mem_strdup(operation->digest);
    if (outcome->answered && operation->error) {
        outcome->code = mem_strdup(operation->error->code);
        outcome->reason =
            str_empty(operation->error->reason) ? NULL : mem_strdup(operation->error->reason);
        outcome->message = mem_strdup(operation->error->message);
        outcome->restored = operation->error->restored;
    }
}

static const AgentOperation *operation_of(const struct outcome *outcome,
                                          const ProtobufCMessage *response)
{
    if (outcome->again)
        return ((const Koupleless__Agent__V1__GetOperationResponse *)(const void *)response)
            ->operation;
    switch (outcome->type) {
    case OPERATION_INSTALL:
        return ((const Koupleless__Agent__V1__InstallModuleResponse *)(const void *)response)
            ->operation;
    case OPERATION_UNINSTALL:
        return ((const Koupleless__Agent__V1__UninstallModuleResponse *)(const void *)response)
            ->operation;
    case OPERATION_SWITCH:
        return ((const Koupleless__Agent__V1__SwitchModuleResponse *)(const void *)response)
            ->operation;
    }
    return NULL;
}

/*
 * An error that the agent itself decided about the operation, as opposed to one of the way to it, or about us: that
 * another controller leads is for that one to say.
 */
static bool is_verdict(const struct err *err)
{
    if (str_eq(err->reason, REASON_BASE_MISMATCH) || str_eq(err->reason, REASON_STALE_EPOCH))
        return false;
    return err->code == ERR_INVALID || err->code == ERR_PRECONDITION || err->code == ERR_DENIED ||
           err->code == ERR_UNIMPLEMENTED;
}

/* One after which the same call may do: the agent has too much to do, or was started anew and knows no operation yet. */
static bool is_for_later(const struct err *err)
{
    return err->code == ERR_LIMIT || err->code == ERR_NOT_FOUND;
}

static void on_rpc_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct outcome *outcome = user;
    const AgentOperation *operation = response ? operation_of(outcome, response) : NULL;
    if (operation) {
        outcome->connected = true;
        read_operation(operation, outcome);
    } else if (err) {
        outcome->answered = is_verdict(err);
        outcome->connected = outcome->answered || is_for_later(err);
        outcome->unconnected =
            err->code == ERR_UNAVAILABLE || str_eq(err->reason, REASON_BASE_MISMATCH);
        outcome->code =
            mem_strdup(outcome->answered ? "ModuleController.InvalidRequest" : UNREACHABLE_CODE);
        outcome->reason = mem_strdup(err->reason);
        outcome->message = mem_strdup(err->message);
    }
    loop_post(outcome->controller->loop, &outcome->event);
}

/* -- calls -- */

/* Once its predecessor is gone an instance takes nobody's place: it may have a successor itself. */
static bool takes_place(const struct cached_instance *instance)
{
    return instance->module->spec.upgrade_way == WAY_IN_PLACE && instance->view.replaces;
}

/* An id stands for one request: another strategy is another id. */
static char *operation_id(const struct controller *controller,
                          const struct cached_instance *instance, enum operation_type type)
{
    const struct base *base = instance->view.base->base;
    const char *boot = base->status.boot_id ? base->status.boot_id : "";
    bool in_place = type == OPERATION_INSTALL && takes_place(instance);
    return mem_printf("%s-%s-%d-%d-%llx-%llx", instance->module->meta.uid,
                      in_place ? "replace" : type_names[type], instance->view.operation.failures,
                      instance->view.operation.successes,
                      (unsigned long long)str_hash(boot, strlen(boot)),
                      (unsigned long long)controller->life);
}

/* What is declared now: a url that changed since counts for every install to come (requirement 3.2). */
static const struct module_spec *declared_module(const struct cached_instance *instance)
{
    const struct revision *revision = instance->view.revision;
    return revision ? &revision->rs->spec.template.module : &instance->module->spec.module;
}

/* Who is meant; "namespace/name", borrowed. */
static char *target_base(const struct cached_instance *instance)
{
    return CONTAINER_OF(instance->view.base, struct cached_base, view)->key;
}

Google__Protobuf__Duration agents_wait(void)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    wait.seconds = AGENT_WAIT_MS / 1000;
    return wait;
}

Koupleless__Module__V1__ModuleSpec agents_module_message(const struct module_spec *spec)
{
    Koupleless__Module__V1__ModuleSpec module = KOUPLELESS__MODULE__V1__MODULE_SPEC__INIT;
    module.name = spec->name;
    module.version = spec->version;
    module.url = spec->url;
    module.md5 = spec->md5 ? spec->md5 : module.md5;
    module.sha256 = spec->sha256 ? spec->sha256 : module.sha256;
    return module;
}

/* In place the same would stay as it is, unless its revision is there to have it installed again. */
static char *restart_of(const struct cached_instance *instance)
{
    const struct revision *revision = instance->view.revision;
    bool wished =
        takes_place(instance) && revision && template_restart(&revision->rs->spec.template);
    return wished ? revision->rs->meta.name : NULL;
}

static void begin_install(struct rpc_channel *channel, const struct cached_instance *instance,
                          const struct rpc_options *options, struct outcome *outcome)
{
    Koupleless__Module__V1__ModuleSpec module = agents_module_message(declared_module(instance));
    Koupleless__Agent__V1__InstallModuleRequest request =
        KOUPLELESS__AGENT__V1__INSTALL_MODULE_REQUEST__INIT;
    Google__Protobuf__Duration wait = agents_wait();
    request.operation_id = outcome->id;
    request.wait = &wait;
    request.module = &module;
    request.target_base = target_base(instance);
    request.epoch = outcome->controller->epoch;
    char *restart = restart_of(instance);
    request.restart = restart ? restart : request.restart;
    request.strategy =
        takes_place(instance)
            ? KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL
            : KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_INSTALL_ONLY;
    rpc_unary(channel, &koupleless__agent__v1__agent_service__descriptor, "InstallModule",
              &request.base, options, on_rpc_done, outcome);
}

static void begin_uninstall(struct rpc_channel *channel, const struct cached_instance *instance,
                            const struct rpc_options *options, struct outcome *outcome)
{
    Koupleless__Agent__V1__UninstallModuleRequest request =
        KOUPLELESS__AGENT__V1__UNINSTALL_MODULE_REQUEST__INIT;
    Google__Protobuf__Duration wait = agents_wait();
    request.operation_id = outcome->id;
    request.wait = &wait;
    request.name = instance->module->spec.module.name;
    request.version = instance->module->spec.module.version;
    request.target_base = target_base(instance);
    request.epoch = outcome->controller->epoch;
    rpc_unary(channel, &koupleless__agent__v1__agent_service__descriptor, "UninstallModule",
              &request.base, options, on_rpc_done, outcome);
}

static void begin_switch(struct rpc_channel *channel, const struct cached_instance *instance,
                         const struct rpc_options *options, struct outcome *outcome)
{
    Koupleless__Agent__V1__SwitchModuleRequest request =
        KOUPLELESS__AGENT__V1__SWITCH_MODULE_REQUEST__INIT;
    Google__Protobuf__Duration wait = agents_wait();
    request.operation_id = outcome->id;
    request.wait = &wait;
    request.name = instance->module->spec.module.name;
    request.version = instance->module->spec.module.version;
    request.target_base = target_base(instance);
    request.epoch = outcome->controller->epoch;
    rpc_unary(channel, &koupleless__agent__v1__agent_service__descriptor, "SwitchModule",
              &request.base, options, on_rpc_done, outcome);
}

static void wait_on(struct rpc_channel *channel, const struct rpc_options *options,
                    struct outcome *outcome)
{
    Koupleless__Agent__V1__GetOperationRequest request =
        KOUPLELESS__AGENT__V1__GET_OPERATION_REQUEST__INIT;
    Google__Protobuf__Duration wait = agents_wait();
    request.operation_id = outcome->id;
    request.wait = &wait;
    rpc_unary(channel, &koupleless__agent__v1__agent_service__descriptor, "GetOperation",
              &request.base, options, on_rpc_done, outcome);
}

static void call_agent(struct controller *controller, struct cached_instance *instance,
                       struct outcome *outcome)
{
    AUTO_ERR struct err *err = NULL;
    const struct base_state *base = instance->view.base;
    struct rpc_channel *channel = NULL;
    struct rpc_options options = {.deadline_ms = AGENT_DEADLINE_MS};
    outcome->asked_ms = loop_now_ms(controller->loop);
    controller->in_flight++;
    controller->calls++;
    if (!base)
        err_set(&err, ERR_UNAVAILABLE, "the base is gone");
    else
        channel = agents_channel(controller, base->base->spec.agent_address, &err);
    if (!channel)
        on_rpc_done(outcome, NULL, err);
    else if (outcome->again)
        wait_on(channel, &options, outcome);
    else if (outcome->type == OPERATION_INSTALL)
        begin_install(channel, instance, &options, outcome);
    else if (outcome->type == OPERATION_UNINSTALL)
        begin_uninstall(channel, instance, &options, outcome);
    else
        begin_switch(channel, instance, &options, outcome);
}

/* Makes the calls that wait, as far as may be out at once. */
static void make_calls(struct controller *controller)
{
    while (controller->calls < LIMIT_AGENT_CALLS && !list_empty(&controller->calls_waiting)) {
        struct list *node = controller->calls_waiting.next;
        struct outcome *outcome = CONTAINER_OF(node, struct outcome, event.node);
        struct cached_instance *instance = instance_of(outcome);
        list_remove(node);
        if (instance)
            call_agent(controller, instance, outcome);
        else
            free_outcome(outcome);
    }
}

/* Begins the operation on @instance, or waits on with it where it runs under @id. */
static void ask(struct controller *controller, struct cached_instance *instance,
                enum operation_type type, const char *id)
{
    struct outcome *outcome = NEW(struct outcome);
    outcome->event.fn = on_outcome;
    outcome->controller = controller;
    outcome->key = mem_strdup(instance->key);
    outcome->uid = mem_strdup(instance->module->meta.uid);
    outcome->id = id ? mem_strdup(id) : operation_id(controller, instance, type);
    outcome->type = type;
    outcome->again = id != NULL;
    list_append(&controller->calls_waiting, &outcome->event.node);
    make_calls(controller);
}

void agents_start(struct controller *controller, struct cached_instance *instance,
                  enum operation_type type)
{
    struct operation *operation = &instance->view.operation;
    if (!instance->view.base || operation->state == OPERATION_RUNNING)
        return;
    if (type == OPERATION_INSTALL && other_install_runs(&instance->view)) {
        controller->cache.on_dirty_module(controller, instance->key); /* begun since the plan */
        return;
    }
    if (operation->type != type)
        operation->failures = operation->unanswered = 0;
    operation->type = type;
    operation->state = OPERATION_RUNNING;
    operation->started_ms = loop_now_ms(controller->loop);
    cache_recount(&controller->cache, instance);
    metric_add(controller->operations, 1);
    ask(controller, instance, type, NULL);
}

void agents_init(struct controller *controller)
{
    list_init(&controller->calls_waiting);
    list_init(&controller->agents_used);
}

void agents_free(struct controller *controller)
{
    LIST_FOR_EACH (node, &controller->calls_waiting) {
        list_remove(node);
        free_outcome(CONTAINER_OF(node, struct outcome, event.node));
    }
    for (size_t i = 0; i < controller->agents.len; i++)
        free_agent(controller->agents.entries[i].value);
    map_done(&controller->agents);
}
