/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/server_internal.h"

int server_check_name(const char *field, const char *value, struct err **err)
{
    if (str_empty(value))
        return err_field(err, field, "is required");
    if (strlen(value) > LIMIT_NAME)
        return err_field(err, field, "has more than %d characters", LIMIT_NAME);
    return strchr(value, ':') ? err_field(err, field, "must not hold a colon") : 0;
}

static void on_call(struct loop_event *event)
{
    struct server_call *call = CONTAINER_OF(event, struct server_call, event);
    call->handle(call);
}

void server_post(Koupleless__Agent__V1__AgentService_Service *service,
                 const ProtobufCMessage *request, ProtobufCClosure closure, void *rpc,
                 void (*handle)(struct server_call *call))
{
    struct agent_server *server = CONTAINER_OF(service, struct agent_server, service);
    struct server_call *call = NEW(struct server_call);
    call->event.fn = on_call;
    call->server = server;
    call->handle = handle;
    call->request = request;
    call->closure = closure;
    call->rpc = rpc;
    if (loop_offer(server->options.loop, &call->event))
        return;
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_LIMIT, "the agent is busy");
    server_fail(call, err);
}

static void call_free(struct server_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        operations_release(call->operations[i]);
    mem_free(call->operations);
    mem_free(call);
}

void server_reply(struct server_call *call, const ProtobufCMessage *response)
{
    call->closure(response, call->rpc);
    call_free(call);
}

void server_fail(struct server_call *call, const struct err *err)
{
    rpc_call_fail(call->rpc, err);
    call_free(call);
}

void server_fail_of_arklet(struct server_call *call, const struct err *err)
{
    AUTO_ERR struct err *copy = err_copy(err);
    copy->code = ERR_UNAVAILABLE;
    err_reason(&copy, "ARKLET_UNREACHABLE");
    err_wrap(&copy, "Arklet");
    server_fail(call, copy);
}

struct agent_server *agent_server_new(const struct agent_server_options *options,
                                      struct rpc_server *rpc)
{
    struct agent_server *server = NEW(struct agent_server);
    koupleless__agent__v1__agent_service__init(&server->service, NULL);
    server->options = *options;
    list_init(&server->health_streams);
    list_init(&server->operation_streams);
    operation_calls_init(&server->service);
    operation_list_calls_init(&server->service);
    base_calls_init(&server->service);
    drain_calls_init(&server->service);
    rpc_server_add(rpc, &server->service.base);
    return server;
}

void agent_server_free(struct agent_server *server)
{
    mem_free(server);
}

void agent_server_changed(struct agent_server *server)
{
    health_streams_tell(server);
}

void agent_server_operations(struct agent_server *server, const struct operation *const *operations,
                             size_t count)
{
    operation_streams_tell(server, operations, count);
}

void agent_server_stop(struct agent_server *server)
{
    server->stopping = true;
}
