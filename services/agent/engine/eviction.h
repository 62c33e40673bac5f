/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_EVICTION_H
#define KOUPLELESS_AGENT_ENGINE_EVICTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which files of the cache go. */
struct eviction_file {
    void *file;      /* the caller's */
    int64_t used_ns; /* when it was used last */
    int64_t bytes;
    bool kept; /* it stays, and counts */
    bool goes; /* the answer */
};

/**
 * eviction_choose() - as few as have to go so that at most @count_max files of @bytes_max together stay, those that were
 * not used for longest first; kept ones stay also where that is more
 *
 * Puts @files into the order of their use, the last used first.
 */
void eviction_choose(struct eviction_file *files, size_t len, size_t count_max, int64_t bytes_max);

#endif
