/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the scheduler: which are asked, and when they are asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/forecast_test_kit.h"

static void answer(struct forecast *f, const char *name, const char *why)
{
    char *names[] = {mem_strdup(name)};
    forecast_answer(f, names, name != NULL, why);
    mem_free(names[0]);
}

/* The answer before has been used up. */
static void ask_again(struct forecast *f, const char *name, int32_t count)
{
    assert_true(copy_do(f, ACTION_FORGET_PLACE, name, 0));
    assert_true(copy_do(f, ACTION_PLACE, name, count));
}

/* The same question has the same answer as long as nothing moves; that costs no call. */
static void the_same_is_asked_once(void **state)
{
    (void)state;
    struct forecast *f = copy_new(3);
    struct revision *revision = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    AUTO_FREE char *name = mem_strdup(revision->rs->meta.name);
    assert_false(forecast__find_question(f));

    assert_true(copy_do(f, ACTION_PLACE, name, 3));
    assert_true(forecast__find_question(f));
    assert_int_equal(forecast_question(f)->type, ACTION_PLACE);
    assert_int_equal(forecast_question(f)->count, 3);
    assert_int_equal(forecast_question(f)->base_count, 1);
    answer(f, "a", "NoCapacity: 1 of 3 placed");
    assert_int_equal(revision->place.state, PLACEMENT_ANSWERED);
    assert_int_equal(revision->place.offered, 1);
    assert_string_equal(revision->place.explanation, "NoCapacity: 1 of 3 placed");

    ask_again(f, name, 3);
    assert_false(forecast__find_question(f));
    ask_again(f, name, 1); /* of another number */
    assert_true(forecast__find_question(f));
    answer(f, "a", "nobody reads this");
    assert_null(revision->place.explanation); /* it is enough */

    ask_again(f, name, 1);
    assert_false(forecast__find_question(f));
    f->change++; /* something has moved */
    assert_true(forecast__find_question(f));
    answer(f, NULL, "NoCapacity: 0 of 1 placed");
    assert_int_equal(revision->place.names.len, 0);
    forecast_free(f);
}

/* Each revision has its own questions, of either kind. */
static void whose_question_it_is(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    const struct revision *first = copy_add_revision(f, "v1");
    const struct revision *second = copy_add_revision(f, "v2");
    copy_add_base(f, "a");
    copy_add(f, second, copy_module("v2", "a", MODULE_AVAILABLE));
    assert_true(copy_do(f, ACTION_EVICT, second->rs->meta.name, 1));
    assert_true(forecast__find_question(f));
    assert_int_equal(forecast_question(f)->type, ACTION_EVICT);
    assert_ptr_equal(forecast_question(f)->revision, second);
    answer(f, "v2@a", "not enough instances");
    assert_int_equal(second->evict.state, PLACEMENT_ANSWERED);
    assert_string_equal(second->evict.names.items[0], "v2@a");
    assert_int_equal(second->place.state, PLACEMENT_NONE);
    assert_int_equal(first->evict.state, PLACEMENT_NONE);
    forecast_free(f);
}

/* Said at the end: an answer that can't change, while nothing runs that might free a base. */
static void when_room_is_waited_for(void **state)
{
    (void)state;
    static const struct {
        enum action_type question; /* ACTION_REQUEUE: none */
        int32_t running;
        bool waits;
    } rows[] = {{ACTION_REQUEUE, 0, false},
                {ACTION_PLACE, 0, true},
                {ACTION_EVICT, 0, true},
                {ACTION_PLACE, 1, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        copy_add_revision(f, "v2");
        const struct revision *revision = copy_add_revision(f, "v1");
        if (rows[i].question != ACTION_REQUEUE)
            (void)copy_do(f, rows[i].question, revision->rs->meta.name, 1);
        f->running = rows[i].running;
        assert_int_equal(forecast__waits_for_room(f), rows[i].waits);
        forecast_free(f);
    }
    forecast_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_asked_once),
        cmocka_unit_test(whose_question_it_is),
        cmocka_unit_test(when_room_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
