/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rand.h"

#include <sys/random.h>

#include "lib/base/assert.h"

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

/* splitmix64 spreads one number over the state. */
void rand_seed(struct rand *rand, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        rand->s[i] = z ^ (z >> 31);
    }
}

void rand_seed_from_system(struct rand *rand)
{
    uint64_t seed = 0;
    ASSERT(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
    rand_seed(rand, seed);
}

uint64_t rand_next(struct rand *rand)
{
    uint64_t *s = rand->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t rand_below(struct rand *rand, uint64_t bound)
{
    ASSERT(bound > 0);
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, value;
    do
        value = rand_next(rand);
    while (value >= limit);
    return value % bound;
}

int64_t rand_jitter(struct rand *rand, int64_t value, int percent)
{
    int64_t spread = value / 100 * percent + value % 100 * percent / 100; /* no overflow */
    if (spread <= 0)
        return value;
    uint64_t jittered = (uint64_t)(value - spread) + rand_below(rand, 2 * (uint64_t)spread + 1);
    return jittered > INT64_MAX ? INT64_MAX : (int64_t)jittered;
}
