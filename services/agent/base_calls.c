/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that ask how the base is. */
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/server_internal.h"

/* -- modules and commands: asked from Arklet now -- */

/* Many at once would take all connections that there may be, and the base's event loops. */
static void ask_arklet(struct server_call *call, const char *command, arklet_done_fn done)
{
    const struct agent_server_options *options = &call->server->options;
    if (call->server->questions >= LIMIT_ARKLET_QUESTIONS) {
        AUTO_ERR struct err *err = NULL;
        err_set(&err, ERR_LIMIT, "%d calls ask Arklet already", LIMIT_ARKLET_QUESTIONS);
        server_fail(call, err);
        return;
    }
    call->server->questions++;
    arklet_ask(options->arklet, command, NULL, options->query_ms, done, call);
}

static void on_modules(void *user, const char *body, size_t len, const struct err *err)
{
    struct server_call *call = user;
    struct biz_list modules = {0};
    AUTO_ERR struct err *bad = NULL;
    call->server->questions--;
    if (!err && biz_list_parse(body, len, &modules, &bad) < 0)
        err = bad;
    if (err) {
        server_fail_of_arklet(call, err);
        return;
    }
    struct messages messages = {0};
    Koupleless__Agent__V1__ListModulesResponse response =
        KOUPLELESS__AGENT__V1__LIST_MODULES_RESPONSE__INIT;
    response.n_modules = modules.len;
    response.modules = messages_modules(&messages, &modules, call->server->options.operations);
    server_reply(call, &response.base);
    messages_done(&messages);
    biz_list_done(&modules);
}

static void on_list_modules(struct server_call *call)
{
    ask_arklet(call, "queryAllBiz", on_modules);
}
POSTED(list_modules, ListModules)

static void reply_commands(struct server_call *call, const struct arklet_commands *commands)
{
    typedef Koupleless__Agent__V1__ArkletCommand Command;
    Koupleless__Agent__V1__ListCommandsResponse response =
        KOUPLELESS__AGENT__V1__LIST_COMMANDS_RESPONSE__INIT;
    AUTO_FREE Command *items = mem_alloc((commands->len + 1) * sizeof(Command));
    AUTO_FREE Command **pointers = mem_alloc((commands->len + 1) * sizeof(Command *));
    for (size_t i = 0; i < commands->len; i++) {
        koupleless__agent__v1__arklet_command__init(&items[i]);
        items[i].id = commands->items[i].id;
        items[i].description = commands->items[i].description;
        pointers[i] = &items[i];
    }
    response.n_commands = commands->len;
    response.commands = pointers;
    server_reply(call, &response.base);
}

static void on_commands(void *user, const char *body, size_t len, const struct err *err)
{
    struct server_call *call = user;
    struct arklet_commands commands = {0};
    AUTO_ERR struct err *bad = NULL;
    call->server->questions--;
    if (!err && arklet_commands_parse(body, len, &commands, &bad) < 0)
        err = bad;
    if (err)
        server_fail_of_arklet(call, err);
    else
        reply_commands(call, &commands);
    arklet_commands_done(&commands);
}

static void on_list_commands(struct server_call *call)
{
    ask_arklet(call, "help", on_commands);
}
POSTED(list_commands, ListCommands)

/* -- health: as of the last round -- */

static void on_get_health(struct server_call *call)
{
    const struct base_state *state = watcher_state(call->server->options.watcher);
    struct messages messages = {0};
    Koupleless__Agent__V1__GetHealthResponse response =
        KOUPLELESS__AGENT__V1__GET_HEALTH_RESPONSE__INIT;
    response.health = messages_base_health(&messages, state, call->server->options.replay);
    response.health->jvm = messages_jvm(&messages, call->server->options.jvm);
    server_reply(call, &response.base);
    messages_done(&messages);
}
POSTED(get_health, GetHealth)

static void tell(struct stream *stream)
{
    const struct base_state *state = watcher_state(stream->server->options.watcher);
    struct messages messages = {0};
    Koupleless__Agent__V1__WatchHealthResponse response =
        KOUPLELESS__AGENT__V1__WATCH_HEALTH_RESPONSE__INIT;
    response.health = messages_base_health(&messages, state, stream->server->options.replay);
    response.health->jvm = messages_jvm(&messages, stream->server->options.jvm);
    stream_send(stream, &response.base);
    messages_done(&messages);
}

void health_streams_tell(struct agent_server *server)
{
    LIST_FOR_EACH (it, &server->health_streams)
        tell(LIST_ENTRY(it, struct stream, node));
}

static void on_watch_health(struct server_call *call)
{
    stream_begin(call, &call->server->health_streams, tell);
}
POSTED(watch_health, WatchHealth)

void base_calls_init(Koupleless__Agent__V1__AgentService_Service *service)
{
    service->list_modules = handle_list_modules;
    service->list_commands = handle_list_commands;
    service->get_health = handle_get_health;
    service->watch_health = handle_watch_health;
}
