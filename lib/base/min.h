/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_MIN_H
#define KOUPLELESS_BASE_MIN_H

#include <stdint.h>

/* The smaller and the larger of two counts, the later of two times. */

static inline int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t max32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static inline int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
