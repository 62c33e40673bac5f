/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ctl/loop.h"

#include <pthread.h>
#include <time.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/vec.h"

struct loop {
    struct clock *clock;
    int64_t now_ms, wall_ms; /* of this turn */
    struct {
        struct loop_timer **items;
        size_t len, cap;
    } timers; /* binary heap, the earliest first */
    uint64_t sequence;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake;
    struct list inbox;
    uint32_t inbox_len, inbox_max;
    bool stopped;
};

struct loop *loop_new(struct clock *clock, uint32_t inbox_max)
{
    struct loop *loop = NEW(struct loop);
    loop->clock = clock;
    loop->inbox_max = inbox_max;
    loop->now_ms = clock_mono_ms(clock);
    loop->wall_ms = clock_wall_ms(clock);
    list_init(&loop->inbox);
    pthread_mutex_init(&loop->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&loop->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return loop;
}

static bool inbox_empty(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool empty = list_empty(&loop->inbox);
    pthread_mutex_unlock(&loop->lock);
    return empty;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    while (!inbox_empty(loop))
        loop_turn(loop);
    VEC_DONE(&loop->timers);
    pthread_cond_destroy(&loop->wake);
    pthread_mutex_destroy(&loop->lock);
    mem_free(loop);
}

/* -- the inbox -- */

static bool post(struct loop *loop, struct loop_event *event, bool bounded)
{
    pthread_mutex_lock(&loop->lock);
    bool room = !bounded || loop->inbox_len < loop->inbox_max;
    if (room) {
        list_append(&loop->inbox, &event->node);
        loop->inbox_len++;
    }
    pthread_mutex_unlock(&loop->lock);
    if (room)
        pthread_cond_signal(&loop->wake); /* who wakes finds the lock free */
    return room;
}

void loop_post(struct loop *loop, struct loop_event *event)
{
    post(loop, event, /* bounded= */ false);
}

bool loop_offer(struct loop *loop, struct loop_event *event)
{
    return post(loop, event, /* bounded= */ true);
}

/* Runs what was in the inbox when it began: events that handlers post wait for the next turn. */
static void run_inbox(struct loop *loop)
{
    struct list todo;
    list_init(&todo);
    pthread_mutex_lock(&loop->lock);
    if (!list_empty(&loop->inbox)) {
        todo = loop->inbox;
        todo.next->prev = todo.prev->next = &todo;
        list_init(&loop->inbox);
        loop->inbox_len = 0;
    }
    pthread_mutex_unlock(&loop->lock);
    while (!list_empty(&todo)) {
        struct loop_event *event = LIST_ENTRY(todo.next, struct loop_event, node);
        list_remove(&event->node);
        event->fn(event);
    }
}

/* -- timers -- */

static bool earlier(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->sequence < b->sequence;
}

static void put(struct loop *loop, size_t i, struct loop_timer *timer)
{
    loop->timers.items[i] = timer;
    timer->heap_at = (uint32_t)i + 1;
}

static void sift_up(struct loop *loop, size_t i)
{
    struct loop_timer *timer = loop->timers.items[i];
    for (; i > 0 && earlier(timer, loop->timers.items[(i - 1) / 2]); i = (i - 1) / 2)
        put(loop, i, loop->timers.items[(i - 1) / 2]);
    put(loop, i, timer);
}

static void sift_down(struct loop *loop, size_t i)
{
    struct loop_timer *timer = loop->timers.items[i];
    for (size_t child = 2 * i + 1; child < loop->timers.len; child = 2 * i + 1) {
        if (child + 1 < loop->timers.len &&
            earlier(loop->timers.items[child + 1], loop->timers.items[child]))
            child++;
        if (!earlier(loop->timers.items[child], timer))
            break;
        put(loop, i, loop->timers.items[child]);
        i = child;
    }
    put(loop, i, timer);
}

void loop_timer_init(struct loop_timer *timer, void (*fn)(struct loop_timer *timer))
{
    *timer = (struct loop_timer){.fn = fn, .due_ms = TIME_NEVER};
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->heap_at)
        return;
    size_t i = timer->heap_at - 1;
    struct loop_timer *last = loop->timers.items[--loop->timers.len];
    timer->heap_at = 0;
    timer->due_ms = TIME_NEVER;
    if (last != timer) {
        put(loop, i, last);
        sift_up(loop, i);
        sift_down(loop, last->heap_at - 1);
    }
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t due_ms)
{
    ASSERT(timer->fn);
    loop_timer_stop(loop, timer);
    /* Past is now: a timer that always starts itself in the past would be before all others for ever. */
    timer->due_ms = due_ms > loop->now_ms ? due_ms : loop->now_ms;
    timer->sequence = loop->sequence++;
    VEC_PUSH(&loop->timers, timer);
    timer->heap_at = (uint32_t)loop->timers.len;
    sift_up(loop, loop->timers.len - 1);
}

/*
 * Runs the timers that are due and were started before this turn (their sequence is below @before): one
 * that starts itself anew at "now" waits.
 */
static void run_timers(struct loop *loop, uint64_t before)
{
    while (loop->timers.len) {
        struct loop_timer *first = loop->timers.items[0];
        if (first->due_ms > loop->now_ms || first->sequence >= before)
            break;
        loop_timer_stop(loop, first);
        first->fn(first);
    }
}

/* -- turns -- */

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

int64_t loop_wall_ms(const struct loop *loop)
{
    return loop->wall_ms;
}

int64_t loop_turn(struct loop *loop)
{
    loop->now_ms = clock_mono_ms(loop->clock);
    loop->wall_ms = clock_wall_ms(loop->clock);
    uint64_t before = loop->sequence;
    run_inbox(loop);
    run_timers(loop, before);
    return loop_next_ms(loop);
}

int64_t loop_next_ms(struct loop *loop)
{
    if (!inbox_empty(loop))
        return loop->now_ms;
    return loop->timers.len ? loop->timers.items[0]->due_ms : TIME_NEVER;
}

/* Sleeps until @until_ms, an event, or the end. Return: it is the end. */
static bool sleep_until(struct loop *loop, int64_t until_ms)
{
    struct timespec at = {.tv_sec = until_ms / 1000, .tv_nsec = (long)(until_ms % 1000) * 1000000};
    int timed_out = 0;
    pthread_mutex_lock(&loop->lock);
    while (list_empty(&loop->inbox) && !loop->stopped && !timed_out) {
        if (until_ms == TIME_NEVER)
            pthread_cond_wait(&loop->wake, &loop->lock);
        else
            timed_out = pthread_cond_timedwait(&loop->wake, &loop->lock, &at);
    }
    bool stopped = loop->stopped;
    loop->stopped = false;
    pthread_mutex_unlock(&loop->lock);
    return stopped;
}

void loop_wait(struct loop *loop, int64_t until_ms)
{
    sleep_until(loop, until_ms);
}

void loop_run(struct loop *loop)
{
    while (!sleep_until(loop, loop_turn(loop)))
        ;
}

void loop_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->stopped = true;
    pthread_cond_signal(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
}
