/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/http_client_kit.h"

#include "lib/base/clock.h"
#include "lib/http/server.h"

/* -- answers -- */

static void an_answer_comes_with_body_and_type(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = {0};
    ask_once(OK_HEAD "Content-Type: text/x-test\r\nContent-Length: 5\r\n\r\nhello", &request,
             &outcome);
    assert_answer(&outcome, 200, "hello");
    assert_string_equal(outcome.content_type, "text/x-test");
    assert_int_equal(outcome.retry_after_ms, -1);
}

static void the_request_is_sent_as_told(void **state)
{
    (void)state;
    const char *const answers[] = {OK_HEAD "Content-Length: 0\r\n\r\n", NULL};
    struct bench *bench = bench_new(answers, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    char body[2000]; /* over a KiB, where curl would ask for leave first */
    memset(body, 'b', sizeof(body));
    request.method = "POST";
    request.headers[0] = "Content-Type: application/json";
    request.headers[1] = "X-Test: yes";
    request.body = body;
    request.body_bytes = sizeof(body);
    ask(bench, &request, &outcome);
    assert_answer(&outcome, 200, "");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_true(str_starts_with(seen, "POST /path?x=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nX-Test: yes\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Length: 2000\r\n"));
    assert_null(strstr(seen, "Expect"));
    assert_memory_equal(strstr(seen, "\r\n\r\n") + 4, body, sizeof(body));
    bench_free(bench);
}

static void a_post_without_body_says_so(void **state)
{
    (void)state;
    const char *const answers[] = {OK_HEAD "Content-Length: 0\r\n\r\n", NULL};
    struct bench *bench = bench_new(answers, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.method = "POST";
    ask(bench, &request, &outcome);
    assert_answer(&outcome, 200, "");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_non_null(strstr(seen, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(seen, "Content-Type"));
    bench_free(bench);
}

static void a_status_over_400_is_an_answer(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT, server = OUTCOME_INIT;
    struct http_request request = {0};
    ask_once("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", &request, &outcome);
    assert_answer(&outcome, 404, "none");
    ask_once("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy", &request,
             &server);
    assert_answer(&server, 503, "busy");
    assert_int_equal(server.retry_after_ms, 7000);
}

/* Arklet: no header at all, the end of the connection ends the body. */
static void an_answer_without_headers_ends_with_the_connection(void **state)
{
    (void)state;
    static const char json[] = "{\"baseIdentity\":\"192.0.2.7\",\"code\":\"SUCCESS\",\"data\":[]}";
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = {.fresh_connection = true};
    AUTO_FREE char *answer = mem_printf(OK_HEAD "\r\n%s", json);
    ask_once(answer, &request, &outcome);
    assert_answer(&outcome, 200, json);
    assert_null(outcome.content_type);
}

static void a_fresh_connection_is_closed_after_its_request(void **state)
{
    (void)state;
    const char *const answers[] = {OK_HEAD "Content-Length: 1\r\n\r\n1",
                                   OK_HEAD "Content-Length: 1\r\n\r\n2",
                                   OK_HEAD "Content-Length: 1\r\n\r\n3", NULL};
    struct bench *bench = bench_new(answers, true);
    AUTO_OUTCOME struct outcome first = OUTCOME_INIT, second = OUTCOME_INIT, third = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.fresh_connection = true;
    ask(bench, &request, &first);
    assert_answer(&first, 200, "1");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_non_null(strstr(seen, "\r\nConnection: close\r\n"));
    request.fresh_connection = false;
    ask(bench, &request, &second);
    assert_answer(&second, 200, "2");
    assert_int_equal(counter_get(&bench->peer.connections), 2);
    ask(bench, &request, &third);
    assert_answer(&third, 200, "3");
    assert_int_equal(counter_get(&bench->peer.connections), 2); /* others are kept */
    bench_free(bench);
}

static void no_proxy_is_used_unless_asked_for(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome direct = OUTCOME_INIT, proxied = OUTCOME_INIT;
    AUTO_FREE char *dead = mem_printf("http://127.0.0.1:%d", raw_free_port());
    struct http_request request = {0};
    (void)setenv("http_proxy", dead, 1);
    (void)setenv("no_proxy", "", 1);
    ask_once(OK_HEAD "Content-Length: 1\r\n\r\n1", &request, &direct);
    request.use_proxy = true;
    ask_once(OK_HEAD "Content-Length: 1\r\n\r\n1", &request, &proxied);
    (void)unsetenv("http_proxy");
    (void)unsetenv("no_proxy");
    assert_answer(&direct, 200, "1");
    assert_failed_with(&proxied, ERR_UNAVAILABLE);
}

static void a_proxy_that_is_named_counts_whatever_the_environment_says(void **state)
{
    (void)state;
    struct bench *proxy =
        bench_new((const char *const[]){OK_HEAD "Content-Length: 5\r\n\r\nproxy", NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d", proxy->peer.port);
    struct http_request request = get(proxy);
    (void)setenv("no_proxy", "*", 1);
    request.url = "http://192.0.2.1/path";
    request.proxy_url = url;
    ask(proxy, &request, &outcome);
    (void)unsetenv("no_proxy");
    assert_answer(&outcome, 200, "proxy");
    AUTO_FREE char *seen = peer_request(&proxy->peer);
    assert_true(str_starts_with(seen, "GET http://192.0.2.1/path HTTP/1.1\r\n"));
    bench_free(proxy);
}

#define MANY 200

static void count_up(void *user, const struct http_server_request *request,
                     struct http_server_reply *reply)
{
    (void)user;
    str_add(&reply->body, request->query);
}

static void requests_at_once_get_their_own_answers(void **state)
{
    (void)state;
    struct http_server *server = NULL;
    struct http_client *client = NULL;
    struct http_server_options options = {.listen = "127.0.0.1:0"};
    struct outcome *outcomes = mem_alloc(MANY * sizeof(*outcomes));
    assert_int_equal(http_server_new(&server, &options, NULL), 0);
    http_server_handle(server, "GET", "/", count_up, NULL);
    assert_int_equal(http_server_start(server, NULL), 0);
    assert_int_equal(http_client_new(&client, NULL), 0);
    for (int i = 0; i < MANY; i++) {
        AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d/?%d", http_server_port(server), i);
        struct http_request request = {.method = "GET", .url = url, .timeout_ms = PATIENCE_MS};
        outcomes[i] = (struct outcome)OUTCOME_INIT;
        http_send(client, &request, on_done, &outcomes[i]);
    }
    for (int i = 0; i < MANY; i++) {
        AUTO_FREE char *number = mem_printf("%d", i);
        counter_wait(&outcomes[i].done, 1);
        assert_answer(&outcomes[i], 200, number);
        outcome_done(&outcomes[i]);
    }
    http_client_free(client);
    http_server_free(server);
    mem_free(outcomes);
}

/* -- no answer -- */

static void a_refused_connection_is_unavailable(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d/", raw_free_port());
    struct http_request request = {.method = "GET", .url = url, .timeout_ms = PATIENCE_MS};
    ask(bench, &request, &outcome);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    bench_free(bench);
}

static void silence_is_a_timeout(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.timeout_ms = 300;
    ask(bench, &request, &outcome);
    assert_failed_with(&outcome, ERR_TIMEOUT);
    bench_free(bench);
}

/* The second request went out on a connection that was there: it may have been carried out. */
static void silence_on_a_kept_connection_is_a_timeout(void **state)
{
    (void)state;
    struct bench *bench =
        bench_new((const char *const[]){OK_HEAD "Content-Length: 1\r\n\r\n1", NULL}, true);
    AUTO_OUTCOME struct outcome first = OUTCOME_INIT, second = OUTCOME_INIT;
    struct http_request request = get(bench);
    ask(bench, &request, &first);
    assert_answer(&first, 200, "1");
    request.timeout_ms = 300;
    ask(bench, &request, &second);
    assert_int_equal(counter_get(&bench->peer.connections), 1);
    assert_failed_with(&second, ERR_TIMEOUT);
    bench_free(bench);
}

/* TCP is there but TLS is not: nothing of the request was sent. */
static void silence_before_the_request_is_unavailable(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT, connecting = OUTCOME_INIT;
    AUTO_FREE char *url = mem_printf("https://127.0.0.1:%d/", bench->peer.port);
    struct http_request request = {.method = "GET", .url = url, .timeout_ms = 300};
    bench->peer.silent = true;
    ask(bench, &request, &outcome);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    request.timeout_ms = PATIENCE_MS;
    request.connect_timeout_ms = 300;
    ask(bench, &request, &connecting);
    assert_failed_with(&connecting, ERR_UNAVAILABLE);
    bench_free(bench);
}

static void a_body_that_stalls_is_a_timeout(void **state)
{
    (void)state;
    struct bench *bench =
        bench_new((const char *const[]){OK_HEAD "Content-Length: 9\r\n\r\n123", NULL}, true);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.stall_timeout_ms = 1000;
    ask(bench, &request, &outcome);
    assert_failed_with(&outcome, ERR_TIMEOUT);
    bench_free(bench);
}

static void a_cut_answer_is_data_loss(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "",
        "HTTP/1.1 200 O",
        OK_HEAD "Content-Length: 9\r\n",
        OK_HEAD "Content-Length: 9\r\n\r\n123",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\n123",
        OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct http_request request = {.fresh_connection = true};
        ask_once(answers[i], &request, &outcome);
        if (!outcome.err)
            fail_msg("%s: status %d", answers[i], outcome.status);
        assert_failed_with(&outcome, ERR_DATA_LOSS);
    }
}

static void what_is_no_http_is_data_loss(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = {.fresh_connection = true};
    ask_once("220 smtp.example ready\r\n", &request, &outcome);
    assert_failed_with(&outcome, ERR_DATA_LOSS); /* it was sent, and who knows what became of it */
}

static void a_wrong_url_is_invalid(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "http://",
                                       "http://[",
                                       "gopher://127.0.0.1/",
                                       "ftp://127.0.0.1/",
                                       "http://127.0.0.1:x/"};
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct http_request request = {
            .method = "GET", .url = urls[i], .timeout_ms = PATIENCE_MS, .allow_file = true};
        ask(bench, &request, &outcome);
        assert_failed_with(&outcome, ERR_INVALID);
    }
    bench_free(bench);
}

/* -- bounds -- */

static void an_answer_over_the_limit_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {OK_HEAD "Content-Length: 11\r\n\r\n", OK_HEAD "\r\n",
                                        "HTTP/1.1 500 Oops\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct http_request request = {.answer_bytes_max = 10};
        AUTO_FREE char *answer = mem_printf("%s12345678901", heads[i]);
        ask_once(answer, &request, &outcome);
        assert_failed_with(&outcome, ERR_LIMIT);
    }
    AUTO_OUTCOME struct outcome fits = OUTCOME_INIT;
    struct http_request request = {.answer_bytes_max = 10};
    ask_once(OK_HEAD "\r\n1234567890", &request, &fits);
    assert_answer(&fits, 200, "1234567890");
}

static void a_redirect_is_followed_only_when_asked(void **state)
{
    (void)state;
    const char *const answers[] = {
        "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
        OK_HEAD "Content-Length: 1\r\n\r\n1", NULL};
    struct bench *bench = bench_new(answers, true);
    AUTO_OUTCOME struct outcome plain = OUTCOME_INIT, followed = OUTCOME_INIT;
    struct http_request request = get(bench);
    ask(bench, &request, &plain);
    assert_answer(&plain, 302, "");
    request.follow_redirects = true;
    ask(bench, &request, &followed);
    assert_answer(&followed, 200, "1");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_true(str_starts_with(seen, "GET /next HTTP/1.1\r\n"));
    bench_free(bench);
}

#define AGAIN "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"

static void redirects_are_bounded(void **state)
{
    (void)state;
    const char *const answers[] = {AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, NULL};
    struct bench *bench = bench_new(answers, true);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.follow_redirects = true;
    ask(bench, &request, &outcome);
    assert_failed_with(&outcome, ERR_LIMIT);
    assert_int_equal(counter_get(&bench->peer.requests), 6); /* the first and five more */
    bench_free(bench);
}

/* -- cancelling -- */

static void a_running_request_is_cancelled(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    struct http_call *call = http_send(bench->client, &request, on_done, &outcome);
    counter_wait(&bench->peer.requests, 1);
    http_cancel(bench->client, call);
    counter_wait(&outcome.done, 1);
    assert_failed_with(&outcome, ERR_CANCELLED);
    bench_free(bench);
}

struct again {
    struct bench *bench;
    struct outcome *outcome;
    bool cancel;
};

/* On the client's thread, which has looked for new requests just before. */
static void ask_again(void *user, const struct http_response *response, const struct err *err)
{
    struct again *again = user;
    struct http_request request = get(again->bench);
    request.timeout_ms = 2 * PATIENCE_MS; /* a lost cancel shows as the watchdog's end */
    (void)response;
    (void)err;
    struct http_call *call = http_send(again->bench->client, &request, on_done, again->outcome);
    if (again->cancel)
        http_cancel(again->bench->client, call);
}

static void a_request_is_cancelled_before_it_starts(void **state)
{
    (void)state;
    struct bench *bench =
        bench_new((const char *const[]){OK_HEAD "Content-Length: 0\r\n\r\n", NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct again again = {bench, &outcome, .cancel = true};
    struct http_request request = get(bench);
    http_send(bench->client, &request, ask_again, &again);
    counter_wait(&outcome.done, 1);
    assert_failed_with(&outcome, ERR_CANCELLED);
    bench_free(bench);
}

static void a_freed_client_cancels_its_requests(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome running = OUTCOME_INIT, fresh = OUTCOME_INIT;
    struct http_request request = get(bench);
    http_send(bench->client, &request, on_done, &running);
    counter_wait(&bench->peer.requests, 1);
    http_send(bench->client, &request, on_done, &fresh);
    http_client_free(TAKE(bench->client));
    assert_int_equal(counter_get(&running.done), 1);
    assert_int_equal(counter_get(&fresh.done), 1);
    assert_failed_with(&running, ERR_CANCELLED);
    assert_failed_with(&fresh, ERR_CANCELLED);
    bench_free(bench);
}

static void a_request_made_while_the_client_ends_is_cancelled(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct again again = {bench, &outcome, .cancel = false};
    struct http_request request = get(bench);
    http_send(bench->client, &request, ask_again, &again);
    counter_wait(&bench->peer.requests, 1);
    http_client_free(bench->client);
    bench->client = NULL;
    assert_int_equal(counter_get(&outcome.done), 1);
    assert_failed_with(&outcome, ERR_CANCELLED);
    bench_free(bench);
}

/* -- the beginning of an answer -- */

struct head {
    struct outcome outcome; /* first: http_done_fn gets it too */
    struct counter begun;
    int status;
};

static void on_head(void *user, int status)
{
    struct head *head = user;
    head->status = status;
    counter_add(&head->begun);
}

static void an_answer_begins_before_its_body(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){"HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD
                                                          "Content-Length: 5\r\n\r\n",
                                                          NULL},
                                    true);
    struct head head = {.outcome = OUTCOME_INIT, .begun = COUNTER_INIT};
    struct http_request request = get(bench);
    request.on_head = on_head;
    request.head_timeout_ms = PATIENCE_MS;
    struct http_call *call = http_send(bench->client, &request, on_done, &head);
    counter_wait(&head.begun, 1);
    assert_int_equal(head.status, 200);
    assert_int_equal(counter_get(&head.outcome.done), 0);
    http_cancel(bench->client, call);
    counter_wait(&head.outcome.done, 1);
    assert_failed_with(&head.outcome, ERR_CANCELLED);
    assert_int_equal(counter_get(&head.begun), 1);
    outcome_done(&head.outcome);
    bench_free(bench);
}

static void an_answer_that_does_not_begin_is_a_timeout(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.head_timeout_ms = 100;
    ask(bench, &request, &outcome);
    assert_failed_with(&outcome, ERR_TIMEOUT);
    bench_free(bench);
}

/* -- timers -- */

struct alarm {
    struct counter rung;
    bool cancelled;
};

static void on_alarm(void *user, bool cancelled)
{
    struct alarm *alarm = user;
    alarm->cancelled = cancelled;
    counter_add(&alarm->rung);
}

static void a_timer_rings_after_its_time(void **state)
{
    (void)state;
    struct http_client *client = NULL;
    struct alarm soon = {.rung = COUNTER_INIT}, later = {.rung = COUNTER_INIT};
    assert_int_equal(http_client_new(&client, NULL), 0);
    int64_t start_ms = clock_mono_ms(clock_real());
    http_later(client, 100, on_alarm, &later);
    http_later(client, 0, on_alarm, &soon);
    counter_wait(&soon.rung, 1);
    counter_wait(&later.rung, 1);
    assert_true(clock_mono_ms(clock_real()) - start_ms >= 100);
    assert_false(soon.cancelled);
    assert_false(later.cancelled);
    http_client_free(client);
}

static void a_timer_is_cancelled_alone_or_with_its_client(void **state)
{
    (void)state;
    struct http_client *client = NULL;
    struct alarm alone = {.rung = COUNTER_INIT}, with = {.rung = COUNTER_INIT};
    assert_int_equal(http_client_new(&client, NULL), 0);
    http_later(client, PATIENCE_MS, on_alarm, &with);
    http_cancel(client, http_later(client, PATIENCE_MS, on_alarm, &alone));
    counter_wait(&alone.rung, 1);
    assert_true(alone.cancelled);
    assert_int_equal(counter_get(&with.rung), 0);
    http_client_free(client);
    assert_int_equal(counter_get(&with.rung), 1);
    assert_true(with.cancelled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_with_body_and_type),
        cmocka_unit_test(the_request_is_sent_as_told),
        cmocka_unit_test(a_post_without_body_says_so),
        cmocka_unit_test(a_status_over_400_is_an_answer),
        cmocka_unit_test(an_answer_without_headers_ends_with_the_connection),
        cmocka_unit_test(a_fresh_connection_is_closed_after_its_request),
        cmocka_unit_test(no_proxy_is_used_unless_asked_for),
        cmocka_unit_test(a_proxy_that_is_named_counts_whatever_the_environment_says),
        cmocka_unit_test(requests_at_once_get_their_own_answers),
        cmocka_unit_test(a_refused_connection_is_unavailable),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(silence_on_a_kept_connection_is_a_timeout),
        cmocka_unit_test(silence_before_the_request_is_unavailable),
        cmocka_unit_test(a_body_that_stalls_is_a_timeout),
        cmocka_unit_test(a_cut_answer_is_data_loss),
        cmocka_unit_test(what_is_no_http_is_data_loss),
        cmocka_unit_test(a_wrong_url_is_invalid),
        cmocka_unit_test(an_answer_over_the_limit_is_refused),
        cmocka_unit_test(a_redirect_is_followed_only_when_asked),
        cmocka_unit_test(redirects_are_bounded),
        cmocka_unit_test(a_running_request_is_cancelled),
        cmocka_unit_test(a_request_is_cancelled_before_it_starts),
        cmocka_unit_test(a_freed_client_cancels_its_requests),
        cmocka_unit_test(a_request_made_while_the_client_ends_is_cancelled),
        cmocka_unit_test(an_answer_begins_before_its_body),
        cmocka_unit_test(an_answer_that_does_not_begin_is_a_timeout),
        cmocka_unit_test(a_timer_rings_after_its_time),
        cmocka_unit_test(a_timer_is_cancelled_alone_or_with_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
