/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent of a simulated base has on its disk: services/agent/worker.h, records_file.h, journal_file.h and jars.h.
 * Jobs take a moment each, and those of an agent that is gone are not done any more. Jars are there soon, or can't be had.
 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/jars.h"
#include "services/agent/journal_file.h"
#include "services/agent/records_file.h"
#include "tests/sim/sim_process.h"

#define JOB_MS 4
#define FETCH_MS 500

static int64_t soon(const struct sim_life *life, uint64_t at_most_ms)
{
    return loop_now_ms(life->loop) +
           (int64_t)rand_below(life->process->base->options.rand, at_most_ms + 1);
}

/* -- worker.h -- */

struct worker {
    struct sim_life *life;
    struct list jobs;
    struct loop_timer timer; /* the first one is done */
};

static const struct sim_life *working; /* whose job runs: what it writes to is not told */

static struct worker_job *take_job(struct worker *worker)
{
    struct worker_job *job = LIST_ENTRY(worker->jobs.next, struct worker_job, node);
    list_remove(&job->node);
    return job;
}

static void begin_job(struct worker *worker)
{
    if (!list_empty(&worker->jobs))
        loop_timer_start(worker->life->loop, &worker->timer, soon(worker->life, JOB_MS));
}

static void on_worked(struct loop_timer *timer)
{
    struct worker *worker = CONTAINER_OF(timer, struct worker, timer);
    struct worker_job *job = take_job(worker);
    if (!worker->life->over) {
        working = worker->life;
        job->work(job);
        working = NULL;
    }
    begin_job(worker);
    job->done(job);
}

struct worker *worker_new(struct loop *loop)
{
    (void)loop; /* that of the life */
    struct worker *worker = NEW(struct worker);
    worker->life = sim_life_starting();
    list_init(&worker->jobs);
    loop_timer_init(&worker->timer, on_worked);
    return worker;
}

void worker_start(struct worker *worker, struct worker_job *job)
{
    list_init(&job->node);
    list_append(&worker->jobs, &job->node);
    if (worker->timer.due_ms == TIME_NEVER)
        begin_job(worker);
}

static void on_dropped(struct loop_event *event)
{
    struct worker_job *job = CONTAINER_OF(event, struct worker_job, event);
    job->done(job);
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    loop_timer_stop(worker->life->loop, &worker->timer);
    while (!list_empty(&worker->jobs)) {
        struct worker_job *job = take_job(worker);
        job->event.fn = on_dropped;
        loop_post(worker->life->loop, &job->event);
    }
    mem_free(worker);
}

/* -- records_file.h: the one file that there is -- */

char *records_file_read(const char *path)
{
    (void)path; /* each base has one */
    return mem_strdup(sim_life_starting()->process->disk);
}

bool records_file_append(const char *path, const char *text)
{
    return records_file_replace(path, text); /* what was there before counts no more */
}

bool records_file_replace(const char *path, const char *text)
{
    (void)path;
    mem_replace(&working->process->disk, text);
    return true;
}

void sim_disk_done(struct sim_process *process)
{
    mem_free(TAKE(process->disk));
}

/* -- journal_file.h -- */

struct journal_file {
    struct str *text;
};

int journal_file_open(struct journal_file **out, const char *dir, struct err **err)
{
    (void)dir;
    (void)err;
    struct journal_file *file = NEW(struct journal_file);
    file->text = &sim_life_starting()->process->journal;
    *out = file;
    return 0;
}

void journal_file_close(struct journal_file *file)
{
    mem_free(file);
}

char *journal_file_read(const struct journal_file *file, size_t *ret_len, struct err **err)
{
    (void)err;
    *ret_len = file->text->len;
    return mem_strdup(str_text(file->text));
}

bool journal_file_append(struct journal_file *file, const char *text)
{
    str_add(file->text, text);
    return true;
}

bool journal_file_replace(struct journal_file *file, const char *text)
{
    str_done(file->text);
    *file->text = STR_INIT(LIMIT_JOURNAL);
    str_add(file->text, text);
    return true;
}

/* -- jars.h -- */

struct jars {
    struct sim_life *life;
    bool closed;
    struct list fetches;
};

struct fetch {
    struct list node;
    struct loop_timer timer;
    struct jars *jars;
    struct jar *jar;
    jars_done_fn done;
    void *user;
};

int jars_new(struct jars **out, const struct jars_options *options, struct err **err)
{
    (void)options;
    (void)err;
    struct jars *jars = NEW(struct jars);
    jars->life = sim_life_starting();
    list_init(&jars->fetches);
    *out = jars;
    return 0;
}

void jars_keep(struct jars *jars,
               void (*each)(void *owner, void (*fn)(void *user, const char *digest), void *user),
               void *owner)
{
    (void)jars; /* nothing is thrown away */
    (void)each;
    (void)owner;
}

const char *jars_dir(const struct jars *jars)
{
    (void)jars;
    return "/jars";
}

void jar_free(struct jar *jar)
{
    if (!jar)
        return;
    jar_facts_done(&jar->facts);
    mem_free(jar->url);
    mem_free(jar);
}

/* What it is, is a matter of its md5; so the url tells the JVM. */
static struct jar *jar_of(const struct module_spec *module)
{
    const char *digest = module->md5 ? module->md5 : "";
    struct jar *jar = NEW(struct jar);
    jar->facts.name = mem_strdup(module->name);
    jar->facts.version = mem_strdup(module->version);
    jar->facts.web_context_path = mem_strdup(sim_web_path(module->name));
    jar->facts.priority = JAR_PRIORITY_DEFAULT;
    jar->facts.md5 = mem_strdup(digest);
    jar->facts.sha256 = mem_strdup(digest);
    jar->url = mem_printf("file:///jars/%s", digest);
    return jar;
}

static void fetch_free(struct fetch *fetch)
{
    loop_timer_stop(fetch->jars->life->loop, &fetch->timer);
    list_remove(&fetch->node);
    jar_free(fetch->jar);
    mem_free(fetch);
}

static void on_fetched(struct loop_timer *timer)
{
    struct fetch *fetch = CONTAINER_OF(timer, struct fetch, timer);
    const struct sim_base_options *options = &fetch->jars->life->process->base->options;
    struct failure failure = {0};
    if (rand_below(options->rand, 1000) < (uint64_t)options->faults->pull_fails) {
        failure_set(&failure, FAILED_PULL, "it was meant to fail");
        fetch->done(fetch->user, NULL, &failure);
    } else {
        fetch->done(fetch->user, TAKE(fetch->jar), NULL);
    }
    failure_done(&failure);
    fetch_free(fetch);
}

void jars_fetch(struct jars *jars, const struct module_spec *module, struct jars_progress *progress,
                void (*on_stage)(void *user, enum jars_stage stage), jars_done_fn done, void *user)
{
    (void)progress;
    if (jars->closed)
        return;
    struct fetch *fetch = NEW(struct fetch);
    *fetch = (struct fetch){.jars = jars, .jar = jar_of(module), .done = done, .user = user};
    list_init(&fetch->node);
    list_append(&jars->fetches, &fetch->node);
    loop_timer_init(&fetch->timer, on_fetched);
    loop_timer_start(jars->life->loop, &fetch->timer, soon(jars->life, FETCH_MS));
    if (on_stage)
        on_stage(user, JARS_DOWNLOADING);
}

/* As its agent ends. */
void jars_close(struct jars *jars)
{
    jars->closed = true;
    LIST_FOR_EACH (it, &jars->fetches)
        fetch_free(LIST_ENTRY(it, struct fetch, node));
}

void jars_free(struct jars *jars)
{
    mem_free(jars);
}
