/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/batches.h"

#include "lib/base/assert.h"
#include "lib/base/min.h"

/* The first @k of @count nearly equal shares of @n: each has n / count, the first n % count one more. */
static int32_t first_shares(int32_t n, int32_t count, int32_t k)
{
    return k * (n / count) + min32(k, n % count);
}

int32_t batches_count(int32_t changes, int32_t wanted, bool beta)
{
    ASSERT(changes >= 0 && wanted >= 0);
    if (wanted < 1)
        wanted = 1;
    if (beta && wanted < 2)
        wanted = 2;
    return min32(wanted, changes);
}

int32_t batches_end(int32_t changes, int32_t wanted, bool beta, int32_t k)
{
    int32_t count = batches_count(changes, wanted, beta);
    ASSERT(k >= 0);
    if (k >= count)
        return changes;
    if (!beta)
        return first_shares(changes, count, k);
    return k == 0 ? 0 : 1 + first_shares(changes - 1, count - 1, k - 1);
}
