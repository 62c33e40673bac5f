/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/kube_test_kit.h"

#define OBJECT(version) "{\"metadata\":{\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, version) "{\"type\":\"" type "\",\"object\":" OBJECT(version) "}\n"
#define STREAM OK_HEAD "\r\n"
#define LIST_END(version)                                                                          \
    "{\"metadata\":{\"resourceVersion\":\"" version                                                \
    "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}"

/* What a watch told, one word per event: "watching ADDED:1 ". */
struct follower {
    pthread_mutex_t lock;
    struct str seen;
    struct counter events, troubles, watching, expired;
    enum err_code trouble; /* the last one */
    char *message;
};

#define FOLLOWER_INIT                                                                              \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .seen = STR_INIT(LIMIT_MIB(1)), .events = COUNTER_INIT, \
        .troubles = COUNTER_INIT, .watching = COUNTER_INIT, .expired = COUNTER_INIT                \
    }

static void follower_done(struct follower *follower)
{
    str_done(&follower->seen);
    mem_free(follower->message);
}

#define AUTO_FOLLOWER AUTO(follower_done)

static void on_event(void *user, const struct kube_event *event)
{
    static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "LISTED"};
    struct follower *follower = user;
    pthread_mutex_lock(&follower->lock);
    if (event->type <= KUBE_LISTED)
        str_printf(&follower->seen, "%s %.*s;", names[event->type], (int)event->object_bytes,
                   event->object);
    if (event->type == KUBE_TROUBLE) {
        follower->trouble = event->err->code;
        mem_replace(&follower->message, event->err->message);
    }
    pthread_mutex_unlock(&follower->lock);
    if (event->type <= KUBE_LISTED)
        counter_add(&follower->events);
    else if (event->type == KUBE_TROUBLE)
        counter_add(&follower->troubles);
    else
        counter_add(event->type == KUBE_EXPIRED ? &follower->expired : &follower->watching);
}

static struct kube_watch *follow_from(struct bench *bench, const char *version,
                                      struct follower *follower)
{
    const struct kube_watch_request request = {.path = {&test_modules, "shop", NULL, NULL},
                                               .resource_version = version};
    return kube_watch(bench->client, &request, on_event, follower);
}

static struct kube_watch *follow(struct bench *bench, struct follower *follower)
{
    return follow_from(bench, "5", follower);
}

/* Whether the last request was a watch from @version. */
static void assert_asked_from(struct bench *bench, const char *version)
{
    AUTO_FREE char *seen = peer_request(&bench->peer);
    AUTO_FREE char *param = mem_printf("&resourceVersion=%s&timeoutSeconds=", version);
    assert_non_null(strstr(seen, "?watch=true&allowWatchBookmarks=true"));
    if (!strstr(seen, param))
        fail_msg("not from %s: %s", version, seen);
}

/* -- going on -- */

/* A connection ends: at the limit of time, in the middle of a line, with a reset, or it is not to be read. */
static void a_watch_goes_on_where_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        enum err_code trouble; /* ERR_CODE_MAX_: none is told */
    } rows[] = {
        {STREAM EVENT("ADDED", "6") EVENT("BOOKMARK", "9"), ERR_CODE_MAX_},
        {STREAM EVENT("ADDED", "6") EVENT("BOOKMARK", "9") "{\"type\":\"ADD", ERR_CODE_MAX_},
        {OK_HEAD "Content-Length: 1000\r\n\r\n" EVENT("ADDED", "6") EVENT("BOOKMARK", "9"),
         ERR_CODE_MAX_},
        {STREAM EVENT("ADDED", "6") EVENT("BOOKMARK", "9") "garbage\n", ERR_DATA_LOSS},
        {STREAM EVENT("ADDED", "6") EVENT("BOOKMARK", "9") "{\"type\":\"ERROR\",\"object\":{"
                                                           "\"kind\":\"Status\",\"message\":\"no\","
                                                           "\"code\":500}}\n",
         ERR_UNAVAILABLE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
        struct bench *bench = bench_new(
            (const char *const[]){rows[i].first, STREAM EVENT("DELETED", "10"), NULL}, NULL);
        struct kube_watch *watch = follow(bench, &follower);
        counter_wait(&bench->peer.requests, 3);
        assert_asked_from(bench, "10");
        kube_watch_stop(bench->client, watch);
        assert_string_equal(str_text(&follower.seen), "ADDED " OBJECT("6") ";BOOKMARK " OBJECT(
                                                          "9") ";DELETED " OBJECT("10") ";");
        assert_int_equal(counter_get(&follower.watching), 2);
        assert_int_equal(counter_get(&follower.troubles), rows[i].trouble != ERR_CODE_MAX_);
        if (rows[i].trouble != ERR_CODE_MAX_)
            assert_int_equal(follower.trouble, rows[i].trouble);
        bench_free(bench);
    }
}

/* What can't be had is told, and tried again until it can. */
static void trouble_is_told_and_tried_again(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        enum err_code trouble;
    } rows[] = {
        {STATUS("403 X", "Forbidden"), ERR_DENIED},
        {STATUS("404 X", "NotFound"), ERR_NOT_FOUND},
        {STATUS("500 X", "InternalError"), ERR_UNAVAILABLE},
        {"HTTP/1.1 429 X\r\nRetry-After: 0\r\n\r\n", ERR_LIMIT},
        {"HTTP/1.1 204 X\r\n\r\n", ERR_UNAVAILABLE},
        {"garbage\r\n\r\n", ERR_DATA_LOSS},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
        struct bench *bench =
            bench_new((const char *const[]){rows[i].first, STREAM EVENT("ADDED", "6"), NULL}, NULL);
        struct kube_watch *watch = follow(bench, &follower);
        counter_wait(&follower.events, 1);
        kube_watch_stop(bench->client, watch);
        assert_int_equal(counter_get(&follower.troubles), 1);
        assert_int_equal(follower.trouble, rows[i].trouble);
        assert_true(str_starts_with(follower.message, "watch modules in namespace \"shop\": "));
        bench_free(bench);
    }
}

static void an_event_without_end_is_trouble(void **state)
{
    (void)state;
    AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
    AUTO_FREE char *body = mem_alloc(LIMIT_KUBE_EVENT + 3);
    memset(body, 'x', LIMIT_KUBE_EVENT + 2);
    AUTO_FREE char *endless = mem_printf(STREAM "%s", body);
    struct bench *bench =
        bench_new((const char *const[]){endless, STREAM EVENT("ADDED", "6"), NULL}, NULL);
    struct kube_watch *watch = follow(bench, &follower);
    counter_wait(&follower.events, 1);
    kube_watch_stop(bench->client, watch);
    assert_int_equal(follower.trouble, ERR_LIMIT);
    bench_free(bench);
}

static void credentials_are_renewed_once_without_trouble(void **state)
{
    (void)state;
    AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
    struct bench *bench =
        bench_new((const char *const[]){STATUS("401 X", "Unauthorized"), STREAM EVENT("ADDED", "6"),
                                        STATUS("401 X", "Unauthorized"),
                                        STATUS("401 X", "Unauthorized"), NULL},
                  NULL);
    struct kube_watch *watch = follow(bench, &follower);
    counter_wait(&bench->peer.requests, 5);
    kube_watch_stop(bench->client, watch);
    assert_int_equal(counter_get(&follower.events), 1);
    assert_int_equal(counter_get(&follower.troubles), 1); /* for the fourth alone */
    assert_int_equal(follower.trouble, ERR_UNAUTHENTICATED);
    bench_free(bench);
}

static void a_token_that_is_not_there_is_trouble(void **state)
{
    (void)state;
    AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
    struct bench *bench = bench_new((const char *const[]){NULL}, "/nonexistent/token");
    struct kube_watch *watch = follow(bench, &follower);
    counter_wait(&follower.troubles, 2); /* and tried again */
    kube_watch_stop(bench->client, watch);
    assert_int_equal(follower.trouble, ERR_UNAUTHENTICATED);
    assert_true(str_starts_with(follower.message, "watch modules in namespace \"shop\": "));
    bench_free(bench);
}

/* -- streaming lists -- */

/* The versions of what is listed say nothing; from its end on, the same connection is the watch. */
static void a_list_comes_first(void **state)
{
    (void)state;
    static const char list[] = STREAM EVENT("ADDED", "12")
        EVENT("ADDED", "3") "{\"type\":\"BOOKMARK\",\"object\":" LIST_END("20") "}\n" EVENT(
            "MODIFIED", "21");
    AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
    struct bench *bench = bench_new((const char *const[]){list, NULL}, NULL);
    struct kube_watch *watch = follow_from(bench, NULL, &follower);
    counter_wait(&bench->peer.requests, 2);
    assert_asked_from(bench, "21");
    kube_watch_stop(bench->client, watch);
    assert_string_equal(str_text(&follower.seen),
                        "ADDED " OBJECT("12") ";ADDED " OBJECT("3") ";LISTED " LIST_END(
                            "20") ";MODIFIED " OBJECT("21") ";");
    assert_int_equal(counter_get(&follower.troubles), 0);
    bench_free(bench);
}

/* Whatever it is that went wrong. A server that does not know them is not asked again. */
static void a_list_that_cannot_be_had_ends_the_watch(void **state)
{
    (void)state;
    static const struct {
        const char *answers[3];
        bool known; /* what is asked for */
    } rows[] = {
        {{STATUS("422 X", "Invalid")}, false},
        {{STATUS("400 X", "BadRequest")}, false},
        {{STATUS("405 X", "MethodNotAllowed")}, false},
        {{STATUS("401 X", "Unauthorized"), STATUS("422 X", "Invalid")}, false},
        {{STATUS("401 X", "Unauthorized"), STATUS("401 X", "Unauthorized")}, true},
        {{STATUS("403 X", "Forbidden")}, true},
        {{STATUS("404 X", "NotFound")}, true},
        {{"HTTP/1.1 404 X\r\n\r\n404 page not found\n"}, true}, /* the kind is not there yet */
        {{STATUS("410 X", "Expired")}, true},
        {{"HTTP/1.1 429 X\r\n\r\n", STATUS("422 X", "Invalid")}, false},
        {{"HTTP/1.1 503 X\r\nRetry-After: 0\r\n\r\n", STATUS("422 X", "Invalid")}, false},
        {{STATUS("503 X", "ServiceUnavailable")}, true},
        {{STATUS("500 X", "InternalError")}, true},
        {{"garbage\r\n\r\n"}, true},
        {{STREAM EVENT("ADDED", "6")}, true},
        {{STREAM EVENT("ADDED", "6") "garbage\n"}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int requests = rows[i].answers[1] ? 2 : 1;
        AUTO_FOLLOWER struct follower first = FOLLOWER_INIT, second = FOLLOWER_INIT;
        struct bench *bench = bench_new(rows[i].answers, NULL);
        struct kube_watch *watch = follow_from(bench, NULL, &first);
        counter_wait(&first.expired, 1);
        kube_watch_stop(bench->client, watch);
        assert_int_equal(counter_get(&bench->peer.requests), requests);
        assert_int_equal(counter_get(&first.troubles), 0);
        watch = follow_from(bench, NULL, &second);
        if (rows[i].known)
            counter_wait(&bench->peer.requests, requests + 1);
        else
            counter_wait(&second.expired, 1);
        kube_watch_stop(bench->client, watch);
        assert_int_equal(counter_get(&bench->peer.requests), requests + rows[i].known);
        bench_free(bench);
    }
}

/* As of a server that does not look at what it is asked for, and watches. */
static void a_list_without_end_ends_the_watch(void **state)
{
    (void)state;
    static const char *const answers[] = {
        OK_HEAD "Content-Length: 1000\r\n\r\n" EVENT("ADDED", "6") EVENT("BOOKMARK", "7"), NULL};
    AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
    struct bench *bench = bench_keeping(answers, NULL, /* keep= */ true);
    bench->client->silence_ms = 20;
    struct kube_watch *watch = follow_from(bench, NULL, &follower);
    counter_wait(&follower.expired, 1);
    kube_watch_stop(bench->client, watch);
    assert_string_equal(str_text(&follower.seen), "ADDED " OBJECT("6") ";");
    assert_int_equal(counter_get(&follower.troubles), 0);
    assert_false(kube_client_streams(bench->client));
    bench_free(bench);
}

static void without_credentials_there_is_no_list(void **state)
{
    (void)state;
    AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
    struct bench *bench = bench_new((const char *const[]){NULL}, "/nonexistent/token");
    struct kube_watch *watch = follow_from(bench, NULL, &follower);
    counter_wait(&follower.expired, 1);
    kube_watch_stop(bench->client, watch);
    assert_int_equal(counter_get(&follower.troubles), 0);
    assert_true(kube_client_streams(bench->client));
    bench_free(bench);
}

/* -- the end -- */

static void an_old_version_ends_the_watch(void **state)
{
    (void)state;
    static const char *const answers[] = {
        STATUS("410 X", "Expired"),
        STATUS("410 X", "Gone"),
        STREAM "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"old\","
               "\"reason\":\"Expired\",\"code\":410}}\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
        struct bench *bench = bench_new((const char *const[]){answers[i], NULL}, NULL);
        struct kube_watch *watch = follow(bench, &follower);
        counter_wait(&follower.expired, 1);
        kube_watch_stop(bench->client, watch);
        assert_int_equal(counter_get(&follower.troubles), 0);
        assert_int_equal(counter_get(&bench->peer.requests), 1);
        bench_free(bench);
    }
}

static void what_is_no_version_ends_the_watch(void **state)
{
    (void)state;
    static const char *const versions[] = {"never", "", "-1", "99999999999999999999", "1 "};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
        struct bench *bench = bench_new((const char *const[]){NULL}, NULL);
        struct kube_watch *watch = follow_from(bench, versions[i], &follower);
        counter_wait(&follower.expired, 1);
        kube_watch_stop(bench->client, watch);
        assert_int_equal(counter_get(&bench->peer.requests), 0);
        bench_free(bench);
    }
}

static void a_watch_is_stopped_wherever_it_is(void **state)
{
    (void)state;
    /* Not yet connected; waiting for an answer; in the middle of an event; before it is tried again. */
    static const char *const answers[] = {NULL, NULL, OK_HEAD "Content-Length: 99\r\n\r\n{\"type\"",
                                          STATUS("500 X", "InternalError")};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
        struct bench *bench = bench_new((const char *const[]){answers[i], NULL}, NULL);
        struct kube_watch *watch = follow(bench, &follower);
        if (i > 0)
            counter_wait(&bench->peer.requests, 1);
        if (i == 2)
            counter_wait(&follower.watching, 1);
        if (i == 3)
            counter_wait(&follower.troubles, 1);
        kube_watch_stop(bench->client, watch);
        pthread_mutex_destroy(&follower.lock); /* a callback from now on would find it gone */
        bench_free(bench);
    }
}

/* Before it is asked for, before the answer, and before its end. */
static void a_list_is_stopped_wherever_it_is(void **state)
{
    (void)state;
    static const char *const answers[] = {NULL, NULL, OK_HEAD "Content-Length: 99\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        AUTO_FOLLOWER struct follower follower = FOLLOWER_INIT;
        struct bench *bench =
            bench_keeping((const char *const[]){answers[i], NULL}, NULL, /* keep= */ true);
        struct kube_watch *watch = follow_from(bench, NULL, &follower);
        if (i > 0)
            counter_wait(&bench->peer.requests, 1);
        if (i == 2)
            counter_wait(&follower.watching, 1);
        kube_watch_stop(bench->client, watch);
        pthread_mutex_destroy(&follower.lock);
        bench_free(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_goes_on_where_it_was),
        cmocka_unit_test(trouble_is_told_and_tried_again),
        cmocka_unit_test(an_event_without_end_is_trouble),
        cmocka_unit_test(credentials_are_renewed_once_without_trouble),
        cmocka_unit_test(a_token_that_is_not_there_is_trouble),
        cmocka_unit_test(a_list_comes_first),
        cmocka_unit_test(a_list_that_cannot_be_had_ends_the_watch),
        cmocka_unit_test(a_list_without_end_ends_the_watch),
        cmocka_unit_test(without_credentials_there_is_no_list),
        cmocka_unit_test(an_old_version_ends_the_watch),
        cmocka_unit_test(what_is_no_version_ends_the_watch),
        cmocka_unit_test(a_watch_is_stopped_wherever_it_is),
        cmocka_unit_test(a_list_is_stopped_wherever_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
