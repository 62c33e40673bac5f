/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_COUNTER_TEST_KIT_H
#define KOUPLELESS_BASE_COUNTER_TEST_KIT_H

#include <pthread.h>
#include <time.h>

#include "lib/base/assert.h"

/* A count that can be waited for, from any thread: how a test learns that a callback has run. */

#define WATCHDOG_S 60 /* longer than anything in a test takes; then it fails instead of hanging */

struct counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};

#define COUNTER_INIT                                                                               \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                     \
    }

static inline void counter_add(struct counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    counter->count++;
    pthread_cond_broadcast(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
}

static inline int counter_get(struct counter *counter)
{
    pthread_mutex_lock(&counter->lock);
    int count = counter->count;
    pthread_mutex_unlock(&counter->lock);
    return count;
}

/** counter_wait() - until it is at least @count; ends the program after the watchdog's time. Any thread. */
static inline void counter_wait(struct counter *counter, int count)
{
    struct timespec until;
    int late = 0;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WATCHDOG_S;
    pthread_mutex_lock(&counter->lock);
    while (counter->count < count && !late)
        late = pthread_cond_timedwait(&counter->changed, &counter->lock, &until);
    pthread_mutex_unlock(&counter->lock);
    ASSERT(!late);
}

#endif
