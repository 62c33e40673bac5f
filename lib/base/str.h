/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_STR_H
#define KOUPLELESS_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/mem.h"

/*
 * A growing string with a stated maximum. Past the maximum nothing is appended and `full` is set:
 * writers append freely and look once, at the end.
 */
struct str {
    char *data; /* terminated; NULL while empty */
    size_t len, cap, max;
    bool full;
};

#define STR_INIT(max_bytes) ((struct str){.max = (max_bytes)})
#define AUTO_STR AUTO(str_done)

void str_done(struct str *s);  /* frees the content */
void str_clear(struct str *s); /* empties, keeps the memory */

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *bytes, size_t len);
void str_add_char(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** str_text() - the content, "" while empty; borrowed until the next change. */
const char *str_text(const struct str *s);

/** str_take() - the content as an owned string ("" while empty); @s is empty afterwards. */
char *str_take(struct str *s);

/* -- small helpers on plain strings; NULL counts as "" -- */

bool str_eq(const char *a, const char *b);
bool str_empty(const char *s);

/** str_given() - @s, or NULL where it is empty. */
char *str_given(char *s);

bool str_starts_with(const char *s, const char *prefix);

/** str_lower() - an owned copy with ASCII letters in lower case. */
char *str_lower(const char *s);

/** str_parse_int64() - whole string, decimal, within [min, max]. Return: false, and *ret untouched, if not. */
bool str_parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret);

/** str_parse_duration() - "250ms", "30s", "5m", "2h", bare number = seconds, to milliseconds. */
bool str_parse_duration(const char *s, int64_t *ret_ms);

/** str_parse_bytes() - "512MiB", "2GiB", "64KiB", bare number = bytes. */
bool str_parse_bytes(const char *s, int64_t *ret_bytes);

/**
 * str_nearest() - the candidate that a mistyped @word most likely meant
 * @candidates: @count names
 * Return: one of @candidates (edit distance <= 1/3 of the length, rounded up), or NULL where none is near.
 */
const char *str_nearest(const char *word, const char *const *candidates, size_t count);

/** str_shorten() - cuts @text, which may be NULL, to @max bytes, between characters of UTF-8. */
void str_shorten(char *text, size_t max);

/** str_utf8() - bytes of the UTF-8 character that begins at @s; 0 at the end and where it is none. */
size_t str_utf8(const char *s);

/** str_hash() - a stable 64-bit hash (FNV-1a, avalanche-finished); for names that must not change between runs. */
uint64_t str_hash(const void *bytes, size_t len);

#endif
