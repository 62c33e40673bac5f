/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim_process.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define STARTS_MS                                                                                  \
    3000 /* at most so long until the agent of a new pod, or of one that crashed, is there */
#define POLL_MS 3000
#define QUERY_MS 5000
#define REQUESTS_MS 5000
#define INSTALL_MS 45000 /* shorter than what is slow: an agent has to find out what became of it */
#define DOWNLOAD_MS 60000
#define SLICE_MS                                                                                   \
    500 /* a call that waits has noticed by then that nobody does (operation_calls.c) */

#define REPLAYED "replay-" /* begins the ids of what the agent does of itself */

static struct sim_life *starting;

struct sim_life *sim_life_starting(void)
{
    ASSERT(starting);
    return starting;
}

/* -- its time -- */

static int64_t mono_ms(struct clock *clock)
{
    const struct sim_life *life = CONTAINER_OF(clock, struct sim_life, clock);
    return loop_now_ms(life->process->base->options.loop) + life->ahead_ms;
}

static int64_t wall_ms(struct clock *clock)
{
    const struct sim_life *life = CONTAINER_OF(clock, struct sim_life, clock);
    return loop_wall_ms(life->process->base->options.loop) + life->ahead_ms;
}

/* -- what it is asked to do -- */

static const struct sim_operation *asked_before(const struct sim_life *life, const char *id)
{
    for (size_t i = 0; i < life->process->asked.len; i++)
        if (str_eq(life->process->asked.items[i]->id, id))
            return life->process->asked.items[i];
    return NULL;
}

/* Whether the agent must refuse it: it is for another base, or of a controller before the newest it has heard of. */
static bool is_refused(struct sim_life *life, const char *target, int64_t epoch)
{
    const struct sim_base *base = life->process->base;
    AUTO_FREE char *own = mem_printf("%s/%s", base->namespace, base->name);
    if (!str_eq(target, own) || epoch < life->epoch)
        return true;
    life->epoch = epoch;
    return false;
}

static struct sim_operation *add_operation(struct sim_life *life, enum sim_operation_type type,
                                           const char *id, const char *name, const char *version)
{
    struct sim_operation *operation = NEW(struct sim_operation);
    operation->type = type;
    operation->id = mem_strdup(id);
    operation->epoch = life->epoch; /* it has just been heard */
    operation->name = mem_strdup(name);
    operation->version = mem_strdup(version);
    operation->asked_ms = loop_now_ms(life->process->base->options.loop);
    VEC_PUSH(&life->process->asked, operation);
    return operation;
}

static struct sim_operation *add_asked(struct sim_life *life, enum sim_operation_type type,
                                       const char *id, const char *name, const char *version)
{
    if (agent_operation(life->agent, id) || asked_before(life, id))
        return NULL;
    return add_operation(life, type, id, name, version);
}

static void note_install(struct sim_life *life,
                         const Koupleless__Agent__V1__InstallModuleRequest *request)
{
    if (is_refused(life, request->target_base, request->epoch))
        return;
    struct sim_operation *operation = add_asked(life, SIM_INSTALL, request->operation_id,
                                                request->module->name, request->module->version);
    if (!operation)
        return;
    operation->jar = mem_strdup(request->module->md5);
    operation->restart = mem_strdup(request->restart);
    operation->in_place =
        request->strategy ==
        KOUPLELESS__AGENT__V1__INSTALL_STRATEGY__INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL;
}

static void note_uninstall(struct sim_life *life,
                           const Koupleless__Agent__V1__UninstallModuleRequest *request)
{
    if (!is_refused(life, request->target_base, request->epoch))
        add_asked(life, SIM_UNINSTALL, request->operation_id, request->name, request->version);
}

static void note_switch(struct sim_life *life,
                        const Koupleless__Agent__V1__SwitchModuleRequest *request)
{
    if (!is_refused(life, request->target_base, request->epoch))
        add_asked(life, SIM_SWITCH, request->operation_id, request->name, request->version);
}

/* It changes nothing, but its epoch counts. */
static void note_prefetch(struct sim_life *life,
                          const Koupleless__Agent__V1__PrefetchModuleRequest *request)
{
    (void)is_refused(life, request->target_base, request->epoch);
}

static void note_request(struct sim_life *life, const ProtobufCMessage *message)
{
    const void *request = message;
    if (message->descriptor == &koupleless__agent__v1__install_module_request__descriptor)
        note_install(life, request);
    else if (message->descriptor == &koupleless__agent__v1__uninstall_module_request__descriptor)
        note_uninstall(life, request);
    else if (message->descriptor == &koupleless__agent__v1__switch_module_request__descriptor)
        note_switch(life, request);
    else if (message->descriptor == &koupleless__agent__v1__prefetch_module_request__descriptor)
        note_prefetch(life, request);
}

static void operation_free(struct sim_operation *operation)
{
    sim_module_done(&operation->old);
    mem_free(operation->id);
    mem_free(operation->name);
    mem_free(operation->version);
    mem_free(operation->jar);
    mem_free(operation->restart);
    mem_free(operation);
}

/* What has got into the journal before the last life ended goes on; who asked for the rest has heard nothing of it. */
static void keep_what_goes_on(struct sim_life *life)
{
    struct sim_process *process = life->process;
    size_t kept = 0;
    for (size_t i = 0; i < process->asked.len; i++) {
        struct sim_operation *operation = process->asked.items[i];
        if (agent_operation(life->agent, operation->id))
            process->asked.items[kept++] = operation;
        else
            operation_free(operation);
    }
    process->asked.len = kept;
}

static void asked_done(struct sim_process *process)
{
    for (size_t i = 0; i < process->asked.len; i++)
        operation_free(process->asked.items[i]);
    VEC_DONE(&process->asked);
}

/* -- what it does, and says of it -- */

/* That the agent has written down before it sends an install. */
static char *recorded_restart(const struct sim_process *process, const char *name,
                              const char *version)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    const char *text = process->disk ? process->disk : "{}";
    AUTO_JSON cJSON *records = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    const cJSON *record = cJSON_GetObjectItemCaseSensitive(records, identity);
    return mem_strdup(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(record, "restart")));
}

/* What an install in place is about to take off, where it is one version. */
static void note_old(const struct sim_base *base, struct sim_operation *operation)
{
    const struct sim_module *old = NULL;
    for (size_t i = 0; i < base->modules.len; i++) {
        const struct sim_module *module = &base->modules.items[i];
        if (!str_eq(module->name, operation->name))
            continue;
        if (old || module->state == SIM_BROKEN)
            return;
        old = module;
    }
    if (old && operation->in_place)
        operation->old =
            (struct sim_module){mem_strdup(old->name), mem_strdup(old->version),
                                mem_strdup(old->jar), mem_strdup(old->restart), old->state};
}

static void begin_operation(const struct sim_base *base, struct sim_operation *operation)
{
    if (operation->state != SIM_WAITING)
        return;
    operation->state = SIM_RUNNING;
    operation->begun_ms = loop_now_ms(base->options.loop);
    note_old(base, operation);
    if (base->options.on_begin)
        base->options.on_begin(base->options.user, base, operation);
}

/* What it has begun of itself: it puts back what went with the JVM. Whether that is wanted still shows at the end (I5, I6). */
static const struct sim_operation *begin_replayed(struct sim_life *life, const char *module)
{
    const struct operation *known = agent_executing(life->agent);
    if (!known || !str_starts_with(known->id, REPLAYED) || !str_eq(known->module.name, module))
        return NULL;
    enum sim_operation_type type = known->type == OPERATION_SWITCH ? SIM_SWITCH : SIM_INSTALL;
    struct sim_operation *operation =
        add_operation(life, type, known->id, module, known->module.version);
    operation->state = SIM_RUNNING;
    operation->jar = mem_strdup(known->digest);
    operation->restart = recorded_restart(life->process, module, known->module.version);
    return operation;
}

const struct sim_operation *sim_life_begins(struct sim_life *life, const char *module)
{
    for (size_t i = life->process->asked.len; i-- > 0;) {
        struct sim_operation *operation = life->process->asked.items[i];
        const struct operation *known = agent_operation(life->agent, operation->id);
        if (!str_eq(operation->name, module) || !known || known->state != OPERATION_EXECUTING)
            continue;
        begin_operation(life->process->base, operation);
        return operation;
    }
    return begin_replayed(life, module);
}

static bool runs(const struct sim_base *base, const char *name, const char *version,
                 const char *jar)
{
    const struct sim_module *there = sim_base_find(base, name, version);
    return there && there->state != SIM_BROKEN && str_eq(there->jar, jar);
}

/* Whether what it says of its end is so. */
static bool is_so(const struct sim_base *base, const struct sim_operation *operation,
                  const struct operation *known)
{
    const struct sim_module *there = sim_base_find(base, operation->name, operation->version);
    const struct sim_module *old = &operation->old;
    if (known->state == OPERATION_FAILED)
        return !known->restored || !old->name || runs(base, old->name, old->version, old->jar);
    if (operation->type == SIM_INSTALL)
        return runs(base, operation->name, operation->version, operation->jar) &&
               !sim_restart_due(operation, there);
    return operation->type == SIM_UNINSTALL ? !there : there && there->state == SIM_ACTIVE;
}

/* A JVM that started anew meanwhile has lost what was so. */
static void end_operation(const struct sim_base *base, const struct sim_operation *operation,
                          const struct operation *known)
{
    const char *type = operation_type_name(known->type);
    bool failed = known->state == OPERATION_FAILED;
    history_note(base->options.history, "%s: %s %s %s %s%s%s", base->name, type, operation->name,
                 operation->version, failed ? "failed: " : "done",
                 failed ? failure_reason(known->failure.kind) : "",
                 known->restored ? ", restored" : "");
    if (base->options.on_wrong && (!base->went_ms || base->went_ms < operation->asked_ms) &&
        !is_so(base, operation, known))
        base->options.on_wrong(base->options.user,
                               mem_printf("I11: the agent of %s says that %s of %s %s has %s, and "
                                          "that is not so",
                                          base->name, type, operation->name, operation->version,
                                          failed ? "put back what was there" : "succeeded"));
}

static void look_at_ends(struct sim_life *life)
{
    for (size_t i = 0; i < life->process->asked.len;) {
        struct sim_operation *operation = life->process->asked.items[i];
        const struct operation *known = agent_operation(life->agent, operation->id);
        if (!known || !operation_ended(known)) {
            i++; /* it is not there yet, was refused, or goes on */
            continue;
        }
        end_operation(life->process->base, operation, known);
        operation_free(operation);
        life->process->asked.items[i] = life->process->asked.items[--life->process->asked.len];
    }
}

/* -- its turns -- */

static void on_turn(struct loop_timer *timer)
{
    struct sim_life *life = CONTAINER_OF(timer, struct sim_life, turn);
    int64_t next_ms = loop_turn(life->loop);
    look_at_ends(life);
    if (next_ms != TIME_NEVER)
        loop_timer_start(life->process->base->options.loop, &life->turn, next_ms);
}

void sim_life_wake(struct sim_life *life)
{
    struct loop *loop = life->process->base->options.loop;
    if (!life->over)
        loop_timer_start(loop, &life->turn, loop_now_ms(loop));
}

static void on_wake(void *user)
{
    sim_life_wake(user);
}

/* -- lib/rpc, as an agent has it -- */

static void on_call(ProtobufCService *service, unsigned method, const ProtobufCMessage *request,
                    ProtobufCClosure closure, void *call)
{
    struct sim_life *life = CONTAINER_OF(service, struct sim_life, door);
    note_request(life, request);
    life->service->invoke(life->service, method, request, closure, call);
    sim_life_wake(life);
}

struct rpc_client *rpc_client_new(void)
{
    struct sim_life *life = sim_life_starting();
    const struct sim_base *base = life->process->base;
    struct rpc_client *client = sim_net_client(base->options.net, base->name);
    sim_net_client_wakes(client, on_wake, life);
    life->client = client;
    return client;
}

/* @server is the life. */
void rpc_server_add(struct rpc_server *server, ProtobufCService *service)
{
    struct sim_life *life = (struct sim_life *)(void *)server;
    life->service = service;
    life->door = (ProtobufCService){.descriptor = service->descriptor, .invoke = on_call};
}

void rpc_server_set_health(struct rpc_server *server, const char *service, bool serving)
{
    (void)server;
    (void)service;
    (void)serving;
}

void rpc_server_forget_health(struct rpc_server *server, const char *service)
{
    (void)server;
    (void)service;
}

/* -- life -- */

static void on_probes(void *user, const struct agent_probes *probes)
{
    (void)user;
    (void)probes;
}

static void make_agent(struct sim_life *life, const struct json_map *no_labels)
{
    const struct sim_base *base = life->process->base;
    const struct agent_options options = {
        .loop = life->loop,
        .metrics = life->metrics,
        .rpc = (struct rpc_server *)(void *)life,
        .arklet_url = "http://base:1238",
        .health_url = "http://base:8080/actuator/health",
        .controller = base->controller,
        .cache_dir = "/jars",
        .poll_ms = POLL_MS,
        .query_ms = QUERY_MS,
        .install_ms = INSTALL_MS,
        .requests_ms = REQUESTS_MS,
        .download_ms = DOWNLOAD_MS,
        .metaspace_percent = 90,
        .identity = {.namespace = base->namespace,
                     .name = base->name,
                     .deployment = base->deployment,
                     .ip = base->ip,
                     .zone = base->zone,
                     .labels = no_labels,
                     .max_module_count = base->options.max_module_count},
        .seed = rand_next(base->options.rand),
        .on_probes = on_probes,
    };
    starting = life;
    int failed = agent_new(&life->agent, &options, NULL);
    ASSERT(!failed);
    starting = NULL;
}

static void begin_life(struct sim_process *process)
{
    static const struct json_map no_labels;
    const struct sim_base *base = process->base;
    struct sim_life *life = NEW(struct sim_life);
    process->life = life;
    life->process = process;
    life->clock = (struct clock){mono_ms, wall_ms};
    life->loop = loop_new(&life->clock, LIMIT_INBOX);
    loop_timer_init(&life->turn, on_turn);
    life->metrics = metrics_new();
    make_agent(life, &no_labels);
    keep_what_goes_on(life);
    agent_start(life->agent, base->address);
    sim_net_serve(base->options.net, base->address, &life->door);
    sim_life_wake(life);
}

/* Calls that wait notice that they do so for nobody; what else begins now comes to nothing. */
static void come_to_rest(struct sim_life *life)
{
    life->ahead_ms = SLICE_MS;
    while (loop_turn(life->loop) <= loop_now_ms(life->loop))
        ;
}

/* As it is killed; but agent_free() counts on an agent that has stopped. */
static void end_life(struct sim_process *process)
{
    struct sim_base *base = process->base;
    struct sim_life *life = TAKE(process->life);
    if (!life)
        return;
    life->over = true;
    sim_net_stop_serving(base->options.net, base->address);
    sim_net_kill(life->client);
    sim_arklet_hang_up(process);
    loop_timer_stop(base->options.loop, &life->turn);
    loop_timer_stop(base->options.loop, &process->crash);
    come_to_rest(life);
    agent_free(life->agent);
    loop_free(life->loop);
    metrics_free(life->metrics);
    mem_free(life);
}

static void on_begin(struct loop_timer *timer)
{
    begin_life(CONTAINER_OF(timer, struct sim_process, begin));
}

static void on_crash(struct loop_timer *timer)
{
    sim_base_restart_agent(CONTAINER_OF(timer, struct sim_process, crash)->base);
}

static void begin_soon(struct sim_process *process, int64_t away_ms)
{
    const struct sim_base_options *options = &process->base->options;
    loop_timer_start(options->loop, &process->begin,
                     loop_now_ms(options->loop) + away_ms +
                         (int64_t)rand_below(options->rand, STARTS_MS));
}

/* -- with its base -- */

static void start(struct sim_base *base)
{
    struct sim_process *process = NEW(struct sim_process);
    process->base = base;
    base->process = process;
    loop_timer_init(&process->begin, on_begin);
    loop_timer_init(&process->crash, on_crash);
    sim_arklet_start(process);
    begin_soon(process, 0);
}

static void restart(struct sim_base *base, int64_t away_ms)
{
    end_life(base->process);
    begin_soon(base->process, away_ms);
}

static void jvm_changed(struct sim_base *base)
{
    if (base->jvm_down)
        sim_arklet_gone(base->process);
    else
        sim_arklet_start(base->process);
}

static void stop(struct sim_base *base)
{
    struct sim_process *process = TAKE(base->process);
    loop_timer_stop(base->options.loop, &process->begin);
    end_life(process);
    sim_arklet_gone(process);
    sim_disk_done(process);
    str_done(&process->journal);
    asked_done(process);
    mem_free(process);
}

const struct sim_agent_kind sim_agent_process = {start, restart, jvm_changed, stop};
