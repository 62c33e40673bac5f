/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_done(struct str *s)
{
    mem_free(s->data);
    *s = STR_INIT(s->max);
}

void str_clear(struct str *s)
{
    s->len = 0;
    s->full = false;
    if (s->data)
        s->data[0] = '\0';
}

/* Makes room for @more bytes and the terminator; false, with `full` set, past the maximum. */
static bool reserve(struct str *s, size_t more)
{
    if (s->full || more > s->max || s->len > s->max - more) {
        s->full = true;
        return false;
    }
    size_t need = s->len + more + 1;
    if (need > s->cap) {
        size_t cap = s->cap ? s->cap : 64;
        while (cap < need)
            cap *= 2;
        s->data = mem_resize(s->data, cap, 1);
        s->cap = cap;
    }
    return true;
}

void str_add_bytes(struct str *s, const void *bytes, size_t len)
{
    if (!reserve(s, len))
        return;
    if (len)
        memcpy(s->data + s->len, bytes, len);
    s->len += len;
    s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_add_bytes(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
    str_add_bytes(s, &c, 1);
}

void str_printf(struct str *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *text = mem_vprintf(fmt, args);
    va_end(args);
    str_add(s, text);
}

const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}

char *str_take(struct str *s)
{
    char *text = s->data ? s->data : mem_strdup("");
    *s = STR_INIT(s->max);
    return text;
}

bool str_eq(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool str_empty(const char *s)
{
    return !s || !*s;
}

char *str_given(char *s)
{
    return str_empty(s) ? NULL : s;
}

bool str_starts_with(const char *s, const char *prefix)
{
    return str_empty(prefix) || (s && strncmp(s, prefix, strlen(prefix)) == 0);
}

char *str_lower(const char *s)
{
    char *lower = mem_strdup(s ? s : "");
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return lower;
}

bool str_parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
    if (str_empty(s) || isspace((unsigned char)*s) || *s == '+')
        return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* A number of at most 12 digits and a unit, "" among them. */
static bool parse_with_unit(const char *s, const struct unit *units, size_t count, int64_t *ret)
{
    size_t digits = s ? strspn(s, "0123456789") : 0;
    if (!digits || digits > 12)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(s + digits, units[i].name) != 0)
            continue;
        int64_t number = strtoll(s, NULL, 10);
        if (number > INT64_MAX / units[i].factor)
            return false;
        *ret = number * units[i].factor;
        return true;
    }
    return false;
}

bool str_parse_duration(const char *s, int64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
    return parse_with_unit(s, units, ARRAY_LEN(units), ret_ms);
}

bool str_parse_bytes(const char *s, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}};
    return parse_with_unit(s, units, ARRAY_LEN(units), ret_bytes);
}

/* Levenshtein's distance, one row at a time, case ignored. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t len = strlen(b);
    AUTO_FREE size_t *row = mem_alloc((len + 1) * sizeof(*row));
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
            size_t best = diagonal + (same ? 0 : 1);
            if (row[j + 1] + 1 < best)
                best = row[j + 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[len];
}

const char *str_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t len = word ? strlen(word) : 0;
    size_t limit = len > 1 ? (len + 2) / 3 + 1 : 1;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]);
        if ((other > len ? other - len : len - other) >= limit)
            continue; /* each character too many costs 1; so a huge word costs no time */
        size_t distance = edit_distance(word ? word : "", candidates[i]);
        if (distance < limit) {
            limit = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

size_t str_utf8(const char *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length */
    const unsigned char *p = (const unsigned char *)s;
    if (*p < 0x80)
        return *p ? 1 : 0;
    if (*p < 0xc2 || *p > 0xf4)
        return 0;
    size_t len = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    uint32_t code = *p & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) /* the terminator too */
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code >= least[len] && code <= 0x10ffff && !surrogate ? len : 0;
}

void str_shorten(char *text, size_t max)
{
    if (!text || strlen(text) <= max)
        return;
    while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    text[max] = '\0';
}

uint64_t str_hash(const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    return h;
}
