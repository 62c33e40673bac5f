/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/ctl/loop.h"

/* A loop on a clock that the test sets, and a record of what ran. */
struct world {
    struct clock clock;
    int64_t now_ms;
    struct loop *loop;
    struct str ran;
};

static int64_t mono_of(struct clock *clock)
{
    return CONTAINER_OF(clock, struct world, clock)->now_ms;
}

static int64_t wall_of(struct clock *clock)
{
    return CONTAINER_OF(clock, struct world, clock)->now_ms + 1000000;
}

static int setup(void **state)
{
    struct world *world = NEW(struct world);
    world->clock = (struct clock){mono_of, wall_of};
    world->now_ms = 1000;
    world->ran = STR_INIT(100000);
    world->loop = loop_new(&world->clock, 3);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    loop_free(world->loop);
    str_done(&world->ran);
    mem_free(world);
    return 0;
}

/* Turns at @now_ms and checks what ran, and when the next turn is wanted. */
static void turn(struct world *world, int64_t now_ms, const char *ran, int64_t next_ms)
{
    world->now_ms = now_ms;
    int64_t next = loop_turn(world->loop);
    assert_string_equal(str_text(&world->ran), ran);
    assert_true(next == next_ms);
    assert_true(loop_next_ms(world->loop) == next);
    str_clear(&world->ran);
}

struct timer {
    struct loop_timer timer;
    struct world *world;
    char name;
    int64_t again_ms; /* started again by itself for this time; 0 = not */
    struct timer *stops;
};

static void note_timer(struct loop_timer *timer)
{
    struct timer *t = CONTAINER_OF(timer, struct timer, timer);
    assert_true(timer->due_ms == TIME_NEVER); /* no longer started */
    str_add_char(&t->world->ran, t->name);
    if (t->again_ms)
        loop_timer_start(t->world->loop, timer, t->again_ms);
    if (t->stops)
        loop_timer_stop(t->world->loop, &t->stops->timer);
}

static void make_timers(struct world *world, struct timer *timers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        timers[i] = (struct timer){.world = world, .name = (char)('a' + i)};
        loop_timer_init(&timers[i].timer, note_timer);
    }
}

struct event {
    struct loop_event event;
    struct world *world;
    char name;
    struct event *posts;
    struct timer *starts;
};

static void note_event(struct loop_event *event)
{
    struct event *e = CONTAINER_OF(event, struct event, event);
    str_add_char(&e->world->ran, e->name);
    if (e->posts)
        loop_post(e->world->loop, &e->posts->event);
    if (e->starts)
        loop_timer_start(e->world->loop, &e->starts->timer, loop_now_ms(e->world->loop));
}

static void make_events(struct world *world, struct event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        events[i] = (struct event){.event.fn = note_event, .world = world, .name = (char)('A' + i)};
}

/* -- timers -- */

static void timers_fire_once_in_order(void **state)
{
    struct world *world = *state;
    struct timer t[4];
    make_timers(world, t, ARRAY_LEN(t));
    turn(world, 1000, "", TIME_NEVER);
    loop_timer_start(world->loop, &t[0].timer, 1030);
    loop_timer_start(world->loop, &t[1].timer, 1010);
    loop_timer_start(world->loop, &t[2].timer, 1020);
    loop_timer_start(world->loop, &t[3].timer, 1010); /* with b, started after it */
    turn(world, 1009, "", 1010);
    turn(world, 1010, "bd", 1020);
    turn(world, 1010, "", 1020);
    turn(world, 5000, "ca", TIME_NEVER);
    turn(world, 6000, "", TIME_NEVER);
}

static void a_timer_can_be_stopped_and_moved(void **state)
{
    struct world *world = *state;
    struct timer t[3];
    make_timers(world, t, ARRAY_LEN(t));
    loop_timer_stop(world->loop, &t[0].timer); /* was never started */
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        loop_timer_start(world->loop, &t[i].timer, 1010 + (int64_t)i);
    loop_timer_stop(world->loop, &t[1].timer);
    loop_timer_stop(world->loop, &t[1].timer);
    loop_timer_start(world->loop, &t[0].timer, 1020); /* later than before */
    turn(world, 1011, "", 1012);
    turn(world, 1012, "c", 1020);
    loop_timer_start(world->loop, &t[0].timer, 1015); /* earlier */
    turn(world, 1015, "a", TIME_NEVER);
    loop_timer_start(world->loop, &t[0].timer, TIME_NEVER);
    turn(world, 1016, "", TIME_NEVER);
    loop_timer_stop(world->loop, &t[0].timer);
}

static void a_handler_may_stop_another_due_timer(void **state)
{
    struct world *world = *state;
    struct timer t[3];
    make_timers(world, t, ARRAY_LEN(t));
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        loop_timer_start(world->loop, &t[i].timer, 1010);
    t[0].stops = &t[1];
    turn(world, 1010, "ac", TIME_NEVER);
}

static void a_timer_started_at_now_waits_for_the_next_turn(void **state)
{
    struct world *world = *state;
    struct timer t[2];
    struct event e[1];
    make_timers(world, t, ARRAY_LEN(t));
    make_events(world, e, ARRAY_LEN(e));
    e[0].starts = &t[0];
    loop_post(world->loop, &e[0].event);
    turn(world, 1000, "A", 1000); /* started by an event */
    turn(world, 1000, "a", TIME_NEVER);
    t[0].again_ms = 1000;
    loop_timer_start(world->loop, &t[0].timer, 1000);
    turn(world, 1000, "a", 1000); /* by itself */
    turn(world, 1000, "a", 1000);
    loop_timer_stop(world->loop, &t[0].timer);
}

/* One that always wants to run at once, and says so by a time long past. */
static void no_timer_starves_the_others(void **state)
{
    struct world *world = *state;
    struct timer t[3];
    make_timers(world, t, ARRAY_LEN(t));
    t[0].again_ms = 1;
    loop_timer_start(world->loop, &t[0].timer, 1);
    loop_timer_start(world->loop, &t[1].timer, 1005);
    loop_timer_start(world->loop, &t[2].timer, -5);
    turn(world, 1004, "ac", 1004);
    turn(world, 1005, "ab", 1005);
    turn(world, 1006, "a", 1006);
    loop_timer_stop(world->loop, &t[0].timer);
}

/* Against the plainest model: an array that is searched for the earliest. */
static void many_timers_keep_their_order(void **state)
{
    struct world *world = *state;
    struct timer t[26];
    struct rand rand;
    int64_t due_ms[ARRAY_LEN(t)];
    int order[ARRAY_LEN(t)], next_order = 0;
    make_timers(world, t, ARRAY_LEN(t));
    rand_seed(&rand, 5);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        due_ms[i] = TIME_NEVER;
    for (int step = 0; step < 3000; step++) {
        for (int i = 0; i < 5; i++) {
            size_t n = (size_t)rand_below(&rand, ARRAY_LEN(t));
            bool start = rand_below(&rand, 4) > 0;
            due_ms[n] = start ? world->now_ms + 1 + (int64_t)rand_below(&rand, 20) : TIME_NEVER;
            order[n] = next_order++;
            if (start)
                loop_timer_start(world->loop, &t[n].timer, due_ms[n]);
            else
                loop_timer_stop(world->loop, &t[n].timer);
        }
        int64_t now_ms = world->now_ms + (int64_t)rand_below(&rand, 5), next_ms = TIME_NEVER;
        AUTO_STR struct str expected = STR_INIT(100);
        for (;;) {
            size_t first = 0;
            for (size_t i = 1; i < ARRAY_LEN(t); i++)
                if (due_ms[i] < due_ms[first] ||
                    (due_ms[i] != TIME_NEVER && due_ms[i] == due_ms[first] &&
                     order[i] < order[first]))
                    first = i;
            next_ms = due_ms[first];
            if (next_ms > now_ms)
                break;
            str_add_char(&expected, t[first].name);
            due_ms[first] = TIME_NEVER;
        }
        turn(world, now_ms, str_text(&expected), next_ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        loop_timer_stop(world->loop, &t[i].timer);
}

static void time_is_read_once_per_turn(void **state)
{
    struct world *world = *state;
    assert_int_equal(loop_now_ms(world->loop), 1000);
    world->now_ms = 2000;
    assert_int_equal(loop_now_ms(world->loop), 1000);
    assert_int_equal(loop_wall_ms(world->loop), 1001000);
    loop_turn(world->loop);
    assert_int_equal(loop_now_ms(world->loop), 2000);
    assert_int_equal(loop_wall_ms(world->loop), 1002000);
}

/* -- the inbox -- */

static void events_run_in_the_order_of_arrival(void **state)
{
    struct world *world = *state;
    struct event e[4];
    struct timer t[1];
    make_events(world, e, ARRAY_LEN(e));
    make_timers(world, t, ARRAY_LEN(t));
    e[0].posts = &e[3];
    loop_timer_start(world->loop, &t[0].timer, 1000);
    loop_post(world->loop, &e[2].event);
    loop_post(world->loop, &e[0].event);
    loop_post(world->loop, &e[1].event);
    turn(world, 1000, "CABa", 1000); /* timers after events; what was posted meanwhile waits */
    turn(world, 1001, "D", TIME_NEVER);
}

static void an_event_may_be_posted_again_by_its_handler(void **state)
{
    struct world *world = *state;
    struct event e[1];
    make_events(world, e, ARRAY_LEN(e));
    e[0].posts = &e[0];
    loop_post(world->loop, &e[0].event);
    turn(world, 1000, "A", 1000);
    turn(world, 1000, "A", 1000);
    e[0].posts = NULL;
    turn(world, 1000, "A", TIME_NEVER);
}

static void what_is_offered_is_bounded_and_what_is_posted_is_not(void **state)
{
    struct world *world = *state;
    struct event e[6];
    make_events(world, e, ARRAY_LEN(e));
    assert_true(loop_offer(world->loop, &e[0].event));
    assert_true(loop_offer(world->loop, &e[1].event));
    loop_post(world->loop, &e[2].event);
    assert_false(loop_offer(world->loop, &e[3].event)); /* three are there */
    loop_post(world->loop, &e[4].event);
    turn(world, 1000, "ABCE", TIME_NEVER);
    assert_true(loop_offer(world->loop, &e[3].event)); /* room again */
    turn(world, 1000, "D", TIME_NEVER);
}

static void what_is_in_the_inbox_at_the_end_is_run(void **state)
{
    struct world *world = *state;
    struct event e[2];
    make_events(world, e, ARRAY_LEN(e));
    e[0].posts = &e[1];
    loop_post(world->loop, &e[0].event);
    loop_free(world->loop);
    world->loop = NULL;
    assert_string_equal(str_text(&world->ran), "AB");
    loop_free(NULL);
}

/* -- running, on the real clock -- */

static void stop_by_timer(struct loop_timer *timer)
{
    struct timer *t = CONTAINER_OF(timer, struct timer, timer);
    str_add_char(&t->world->ran, t->name);
    loop_stop(t->world->loop);
}

static void run_sleeps_until_a_timer_and_may_run_again(void **state)
{
    struct world *world = *state;
    struct timer t[1];
    struct loop *made_up = world->loop;
    world->loop = loop_new(clock_real(), 3);
    make_timers(world, t, ARRAY_LEN(t));
    t[0].timer.fn = stop_by_timer;
    for (int i = 0; i < 3; i++) {
        int64_t due_ms = clock_mono_ms(clock_real()) + 2;
        loop_timer_start(world->loop, &t[0].timer, due_ms);
        loop_run(world->loop);
        assert_true(clock_mono_ms(clock_real()) >= due_ms);
    }
    assert_string_equal(str_text(&world->ran), "aaa");
    loop_free(world->loop);
    world->loop = made_up;
}

static void a_stop_before_the_run_ends_it_after_one_turn(void **state)
{
    struct world *world = *state;
    struct event e[1];
    make_events(world, e, ARRAY_LEN(e));
    loop_post(world->loop, &e[0].event);
    loop_stop(world->loop);
    loop_run(world->loop);
    assert_string_equal(str_text(&world->ran), "A");
}

#define ROUNDS 2000

/* Ping-pong: the loop has nothing to do and sleeps until the other thread posts. */
struct match {
    struct loop_event event;
    struct loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    bool out; /* the event is on its way */
    int rounds;
    pthread_t loop_thread;
};

static void return_ball(struct loop_event *event)
{
    struct match *match = CONTAINER_OF(event, struct match, event);
    assert_true(pthread_equal(pthread_self(), match->loop_thread));
    match->rounds++;
    pthread_mutex_lock(&match->lock);
    match->out = false;
    pthread_cond_signal(&match->returned);
    pthread_mutex_unlock(&match->lock);
}

static void *play(void *arg)
{
    struct match *match = arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&match->lock);
        match->out = true;
        loop_post(match->loop, &match->event);
        while (match->out)
            pthread_cond_wait(&match->returned, &match->lock);
        pthread_mutex_unlock(&match->lock);
    }
    loop_stop(match->loop);
    return NULL;
}

static void run_in_steps(struct match *match)
{
    while (match->rounds < ROUNDS)
        loop_wait(match->loop, loop_turn(match->loop));
}

static void play_all_rounds(bool in_steps)
{
    struct match match = {.event.fn = return_ball,
                          .loop = loop_new(clock_real(), 3),
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .returned = PTHREAD_COND_INITIALIZER,
                          .loop_thread = pthread_self()};
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, play, &match), 0);
    if (in_steps)
        run_in_steps(&match);
    else
        loop_run(match.loop);
    pthread_join(other, NULL);
    assert_int_equal(match.rounds, ROUNDS);
    loop_free(match.loop);
}

static void a_post_from_another_thread_wakes_the_loop(void **state)
{
    (void)state;
    play_all_rounds(false);
}

static void a_post_from_another_thread_ends_a_wait(void **state)
{
    (void)state;
    play_all_rounds(true);
}

static void a_wait_ends_by_a_timer_or_a_stop(void **state)
{
    (void)state;
    struct loop *loop = loop_new(clock_real(), 3);
    int64_t until_ms = clock_mono_ms(clock_real()) + 2;
    loop_wait(loop, until_ms);
    assert_true(clock_mono_ms(clock_real()) >= until_ms);
    loop_stop(loop);
    loop_wait(loop, TIME_NEVER);
    loop_free(loop);
}

#define POSTERS 4
#define POSTS 5000

struct poster {
    struct loop *loop;
    int number, *left; /* posters that still post; loop thread */
    pthread_t thread;
};

struct numbered {
    struct loop_event event;
    struct poster *poster;
    int number, *last;
};

static void check_number(struct loop_event *event)
{
    struct numbered *n = CONTAINER_OF(event, struct numbered, event);
    assert_int_equal(n->number, *n->last + 1); /* each one's in its order, none lost */
    *n->last = n->number;
    if (n->number == POSTS && --*n->poster->left == 0)
        loop_stop(n->poster->loop);
    mem_free(n);
}

static int last_of[POSTERS];

static void *post_many(void *arg)
{
    struct poster *poster = arg;
    for (int i = 1; i <= POSTS; i++) {
        struct numbered *n = NEW(struct numbered);
        *n = (struct numbered){{.fn = check_number}, poster, i, &last_of[poster->number]};
        loop_post(poster->loop, &n->event);
    }
    return NULL;
}

static void many_threads_may_post(void **state)
{
    (void)state;
    struct loop *loop = loop_new(clock_real(), 3);
    struct poster posters[POSTERS];
    int left = POSTERS;
    memset(last_of, 0, sizeof(last_of));
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = loop, .number = i, .left = &left};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
    }
    loop_run(loop);
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(last_of[i], POSTS);
    }
    loop_free(loop);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_once_in_order),
        TEST(a_timer_can_be_stopped_and_moved),
        TEST(a_handler_may_stop_another_due_timer),
        TEST(a_timer_started_at_now_waits_for_the_next_turn),
        TEST(no_timer_starves_the_others),
        TEST(many_timers_keep_their_order),
        TEST(time_is_read_once_per_turn),
        TEST(events_run_in_the_order_of_arrival),
        TEST(an_event_may_be_posted_again_by_its_handler),
        TEST(what_is_offered_is_bounded_and_what_is_posted_is_not),
        TEST(what_is_in_the_inbox_at_the_end_is_run),
        TEST(run_sleeps_until_a_timer_and_may_run_again),
        TEST(a_stop_before_the_run_ends_it_after_one_turn),
        cmocka_unit_test(a_post_from_another_thread_wakes_the_loop),
        cmocka_unit_test(a_post_from_another_thread_ends_a_wait),
        cmocka_unit_test(a_wait_ends_by_a_timer_or_a_stop),
        cmocka_unit_test(many_threads_may_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
