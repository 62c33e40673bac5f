/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_JSON_H
#define KOUPLELESS_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/*
 * JSON trees, and tables that bind them to structs.
 *
 * A table row names a key, the type and the offset of the field. json_read() fills a struct from a
 * tree, json_write() makes a tree of a struct, json_release() frees what the struct owns. Custom
 * resources, answers of Arklet and configuration files all use the same tables, so a wrong type or
 * an unknown field is reported alike everywhere: with its path, and the nearest known name.
 *
 *     static const struct json_field module_fields[] = {
 *         JSON_FIELD(struct module_spec, "name", JSON_STRING, name, JSON_REQUIRED),
 *         JSON_FIELD(struct module_spec, "replicas", JSON_INT32, replicas, 0),
 *         JSON_END,
 *     };
 */
enum json_type {
    JSON_STRING,         /* char *, owned */
    JSON_INT32,          /* int32_t */
    JSON_INT64,          /* int64_t; a number, or a decimal string (so from 10^15 on) */
    JSON_BOOL,           /* bool */
    JSON_TIME,           /* int64_t, wall ms; RFC 3339 text; 0 = absent */
    JSON_STRING_MAP,     /* struct json_map: an object of strings */
    JSON_OBJECT,         /* a struct in place, by .table */
    JSON_ARRAY,          /* struct json_array of structs of .size bytes, by .table */
    JSON_STRINGS,        /* struct json_strings: an array of strings */
    JSON_TEXT,           /* char *: any value, kept as compact JSON text */
    JSON_INT_OR_PERCENT, /* struct int_or_percent */
};

enum json_flag {
    JSON_REQUIRED = 1,  /* absent, null or "" is an error */
    JSON_KEEP_ZERO = 2, /* written also where it is 0, false or "" */
    JSON_ALIAS =
        4, /* another name of a field named elsewhere in the table: read, never written; not beside it */
};

struct json_map {
    struct json_pair {
        char *key, *value;
    } * items;
    size_t len;
};

struct json_strings {
    char **items;
    size_t len;
};

struct json_array {
    void *items;
    size_t len;
};

struct int_or_percent {
    enum { INT_OR_PERCENT_UNSET, INT_OR_PERCENT_INT, INT_OR_PERCENT_PERCENT } kind;
    int32_t value;
};

struct json_field {
    const char *key; /* NULL ends the table */
    enum json_type type;
    size_t offset;
    unsigned flags;
    size_t presence;                /* offset + 1 of a bool that says "was given"; 0 = none */
    const struct json_field *table; /* JSON_OBJECT, JSON_ARRAY */
    size_t size;                    /* JSON_ARRAY: bytes of one item */
};

#define JSON_FIELD(s, k, t, m, f)                                                                  \
    {                                                                                              \
        .key = (k), .type = (t), .offset = offsetof(s, m), .flags = (f)                            \
    }
#define JSON_FIELD_SET(s, k, t, m, has)                                                            \
    {                                                                                              \
        .key = (k), .type = (t), .offset = offsetof(s, m), .presence = offsetof(s, has) + 1        \
    }
#define JSON_FIELD_OBJECT(s, k, m, tab, f)                                                         \
    {                                                                                              \
        .key = (k), .type = JSON_OBJECT, .offset = offsetof(s, m), .flags = (f), .table = (tab)    \
    }
#define JSON_FIELD_ARRAY(s, k, m, tab, item)                                                       \
    {                                                                                              \
        .key = (k), .type = JSON_ARRAY, .offset = offsetof(s, m), .table = (tab),                  \
        .size = sizeof(item)                                                                       \
    }
#define JSON_END                                                                                   \
    {                                                                                              \
        .key = NULL                                                                                \
    }

enum json_unknown { JSON_UNKNOWN_IGNORE, JSON_UNKNOWN_REFUSE };

/**
 * json_read() - fill the zeroed struct @out from the object @json
 * @path: name of the place for messages, "" at the top ("spec" gives "spec.replicas: ...")
 *
 * Null counts as absent. On failure what was filled already is released, and the fields are zero again.
 * Return: 0, or -1 with ERR_INVALID and err->field.
 */
int json_read(const struct json_field *table, const cJSON *json, const char *path,
              enum json_unknown unknown, void *out, struct err **err);

/** json_write() - an owned tree of what @in holds; empty fields are left out unless JSON_KEEP_ZERO. */
cJSON *json_write(const struct json_field *table, const void *in);

/** json_release() - frees what the fields of @s own and zeroes all fields. */
void json_release(const struct json_field *table, void *s);

/**
 * json_parse() - text to tree
 * @max: largest @len that is accepted
 *
 * Refuses trailing bytes, nesting over LIMIT_JSON_DEPTH, NUL escapes and duplicate keys (which cJSON would take).
 * Return: an owned tree, or NULL with ERR_INVALID or ERR_LIMIT.
 */
cJSON *json_parse(const char *text, size_t len, size_t max, struct err **err);

/** json_text() - compact text of @json, owned. */
char *json_text(const cJSON *json);

/** json_text_take() - the same; @json_taken is freed. */
char *json_text_take(cJSON *json_taken);

/** json_get() - the value at a dotted path ("status.conditions"), or NULL; for tests and printers. */
const cJSON *json_get(const cJSON *json, const char *path);

/** json_get_string() - the string at a dotted path, or NULL; borrowed. */
const char *json_get_string(const cJSON *json, const char *path);

/** json_int64() - the number @json without its fraction, held between @min and @max; 0 where it is none. */
int64_t json_int64(const cJSON *json, int64_t min, int64_t max);

/* Maps of strings: labels and annotations. */
const char *json_map_get(const struct json_map *map, const char *key);
void json_map_set(struct json_map *map, const char *key,
                  const char *value);                                 /* value NULL: removes */
void json_map_copy(struct json_map *to, const struct json_map *from); /* @to is empty before */
void json_map_done(struct json_map *map);

/** json_strings_copy() - @to is empty before. json_strings_done() empties it. */
void json_strings_copy(struct json_strings *to, const struct json_strings *from);
void json_strings_done(struct json_strings *strings);

void json_free(cJSON *json);
void json_free_slot(cJSON **slot);
#define AUTO_JSON AUTO(json_free_slot)

#endif
