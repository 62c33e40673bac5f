/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_mono_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_MONOTONIC);
}

static int64_t real_wall_ms(struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

struct clock *clock_real(void)
{
    static struct clock real = {real_mono_ms, real_wall_ms};
    return &real;
}

char *time_format(int64_t wall_ms, char buf[TIME_TEXT_SIZE])
{
    int ms = (int)(wall_ms % 1000);
    bool before = ms < 0; /* 1970, and not on the second */
    time_t seconds = (time_t)(wall_ms / 1000 - before);
    ms += before ? 1000 : 0;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t len = (size_t)snprintf(buf, TIME_TEXT_SIZE, "%04d", utc.tm_year + 1900);
    len += strftime(buf + len, TIME_TEXT_SIZE - len, "-%m-%dT%H:%M:%S", &utc);
    if (ms)
        snprintf(buf + len, TIME_TEXT_SIZE - len, ".%03dZ", ms);
    else
        snprintf(buf + len, TIME_TEXT_SIZE - len, "Z");
    return buf;
}

/* @count digits at *@at as a number within [min, max]; moves *@at behind them. */
static bool digits(const char **at, int count, int min, int max, int *ret)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = value * 10 + (**at - '0');
    }
    *ret = value;
    return value >= min && value <= max;
}

static bool literal(const char **at, const char *either)
{
    if (!**at || !strchr(either, **at))
        return false;
    (*at)++;
    return true;
}

/* ".123456789": milliseconds of the fraction, the rest is cut off. */
static bool fraction(const char **at, int *ret_ms)
{
    int scale = 100, count = 0;
    *ret_ms = 0;
    if (**at != '.')
        return true;
    for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, count++, scale /= 10)
        *ret_ms += (**at - '0') * scale;
    return count >= 1 && count <= 9;
}

static bool zone(const char **at, int *ret_minutes)
{
    int hours, minutes;
    *ret_minutes = 0;
    if (literal(at, "Zz"))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!literal(at, "+-") || !digits(at, 2, 0, 23, &hours) || !literal(at, ":") ||
        !digits(at, 2, 0, 59, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool time_parse(const char *text, int64_t *ret_wall_ms)
{
    struct tm utc = {0};
    int year, month, ms, offset;
    const char *at = text ? text : "";
    bool valid =
        digits(&at, 4, 1970, 9999, &year) && literal(&at, "-") && digits(&at, 2, 1, 12, &month) &&
        literal(&at, "-") && digits(&at, 2, 1, 31, &utc.tm_mday) && literal(&at, "Tt ") &&
        digits(&at, 2, 0, 23, &utc.tm_hour) && literal(&at, ":") &&
        digits(&at, 2, 0, 59, &utc.tm_min) && literal(&at, ":") &&
        digits(&at, 2, 0, 60, &utc.tm_sec) && fraction(&at, &ms) && zone(&at, &offset) && !*at;
    if (!valid || utc.tm_mday > days_of(year, month))
        return false;
    utc.tm_year = year - 1900;
    utc.tm_mon = month - 1;
    int64_t wall_ms = ((int64_t)timegm(&utc) - offset * 60) * 1000 + ms;
    if (wall_ms < 0) /* by its offset */
        return false;
    *ret_wall_ms = wall_ms;
    return true;
}
