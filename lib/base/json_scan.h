/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_JSON_SCAN_H
#define KOUPLELESS_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Walks over JSON text without making a tree of it: enough to find members, to leave some out and to take
 * a list apart. Values are skipped, not checked: whoever uses one parses it.
 */
struct span {
    const char *text; /* not terminated */
    size_t len;
};

struct scan {
    const char *at, *end;
    bool begun, done, malformed;
};

/** scan_begin() - walk over the object ('{') or array ('[') that @value is; malformed where it is none. */
struct scan scan_begin(struct span value, char open);

/**
 * scan_member() - the next member of an object
 * @key:   as it is written, without the quotes
 * @value: as it is written
 *
 * Return: false at the end, and where the text is no JSON: then @scan->malformed is set.
 */
bool scan_member(struct scan *scan, struct span *key, struct span *value);

/** scan_item() - the next item of an array; as scan_member(). */
bool scan_item(struct scan *scan, struct span *value);

/** span_is() - whether the bytes are those of @text. */
bool span_is(struct span span, const char *text);

/** span_string() - the content of a string without escapes. Return: false where @value is none. */
bool span_string(struct span value, struct span *out);

#endif
