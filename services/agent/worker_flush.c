/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/mem.h"
#include "services/agent/worker.h"

struct flush_job {
    struct worker_job job;
    void (*done)(void *user);
    void *user;
};

static void work_nothing(struct worker_job *job)
{
    (void)job;
}

static void on_flushed(struct worker_job *worker_job)
{
    struct flush_job *job = CONTAINER_OF(worker_job, struct flush_job, job);
    job->done(job->user);
    mem_free(job);
}

/* Jobs run in their order. */
void worker_flush(struct worker *worker, void (*done)(void *user), void *user)
{
    struct flush_job *job = NEW(struct flush_job);
    *job = (struct flush_job){{.work = work_nothing, .done = on_flushed}, done, user};
    worker_start(worker, &job->job);
}
