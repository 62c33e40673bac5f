/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/limits.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
}

static bool fail(struct scan *scan)
{
    scan->malformed = true;
    return false;
}

/* Whether @c comes next; then it is taken. */
static bool take(struct scan *scan, char c)
{
    skip_space(scan);
    if (scan->at >= scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static bool skip_string(struct scan *scan)
{
    if (!take(scan, '"'))
        return fail(scan);
    for (; scan->at < scan->end; scan->at++) {
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        if (*scan->at == '\\' && ++scan->at >= scan->end)
            break;
    }
    return fail(scan);
}

/* An object or array: up to the bracket that closes the first. Bit n of @kinds: what is open at depth n is an array. */
static bool skip_nested(struct scan *scan)
{
    uint64_t kinds = 0;
    size_t depth = 0;
    do {
        if (scan->at >= scan->end)
            return fail(scan);
        char c = *scan->at;
        if (c == '"') {
            if (!skip_string(scan))
                return false;
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth == LIMIT_JSON_DEPTH)
                return fail(scan);
            kinds = c == '[' ? kinds | UINT64_C(1) << depth : kinds & ~(UINT64_C(1) << depth);
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
            if ((c == ']') != ((kinds >> depth & 1) != 0))
                return fail(scan);
        }
        scan->at++;
    } while (depth);
    return true;
}

_Static_assert(LIMIT_JSON_DEPTH <= 64, "one bit for each depth");

static bool ends_scalar(char c)
{
    return is_space(c) || strchr(",]}{[\":", c) != NULL;
}

static bool skip_value(struct scan *scan, struct span *value)
{
    skip_space(scan);
    const char *start = scan->at;
    if (start >= scan->end)
        return fail(scan);
    if (*start == '"') {
        if (!skip_string(scan))
            return false;
    } else if (*start == '{' || *start == '[') {
        if (!skip_nested(scan))
            return false;
    } else {
        while (scan->at < scan->end && !ends_scalar(*scan->at))
            scan->at++;
        if (scan->at == start)
            return fail(scan);
    }
    *value = (struct span){start, (size_t)(scan->at - start)};
    return true;
}

struct scan scan_begin(struct span value, char open)
{
    struct scan scan = {.at = value.text, .end = value.text + value.len};
    scan.malformed = !take(&scan, open);
    return scan;
}

/* To the next element, over its comma. */
static bool next(struct scan *scan, char close)
{
    if (scan->malformed || scan->done)
        return false;
    if (take(scan, close)) {
        scan->done = true;
        return false;
    }
    if (scan->begun && !take(scan, ','))
        return fail(scan);
    scan->begun = true;
    return true;
}

bool scan_member(struct scan *scan, struct span *key, struct span *value)
{
    struct span quoted;
    if (!next(scan, '}'))
        return false;
    if (!skip_value(scan, &quoted) || quoted.text[0] != '"' || !take(scan, ':') ||
        !skip_value(scan, value))
        return fail(scan);
    *key = (struct span){quoted.text + 1, quoted.len - 2};
    return true;
}

bool scan_item(struct scan *scan, struct span *value)
{
    return next(scan, ']') && skip_value(scan, value);
}

bool span_is(struct span span, const char *text)
{
    return strlen(text) == span.len && memcmp(span.text, text, span.len) == 0;
}

bool span_string(struct span value, struct span *out)
{
    if (value.len < 2 || value.text[0] != '"' || memchr(value.text, '\\', value.len))
        return false;
    *out = (struct span){value.text + 1, value.len - 2};
    return true;
}
