/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that begin an operation or wait for one. */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/module.h"
#include "services/agent/server_internal.h"

typedef Koupleless__Agent__V1__InstallModuleRequest InstallModuleRequest;
typedef Koupleless__Agent__V1__UninstallModuleRequest UninstallModuleRequest;
typedef Koupleless__Agent__V1__SwitchModuleRequest SwitchModuleRequest;
typedef Koupleless__Agent__V1__BatchInstallRequest BatchInstallRequest;
typedef Koupleless__Agent__V1__PrefetchModuleRequest PrefetchModuleRequest;
typedef Koupleless__Agent__V1__GetOperationRequest GetOperationRequest;

/* -- waiting: in slices, for a call may only be ended from one place -- */

static void wait_on(struct server_call *call);

static const struct operation *first_running(const struct server_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (!operation_ended(call->operations[i]))
            return call->operations[i];
    return NULL;
}

static void on_slice(struct operation_waiter *waiter, const struct operation *operation)
{
    (void)operation;
    struct server_call *call = CONTAINER_OF(waiter, struct server_call, waiter);
    wait_on(call);
}

static void wait_on(struct server_call *call)
{
    const struct agent_server_options *options = &call->server->options;
    const struct operation *running = first_running(call);
    int64_t left_ms = call->until_ms - loop_now_ms(options->loop);
    if (!running || left_ms <= 0 || call->server->stopping || rpc_call_cancelled(call->rpc))
        call->reply(call);
    else
        operations_wait(options->operations, running,
                        left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS, on_slice, &call->waiter);
}

static int64_t until(const struct server_call *call, const Google__Protobuf__Duration *wait,
                     int64_t unset_ms)
{
    int64_t now_ms = loop_now_ms(call->server->options.loop);
    if (!wait)
        return unset_ms == TIME_NEVER ? TIME_NEVER : now_ms + unset_ms;
    int64_t seconds_max = (TIME_NEVER - now_ms) / 2000;
    int64_t seconds = wait->seconds < seconds_max ? wait->seconds : seconds_max;
    return now_ms + seconds * 1000 + wait->nanos / 1000000;
}

/* -- replies -- */

#define OPERATION_REPLY(name, Method, METHOD)                                                      \
    static void reply_##name(struct server_call *call)                                             \
    {                                                                                              \
        struct messages messages = {0};                                                            \
        Koupleless__Agent__V1__##Method##Response response =                                       \
            KOUPLELESS__AGENT__V1__##METHOD##_RESPONSE__INIT;                                      \
        response.operation = messages_operation(&messages, call->operations[0]);                   \
        server_reply(call, &response.base);                                                        \
        messages_done(&messages);                                                                  \
    }

OPERATION_REPLY(install_module, InstallModule, INSTALL_MODULE)
OPERATION_REPLY(uninstall_module, UninstallModule, UNINSTALL_MODULE)
OPERATION_REPLY(switch_module, SwitchModule, SWITCH_MODULE)
OPERATION_REPLY(prefetch_module, PrefetchModule, PREFETCH_MODULE)
OPERATION_REPLY(get_operation, GetOperation, GET_OPERATION)

static void reply_batch_install(struct server_call *call)
{
    struct messages messages = {0};
    Koupleless__Agent__V1__BatchInstallResponse response =
        KOUPLELESS__AGENT__V1__BATCH_INSTALL_RESPONSE__INIT;
    AUTO_FREE Koupleless__Agent__V1__Operation **list =
        mem_alloc((call->count + 1) * sizeof(Koupleless__Agent__V1__Operation *));
    for (size_t i = 0; i < call->count; i++)
        list[i] = messages_operation(&messages, call->operations[i]);
    response.n_operations = call->count;
    response.operations = list;
    server_reply(call, &response.base);
    messages_done(&messages);
}

/* -- checks -- */

static int check_wait(const Google__Protobuf__Duration *wait, struct err **err)
{
    if (wait && (wait->seconds < 0 || wait->nanos < 0))
        return err_field(err, "wait", "must not be negative");
    return 0;
}

/* A controller that has lost its leadership does no more harm: the epoch of the newer one is higher. */
static int check_epoch(struct agent_server *server, int64_t epoch, struct err **err)
{
    struct operations *operations = server->options.operations;
    int64_t highest = operations_epoch(operations);
    if (epoch && epoch < highest) {
        err_set(err, ERR_PRECONDITION, "epoch %lld is older than %lld: another controller leads",
                (long long)epoch, (long long)highest);
        return err_reason(err, "STALE_EPOCH");
    }
    if (epoch)
        operations_set_epoch(operations, epoch);
    return 0;
}

/* Addresses of pods are used again: what was meant for the one before is not done to this one. */
static int check_meant(const struct agent_server *server, const char *base, struct err **err)
{
    const char *own = server->options.base;
    if (str_empty(base) || !own || str_eq(base, own))
        return 0;
    err_set(err, ERR_PRECONDITION, "this is the agent of base %s, not of %s", own, base);
    return err_reason(err, "BASE_MISMATCH");
}

/* Whether whoever sends this may, and means us. */
static int check_sender(struct agent_server *server, const char *base, int64_t epoch,
                        struct err **err)
{
    return check_meant(server, base, err) < 0 ? -1 : check_epoch(server, epoch, err);
}

static int read_module(const Koupleless__Module__V1__ModuleSpec *module,
                       struct operation_request *out, struct err **err)
{
    if (!module)
        return err_field(err, "module", "is required");
    out->module = messages_read_module(module);
    return module_spec_check(&out->module, "module", err);
}

static int check_args(const InstallModuleRequest *request, struct err **err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->n_args; i++)
        bytes += strlen(request->args[i]) + 1;
    return bytes > LIMIT_MODULE_ARGS
               ? err_field(err, "args", "have more than %zu KiB", LIMIT_MODULE_ARGS / 1024)
               : 0;
}

static int read_install(const InstallModuleRequest *request, struct operation_request *out,
                        struct err **err)
{
    *out = (struct operation_request){
        .id = request->operation_id,
        .type = OPERATION_INSTALL,
        .in_place =
            request->strategy ==
            KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL,
        .restart = str_given(request->restart),
        .args = {request->args, request->n_args},
    };
    if (request->strategy < KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_UNSPECIFIED ||
        request->strategy >
            KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL)
        return err_field(err, "strategy", "%d is not known", (int)request->strategy);
    if (check_args(request, err) < 0)
        return -1;
    if (strlen(request->restart) >
        LIMIT_NAME) /* a controller gives the name of a ModuleReplicaSet */
        return err_field(err, "restart", "has more than %d characters", LIMIT_NAME);
    if (out->restart && !out->in_place)
        return err_field(err, "restart", "needs INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL");
    return read_module(request->module, out, err);
}

static int read_identity(const char *id, enum operation_type type, char *name, char *version,
                         struct operation_request *out, struct err **err)
{
    *out = (struct operation_request){.id = id, .type = type};
    out->module.name = name;
    out->module.version = version;
    return server_check_name("name", name, err) < 0 ||
                   server_check_name("version", version, err) < 0
               ? -1
               : 0;
}

/* -- methods -- */

static void on_flushed(void *user)
{
    wait_on(user);
}

/*
 * For call->operations: a batch waits for one of them, and answers with all. No answer speaks of what an agent that is
 * started anew would not know.
 */
static void hold_and_wait(struct server_call *call, size_t count, int64_t until_ms,
                          void (*reply)(struct server_call *call))
{
    for (size_t i = 0; i < count; i++)
        operations_hold(call->operations[i]);
    call->count = count;
    call->until_ms = until_ms;
    call->reply = reply;
    operations_flush(call->server->options.operations, on_flushed, call);
}

static void start_and_wait(struct server_call *call, const struct operation_request *requests,
                           size_t count, int64_t until_ms, void (*reply)(struct server_call *call))
{
    AUTO_ERR struct err *err = NULL;
    call->operations = mem_alloc((count + 1) * sizeof(const struct operation *));
    if (operations_start(call->server->options.operations, requests, count, call->operations,
                         &err) < 0) {
        server_fail(call, err);
        return;
    }
    hold_and_wait(call, count, until_ms, reply);
}

static void on_install_module(struct server_call *call)
{
    const InstallModuleRequest *request = (const void *)call->request;
    struct operation_request operation;
    AUTO_ERR struct err *err = NULL;
    if (read_install(request, &operation, &err) < 0 || check_wait(request->wait, &err) < 0 ||
        check_sender(call->server, request->target_base, request->epoch, &err) < 0)
        server_fail(call, err);
    else
        start_and_wait(call, &operation, 1, until(call, request->wait, TIME_NEVER),
                       reply_install_module);
}
POSTED(install_module, InstallModule)

static void on_uninstall_module(struct server_call *call)
{
    const UninstallModuleRequest *request = (const void *)call->request;
    struct operation_request operation;
    AUTO_ERR struct err *err = NULL;
    if (read_identity(request->operation_id, OPERATION_UNINSTALL, request->name, request->version,
                      &operation, &err) < 0 ||
        check_wait(request->wait, &err) < 0 ||
        check_sender(call->server, request->target_base, request->epoch, &err) < 0)
        server_fail(call, err);
    else
        start_and_wait(call, &operation, 1, until(call, request->wait, TIME_NEVER),
                       reply_uninstall_module);
}
POSTED(uninstall_module, UninstallModule)

static void on_switch_module(struct server_call *call)
{
    const SwitchModuleRequest *request = (const void *)call->request;
    struct operation_request operation;
    AUTO_ERR struct err *err = NULL;
    if (read_identity(request->operation_id, OPERATION_SWITCH, request->name, request->version,
                      &operation, &err) < 0 ||
        check_wait(request->wait, &err) < 0 ||
        check_sender(call->server, request->target_base, request->epoch, &err) < 0)
        server_fail(call, err);
    else
        start_and_wait(call, &operation, 1, until(call, request->wait, TIME_NEVER),
                       reply_switch_module);
}
POSTED(switch_module, SwitchModule)

static void on_prefetch_module(struct server_call *call)
{
    const PrefetchModuleRequest *request = (const void *)call->request;
    struct operation_request operation = {.id = request->operation_id, .type = OPERATION_PREFETCH};
    AUTO_ERR struct err *err = NULL;
    if (read_module(request->module, &operation, &err) < 0 || check_wait(request->wait, &err) < 0 ||
        check_sender(call->server, request->target_base, request->epoch, &err) < 0)
        server_fail(call, err);
    else
        start_and_wait(call, &operation, 1, until(call, request->wait, TIME_NEVER),
                       reply_prefetch_module);
}
POSTED(prefetch_module, PrefetchModule)

static int read_batch(struct agent_server *server, const BatchInstallRequest *request,
                      struct operation_request *out, struct err **err)
{
    if (request->n_installs == 0 || request->n_installs > LIMIT_OPERATIONS)
        return err_field(err, "installs", "must be 1 to %d", LIMIT_OPERATIONS);
    for (size_t i = 0; i < request->n_installs; i++)
        if (read_install(request->installs[i], &out[i], err) < 0 ||
            check_sender(server, request->installs[i]->target_base, request->installs[i]->epoch,
                         err) < 0)
            return operations_batch_error(i, err);
    return 0;
}

static void on_batch_install(struct server_call *call)
{
    const BatchInstallRequest *request = (const void *)call->request;
    AUTO_FREE struct operation_request *operations =
        mem_alloc((request->n_installs + 1) * sizeof(*operations));
    AUTO_ERR struct err *err = NULL;
    if (read_batch(call->server, request, operations, &err) < 0)
        server_fail(call, err);
    else
        start_and_wait(call, operations, request->n_installs, TIME_NEVER, reply_batch_install);
}
POSTED(batch_install, BatchInstall)

static void on_get_operation(struct server_call *call)
{
    const GetOperationRequest *request = (const void *)call->request;
    AUTO_ERR struct err *err = NULL;
    const struct operation *operation =
        operations_get(call->server->options.operations, request->operation_id);
    if (check_wait(request->wait, &err) < 0) {
        server_fail(call, err);
        return;
    }
    if (!operation) {
        err_set(&err, ERR_NOT_FOUND, "operation \"%s\" is not known to this agent",
                request->operation_id);
        server_fail(call, err);
        return;
    }
    call->operations = mem_alloc(sizeof(const struct operation *));
    call->operations[0] = operation;
    hold_and_wait(call, 1, until(call, request->wait, 0), reply_get_operation);
}
POSTED(get_operation, GetOperation)

void operation_calls_init(Koupleless__Agent__V1__AgentService_Service *service)
{
    service->install_module = handle_install_module;
    service->uninstall_module = handle_uninstall_module;
    service->switch_module = handle_switch_module;
    service->prefetch_module = handle_prefetch_module;
    service->batch_install = handle_batch_install;
    service->get_operation = handle_get_operation;
}
