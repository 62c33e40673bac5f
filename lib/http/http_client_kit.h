/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_HTTP_CLIENT_KIT_H
#define KOUPLELESS_HTTP_CLIENT_KIT_H

#include "lib/http/client.h"
#include "lib/http/http_test_kit.h"

/* Our client against a peer of bytes, for the tests of this folder. */

#define PATIENCE_MS (WATCHDOG_S * 1000)
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

struct outcome {
    struct counter done;
    int status; /* -1: no answer */
    char *body, *content_type;
    size_t body_bytes;
    int64_t retry_after_ms;
    struct err *err;
    struct str pieces; /* of on_body */
    size_t pieces_max; /* then it refuses */
};

static inline void on_done(void *user, const struct http_response *response, const struct err *err)
{
    struct outcome *outcome = user;
    outcome->status = response ? response->status : -1;
    outcome->body = response ? mem_strdup(response->body) : NULL;
    outcome->body_bytes = response ? response->body_bytes : 0;
    outcome->content_type = response ? mem_strdup(response->content_type) : NULL;
    outcome->retry_after_ms = response ? response->retry_after_ms : 0;
    outcome->err = err_copy(err);
    counter_add(&outcome->done);
}

static inline bool on_body(void *user, const void *bytes, size_t len)
{
    struct outcome *outcome = user;
    str_add_bytes(&outcome->pieces, bytes, len);
    return outcome->pieces.len <= outcome->pieces_max;
}

#define OUTCOME_INIT                                                                               \
    {                                                                                              \
        .done = COUNTER_INIT, .pieces = STR_INIT(TEXT_MAX), .pieces_max = TEXT_MAX                 \
    }

static inline void outcome_done(struct outcome *outcome)
{
    mem_free(outcome->body);
    mem_free(outcome->content_type);
    err_clear(&outcome->err);
    str_done(&outcome->pieces);
}

#define AUTO_OUTCOME AUTO(outcome_done)

static inline void assert_failed_with(const struct outcome *outcome, enum err_code code)
{
    if (!outcome->err)
        fail_msg("status %d instead of %s", outcome->status, err_code_name(code));
    else if (outcome->err->code != code)
        fail_msg("%s instead of %s: %s", err_code_name(outcome->err->code), err_code_name(code),
                 outcome->err->message);
}

static inline void assert_answer(const struct outcome *outcome, int status, const char *body)
{
    if (outcome->err)
        fail_msg("%s: %s", err_code_name(outcome->err->code), outcome->err->message);
    assert_int_equal(outcome->status, status);
    assert_string_equal(outcome->body, body);
    assert_int_equal(outcome->body_bytes, strlen(body));
}

/* -- one client, and a peer with answers -- */

struct bench {
    struct http_client *client;
    struct peer peer;
    char *url;
};

static inline struct bench *bench_new(const char *const *answers, bool keep)
{
    struct bench *bench = NEW(struct bench);
    bench->peer = (struct peer){.answers = answers, .keep = keep};
    peer_start(&bench->peer);
    bench->url = mem_printf("http://127.0.0.1:%d/path?x=1", bench->peer.port);
    assert_int_equal(http_client_new(&bench->client, NULL), 0);
    return bench;
}

static inline void bench_free(struct bench *bench)
{
    http_client_free(bench->client);
    peer_stop(&bench->peer);
    mem_free(bench->url);
    mem_free(bench);
}

static inline struct http_request get(const struct bench *bench)
{
    return (struct http_request){.method = "GET", .url = bench->url, .timeout_ms = PATIENCE_MS};
}

static inline void ask(struct bench *bench, const struct http_request *request,
                       struct outcome *outcome)
{
    http_send(bench->client, request, on_done, outcome);
    counter_wait(&outcome->done, 1);
}

/* GET from a peer that gives @answer once and closes. */
static inline void ask_once(const char *answer, struct http_request *request,
                            struct outcome *outcome)
{
    const char *const answers[] = {answer, NULL};
    struct bench *bench = bench_new(answers, false);
    request->method = "GET";
    request->url = bench->url;
    if (!request->timeout_ms)
        request->timeout_ms = PATIENCE_MS;
    ask(bench, request, outcome);
    bench_free(bench);
}

#endif
