/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of a simulated agent: what services/agent promises (services/agent/engine/next_step.h),
 * without Arklet and jars. One by one, in the order they came; what is asked for twice under one id is done once.
 */
#include "lib/base/str.h"
#include "lib/rpc/server.h"
#include "services/agent/engine/failure.h"
#include "tests/sim/sim_base.h"

typedef Koupleless__Agent__V1__AgentService_Service Service;
typedef Koupleless__Agent__V1__Operation OperationMessage;

/* A call that is answered at the end of an operation, or when it has waited long enough. */
struct waiter {
    struct list node;
    struct loop_timer timer;
    struct sim_base *base;
    const struct sim_operation *operation;
    void (*reply)(struct waiter *waiter, OperationMessage *message);
    ProtobufCClosure closure;
    void *call;
};

static const char *const type_names[] = {
    [SIM_INSTALL] = "install", [SIM_UNINSTALL] = "uninstall", [SIM_SWITCH] = "switch"};

static struct sim_base *base_of(Service *service)
{
    return CONTAINER_OF(service, struct sim_base, service);
}

static bool chance(const struct sim_base *base, int32_t per_mille)
{
    return per_mille > 0 && rand_below(base->options.rand, 1000) < (uint64_t)per_mille;
}

/* -- answers -- */

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text; /* messages are only read */
}

static Koupleless__Agent__V1__OperationState state_of(const struct sim_operation *operation)
{
    switch (operation->state) {
    case SIM_WAITING:
        return KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_PENDING;
    case SIM_RUNNING:
        return KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_EXECUTING;
    case SIM_SUCCEEDED:
        return KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED;
    default:
        return KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_FAILED;
    }
}

static void answer(struct waiter *waiter)
{
    const struct sim_operation *operation = waiter->operation;
    OperationMessage message = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    Koupleless__Agent__V1__OperationError error = KOUPLELESS__AGENT__V1__OPERATION_ERROR__INIT;
    Google__Protobuf__Duration time = GOOGLE__PROTOBUF__DURATION__INIT;
    message.id = operation->id;
    message.type = borrow(type_names[operation->type]);
    message.state = state_of(operation);
    if (operation->state == SIM_FAILED) {
        error.code = borrow(operation->code);
        error.reason = borrow(operation->reason);
        error.message = borrow("it was meant to fail");
        error.restored = operation->restored;
        message.error = &error;
    }
    if (operation->ended_ms) {
        time.seconds = (operation->ended_ms - operation->begun_ms) / 1000;
        time.nanos = (int32_t)((operation->ended_ms - operation->begun_ms) % 1000 * 1000000);
        message.execution_time = &time;
    }
    loop_timer_stop(waiter->base->options.loop, &waiter->timer);
    list_remove(&waiter->node);
    waiter->reply(waiter, &message);
    mem_free(waiter);
}

static void on_waited(struct loop_timer *timer)
{
    answer(CONTAINER_OF(timer, struct waiter, timer));
}

static void await(struct sim_base *base, struct sim_operation *operation,
                  const Google__Protobuf__Duration *wait,
                  void (*reply)(struct waiter *waiter, OperationMessage *message),
                  ProtobufCClosure closure, void *call)
{
    struct waiter *waiter = NEW(struct waiter);
    waiter->base = base;
    waiter->operation = operation;
    waiter->reply = reply;
    waiter->closure = closure;
    waiter->call = call;
    loop_timer_init(&waiter->timer, on_waited);
    list_init(&waiter->node);
    list_append(&operation->waiters, &waiter->node);
    if (operation->state >= SIM_SUCCEEDED)
        answer(waiter);
    else if (wait)
        loop_timer_start(base->options.loop, &waiter->timer,
                         loop_now_ms(base->options.loop) + wait->seconds * 1000);
}

/* -- what an operation does to the JVM -- */

/* Another version of the module that runs, or NULL. */
static struct sim_module *other_version(const struct sim_base *base,
                                        const struct sim_operation *operation)
{
    for (size_t i = 0; i < base->modules.len; i++) {
        struct sim_module *module = &base->modules.items[i];
        if (str_eq(module->name, operation->name) && !str_eq(module->version, operation->version) &&
            module->state != SIM_BROKEN)
            return module;
    }
    return NULL;
}

static void fail_as(struct sim_operation *operation, enum failure_kind kind)
{
    operation->state = SIM_FAILED;
    operation->code = failure_code(kind);
    operation->reason = failure_reason(kind);
}

/* What is to be there once @operation is done. */
static struct sim_module result_of(const struct sim_operation *operation,
                                   enum sim_module_state state)
{
    return (struct sim_module){operation->name, operation->version, operation->jar,
                               operation->restart, state};
}

static void take_off(struct sim_base *base, struct sim_operation *operation,
                     struct sim_module *module)
{
    if (!operation->old.name)
        operation->old =
            (struct sim_module){mem_strdup(module->name), mem_strdup(module->version),
                                mem_strdup(module->jar), mem_strdup(module->restart), SIM_ACTIVE};
    sim_base_take(base, module);
}

bool sim_restart_due(const struct sim_operation *operation, const struct sim_module *there)
{
    return operation->in_place && !str_empty(operation->restart) &&
           !str_eq(operation->restart, there->restart);
}

/* Before anything takes time. What is there already, or can't come beside what is there, ends at once. */
static void begin_install(struct sim_base *base, struct sim_operation *operation)
{
    struct sim_module *there = sim_base_find(base, operation->name, operation->version);
    struct sim_module *other;
    if (there && there->state == SIM_BROKEN) {
        sim_base_take(base, there);
        there = NULL;
    }
    if (there && str_eq(there->jar, operation->jar) && !sim_restart_due(operation, there)) {
        operation->state = SIM_SUCCEEDED;
        return;
    }
    if (there && !operation->in_place) {
        fail_as(operation, FAILED_OTHER_JAR);
        return;
    }
    if (!operation->in_place && !str_empty(sim_web_path(operation->name)) &&
        other_version(base, operation)) {
        fail_as(operation, FAILED_WEB_PATH_IN_USE);
        return;
    }
    if (there)
        take_off(base, operation, there);
    while (operation->in_place && (other = other_version(base, operation)))
        take_off(base, operation, other);
}

static void put_back(struct sim_base *base, struct sim_operation *operation)
{
    const struct sim_module *old = &operation->old;
    if (!old->name)
        return;
    sim_base_put(base, old);
    operation->restored = true;
}

static void put_result(struct sim_base *base, const struct sim_operation *operation,
                       enum sim_module_state state)
{
    const struct sim_module module = result_of(operation, state);
    sim_base_put(base, &module);
}

static void end_install(struct sim_base *base, struct sim_operation *operation)
{
    if (chance(base, base->options.faults->install_fails) ||
        str_eq(operation->version, base->options.faults->bad)) {
        fail_as(operation, FAILED_START);
        if (operation->old.name)
            put_back(base, operation);
        else if (chance(base, 300))
            put_result(base, operation, SIM_BROKEN);
        return;
    }
    bool beside = sim_base_serves(base, operation->name);
    put_result(base, operation, beside ? SIM_INACTIVE : SIM_ACTIVE);
    operation->state = SIM_SUCCEEDED;
}

static void end_uninstall(struct sim_base *base, struct sim_operation *operation)
{
    struct sim_module *there = sim_base_find(base, operation->name, operation->version);
    if (there && chance(base, base->options.faults->uninstall_fails)) {
        fail_as(operation, FAILED_UNINSTALL);
        return;
    }
    if (there)
        sim_base_take(base, there);
    operation->state = SIM_SUCCEEDED;
}

static void end_switch(struct sim_base *base, struct sim_operation *operation)
{
    struct sim_module *there = sim_base_find(base, operation->name, operation->version);
    if (!there || there->state == SIM_BROKEN) {
        fail_as(operation, FAILED_NOT_FOUND);
        return;
    }
    if (chance(base, base->options.faults->switch_fails)) {
        fail_as(operation, FAILED_STATE);
        return;
    }
    sim_base_activate(base, there);
    operation->state = SIM_SUCCEEDED;
}

/* -- one after the other -- */

static void begin_next(struct sim_base *base);

static void end_operation(struct sim_base *base, struct sim_operation *operation)
{
    history_note(base->options.history, "%s: %s %s %s %s%s", base->name,
                 type_names[operation->type], operation->name, operation->version,
                 operation->state == SIM_SUCCEEDED ? "done" : "failed: ",
                 operation->state == SIM_SUCCEEDED ? "" : operation->reason);
    operation->ended_ms = loop_now_ms(base->options.loop);
    list_remove(&operation->node);
    while (!list_empty(&operation->waiters))
        answer(LIST_ENTRY(operation->waiters.next, struct waiter, node));
    sim_base_changed(base);
    begin_next(base);
}

static void on_command(struct loop_timer *timer)
{
    struct sim_base *base = CONTAINER_OF(timer, struct sim_base, command);
    struct sim_operation *operation = LIST_ENTRY(base->queue.next, struct sim_operation, node);
    if (operation->state != SIM_RUNNING)
        ; /* it ended as it began */
    else if (base->jvm_down)
        fail_as(operation, FAILED_UNREACHABLE);
    else if (operation->type == SIM_INSTALL)
        end_install(base, operation);
    else if (operation->type == SIM_UNINSTALL)
        end_uninstall(base, operation);
    else
        end_switch(base, operation);
    end_operation(base, operation);
}

static int64_t command_ms(const struct sim_base *base)
{
    const struct sim_base_faults *faults = base->options.faults;
    if (chance(base, faults->slow))
        return faults->slow_ms;
    return 1 + (int64_t)rand_below(base->options.rand, (uint64_t)faults->command_ms);
}

static void begin_next(struct sim_base *base)
{
    if (list_empty(&base->queue) || base->command.due_ms != TIME_NEVER)
        return;
    struct sim_operation *operation = LIST_ENTRY(base->queue.next, struct sim_operation, node);
    history_note(base->options.history, "%s: %s %s %s%s", base->name, type_names[operation->type],
                 operation->name, operation->version, operation->in_place ? " in place" : "");
    if (base->options.on_begin)
        base->options.on_begin(base->options.user, base, operation);
    operation->state = SIM_RUNNING;
    operation->begun_ms = loop_now_ms(base->options.loop);
    if (!base->jvm_down && operation->type == SIM_INSTALL)
        begin_install(base, operation);
    loop_timer_start(base->options.loop, &base->command,
                     loop_now_ms(base->options.loop) + command_ms(base));
}

static void jvm_gone(struct sim_base *base)
{
    if (list_empty(&base->queue))
        return;
    struct sim_operation *operation = LIST_ENTRY(base->queue.next, struct sim_operation, node);
    loop_timer_stop(base->options.loop, &base->command);
    fail_as(operation, FAILED_LOST);
    end_operation(base, operation);
}

/* -- handlers -- */

static int check_meant(const struct sim_base *base, const char *target, struct err **err)
{
    AUTO_FREE char *own = mem_printf("%s/%s", base->namespace, base->name);
    if (str_empty(target) || str_eq(target, own))
        return 0;
    err_set(err, ERR_PRECONDITION, "this is the agent of base %s, not of %s", own, target);
    return err_reason(err, "BASE_MISMATCH");
}

/* What a controller that is gone has sent comes late. */
static int check_epoch(struct sim_base *base, int64_t epoch, struct err **err)
{
    if (epoch < base->epoch) {
        err_set(err, ERR_PRECONDITION, "another controller leads");
        return err_reason(err, "STALE_EPOCH");
    }
    base->epoch = epoch;
    return 0;
}

/* Return: whether the call has failed, since it is not for this agent, or of another time. */
static bool is_refused(struct sim_base *base, const char *target, int64_t epoch,
                       struct rpc_call *call)
{
    AUTO_ERR struct err *err = NULL;
    if (check_meant(base, target, &err) == 0 && check_epoch(base, epoch, &err) == 0)
        return false;
    rpc_call_fail(call, err);
    return true;
}

static struct sim_operation *operation_new(struct sim_base *base, const char *id,
                                           enum sim_operation_type type, const char *name,
                                           const char *version, const char *jar,
                                           const char *restart)
{
    struct sim_operation *operation = NEW(struct sim_operation);
    operation->id = mem_strdup(id);
    operation->type = type;
    operation->name = mem_strdup(name);
    operation->version = mem_strdup(version);
    operation->jar = mem_strdup(jar);
    operation->restart = mem_strdup(restart);
    operation->epoch = base->epoch; /* it has just been heard */
    list_init(&operation->node);
    list_init(&operation->waiters);
    VEC_PUSH(&base->all, operation);
    if (!str_empty(id))
        (void)map_put(&base->operations, id, operation);
    return operation;
}

static void begin(struct sim_base *base, struct sim_operation *operation)
{
    if (!list_empty(&operation->node) || operation->state != SIM_WAITING)
        return; /* it was there already */
    list_append(&base->queue, &operation->node);
    begin_next(base);
}

#define HANDLER_REPLY(fn, Method, METHOD)                                                          \
    static void reply_##fn(struct waiter *waiter, OperationMessage *message)                       \
    {                                                                                              \
        Koupleless__Agent__V1__##Method##Response response =                                       \
            KOUPLELESS__AGENT__V1__##METHOD##_RESPONSE__INIT;                                      \
        response.operation = message;                                                              \
        waiter->closure(&response.base, waiter->call);                                             \
    }

HANDLER_REPLY(install, InstallModule, INSTALL_MODULE)
HANDLER_REPLY(uninstall, UninstallModule, UNINSTALL_MODULE)
HANDLER_REPLY(switch, SwitchModule, SWITCH_MODULE)
HANDLER_REPLY(get, GetOperation, GET_OPERATION)

static void handle_install(Service *service,
                           const Koupleless__Agent__V1__InstallModuleRequest *request,
                           Koupleless__Agent__V1__InstallModuleResponse_Closure closure, void *call)
{
    struct sim_base *base = base_of(service);
    if (is_refused(base, request->target_base, request->epoch, call))
        return;
    struct sim_operation *operation = map_get(&base->operations, request->operation_id);
    if (!operation) {
        operation = operation_new(base, request->operation_id, SIM_INSTALL, request->module->name,
                                  request->module->version, request->module->md5, request->restart);
        operation->in_place =
            request->strategy ==
            KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL;
    }
    begin(base, operation);
    await(base, operation, request->wait, reply_install, (ProtobufCClosure)closure, call);
}

static void handle_uninstall(Service *service,
                             const Koupleless__Agent__V1__UninstallModuleRequest *request,
                             Koupleless__Agent__V1__UninstallModuleResponse_Closure closure,
                             void *call)
{
    struct sim_base *base = base_of(service);
    if (is_refused(base, request->target_base, request->epoch, call))
        return;
    struct sim_operation *operation = map_get(&base->operations, request->operation_id);
    if (!operation)
        operation = operation_new(base, request->operation_id, SIM_UNINSTALL, request->name,
                                  request->version, "", "");
    begin(base, operation);
    await(base, operation, request->wait, reply_uninstall, (ProtobufCClosure)closure, call);
}

static void handle_switch(Service *service,
                          const Koupleless__Agent__V1__SwitchModuleRequest *request,
                          Koupleless__Agent__V1__SwitchModuleResponse_Closure closure, void *call)
{
    struct sim_base *base = base_of(service);
    if (is_refused(base, request->target_base, request->epoch, call))
        return;
    struct sim_operation *operation = map_get(&base->operations, request->operation_id);
    if (!operation)
        operation = operation_new(base, request->operation_id, SIM_SWITCH, request->name,
                                  request->version, "", "");
    begin(base, operation);
    await(base, operation, request->wait, reply_switch, (ProtobufCClosure)closure, call);
}

/* The jars of a model are all there. */
static void handle_prefetch(Service *service,
                            const Koupleless__Agent__V1__PrefetchModuleRequest *request,
                            Koupleless__Agent__V1__PrefetchModuleResponse_Closure closure,
                            void *call)
{
    if (is_refused(base_of(service), request->target_base, request->epoch, call))
        return;
    OperationMessage message = KOUPLELESS__AGENT__V1__OPERATION__INIT;
    Koupleless__Agent__V1__PrefetchModuleResponse response =
        KOUPLELESS__AGENT__V1__PREFETCH_MODULE_RESPONSE__INIT;
    message.id = request->operation_id;
    message.type = borrow("prefetch");
    message.state = KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED;
    response.operation = &message;
    closure(&response, call);
}

static void handle_get(Service *service, const Koupleless__Agent__V1__GetOperationRequest *request,
                       Koupleless__Agent__V1__GetOperationResponse_Closure closure, void *call)
{
    struct sim_base *base = base_of(service);
    struct sim_operation *operation = map_get(&base->operations, request->operation_id);
    if (operation) {
        await(base, operation, request->wait, reply_get, (ProtobufCClosure)closure, call);
        return;
    }
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_NOT_FOUND, "no operation %s", request->operation_id);
    rpc_call_fail(call, err);
}

/* -- life -- */

/* Its calls have been given up by the net. */
static void drop_waiters(struct sim_base *base, struct sim_operation *operation)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_UNAVAILABLE, "the agent stops");
    LIST_FOR_EACH (it, &operation->waiters) {
        struct waiter *waiter = LIST_ENTRY(it, struct waiter, node);
        loop_timer_stop(base->options.loop, &waiter->timer);
        list_remove(&waiter->node);
        rpc_call_fail(waiter->call, err);
        mem_free(waiter);
    }
}

static void forget(struct sim_base *base)
{
    for (size_t i = 0; i < base->all.len; i++) {
        struct sim_operation *operation = base->all.items[i];
        drop_waiters(base, operation);
        if (operation->state == SIM_WAITING)
            list_remove(&operation->node);
    }
    map_done(&base->operations);
}

static void start(struct sim_base *base)
{
    koupleless__agent__v1__agent_service__init(&base->service, NULL);
    base->service.install_module = handle_install;
    base->service.uninstall_module = handle_uninstall;
    base->service.switch_module = handle_switch;
    base->service.prefetch_module = handle_prefetch;
    base->service.get_operation = handle_get;
    list_init(&base->queue);
    loop_timer_init(&base->command, on_command);
    sim_net_serve(base->options.net, base->address, &base->service.base);
    sim_reports_start(base);
}

/* It is there again at once. */
static void restart(struct sim_base *base, int64_t away_ms)
{
    (void)away_ms;
    sim_net_stop_serving(base->options.net, base->address);
    forget(base);
    base->epoch = 0;
    sim_net_serve(base->options.net, base->address, &base->service.base);
    sim_base_changed(base);
}

static void jvm_changed(struct sim_base *base)
{
    if (base->jvm_down)
        jvm_gone(base);
    sim_reports_notice(base);
}

static void stop(struct sim_base *base)
{
    sim_net_stop_serving(base->options.net, base->address);
    sim_reports_stop(base);
    loop_timer_stop(base->options.loop, &base->command);
    forget(base);
    for (size_t i = 0; i < base->all.len; i++) {
        struct sim_operation *operation = base->all.items[i];
        mem_free(operation->id);
        mem_free(operation->name);
        mem_free(operation->version);
        mem_free(operation->jar);
        mem_free(operation->restart);
        sim_module_done(&operation->old);
        mem_free(operation);
    }
    VEC_DONE(&base->all);
}

const struct sim_agent_kind sim_agent_model = {start, restart, jvm_changed, stop};
