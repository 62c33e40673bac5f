/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_JAR_CACHE_H
#define KOUPLELESS_AGENT_JAR_CACHE_H

#include "lib/base/map.h"
#include "lib/base/rand.h"
#include "services/agent/engine/failure.h"

/*
 * The directory of jars: DIGEST.jar each, and RANDOM.part what is still written. Files come to their place by rename,
 * so several agents may share one; each counts what it finds there.
 */
struct jar_cache {
    char *dir;       /* absolute */
    bool is_private; /* none is shared: made by us, removed at the end */
    struct rand rand;
};

/**
 * jar_cache_open() - makes the directory @shared, or a private one where that is NULL
 * @wall_ms: now; parts that nobody has written to for a day go
 *
 * ERR_INVALID: it can't be used. jar_cache_close() in all cases.
 */
int jar_cache_open(struct jar_cache *cache, const char *shared, int64_t wall_ms, struct err **err);
void jar_cache_close(struct jar_cache *cache);

/** jar_cache_part() - a new name for what is being written; owned. */
char *jar_cache_part(struct jar_cache *cache);

/** jar_cache_find() - the path of the jar of @digest, owned; NULL: it is not there, or the directory is private. */
char *jar_cache_find(const struct jar_cache *cache, const char *digest);

/**
 * jar_cache_put() - the file @path is the jar of @digest, used at @used_ns (wall). Blocking. Return: its path from
 * now on, owned; NULL with @ret_failure.
 */
char *jar_cache_put(const struct jar_cache *cache, const char *path, const char *digest,
                    int64_t used_ns, struct failure *ret_failure);

/**
 * jar_cache_trim() - the jars that were not used for longest go, until those that stay are LIMIT_CACHED_JARS and have
 * @bytes_max together; those whose digest is in @kept stay. Blocking.
 *
 * Return: bytes that were freed.
 */
int64_t jar_cache_trim(const struct jar_cache *cache, const struct map *kept, int64_t bytes_max);

#endif
