/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/jar_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "services/agent/engine/eviction.h"

#define PART_SUFFIX ".part"
#define PART_AGE_S 86400 /* nobody writes to it any more */
#define JAR_SUFFIX ".jar"
#define NS_PER_S 1000000000

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

int jar_cache_open(struct jar_cache *cache, const char *shared, int64_t wall_ms, struct err **err)
{
    *cache = (struct jar_cache){0};
    rand_seed_from_system(&cache->rand);
    if (!shared) {
        const char *tmp = getenv("TMPDIR");
        AUTO_FREE char *pattern = mem_printf("%s/koupleless-agent-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(pattern))
            return err_set(err, ERR_UNAVAILABLE, "%s: %s", pattern, strerror(errno));
        cache->is_private = true;
        cache->dir = mem_strdup(pattern);
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
    cache->dir = mem_strdup(resolved);
    free(resolved);
    /* Younger ones may be another agent's that runs. A clock that was set ahead may take one of those: then that
     * download fails, and is tried again; one that was set back leaves them until a later start. */
    remove_parts(cache->dir, wall_ms / 1000 - PART_AGE_S);
    return 0;
}

void jar_cache_close(struct jar_cache *cache)
{
    if (cache->is_private) {
        remove_parts(cache->dir, INT64_MAX);
        rmdir(cache->dir);
    }
    mem_free(cache->dir);
}

char *jar_cache_part(struct jar_cache *cache)
{
    return mem_printf("%s/%016llx" PART_SUFFIX, cache->dir,
                      (unsigned long long)rand_next(&cache->rand));
}

static char *path_of(const struct jar_cache *cache, const char *digest)
{
    AUTO_FREE char *name = str_lower(digest);
    return mem_printf("%s/%s" JAR_SUFFIX, cache->dir, name);
}

char *jar_cache_find(const struct jar_cache *cache, const char *digest)
{
    if (cache->is_private || str_empty(digest))
        return NULL;
    AUTO_FREE char *path = path_of(cache, digest);
    return access(path, R_OK) < 0 ? NULL : TAKE(path);
}

char *jar_cache_put(const struct jar_cache *cache, const char *path, const char *digest,
                    int64_t used_ns, struct failure *failure)
{
    AUTO_FREE char *place = path_of(cache, digest);
    if (!str_eq(place, path) && rename(path, place) < 0) {
        failure_set(failure, FAILED_PULL, "%s: %s", place, strerror(errno));
        return NULL;
    }
    const struct timespec used = {used_ns / NS_PER_S, used_ns % NS_PER_S};
    const struct timespec times[] = {used, used};
    utimensat(AT_FDCWD, place, times, 0);
    return TAKE(place);
}

/* -- which jars stay -- */

static bool is_kept(const struct map *kept, const char *file)
{
    AUTO_FREE char *digest = mem_strndup(file, strlen(file) - strlen(JAR_SUFFIX));
    return map_get(kept, digest) != NULL;
}

static int64_t used_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec;
}

int64_t jar_cache_trim(const struct jar_cache *cache, const struct map *kept, int64_t bytes_max)
{
    VEC(struct eviction_file) found = {0};
    DIR *dir = opendir(cache->dir);
    struct dirent *entry;
    struct stat st;
    int64_t freed = 0;
    while (dir && (entry = readdir(dir)))
        if (has_suffix(entry->d_name, JAR_SUFFIX) &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
            VEC_PUSH(&found,
                     (struct eviction_file){mem_strdup(entry->d_name), used_ns(&st), st.st_size,
                                            is_kept(kept, entry->d_name), false});
    eviction_choose(found.items, found.len, LIMIT_CACHED_JARS, bytes_max);
    for (size_t i = 0; i < found.len; i++) {
        if (found.items[i].goes && unlinkat(dirfd(dir), found.items[i].file, 0) == 0)
            freed += found.items[i].bytes;
        mem_free(found.items[i].file);
    }
    VEC_DONE(&found);
    if (dir)
        closedir(dir);
    return freed;
}
