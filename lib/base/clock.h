/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_CLOCK_H
#define KOUPLELESS_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Time is injected: whoever needs it holds a struct clock. The real one reads the system, a
 * simulated one is advanced by its owner. Monotonic time is for deadlines, wall time only for stamps
 * that people read or that are stored.
 */
struct clock {
    int64_t (*mono_ms)(struct clock *clock);
    int64_t (*wall_ms)(struct clock *clock); /* ms since 1970-01-01 UTC */
};

/** clock_real() - the system's clock; static, any thread. */
struct clock *clock_real(void);

static inline int64_t clock_mono_ms(struct clock *clock)
{
    return clock->mono_ms(clock);
}

static inline int64_t clock_wall_ms(struct clock *clock)
{
    return clock->wall_ms(clock);
}

#define TIME_NEVER INT64_MAX
#define TIME_TEXT_SIZE 32

/** time_format() - "2026-11-23T08:00:00Z" (with ".123" where milliseconds are not 0); pure. Return: @buf. */
char *time_format(int64_t wall_ms, char buf[TIME_TEXT_SIZE]);

/**
 * time_parse() - RFC 3339 with any offset and up to 9 decimals, from 1970 on; pure
 * Return: false where it is none. So what is stored as a time is never negative.
 */
bool time_parse(const char *text, int64_t *ret_wall_ms);

#endif
