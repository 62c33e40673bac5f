/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/eviction.h"

#include <stdlib.h>

static int compare_used(const void *a, const void *b)
{
    int64_t left = ((const struct eviction_file *)a)->used_ns;
    int64_t right = ((const struct eviction_file *)b)->used_ns;
    return (left < right) - (left > right);
}

void eviction_choose(struct eviction_file *files, size_t len, size_t count_max, int64_t bytes_max)
{
    int64_t bytes = 0;
    size_t count = len;
    for (size_t i = 0; i < len; i++)
        bytes += files[i].bytes;
    if (len > 1)
        qsort(files, len, sizeof(*files), compare_used);
    for (size_t i = len; i-- > 0;) {
        files[i].goes = !files[i].kept && (count > count_max || bytes > bytes_max);
        if (!files[i].goes)
            continue;
        count--;
        bytes -= files[i].bytes;
    }
}
