/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop, connections, health. */
#include "lib/rpc/rpc_test_kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grpc/health/v1/health.pb-c.h"

/* -- ports -- */

static void a_taken_port_is_unavailable(void **state)
{
    (void)state;
    struct kit *first = kit_new(echo, NULL), *second = kit_empty();
    AUTO_FREE char *listen = mem_printf("127.0.0.1:%d", rpc_server_port(first->server));
    struct rpc_server_options options = {.listen = listen};
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(kit_serve(second, &options, echo, NULL, &err), -1);
    assert_int_equal(err->code, ERR_UNAVAILABLE);
    assert_non_null(strstr(err->message, listen));
    kit_free(second);
    kit_free(first);
}

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* A port that is free now; the server is to get it soon. */
static int free_port(void)
{
    struct kit *kit = kit_new(echo, NULL);
    int port = rpc_server_port(kit->server);
    kit_free(kit);
    return port;
}

static void nothing_listens_before_the_start(void **state)
{
    (void)state;
    int port = free_port();
    AUTO_FREE char *listen = mem_printf("127.0.0.1:%d", port);
    struct rpc_server_options options = {.listen = listen};
    struct rpc_server *server = NULL;
    assert_int_equal(rpc_server_new(&server, &options, NULL), 0);
    assert_int_equal(connect_to(port), -1);
    assert_int_equal(rpc_server_start(server, NULL), 0);
    assert_int_equal(rpc_server_port(server), port);
    int fd = connect_to(port);
    assert_true(fd >= 0);
    (void)close(fd);
    rpc_server_free(server);
}

static void a_refused_connection_is_unavailable(void **state)
{
    (void)state;
    struct kit *kit = kit_empty();
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    kit_client(kit, free_port(), NULL);
    place(kit, 0, NULL, &outcome);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    kit_free(kit);
}

static void a_patient_call_waits_for_the_server(void **state)
{
    (void)state;
    struct kit *kit = kit_empty();
    AUTO_OUTCOME struct outcome failed = OUTCOME_INIT, patient = OUTCOME_INIT;
    int port = free_port();
    AUTO_FREE char *listen = mem_printf("127.0.0.1:%d", port);
    struct rpc_server_options server = {.listen = listen};
    struct rpc_options options = {.deadline_ms = WATCHDOG_S * 1000, .wait_for_ready = true};
    kit_client(kit, port, NULL);
    place(kit, 6, &options, &patient);
    place(kit, 0, NULL, &failed); /* shows that a connection was tried */
    assert_failed_with(&failed, ERR_UNAVAILABLE);
    assert_int_equal(counter_get(&patient.done), 0);
    assert_int_equal(kit_serve(kit, &server, echo, NULL, NULL), 0);
    assert_ok(&patient);
    assert_int_equal(patient.answer, 6);
    kit_free(kit);
}

static void a_channel_finds_the_server_again(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    AUTO_OUTCOME struct outcome before = OUTCOME_INIT, after = OUTCOME_INIT;
    AUTO_FREE char *listen = mem_printf("127.0.0.1:%d", rpc_server_port(kit->server));
    struct rpc_server_options server = {.listen = listen};
    struct rpc_options options = {.deadline_ms = WATCHDOG_S * 1000, .wait_for_ready = true};
    place(kit, 1, NULL, &before);
    assert_ok(&before);
    rpc_server_free(TAKE(kit->server));
    assert_int_equal(kit_serve(kit, &server, echo, NULL, NULL), 0);
    place(kit, 2, &options, &after);
    assert_ok(&after);
    assert_int_equal(after.answer, 2);
    kit_free(kit);
}

/* Bytes that are no HTTP/2: the connection ends, the server goes on. */
static void garbage_on_the_wire_harms_nobody(void **state)
{
    (void)state;
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n\0\1\2\3";
    struct kit *kit = kit_new(echo, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct timeval watchdog = {.tv_sec = WATCHDOG_S};
    char answer[512];
    int fd = connect_to(rpc_server_port(kit->server));
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &watchdog, sizeof(watchdog));
    assert_int_equal(send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL), sizeof(garbage));
    ssize_t got;
    while ((got = recv(fd, answer, sizeof(answer), 0)) > 0)
        ;
    assert_true(got == 0 || errno == ECONNRESET);
    (void)close(fd);
    place(kit, 4, NULL, &outcome);
    assert_ok(&outcome);
    kit_free(kit);
}

/* -- stopping -- */

struct stop {
    struct kit *kit;
    int64_t grace_ms;
};

static void *stop_server(void *user)
{
    struct stop *stop = user;
    rpc_server_stop(stop->kit->server, stop->grace_ms);
    counter_add(&stop->kit->finished);
    return NULL;
}

/* Until the server says so; the channel is to have a connection. */
static void wait_until_it_refuses(struct kit *kit)
{
    for (bool refused = false; !refused;) {
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        struct rpc_options options = {.deadline_ms = WATCHDOG_S * 1000};
        Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
        rpc_unary(kit->channel, &grpc__health__v1__health__descriptor, "Check", &request.base,
                  &options, on_done, &outcome);
        counter_wait(&outcome.done, 1);
        refused = outcome.err != NULL;
        if (refused)
            assert_int_equal(outcome.err->code, ERR_UNAVAILABLE);
    }
}

static void a_running_call_finishes_within_the_grace(void **state)
{
    (void)state;
    struct kit *kit = kit_new(keep, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct stop stop = {kit, WATCHDOG_S * 1000};
    pthread_t thread;
    place(kit, 0, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    assert_int_equal(pthread_create(&thread, NULL, stop_server, &stop), 0);
    wait_until_it_refuses(kit);
    assert_int_equal(counter_get(&kit->finished), 0);
    assert_int_equal(counter_get(&outcome.done), 0);
    assert_false(rpc_call_cancelled(kit->call));
    answer_place(kit->place_closure, kit->call, 8, 0);
    assert_ok(&outcome);
    assert_int_equal(outcome.answer, 8);
    pthread_join(thread, NULL);
    kit_free(kit);
}

static void finish_late(void *user)
{
    struct kit *kit = user;
    AUTO_ERR struct err *err = NULL;
    counter_add(&kit->cancelled);
    err_set(&err, ERR_CANCELLED, "the server stops");
    rpc_call_fail(kit->call, err);
}

static void keep_until_cancelled(Scheduler *service, const PlaceRequest *request,
                                 PlaceClosure closure, void *call)
{
    keep(service, request, closure, call);
    rpc_call_on_cancel(call, finish_late, KIT_OF_PLACE(service));
}

static void a_call_that_outlives_the_grace_is_cancelled(void **state)
{
    (void)state;
    struct kit *kit = kit_new(keep_until_cancelled, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    place(kit, 0, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    rpc_server_stop(kit->server, 100);
    assert_int_equal(counter_get(&kit->cancelled), 1);
    assert_failed_with(&outcome, ERR_UNAVAILABLE); /* the client may try again elsewhere */
    kit_free(kit);
}

/* A client that opens a connection properly, and then neither asks for anything nor notices a goodbye. */
static void an_idle_client_does_not_hold_up_the_stop(void **state)
{
    (void)state;
    static const char opening[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct kit *kit = kit_new(echo, NULL);
    struct stop stop = {kit, 10 * WATCHDOG_S * 1000};
    pthread_t thread;
    char answer[9];
    int fd = connect_to(rpc_server_port(kit->server));
    assert_int_equal(send(fd, opening, sizeof(opening) - 1, 0), (ssize_t)sizeof(opening) - 1);
    assert_int_equal(recv(fd, answer, sizeof(answer), MSG_WAITALL), (ssize_t)sizeof(answer));
    assert_int_equal(pthread_create(&thread, NULL, stop_server, &stop), 0);
    counter_wait(&kit->finished, 1);
    pthread_join(thread, NULL);
    close(fd);
    kit_free(kit);
}

/* The threads of the server live on for its client, as long as that is there. */
static void a_client_on_a_servers_queue_outlives_its_stop(void **state)
{
    (void)state;
    struct kit *kit = kit_empty(), *peer = kit_new(keep, NULL);
    struct rpc_server_options options = {.listen = LOOPBACK, .threads = 1};
    AUTO_OUTCOME struct outcome before = OUTCOME_INIT, after = OUTCOME_INIT, left = OUTCOME_INIT;
    assert_int_equal(kit_serve(kit, &options, echo, NULL, NULL), 0);
    kit->client = rpc_client_new_on(kit->server);
    kit_client(kit, rpc_server_port(peer->server), NULL);

    place(kit, 0, NULL, &before);
    counter_wait(&peer->entered, 1);
    rpc_server_stop(kit->server, 0);
    answer_place(peer->place_closure, peer->call, 5, 0);
    assert_ok(&before);
    assert_int_equal(before.answer, 5);

    place(kit, 0, NULL, &after);
    counter_wait(&peer->entered, 2);
    answer_place(peer->place_closure, peer->call, 6, 0);
    assert_ok(&after);

    place(kit, 0, NULL, &left);
    counter_wait(&peer->entered, 3);
    kit_free(kit);
    assert_failed_with(&left, ERR_CANCELLED);
    answer_place(peer->place_closure, peer->call, 0, 0);
    kit_free(peer);
}

static void a_client_needs_no_start_of_its_server(void **state)
{
    (void)state;
    struct kit *kit = kit_empty(), *peer = kit_new(echo, NULL);
    struct rpc_server_options options = {.listen = LOOPBACK, .threads = 1};
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    assert_int_equal(rpc_server_new(&kit->server, &options, NULL), 0);
    kit->client = rpc_client_new_on(kit->server);
    kit_client(kit, rpc_server_port(peer->server), NULL);
    place(kit, 3, NULL, &outcome);
    assert_ok(&outcome);
    kit_free(kit);
    kit_free(peer);
}

static void stopping_twice_is_fine(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    rpc_server_stop(kit->server, 1000);
    rpc_server_stop(kit->server, 1000);
    kit_free(kit);
}

static void a_server_that_never_started_is_freed(void **state)
{
    (void)state;
    struct rpc_server_options options = {.listen = LOOPBACK};
    struct rpc_server *server = NULL;
    assert_int_equal(rpc_server_new(&server, &options, NULL), 0);
    rpc_server_free(server);
    rpc_server_free(NULL);
}

/* -- health -- */

#define HEALTH (&grpc__health__v1__health__descriptor)
#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct health {
    struct counter messages, done;
    int seen[8];
    struct err *err;
};

#define HEALTH_INIT                                                                                \
    {                                                                                              \
        .messages = COUNTER_INIT, .done = COUNTER_INIT                                             \
    }

static void on_health(void *user, const ProtobufCMessage *message)
{
    struct health *health = user;
    int n = counter_get(&health->messages);
    if (n < (int)ARRAY_LEN(health->seen))
        health->seen[n] =
            (int)((const Grpc__Health__V1__HealthCheckResponse *)(const void *)message)->status;
    counter_add(&health->messages);
}

static void on_health_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct health *health = user;
    if (response)
        on_health(user, response);
    health->err = err_copy(err);
    counter_add(&health->done);
}

/* The status, or -1 with the error. */
static int check_health(struct kit *kit, const char *service, enum err_code *ret_code)
{
    struct health health = HEALTH_INIT;
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service;
    rpc_unary(kit->channel, HEALTH, "Check", &request.base, NULL, on_health_done, &health);
    counter_wait(&health.done, 1);
    if (health.err)
        *ret_code = health.err->code;
    int status = health.err ? -1 : health.seen[0];
    err_free(health.err);
    return status;
}

static void health_is_told(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    enum err_code code = ERR_INTERNAL;
    assert_int_equal(check_health(kit, "", &code), STATUS(NOT_SERVING));
    rpc_server_set_health(kit->server, "", true);
    assert_int_equal(check_health(kit, "", &code), STATUS(SERVING));
    assert_int_equal(check_health(kit, SCHEDULER->name, &code), STATUS(SERVING));
    rpc_server_set_health(kit->server, SCHEDULER->name, false);
    assert_int_equal(check_health(kit, SCHEDULER->name, &code), STATUS(NOT_SERVING));
    assert_int_equal(check_health(kit, AGENT->name, &code), STATUS(SERVING));
    assert_int_equal(check_health(kit, "no.such.Service", &code), -1);
    assert_int_equal(code, ERR_NOT_FOUND);
    kit_free(kit);
}

static void follow_health(struct kit *kit, const char *service, struct health *health)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    request.service = (char *)(uintptr_t)service;
    rpc_stream(kit->channel, HEALTH, "Watch", &request.base, NULL, on_health, on_health_done,
               health);
}

static void health_is_watched_until_the_stop(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    struct health all = HEALTH_INIT, unknown = HEALTH_INIT;
    follow_health(kit, "", &all);
    follow_health(kit, "later.Service", &unknown);
    counter_wait(&all.messages, 1);
    counter_wait(&unknown.messages, 1);
    rpc_server_set_health(kit->server, "", true);
    rpc_server_set_health(kit->server, "", true); /* no change, no message */
    rpc_server_set_health(kit->server, "later.Service", true);
    counter_wait(&all.messages, 2);
    counter_wait(&unknown.messages, 2);
    rpc_server_forget_health(kit->server, "later.Service");
    rpc_server_forget_health(kit->server, "later.Service");
    counter_wait(&unknown.messages, 3);
    rpc_server_stop(kit->server, 0);
    counter_wait(&all.done, 1);
    counter_wait(&unknown.done, 1);
    assert_int_equal(all.seen[0], STATUS(NOT_SERVING));
    assert_int_equal(all.seen[1], STATUS(SERVING));
    assert_int_equal(unknown.seen[0], STATUS(SERVICE_UNKNOWN));
    assert_int_equal(unknown.seen[1], STATUS(SERVING));
    assert_int_equal(unknown.seen[2], STATUS(SERVICE_UNKNOWN));
    err_free(all.err);
    err_free(unknown.err);
    kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taken_port_is_unavailable),
        cmocka_unit_test(nothing_listens_before_the_start),
        cmocka_unit_test(a_refused_connection_is_unavailable),
        cmocka_unit_test(a_patient_call_waits_for_the_server),
        cmocka_unit_test(a_channel_finds_the_server_again),
        cmocka_unit_test(garbage_on_the_wire_harms_nobody),
        cmocka_unit_test(a_running_call_finishes_within_the_grace),
        cmocka_unit_test(a_call_that_outlives_the_grace_is_cancelled),
        cmocka_unit_test(an_idle_client_does_not_hold_up_the_stop),
        cmocka_unit_test(a_client_on_a_servers_queue_outlives_its_stop),
        cmocka_unit_test(a_client_needs_no_start_of_its_server),
        cmocka_unit_test(stopping_twice_is_fine),
        cmocka_unit_test(a_server_that_never_started_is_freed),
        cmocka_unit_test(health_is_told),
        cmocka_unit_test(health_is_watched_until_the_stop),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
