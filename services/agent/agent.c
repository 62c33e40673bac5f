/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/agent.h"

#include "lib/base/str.h"
#include "services/agent/replay.h"
#include "services/agent/server.h"

struct agent {
    struct agent_options options;
    char *name; /* "namespace/name" of the base; NULL: it was given none */
    struct http_client *http;
    struct worker *worker;
    struct arklet *arklet;
    struct jvm *jvm;
    struct jars *jars;
    struct operations *operations;
    struct watcher *watcher;
    struct announcer *announcer;
    struct replay *replay;
    struct agent_server *server;
    struct rpc_client *rpc;
    struct rpc_channel *channel;
    struct reporter *reporter; /* NULL: standalone */
    bool refusal_told;         /* that the base takes no installs */
    struct loop_event settle;
    bool settling;
    bool ready;      /* as was told last */
    int reports_due; /* rounds that are told even if nothing changed: an operation has ended */
};

/* -- what is seen -- */

static bool note_ready(struct agent *agent, const struct base_state *state)
{
    bool ready = replay_base_ready(agent->replay);
    if (ready != agent->ready)
        log_info(agent->options.log, ready ? "base is ready" : "base is not ready",
                 LOG_STR("boot_id", state->boot_id ? state->boot_id : ""));
    agent->ready = ready;
    return ready;
}

static void tell_probes(struct agent *agent, const struct base_state *state)
{
    struct agent_probes probes = {0};
    announcer_probes(agent->announcer, state, note_ready(agent, state),
                     operations_busy(agent->operations), &probes);
    agent->options.on_probes(agent->options.user, &probes);
    agent_probes_done(&probes);
}

static void look(void *user)
{
    struct agent *agent = user;
    watcher_look(agent->watcher);
}

static void judge(void *user)
{
    struct agent *agent = user;
    watcher_judge(agent->watcher);
}

static bool on_seen(void *user)
{
    struct agent *agent = user;
    return replay_seen(agent->replay);
}

static enum health health_of_replay(void *user, char **ret_why)
{
    const struct agent *agent = user;
    return replay_health(agent->replay, ret_why);
}

static void on_round(void *user, bool changed)
{
    struct agent *agent = user;
    const struct base_state *state = watcher_state(agent->watcher);
    replay_act(agent->replay);
    bool refuses = jvm_refusal(agent->jvm) != NULL;
    if (agent->reporter && (changed || agent->reports_due > 0 || refuses != agent->refusal_told))
        reporter_changed(agent->reporter);
    agent->refusal_told = refuses;
    if (agent->reports_due > 0)
        agent->reports_due--;
    if (changed) {
        announcer_health(agent->announcer, &state->health);
        agent_server_changed(agent->server);
    }
    tell_probes(agent, state); /* last: who has waited for /readyz finds the rest told */
}

static bool is_busy(void *user)
{
    struct agent *agent = user;
    return operations_busy(agent->operations);
}

/* Operations end in the middle of the loop's turn: one look at its end serves all of them. */
static void on_settled(struct loop_event *event)
{
    struct agent *agent = CONTAINER_OF(event, struct agent, settle);
    agent->settling = false;
    agent->reports_due = 2; /* a round that runs already may have asked before the end */
    watcher_look(agent->watcher);
}

static void on_operation(void *user)
{
    struct agent *agent = user;
    if (agent->settling || operations_busy(agent->operations))
        return;
    agent->settling = true;
    loop_post(agent->options.loop, &agent->settle);
}

static void on_operations(void *user, const struct operation *const *operations, size_t count)
{
    struct agent *agent = user;
    agent_server_operations(agent->server, operations, count);
}

/* -- parts -- */

static int make_tools(struct agent *agent, struct err **err)
{
    const struct agent_options *options = &agent->options;
    if (http_client_new(&agent->http, err) < 0)
        return -1;
    agent->worker = worker_new(options->loop);
    agent->arklet = arklet_new(options->loop, agent->http, options->arklet_url);
    struct jvm_options jvm = {
        .loop = options->loop,
        .arklet = agent->arklet,
        .metrics = options->metrics,
        .query_ms = options->query_ms,
        .metaspace_percent = options->metaspace_percent,
    };
    agent->jvm = jvm_new(&jvm);
    struct jars_options jars = {
        .loop = options->loop,
        .http = agent->http,
        .worker = agent->worker,
        .cache_dir = options->cache_dir,
        .cache_bytes = options->cache_bytes,
        .ca_file = options->download_ca,
        .download_ms = options->download_ms,
        .netrc_file = options->netrc_file,
    };
    return jars_new(&agent->jars, &jars, err);
}

static int make_operations(struct agent *agent, struct err **err)
{
    const struct agent_options *options = &agent->options;
    AUTO_FREE char *who = mem_printf("%s %s", agent->name ? agent->name : "", options->arklet_url);
    struct operations_options operations = {
        .loop = options->loop,
        .arklet = agent->arklet,
        .jars = agent->jars,
        .jvm = agent->jvm,
        .worker = agent->worker,
        .log = options->log,
        .metrics = options->metrics,
        .install_ms = options->install_ms,
        .query_ms = options->query_ms,
        .requests_ms = options->requests_ms,
        .agent = who,
        .on_change = on_operation,
        .on_operations = on_operations,
        .user = agent,
    };
    if (operations_new(&agent->operations, &operations, err) < 0)
        return err_wrap(err, "--cache-dir");
    return 0;
}

static void make_watcher(struct agent *agent)
{
    const struct agent_options *options = &agent->options;
    struct watcher_options watcher = {
        .loop = options->loop,
        .arklet = agent->arklet,
        .jvm = agent->jvm,
        .http = agent->http,
        .health_url = options->health_url,
        .every_ms = options->poll_ms,
        .query_ms = options->query_ms,
        .seed = options->seed,
        .is_busy = is_busy,
        .on_seen = on_seen,
        .replay_health = health_of_replay,
        .on_round = on_round,
        .user = agent,
        .log = options->log,
        .metrics = options->metrics,
    };
    agent->watcher = watcher_new(&watcher);
    agent->announcer = announcer_new(options->rpc, options->metrics);
}

static int make_channel(struct agent *agent, struct err **err)
{
    const struct agent_options *options = &agent->options;
    if (!options->controller)
        return 0;
    agent->rpc = rpc_client_new();
    if (rpc_channel_new(&agent->channel, agent->rpc, options->controller, &options->tls, err) < 0)
        return err_wrap(err, "--controller %s", options->controller);
    return 0;
}

static void make_replay(struct agent *agent)
{
    const struct agent_options *options = &agent->options;
    struct replay_options replay = {
        .loop = options->loop,
        .operations = agent->operations,
        .watcher = agent->watcher,
        .channel = agent->channel,
        .namespace = options->identity.namespace,
        .base = options->identity.name,
        .log = options->log,
        .metrics = options->metrics,
        .look = look,
        .judge = judge,
        .user = agent,
    };
    agent->replay = replay_new(&replay);
}

static void make_reporter(struct agent *agent)
{
    const struct agent_options *options = &agent->options;
    if (!agent->channel)
        return;
    struct reporter_options reporter = {
        .loop = options->loop,
        .channel = agent->channel,
        .watcher = agent->watcher,
        .operations = agent->operations,
        .jvm = agent->jvm,
        .replay = agent->replay,
        .identity = options->identity,
        .seed = options->seed,
        .log = options->log,
        .metrics = options->metrics,
    };
    agent->reporter = reporter_new(&reporter);
}

static void make_server(struct agent *agent)
{
    struct agent_server_options server = {
        .loop = agent->options.loop,
        .operations = agent->operations,
        .watcher = agent->watcher,
        .replay = agent->replay,
        .arklet = agent->arklet,
        .jvm = agent->jvm,
        .query_ms = agent->options.query_ms,
        .base = agent->name,
    };
    agent->server = agent_server_new(&server, agent->options.rpc);
}

int agent_new(struct agent **out, const struct agent_options *options, struct err **err)
{
    const struct base_identity *identity = &options->identity;
    struct agent *agent = NEW(struct agent);
    agent->options = *options;
    agent->settle.fn = on_settled;
    if (!str_empty(identity->name))
        agent->name = mem_printf("%s/%s", identity->namespace, identity->name);
    *out = agent; /* also where it fails: agent_free() */
    if (make_tools(agent, err) < 0 || make_channel(agent, err) < 0 ||
        make_operations(agent, err) < 0)
        return -1;
    make_watcher(agent);
    make_replay(agent);
    make_server(agent);
    make_reporter(agent);
    return 0;
}

/* -- life -- */

void agent_start(struct agent *agent, const char *address)
{
    if (agent->reporter)
        reporter_set_address(agent->reporter, address);
    watcher_start(agent->watcher);
    operations_resume(agent->operations);
}

const struct operation *agent_operation(const struct agent *agent, const char *id)
{
    return operations_get(agent->operations, id);
}

const struct operation *agent_executing(const struct agent *agent)
{
    return operations_executing(agent->operations);
}

static void on_left(void *user)
{
    struct agent *agent = user;
    loop_stop(agent->options.loop);
}

void agent_stop(struct agent *agent)
{
    agent_server_stop(agent->server);
    replay_stop(agent->replay);
    operations_stop(agent->operations);
    watcher_stop(agent->watcher);
    if (!agent->reporter)
        return;
    reporter_leave(agent->reporter, on_left, agent);
    loop_run(agent->options.loop);
}

void agent_free(struct agent *agent)
{
    if (!agent)
        return;
    /* What posts to the loop ends, one after the other, and its last events run in loop_turn(). */
    if (agent->arklet)
        arklet_close(agent->arklet);
    if (agent->operations)
        operations_close(agent->operations);
    if (agent->jars)
        jars_close(agent->jars);
    http_client_free(agent->http);
    rpc_client_free(agent->rpc);
    loop_turn(agent->options.loop);
    worker_free(agent->worker);
    loop_turn(agent->options.loop);
    rpc_channel_free(agent->channel);
    reporter_free(agent->reporter);
    agent_server_free(agent->server);
    announcer_free(agent->announcer);
    replay_free(agent->replay);
    watcher_free(agent->watcher);
    operations_free(agent->operations);
    jars_free(agent->jars);
    jvm_free(agent->jvm);
    arklet_free(agent->arklet);
    mem_free(agent->name);
    mem_free(agent);
}
