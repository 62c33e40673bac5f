/* SPDX-License-Identifier: Apache-2.0 */
/* Unary calls: answers, errors, deadlines, cancellation, limits, garbage. */
#include "lib/rpc/rpc_test_kit.h"

#include "grpc/health/v1/health.pb-c.h"

/* -- answers -- */

static void a_unary_call_is_answered(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    place(kit, 42, NULL, &outcome);
    assert_ok(&outcome);
    assert_int_equal(outcome.answer, 42);
    kit_free(kit);
}

static void the_blocking_call_gives_an_owned_answer(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    PlaceRequest request = KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    ProtobufCMessage *response = NULL;
    request.replicas = 7;
    assert_int_equal(
        rpc_unary_wait(kit->channel, SCHEDULER, "Place", &request.base, NULL, &response, NULL), 0);
    PlaceResponse *answer = (PlaceResponse *)(void *)response;
    assert_int_equal(answer->refusals[0]->count, 7);
    protobuf_c_message_free_unpacked(response, NULL);
    kit_free(kit);
}

#define MANY 500

static void calls_at_once_get_their_own_answers(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    struct outcome *outcomes = mem_alloc(MANY * sizeof(*outcomes));
    for (int i = 0; i < MANY; i++) {
        outcomes[i] = (struct outcome)OUTCOME_INIT;
        place(kit, i, NULL, &outcomes[i]);
    }
    for (int i = 0; i < MANY; i++) {
        assert_ok(&outcomes[i]);
        assert_int_equal(outcomes[i].answer, i);
    }
    mem_free(outcomes);
    kit_free(kit);
}

static void *answer_later(void *user)
{
    struct kit *kit = user;
    answer_place(kit->place_closure, kit->call, 9, 0);
    return NULL;
}

static void another_thread_may_answer_later(void **state)
{
    (void)state;
    struct kit *kit = kit_new(keep, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    pthread_t thread;
    place(kit, 1, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    assert_int_equal(counter_get(&outcome.done), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_later, kit), 0);
    assert_ok(&outcome);
    assert_int_equal(outcome.answer, 9);
    pthread_join(thread, NULL);
    kit_free(kit);
}

static void tell_peer(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                      void *call)
{
    (void)service;
    (void)request;
    bool good =
        str_starts_with(rpc_call_peer(call), "ipv4:127.0.0.1:") && !rpc_call_peer_identity(call);
    answer_place(closure, call, good, 0);
}

static void the_handler_knows_the_peer(void **state)
{
    (void)state;
    struct kit *kit = kit_new(tell_peer, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    place(kit, 0, NULL, &outcome);
    assert_ok(&outcome);
    assert_int_equal(outcome.answer, true);
    kit_free(kit);
}

/* -- errors -- */

static void fail_place(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                       void *call)
{
    (void)request;
    (void)closure;
    rpc_call_fail(call, GET(KIT_OF_PLACE(service)->fail_with));
}

static void an_error_arrives_with_code_reason_and_field(void **state)
{
    (void)state;
    struct kit *kit = kit_new(fail_place, NULL);
    AUTO_ERR struct err *err = NULL;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    err_field(&err, "spec.replicas", "must be at least 0 (\xe5\xba\xa7, 100%%)");
    err_reason(&err, "REPLICAS_NEGATIVE");
    SET(kit->fail_with, err);
    place(kit, -1, NULL, &outcome);
    assert_failed_with(&outcome, ERR_INVALID);
    assert_string_equal(outcome.err->message, err->message);
    assert_string_equal(outcome.err->reason, "REPLICAS_NEGATIVE");
    assert_string_equal(outcome.err->field, "spec.replicas");
    kit_free(kit);
}

static void each_code_survives_the_wire(void **state)
{
    (void)state;
    struct kit *kit = kit_new(fail_place, NULL);
    for (int code = 0; code < ERR_CODE_MAX_; code++) {
        AUTO_ERR struct err *err = NULL;
        AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
        err_set(&err, (enum err_code)code, "about %d", code);
        SET(kit->fail_with, err);
        place(kit, 0, NULL, &outcome);
        assert_failed_with(&outcome, (enum err_code)code);
        assert_string_equal(outcome.err->message, err->message);
        assert_null(outcome.err->reason); /* the code's own name is none */
        assert_null(outcome.err->field);
    }
    kit_free(kit);
}

/* Foreign clients refuse more than 8 KiB of trailers: the whole error must stay below that. */
static void a_long_message_arrives_shortened(void **state)
{
    (void)state;
    struct kit *kit = kit_new(fail_place, NULL);
    AUTO_FREE char *text = mem_alloc(20001);
    AUTO_ERR struct err *err = NULL;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    for (size_t i = 0; i < 20000; i++)
        text[i] = "\xe5\xba\xa7"[i % 3]; /* three bytes, one character; nine bytes when escaped */
    err_field(&err, "spec.template", "%s", text);
    err_reason(&err, "TOO_LONG");
    SET(kit->fail_with, err);
    place(kit, 0, NULL, &outcome);
    assert_failed_with(&outcome, ERR_INVALID);
    size_t len = strlen(outcome.err->message);
    assert_true(len >= 100);
    assert_true(len < 2000);
    assert_memory_equal(outcome.err->message, err->message, 100);
    assert_string_equal(outcome.err->reason, "TOO_LONG");
    assert_string_equal(outcome.err->field, "spec.template");
    kit_free(kit);
}

static void a_method_without_handler_is_unimplemented(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    place(kit, 0, NULL, &outcome);
    assert_failed_with(&outcome, ERR_UNIMPLEMENTED);
    kit_free(kit);
}

static void an_unknown_service_is_unimplemented(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    ProtobufCServiceDescriptor other = *SCHEDULER;
    PlaceRequest request = KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    other.name = "koupleless.scheduler.v1.NoSuchService";
    rpc_unary(kit->channel, &other, "Place", &request.base, NULL, on_done, &outcome);
    assert_failed_with(&outcome, ERR_UNIMPLEMENTED);
    assert_int_equal(counter_get(&kit->entered), 0);
    kit_free(kit);
}

/* A string where Place expects a number: no PlaceRequest. */
static void garbage_in_a_request_is_invalid(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    Grpc__Health__V1__HealthCheckRequest other = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT, after = OUTCOME_INIT;
    other.service = (char *)(uintptr_t) "garbage";
    rpc_unary(kit->channel, SCHEDULER, "Place", &other.base, NULL, on_done, &outcome);
    assert_failed_with(&outcome, ERR_INVALID);
    assert_int_equal(counter_get(&kit->entered), 0);
    place(kit, 3, NULL, &after);
    assert_ok(&after);
    kit_free(kit);
}

/* -- time -- */

static void leave_unanswered(void *user)
{
    struct kit *kit = user;
    counter_add(&kit->cancelled);
}

static void wait_for_cancel(Scheduler *service, const PlaceRequest *request, PlaceClosure closure,
                            void *call)
{
    struct kit *kit = KIT_OF_PLACE(service);
    keep(service, request, closure, call);
    rpc_call_on_cancel(call, leave_unanswered, kit);
}

/* What the handler does after a cancel: it still finishes the call. */
static void finish_cancelled(struct kit *kit)
{
    AUTO_ERR struct err *err = NULL;
    counter_wait(&kit->cancelled, 1);
    assert_true(rpc_call_cancelled(kit->call));
    err_set(&err, ERR_CANCELLED, "nobody listens");
    rpc_call_fail(kit->call, err);
    assert_int_equal(counter_get(&kit->cancelled), 1);
}

static void a_deadline_ends_the_call_on_both_sides(void **state)
{
    (void)state;
    struct kit *kit = kit_new(wait_for_cancel, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct rpc_options options = {.deadline_ms = 200, .wait_for_ready = true};
    place(kit, 0, &options, &outcome);
    assert_failed_with(&outcome, ERR_TIMEOUT);
    counter_wait(&kit->entered, 1);
    finish_cancelled(kit);
    kit_free(kit);
}

static void a_clients_cancel_reaches_the_handler(void **state)
{
    (void)state;
    struct kit *kit = kit_new(wait_for_cancel, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct rpc_client_call *call = place(kit, 0, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    rpc_cancel(call);
    assert_failed_with(&outcome, ERR_CANCELLED);
    finish_cancelled(kit);
    kit_free(kit);
}

static void a_late_cancel_handler_is_called_at_once(void **state)
{
    (void)state;
    struct kit *kit = kit_new(keep, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct rpc_client_call *call = place(kit, 0, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    rpc_cancel(call);
    assert_failed_with(&outcome, ERR_CANCELLED);
    while (!rpc_call_cancelled(kit->call))
        sched_yield();
    rpc_call_on_cancel(kit->call, leave_unanswered, kit);
    finish_cancelled(kit);
    kit_free(kit);
}

static void a_finished_call_is_not_cancelled(void **state)
{
    (void)state;
    struct kit *kit = kit_new(wait_for_cancel, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    place(kit, 0, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    answer_place(kit->place_closure, kit->call, 5, 0);
    assert_ok(&outcome);
    rpc_server_stop(kit->server, 0);
    assert_int_equal(counter_get(&kit->cancelled), 0);
    kit_free(kit);
}

static void a_freed_client_cancels_its_calls(void **state)
{
    (void)state;
    struct kit *kit = kit_new(wait_for_cancel, NULL);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    place(kit, 0, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    rpc_channel_free(TAKE(kit->channel)); /* a running call keeps what it needs */
    rpc_client_free(TAKE(kit->client));
    assert_int_equal(counter_get(&outcome.done), 1);
    assert_failed_with(&outcome, ERR_CANCELLED);
    finish_cancelled(kit);
    kit_free(kit);
}

/* -- sizes -- */

#define TOO_LARGE (LIMIT_RPC_MESSAGE + 1)

static void a_request_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    Koupleless__Scheduler__V1__BaseCandidate base = KOUPLELESS__SCHEDULER__V1__BASE_CANDIDATE__INIT;
    Koupleless__Scheduler__V1__BaseCandidate *bases[] = {&base};
    PlaceRequest request = KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    AUTO_FREE char *name = mem_alloc(TOO_LARGE + 1);
    AUTO_OUTCOME struct outcome refused = OUTCOME_INIT, below = OUTCOME_INIT;
    memset(name, 'x', TOO_LARGE);
    base.name = name;
    request.n_bases = 1;
    request.bases = bases;
    place_with(kit, &request, NULL, &refused);
    assert_failed_with(&refused, ERR_LIMIT);
    assert_int_equal(counter_get(&kit->entered), 0);
    name[LIMIT_RPC_MESSAGE - 100] = '\0';
    place_with(kit, &request, NULL, &below);
    assert_ok(&below);
    kit_free(kit);
}

static void an_answer_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct kit *kit = kit_new(echo, NULL);
    AUTO_OUTCOME struct outcome refused = OUTCOME_INIT, below = OUTCOME_INIT;
    SET(kit->answer_bytes, TOO_LARGE);
    place(kit, 0, NULL, &refused);
    assert_failed_with(&refused, ERR_LIMIT);
    SET(kit->answer_bytes, LIMIT_RPC_MESSAGE - 100);
    place(kit, 0, NULL, &below);
    assert_ok(&below);
    assert_int_equal(below.answer_bytes, LIMIT_RPC_MESSAGE - 100);
    kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_is_answered),
        cmocka_unit_test(the_blocking_call_gives_an_owned_answer),
        cmocka_unit_test(calls_at_once_get_their_own_answers),
        cmocka_unit_test(another_thread_may_answer_later),
        cmocka_unit_test(the_handler_knows_the_peer),
        cmocka_unit_test(an_error_arrives_with_code_reason_and_field),
        cmocka_unit_test(each_code_survives_the_wire),
        cmocka_unit_test(a_long_message_arrives_shortened),
        cmocka_unit_test(a_method_without_handler_is_unimplemented),
        cmocka_unit_test(an_unknown_service_is_unimplemented),
        cmocka_unit_test(garbage_in_a_request_is_invalid),
        cmocka_unit_test(a_deadline_ends_the_call_on_both_sides),
        cmocka_unit_test(a_clients_cancel_reaches_the_handler),
        cmocka_unit_test(a_late_cancel_handler_is_called_at_once),
        cmocka_unit_test(a_finished_call_is_not_cancelled),
        cmocka_unit_test(a_freed_client_cancels_its_calls),
        cmocka_unit_test(a_request_over_the_limit_is_refused),
        cmocka_unit_test(an_answer_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
