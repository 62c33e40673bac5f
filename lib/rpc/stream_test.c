/* SPDX-License-Identifier: Apache-2.0 */
/* Server streams: order, end, failure, a client that leaves, a client that does not read. */
#include "lib/rpc/rpc_test_kit.h"

static void send_all_and_end(Agent *service, const WatchRequest *request, WatchClosure closure,
                             void *call)
{
    struct kit *kit = KIT_OF_WATCH(service);
    (void)request;
    for (int i = 1; i <= GET(kit->stream_len); i++)
        send_number(closure, call, i, 0);
    const struct err *err = GET(kit->fail_with);
    if (err)
        rpc_call_fail(call, err);
    else
        rpc_call_end(call);
}

static void check_whole_stream(int len)
{
    struct kit *kit = kit_new(NULL, send_all_and_end);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    SET(kit->stream_len, len);
    watch(kit, NULL, &outcome);
    assert_ok(&outcome);
    assert_int_equal(counter_get(&outcome.messages), len);
    assert_int_equal(outcome.last, len);
    assert_true(outcome.in_order);
    kit_free(kit);
}

static void many_messages_arrive_in_order(void **state)
{
    (void)state;
    check_whole_stream(5000);
}

static void a_stream_may_be_empty(void **state)
{
    (void)state;
    check_whole_stream(0);
}

static void a_failure_comes_after_the_messages(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, send_all_and_end);
    AUTO_ERR struct err *err = NULL;
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    err_set(&err, ERR_EXPIRED, "version 3 is no longer kept");
    err_reason(&err, "VERSION_EXPIRED");
    SET(kit->stream_len, 100);
    SET(kit->fail_with, err);
    watch(kit, NULL, &outcome);
    assert_failed_with(&outcome, ERR_EXPIRED);
    assert_string_equal(outcome.err->reason, "VERSION_EXPIRED");
    assert_int_equal(counter_get(&outcome.messages), 100);
    assert_true(outcome.in_order);
    kit_free(kit);
}

/* -- a stream that stays open, written by the test's thread -- */

static void end_watch(void *user)
{
    struct kit *kit = user;
    counter_add(&kit->cancelled);
    counter_wait(&kit->may_finish, 1);
    rpc_call_end(kit->call);
    counter_add(&kit->finished);
}

static void keep_open(Agent *service, const WatchRequest *request, WatchClosure closure, void *call)
{
    struct kit *kit = KIT_OF_WATCH(service);
    (void)request;
    kit->call = call;
    kit->watch_closure = closure;
    send_number(closure, call, 1, 0);
    rpc_call_on_cancel(call, end_watch, kit);
    counter_add(&kit->entered);
}

static void messages_may_follow_from_another_thread(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    watch(kit, NULL, &outcome);
    counter_wait(&outcome.messages, 1);
    counter_wait(&kit->entered, 1);
    for (int i = 2; i <= 10; i++) {
        send_number(kit->watch_closure, kit->call, i, 0);
        counter_wait(&outcome.messages, i); /* each at once, not with the end */
    }
    assert_int_equal(counter_get(&outcome.done), 0);
    rpc_call_end(kit->call);
    assert_ok(&outcome);
    assert_true(outcome.in_order);
    kit_free(kit);
}

static void a_client_that_leaves_ends_the_stream(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct rpc_client_call *call = watch(kit, NULL, &outcome);
    counter_wait(&outcome.messages, 1);
    counter_wait(&kit->entered, 1);
    rpc_cancel(call);
    assert_failed_with(&outcome, ERR_CANCELLED);
    counter_wait(&kit->cancelled, 1);
    for (int i = 2; i < 100; i++)
        send_number(kit->watch_closure, kit->call, i, 0); /* into the void */
    counter_add(&kit->may_finish);
    counter_wait(&kit->finished, 1);
    assert_int_equal(counter_get(&outcome.messages), 1);
    assert_int_equal(counter_get(&kit->cancelled), 1);
    kit_free(kit);
}

static void a_lost_connection_ends_the_stream(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    counter_add(&kit->may_finish);
    watch(kit, NULL, &outcome);
    counter_wait(&outcome.messages, 1);
    counter_wait(&kit->entered, 1);
    rpc_channel_free(TAKE(kit->channel));
    rpc_client_free(TAKE(kit->client));
    counter_wait(&kit->finished, 1);
    assert_int_equal(counter_get(&outcome.done), 1);
    kit_free(kit);
}

static void a_server_that_goes_ends_the_stream_at_the_client(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    counter_add(&kit->may_finish);
    watch(kit, NULL, &outcome);
    counter_wait(&outcome.messages, 1);
    counter_wait(&kit->entered, 1);
    rpc_server_free(TAKE(kit->server));
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    assert_int_equal(counter_get(&kit->finished), 1);
    kit_free(kit);
}

static void *stop_patiently(void *user)
{
    struct kit *kit = user;
    rpc_server_stop(kit->server, 10 * WATCHDOG_S * 1000);
    return NULL;
}

/* A watch would never end by itself, however long the server waited for it. */
static void a_stop_tells_streams_at_once(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    pthread_t stopper;
    counter_add(&kit->may_finish);
    watch(kit, NULL, &outcome);
    counter_wait(&outcome.messages, 1);
    counter_wait(&kit->entered, 1);
    assert_int_equal(pthread_create(&stopper, NULL, stop_patiently, kit), 0);
    assert_failed_with(&outcome, ERR_UNAVAILABLE);
    pthread_join(stopper, NULL);
    assert_int_equal(counter_get(&kit->cancelled), 1);
    kit_free(kit);
}

static void take_long(void *user)
{
    struct kit *kit = user;
    counter_add(&kit->cancelled);
    counter_wait(&kit->may_finish, 1);
    counter_add(&kit->finished);
}

static void keep_open_and_take_long(Agent *service, const WatchRequest *request,
                                    WatchClosure closure, void *call)
{
    struct kit *kit = KIT_OF_WATCH(service);
    (void)request;
    (void)closure;
    kit->call = call;
    rpc_call_on_cancel(call, take_long, kit);
    counter_add(&kit->entered);
}

struct finisher {
    struct kit *kit;
    struct counter begun;
    int callbacks_over; /* when the call was finished */
};

static void *finish_meanwhile(void *user)
{
    struct finisher *finisher = user;
    counter_add(&finisher->begun);
    rpc_call_end(finisher->kit->call);
    finisher->callbacks_over = counter_get(&finisher->kit->finished);
    return NULL;
}

/* What the callback works on may be freed by who finishes the call: not before the callback is over. */
static void finishing_waits_for_the_cancel_callback(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open_and_take_long);
    AUTO_OUTCOME struct outcome outcome = OUTCOME_INIT;
    struct finisher finisher = {.kit = kit, .begun = COUNTER_INIT};
    pthread_t thread;
    watch(kit, NULL, &outcome);
    counter_wait(&kit->entered, 1);
    rpc_channel_free(TAKE(kit->channel));
    rpc_client_free(TAKE(kit->client)); /* it leaves */
    counter_wait(&kit->cancelled, 1);
    assert_int_equal(pthread_create(&thread, NULL, finish_meanwhile, &finisher), 0);
    counter_wait(&finisher.begun, 1);
    counter_add(&kit->may_finish);
    pthread_join(thread, NULL);
    assert_int_equal(finisher.callbacks_over, 1);
    kit_free(kit);
}

/* -- a client that does not read -- */

struct slow {
    struct counter may_read, done;
};

static void read_when_allowed(void *user, const ProtobufCMessage *message)
{
    struct slow *slow = user;
    (void)message;
    counter_wait(&slow->may_read, 1);
}

static void slow_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct slow *slow = user;
    (void)response;
    (void)err;
    counter_add(&slow->done);
}

static void unsent_messages_are_counted(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, keep_open);
    struct slow slow = {COUNTER_INIT, COUNTER_INIT};
    WatchRequest request = KOUPLELESS__AGENT__V1__WATCH_HEALTH_REQUEST__INIT;
    rpc_stream(kit->channel, AGENT, "WatchHealth", &request.base, NULL, read_when_allowed,
               slow_done, &slow);
    counter_wait(&kit->entered, 1);
    int sent = 1;
    while (rpc_call_queue_len(kit->call) < 10) { /* the network takes some, then no more */
        assert_true(sent < 10000);
        send_number(kit->watch_closure, kit->call, ++sent, 100000);
    }
    counter_add(&slow.may_read);
    rpc_call_end(kit->call);
    counter_wait(&slow.done, 1);
    kit_free(kit);
}

#define STREAMS 50

static void streams_run_side_by_side(void **state)
{
    (void)state;
    struct kit *kit = kit_new(NULL, send_all_and_end);
    struct outcome *outcomes = mem_alloc(STREAMS * sizeof(*outcomes));
    SET(kit->stream_len, 100);
    for (int i = 0; i < STREAMS; i++) {
        outcomes[i] = (struct outcome)OUTCOME_INIT;
        watch(kit, NULL, &outcomes[i]);
    }
    for (int i = 0; i < STREAMS; i++) {
        assert_ok(&outcomes[i]);
        assert_int_equal(outcomes[i].last, 100);
        assert_true(outcomes[i].in_order);
    }
    mem_free(outcomes);
    kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_messages_arrive_in_order),
        cmocka_unit_test(a_stream_may_be_empty),
        cmocka_unit_test(a_failure_comes_after_the_messages),
        cmocka_unit_test(messages_may_follow_from_another_thread),
        cmocka_unit_test(a_client_that_leaves_ends_the_stream),
        cmocka_unit_test(a_lost_connection_ends_the_stream),
        cmocka_unit_test(a_server_that_goes_ends_the_stream_at_the_client),
        cmocka_unit_test(a_stop_tells_streams_at_once),
        cmocka_unit_test(finishing_waits_for_the_cancel_callback),
        cmocka_unit_test(unsent_messages_are_counted),
        cmocka_unit_test(streams_run_side_by_side),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
