/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that show operations: all that are remembered, and what becomes of them. */
#include "lib/base/str.h"
#include "services/agent/server_internal.h"

typedef Koupleless__Agent__V1__ListOperationsRequest ListOperationsRequest;
typedef Koupleless__Agent__V1__WatchOperationsRequest WatchOperationsRequest;

typedef VEC(Koupleless__Agent__V1__Operation *) operation_messages;

/* Those on @module ("": on any); @running: that have not ended. */
static bool is_wanted(const struct operation *operation, const char *module, bool running)
{
    return (str_empty(module) || str_eq(module, operation->module.name)) &&
           !(running && operation_ended(operation));
}

static operation_messages select_all(const struct operations *operations, const char *module,
                                     bool running, struct messages *messages)
{
    operation_messages list = {0};
    const struct operation *it = NULL;
    while ((it = operations_next(operations, it)))
        if (is_wanted(it, module, running))
            VEC_PUSH(&list, messages_operation(messages, it));
    return list;
}

static void on_list_operations(struct server_call *call)
{
    const ListOperationsRequest *request = (const void *)call->request;
    struct messages messages = {0};
    Koupleless__Agent__V1__ListOperationsResponse response =
        KOUPLELESS__AGENT__V1__LIST_OPERATIONS_RESPONSE__INIT;
    operation_messages list =
        select_all(call->server->options.operations, request->module, request->running, &messages);
    response.n_operations = list.len;
    response.operations = list.items;
    server_reply(call, &response.base);
    VEC_DONE(&list);
    messages_done(&messages);
}
POSTED(list_operations, ListOperations)

static void tell(struct stream *stream, const operation_messages *list)
{
    Koupleless__Agent__V1__WatchOperationsResponse response =
        KOUPLELESS__AGENT__V1__WATCH_OPERATIONS_RESPONSE__INIT;
    response.n_operations = list->len;
    response.operations = list->items;
    stream_send(stream, &response.base);
}

static void tell_all(struct stream *stream)
{
    const WatchOperationsRequest *request = (const void *)stream->request;
    struct messages messages = {0};
    operation_messages list = select_all(stream->server->options.operations, request->module,
                                         request->running, &messages);
    tell(stream, &list);
    VEC_DONE(&list);
    messages_done(&messages);
}

static void tell_changed(struct stream *stream, const struct operation *const *operations,
                         size_t count)
{
    const WatchOperationsRequest *request = (const void *)stream->request;
    struct messages messages = {0};
    operation_messages list = {0};
    for (size_t i = 0; i < count; i++)
        if (is_wanted(operations[i], request->module, /* running= */ false))
            VEC_PUSH(&list, messages_operation(&messages, operations[i]));
    if (list.len)
        tell(stream, &list);
    VEC_DONE(&list);
    messages_done(&messages);
}

void operation_streams_tell(struct agent_server *server, const struct operation *const *operations,
                            size_t count)
{
    LIST_FOR_EACH (it, &server->operation_streams)
        tell_changed(LIST_ENTRY(it, struct stream, node), operations, count);
}

static void on_watch_operations(struct server_call *call)
{
    stream_begin(call, &call->server->operation_streams, tell_all);
}
POSTED(watch_operations, WatchOperations)

void operation_list_calls_init(Koupleless__Agent__V1__AgentService_Service *service)
{
    service->list_operations = handle_list_operations;
    service->watch_operations = handle_watch_operations;
}
