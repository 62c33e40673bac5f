/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_test_kit.h"

#include <fcntl.h>

#include "lib/base/clock.h"

static void ask(struct bench *bench, enum kube_verb verb, struct outcome *outcome)
{
    struct kube_request request = request_of(verb);
    kube_send(bench->client, &request, on_done, outcome);
    counter_wait(&outcome->done, 1);
}

static void assert_answer(const struct outcome *outcome, const char *body)
{
    if (outcome->err)
        fail_msg("%s: %s", err_code_name(outcome->err->code), outcome->err->message);
    assert_int_equal(outcome->status, 200);
    assert_string_equal(outcome->body, body);
}

static void assert_failed_with(const struct outcome *outcome, enum err_code code)
{
    if (!outcome->err)
        fail_msg("status %d", outcome->status);
    else if (outcome->err->code != code)
        fail_msg("%s: %s", err_code_name(outcome->err->code), outcome->err->message);
}

/* -- one request -- */

static void a_request_says_who_we_are(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){OK_HEAD "\r\n{}", NULL}, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    ask(bench, KUBE_MERGE_PATCH, &outcome);
    assert_answer(&outcome, "{}");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_true(str_starts_with(seen, "PATCH /apis/example.org/v1/namespaces/shop/modules/m?"));
    assert_non_null(strstr(seen, "\r\nAuthorization: Bearer secret\r\n"));
    assert_non_null(strstr(seen, "\r\nUser-Agent: test/1\r\n"));
    assert_non_null(strstr(seen, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(seen, "\r\nContent-Type: application/merge-patch+json\r\n"));
    assert_non_null(strstr(seen, "\r\n\r\n{}"));
    bench_free(bench);
}

static void a_refusal_names_verb_and_object(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum err_code code;
        const char *message;
    } rows[] = {
        {STATUS("403 X", "Forbidden"), ERR_DENIED, "no, Forbidden"},
        {STATUS("404 X", "NotFound"), ERR_NOT_FOUND, "no, NotFound"},
        {STATUS("409 X", "Conflict"), ERR_CONFLICT, "no, Conflict"},
        {STATUS("409 X", "AlreadyExists"), ERR_EXISTS, "no, AlreadyExists"},
        {STATUS("410 X", "Expired"), ERR_EXPIRED, "no, Expired"},
        {STATUS("422 X", "Invalid"), ERR_INVALID, "no, Invalid"},
        {STATUS("500 X", "InternalError"), ERR_UNAVAILABLE, "no, InternalError"},
        {STATUS("503 X", "ServiceUnavailable"), ERR_UNAVAILABLE, "no, ServiceUnavailable"},
        {"HTTP/1.1 302 X\r\nLocation: /\r\n\r\n", ERR_UNAVAILABLE, "HTTP status 302"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench *bench = bench_new((const char *const[]){rows[i].answer, NULL}, NULL);
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        AUTO_FREE char *message =
            mem_printf("patch modules \"m\" in namespace \"shop\": %s", rows[i].message);
        ask(bench, KUBE_MERGE_PATCH, &outcome);
        assert_failed_with(&outcome, rows[i].code);
        assert_string_equal(outcome.err->message, message);
        bench_free(bench);
    }
}

/* -- trying again -- */

#define GOOD OK_HEAD "\r\n{\"a\":1}"
#define GARBAGE "garbage\r\n\r\n"
#define CUT OK_HEAD "Content-Length: 50\r\n\r\n{\"a\""
#define BUSY(head) "HTTP/1.1 " head "\r\n\r\n"

/* What is sent again: a second answer makes it good, or is not asked for. */
static void what_the_server_did_not_take_is_sent_again(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        enum kube_verb verb;
        enum err_code code; /* ERR_CODE_MAX_: tried again */
    } rows[] = {
        {BUSY("429 X"), KUBE_CREATE, ERR_CODE_MAX_},
        {BUSY("429 X\r\nRetry-After: 0"), KUBE_DELETE, ERR_CODE_MAX_},
        {BUSY("503 X\r\nRetry-After: 0"), KUBE_CREATE, ERR_CODE_MAX_},
        {BUSY("503 X"), KUBE_CREATE, ERR_UNAVAILABLE},
        {BUSY("503 X"), KUBE_GET, ERR_CODE_MAX_},
        {BUSY("500 X"), KUBE_GET, ERR_CODE_MAX_},
        {BUSY("500 X\r\nRetry-After: 0"), KUBE_APPLY, ERR_UNAVAILABLE},
        {BUSY("504 X"), KUBE_UPDATE, ERR_TIMEOUT},
        {GARBAGE, KUBE_GET, ERR_CODE_MAX_},
        {GARBAGE, KUBE_MERGE_PATCH, ERR_DATA_LOSS},
        {CUT, KUBE_GET, ERR_CODE_MAX_},
        {CUT, KUBE_JSON_PATCH, ERR_DATA_LOSS},
        {BUSY("404 X"), KUBE_GET, ERR_UNIMPLEMENTED},
        {BUSY("429 X\r\nRetry-After: 3600"), KUBE_GET, ERR_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bench *bench = bench_new((const char *const[]){rows[i].first, GOOD, NULL}, NULL);
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct kube_request request = request_of(rows[i].verb);
        request.field_manager = "us";
        kube_send(bench->client, &request, on_done, &outcome);
        counter_wait(&outcome.done, 1);
        if (rows[i].code == ERR_CODE_MAX_)
            assert_answer(&outcome, "{\"a\":1}");
        else
            assert_failed_with(&outcome, rows[i].code);
        assert_int_equal(counter_get(&bench->peer.requests), rows[i].code == ERR_CODE_MAX_ ? 2 : 1);
        bench_free(bench);
    }
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    struct bench *bench =
        bench_new((const char *const[]){BUSY("429 X\r\nRetry-After: 1"), GOOD, NULL}, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    int64_t start_ms = clock_mono_ms(clock_real());
    ask(bench, KUBE_CREATE, &outcome);
    assert_answer(&outcome, "{\"a\":1}");
    assert_true(clock_mono_ms(clock_real()) - start_ms >= 1000);
    bench_free(bench);
}

static void silence_leaves_a_write_unknown(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct kube_request request = request_of(KUBE_CREATE);
    request.timeout_ms = 200;
    kube_send(bench->client, &request, on_done, &outcome);
    counter_wait(&outcome.done, 1);
    assert_failed_with(&outcome, ERR_TIMEOUT);
    assert_int_equal(counter_get(&bench->peer.requests), 1);
    bench_free(bench);
}

static void a_read_is_tried_again_until_the_time_is_up(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct kube_request request = request_of(KUBE_GET);
    request.timeout_ms = 100;
    bench->client->retry_ms = 1000;
    kube_send(bench->client, &request, on_done, &outcome);
    counter_wait(&outcome.done, 1);
    assert_failed_with(&outcome, ERR_TIMEOUT);
    bench_free(bench);
}

static void a_refused_connection_is_tried_again_until_the_time_is_up(void **state)
{
    (void)state;
    struct kube_config config = {.server = mem_printf("http://127.0.0.1:%d", raw_free_port())};
    struct kube_client *client = NULL;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct kube_request request = request_of(KUBE_CREATE);
    int64_t start_ms = clock_mono_ms(clock_real());
    assert_int_equal(kube_client_new(&client, &config, "test/1", NULL, NULL), 0);
    client->retry_ms = 500;
    kube_send(client, &request, on_done, &outcome);
    counter_wait(&outcome.done, 1);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    assert_true(clock_mono_ms(clock_real()) - start_ms >= 80); /* one wait at least */
    kube_client_free(client);
    kube_config_done(&config);
}

/* -- credentials -- */

static void write_token(const char *path, const char *token)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, token, strlen(token)) == (ssize_t)strlen(token));
    (void)close(fd);
}

static void a_refused_token_is_read_again_once(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    AUTO_FREE char *path = mem_printf("%s/koupleless-token-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);
    ASSERT(fd >= 0);
    (void)close(fd);
    write_token(path, "one");
    struct bench *bench = bench_new(
        (const char *const[]){GOOD, BUSY("401 X"), GOOD, BUSY("401 X"), BUSY("401 X"), GOOD, NULL},
        path);
    AUTO_OUTCOME struct outcome first = OUTCOME_INIT, renewed = OUTCOME_INIT,
                                refused = OUTCOME_INIT;
    ask(bench, KUBE_CREATE, &first);
    assert_answer(&first, "{\"a\":1}");
    write_token(path, "two");
    ask(bench, KUBE_CREATE, &renewed);
    assert_answer(&renewed, "{\"a\":1}");
    AUTO_FREE char *seen = peer_request(&bench->peer);
    assert_non_null(strstr(seen, "\r\nAuthorization: Bearer two\r\n"));
    ask(bench, KUBE_CREATE, &refused);
    assert_failed_with(&refused, ERR_UNAUTHENTICATED);
    assert_int_equal(counter_get(&bench->peer.requests), 5);
    bench_free(bench);
    (void)unlink(path);
}

static void without_credentials_nothing_is_sent(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){GOOD, NULL}, "/nonexistent/token");
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    ask(bench, KUBE_CREATE, &outcome);
    assert_failed_with(&outcome, ERR_UNAUTHENTICATED);
    assert_true(
        str_starts_with(outcome.err->message, "create modules \"m\" in namespace \"shop\": "));
    assert_int_equal(counter_get(&bench->peer.requests), 0);
    bench_free(bench);
}

/* -- many -- */

#define MORE 10

struct order {
    struct counter done;
    int last; /* number of the request that ended last */
    bool kept;
};

struct numbered {
    struct order *order;
    int number;
};

static void on_numbered(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct numbered *numbered = user;
    struct order *order = numbered->order;
    assert_null(answer);
    assert_int_equal(err->code, ERR_CANCELLED);
    if (numbered->number >= KUBE_IN_FLIGHT) {
        order->kept = order->kept && numbered->number > order->last;
        order->last = numbered->number;
    }
    counter_add(&order->done);
}

static void what_is_too_much_at_once_waits_in_order_and_ends_with_the_client(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, NULL);
    struct kube_client *client = bench->client;
    struct order order = {.done = COUNTER_INIT, .kept = true};
    struct numbered all[KUBE_IN_FLIGHT + MORE];
    struct kube_request request = request_of(KUBE_CREATE);
    for (int i = 0; i < (int)ARRAY_LEN(all); i++) {
        all[i] = (struct numbered){&order, i};
        kube_send(client, &request, on_numbered, &all[i]);
    }
    pthread_mutex_lock(&client->lock);
    assert_int_equal(client->in_flight, KUBE_IN_FLIGHT);
    pthread_mutex_unlock(&client->lock);
    kube_client_free(TAKE(bench->client));
    assert_int_equal(counter_get(&order.done), ARRAY_LEN(all));
    assert_true(order.kept);
    bench_free(bench);
}

static void a_stopped_client_answers_at_once(void **state)
{
    (void)state;
    struct bench *bench = bench_new((const char *const[]){NULL}, NULL);
    AUTO_OUTCOME struct outcome before = OUTCOME_INIT, after = OUTCOME_INIT;
    struct kube_request request = request_of(KUBE_CREATE);
    kube_send(bench->client, &request, on_done, &before);
    kube_client_stop(bench->client);
    assert_int_equal(counter_get(&before.done), 1);
    assert_failed_with(&before, ERR_CANCELLED);
    kube_client_stop(bench->client);
    kube_send(bench->client, &request, on_done, &after);
    assert_int_equal(counter_get(&after.done), 1);
    assert_failed_with(&after, ERR_CANCELLED);
    bench_free(bench);
}

static void all_of_many_are_answered(void **state)
{
    (void)state;
    enum { ALL = 3 * KUBE_IN_FLIGHT };
    const char *answers[ALL + 1] = {NULL};
    struct outcome *outcomes = mem_alloc(ALL * sizeof(*outcomes));
    for (int i = 0; i < ALL; i++)
        answers[i] = GOOD;
    struct bench *bench = bench_new(answers, NULL);
    struct kube_request request = request_of(KUBE_CREATE);
    for (int i = 0; i < ALL; i++) {
        outcomes[i] = (struct outcome)OUTCOME_INIT;
        kube_send(bench->client, &request, on_done, &outcomes[i]);
    }
    for (int i = 0; i < ALL; i++) {
        counter_wait(&outcomes[i].done, 1);
        assert_answer(&outcomes[i], "{\"a\":1}");
        outcome_done(&outcomes[i]);
    }
    assert_int_equal(bench->client->in_flight, 0);
    mem_free(outcomes);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_who_we_are),
        cmocka_unit_test(a_refusal_names_verb_and_object),
        cmocka_unit_test(what_the_server_did_not_take_is_sent_again),
        cmocka_unit_test(retry_after_is_waited_for),
        cmocka_unit_test(silence_leaves_a_write_unknown),
        cmocka_unit_test(a_read_is_tried_again_until_the_time_is_up),
        cmocka_unit_test(a_refused_connection_is_tried_again_until_the_time_is_up),
        cmocka_unit_test(a_refused_token_is_read_again_once),
        cmocka_unit_test(without_credentials_nothing_is_sent),
        cmocka_unit_test(what_is_too_much_at_once_waits_in_order_and_ends_with_the_client),
        cmocka_unit_test(a_stopped_client_answers_at_once),
        cmocka_unit_test(all_of_many_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
