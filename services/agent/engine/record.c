/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/record.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define SAME_JVM_S 2 /* between what two agents say of one JVM */

static const struct json_field record_fields[] = {
    JSON_FIELD(struct record, "url", JSON_STRING, url, JSON_REQUIRED),
    JSON_FIELD(struct record, "sha256", JSON_STRING, digest, 0),
    JSON_FIELD(struct record, "restart", JSON_STRING, restart, 0),
    JSON_FIELD(struct record, "source", JSON_STRING, source, 0),
    JSON_FIELD(struct record, "md5", JSON_STRING, md5, 0),
    JSON_FIELD(struct record, "args", JSON_STRINGS, args, 0),
    JSON_FIELD(struct record, "inactive", JSON_BOOL, inactive, 0),
    JSON_FIELD(struct record, "lost", JSON_BOOL, lost, 0),
    JSON_END,
};

void record_free(struct record *record)
{
    if (!record)
        return;
    json_release(record_fields, record);
    mem_free(record);
}

struct record *record_copy(const struct record *from)
{
    struct record *record = NEW(struct record);
    *record = *from;
    record->url = mem_strdup(from->url);
    record->digest = mem_strdup(from->digest);
    record->restart = mem_strdup(from->restart);
    record->source = mem_strdup(from->source);
    record->md5 = mem_strdup(from->md5);
    record->args = (struct json_strings){0};
    json_strings_copy(&record->args, &from->args);
    return record;
}

void record_put(struct map *map, const char *identity, const struct record *from)
{
    struct record *copy = record_copy(from);
    record_free(map_put(map, identity, copy));
}

const char *record_version(const char *identity, const char *name)
{
    size_t len = strlen(name);
    return strncmp(identity, name, len) == 0 && identity[len] == ':' ? identity + len + 1 : NULL;
}

void record_map_done(struct map *map)
{
    for (size_t i = 0; i < map->len; i++)
        record_free(map->entries[i].value);
    map_done(map);
}

void record_map_write(const struct map *map, cJSON *json)
{
    for (size_t i = 0; i < map->len; i++)
        cJSON_AddItemToObject(json, map->entries[i].key,
                              json_write(record_fields, map->entries[i].value));
}

/* An empty text is never written: it says what a missing one says. */
static bool read_record(const cJSON *json, struct record *record)
{
    if (json_read(record_fields, json, "", JSON_UNKNOWN_IGNORE, record, NULL) < 0 ||
        str_empty(record->url))
        return false;
    if (str_empty(record->digest))
        mem_replace(&record->digest, NULL);
    return true;
}

/* What is no record is none: other things stand beside them, and nothing here is worth more than a question. */
void record_map_read(const cJSON *json, struct map *map)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        struct record *record = NEW(struct record);
        if (cJSON_IsObject(item) && strchr(item->string, ':') && read_record(item, record))
            record_free(map_put(map, item->string, record));
        else
            record_free(record);
    }
}

enum jvm_met jvm_meet(const char *recorded, const char *now, bool by_us)
{
    if (str_empty(recorded))
        return JVM_MET_UNKNOWN;
    if (str_eq(recorded, now))
        return JVM_MET_SAME;
    long long apart_s = strtoll(recorded, NULL, 10) - strtoll(now, NULL, 10);
    return !by_us && llabs(apart_s) <= SAME_JVM_S ? JVM_MET_SAME : JVM_MET_OTHER;
}
