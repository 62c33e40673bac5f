/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_MIN_H
#define KOUPLELESS_BASE_MIN_H

#include <stdint.h>

/* The smaller and the larger of two counts. */

static inline int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t max32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

#endif
