/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/http_test_kit.h"

#include "lib/http/server.h"

#define BODY_MAX 100

static void tell_request(void *user, const struct http_server_request *request,
                         struct http_server_reply *reply)
{
    (void)user;
    reply->content_type = "text/x-test";
    str_printf(&reply->body, "[%s %s %s %zu %s]", request->method, request->path, request->query,
               request->body_bytes, request->body);
}

static void refuse(void *user, const struct http_server_request *request,
                   struct http_server_reply *reply)
{
    (void)user;
    (void)request;
    reply->status = 503;
    str_add(&reply->body, "not ready");
}

static void fill_reply(void *user, const struct http_server_request *request,
                       struct http_server_reply *reply)
{
    (void)request;
    for (size_t i = 0; i < *(size_t *)user; i++)
        str_add_char(&reply->body, 'x');
}

static size_t reply_bytes;

static struct http_server *serve(size_t body_bytes_max)
{
    struct http_server *server = NULL;
    struct http_server_options options = {.listen = "127.0.0.1:0",
                                          .body_bytes_max = body_bytes_max};
    assert_int_equal(http_server_new(&server, &options, NULL), 0);
    http_server_handle(server, "GET", "/metrics", tell_request, NULL);
    http_server_handle(server, "POST", "/hook", tell_request, NULL);
    http_server_handle(server, "GET", "/both", tell_request, NULL);
    http_server_handle(server, "POST", "/both", tell_request, NULL);
    http_server_handle(server, "GET", "/ready", refuse, NULL);
    http_server_handle(server, "GET", "/large", fill_reply, &reply_bytes);
    assert_int_equal(http_server_start(server, NULL), 0);
    return server;
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

static void check(struct http_server *server, const char *request, const char *status,
                  const char *part)
{
    AUTO_FREE char *answer = raw_exchange(http_server_port(server), request);
    if (!str_starts_with(answer, status) || !strstr(answer, part))
        fail_msg("%s: %s", request, answer);
}

static void a_route_gets_the_request(void **state)
{
    (void)state;
    struct http_server *server = serve(BODY_MAX);
    check(server, "GET /metrics" END "\r\n", "HTTP/1.1 200 ", "\r\n\r\n[GET /metrics  0 ]");
    check(server, "GET /metrics?a=1&b" END "\r\n", "HTTP/1.1 200 ", "[GET /metrics a=1&b 0 ]");
    check(server, "GET /metrics" END "\r\n", "HTTP/1.1 200 ", "Content-Type: text/x-test\r\n");
    check(server, "POST /hook" END "Content-Length: 5\r\n\r\nhello", "HTTP/1.1 200 ",
          "[POST /hook  5 hello]");
    check(server,
          "POST /hook" END "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
          "HTTP/1.1 200 ", "[POST /hook  5 hello]");
    http_server_free(server);
}

static void a_status_of_the_handler_is_sent(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    check(server, "GET /ready" END "\r\n", "HTTP/1.1 503 ", "\r\n\r\nnot ready");
    check(server, "GET /ready" END "\r\n", "HTTP/1.1 503 ", "text/plain; charset=utf-8\r\n");
    check(server, "GET /ready" END "\r\n", "HTTP/1.1 503 ", "X-Content-Type-Options: nosniff\r\n");
    http_server_free(server);
}

static void other_paths_are_not_found(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    static const char *const paths[] = {"/",          "/metrics/",   "/metric",
                                        "/METRICS",   "/metrics/x",  "//metrics",
                                        "/%6detrics", "/../metrics", "/x?/metrics"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        AUTO_FREE char *request = mem_printf("GET %s" END "\r\n", paths[i]);
        check(server, request, "HTTP/1.1 404 ", "not found");
    }
    http_server_free(server);
}

static void other_methods_are_told_what_is_allowed(void **state)
{
    (void)state;
    struct http_server *server = serve(BODY_MAX);
    check(server, "POST /metrics" END "Content-Length: 0\r\n\r\n", "HTTP/1.1 405 ",
          "Allow: GET, HEAD\r\n");
    check(server, "DELETE /metrics" END "\r\n", "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
    check(server, "GET /hook" END "\r\n", "HTTP/1.1 405 ", "Allow: POST\r\n");
    check(server, "HEAD /hook" END "\r\n", "HTTP/1.1 405 ", "Allow: POST\r\n");
    check(server, "PUT /both" END "Content-Length: 0\r\n\r\n", "HTTP/1.1 405 ",
          "Allow: GET, HEAD, POST\r\n");
    check(server, "OPTIONS /both" END "\r\n", "HTTP/1.1 405 ", "Allow: GET, HEAD, POST\r\n");
    check(server, "POST /both" END "Content-Length: 0\r\n\r\n", "HTTP/1.1 200 ", "[POST /both");
    check(server, "GET /both" END "\r\n", "HTTP/1.1 200 ", "[GET /both");
    check(server, "FROB /metrics" END "\r\n", "HTTP/1.1 501 ", "");
    http_server_free(server);
}

static void head_has_the_headers_only(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    AUTO_FREE char *answer = raw_exchange(http_server_port(server), "HEAD /metrics" END "\r\n");
    assert_true(str_starts_with(answer, "HTTP/1.1 200 "));
    assert_non_null(strstr(answer, "Content-Type: text/x-test\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    http_server_free(server);
}

static void bodies_are_bounded(void **state)
{
    (void)state;
    struct http_server *server = serve(BODY_MAX);
    char body[BODY_MAX + 2];
    memset(body, 'b', sizeof(body));
    body[BODY_MAX + 1] = '\0';
    AUTO_FREE char *larger =
        mem_printf("POST /hook" END "Content-Length: %d\r\n\r\n%s", BODY_MAX + 1, body);
    AUTO_FREE char *chunked =
        mem_printf("POST /hook" END "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
                   BODY_MAX + 1, body);
    AUTO_FREE char *fits =
        mem_printf("POST /hook" END "Content-Length: %d\r\n\r\n%.*s", BODY_MAX, BODY_MAX, body);
    check(server, larger, "HTTP/1.1 413 ", "");
    check(server, chunked, "HTTP/1.1 413 ", "");
    check(server, fits, "HTTP/1.1 200 ", "[POST /hook  100 bbb");
    http_server_free(server);
}

static void no_bodies_where_none_are_wanted(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    check(server, "POST /hook" END "Content-Length: 1\r\n\r\nb", "HTTP/1.1 413 ", "");
    check(server, "POST /hook" END "Content-Length: 0\r\n\r\n", "HTTP/1.1 200 ",
          "[POST /hook  0 ]");
    http_server_free(server);
}

/* Refused, and the server lives. */
static void check_refused(struct http_server *server, const char *request)
{
    AUTO_FREE char *answer = raw_exchange(http_server_port(server), request);
    if (str_starts_with(answer, "HTTP/1.1 2") || strstr(answer, "[GET"))
        fail_msg("%.100s: %.200s", request, answer);
    check(server, "GET /metrics" END "\r\n", "HTTP/1.1 200 ", "[GET /metrics  0 ]");
}

static void headers_are_bounded(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    AUTO_FREE char *large = mem_alloc(LIMIT_HTTP_HEADER + 1);
    memset(large, 'h', LIMIT_HTTP_HEADER);
    AUTO_FREE char *header = mem_printf("GET /metrics" END "X: %s\r\n\r\n", large);
    AUTO_FREE char *line = mem_printf("GET /metrics?%s" END "\r\n", large);
    check_refused(server, header);
    check_refused(server, line);
    http_server_free(server);
}

static void garbage_is_refused(void **state)
{
    (void)state;
    struct http_server *server = serve(BODY_MAX);
    check_refused(server, "\x16\x03\x01 no HTTP\r\n\r\n");
    check_refused(server, "GET\r\n\r\n");
    check_refused(server, "GET /metrics HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_refused(server, "POST /hook" END "Content-Length: -1\r\n\r\n");
    check_refused(server, "POST /hook" END "Content-Length: x\r\n\r\n");
    check_refused(server, "POST /hook" END "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n");
    http_server_free(server);
}

static void a_connection_serves_several_requests(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    AUTO_FREE char *answer =
        raw_exchange(http_server_port(server), "GET /metrics?1 HTTP/1.1\r\nHost: x\r\n\r\n"
                                               "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
                                               "GET /metrics?2" END "\r\n");
    assert_non_null(strstr(answer, "[GET /metrics 1 0 ]"));
    assert_non_null(strstr(answer, "HTTP/1.1 404 "));
    assert_non_null(strstr(answer, "[GET /metrics 2 0 ]"));
    http_server_free(server);
}

static void replies_are_bounded(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    reply_bytes = LIMIT_MIB(1) + 1;
    check(server, "GET /large" END "\r\n", "HTTP/1.1 500 ", "too large");
    reply_bytes = LIMIT_MIB(1) - 1;
    AUTO_FREE char *answer = raw_exchange(http_server_port(server), "GET /large" END "\r\n");
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), reply_bytes);
    http_server_free(server);
}

/* -- start and stop -- */

static void a_taken_port_is_unavailable(void **state)
{
    (void)state;
    struct http_server *first = serve(0), *second = NULL;
    AUTO_FREE char *listen_on = mem_printf("127.0.0.1:%d", http_server_port(first));
    struct http_server_options options = {.listen = listen_on};
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(http_server_new(&second, &options, NULL), 0);
    assert_int_equal(http_server_start(second, &err), -1);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    http_server_free(second);
    http_server_free(first);
}

static void a_wrong_address_is_invalid(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        NULL, "", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct http_server_options options = {.listen = wrong[i]};
        struct http_server *server = NULL;
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(http_server_new(&server, &options, &err), -1);
        assert_int_equal(err->code, ERR_INVALID);
        assert_null(server);
    }
}

struct gate {
    struct counter entered, may_go;
};

static void pass_gate(void *user, const struct http_server_request *request,
                      struct http_server_reply *reply)
{
    struct gate *gate = user;
    (void)request;
    counter_add(&gate->entered);
    counter_wait(&gate->may_go, 1);
    for (size_t i = 0; i < LIMIT_MIB(1) - 1; i++) /* more than a socket takes at once */
        str_add_char(&reply->body, 'x');
}

static void *free_server(void *user)
{
    http_server_free(user);
    return NULL;
}

static void a_stop_finishes_what_runs(void **state)
{
    (void)state;
    struct gate gate = {COUNTER_INIT, COUNTER_INIT};
    struct http_server *server = NULL;
    struct http_server_options options = {.listen = "127.0.0.1:0"};
    pthread_t thread;
    assert_int_equal(http_server_new(&server, &options, NULL), 0);
    http_server_handle(server, "GET", "/", pass_gate, &gate);
    assert_int_equal(http_server_start(server, NULL), 0);
    int fd = raw_connect(http_server_port(server));
    raw_send(fd, "GET /" END "\r\n", strlen("GET /" END "\r\n"));
    counter_wait(&gate.entered, 1);
    assert_int_equal(pthread_create(&thread, NULL, free_server, server), 0);
    counter_add(&gate.may_go);
    AUTO_FREE char *answer = raw_read_all(fd);
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    assert_int_equal(strlen(body + 4), LIMIT_MIB(1) - 1);
    pthread_join(thread, NULL);
    (void)close(fd);
}

static void a_stop_does_not_wait_for_idle_connections(void **state)
{
    (void)state;
    struct http_server *server = serve(0);
    int idle = raw_connect(http_server_port(server)), half = raw_connect(http_server_port(server));
    raw_send(half, "GET /metr", 9);
    check(server, "GET /metrics" END "\r\n", "HTTP/1.1 200 ", ""); /* it has seen both */
    http_server_free(server);
    AUTO_FREE char *nothing = raw_read_all(idle);
    AUTO_FREE char *nothing_either = raw_read_all(half);
    assert_string_equal(nothing, "");
    assert_string_equal(nothing_either, "");
    (void)close(idle);
    (void)close(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_gets_the_request),
        cmocka_unit_test(a_status_of_the_handler_is_sent),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(other_methods_are_told_what_is_allowed),
        cmocka_unit_test(head_has_the_headers_only),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(no_bodies_where_none_are_wanted),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(a_connection_serves_several_requests),
        cmocka_unit_test(replies_are_bounded),
        cmocka_unit_test(a_taken_port_is_unavailable),
        cmocka_unit_test(a_wrong_address_is_invalid),
        cmocka_unit_test(a_stop_finishes_what_runs),
        cmocka_unit_test(a_stop_does_not_wait_for_idle_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
