/* SPDX-License-Identifier: Apache-2.0 */
/* DrainModule: waits by engine/drain.h, and ends early where its client leaves or the agent stops. */
#include "lib/base/limits.h"
#include "services/agent/engine/drain.h"
#include "services/agent/server_internal.h"

#define MAX_WAIT_MS 30000
#define DAY_S 86400

typedef Koupleless__Agent__V1__DrainModuleRequest DrainModuleRequest;

struct draining {
    struct server_call *call;
    struct drain drain;
    struct loop_timer timer;
};

static void go_on(struct draining *draining);

/* -- the end -- */

static void end_failed(struct draining *draining, enum err_code code, const char *message)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "%s", message);
    server_fail(draining->call, err);
    mem_free(draining);
}

static void end_drained(struct draining *draining)
{
    const struct drain *drain = &draining->drain;
    int64_t waited_ms = loop_now_ms(draining->call->server->options.loop) - drain->began_ms;
    Google__Protobuf__Duration waited = GOOGLE__PROTOBUF__DURATION__INIT;
    waited.seconds = waited_ms / 1000;
    waited.nanos = (int32_t)(waited_ms % 1000) * 1000000;
    Koupleless__Agent__V1__DrainModuleResponse response =
        KOUPLELESS__AGENT__V1__DRAIN_MODULE_RESPONSE__INIT;
    response.counted = drain->told == DRAIN_COUNTED;
    response.requests = response.counted ? drain->requests : 0;
    response.waited = &waited;
    server_reply(draining->call, &response.base);
    mem_free(draining);
}

/* -- waiting -- */

static void on_requests(void *user, const char *body, size_t len, const struct err *err)
{
    struct draining *draining = user;
    AUTO_ERR struct err *bad = NULL;
    int64_t requests = 0;
    draining->call->server->questions--;
    if (!err && biz_requests_parse(body, len, &requests, &bad) < 0)
        err = bad;
    if (err) {
        server_fail_of_arklet(draining->call, err);
        mem_free(draining);
        return;
    }
    draining->drain.told = requests < 0 ? DRAIN_NOT_COUNTED : DRAIN_COUNTED;
    draining->drain.requests = requests;
    go_on(draining);
}

static void on_time(struct loop_timer *timer)
{
    struct draining *draining = CONTAINER_OF(timer, struct draining, timer);
    go_on(draining);
}

/* One of the questions that callers may ask at once; where there are too many it has time. */
static void ask(struct draining *draining)
{
    struct agent_server *server = draining->call->server;
    const struct agent_server_options *options = &server->options;
    const DrainModuleRequest *request = (const void *)draining->call->request;
    if (server->questions >= LIMIT_ARKLET_QUESTIONS) {
        loop_timer_start(options->loop, &draining->timer,
                         loop_now_ms(options->loop) + WAIT_SLICE_MS);
        return;
    }
    server->questions++;
    arklet_ask_requests(options->arklet, request->name, request->version, options->query_ms,
                        on_requests, draining);
}

static void take_step(struct draining *draining)
{
    const struct agent_server_options *options = &draining->call->server->options;
    int64_t now_ms = loop_now_ms(options->loop), until_ms = 0;
    switch (drain_next(&draining->drain, now_ms, &until_ms)) {
    case DRAIN_WAIT:
        draining->drain.told = DRAIN_NOT_TOLD;
        loop_timer_start(options->loop, &draining->timer,
                         until_ms < now_ms + WAIT_SLICE_MS ? until_ms : now_ms + WAIT_SLICE_MS);
        break;
    case DRAIN_ASK:
        ask(draining);
        break;
    case DRAIN_OVER:
        end_drained(draining);
        break;
    }
}

static void go_on(struct draining *draining)
{
    if (draining->call->server->stopping)
        end_failed(draining, ERR_UNAVAILABLE, "the agent stops");
    else if (rpc_call_cancelled(draining->call->rpc))
        end_failed(draining, ERR_CANCELLED, "the caller has left");
    else
        take_step(draining);
}

/* -- the request -- */

static int read_time(const char *field, const Google__Protobuf__Duration *time, int64_t unset_ms,
                     int64_t *ret_ms, struct err **err)
{
    if (time && (time->seconds < 0 || time->nanos < 0 || time->nanos > 999999999 ||
                 time->seconds > DAY_S || (time->seconds == DAY_S && time->nanos)))
        return err_field(err, field, "must be 0 to %d s", DAY_S);
    *ret_ms = time ? time->seconds * 1000 + time->nanos / 1000000 : unset_ms;
    return 0;
}

static int read_request(const DrainModuleRequest *request, struct drain *out, struct err **err)
{
    *out = (struct drain){0};
    if (server_check_name("name", request->name, err) < 0 ||
        server_check_name("version", request->version, err) < 0)
        return -1;
    if (read_time("drain_time", request->drain_time, 0, &out->drain_ms, err) < 0)
        return -1;
    return read_time("max_wait", request->max_wait, MAX_WAIT_MS, &out->max_wait_ms, err);
}

static void on_drain_module(struct server_call *call)
{
    AUTO_ERR struct err *err = NULL;
    struct drain drain;
    if (read_request((const void *)call->request, &drain, &err) < 0) {
        server_fail(call, err);
        return;
    }
    struct draining *draining = NEW(struct draining);
    *draining = (struct draining){.call = call, .drain = drain};
    draining->drain.began_ms = loop_now_ms(call->server->options.loop);
    loop_timer_init(&draining->timer, on_time);
    go_on(draining);
}
POSTED(drain_module, DrainModule)

void drain_calls_init(Koupleless__Agent__V1__AgentService_Service *service)
{
    service->drain_module = handle_drain_module;
}
