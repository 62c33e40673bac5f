/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole agent, told by the input what happens: calls of its service, as bytes of their messages; what the base
 * answers, canned or as bytes; and time. Its network and its threads are those of this file. Whatever comes: each call
 * is answered exactly once, at the latest when the agent stops.
 *
 * Input: a byte of enum step, and what it says there; lengths are two bytes, the lower one first.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/http/client.h"
#include "services/agent/agent.h"
#include "tests/fuzz/fuzz.h"

enum step {
    STEP_CALL = 0x00, /* + number of the method; a length, the message */
    STEP_ANSWER =
        0x40, /* + enum answer, to the request that waits longest; ANSWER_BYTES: a length, the body */
    STEP_FAIL = 0x50,  /* + enum err_code */
    STEP_TIME = 0x60,  /* to the next timer */
    STEP_LEAVE = 0x70, /* the client of the oldest call leaves */
};

enum answer { ANSWER_BYTES, ANSWER_CANNED };

static const char *const canned[] = {
    "{\"code\":\"SUCCESS\",\"data\":[]}",
    "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"a\",\"bizVersion\":\"1\",\"bizState\":"
    "\"ACTIVATED\","
    "\"webContextPath\":\"a\"}]}",
    "{\"code\":\"SUCCESS\",\"data\":[{\"bizName\":\"a\",\"bizVersion\":\"1\",\"bizState\":"
    "\"RESOLVED\"},"
    "{\"bizName\":\"a\",\"bizVersion\":\"2\",\"bizState\":\"DEACTIVATED\"}]}",
    "{\"code\":\"SUCCESS\",\"data\":{\"code\":\"SUCCESS\",\"bizInfos\":[]}}",
    "{\"code\":\"FAILED\",\"data\":{\"code\":\"REPEAT_BIZ\",\"message\":\"x\"},\"message\":\"x\"}",
    "{\"code\":\"SUCCESS\",\"data\":{\"healthData\":{\"jvm\":{\"run time(s)\":12.3}}}}",
    "{\"status\":\"UP\",\"components\":{}}",
    "{\"code\":\"SUCCESS\",\"data\":[{\"desc\":\"install one ark biz\",\"id\":\"installBiz\"}]}",
};

#define STEPS_MAX 400
#define CALLS_MAX 64
#define TURNS_MAX 10000 /* nothing may go on for ever */
#define JUMP_MAX_MS 3600000

/* -- the input -- */

struct input {
    const uint8_t *at, *end;
};

static unsigned take_byte(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static const uint8_t *take_bytes(struct input *input, size_t *ret_len)
{
    size_t len = take_byte(input);
    len |= (size_t)take_byte(input) << 8;
    size_t left = (size_t)(input->end - input->at);
    const uint8_t *bytes = input->at;
    *ret_len = len < left ? len : left;
    input->at += *ret_len;
    return bytes;
}

/* -- time -- */

static int64_t now_ms;

static int64_t made_up_ms(struct clock *clock)
{
    (void)clock;
    return now_ms;
}

/* -- the gRPC server: what the agent may call of lib/rpc -- */

struct rpc_call {
    ProtobufCMessage *request;
    bool ended, cancelled;
    void (*on_cancel)(void *user);
    void *user;
};

static ProtobufCService *served;
static struct rpc_call *calls[CALLS_MAX];
static size_t calls_len;

void rpc_server_add(struct rpc_server *server, ProtobufCService *service)
{
    (void)server;
    served = service;
}

void rpc_server_set_health(struct rpc_server *server, const char *service, bool serving)
{
    (void)server;
    (void)serving;
    ASSERT(service);
}

void rpc_server_forget_health(struct rpc_server *server, const char *service)
{
    (void)server;
    ASSERT(service);
}

static void end(struct rpc_call *call)
{
    ASSERT(!call->ended);
    call->ended = true;
}

void rpc_call_fail(struct rpc_call *call, const struct err *e)
{
    ASSERT(e && e->message);
    end(call);
}

void rpc_call_end(struct rpc_call *call)
{
    end(call);
}

void rpc_call_on_cancel(struct rpc_call *call, void (*fn)(void *user), void *user)
{
    call->on_cancel = fn;
    call->user = user;
    if (call->cancelled)
        fn(user);
}

bool rpc_call_cancelled(struct rpc_call *call)
{
    return call->cancelled;
}

size_t rpc_call_queue_len(struct rpc_call *call)
{
    (void)call;
    return 0;
}

/* A unary method's answer ends its call; a stream is ended by rpc_call_end() or rpc_call_fail(). */
static void on_message(const ProtobufCMessage *message, void *user)
{
    struct rpc_call *call = user;
    ASSERT(message && !call->ended);
    size_t len = protobuf_c_message_get_packed_size(message);
    AUTO_FREE uint8_t *packed = mem_alloc(len + 1);
    ASSERT(protobuf_c_message_pack(message, packed) == len);
    if (!strstr(message->descriptor->name, ".Watch"))
        call->ended = true;
}

static void begin_call(unsigned number, const uint8_t *bytes, size_t len)
{
    number %= served->descriptor->n_methods;
    ProtobufCMessage *request =
        rpc_unpack(served->descriptor->methods[number].input, bytes, len, NULL);
    if (!request || calls_len == CALLS_MAX) {
        protobuf_c_message_free_unpacked(request, NULL);
        return;
    }
    struct rpc_call *call = NEW(struct rpc_call);
    call->request = request;
    calls[calls_len++] = call;
    served->invoke(served, number, request, on_message, call);
}

static void leave(struct rpc_call *call)
{
    if (call->ended || call->cancelled)
        return;
    call->cancelled = true;
    if (call->on_cancel)
        call->on_cancel(call->user);
}

/* No controller is reported to. */

struct rpc_client *rpc_client_new(void)
{
    return NULL;
}

void rpc_client_free(struct rpc_client *client)
{
    (void)client;
}

int rpc_channel_new(struct rpc_channel **out, struct rpc_client *client, const char *target,
                    const struct rpc_tls *tls, struct err **err)
{
    (void)client;
    (void)target;
    (void)tls;
    *out = NULL;
    return err_set(err, ERR_INVALID, "none");
}

void rpc_channel_free(struct rpc_channel *channel)
{
    (void)channel;
}

struct rpc_client_call *rpc_unary(struct rpc_channel *channel,
                                  const ProtobufCServiceDescriptor *service, const char *method,
                                  const ProtobufCMessage *request,
                                  const struct rpc_options *options, rpc_done_fn done, void *user)
{
    (void)channel;
    (void)service;
    (void)method;
    (void)request;
    (void)options;
    (void)done;
    (void)user;
    ASSERT(false);
    return NULL;
}

/* -- HTTP: requests wait for a step -- */

struct http_call {
    struct list node;
    http_done_fn done;
    bool (*on_body)(void *user, const void *bytes, size_t len);
    http_later_fn later; /* a timer instead */
    void *user;
};

static struct list waiting; /* http_call */

int http_client_new(struct http_client **out, struct err **err)
{
    (void)err;
    *out = NULL;
    return 0;
}

static struct http_call *add_waiting(struct http_call call)
{
    struct http_call *added = NEW(struct http_call);
    *added = call;
    list_append(&waiting, &added->node);
    return added;
}

struct http_call *http_send(struct http_client *client, const struct http_request *request,
                            http_done_fn done, void *user)
{
    (void)client;
    ASSERT(request->url && request->timeout_ms > 0);
    return add_waiting((struct http_call){.done = done, .on_body = request->on_body, .user = user});
}

struct http_call *http_later(struct http_client *client, int64_t delay_ms, http_later_fn fn,
                             void *user)
{
    (void)client;
    (void)delay_ms;
    return add_waiting((struct http_call){.later = fn, .user = user});
}

static void fail_request(struct http_call *call, enum err_code code)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, code, "made up");
    list_remove(&call->node);
    if (call->later)
        call->later(call->user, code == ERR_CANCELLED);
    else
        call->done(call->user, NULL, err);
    mem_free(call);
}

static void answer_request(struct http_call *call, int status, const char *bytes, size_t len)
{
    AUTO_FREE char *body = mem_strndup(bytes, len);
    struct http_response response = {
        .status = status, .body = body, .body_bytes = len, .retry_after_ms = -1};
    if (call->later) {
        fail_request(call, ERR_INTERNAL);
        return;
    }
    if (call->on_body && status < 300) {
        if (!call->on_body(call->user, body, len)) {
            fail_request(call, ERR_CANCELLED);
            return;
        }
        response.body = "";
        response.body_bytes = 0;
    }
    list_remove(&call->node);
    call->done(call->user, &response, NULL);
    mem_free(call);
}

void http_cancel(struct http_client *client, struct http_call *call)
{
    (void)client;
    fail_request(call, ERR_CANCELLED);
}

void http_client_free(struct http_client *client)
{
    (void)client;
    while (!list_empty(&waiting))
        fail_request(LIST_ENTRY(waiting.next, struct http_call, node), ERR_CANCELLED);
}

/* -- the worker: its work is done at once -- */

struct worker {
    struct loop *loop;
};

static void on_worked(struct loop_event *event)
{
    struct worker_job *job = CONTAINER_OF(event, struct worker_job, event);
    job->done(job);
}

struct worker *worker_new(struct loop *loop)
{
    struct worker *worker = NEW(struct worker);
    worker->loop = loop;
    return worker;
}

void worker_start(struct worker *worker, struct worker_job *job)
{
    job->work(job);
    job->event.fn = on_worked;
    loop_post(worker->loop, &job->event);
}

void worker_free(struct worker *worker)
{
    mem_free(worker);
}

/* -- a life -- */

/* What can happen without the network or time does. */
static void settle(struct loop *loop)
{
    int turns = 0;
    while (loop_turn(loop) <= now_ms)
        ASSERT(++turns < TURNS_MAX);
}

static void to_next_timer(struct loop *loop)
{
    int64_t next_ms = loop_next_ms(loop);
    if (next_ms > now_ms && next_ms - now_ms < JUMP_MAX_MS)
        now_ms = next_ms;
}

static void answer(struct input *input, unsigned which)
{
    size_t len = 0;
    const uint8_t *bytes = which == ANSWER_BYTES ? take_bytes(input, &len) : NULL;
    if (list_empty(&waiting))
        return;
    struct http_call *call = LIST_ENTRY(waiting.next, struct http_call, node);
    const char *text = which >= ANSWER_CANNED && which - ANSWER_CANNED < ARRAY_LEN(canned)
                           ? canned[which - ANSWER_CANNED]
                           : "";
    if (bytes)
        answer_request(call, 200, (const char *)bytes, len);
    else
        answer_request(call, text[0] ? 200 : 503, text, strlen(text));
}

static void take_step(struct loop *loop, struct input *input)
{
    unsigned step = take_byte(input), which = step & 0xf;
    switch (step & 0x70) {
    case STEP_ANSWER:
        answer(input, which);
        break;
    case STEP_FAIL:
        if (!list_empty(&waiting))
            fail_request(LIST_ENTRY(waiting.next, struct http_call, node),
                         which <= ERR_INTERNAL ? which : ERR_TIMEOUT);
        break;
    case STEP_TIME:
        to_next_timer(loop);
        break;
    case STEP_LEAVE:
        if (which < calls_len)
            leave(calls[which]);
        break;
    default: {
        size_t len;
        const uint8_t *bytes = take_bytes(input, &len);
        begin_call(step & 0x3f, bytes, len);
    }
    }
    settle(loop);
}

static void on_probes(void *user, const struct agent_probes *probes)
{
    (void)user;
    ASSERT(probes->live.good || probes->live.why);
}

/* As the program does: those that wait are answered within a slice, streams are told to end. The base is silent. */
static void stop(struct agent *agent, struct loop *loop)
{
    int steps = 0;
    agent_stop(agent);
    while (!list_empty(&waiting) || loop_next_ms(loop) != TIME_NEVER) {
        if (!list_empty(&waiting))
            fail_request(LIST_ENTRY(waiting.next, struct http_call, node), ERR_TIMEOUT);
        else
            to_next_timer(loop);
        settle(loop);
        ASSERT(++steps < TURNS_MAX);
    }
    for (size_t i = 0; i < calls_len; i++)
        leave(calls[i]);
    settle(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clock clock = {made_up_ms, made_up_ms};
    struct input input = {data, data + size};
    struct agent *agent = NULL;
    list_init(&waiting);
    calls_len = 0;
    now_ms = 1700000000000;
    struct loop *loop = loop_new(&clock, LIMIT_INBOX);
    struct metrics *metrics = metrics_new();
    struct agent_options options = {
        .loop = loop,
        .metrics = metrics,
        .arklet_url = "http://127.0.0.1:1238",
        .health_url = "http://127.0.0.1:8080/actuator/health",
        .poll_ms = 1000,
        .query_ms = 1000,
        .install_ms = 5000,
        .download_ms = 5000,
        .requests_ms = 5000,
        .cache_bytes = (int64_t)LIMIT_MIB(1),
        .metaspace_percent = 90,
        .identity = {.namespace = "default", .name = "base", .max_module_count = -1},
        .on_probes = on_probes,
    };
    ASSERT(agent_new(&agent, &options, NULL) == 0);
    agent_start(agent, "127.0.0.1:1239");
    settle(loop);
    for (int i = 0; i < STEPS_MAX && input.at < input.end; i++)
        take_step(loop, &input);
    stop(agent, loop);
    agent_free(agent);
    loop_free(loop);
    metrics_free(metrics);
    for (size_t i = 0; i < calls_len; i++) {
        ASSERT(calls[i]->ended);
        protobuf_c_message_free_unpacked(calls[i]->request, NULL);
        mem_free(calls[i]);
    }
    return 0;
}
