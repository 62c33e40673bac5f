/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CTL_LOOP_H
#define KOUPLELESS_CTL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/base/list.h"

/*
 * The loop: one thread owns all state of a service.
 *
 * I/O threads (gRPC completion queues, curl, SQLite) turn bytes into events and post them to the
 * loop's inbox; the loop takes them in turns, runs due timers, and calls the handlers one after the
 * other on its thread. Time is read once per turn (loop_now_ms); handlers never block. A simulator
 * drives the same loop by loop_turn() on a virtual clock and no thread at all.
 */
struct loop;

/* One message to the loop: embedded in the sender's struct; fn gets it back and frees or reuses it. */
struct loop_event {
    struct list node;
    void (*fn)(struct loop_event *event);
};

struct loop_timer {
    void (*fn)(struct loop_timer *timer);
    int64_t due_ms;    /* of the loop's monotonic clock; TIME_NEVER = not started */
    uint64_t sequence; /* equal times fire in the order they were started */
    uint32_t heap_at;  /* index + 1 in the heap */
};

/** loop_new() - @inbox_max: events that loop_offer() accepts (LIMIT_INBOX). */
struct loop *loop_new(struct clock *clock, uint32_t inbox_max);
/** loop_free() - after the threads that post; events still in the inbox are run first. */
void loop_free(struct loop *loop);

/** loop_post() - hand an event over that must not be lost (an outcome of something we started). Any thread. */
void loop_post(struct loop *loop, struct loop_event *event);

/** loop_offer() - hand over an event from outside. Return: false where the inbox is full. Any thread. */
bool loop_offer(struct loop *loop, struct loop_event *event);

/** loop_now_ms() / loop_wall_ms() - the time of this turn. Loop thread. */
int64_t loop_now_ms(const struct loop *loop);
int64_t loop_wall_ms(const struct loop *loop);

/** loop_timer_init() - before the first start. */
void loop_timer_init(struct loop_timer *timer, void (*fn)(struct loop_timer *timer));

/** loop_timer_start() - fires once at @due_ms (now or past: next turn); restarts a running one. Loop thread. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t due_ms);
/** loop_timer_stop() - it does not fire; one that does not run may be stopped, too. Loop thread. */
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/**
 * loop_turn() - what is in the inbox and due now, once; events posted meanwhile wait for the next turn
 * Return: when the next timer is due (mono ms, TIME_NEVER = none); "now" where more events wait.
 */
int64_t loop_turn(struct loop *loop);

/** loop_next_ms() - what loop_turn() would return if it were over now. Loop thread. */
int64_t loop_next_ms(struct loop *loop);

/**
 * loop_wait() - sleeps until an event, loop_stop(), or @until_ms, which loop_turn() returned. Loop thread, outside of
 * loop_run().
 */
void loop_wait(struct loop *loop, int64_t until_ms);

/** loop_run() - turns until loop_stop(), sleeping between them; may be called again. The calling thread is the loop thread. */
void loop_run(struct loop *loop);

/** loop_stop() - ends loop_run() after the turn. Any thread. */
void loop_stop(struct loop *loop);

#endif
