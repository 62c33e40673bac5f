/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_RAND_H
#define KOUPLELESS_BASE_RAND_H

#include <stdint.h>

/* Randomness is injected: the same seed gives the same numbers (xoshiro256**). Not for secrets. */
struct rand {
    uint64_t s[4];
};

void rand_seed(struct rand *rand, uint64_t seed);
void rand_seed_from_system(struct rand *rand);
uint64_t rand_next(struct rand *rand);

/** rand_below() - uniform in [0, bound), bound > 0. */
uint64_t rand_below(struct rand *rand, uint64_t bound);

/** rand_jitter() - @value >= 0, more or less up to @percent (0 to 100) of it. */
int64_t rand_jitter(struct rand *rand, int64_t value, int percent);

#endif
