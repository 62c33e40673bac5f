/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Previews beside each other: they take turns, few have a copy, and who is not waited for ends. Questions to the scheduler
 * are held here until the test answers them.
 */
#include <sched.h>

#include "services/controller/api/api_test_kit.h"
#include "services/controller/api/preview_internal.h"

#define QUESTIONS_MAX 64

/* -- what the previews' thread sees -- */

struct look {
    struct loop_event event;
    struct kit *kit;
    int32_t asked, copies, useless;
    int questions;
    atomic_bool over;
};

static int questions(const struct kit *kit);

static void on_look(struct loop_event *event)
{
    struct look *look = CONTAINER_OF(event, struct look, event);
    const struct previews *previews = &look->kit->api->previews;
    LIST_FOR_EACH (at, &previews->waiting)
        look->useless += rpc_call_cancelled(LIST_ENTRY(at, struct preview, node)->reply.call);
    look->asked = previews->asked;
    look->copies = previews->copies;
    look->questions = questions(look->kit);
    atomic_store(&look->over, true);
}

static void begin_look(struct look *look, struct kit *kit)
{
    look->event.fn = on_look;
    look->kit = kit;
    loop_post(kit->api->previews.loop, &look->event);
}

static void end_look(struct look *look)
{
    while (!atomic_load(&look->over))
        sched_yield();
}

/* After what was posted so far had one turn. */
static struct look look(struct kit *kit)
{
    struct look now = {.asked = -1};
    begin_look(&now, kit);
    end_look(&now);
    return now;
}

static void await_asked(struct kit *kit, int32_t count)
{
    while (look(kit).asked != count)
        sched_yield();
}

/* -- the scheduler -- */

struct question {
    const struct scheduling_question *asked;
    scheduling_done_fn done;
    struct preview *preview;
};

struct test {
    struct kit *kit;
    atomic_bool answers; /* at once */
    struct look *looks;  /* one behind each answer; or NULL */
    struct question held[QUESTIONS_MAX];
    atomic_int count; /* of questions so far */
};

static int questions(const struct kit *kit)
{
    struct test *test = kit->test;
    return atomic_load(&test->count);
}

static void hold(struct kit *kit, const struct scheduling_question *question,
                 scheduling_done_fn done, void *user)
{
    struct test *test = kit->test;
    int at = atomic_load(&test->count);
    ASSERT(at < QUESTIONS_MAX);
    test->held[at] = (struct question){question, done, user};
    if (atomic_load(&test->answers))
        kit_schedule(kit, question, done, user);
    if (test->looks)
        begin_look(&test->looks[at], kit);
    atomic_store(&test->count, at + 1);
}

static struct test set_up(struct kit *kit)
{
    for (char name[] = "a"; name[0] <= 'd'; name[0]++) {
        AUTO_FREE char *json =
            mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},"
                       "\"spec\":{\"deployment\":\"stock\",\"ip\":\"10.0.0.1\"}}",
                       name);
        put(kit, KIND_BASE, json);
        patch(kit, KIND_BASE, name, STORE_STATUS, "{\"status\":{\"phase\":\"Ready\"}}");
    }
    kit->on_question = hold;
    return (struct test){.kit = kit};
}

static void await_questions(struct test *test, int count)
{
    while (atomic_load(&test->count) < count)
        sched_yield();
}

static void answer(struct test *test, int at)
{
    const struct question *question = &test->held[at];
    kit_schedule(test->kit, question->asked, question->done, question->preview);
}

/* -- calls that are not waited for -- */

static void begin(struct kit *kit, struct stream_kit *call)
{
    *call =
        (struct stream_kit){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct rpc_options options = {.deadline_ms = WATCHDOG_S * 1000};
    AUTO_FREE char *md =
        md_json("md", "", ",\"replicas\":2,\"operationStrategy\":{\"batchCount\":2}");
    AUTO_FREE char *text = mem_printf("{\"moduleDeployment\":%s}", md);
    ProtobufCMessage *request = kit_request(RELEASE, "PlanRelease", text);
    call->call =
        rpc_unary(kit->channel, RELEASE, "PlanRelease", request, &options, stream_on_end, call);
    protobuf_c_message_free_unpacked(request, NULL);
}

static void assert_answered(struct stream_kit *call)
{
    const struct err *err = stream_wait_end(call);
    if (err)
        fail_msg("%s", err->message);
    stream_stop(call);
}

/* -- tests -- */

/*
 * Two batches: two questions, and many turns after each. Who comes behind the answer has its turn before these are done;
 * both are posted by the thread that takes them, so nothing comes between.
 */
static void test_others_have_their_turns(void **state)
{
    struct kit *kit = *state;
    struct test test = set_up(kit);
    struct look looks[2] = {{.asked = -1}, {.asked = -1}};
    kit->test = &test;
    kit->api->previews.effort_per_turn = 1;
    test.looks = looks;
    atomic_store(&test.answers, true);
    struct stream_kit call;
    begin(kit, &call);
    assert_answered(&call);
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        end_look(&looks[i]);
        assert_int_equal(looks[i].asked, 1);
        assert_int_equal(looks[i].questions, (int)i + 1);
    }
    assert_int_equal(look(kit).asked, 0);
    assert_int_equal(atomic_load(&test.count), 2);
}

typedef void leave_fn(struct kit *kit, struct stream_kit *call, pthread_t *ret_thread);

static void cancel(struct kit *kit, struct stream_kit *call, pthread_t *ret_thread)
{
    (void)kit;
    (void)ret_thread;
    rpc_cancel(call->call);
}

static void *stop_server(void *server)
{
    rpc_server_stop(server, /* grace_ms= */ 0);
    return NULL;
}

static void stop(struct kit *kit, struct stream_kit *call, pthread_t *ret_thread)
{
    (void)call;
    ASSERT(pthread_create(ret_thread, NULL, stop_server, kit->server) == 0);
}

/* An answer that comes too late, and nothing is done with it any more. */
static void check_leaving(struct kit *kit, leave_fn *leave)
{
    struct test test = set_up(kit);
    kit->test = &test;
    kit->api->previews.effort_per_turn = 1;
    struct stream_kit first, second;
    pthread_t thread = pthread_self();
    begin(kit, &first);
    await_questions(&test, 1);
    const struct preview *preview = test.held[0].preview;
    leave(kit, &first, &thread);
    while (!rpc_call_cancelled(preview->reply.call))
        sched_yield();
    atomic_store(&test.answers, true);
    answer(&test, 0);
    struct look now = look(kit);
    assert_int_equal(now.asked, 0);
    assert_int_equal(now.copies, 0);
    assert_int_equal(atomic_load(&test.count), 1);
    assert_non_null(stream_wait_end(&first));
    stream_stop(&first);
    if (leave == stop) {
        pthread_join(thread, NULL);
        return;
    }
    begin(kit, &second);
    assert_answered(&second);
}

static void test_the_client_leaves(void **state)
{
    check_leaving(*state, cancel);
}

static void test_the_server_stops(void **state)
{
    check_leaving(*state, stop);
}

/* The one that waits has no place any more when the others leave theirs. */
static void test_the_server_stops_while_one_waits(void **state)
{
    struct kit *kit = *state;
    struct test test = set_up(kit);
    kit->test = &test;
    struct stream_kit calls[LIMIT_PREVIEW_COPIES + 1];
    pthread_t thread;
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        begin(kit, &calls[i]);
    await_questions(&test, LIMIT_PREVIEW_COPIES);
    await_asked(kit, LIMIT_PREVIEW_COPIES + 1);
    stop(kit, calls, &thread);
    for (int i = 0; i < LIMIT_PREVIEW_COPIES; i++)
        while (!rpc_call_cancelled(test.held[i].preview->reply.call))
            sched_yield();
    while (!look(kit).useless)
        sched_yield();
    atomic_store(&test.answers, true);
    for (int i = 0; i < LIMIT_PREVIEW_COPIES; i++)
        answer(&test, i);
    pthread_join(thread, NULL);
    assert_int_equal(look(kit).asked, 0);
    assert_int_equal(atomic_load(&test.count), LIMIT_PREVIEW_COPIES);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        assert_non_null(stream_wait_end(&calls[i]));
        stream_stop(&calls[i]);
    }
}

static void test_copies_are_few(void **state)
{
    struct kit *kit = *state;
    struct test test = set_up(kit);
    kit->test = &test;
    struct stream_kit calls[LIMIT_PREVIEW_COPIES + 1];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        begin(kit, &calls[i]);
    await_questions(&test, LIMIT_PREVIEW_COPIES);
    await_asked(kit, LIMIT_PREVIEW_COPIES + 1);
    assert_int_equal(look(kit).copies, LIMIT_PREVIEW_COPIES);
    assert_int_equal(atomic_load(&test.count), LIMIT_PREVIEW_COPIES);
    atomic_store(&test.answers, true);
    answer(&test, 0); /* one of them goes on to its end, and the last has its place */
    await_asked(kit, LIMIT_PREVIEW_COPIES - 1);
    assert_int_equal(look(kit).copies, LIMIT_PREVIEW_COPIES - 1);
    for (int i = 1; i < LIMIT_PREVIEW_COPIES; i++)
        answer(&test, i);
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        assert_answered(&calls[i]);
    await_asked(kit, 0);
    assert_int_equal(look(kit).copies, 0);
}

static void test_too_many(void **state)
{
    struct kit *kit = *state;
    struct test test = set_up(kit);
    kit->test = &test;
    struct stream_kit calls[LIMIT_PREVIEWS];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        begin(kit, &calls[i]);
        await_asked(kit, (int32_t)i + 1); /* in this order */
    }
    await_questions(&test, LIMIT_PREVIEW_COPIES);
    AUTO_OUTCOME struct outcome refused =
        release(kit, "PlanRelease", "{\"moduleDeployment\":{\"metadata\":{\"name\":\"md\"}}}");
    assert_refused(&refused, ERR_LIMIT, NULL);
    assert_string_equal(refused.err->message, "16 previews are being made already");
    struct stream_kit another;
    rpc_cancel(calls[LIMIT_PREVIEWS - 1].call); /* makes room where it waits */
    while (!look(kit).useless)
        sched_yield();
    atomic_store(&test.answers, true);
    begin(kit, &another);
    for (int i = 0; i < LIMIT_PREVIEW_COPIES; i++)
        answer(&test, i);
    assert_answered(&another);
    for (size_t i = 0; i + 1 < ARRAY_LEN(calls); i++)
        assert_answered(&calls[i]);
    stream_stop(&calls[LIMIT_PREVIEWS - 1]);
    await_asked(kit, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_others_have_their_turns), TEST(test_the_client_leaves),
        TEST(test_the_server_stops),        TEST(test_the_server_stops_while_one_waits),
        TEST(test_copies_are_few),          TEST(test_too_many),
    };
    return cmocka_run_group_tests(tests, init_rpc, shut_rpc);
}
