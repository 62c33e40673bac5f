/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that bind JSON objects to structs: reading, writing and releasing. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/str.h"

#define EXACT_INTEGER_MAX 9007199254740992.0 /* 2^53: beyond it a double skips integers */
#define WRITTEN_INTEGER_MAX 999999999999999  /* cJSON writes 15 digits */

static void *slot(const struct json_field *field, const void *s)
{
    return (char *)(uintptr_t)s + field->offset;
}

/* Where a value stands. It is spelled out only for a message: most documents are right. */
struct place {
    const struct place *in; /* NULL: the key is a path already */
    const char *key;        /* NULL: an item of an array */
    size_t index;
};

static char *spell(const struct place *at)
{
    if (!at->in)
        return mem_strdup(at->key);
    AUTO_FREE char *in = spell(at->in);
    if (!at->key)
        return mem_printf("%s[%zu]", in, at->index);
    return *in ? mem_printf("%s.%s", in, at->key) : mem_strdup(at->key);
}

/* err_field() of a place. */
#define REFUSE(at, err, ...)                                                                       \
    __extension__({                                                                                \
        AUTO_FREE char *path_ = spell(at);                                                         \
        err_field((err), path_, __VA_ARGS__);                                                      \
    })

/* -- reading one value -- */

static int read_integer(const cJSON *json, const struct place *at, int64_t min, int64_t max,
                        int64_t *ret, struct err **err)
{
    const char *text = cJSON_IsString(json) || cJSON_IsNumber(json) ? json->valuestring : NULL;
    if (max == INT64_MAX && str_parse_int64(text, min, max, ret))
        return 0;
    double value = cJSON_IsNumber(json) ? json->valuedouble : (double)NAN;
    if (isnan(value) || value != floor(value))
        return REFUSE(at, err, "must be an integer");
    if (max != INT64_MAX && (value < (double)min || value > (double)max))
        return REFUSE(at, err, "must be between %" PRId64 " and %" PRId64, min, max);
    if (fabs(value) > EXACT_INTEGER_MAX)
        return REFUSE(at, err, "is too large for a number; put it in quotes");
    *ret = (int64_t)value;
    return 0;
}

static int read_string(const cJSON *json, const struct place *at, char **out, struct err **err)
{
    if (cJSON_IsNumber(json) && json->valuestring) /* from YAML */
        return REFUSE(at, err, "must be a string; put it in quotes: \"%s\"", json->valuestring);
    if (cJSON_IsNumber(json) || cJSON_IsBool(json))
        return REFUSE(at, err, "must be a string; put it in quotes");
    if (!cJSON_IsString(json))
        return REFUSE(at, err, "must be a string");
    *out = mem_strdup(json->valuestring);
    return 0;
}

static int read_time(const cJSON *json, const struct place *at, int64_t *out, struct err **err)
{
    if (!cJSON_IsString(json) || !time_parse(json->valuestring, out))
        return REFUSE(at, err, "must be an RFC 3339 time");
    return 0;
}

static int read_map(const cJSON *json, const struct place *at, struct json_map *out,
                    struct err **err)
{
    if (!cJSON_IsObject(json))
        return REFUSE(at, err, "must be an object of strings");
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        const struct place where = {.in = at, .key = item->string};
        char *value = NULL;
        if (read_string(item, &where, &value, err) < 0)
            return -1;
        out->items = mem_resize(out->items, out->len + 1, sizeof(*out->items));
        out->items[out->len++] = (struct json_pair){mem_strdup(item->string), value};
    }
    return 0;
}

static int read_strings(const cJSON *json, const struct place *at, struct json_strings *out,
                        struct err **err)
{
    if (!cJSON_IsArray(json))
        return REFUSE(at, err, "must be a list of strings");
    out->items = mem_alloc((size_t)cJSON_GetArraySize(json) * sizeof(char *));
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        const struct place where = {.in = at, .index = out->len};
        if (read_string(item, &where, &out->items[out->len], err) < 0)
            return -1;
        out->len++;
    }
    return 0;
}

static int read_object(const struct json_field *table, const cJSON *json, const struct place *at,
                       enum json_unknown unknown, void *out, struct err **err);

static int read_array(const struct json_field *field, const cJSON *json, const struct place *at,
                      enum json_unknown unknown, struct json_array *out, struct err **err)
{
    if (!cJSON_IsArray(json))
        return REFUSE(at, err, "must be a list");
    out->items = mem_alloc((size_t)cJSON_GetArraySize(json) * field->size);
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        const struct place where = {.in = at, .index = out->len};
        if (read_object(field->table, item, &where, unknown,
                        (char *)out->items + out->len * field->size, err) < 0)
            return -1;
        out->len++;
    }
    return 0;
}

static int read_int_or_percent(const cJSON *json, const struct place *at,
                               struct int_or_percent *out, struct err **err)
{
    int64_t value = 0;
    const char *text = cJSON_GetStringValue(json);
    size_t len = text ? strlen(text) : 0;
    bool percent = len && text[len - 1] == '%';
    AUTO_FREE char *number = text ? mem_strndup(text, percent ? len - 1 : len) : NULL;
    if (text && !str_parse_int64(number, 0, percent ? 100 : INT32_MAX, &value))
        return REFUSE(at, err, "must be a number or a percentage from \"0%%\" to \"100%%\"");
    if (!text && read_integer(json, at, 0, INT32_MAX, &value, err) < 0)
        return -1;
    out->kind = percent ? INT_OR_PERCENT_PERCENT : INT_OR_PERCENT_INT;
    out->value = (int32_t)value;
    return 0;
}

static int read_value(const struct json_field *field, const cJSON *json, const struct place *at,
                      enum json_unknown unknown, void *out, struct err **err)
{
    int64_t integer = 0;
    switch (field->type) {
    case JSON_STRING:
        return read_string(json, at, out, err);
    case JSON_INT32:
        if (read_integer(json, at, INT32_MIN, INT32_MAX, &integer, err) < 0)
            return -1;
        *(int32_t *)out = (int32_t)integer;
        return 0;
    case JSON_INT64:
        return read_integer(json, at, INT64_MIN, INT64_MAX, out, err);
    case JSON_BOOL:
        if (!cJSON_IsBool(json))
            return REFUSE(at, err, "must be true or false");
        *(bool *)out = cJSON_IsTrue(json);
        return 0;
    case JSON_TIME:
        return read_time(json, at, out, err);
    case JSON_STRING_MAP:
        return read_map(json, at, out, err);
    case JSON_OBJECT:
        return read_object(field->table, json, at, unknown, out, err);
    case JSON_ARRAY:
        return read_array(field, json, at, unknown, out, err);
    case JSON_STRINGS:
        return read_strings(json, at, out, err);
    case JSON_TEXT:
        *(char **)out = json_text(json);
        return 0;
    case JSON_INT_OR_PERCENT:
        return read_int_or_percent(json, at, out, err);
    }
    UNREACHABLE("every type is read");
}

/* -- reading an object -- */

static const struct json_field *find_field(const struct json_field *table, const char *key)
{
    for (; table->key; table++)
        if (strcmp(table->key, key) == 0)
            return table;
    return NULL;
}

static int refuse_unknown(const struct json_field *table, const struct place *at, const char *key,
                          struct err **err)
{
    size_t count = 0;
    while (table[count].key)
        count++;
    AUTO_FREE const char **names = mem_alloc((count + 1) * sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = table[i].key;
    const char *nearest = str_nearest(key, names, count);
    const struct place where = {.in = at, .key = key};
    if (nearest)
        return REFUSE(&where, err, "unknown field (did you mean \"%s\"?)", nearest);
    return REFUSE(&where, err, "unknown field");
}

static bool is_absent(const cJSON *json)
{
    return !json || cJSON_IsNull(json);
}

/*
 * The value of @field under another of its names, or NULL; *ret_name is the name then. One of the two
 * is an alias: fields of one struct may share an offset without being the same.
 */
static const cJSON *under_other_name(const struct json_field *table, const cJSON *json,
                                     const struct json_field *field, const char **ret_name)
{
    for (const struct json_field *other = table; other->key; other++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, other->key);
        if (other != field && other->offset == field->offset && !is_absent(item) &&
            ((other->flags | field->flags) & JSON_ALIAS)) {
            *ret_name = other->key;
            return item;
        }
    }
    return NULL;
}

static int check_names(const struct json_field *table, const cJSON *json, const struct place *at,
                       struct err **err)
{
    for (const struct json_field *field = table; field->key; field++) {
        const char *other = NULL;
        if ((field->flags & JSON_ALIAS) &&
            !is_absent(cJSON_GetObjectItemCaseSensitive(json, field->key)) &&
            under_other_name(table, json, field, &other)) {
            const struct place where = {.in = at, .key = field->key};
            return REFUSE(&where, err, "must not stand beside %s", other);
        }
    }
    return 0;
}

static int check_required(const struct json_field *table, const cJSON *json, const struct place *at,
                          struct err **err)
{
    for (const struct json_field *field = table; field->key; field++) {
        if (!(field->flags & JSON_REQUIRED))
            continue;
        const char *other = NULL;
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field->key);
        if (is_absent(item))
            item = under_other_name(table, json, field, &other);
        if (is_absent(item) || (cJSON_IsString(item) && !*item->valuestring)) {
            const struct place where = {.in = at, .key = field->key};
            return REFUSE(&where, err, "is required");
        }
    }
    return 0;
}

static int read_items(const struct json_field *table, const cJSON *json, const struct place *at,
                      enum json_unknown unknown, void *out, struct err **err)
{
    const cJSON *item;
    if (check_names(table, json, at, err) < 0)
        return -1;
    cJSON_ArrayForEach(item, json)
    {
        const struct json_field *field = find_field(table, item->string);
        if (!field && unknown == JSON_UNKNOWN_REFUSE)
            return refuse_unknown(table, at, item->string, err);
        if (!field || is_absent(item))
            continue;
        const struct place where = {.in = at, .key = field->key};
        if (read_value(field, item, &where, unknown, slot(field, out), err) < 0)
            return -1;
        if (field->presence)
            *((bool *)out + field->presence - 1) = true;
    }
    return check_required(table, json, at, err);
}

static int read_object(const struct json_field *table, const cJSON *json, const struct place *at,
                       enum json_unknown unknown, void *out, struct err **err)
{
    if (!cJSON_IsObject(json))
        return REFUSE(at, err, "must be an object");
    if (read_items(table, json, at, unknown, out, err) == 0)
        return 0;
    json_release(table, out);
    return -1;
}

int json_read(const struct json_field *table, const cJSON *json, const char *path,
              enum json_unknown unknown, void *out, struct err **err)
{
    const struct place at = {.key = path};
    if (!cJSON_IsObject(json))
        return err_field(err, *path ? path : "document", "must be an object");
    return read_object(table, json, &at, unknown, out, err);
}

/* -- writing -- */

static cJSON *write_strings(const struct json_strings *strings)
{
    cJSON *json = cJSON_CreateArray();
    for (size_t i = 0; i < strings->len; i++)
        cJSON_AddItemToArray(json, cJSON_CreateString(strings->items[i]));
    return json;
}

static cJSON *write_map(const struct json_map *map)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < map->len; i++)
        cJSON_AddStringToObject(json, map->items[i].key, map->items[i].value);
    return json;
}

static cJSON *write_array(const struct json_field *field, const struct json_array *array)
{
    cJSON *json = cJSON_CreateArray();
    for (size_t i = 0; i < array->len; i++)
        cJSON_AddItemToArray(
            json, json_write(field->table, (const char *)array->items + i * field->size));
    return json;
}

static cJSON *write_int_or_percent(const struct int_or_percent *value)
{
    if (value->kind == INT_OR_PERCENT_UNSET)
        return NULL;
    if (value->kind == INT_OR_PERCENT_INT)
        return cJSON_CreateNumber(value->value);
    AUTO_FREE char *text = mem_printf("%d%%", value->value);
    return cJSON_CreateString(text);
}

/* As protobuf's JSON has it: a decimal string where a number would lose digits. */
static cJSON *write_int64(int64_t value)
{
    if (value >= -WRITTEN_INTEGER_MAX && value <= WRITTEN_INTEGER_MAX)
        return cJSON_CreateNumber((double)value);
    AUTO_FREE char *text = mem_printf("%" PRId64, value);
    return cJSON_CreateString(text);
}

static cJSON *write_time(int64_t wall_ms)
{
    char text[TIME_TEXT_SIZE];
    return wall_ms ? cJSON_CreateString(time_format(wall_ms, text)) : NULL;
}

/* The value of a field, or NULL where it is empty and @keep is false. */
static cJSON *write_value(const struct json_field *field, const void *in, bool keep)
{
    const char *text;
    cJSON *object;
    switch (field->type) {
    case JSON_STRING:
        text = *(char *const *)in;
        return str_empty(text) && !keep ? NULL : cJSON_CreateString(text ? text : "");
    case JSON_INT32:
        return *(const int32_t *)in || keep ? cJSON_CreateNumber(*(const int32_t *)in) : NULL;
    case JSON_INT64:
        return *(const int64_t *)in || keep ? write_int64(*(const int64_t *)in) : NULL;
    case JSON_BOOL:
        return *(const bool *)in || keep ? cJSON_CreateBool(*(const bool *)in) : NULL;
    case JSON_TIME:
        return write_time(*(const int64_t *)in);
    case JSON_STRING_MAP:
        return ((const struct json_map *)in)->len || keep ? write_map(in) : NULL;
    case JSON_STRINGS:
        return ((const struct json_strings *)in)->len || keep ? write_strings(in) : NULL;
    case JSON_ARRAY:
        return ((const struct json_array *)in)->len || keep ? write_array(field, in) : NULL;
    case JSON_OBJECT:
        object = json_write(field->table, in);
        if (object->child || keep)
            return object;
        json_free(object);
        return NULL;
    case JSON_TEXT:
        text = *(char *const *)in;
        return text ? cJSON_Parse(text) : NULL;
    case JSON_INT_OR_PERCENT:
        return write_int_or_percent(in);
    }
    UNREACHABLE("every type is written");
}

cJSON *json_write(const struct json_field *table, const void *in)
{
    cJSON *json = cJSON_CreateObject();
    for (const struct json_field *field = table; field->key; field++) {
        if (field->flags & JSON_ALIAS)
            continue;
        bool given = field->presence && *((const bool *)in + field->presence - 1);
        bool keep = given || (field->flags & JSON_KEEP_ZERO);
        cJSON *value = write_value(field, slot(field, in), keep);
        if (value)
            cJSON_AddItemToObject(json, field->key, value);
    }
    return json;
}

/* -- releasing -- */

static void release_array(const struct json_field *field, struct json_array *array)
{
    for (size_t i = 0; i < array->len; i++)
        json_release(field->table, (char *)array->items + i * field->size);
    mem_free(array->items);
    *array = (struct json_array){0};
}

static void release_value(const struct json_field *field, void *at)
{
    switch (field->type) {
    case JSON_STRING:
    case JSON_TEXT:
        mem_replace(at, NULL);
        return;
    case JSON_INT32:
        *(int32_t *)at = 0;
        return;
    case JSON_INT64:
    case JSON_TIME:
        *(int64_t *)at = 0;
        return;
    case JSON_BOOL:
        *(bool *)at = false;
        return;
    case JSON_STRING_MAP:
        json_map_done(at);
        return;
    case JSON_OBJECT:
        json_release(field->table, at);
        return;
    case JSON_ARRAY:
        release_array(field, at);
        return;
    case JSON_STRINGS:
        json_strings_done(at);
        return;
    case JSON_INT_OR_PERCENT:
        *(struct int_or_percent *)at = (struct int_or_percent){INT_OR_PERCENT_UNSET, 0};
        return;
    }
}

void json_release(const struct json_field *table, void *s)
{
    for (const struct json_field *field = table; field->key; field++) {
        release_value(field, slot(field, s));
        if (field->presence)
            *((bool *)s + field->presence - 1) = false;
    }
}
