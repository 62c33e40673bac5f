/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/worker.h"

#include <pthread.h>

#include "lib/base/assert.h"

struct worker {
    struct loop *loop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct list jobs;
    bool stopped;
};

static void on_done(struct loop_event *event)
{
    struct worker_job *job = CONTAINER_OF(event, struct worker_job, event);
    job->done(job);
}

static struct worker_job *take(struct worker *worker)
{
    struct worker_job *job = NULL;
    pthread_mutex_lock(&worker->lock);
    while (list_empty(&worker->jobs) && !worker->stopped)
        pthread_cond_wait(&worker->filled, &worker->lock);
    if (!list_empty(&worker->jobs)) {
        job = LIST_ENTRY(worker->jobs.next, struct worker_job, node);
        list_remove(&job->node);
    }
    pthread_mutex_unlock(&worker->lock);
    return job;
}

static void *work(void *user)
{
    struct worker *worker = user;
    struct worker_job *job;
    while ((job = take(worker))) {
        job->work(job);
        job->event.fn = on_done;
        loop_post(worker->loop, &job->event);
    }
    return NULL;
}

struct worker *worker_new(struct loop *loop)
{
    struct worker *worker = NEW(struct worker);
    worker->loop = loop;
    list_init(&worker->jobs);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->filled, NULL);
    ASSERT(pthread_create(&worker->thread, NULL, work, worker) == 0);
    return worker;
}

void worker_start(struct worker *worker, struct worker_job *job)
{
    pthread_mutex_lock(&worker->lock);
    list_append(&worker->jobs, &job->node);
    pthread_mutex_unlock(&worker->lock);
    pthread_cond_signal(&worker->filled); /* who wakes finds the lock free */
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stopped = true;
    pthread_cond_signal(&worker->filled);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->filled);
    mem_free(worker);
}
