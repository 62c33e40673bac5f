/* SPDX-License-Identifier: Apache-2.0 */
/* The client as it fetches jars: files, bodies into a sink, ranges. */
#include "lib/http/http_client_kit.h"

/* -- files -- */

static char *make_file(const char *text)
{
    const char *base = getenv("TMPDIR");
    char *path = mem_printf("%s/koupleless-http-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

static void files_are_read_only_where_allowed(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome refused = OUTCOME_INIT, allowed = OUTCOME_INIT;
    AUTO_OUTCOME struct outcome missing = OUTCOME_INIT;
    AUTO_FREE char *path = make_file("jar");
    AUTO_FREE char *url = mem_printf("file://%s", path);
    struct http_request request = {.method = "GET", .url = url, .timeout_ms = PATIENCE_MS};
    ask(bench, &request, &refused);
    request.allow_file = true;
    ask(bench, &request, &allowed);
    (void)unlink(path);
    ask(bench, &request, &missing);
    assert_failed_with(&refused, ERR_INVALID);
    assert_answer(&allowed, 0, "jar");
    assert_failed_with(&missing, ERR_NOT_FOUND);
    bench_free(bench);
}

static void a_redirect_leads_to_no_file(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    AUTO_FREE char *path = make_file("secret");
    AUTO_FREE char *answer =
        mem_printf("HTTP/1.1 302 Found\r\nLocation: file://%s\r\nContent-Length: 0\r\n\r\n", path);
    struct http_request request = {.follow_redirects = true, .allow_file = true};
    ask_once(answer, &request, &outcome);
    (void)unlink(path);
    assert_failed_with(&outcome, ERR_INVALID);
}

/* -- sinks and ranges -- */

static void a_sink_takes_the_body_in_pieces(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = {.on_body = on_body, .answer_bytes_max = 3};
    ask_once(OK_HEAD "\r\nmore than three", &request, &outcome);
    assert_answer(&outcome, 200, "");
    assert_string_equal(str_text(&outcome.pieces), "more than three");
}

static void a_sink_may_refuse(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = {.on_body = on_body};
    outcome.pieces_max = 4;
    ask_once(OK_HEAD "Content-Length: 9\r\n\r\n123456789", &request, &outcome);
    assert_failed_with(&outcome, ERR_CANCELLED);
}

static void on_length(void *user, int64_t bytes)
{
    struct outcome *outcome = user;
    str_printf(&outcome->pieces, "(%lld)", (long long)bytes);
}

static void a_sink_hears_how_much_comes_where_it_is_known(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome known = OUTCOME_INIT, unknown = OUTCOME_INIT;
    struct http_request request = {.on_body = on_body, .on_length = on_length};
    ask_once(OK_HEAD "Content-Length: 9\r\n\r\n123456789", &request, &known);
    assert_string_equal(str_text(&known.pieces), "(9)123456789");
    ask_once(OK_HEAD "\r\n123", &request, &unknown);
    assert_string_equal(str_text(&unknown.pieces), "123");
}

/* What the page of an error says is no part of a jar. */
static void a_sink_gets_no_error_pages(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT, resumed = OUTCOME_INIT;
    struct http_request request = {.on_body = on_body};
    ask_once("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", &request, &outcome);
    assert_answer(&outcome, 503, "busy");
    assert_string_equal(str_text(&outcome.pieces), "");
    request.resume_from = 5;
    ask_once("HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 2\r\n\r\nno", &request,
             &resumed);
    assert_answer(&resumed, 416, "no");
    assert_string_equal(str_text(&resumed.pieces), "");
}

/* -- ranges -- */

#define PART(range)                                                                                \
    "HTTP/1.1 206 Partial Content\r\nContent-Range: " range "\r\nContent-Length: 4\r\n\r\n6789"

static void a_range_is_resumed(void **state)
{
    (void)state;
    const char *const answers[] = {PART("bytes 5-8/9"), NULL};
    struct bench *bench = bench_new(answers, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct http_request request = get(bench);
    request.resume_from = 5;
    request.on_body = on_body;
    ask(bench, &request, &outcome);
    assert_answer(&outcome, 206, "");
    assert_string_equal(str_text(&outcome.pieces), "6789");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_non_null(strstr(seen, "\r\nRange: bytes=5-\r\n"));
    bench_free(bench);
}

/* Put behind what is there, any of these would make a damaged file. */
static void a_sink_gets_the_asked_range_or_nothing(void **state)
{
    (void)state;
    static const char *const answers[] = {
        PART("bytes 4-7/9"),
        PART("bytes 15-18/19"),
        PART("bytes */9"),
        PART("lines 5-8/9"),
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\n6789",
        OK_HEAD "Content-Length: 9\r\n\r\n123456789",
        OK_HEAD "Content-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct http_request request = {.on_body = on_body, .resume_from = 5};
        ask_once(answers[i], &request, &outcome);
        assert_failed_with(&outcome, ERR_DATA_LOSS);
        assert_string_equal(str_text(&outcome.pieces), "");
    }
}

static void in_memory_a_server_may_start_at_the_start(void **state)
{
    (void)state;
    AUTO_OUTCOME struct outcome whole = OUTCOME_INIT, wrong = OUTCOME_INIT;
    struct http_request request = {.resume_from = 5};
    ask_once(OK_HEAD "Content-Length: 9\r\n\r\n123456789", &request, &whole);
    assert_answer(&whole, 200, "123456789");
    ask_once(PART("bytes 4-7/9"), &request, &wrong);
    assert_failed_with(&wrong, ERR_DATA_LOSS);
}

static void a_file_is_resumed(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, false);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    AUTO_FREE char *path = make_file("123456789");
    AUTO_FREE char *url = mem_printf("file://%s", path);
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .timeout_ms = PATIENCE_MS,
                                   .allow_file = true,
                                   .resume_from = 5};
    ask(bench, &request, &outcome);
    (void)unlink(path);
    assert_answer(&outcome, 0, "6789");
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_only_where_allowed),
        cmocka_unit_test(a_redirect_leads_to_no_file),
        cmocka_unit_test(a_sink_takes_the_body_in_pieces),
        cmocka_unit_test(a_sink_may_refuse),
        cmocka_unit_test(a_sink_hears_how_much_comes_where_it_is_known),
        cmocka_unit_test(a_sink_gets_no_error_pages),
        cmocka_unit_test(a_range_is_resumed),
        cmocka_unit_test(a_sink_gets_the_asked_range_or_nothing),
        cmocka_unit_test(in_memory_a_server_may_start_at_the_start),
        cmocka_unit_test(a_file_is_resumed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
