/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CTL_WORKQUEUE_H
#define KOUPLELESS_CTL_WORKQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keys that want work, in the order they were asked for.
 *
 * A key is there once, however often it is added; a key that is being worked on (taken, not done) and
 * added again comes back after workqueue_done(). workqueue_add_at() adds it at a later time; of several
 * times the earliest wins, and workqueue_add() leaves it in place. Level-triggered: the key says where to look, not
 * what happened. One thread; time is the caller's.
 */
struct workqueue;

struct workqueue *workqueue_new(void);
void workqueue_free(struct workqueue *queue);

/** workqueue_add() - @key is copied. */
void workqueue_add(struct workqueue *queue, const char *key);

/** workqueue_add_at() - add @key once @due_ms has come. */
void workqueue_add_at(struct workqueue *queue, const char *key, int64_t due_ms);

/** workqueue_take() - Return: the next key that is ready at @now_ms (valid until its done), or NULL. */
const char *workqueue_take(struct workqueue *queue, int64_t now_ms);

/** workqueue_done() - the work on @key is over. */
void workqueue_done(struct workqueue *queue, const char *key);

/** workqueue_next_ms() - when the next key becomes ready: 0 = one is ready, TIME_NEVER = none waits. */
int64_t workqueue_next_ms(const struct workqueue *queue);

/** workqueue_len() - keys that are ready, wait for their time, or are worked on. */
size_t workqueue_len(const struct workqueue *queue);

#endif
