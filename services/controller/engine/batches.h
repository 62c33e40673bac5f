/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_BATCHES_H
#define KOUPLELESS_CONTROLLER_ENGINE_BATCHES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Batch arithmetic (requirements 5.1, 5.2): n changes in b batches whose sizes differ by at most one,
 * larger ones first. 5 in 2 = 3+2, 5 in 4 = 2+1+1+1. With beta the first batch is exactly 1 and the rest
 * goes in b-1 batches: 5 in 2 = 1+4; b = 1 with beta means 2 batches.
 */

/** batches_count() - how many batches @changes really take; 0 changes take none. @wanted: batchCount, 0 means 1. */
int32_t batches_count(int32_t changes, int32_t wanted, bool beta);

/** batches_end() - changes that are done when batch @k (from 1) is: the sum of the sizes up to it. */
int32_t batches_end(int32_t changes, int32_t wanted, bool beta, int32_t k);

#endif
