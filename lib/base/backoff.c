/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/backoff.h"

#include "lib/base/assert.h"
#include "lib/base/rand.h"

#define SPREAD_PERCENT 20

int64_t backoff_ms(int attempt, int64_t first_ms, int64_t max_ms, struct rand *rand)
{
    ASSERT(attempt >= 1 && first_ms > 0 && max_ms >= first_ms);
    int64_t ms = first_ms;
    for (int i = 1; i < attempt && ms < max_ms; i++)
        ms = ms > max_ms / 2 ? max_ms : ms * 2;
    return rand ? rand_jitter(rand, ms, SPREAD_PERCENT) : ms;
}
