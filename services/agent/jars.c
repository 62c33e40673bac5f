/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fetch: a file from the cache, a download (jar_download.c), or a copy of a local file; then the check on the
 * worker, which also moves the file to its place in the cache (jar_cache.c). Every fetch writes to a file of its own,
 * so two of them never meet before the rename, which is atomic. A fetch of what another one is fetching already follows
 * that one.
 *
 * The cache is tidied when a new jar has come, and where the disk is full, but never while a jar is being checked: it may
 * be in its place already, and nobody says yet that it is needed.
 */
#include "services/agent/jars.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/map.h"
#include "lib/base/str.h"
#include "services/agent/jar_cache.h"
#include "services/agent/jar_download.h"
#include "services/agent/jar_url.h"

struct jars {
    struct jars_options options;
    struct jar_cache cache;
    bool closed;
    struct list fetches; /* but those that follow another */
    size_t checking;
    int64_t used_ns;       /* what the jar that was used last has as its time */
    struct list new_ones;  /* fetches that are over when the cache is tidy */
    struct list full_ones; /* that go on where there is room then */
    struct tidying {
        struct worker_job job;
        bool runs;
        bool due;        /* a jar has come */
        bool full;       /* whatever can go goes */
        struct map kept; /* digests of jars that can't */
        int64_t freed;
    } tidying;
    void (*each_kept)(void *owner, void (*fn)(void *user, const char *digest), void *user);
    void *owner;
};

struct fetch {
    struct list node;      /* in jars->fetches, or in followers of another */
    struct list followers; /* fetches of the same */
    struct list waiting;   /* in a list of jars */
    struct worker_job job;
    struct loop_event no_url;
    struct jar_download download;
    struct jars *jars;
    struct module_spec module; /* copies */
    char *shown;               /* its url, in messages */
    char *path;                /* the file to check */
    char *source;              /* local file to copy first, or NULL */
    bool temporary;            /* path is ours to move or remove */
    bool cached;               /* path was there before */
    bool damaged;              /* and is not what its name says */
    bool distrusted;           /* it was damaged: the cache is not asked again */
    bool made_room;            /* once is enough */
    int64_t used_ns;           /* wall: when it was used */
    enum jars_stage stage;
    struct jar *jar;
    struct failure failure;
    struct jars_progress *progress; /* or NULL */
    void (*on_stage)(void *user, enum jars_stage stage);
    jars_done_fn done;
    void *user;
};

/* -- life of jars -- */

int jars_new(struct jars **out, const struct jars_options *options, struct err **err)
{
    struct jars *jars = NEW(struct jars);
    jars->options = *options;
    list_init(&jars->fetches);
    list_init(&jars->new_ones);
    list_init(&jars->full_ones);
    if (jar_cache_open(&jars->cache, options->cache_dir, loop_wall_ms(options->loop), err) < 0) {
        jars_free(jars);
        return -1;
    }
    *out = jars;
    return 0;
}

void jars_free(struct jars *jars)
{
    if (!jars)
        return;
    jar_cache_close(&jars->cache);
    mem_free(jars);
}

void jars_keep(struct jars *jars,
               void (*each)(void *owner, void (*fn)(void *user, const char *digest), void *user),
               void *owner)
{
    jars->each_kept = each;
    jars->owner = owner;
}

const char *jars_dir(const struct jars *jars)
{
    return jars->cache.is_private ? NULL : jars->cache.dir;
}

/* -- the check: on the worker -- */

static int check_digest(struct fetch *fetch, const char *what, const char *wanted,
                        const char *found)
{
    if (str_empty(wanted) || strcasecmp(wanted, found) == 0)
        return 0;
    failure_set(&fetch->failure, FAILED_DIGEST_MISMATCH, "%s: %s is %s, not %s", fetch->shown, what,
                found, wanted);
    return -1;
}

static int check_jar(struct fetch *fetch)
{
    const struct module_spec *module = &fetch->module;
    struct jar_facts *facts = &fetch->jar->facts;
    int status = jar_file_inspect(fetch->path, !str_empty(module->md5), facts, &fetch->failure);
    /* A wrong digest says more than what the wrong bytes turn out to be. */
    if (facts->sha256 && (check_digest(fetch, "md5", module->md5, facts->md5) < 0 ||
                          check_digest(fetch, "sha256", module->sha256, facts->sha256) < 0))
        return -1;
    if (status < 0) { /* so far it names the file in the cache, which tells nobody anything */
        AUTO_FREE char *why = TAKE(fetch->failure.message);
        failure_set(&fetch->failure, fetch->failure.kind, "%s: %s", fetch->shown, why);
        return -1;
    }
    if (str_eq(facts->name, module->name) && str_eq(facts->version, module->version))
        return 0;
    failure_set(&fetch->failure, FAILED_IDENTITY_MISMATCH,
                "%s: its manifest names %s %s, not %s %s", fetch->shown, facts->name,
                facts->version, module->name, module->version);
    return -1;
}

/* Into the cache, under the digest. */
static int keep_jar(struct fetch *fetch)
{
    struct jar *jar = fetch->jar;
    AUTO_FREE char *path = jar_cache_put(&fetch->jars->cache, fetch->path, jar->facts.sha256,
                                         fetch->used_ns, &fetch->failure);
    if (!path)
        return -1;
    fetch->temporary = false;
    jar->url = mem_printf("file://%s", path);
    return 0;
}

static int check_and_keep(struct fetch *fetch)
{
    if (fetch->source) {
        fetch->temporary = true;
        if (jar_file_copy(fetch->source, fetch->path, &fetch->failure) < 0)
            return -1;
    }
    if (check_jar(fetch) < 0)
        return -1;
    if (!fetch->jars->cache.is_private)
        return keep_jar(fetch);
    fetch->jar->url = mem_strdup(fetch->module.url);
    fetch->jar->url_passed_through = true;
    return 0;
}

static void work(struct worker_job *job)
{
    struct fetch *fetch = CONTAINER_OF(job, struct fetch, job);
    fetch->jar = NEW(struct jar);
    fetch->jar->facts.sha256 = TAKE(fetch->download.sha256_digest);
    fetch->jar->facts.md5 = TAKE(fetch->download.md5_digest);
    if (check_and_keep(fetch) < 0) {
        const char *found = fetch->jar->facts.sha256;
        fetch->damaged = fetch->cached && (!found || strcasecmp(found, fetch->module.sha256) != 0);
        jar_free(TAKE(fetch->jar));
    }
    if (fetch->temporary)
        unlink(fetch->path);
}

/* -- the end: on the loop -- */

void jar_free(struct jar *jar)
{
    if (!jar)
        return;
    jar_facts_done(&jar->facts);
    mem_free(jar->url);
    mem_free(jar);
}

static void fetch_free(struct fetch *fetch)
{
    json_release(module_spec_fields, &fetch->module);
    mem_free(fetch->shown);
    mem_free(fetch->path);
    mem_free(fetch->source);
    failure_done(&fetch->failure);
    jar_download_free(&fetch->download);
    mem_free(fetch);
}

static struct jar *jar_copy(const struct jar *jar)
{
    struct jar *copy = NEW(struct jar);
    copy->facts = (struct jar_facts){
        .name = mem_strdup(jar->facts.name),
        .version = mem_strdup(jar->facts.version),
        .web_context_path = mem_strdup(jar->facts.web_context_path),
        .priority = jar->facts.priority,
        .md5 = mem_strdup(jar->facts.md5),
        .sha256 = mem_strdup(jar->facts.sha256),
    };
    copy->url = mem_strdup(jar->url);
    copy->url_passed_through = jar->url_passed_through;
    return copy;
}

static bool is_same(const struct module_spec *a, const struct module_spec *b)
{
    return str_eq(a->name, b->name) && str_eq(a->version, b->version) && str_eq(a->url, b->url) &&
           str_eq(a->md5, b->md5) && str_eq(a->sha256, b->sha256);
}

static void enter(struct fetch *fetch);

static void tell(struct fetch *fetch, struct jar *jar_taken, const struct failure *failure)
{
    fetch->done(fetch->user, jar_taken, jar_taken ? NULL : failure);
}

/* What was asked for in the same words has the same outcome; the others begin themselves: the cache may have it now. */
static void finish(struct fetch *fetch)
{
    list_remove(&fetch->node);
    if (fetch->temporary) /* what there is of it takes room */
        unlink(fetch->path);
    LIST_FOR_EACH (it, &fetch->followers) {
        struct fetch *follower = LIST_ENTRY(it, struct fetch, node);
        list_remove(it);
        if (!is_same(&fetch->module, &follower->module)) {
            enter(follower);
            continue;
        }
        if (follower->progress && fetch->progress)
            *follower->progress = *fetch->progress;
        tell(follower, fetch->jar ? jar_copy(fetch->jar) : NULL, &fetch->failure);
        fetch_free(follower);
    }
    tell(fetch, TAKE(fetch->jar), &fetch->failure);
    fetch_free(fetch);
}

static void fail_stopped(struct fetch *fetch)
{
    jar_free(TAKE(fetch->jar));
    failure_set(&fetch->failure, FAILED_OTHER, "the agent stopped");
    finish(fetch);
}

/* -- the cache is tidied -- */

static void keep_digest(void *user, const char *digest)
{
    struct jars *jars = user;
    map_put(&jars->tidying.kept, digest, jars);
}

static void tidy_on_worker(struct worker_job *job)
{
    struct jars *jars = CONTAINER_OF(job, struct jars, tidying.job);
    jars->tidying.freed = jar_cache_trim(&jars->cache, &jars->tidying.kept,
                                         jars->tidying.full ? 0 : jars->options.cache_bytes);
}

static void on_tidied(struct worker_job *job);

static void tidy(struct jars *jars)
{
    struct tidying *tidying = &jars->tidying;
    bool due = tidying->due || !list_empty(&jars->full_ones);
    if (!due || tidying->runs || jars->checking || jars->closed)
        return;
    if (jars->each_kept)
        jars->each_kept(jars->owner, keep_digest, jars);
    LIST_FOR_EACH (it, &jars->new_ones)
        keep_digest(jars, LIST_ENTRY(it, struct fetch, waiting)->jar->facts.sha256);
    tidying->runs = true;
    tidying->due = false;
    tidying->full = !list_empty(&jars->full_ones);
    tidying->job = (struct worker_job){.work = tidy_on_worker, .done = on_tidied};
    worker_start(jars->options.worker, &tidying->job);
}

static void verify(struct fetch *fetch);

static void finish_all(struct list *fetches)
{
    while (!list_empty(fetches)) {
        struct fetch *fetch = LIST_ENTRY(fetches->next, struct fetch, waiting);
        list_remove(&fetch->waiting);
        finish(fetch);
    }
}

/* There is room now, maybe enough. */
static void go_on(struct fetch *fetch)
{
    failure_done(&fetch->failure);
    list_remove(&fetch->waiting);
    if (fetch->source)
        verify(fetch);
    else
        jar_download_go_on(&fetch->download);
}

static void on_tidied(struct worker_job *job)
{
    struct jars *jars = CONTAINER_OF(job, struct jars, tidying.job);
    struct tidying *tidying = &jars->tidying;
    map_done(&tidying->kept);
    tidying->runs = false;
    finish_all(&jars->new_ones);
    if (tidying->full && tidying->freed) {
        LIST_FOR_EACH (it, &jars->full_ones)
            go_on(LIST_ENTRY(it, struct fetch, waiting));
    } else if (tidying->full) {
        finish_all(&jars->full_ones);
    }
    tidy(jars);
}

/* The disk is full: what the cache can do without goes, once. */
static bool waits_for_room(struct fetch *fetch)
{
    struct jars *jars = fetch->jars;
    if (fetch->failure.kind != FAILED_DISK_FULL || fetch->made_room || jars->cache.is_private ||
        jars->closed)
        return false;
    fetch->made_room = true;
    list_append(&jars->full_ones, &fetch->waiting);
    return true;
}

/* -- the check, seen from the loop -- */

static void begin(struct fetch *fetch);

/* What the cache has is not what its name says: it goes, and the source is asked. */
static void begin_anew(struct fetch *fetch)
{
    unlink(fetch->path);
    mem_free(TAKE(fetch->path));
    failure_done(&fetch->failure);
    fetch->cached = fetch->damaged = false;
    fetch->distrusted = true;
    begin(fetch);
}

static void on_checked(struct worker_job *job)
{
    struct fetch *fetch = CONTAINER_OF(job, struct fetch, job);
    struct jars *jars = fetch->jars;
    bool is_new = fetch->jar && !fetch->cached && !jars->cache.is_private;
    jars->checking--;
    jars->tidying.due |= is_new;
    if (jars->closed)
        fail_stopped(fetch);
    else if (fetch->damaged)
        begin_anew(fetch);
    else if (is_new && !jars->checking)
        list_append(&jars->new_ones, &fetch->waiting);
    else if (!waits_for_room(fetch))
        finish(fetch);
    tidy(jars);
}

static void tell_stage(struct fetch *fetch, enum jars_stage stage)
{
    fetch->stage = stage;
    if (fetch->on_stage)
        fetch->on_stage(fetch->user, stage);
    LIST_FOR_EACH (it, &fetch->followers)
        tell_stage(LIST_ENTRY(it, struct fetch, node), stage);
}

/* Later than that of any jar before: which one was used last shows also where several were in one millisecond. */
static int64_t next_use_ns(struct jars *jars)
{
    int64_t now_ns = loop_wall_ms(jars->options.loop) * 1000000;
    jars->used_ns = now_ns > jars->used_ns ? now_ns : jars->used_ns + 1;
    return jars->used_ns;
}

static void verify(struct fetch *fetch)
{
    tell_stage(fetch, JARS_VERIFYING);
    fetch->jars->checking++;
    fetch->used_ns = next_use_ns(fetch->jars);
    fetch->job = (struct worker_job){.work = work, .done = on_checked};
    worker_start(fetch->jars->options.worker, &fetch->job);
}

/* -- where the jar comes from -- */

static void on_downloaded(struct jar_download *download)
{
    struct fetch *fetch = CONTAINER_OF(download, struct fetch, download);
    struct jars *jars = fetch->jars;
    if (!download->failure.kind) {
        verify(fetch);
        return;
    }
    failure_set(&fetch->failure, download->failure.kind, "%s", download->failure.message);
    if (waits_for_room(fetch))
        tidy(jars);
    else
        finish(fetch);
}

static void fetch_local(struct fetch *fetch, char *path_taken)
{
    if (fetch->jars->cache.is_private) { /* read where it lies */
        fetch->path = path_taken;
    } else {
        fetch->source = path_taken;
        fetch->path = jar_cache_part(&fetch->jars->cache);
    }
    verify(fetch);
}

static void fetch_remote(struct fetch *fetch)
{
    struct jars *jars = fetch->jars;
    fetch->path = jar_cache_part(&jars->cache);
    fetch->temporary = true;
    fetch->download = (struct jar_download){
        .options = &jars->options,
        .rand = &jars->cache.rand,
        .url = fetch->module.url,
        .shown = fetch->shown,
        .path = fetch->path,
        .md5 = !str_empty(fetch->module.md5),
        .progress = fetch->progress,
        .done = on_downloaded,
    };
    tell_stage(fetch, JARS_DOWNLOADING);
    jar_download_start(&fetch->download);
}

static void on_no_url(struct loop_event *event)
{
    finish(CONTAINER_OF(event, struct fetch, no_url));
}

static void begin(struct fetch *fetch)
{
    struct jars *jars = fetch->jars;
    const char *url = fetch->module.url;
    char *local = jar_url_path(url);
    char *cached = fetch->distrusted ? NULL : jar_cache_find(&jars->cache, fetch->module.sha256);
    if (cached) {
        mem_free(local);
        fetch->path = cached;
        fetch->cached = true;
        verify(fetch);
    } else if (local) {
        fetch_local(fetch, local);
    } else if (jar_url_is_http(url)) {
        fetch_remote(fetch);
    } else {
        failure_set(&fetch->failure, FAILED_URL, "url: \"%s\" is no http:, https: or file:/// url",
                    url);
        fetch->no_url.fn = on_no_url;
        loop_post(jars->options.loop, &fetch->no_url);
    }
}

/* Whether the file that @one fetches may be what @other wants. */
static bool may_serve(const struct module_spec *one, const struct module_spec *other)
{
    if (is_same(one, other))
        return true;
    return !str_empty(one->sha256) && !str_empty(other->sha256) &&
           strcasecmp(one->sha256, other->sha256) == 0;
}

static void enter(struct fetch *fetch)
{
    struct jars *jars = fetch->jars;
    if (jars->closed) {
        fail_stopped(fetch);
        return;
    }
    LIST_FOR_EACH (it, &jars->fetches) {
        struct fetch *other = LIST_ENTRY(it, struct fetch, node);
        if (!may_serve(&other->module, &fetch->module))
            continue;
        list_append(&other->followers, &fetch->node);
        tell_stage(fetch, other->stage);
        return;
    }
    list_append(&jars->fetches, &fetch->node);
    begin(fetch);
}

void jars_fetch(struct jars *jars, const struct module_spec *module, struct jars_progress *progress,
                void (*on_stage)(void *user, enum jars_stage stage), jars_done_fn done, void *user)
{
    struct fetch *fetch = NEW(struct fetch);
    *fetch = (struct fetch){
        .jars = jars, .progress = progress, .on_stage = on_stage, .done = done, .user = user};
    list_init(&fetch->node);
    list_init(&fetch->waiting);
    list_init(&fetch->followers);
    module_spec_copy(&fetch->module, module);
    fetch->shown = jar_url_shown(module->url);
    enter(fetch);
}

void jars_close(struct jars *jars)
{
    jars->closed = true;
    LIST_FOR_EACH (it, &jars->fetches)
        jar_download_close(&LIST_ENTRY(it, struct fetch, node)->download);
    finish_all(&jars->full_ones);
}
