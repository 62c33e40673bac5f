/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/metaspace.h"

#include "lib/base/mem.h"

#define MIB 1048576.0

char *metaspace_refusal(const struct jvm_figures *figures, int64_t percent)
{
    int64_t used = figures->metaspace_used_bytes, max = figures->metaspace_max_bytes;
    if (percent <= 0 || max <= 0 || used <= max / 100 * percent + max % 100 * percent / 100)
        return NULL;
    return mem_printf(
        "%.1f of %.1f MiB of metaspace are in use, %.0f %%, and above %lld %% nothing "
        "is installed",
        (double)used / MIB, (double)max / MIB, (double)used / (double)max * 100,
        (long long)percent);
}
