/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/str.h"

void json_free(cJSON *json)
{
    cJSON_Delete(json);
}

void json_free_slot(cJSON **slot)
{
    json_free(*slot);
    *slot = NULL;
}

/* -- text to tree -- */

/*
 * Nesting and NUL escapes are looked for in the text, before cJSON recurses into it: a NUL would cut
 * its string short.
 */
static int check_text(const char *text, size_t len, struct err **err)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string && c == '\\') {
            if (len - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
                return err_set(err, ERR_INVALID, "a NUL character in a string at byte %zu", i);
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            if (++depth > LIMIT_JSON_DEPTH)
                return err_set(err, ERR_LIMIT, "nested deeper than %d at byte %zu",
                               LIMIT_JSON_DEPTH, i);
        } else if (!in_string && (c == '}' || c == ']')) {
            depth--;
        } else if (c == '\0') {
            return err_set(err, ERR_INVALID, "a NUL byte at byte %zu", i);
        }
    }
    return 0;
}

#define FEW_KEYS 16 /* are compared with each other sooner than put into a map */

static bool stands_before(const cJSON *json, const cJSON *item)
{
    const cJSON *other = json->child;
    while (other != item && !str_eq(other->string, item->string))
        other = other->next;
    return other != item;
}

/* The keys of @json itself, not of what is inside of it. */
static int check_keys(const cJSON *json, struct err **err)
{
    struct map seen = {0};
    const cJSON *item = json->child;
    bool few = cJSON_GetArraySize(json) <= FEW_KEYS, twice = false;
    for (; item && !twice; item = twice ? item : item->next)
        twice = few ? stands_before(json, item) : map_put(&seen, item->string, &seen) != NULL;
    map_done(&seen);
    return twice ? err_set(err, ERR_INVALID, "the key \"%s\" is there twice", item->string) : 0;
}

static int check_duplicates(const cJSON *json, struct err **err)
{
    if (cJSON_IsObject(json) && check_keys(json, err) < 0)
        return -1;
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (item->child && check_duplicates(item, err) < 0)
            return -1;
    }
    return 0;
}

cJSON *json_parse(const char *text, size_t len, size_t max, struct err **err)
{
    if (len > max) {
        err_set(err, ERR_LIMIT, "%zu bytes of JSON, at most %zu", len, max);
        return NULL;
    }
    if (check_text(text, len, err) < 0)
        return NULL;
    AUTO_FREE char *copy = mem_strndup(text, len);
    const char *end = copy;
    cJSON *json = cJSON_ParseWithLengthOpts(copy, len + 1, &end, true);
    if (!json) {
        err_set(err, ERR_INVALID, "not JSON at byte %zu", (size_t)(end - copy));
        return NULL;
    }
    if (check_duplicates(json, err) < 0) {
        json_free(json);
        return NULL;
    }
    return json;
}

char *json_text(const cJSON *json)
{
    char *printed = cJSON_PrintUnformatted(json);
    char *text = mem_strdup(printed ? printed : "null");
    cJSON_free(printed);
    return text;
}

char *json_text_take(cJSON *json_taken)
{
    char *text = json_text(json_taken);
    json_free(json_taken);
    return text;
}

const cJSON *json_get(const cJSON *json, const char *path)
{
    while (json && *path) {
        size_t len = strcspn(path, ".");
        AUTO_FREE char *key = mem_strndup(path, len);
        json = cJSON_GetObjectItemCaseSensitive(json, key);
        path += len + (path[len] == '.');
    }
    return json;
}

const char *json_get_string(const cJSON *json, const char *path)
{
    return cJSON_GetStringValue(json_get(json, path));
}

/* A double holds no INT64_MAX: what is not below it is it. */
int64_t json_int64(const cJSON *json, int64_t min, int64_t max)
{
    if (!cJSON_IsNumber(json))
        return 0;
    double value = json->valuedouble;
    if (!(value > (double)min)) /* NaN too */
        return min;
    return value >= (double)max ? max : (int64_t)value;
}

/* -- maps of strings -- */

static struct json_pair *find_pair(const struct json_map *map, const char *key)
{
    for (size_t i = 0; i < map->len; i++)
        if (str_eq(map->items[i].key, key))
            return &map->items[i];
    return NULL;
}

const char *json_map_get(const struct json_map *map, const char *key)
{
    const struct json_pair *pair = find_pair(map, key);
    return pair ? pair->value : NULL;
}

void json_map_set(struct json_map *map, const char *key, const char *value)
{
    struct json_pair *pair = find_pair(map, key);
    if (pair && value) {
        mem_replace(&pair->value, value);
    } else if (pair) {
        mem_free(pair->key);
        mem_free(pair->value);
        size_t after = (size_t)(map->items + map->len - pair - 1);
        memmove(pair, pair + 1, after * sizeof(*pair));
        map->len--;
    } else if (value) {
        map->items = mem_resize(map->items, map->len + 1, sizeof(*map->items));
        map->items[map->len++] = (struct json_pair){mem_strdup(key), mem_strdup(value)};
    }
}

void json_map_copy(struct json_map *to, const struct json_map *from)
{
    to->items = mem_alloc(from->len * sizeof(*to->items));
    for (; to->len < from->len; to->len++)
        to->items[to->len] = (struct json_pair){mem_strdup(from->items[to->len].key),
                                                mem_strdup(from->items[to->len].value)};
}

void json_map_done(struct json_map *map)
{
    for (size_t i = 0; i < map->len; i++) {
        mem_free(map->items[i].key);
        mem_free(map->items[i].value);
    }
    mem_free(map->items);
    *map = (struct json_map){0};
}

void json_strings_copy(struct json_strings *to, const struct json_strings *from)
{
    to->items = mem_alloc(from->len * sizeof(*to->items));
    for (; to->len < from->len; to->len++)
        to->items[to->len] = mem_strdup(from->items[to->len]);
}

void json_strings_done(struct json_strings *strings)
{
    for (size_t i = 0; i < strings->len; i++)
        mem_free(strings->items[i]);
    mem_free(strings->items);
    *strings = (struct json_strings){0};
}
