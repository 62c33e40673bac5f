/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JVM of a simulated base as its agent sees it: Arklet and the health page, by the functions of
 * lib/http/client.h. Questions are answered in a moment. A command takes its time, keeps the lock of its module
 * meanwhile, and goes on when whoever has sent it does not wait any more. What Arklet answers is as in
 * tests/support/arklet-sim, which is held to the real one.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "tests/sim/sim_process.h"

#define ANSWER_MS 5
#define KEPT_BROKEN 300        /* per mille, of the modules that did not start */
#define REQUESTS_COUNTED 500   /* per mille, of the questions how many are under way */
#define REQUESTS_UNDER_WAY 300 /* per mille, of the answers */
#define NEVER_NOTICED 500 /* per mille, of answers that are lost: only the timeout ends the call */

struct http_client {
    struct sim_life *life;
};

struct http_call {
    struct list node;
    struct sim_life *life;
    struct loop_timer timer; /* its timeout, and once the answer is on its way, that */
    char *body;
    struct err *err;
    bool answered;
    http_done_fn done;
    void *user;
};

/* What Arklet works on. */
struct command {
    struct list node;
    struct sim_process *process;
    struct loop_timer timer;
    struct http_call *call; /* that waits for it; NULL: none any more */
    enum sim_operation_type type;
    char *name, *version, *jar;
    char *restart; /* of the operation that it is for */
    bool fails;    /* decided as it begins */
    bool lost;     /* ... too: nobody is told how it ended */
};

static const char *const command_names[] = {
    [SIM_INSTALL] = "installBiz", [SIM_UNINSTALL] = "uninstallBiz", [SIM_SWITCH] = "switchBiz"};

static bool chance(const struct sim_process *process, int32_t per_mille)
{
    return per_mille > 0 && rand_below(process->base->options.rand, 1000) < (uint64_t)per_mille;
}

static void start_timer(const struct sim_process *process, struct loop_timer *timer, int64_t ms)
{
    struct loop *loop = process->base->options.loop;
    loop_timer_start(loop, timer, loop_now_ms(loop) + ms);
}

/* -- calls -- */

static struct command *command_of(const struct http_call *call)
{
    LIST_FOR_EACH (it, &call->life->process->commands) {
        struct command *command = LIST_ENTRY(it, struct command, node);
        if (command->call == call)
            return command;
    }
    return NULL;
}

static void end_call(struct http_call *call)
{
    struct sim_life *life = call->life;
    struct command *command = command_of(call);
    struct http_response response = {.status = 200, .body = call->body, .retry_after_ms = -1};
    if (command)
        command->call = NULL;
    if (call->body)
        response.body_bytes = strlen(call->body);
    loop_timer_stop(life->process->base->options.loop, &call->timer);
    list_remove(&call->node);
    call->done(call->user, call->err ? NULL : &response, call->err);
    sim_life_wake(life);
    mem_free(call->body);
    err_free(call->err);
    mem_free(call);
}

static void on_call_timer(struct loop_timer *timer)
{
    struct http_call *call = CONTAINER_OF(timer, struct http_call, timer);
    if (!call->answered)
        err_set(&call->err, ERR_TIMEOUT, "Arklet: no answer in time");
    end_call(call);
}

static void settle(struct http_call *call)
{
    const struct sim_process *process = call->life->process;
    call->answered = true;
    start_timer(process, &call->timer,
                (int64_t)rand_below(process->base->options.rand, ANSWER_MS + 1));
}

static void fail_call(struct http_call *call, enum err_code code, const char *why)
{
    err_set(&call->err, code, "%s", why);
    settle(call);
}

static void lose_answer(struct http_call *call)
{
    if (!chance(call->life->process, NEVER_NOTICED))
        fail_call(call, ERR_DATA_LOSS, "Arklet: the connection broke");
}

static void answer(struct http_call *call, char *body_taken)
{
    const struct sim_process *process = call->life->process;
    if (chance(process, process->base->options.faults->answer_lost)) {
        mem_free(body_taken);
        lose_answer(call);
        return;
    }
    call->body = body_taken;
    settle(call);
}

/* -- questions -- */

static const char *const state_names[] = {
    [SIM_ACTIVE] = "activated", [SIM_INACTIVE] = "deactivated", [SIM_BROKEN] = "broken"};

static void add_module(struct str *text, const char *name, const char *version, const char *state)
{
    str_printf(text,
               "{\"bizName\":\"%s\",\"bizVersion\":\"%s\",\"bizState\":\"%s\",\"webContextPath\":"
               "\"/%s\"},",
               name, version, state, sim_web_path(name));
}

static char *list_modules(const struct sim_process *process)
{
    const struct sim_base *base = process->base;
    struct str text = STR_INIT(LIMIT_KIB(64));
    str_add(&text, "{\"code\":\"SUCCESS\",\"data\":[");
    for (size_t i = 0; i < base->modules.len; i++)
        add_module(&text, base->modules.items[i].name, base->modules.items[i].version,
                   state_names[base->modules.items[i].state]);
    LIST_FOR_EACH (it, &process->commands) {
        const struct command *command = LIST_ENTRY(it, struct command, node);
        if (command->type == SIM_INSTALL)
            add_module(&text, command->name, command->version, "resolved");
    }
    str_add(&text, "{}]}"); /* for the comma */
    return str_take(&text);
}

static char *tell_age(const struct sim_process *process)
{
    int64_t ms = loop_now_ms(process->base->options.loop) - process->jvm_ms;
    return mem_printf(
        "{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"run time(s)\":%lld.%03d}}}}",
        (long long)(ms / 1000), (int)(ms % 1000));
}

/* Some bases count the requests under way in a module, and mostly there are none. */
static char *tell_requests(const struct sim_process *process)
{
    if (!chance(process, REQUESTS_COUNTED))
        return mem_strdup("{\"code\":\"CMD_NOT_FOUND\",\"message\":\"please follow the doc\"}");
    return mem_printf("{\"code\":\"SUCCESS\",\"data\":{\"requests\":%d}}",
                      chance(process, REQUESTS_UNDER_WAY));
}

static char *health_page(void)
{
    return mem_strdup("{\"status\":\"UP\",\"components\":{\"baseStartUp\":{\"status\":\"UP\"}}}");
}

/* -- commands -- */

static char *data_answer(bool ok, const char *code, const char *message)
{
    return mem_printf("{\"code\":\"%s\",\"data\":{\"code\":\"%s\",\"message\":\"%s\"}}",
                      ok ? "SUCCESS" : "FAILED", code, message);
}

static char *installed_answer(const struct command *command)
{
    return mem_printf("{\"code\":\"SUCCESS\",\"data\":{\"code\":\"SUCCESS\",\"bizInfos\":[{"
                      "\"bizName\":\"%s\",\"bizVersion\":\"%s\"}],\"elapsedSpace\":1048576,"
                      "\"message\":\"installed\"}}",
                      command->name, command->version);
}

static void command_free(struct command *command)
{
    loop_timer_stop(command->process->base->options.loop, &command->timer);
    list_remove(&command->node);
    mem_free(command->name);
    mem_free(command->version);
    mem_free(command->jar);
    mem_free(command->restart);
    mem_free(command);
}

static char *end_install(struct sim_base *base, const struct command *command)
{
    struct sim_module module = {command->name, command->version, command->jar, command->restart,
                                SIM_BROKEN};
    if (command->fails) {
        if (chance(base->process, KEPT_BROKEN))
            sim_base_put(base, &module);
        return data_answer(false, "FAILED", "java.lang.reflect.InvocationTargetException");
    }
    module.state = sim_base_serves(base, command->name) ? SIM_INACTIVE : SIM_ACTIVE;
    sim_base_put(base, &module);
    return installed_answer(command);
}

static char *end_uninstall(struct sim_base *base, const struct command *command)
{
    struct sim_module *there = sim_base_find(base, command->name, command->version);
    if (command->fails)
        return data_answer(false, "FAILED", "it was meant to fail");
    ASSERT(there); /* nobody else takes it off: its lock is held */
    sim_base_take(base, there);
    return data_answer(true, "SUCCESS", "uninstalled");
}

static char *end_switch(struct sim_base *base, const struct command *command)
{
    if (command->fails)
        return data_answer(false, "ILLEGAL_STATE_BIZ", "it was meant to fail");
    sim_base_activate(base, sim_base_find(base, command->name, command->version));
    return data_answer(true, "SUCCESS", "activated");
}

static void on_command_timer(struct loop_timer *timer)
{
    struct command *command = CONTAINER_OF(timer, struct command, timer);
    struct sim_base *base = command->process->base;
    AUTO_FREE char *body = NULL;
    if (command->type == SIM_INSTALL)
        body = end_install(base, command);
    else if (command->type == SIM_UNINSTALL)
        body = end_uninstall(base, command);
    else
        body = end_switch(base, command);
    history_note(base->options.history, "%s: %s %s %s %s", base->name, command_names[command->type],
                 command->name, command->version, command->fails ? "failed" : "done");
    struct http_call *call = TAKE(command->call);
    bool lost = command->lost;
    command_free(command);
    if (call && lost)
        lose_answer(call);
    else if (call)
        answer(call, TAKE(body));
}

static bool is_to_fail(const struct command *command)
{
    const struct sim_base_faults *faults = command->process->base->options.faults;
    switch (command->type) {
    case SIM_INSTALL:
        return chance(command->process, faults->install_fails) ||
               str_eq(command->version, faults->bad);
    case SIM_UNINSTALL:
        return chance(command->process, faults->uninstall_fails);
    default:
        return chance(command->process, faults->switch_fails);
    }
}

static int64_t command_ms(const struct sim_process *process)
{
    const struct sim_base_options *options = &process->base->options;
    if (chance(process, options->faults->slow))
        return options->faults->slow_ms;
    return 1 + (int64_t)rand_below(options->rand, (uint64_t)options->faults->command_ms);
}

static void tell_wrong(const struct sim_base *base, const struct command *command,
                       const char *what_taken)
{
    AUTO_FREE const char *what = what_taken;
    if (base->options.on_wrong)
        base->options.on_wrong(base->options.user,
                               mem_printf("I11: the agent of %s sends %s %s %s %s", base->name,
                                          command_names[command->type], command->name,
                                          command->version, what));
}

/* Arklet gets one command at a time from an agent, and what is starting is not touched: 2.1.6 breaks. */
static void check_command(const struct sim_life *life, const struct command *wanted)
{
    LIST_FOR_EACH (it, &life->process->commands) {
        const struct command *command = LIST_ENTRY(it, struct command, node);
        bool starting = command->type == SIM_INSTALL && wanted->type == SIM_UNINSTALL &&
                        str_eq(command->name, wanted->name) &&
                        str_eq(command->version, wanted->version);
        if (command->call || starting)
            tell_wrong(life->process->base, wanted,
                       mem_printf("during %s %s %s", command_names[command->type], command->name,
                                  command->version));
    }
}

/* What an install is for, where it does not put an old version back. */
static void note_operation(struct sim_life *life, struct command *command)
{
    const struct sim_operation *operation = sim_life_begins(life, command->name);
    if (!operation)
        tell_wrong(life->process->base, command, mem_strdup("for nobody"));
    else if (str_eq(operation->version, command->version) && str_eq(operation->jar, command->jar))
        command->restart = mem_strdup(operation->restart);
}

/* What it says at once; NULL: it works on it. */
static char *refusal(const struct sim_process *process, const struct command *wanted)
{
    const struct sim_module *there = sim_base_find(process->base, wanted->name, wanted->version);
    LIST_FOR_EACH (it, &process->commands) {
        const struct command *command = LIST_ENTRY(it, struct command, node);
        if (str_eq(command->name, wanted->name))
            return data_answer(false, "FAILED",
                               "command conflict, exist unfinished command for this biz");
    }
    if (wanted->type == SIM_INSTALL)
        return there ? data_answer(false, "REPEAT_BIZ", "it has been installed or registered")
                     : NULL;
    if (!there)
        return data_answer(false, "NOT_FOUND_BIZ", "not found");
    return wanted->type == SIM_SWITCH && there->state == SIM_BROKEN
               ? data_answer(false, "ILLEGAL_STATE_BIZ", "it is broken")
               : NULL;
}

/* A module that is being stopped serves nobody from the beginning. */
static void begin_command(struct http_call *call, struct command *command)
{
    struct sim_process *process = command->process;
    struct sim_base *base = process->base;
    history_note(base->options.history, "%s: %s %s %s", base->name, command_names[command->type],
                 command->name, command->version);
    command->call = call;
    command->fails = is_to_fail(command);
    if (command->type == SIM_UNINSTALL && !command->fails)
        sim_base_find(base, command->name, command->version)->state = SIM_INACTIVE;
    list_append(&process->commands, &command->node);
    start_timer(process, &command->timer, command_ms(process));
}

/* Return: whether it is not even begun. */
static bool meets_its_fate(struct http_call *call, struct command *command)
{
    struct sim_process *process = command->process;
    const struct sim_base_options *options = &process->base->options;
    switch (options->on_command ? options->on_command(options->user) : FATE_NONE) {
    case FATE_REFUSED:
        fail_call(call, ERR_UNAVAILABLE, "connection refused");
        return true;
    case FATE_ANSWER_LOST:
        command->lost = true;
        return false;
    case FATE_CRASH:
        start_timer(process, &process->crash, 0);
        return false;
    default:
        return false;
    }
}

static const char *jar_in(const char *url)
{
    const char *slash = url ? strrchr(url, '/') : NULL;
    return slash ? slash + 1 : "";
}

static void take_command(struct http_call *call, enum sim_operation_type type, const char *text,
                         size_t len)
{
    AUTO_JSON cJSON *body = json_parse(text, len, LIMIT_OBJECT, NULL);
    struct sim_process *process = call->life->process;
    struct command *command = NEW(struct command);
    command->process = process;
    command->type = type;
    command->name = mem_strdup(json_get_string(body, "bizName"));
    command->version = mem_strdup(json_get_string(body, "bizVersion"));
    command->jar = mem_strdup(jar_in(json_get_string(body, "bizUrl")));
    list_init(&command->node);
    loop_timer_init(&command->timer, on_command_timer);
    check_command(call->life, command);
    note_operation(call->life, command);
    if (meets_its_fate(call, command)) {
        command_free(command);
        return;
    }
    char *refused = refusal(process, command);
    if (!refused) {
        begin_command(call, command);
        return;
    }
    command_free(command);
    answer(call, refused);
}

/* -- lib/http -- */

static void handle(struct http_call *call, const char *path, const struct http_request *request)
{
    const struct sim_process *process = call->life->process;
    if (process->base->jvm_down) {
        fail_call(call, ERR_UNAVAILABLE, "connection refused");
        return;
    }
    if (str_eq(path, "queryAllBiz")) {
        answer(call, list_modules(process));
        return;
    }
    if (str_eq(path, "health")) {
        bool page = str_eq(request->method, "GET");
        answer(call, page ? health_page() : tell_age(process));
        return;
    }
    if (str_eq(path, "queryBizRequests")) {
        answer(call, tell_requests(process));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(command_names); i++)
        if (str_eq(path, command_names[i])) {
            take_command(call, (enum sim_operation_type)i, request->body, request->body_bytes);
            return;
        }
    UNREACHABLE("nothing else is asked for");
}

int http_client_new(struct http_client **out, struct err **err)
{
    (void)err;
    *out = NEW(struct http_client);
    (*out)->life = sim_life_starting();
    return 0;
}

struct http_call *http_send(struct http_client *client, const struct http_request *request,
                            http_done_fn done, void *user)
{
    struct sim_life *life = client->life;
    struct http_call *call = NEW(struct http_call);
    *call = (struct http_call){.life = life, .done = done, .user = user};
    list_init(&call->node);
    loop_timer_init(&call->timer, on_call_timer);
    list_append(&life->process->calls, &call->node);
    if (life->over) {
        err_set(&call->err, ERR_CANCELLED, "the program has ended");
        end_call(call);
        return NULL;
    }
    start_timer(life->process, &call->timer, request->timeout_ms);
    handle(call, strrchr(request->url, '/') + 1, request);
    return call;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    sim_arklet_hang_up(client->life->process);
    mem_free(client);
}

void sim_arklet_hang_up(struct sim_process *process)
{
    LIST_FOR_EACH (it, &process->calls) {
        struct http_call *call = LIST_ENTRY(it, struct http_call, node);
        err_free(TAKE(call->err));
        err_set(&call->err, ERR_CANCELLED, "the program has ended");
        end_call(call);
    }
}

/* -- with the JVM -- */

void sim_arklet_start(struct sim_process *process)
{
    if (!process->calls.next) {
        list_init(&process->calls);
        list_init(&process->commands);
    }
    process->jvm_ms = loop_now_ms(process->base->options.loop);
}

void sim_arklet_gone(struct sim_process *process)
{
    LIST_FOR_EACH (it, &process->commands)
        command_free(LIST_ENTRY(it, struct command, node));
    LIST_FOR_EACH (it, &process->calls) {
        struct http_call *call = LIST_ENTRY(it, struct http_call, node);
        if (!call->answered)
            fail_call(call, ERR_DATA_LOSS, "Arklet: the connection broke");
    }
}
