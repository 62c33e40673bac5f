/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "tests/support/arklet-sim/answers.h"
#include "tests/support/arklet-sim/commands.h"
#include "tests/support/arklet-sim/faults.h"

/* One request from the moment it was read until its answer is sent. */
struct answer {
    struct list node;    /* in base->answers */
    struct list waiting; /* in loop->waiting, while the loop is busy */
    struct base *base;
    struct conn *conn; /* held */
    struct loop *loop; /* NULL: options.loops is 0 */
    char *command;
    cJSON *input;
    struct fault *fault; /* that meets this call, or NULL */
    cJSON *json;         /* once known */
    struct event *timer; /* of a slow answer */
};

struct loop {
    struct answer *running; /* what keeps it busy, or NULL */
    struct list waiting;    /* struct answer */
};

struct loop *wire_loops_new(int64_t count)
{
    struct loop *loops = mem_alloc((size_t)(count ? count : 1) * sizeof(*loops));

    for (int64_t i = 0; i < count; i++)
        list_init(&loops[i].waiting);
    return loops;
}

void wire_loops_free(struct loop *loops, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        ASSERT(list_empty(&loops[i].waiting));
    mem_free(loops);
}

static void answer_free(struct answer *answer)
{
    list_remove(&answer->node);
    list_remove(&answer->waiting);
    if (answer->timer)
        event_free(answer->timer);
    conn_release(answer->conn);
    fault_free(answer->fault);
    cJSON_Delete(answer->input);
    cJSON_Delete(answer->json);
    mem_free(answer->command);
    mem_free(answer);
}

void wire_abandon(struct base *base)
{
    for (int64_t i = 0; i < base->sim->options.loops; i++)
        base->loops[i].running = NULL;
    LIST_FOR_EACH (it, &base->answers)
        answer_free(LIST_ENTRY(it, struct answer, node));
}

/* -- sending -- */

static void send_json(struct conn *conn, const char *text, size_t len)
{
    conn_send(conn, "HTTP/1.1 200 OK\r\n\r\n", 19);
    conn_send(conn, text, len);
    conn_finish(conn, /* keep= */ false);
}

static void send_huge(struct conn *conn, cJSON *json, int64_t bytes)
{
    char *padding = mem_alloc((size_t)bytes + 1);

    memset(padding, 'x', (size_t)bytes);
    cJSON_AddStringToObject(json, "padding", padding);
    mem_free(padding);
    char *text = cJSON_PrintUnformatted(json);
    send_json(conn, text, strlen(text));
    free(text);
}

static void send_500(struct conn *conn, const char *text)
{
    AUTO_FREE char *reply = mem_printf(
        "HTTP/1.1 500 Internal Server Error\r\nContent_Length: %zu\r\n\r\n%s", strlen(text), text);

    conn_send(conn, reply, strlen(reply));
    conn_finish(conn, /* keep= */ false);
}

static void send_answer(struct answer *answer)
{
    struct conn *conn = answer->conn;
    const struct fault *fault = answer->fault;
    char *text = cJSON_PrintUnformatted(answer->json);

    switch (fault ? fault->kind : FAULT_SLOW) {
    case FAULT_LOST_ANSWER:
        conn_close(conn);
        break;
    case FAULT_WRONG_JSON:
        send_json(conn, "<html>no JSON</html>", 20);
        break;
    case FAULT_HALF:
        send_json(conn, text, strlen(text) / 2);
        break;
    case FAULT_HUGE:
        send_huge(conn, answer->json, fault->bytes);
        break;
    default:
        send_json(conn, text, strlen(text));
    }
    free(text);
    answer_free(answer);
}

static void on_slow(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    send_answer(arg);
}

/* -- running on the loops -- */

static void run_on_loop(struct answer *answer);

static void loop_next(struct loop *loop)
{
    loop->running = NULL;
    if (list_empty(&loop->waiting))
        return;
    struct answer *next = LIST_ENTRY(loop->waiting.next, struct answer, waiting);
    list_remove(&next->waiting);
    run_on_loop(next);
}

static void on_done(void *arg, cJSON *json)
{
    struct answer *answer = arg;
    struct loop *loop = answer->loop;

    answer->json = json;
    if (answer->fault && answer->fault->kind == FAULT_SLOW)
        answer->timer = sim_after(answer->base->sim, answer->fault->delay_ms, on_slow, answer);
    else
        send_answer(answer);
    if (loop)
        loop_next(loop);
}

static void run_on_loop(struct answer *answer)
{
    if (answer->loop)
        answer->loop->running = answer;
    command_run(answer->base, answer->command, answer->input, on_done, answer);
}

/* A fault that keeps the command from being carried out. Return: whether there was one. */
static bool fault_before(struct conn *conn, const struct fault *fault)
{
    switch (fault->kind) {
    case FAULT_HANG:
        return true;
    case FAULT_DROP:
        conn_close(conn);
        return true;
    case FAULT_ERROR_500:
        send_500(conn, "simulated error");
        return true;
    case FAULT_EXCEPTION: {
        struct failure *failure = failure_new(fault->text, NULL);
        cJSON *json = answer_error(failure);
        char *text = cJSON_PrintUnformatted(json);
        send_json(conn, text, strlen(text));
        free(text);
        cJSON_Delete(json);
        failure_free(failure);
        return true;
    }
    default:
        return false;
    }
}

static void start(struct base *base, struct conn *conn, const char *command, cJSON *input)
{
    struct fault *fault = fault_take(base, command);

    if (fault && fault_before(conn, fault)) {
        fault_free(fault);
        cJSON_Delete(input);
        return;
    }
    struct answer *answer = NEW(struct answer);
    answer->base = base;
    answer->conn = conn_hold(conn);
    answer->command = mem_strdup(command);
    answer->input = input;
    answer->fault = fault;
    list_init(&answer->waiting);
    list_append(&base->answers, &answer->node);

    int64_t loops = base->sim->options.loops;
    answer->loop = loops ? &base->loops[conn_index(conn) % (size_t)loops] : NULL;
    if (answer->loop && answer->loop->running)
        list_append(&answer->loop->waiting, &answer->waiting);
    else
        run_on_loop(answer);
}

/* -- the request -- */

void wire_handle(struct conn *conn, struct request *request, void *arg)
{
    struct base *base = arg;
    const char *body = str_text(&request->body);
    const char *command = request->path + (request->path[0] == '/');

    if (!str_eq(request->method, "POST")) {
        send_500(conn, "POST http request only supported by arklet");
        return;
    }
    if (!command_exists(base, command)) {
        cJSON *json = answer_not_found();
        char *text = cJSON_PrintUnformatted(json);
        send_json(conn, text, strlen(text));
        free(text);
        cJSON_Delete(json);
        return;
    }
    cJSON *input = NULL;
    if (body[0] != '\0') {
        input = cJSON_ParseWithOpts(body, NULL, /* require_null_terminated= */ true);
        if (!cJSON_IsObject(input)) {
            /* Arklet parses outside its try block: no answer, and the connection stays open. */
            cJSON_Delete(input);
            return;
        }
    }
    start(base, conn, command, input);
}
