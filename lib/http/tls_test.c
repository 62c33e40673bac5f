/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS: our client with our server, with certificates made by the openssl command line. */
#include "lib/http/http_client_kit.h"

#include <signal.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/tls_test_kit.h"
#include "lib/http/server.h"

/* Certificates that sign themselves: "one" and "two" for 127.0.0.1, "named" for a name. */
static const char script[] =
    "set -e\n"
    "for name in one two; do\n"
    "  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
    "/CN=$name \\\n"
    "    -addext subjectAltName=IP:127.0.0.1 -keyout $name.key -out $name.pem\n"
    "done\n"
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=named "
    "\\\n"
    "    -addext subjectAltName=DNS:api.example.org -keyout named.key -out named.pem\n"
    "echo garbage > garbage.pem\n";

static char *dir;

static int make_certificates(void **state)
{
    (void)state;
    dir = certificates_make(script);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    certificates_remove(dir);
    return 0;
}

static char *path_of(const char *file)
{
    return mem_printf("%s/%s", dir, file);
}

static void hello(void *user, const struct http_server_request *request,
                  struct http_server_reply *reply)
{
    (void)user;
    (void)request;
    str_add(&reply->body, "hello");
}

static struct http_server *serve_as(const char *name)
{
    AUTO_FREE char *cert = mem_printf("%s/%s.pem", dir, name);
    AUTO_FREE char *key = mem_printf("%s/%s.key", dir, name);
    struct http_server_options options = {
        .listen = "127.0.0.1:0", .cert_file = cert, .key_file = key};
    struct http_server *server = NULL;
    assert_int_equal(http_server_new(&server, &options, NULL), 0);
    http_server_handle(server, "GET", "/", hello, NULL);
    assert_int_equal(http_server_start(server, NULL), 0);
    return server;
}

/* A request of a client that trusts @trusted. */
static void ask_over(struct http_server *server, const char *scheme, const char *trusted,
                     struct outcome *outcome)
{
    AUTO_FREE char *url = mem_printf("%s://127.0.0.1:%d/", scheme, http_server_port(server));
    AUTO_FREE char *ca = mem_printf("%s/%s.pem", dir, trusted);
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .timeout_ms = PATIENCE_MS,
                                   .ca_file = ca,
                                   .fresh_connection = true};
    struct http_client *client = NULL;
    assert_int_equal(http_client_new(&client, NULL), 0);
    http_send(client, &request, on_done, outcome);
    counter_wait(&outcome->done, 1);
    http_client_free(client);
}

static void a_trusted_server_answers(void **state)
{
    (void)state;
    struct http_server *server = serve_as("one");
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    ask_over(server, "https", "one", &outcome);
    assert_answer(&outcome, 200, "hello");
    http_server_free(server);
}

static void an_unknown_server_is_unavailable(void **state)
{
    (void)state;
    struct http_server *server = serve_as("one");
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    ask_over(server, "https", "two", &outcome);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    http_server_free(server);
}

/* -- from memory -- */

static char *text_of(const char *file)
{
    AUTO_FREE char *path = path_of(file);
    char *text = file_read(path, LIMIT_MIB(1), NULL, NULL);
    assert_non_null(text);
    return text;
}

/* @request, with the PEM text of @trusted as its CA. */
static void ask_trusting(struct http_server *server, const char *trusted,
                         struct http_request *request, struct outcome *outcome)
{
    AUTO_FREE char *url = mem_printf("https://127.0.0.1:%d/", http_server_port(server));
    AUTO_FREE char *ca = trusted ? text_of(trusted) : NULL;
    struct http_client *client = NULL;
    request->method = "GET";
    request->url = url;
    request->timeout_ms = PATIENCE_MS;
    request->ca_pem = ca;
    assert_int_equal(http_client_new(&client, NULL), 0);
    http_send(client, request, on_done, outcome);
    counter_wait(&outcome->done, 1);
    http_client_free(client);
}

static void certificates_come_from_memory_too(void **state)
{
    (void)state;
    AUTO_FREE char *cert = text_of("two.pem"), *key = text_of("two.key");
    const struct {
        const char *trusted;
        struct http_request request;
        enum err_code code; /* ERR_CODE_MAX_: answered */
    } rows[] = {
        {"one.pem", {.cert_pem = cert, .key_pem = key}, ERR_CODE_MAX_},
        {"two.pem", {.cert_pem = NULL}, ERR_UNAVAILABLE},
        {"two.pem", {.insecure_skip_verify = true}, ERR_CODE_MAX_},
        {"garbage.pem", {.cert_pem = NULL}, ERR_INVALID},
        {"one.pem", {.cert_pem = "garbage", .key_pem = key}, ERR_INVALID},
        {"one.pem", {.cert_pem = cert, .key_pem = "garbage"}, ERR_INVALID},
    };
    struct http_server *server = serve_as("one");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct http_request request = rows[i].request;
        ask_trusting(server, rows[i].trusted, &request, &outcome);
        if (rows[i].code == ERR_CODE_MAX_)
            assert_answer(&outcome, 200, "hello");
        else
            assert_failed_with(&outcome, rows[i].code);
    }
    http_server_free(server);
}

/* "named" is for a name, and the connection goes to an address. */
static void a_certificate_may_be_for_another_name(void **state)
{
    (void)state;
    struct http_server *server = serve_as("named");
    AUTO_OUTCOME struct outcome address = OUTCOME_INIT, name = OUTCOME_INIT, other = OUTCOME_INIT;
    struct http_request request = {0};
    ask_trusting(server, "named.pem", &request, &address);
    assert_failed_with(&address, ERR_UNAVAILABLE);
    request.tls_server_name = "api.example.org";
    ask_trusting(server, "named.pem", &request, &name);
    assert_answer(&name, 200, "hello");
    request.tls_server_name = "other.example.org";
    ask_trusting(server, "named.pem", &request, &other);
    assert_failed_with(&other, ERR_UNAVAILABLE);
    http_server_free(server);
}

static void plain_http_gets_nowhere(void **state)
{
    (void)state;
    struct http_server *server = serve_as("one");
    AUTO_OUTCOME struct outcome plain = OUTCOME_INIT, after = OUTCOME_INIT;
    ask_over(server, "http", "one", &plain);
    assert_non_null(plain.err);
    ask_over(server, "https", "one", &after);
    assert_answer(&after, 200, "hello");
    http_server_free(server);
}

static void bad_files_are_invalid(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"none.pem", "one.key"},    {"one.pem", "none.key"},
                                           {"garbage.pem", "one.key"}, {"one.pem", "garbage.pem"},
                                           {"one.pem", "two.key"},     {"one.pem", NULL},
                                           {NULL, "one.key"}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        AUTO_FREE char *cert = pairs[i][0] ? path_of(pairs[i][0]) : NULL;
        AUTO_FREE char *key = pairs[i][1] ? path_of(pairs[i][1]) : NULL;
        struct http_server_options options = {
            .listen = "127.0.0.1:0", .cert_file = cert, .key_file = key};
        struct http_server *server = NULL;
        AUTO_ERR struct err *err = NULL;
        assert_int_equal(http_server_new(&server, &options, &err), -1);
        assert_int_equal(err->code, ERR_INVALID);
    }
}

static void renewed_files_are_used_for_new_connections(void **state)
{
    (void)state;
    certificates_run(dir, "cp one.pem live.pem; cp one.key live.key");
    struct http_server *server = serve_as("live");
    AUTO_OUTCOME struct outcome before = OUTCOME_INIT;
    int64_t start_ms = clock_mono_ms(clock_real());
    ask_over(server, "https", "one", &before);
    assert_answer(&before, 200, "hello");
    /* For a moment they don't fit. */
    certificates_run(dir, "cp two.pem live.pem; cp two.key live.key");
    for (bool renewed = false; !renewed;) {
        AUTO_OUTCOME struct outcome after = OUTCOME_INIT;
        ask_over(server, "https", "two", &after);
        renewed = !after.err;
        assert_true(clock_mono_ms(clock_real()) - start_ms < PATIENCE_MS);
    }
    http_server_free(server);
}

int main(void)
{
    (void)signal(
        SIGPIPE,
        SIG_IGN); /* as our programs do: TLS writes to connections that the other side has closed */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_server_answers),
        cmocka_unit_test(an_unknown_server_is_unavailable),
        cmocka_unit_test(certificates_come_from_memory_too),
        cmocka_unit_test(a_certificate_may_be_for_another_name),
        cmocka_unit_test(plain_http_gets_nowhere),
        cmocka_unit_test(bad_files_are_invalid),
        cmocka_unit_test(renewed_files_are_used_for_new_connections),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
