/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/ctl/workqueue.h"

static int setup(void **state)
{
    *state = workqueue_new();
    return 0;
}

static int teardown(void **state)
{
    workqueue_free(*state);
    return 0;
}

/* Takes and finishes all that is ready at @now_ms. */
static void expect(struct workqueue *queue, int64_t now_ms, const char *keys)
{
    AUTO_STR struct str taken = STR_INIT(1000);
    for (const char *key; (key = workqueue_take(queue, now_ms)) != NULL;) {
        str_printf(&taken, "%s%s", taken.len ? " " : "", key);
        workqueue_done(queue, key);
    }
    assert_string_equal(str_text(&taken), keys);
}

static void keys_come_in_the_order_they_were_added(void **state)
{
    struct workqueue *queue = *state;
    char key[] = "b";
    assert_null(workqueue_take(queue, 0));
    assert_true(workqueue_next_ms(queue) == TIME_NEVER);
    workqueue_add(queue, key);
    key[0] = 'x'; /* was copied */
    workqueue_add(queue, "a");
    workqueue_add(queue, "b"); /* is there already */
    workqueue_add(queue, "");
    assert_int_equal(workqueue_len(queue), 3);
    assert_int_equal(workqueue_next_ms(queue), 0);
    expect(queue, 0, "b a ");
    assert_int_equal(workqueue_len(queue), 0);
    workqueue_add(queue, "a"); /* as if it had never been there */
    expect(queue, 0, "a");
}

static void a_key_is_worked_on_once_at_a_time(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add(queue, "a");
    const char *a = workqueue_take(queue, 0);
    assert_string_equal(a, "a");
    workqueue_add(queue, "a");
    workqueue_add(queue, "a");
    workqueue_add(queue, "b");
    assert_int_equal(workqueue_len(queue), 2);
    const char *b = workqueue_take(queue, 0);
    assert_string_equal(b, "b");
    assert_null(workqueue_take(queue, 0));
    assert_true(workqueue_next_ms(queue) == TIME_NEVER);
    assert_string_equal(a, "a"); /* valid until it is done */
    workqueue_done(queue, "b");
    workqueue_done(queue, a);
    assert_int_equal(workqueue_next_ms(queue), 0);
    expect(queue, 0, "a"); /* once, however often it was added meanwhile */
    assert_int_equal(workqueue_len(queue), 0);
}

static void a_key_added_while_worked_on_queues_behind(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add(queue, "a");
    workqueue_add(queue, "b");
    const char *a = workqueue_take(queue, 0);
    workqueue_add(queue, "a");
    workqueue_done(queue, a);
    expect(queue, 0, "b a");
}

static void delayed_keys_wait_for_their_time(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add_at(queue, "c", 30);
    workqueue_add_at(queue, "a", 10);
    workqueue_add_at(queue, "b", 20);
    workqueue_add_at(queue, "never", TIME_NEVER);
    assert_int_equal(workqueue_len(queue), 3);
    assert_int_equal(workqueue_next_ms(queue), 10);
    expect(queue, 9, "");
    expect(queue, 10, "a");
    assert_int_equal(workqueue_next_ms(queue), 20);
    expect(queue, 100, "b c");
    assert_true(workqueue_next_ms(queue) == TIME_NEVER);
    assert_int_equal(workqueue_len(queue), 0);
}

static void keys_of_one_time_come_in_the_order_they_were_added(void **state)
{
    struct workqueue *queue = *state;
    static const char *const keys[] = {"g", "b", "f", "a", "e", "c", "d"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        workqueue_add_at(queue, keys[i], 10);
    workqueue_add_at(queue, "h", 9);
    expect(queue, 10, "h g b f a e c d");
}

static void the_earliest_time_wins(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add_at(queue, "a", 20);
    workqueue_add_at(queue, "a", 30);
    assert_int_equal(workqueue_next_ms(queue), 20);
    workqueue_add_at(queue, "a", 10);
    workqueue_add_at(queue, "b", 15);
    workqueue_add_at(queue, "b", 5);
    expect(queue, 5, "b");
    expect(queue, 10, "a");
    expect(queue, 100, "");
}

/* Somebody wanted to look at that time: to look now does not replace it. */
static void adding_now_leaves_the_delayed_look(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add_at(queue, "a", 20);
    workqueue_add(queue, "a");
    assert_int_equal(workqueue_len(queue), 1);
    expect(queue, 0, "a");
    assert_int_equal(workqueue_next_ms(queue), 20);
    expect(queue, 20, "a");
    assert_int_equal(workqueue_len(queue), 0);
}

static void a_time_that_comes_while_worked_on_waits_for_the_end(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add(queue, "a");
    const char *a = workqueue_take(queue, 0);
    workqueue_add_at(queue, "a", 10);
    assert_null(workqueue_take(queue, 10));
    assert_true(workqueue_next_ms(queue) == TIME_NEVER);
    workqueue_done(queue, a);
    expect(queue, 10, "a");

    workqueue_add(queue, "a");
    a = workqueue_take(queue, 10);
    workqueue_add_at(queue, "a", 20); /* comes after the end */
    workqueue_done(queue, a);
    expect(queue, 19, "");
    expect(queue, 20, "a");
}

/* What a caller does about failures: each failed attempt comes back later than the last. */
static void failures_come_back_later_and_later(void **state)
{
    struct workqueue *queue = *state;
    AUTO_STR struct str times = STR_INIT(1000);
    workqueue_add(queue, "a");
    int64_t now_ms = 0;
    for (int attempt = 1; attempt <= 6; attempt++) {
        const char *key = workqueue_take(queue, now_ms);
        assert_string_equal(key, "a");
        workqueue_add_at(queue, key, now_ms + backoff_ms(attempt, 100, 1000, NULL));
        workqueue_done(queue, key);
        assert_null(workqueue_take(queue, now_ms));
        now_ms = workqueue_next_ms(queue);
        str_printf(&times, "%d ", (int)now_ms);
    }
    assert_string_equal(str_text(&times), "100 300 700 1500 2500 3500 ");
}

static void what_is_left_is_freed(void **state)
{
    struct workqueue *queue = *state;
    workqueue_add(queue, "working");
    workqueue_take(queue, 0);
    workqueue_add(queue, "ready");
    workqueue_add_at(queue, "waiting", 10);
    workqueue_add_at(queue, "working", 10);
    workqueue_free(NULL);
}

/* -- against the plainest model -- */

#define KEYS 12

struct model {
    struct {
        bool ready, working, again;
        int64_t due_ms;
        int ready_order, due_order;
    } keys[KEYS];
    int next_order;
};

static void model_ready(struct model *model, int n)
{
    if (model->keys[n].working) {
        model->keys[n].again = true;
    } else if (!model->keys[n].ready) {
        model->keys[n].ready = true;
        model->keys[n].ready_order = model->next_order++;
    }
}

static bool model_before(const struct model *model, bool waiting, int a, int b)
{
    if (!waiting)
        return model->keys[a].ready_order < model->keys[b].ready_order;
    if (model->keys[a].due_ms != model->keys[b].due_ms)
        return model->keys[a].due_ms < model->keys[b].due_ms;
    return model->keys[a].due_order < model->keys[b].due_order;
}

/* The first of those whose time has come, or of those that are ready; -1 = none. */
static int model_first(const struct model *model, bool waiting, int64_t now_ms)
{
    int first = -1;
    for (int n = 0; n < KEYS; n++) {
        bool candidate = waiting ? model->keys[n].due_ms <= now_ms : model->keys[n].ready;
        if (candidate && (first < 0 || model_before(model, waiting, n, first)))
            first = n;
    }
    return first;
}

static int model_take(struct model *model, int64_t now_ms)
{
    for (int n; (n = model_first(model, true, now_ms)) >= 0;) {
        model->keys[n].due_ms = TIME_NEVER;
        model_ready(model, n);
    }
    int n = model_first(model, false, now_ms);
    if (n >= 0) {
        model->keys[n].ready = false;
        model->keys[n].working = true;
    }
    return n;
}

static void model_add_at(struct model *model, int n, int64_t due_ms)
{
    if (due_ms >= model->keys[n].due_ms)
        return;
    model->keys[n].due_ms = due_ms;
    model->keys[n].due_order = model->next_order++;
}

static void model_done(struct model *model, int n)
{
    model->keys[n].working = false;
    if (model->keys[n].again)
        model_ready(model, n);
    model->keys[n].again = false;
}

static size_t model_len(const struct model *model)
{
    size_t len = 0;
    for (int n = 0; n < KEYS; n++)
        len +=
            model->keys[n].ready || model->keys[n].working || model->keys[n].due_ms != TIME_NEVER;
    return len;
}

static void behaves_like_the_model(void **state)
{
    struct workqueue *queue = *state;
    struct model model = {0};
    struct rand rand;
    int64_t now_ms = 0;
    rand_seed(&rand, 11);
    for (int n = 0; n < KEYS; n++)
        model.keys[n].due_ms = TIME_NEVER;
    for (int step = 0; step < 50000; step++) {
        int n = (int)rand_below(&rand, KEYS);
        char key[] = {(char)('a' + n), '\0'};
        switch (rand_below(&rand, 4)) {
        case 0:
            workqueue_add(queue, key);
            model_ready(&model, n);
            break;
        case 1: {
            int64_t due_ms = now_ms + (int64_t)rand_below(&rand, 10);
            workqueue_add_at(queue, key, due_ms);
            model_add_at(&model, n, due_ms);
            break;
        }
        case 2: {
            now_ms += (int64_t)rand_below(&rand, 3);
            int expected = model_take(&model, now_ms);
            const char *taken = workqueue_take(queue, now_ms);
            assert_int_equal(taken ? *taken - 'a' : -1, expected);
            break;
        }
        default:
            if (model.keys[n].working) {
                workqueue_done(queue, key);
                model_done(&model, n);
            }
        }
        assert_int_equal(workqueue_len(queue), model_len(&model));
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_come_in_the_order_they_were_added),
        TEST(a_key_is_worked_on_once_at_a_time),
        TEST(a_key_added_while_worked_on_queues_behind),
        TEST(delayed_keys_wait_for_their_time),
        TEST(keys_of_one_time_come_in_the_order_they_were_added),
        TEST(the_earliest_time_wins),
        TEST(adding_now_leaves_the_delayed_look),
        TEST(a_time_that_comes_while_worked_on_waits_for_the_end),
        TEST(failures_come_back_later_and_later),
        TEST(what_is_left_is_freed),
        TEST(behaves_like_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
