/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fetch: a file from the cache, a download, or a copy of a local file; then the check on the
 * worker, which also moves the file to its place in the cache. Every fetch writes to a file of its own,
 * so two of them never meet before the rename, which is atomic.
 */
#include "services/agent/jars.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

#define ATTEMPTS_MAX 3
#define STALL_MS 30000
#define PART_SUFFIX ".part"
#define PART_AGE_S 86400 /* nobody writes to it any more */
#define JAR_SUFFIX ".jar"

struct jars {
    struct jars_options options;
    char *dir;       /* absolute */
    bool is_private; /* made by us, removed at the end */
    bool closed;
    struct rand rand;
    void (*each_kept)(void *owner, void (*fn)(void *user, const char *digest), void *user);
    void *owner;
};

struct fetch {
    struct worker_job job;
    struct loop_event downloaded;
    struct jars *jars;
    struct module_spec module; /* copies */
    char *path;                /* the file to check */
    char *source;              /* local file to copy first, or NULL */
    bool temporary;            /* path is ours to move or remove */
    bool cached;               /* path was there before */
    int fd;                    /* of path, while it is downloaded */
    int64_t bytes;
    int attempts;
    bool resumed; /* the attempt under way goes on with the one before */
    struct jar *jar;
    struct map kept; /* digests of jars that stay in the cache */
    struct failure failure;
    void (*on_stage)(void *user, enum jars_stage stage);
    jars_done_fn done;
    void *user;
};

/* -- the directory -- */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    return len > suffix_len && str_eq(name + len - suffix_len, suffix);
}

/* Those last written at @until_s or before. */
static void remove_parts(const char *dir, int64_t until_s)
{
    DIR *open_dir = opendir(dir);
    struct dirent *entry;
    struct stat st;
    while (open_dir && (entry = readdir(open_dir)))
        if (has_suffix(entry->d_name, PART_SUFFIX) &&
            fstatat(dirfd(open_dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtim.tv_sec <= until_s)
            unlinkat(dirfd(open_dir), entry->d_name, 0);
    if (open_dir)
        closedir(open_dir);
}

static int make_dir(struct jars *jars, struct err **err)
{
    const char *shared = jars->options.cache_dir;
    if (!shared) {
        const char *tmp = getenv("TMPDIR");
        AUTO_FREE char *pattern = mem_printf("%s/koupleless-agent-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(pattern))
            return err_set(err, ERR_UNAVAILABLE, "%s: %s", pattern, strerror(errno));
        jars->is_private = true;
        jars->dir = mem_strdup(pattern);
        return 0;
    }
    if (mkdir(shared, 0755) < 0 && errno != EEXIST)
        return err_field(err, "--cache-dir", "%s: %s", shared, strerror(errno));
    char *resolved = realpath(shared, NULL);
    if (!resolved || access(resolved, W_OK | X_OK) < 0) {
        int number = errno;
        free(resolved);
        return err_field(err, "--cache-dir", "%s: %s", shared, strerror(number));
    }
    jars->dir = mem_strdup(resolved);
    free(resolved);
    int64_t now_s = loop_wall_ms(jars->options.loop) / 1000;
    /* Younger ones may be another agent's that runs. A clock that was set ahead may take one of those: then that
     * download fails, and is tried again; one that was set back leaves them until a later start. */
    remove_parts(jars->dir, now_s - PART_AGE_S);
    return 0;
}

int jars_new(struct jars **out, const struct jars_options *options, struct err **err)
{
    struct jars *jars = NEW(struct jars);
    jars->options = *options;
    rand_seed_from_system(&jars->rand);
    if (make_dir(jars, err) < 0) {
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
    if (jars->is_private) {
        remove_parts(jars->dir, INT64_MAX);
        rmdir(jars->dir);
    }
    mem_free(jars->dir);
    mem_free(jars);
}

void jars_keep(struct jars *jars,
               void (*each)(void *owner, void (*fn)(void *user, const char *digest), void *user),
               void *owner)
{
    jars->each_kept = each;
    jars->owner = owner;
}

void jars_close(struct jars *jars)
{
    jars->closed = true;
}

const char *jars_dir(const struct jars *jars)
{
    return jars->is_private ? NULL : jars->dir;
}

/* -- the cache: the jars used last stay, and those of modules that may have to come back -- */

struct cached {
    char *name;
    struct timespec used;
};

static int compare_used(const void *a, const void *b)
{
    const struct timespec *left = &((const struct cached *)a)->used;
    const struct timespec *right = &((const struct cached *)b)->used;
    if (left->tv_sec != right->tv_sec)
        return left->tv_sec < right->tv_sec ? 1 : -1;
    return (left->tv_nsec < right->tv_nsec) - (left->tv_nsec > right->tv_nsec);
}

static bool is_kept(const struct map *kept, const char *file)
{
    AUTO_FREE char *digest = mem_strndup(file, strlen(file) - strlen(JAR_SUFFIX));
    return map_get(kept, digest) != NULL;
}

static void remove_unused(const char *path, const struct map *kept)
{
    VEC(struct cached) found = {0};
    DIR *dir = opendir(path);
    struct dirent *entry;
    struct stat st;
    while (dir && (entry = readdir(dir)))
        if (has_suffix(entry->d_name, JAR_SUFFIX) &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
            VEC_PUSH(&found, (struct cached){mem_strdup(entry->d_name), st.st_mtim});
    if (found.len > LIMIT_CACHED_JARS)
        qsort(found.items, found.len, sizeof(*found.items), compare_used);
    for (size_t i = 0; i < found.len; i++) {
        if (i >= LIMIT_CACHED_JARS && !is_kept(kept, found.items[i].name))
            unlinkat(dirfd(dir), found.items[i].name, 0);
        mem_free(found.items[i].name);
    }
    VEC_DONE(&found);
    if (dir)
        closedir(dir);
}

/* -- the check: on the worker -- */

static int check_digest(struct fetch *fetch, const char *what, const char *wanted,
                        const char *found)
{
    if (str_empty(wanted) || strcasecmp(wanted, found) == 0)
        return 0;
    failure_set(&fetch->failure, FAILED_DIGEST_MISMATCH, "%s: %s is %s, not %s", fetch->module.url,
                what, found, wanted);
    return -1;
}

static int check_jar(struct fetch *fetch)
{
    const struct module_spec *module = &fetch->module;
    struct jar_facts *facts = &fetch->jar->facts;
    int status = jar_file_inspect(fetch->path, facts, &fetch->failure);
    /* A wrong digest says more than what the wrong bytes turn out to be. */
    if (facts->md5 && (check_digest(fetch, "md5", module->md5, facts->md5) < 0 ||
                       check_digest(fetch, "sha256", module->sha256, facts->sha256) < 0))
        return -1;
    if (status < 0) { /* so far it names the file in the cache, which tells nobody anything */
        AUTO_FREE char *why = TAKE(fetch->failure.message);
        failure_set(&fetch->failure, fetch->failure.kind, "%s: %s", module->url, why);
        return -1;
    }
    if (str_eq(facts->name, module->name) && str_eq(facts->version, module->version))
        return 0;
    failure_set(&fetch->failure, FAILED_IDENTITY_MISMATCH,
                "%s: its manifest names %s %s, not %s %s", module->url, facts->name, facts->version,
                module->name, module->version);
    return -1;
}

/* Into the cache, under the digest. */
static int keep_jar(struct fetch *fetch)
{
    struct jars *jars = fetch->jars;
    AUTO_FREE char *path = mem_printf("%s/%s" JAR_SUFFIX, jars->dir, fetch->jar->facts.sha256);
    if (!str_eq(path, fetch->path) && rename(fetch->path, path) < 0) {
        failure_set(&fetch->failure, FAILED_PULL, "%s: %s", path, strerror(errno));
        return -1;
    }
    fetch->temporary = false;
    utimensat(AT_FDCWD, path, NULL, 0);
    remove_unused(jars->dir, &fetch->kept);
    fetch->jar->url = mem_printf("file://%s", path);
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
    if (!fetch->jars->is_private)
        return keep_jar(fetch);
    fetch->jar->url = mem_strdup(fetch->module.url);
    fetch->jar->url_passed_through = true;
    return 0;
}

static void work(struct worker_job *job)
{
    struct fetch *fetch = CONTAINER_OF(job, struct fetch, job);
    fetch->jar = NEW(struct jar);
    if (check_and_keep(fetch) < 0) {
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
    mem_free(fetch->module.name);
    mem_free(fetch->module.version);
    mem_free(fetch->module.url);
    mem_free(fetch->module.md5);
    mem_free(fetch->module.sha256);
    mem_free(fetch->path);
    mem_free(fetch->source);
    failure_done(&fetch->failure);
    map_done(&fetch->kept);
    mem_free(fetch);
}

static void finish(struct fetch *fetch)
{
    struct jar *jar = TAKE(fetch->jar);
    fetch->done(fetch->user, jar, jar ? NULL : &fetch->failure);
    fetch_free(fetch);
}

static void begin(struct fetch *fetch);

/* A file of the cache that is not what its name says is damaged: it goes, and the source is asked. */
static void on_checked(struct worker_job *job)
{
    struct fetch *fetch = CONTAINER_OF(job, struct fetch, job);
    if (fetch->jar || !fetch->cached) {
        finish(fetch);
        return;
    }
    unlink(fetch->path);
    mem_free(TAKE(fetch->path));
    failure_done(&fetch->failure);
    fetch->cached = false;
    begin(fetch);
}

static void keep_digest(void *user, const char *digest)
{
    struct fetch *fetch = user;
    map_put(&fetch->kept, digest, fetch);
}

static void verify(struct fetch *fetch)
{
    if (fetch->jars->each_kept)
        fetch->jars->each_kept(fetch->jars->owner, keep_digest, fetch);
    if (fetch->on_stage)
        fetch->on_stage(fetch->user, JARS_VERIFYING);
    fetch->job = (struct worker_job){.work = work, .done = on_checked};
    worker_start(fetch->jars->options.worker, &fetch->job);
}

/* -- download -- */

static void download(struct fetch *fetch);

static bool on_body(void *user, const void *bytes, size_t len)
{
    struct fetch *fetch = user;
    fetch->bytes += (int64_t)len;
    if ((uint64_t)fetch->bytes > LIMIT_JAR) {
        failure_set(&fetch->failure, FAILED_NOT_A_MODULE, "%s: larger than 1 GiB",
                    fetch->module.url);
        return false;
    }
    if (write(fetch->fd, bytes, len) == (ssize_t)len)
        return true;
    failure_set(&fetch->failure, FAILED_DISK_FULL, "%s: %s", fetch->path,
                strerror(errno ? errno : ENOSPC));
    return false;
}

static bool worth_another_try(const struct fetch *fetch, const struct http_response *response,
                              const struct err *err)
{
    if (fetch->attempts >= ATTEMPTS_MAX || fetch->failure.kind)
        return false;
    if (err)
        return err->code == ERR_DATA_LOSS || err->code == ERR_TIMEOUT ||
               err->code == ERR_UNAVAILABLE;
    return response->status >= 500 || response->status == 416 || response->status == 200;
}

static void note_failure(struct fetch *fetch, const struct http_response *response,
                         const struct err *err)
{
    if (fetch->failure.kind)
        return;
    if (!err) {
        failure_set(&fetch->failure, FAILED_PULL, "%s: HTTP status %d", fetch->module.url,
                    response->status);
        return;
    }
    enum failure_kind kind = err->code == ERR_TIMEOUT   ? FAILED_PULL_TIMED_OUT
                             : err->code == ERR_INVALID ? FAILED_URL
                                                        : FAILED_PULL;
    failure_set(&fetch->failure, kind, "%s: %s", fetch->module.url, err->message);
}

static void on_downloaded(struct loop_event *event)
{
    struct fetch *fetch = CONTAINER_OF(event, struct fetch, downloaded);
    if (fetch->jars->closed) {
        failure_set(&fetch->failure, FAILED_OTHER, "the agent stopped");
        if (fetch->fd >= 0)
            close(fetch->fd);
        fetch->fd = -1;
    }
    if (fetch->fd >= 0) {
        download(fetch);
    } else if (fetch->failure.kind) {
        unlink(fetch->path);
        finish(fetch);
    } else {
        verify(fetch);
    }
}

/* On the client's thread. A file that stays open is to be gone on with. */
static void on_http_done(void *user, const struct http_response *response, const struct err *err)
{
    struct fetch *fetch = user;
    /* 200 to a resumed one: all of it again, behind the part that was there. */
    bool whole = !err && response->status == (fetch->resumed ? 206 : 200);
    if (!whole && worth_another_try(fetch, response, err)) {
        bool resumable = err && fetch->bytes > 0 && fetch->attempts == 1;
        if (!resumable) {
            fetch->bytes = 0;
            if (ftruncate(fetch->fd, 0) < 0 || lseek(fetch->fd, 0, SEEK_SET) < 0)
                failure_set(&fetch->failure, FAILED_PULL, "%s: %s", fetch->path, strerror(errno));
        }
    } else {
        if (!whole)
            note_failure(fetch, response, err);
        close(fetch->fd);
        fetch->fd = -1;
    }
    loop_post(fetch->jars->options.loop, &fetch->downloaded);
}

static void download(struct fetch *fetch)
{
    struct http_request request = {
        .method = "GET",
        .url = fetch->module.url,
        .timeout_ms = fetch->jars->options.download_ms,
        .stall_timeout_ms = STALL_MS,
        .follow_redirects = true,
        .use_proxy = true,
        .netrc_file = fetch->jars->options.netrc_file,
        .on_body = on_body,
        .resume_from = fetch->bytes,
    };
    fetch->attempts++;
    fetch->resumed = fetch->bytes > 0;
    http_send(fetch->jars->options.http, &request, on_http_done, fetch);
}

/* -- where the jar comes from -- */

static bool in_cache(const struct fetch *fetch, char **ret_path)
{
    const struct jars *jars = fetch->jars;
    const struct module_spec *module = &fetch->module;
    if (jars->is_private || str_empty(module->sha256))
        return false;
    AUTO_FREE char *digest = str_lower(module->sha256);
    AUTO_FREE char *path = mem_printf("%s/%s" JAR_SUFFIX, jars->dir, digest);
    if (access(path, R_OK) < 0)
        return false;
    *ret_path = TAKE(path);
    return true;
}

static char *part_path(struct jars *jars)
{
    return mem_printf("%s/%016llx" PART_SUFFIX, jars->dir,
                      (unsigned long long)rand_next(&jars->rand));
}

/* The byte that "%2f" stands for; 0 where @text is no such thing. */
static char percent_decoded(const char *text)
{
    if (text[0] != '%' || !isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
        return 0;
    char digits[] = {text[1], text[2], 0};
    return (char)strtoul(digits, NULL, 16);
}

/* The path of file:/path and file:///path, percent-encoding undone; NULL where it is no such url. */
static char *local_path(const char *url)
{
    if (strncasecmp(url, "file:", 5) != 0)
        return NULL;
    const char *path = url + 5;
    if (str_starts_with(path, "//localhost/"))
        path += strlen("//localhost");
    else if (str_starts_with(path, "///"))
        path += 2;
    if (path[0] != '/' || path[1] == '/')
        return NULL;
    struct str text = STR_INIT(LIMIT_URL);
    for (; *path; path++) {
        char decoded = percent_decoded(path);
        str_add_char(&text, decoded ? decoded : *path);
        if (decoded)
            path += 2;
    }
    return str_take(&text);
}

static void fetch_local(struct fetch *fetch, char *path_taken)
{
    if (fetch->jars->is_private) { /* read where it lies */
        fetch->path = path_taken;
    } else {
        fetch->source = path_taken;
        fetch->path = part_path(fetch->jars);
    }
    verify(fetch);
}

static void fetch_remote(struct fetch *fetch)
{
    fetch->path = part_path(fetch->jars);
    fetch->temporary = true;
    fetch->fd = open(fetch->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    fetch->downloaded.fn = on_downloaded;
    if (fetch->fd < 0) {
        failure_set(&fetch->failure, errno == ENOSPC ? FAILED_DISK_FULL : FAILED_PULL, "%s: %s",
                    fetch->path, strerror(errno));
        loop_post(fetch->jars->options.loop, &fetch->downloaded);
        return;
    }
    download(fetch);
}

static bool is_http(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

static void begin(struct fetch *fetch)
{
    const char *url = fetch->module.url;
    char *local = local_path(url);
    if (in_cache(fetch, &fetch->path)) {
        mem_free(local);
        fetch->cached = true;
        verify(fetch);
    } else if (local) {
        fetch_local(fetch, local);
    } else if (is_http(url)) {
        if (fetch->on_stage)
            fetch->on_stage(fetch->user, JARS_DOWNLOADING);
        fetch_remote(fetch);
    } else {
        failure_set(&fetch->failure, FAILED_URL, "url: \"%s\" is no http:, https: or file:/// url",
                    url);
        fetch->path = part_path(fetch->jars);
        fetch->downloaded.fn = on_downloaded;
        loop_post(fetch->jars->options.loop, &fetch->downloaded);
    }
}

void jars_fetch(struct jars *jars, const struct module_spec *module,
                void (*on_stage)(void *user, enum jars_stage stage), jars_done_fn done, void *user)
{
    struct fetch *fetch = NEW(struct fetch);
    *fetch =
        (struct fetch){.jars = jars, .fd = -1, .on_stage = on_stage, .done = done, .user = user};
    fetch->module.name = mem_strdup(module->name);
    fetch->module.version = mem_strdup(module->version);
    fetch->module.url = mem_strdup(module->url);
    fetch->module.md5 = mem_strdup(module->md5);
    fetch->module.sha256 = mem_strdup(module->sha256);
    begin(fetch);
}
