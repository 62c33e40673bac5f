/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_BACKOFF_H
#define KOUPLELESS_BASE_BACKOFF_H

#include <stdint.h>

struct rand;

/**
 * backoff_ms() - how long to wait before attempt @attempt + 1
 * @attempt: failed attempts so far, >= 1
 *
 * first_ms doubled per attempt up to max_ms, then spread by +-20 % where @rand is not NULL. Pure otherwise.
 */
int64_t backoff_ms(int attempt, int64_t first_ms, int64_t max_ms, struct rand *rand);

#endif
