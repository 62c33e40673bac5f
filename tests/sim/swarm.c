/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/swarm.h"

#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

#define CHUNK 50 /* seeds of one process */
#define SHOW_EVERY_MS 5000

struct worker {
    pid_t pid; /* 0 = none */
    int fd;    /* tells how each seed ended: a byte */
    uint64_t next, end;
};

struct swarm {
    const struct swarm_options *options;
    struct worker *workers;
    uint64_t next; /* not given to a worker yet */
    uint64_t done, failed;
    int64_t begun_ms, shown_ms;
};

_Noreturn static void work(const struct swarm_options *options, int fd, uint64_t seed, uint64_t end)
{
    for (; seed < end; seed++) {
        char ok = options->run(options->user, seed);
        (void)fflush(stdout);
        if (write(fd, &ok, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

static void start(struct swarm *swarm, struct worker *worker)
{
    int fds[2];
    int r = pipe(fds);
    ASSERT(r == 0);
    (void)fflush(stdout);
    worker->pid = fork();
    ASSERT(worker->pid >= 0);
    if (worker->pid == 0) {
        (void)close(fds[0]);
        work(swarm->options, fds[1], worker->next, worker->end);
    }
    (void)close(fds[1]);
    worker->fd = fds[0];
}

static void start_next(struct swarm *swarm, struct worker *worker)
{
    uint64_t end = swarm->options->from + swarm->options->count;
    worker->next = swarm->next;
    worker->end = swarm->next + CHUNK < end ? swarm->next + CHUNK : end;
    swarm->next = worker->end;
    if (worker->next < worker->end)
        start(swarm, worker);
}

static void note(struct swarm *swarm, struct worker *worker, bool ok)
{
    swarm->done++;
    swarm->failed += !ok;
    worker->next++;
}

/* Its process has ended; where it did so before its time, that was the seed which it worked on. */
static void ended(struct swarm *swarm, struct worker *worker)
{
    int status;
    (void)waitpid(worker->pid, &status, 0);
    (void)close(worker->fd);
    worker->pid = 0;
    if (worker->next < worker->end) {
        (void)printf("seed %llu: crashed, status %d\n", (unsigned long long)worker->next, status);
        note(swarm, worker, false);
    }
    if (worker->next < worker->end)
        start(swarm, worker);
    else
        start_next(swarm, worker);
}

static void show(struct swarm *swarm)
{
    int64_t now_ms = clock_mono_ms(clock_real());
    if (now_ms - swarm->shown_ms < SHOW_EVERY_MS)
        return;
    swarm->shown_ms = now_ms;
    (void)printf("%llu of %llu %s, %llu failed, %.0f/s\n", (unsigned long long)swarm->done,
                 (unsigned long long)swarm->options->count, swarm->options->what,
                 (unsigned long long)swarm->failed,
                 (double)swarm->done * 1e3 / (double)(now_ms - swarm->begun_ms + 1));
    (void)fflush(stdout);
}

static bool serve(struct swarm *swarm)
{
    int jobs = swarm->options->jobs, n = 0;
    AUTO_FREE struct pollfd *fds = mem_alloc((size_t)jobs * sizeof(*fds));
    AUTO_FREE struct worker **workers = mem_alloc((size_t)jobs * sizeof(*workers));
    for (int i = 0; i < jobs; i++)
        if (swarm->workers[i].pid) {
            workers[n] = &swarm->workers[i];
            fds[n++] = (struct pollfd){.fd = swarm->workers[i].fd, .events = POLLIN};
        }
    if (!n)
        return false;
    (void)poll(fds, (nfds_t)n, SHOW_EVERY_MS);
    for (int i = 0; i < n; i++) {
        char ok;
        if (!fds[i].revents)
            continue;
        if (read(fds[i].fd, &ok, 1) == 1)
            note(swarm, workers[i], ok);
        else
            ended(swarm, workers[i]);
    }
    show(swarm);
    return true;
}

uint64_t swarm_run(const struct swarm_options *options)
{
    AUTO_FREE struct worker *workers = mem_alloc((size_t)options->jobs * sizeof(*workers));
    struct swarm swarm = {.options = options, .workers = workers, .next = options->from};
    swarm.begun_ms = swarm.shown_ms = clock_mono_ms(clock_real());
    for (int i = 0; i < options->jobs; i++)
        start_next(&swarm, &workers[i]);
    while (serve(&swarm))
        ;
    (void)printf("%llu %s from %llu, %llu failed, %.1f s\n", (unsigned long long)swarm.done,
                 options->what, (unsigned long long)options->from, (unsigned long long)swarm.failed,
                 (double)(clock_mono_ms(clock_real()) - swarm.begun_ms) / 1e3);
    return swarm.failed;
}
