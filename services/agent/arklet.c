/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/arklet.h"

#include <string.h>

#include "lib/base/limits.h"

#define QUESTION_TRIES 3
#define QUICK_MS 500 /* all tries but the last: an event loop that is not held answers in a few */

struct arklet {
    struct loop *loop;
    struct http_client *http;
    const char *url;
    bool closed;
};

struct call {
    struct loop_event event;
    struct arklet *arklet;
    char *url, *text; /* of the request */
    int64_t timeout_ms;
    int tries_left;
    char *body; /* of the answer */
    size_t len;
    struct err *err;
    arklet_done_fn done;
    void *user;
};

static void send_call(struct call *call);

struct arklet *arklet_new(struct loop *loop, struct http_client *http, const char *url)
{
    struct arklet *arklet = NEW(struct arklet);
    *arklet = (struct arklet){loop, http, url, false};
    return arklet;
}

void arklet_close(struct arklet *arklet)
{
    arklet->closed = true;
}

void arklet_free(struct arklet *arklet)
{
    mem_free(arklet);
}

static void on_event(struct loop_event *event)
{
    struct call *call = CONTAINER_OF(event, struct call, event);
    bool closed = call->arklet->closed;
    bool lost = call->err && (call->err->code == ERR_TIMEOUT || call->err->code == ERR_DATA_LOSS);
    if (!closed && lost && --call->tries_left > 0) {
        err_free(TAKE(call->err));
        send_call(call);
        return;
    }
    if (!closed)
        call->done(call->user, call->body, call->len, call->err);
    mem_free(call->url);
    mem_free(call->text);
    mem_free(call->body);
    err_free(call->err);
    mem_free(call);
}

/* On the client's thread. */
static void on_http_done(void *user, const struct http_response *response, const struct err *err)
{
    struct call *call = user;
    if (err) {
        call->err = err_copy(err);
    } else if (response->status != 200) {
        err_set(&call->err, ERR_DATA_LOSS, "Arklet: HTTP status %d", response->status);
    } else {
        call->body = mem_strndup(response->body, response->body_bytes);
        call->len = response->body_bytes;
    }
    loop_post(call->arklet->loop, &call->event);
}

static void send_call(struct call *call)
{
    bool quick = call->tries_left > 1 && call->timeout_ms > QUICK_MS;
    struct http_request request = {
        .method = "POST",
        .url = call->url,
        .headers = {"Content-Type: application/json", NULL},
        .body = call->text,
        .body_bytes = strlen(call->text),
        .answer_bytes_max = LIMIT_ARKLET_ANSWER,
        .timeout_ms = quick ? QUICK_MS : call->timeout_ms,
        .fresh_connection = true,
    };
    http_send(call->arklet->http, &request, on_http_done, call);
}

static void begin_call(struct arklet *arklet, const char *command, cJSON *body_taken,
                       int64_t timeout_ms, int tries, arklet_done_fn done, void *user)
{
    if (arklet->closed) {
        json_free(body_taken);
        return;
    }
    struct call *call = NEW(struct call);
    *call = (struct call){
        .event.fn = on_event,
        .arklet = arklet,
        .url = mem_printf("%s/%s", arklet->url, command),
        .text = body_taken ? json_text(body_taken) : mem_strdup("{}"),
        .timeout_ms = timeout_ms,
        .tries_left = tries,
        .done = done,
        .user = user,
    };
    json_free(body_taken);
    send_call(call);
}

void arklet_call(struct arklet *arklet, const char *command, cJSON *body_taken, int64_t timeout_ms,
                 arklet_done_fn done, void *user)
{
    begin_call(arklet, command, body_taken, timeout_ms, 1, done, user);
}

void arklet_ask(struct arklet *arklet, const char *command, cJSON *body_taken, int64_t timeout_ms,
                arklet_done_fn done, void *user)
{
    begin_call(arklet, command, body_taken, timeout_ms, QUESTION_TRIES, done, user);
}

void arklet_ask_requests(struct arklet *arklet, const char *name, const char *version,
                         int64_t timeout_ms, arklet_done_fn done, void *user)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "bizName", name);
    cJSON_AddStringToObject(body, "bizVersion", version);
    arklet_ask(arklet, "queryBizRequests", body, timeout_ms, done, user);
}
