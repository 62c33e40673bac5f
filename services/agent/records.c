/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/records.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/str.h"

#define FILE_NAME "modules.json"
#define REMOVED "removed" /* no identity: it has no colon */

struct records {
    struct worker *worker;
    char *path; /* NULL = memory only */
    struct map by_identity;
    struct map removed; /* by identity too */
};

struct write_job {
    struct worker_job job;
    char *path, *text;
};

struct flush_job {
    struct worker_job job;
    void (*done)(void *user);
    void *user;
};

/* -- the file: {"name:version": {"url": ..., "sha256": ..., "restart": ...}, ..., "removed": {the same}} -- */

/* Borrows from @item. */
static struct record record_of(const cJSON *item)
{
    return (struct record){
        .url = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "url")),
        .digest = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "sha256")),
        .restart = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "restart")),
    };
}

static void read_records(const cJSON *json, struct map *map)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        struct record record = record_of(item);
        if (record.url)
            record_put(map, item->string, &record);
    }
}

static void load(struct records *records)
{
    AUTO_FREE char *text = mem_alloc(LIMIT_OBJECT);
    int fd = open(records->path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, LIMIT_OBJECT);
    if (fd >= 0)
        close(fd);
    AUTO_JSON cJSON *json = n > 0 ? json_parse(text, (size_t)n, LIMIT_OBJECT, NULL) : NULL;
    read_records(json, &records->by_identity);
    read_records(cJSON_GetObjectItemCaseSensitive(json, REMOVED), &records->removed);
}

static void add_records(cJSON *json, const struct map *map)
{
    for (size_t i = 0; i < map->len; i++) {
        const struct record *record = map->entries[i].value;
        cJSON *item = cJSON_AddObjectToObject(json, map->entries[i].key);
        cJSON_AddStringToObject(item, "url", record->url);
        if (record->digest)
            cJSON_AddStringToObject(item, "sha256", record->digest);
        if (record->restart)
            cJSON_AddStringToObject(item, "restart", record->restart);
    }
}

static char *text_of(const struct records *records)
{
    AUTO_JSON cJSON *json = cJSON_CreateObject();
    add_records(json, &records->by_identity);
    if (records->removed.len)
        add_records(cJSON_AddObjectToObject(json, REMOVED), &records->removed);
    return json_text(json);
}

/* A new file takes the place of the old one: a reader finds the one or the other. */
static void write_file(struct worker_job *worker_job)
{
    struct write_job *job = CONTAINER_OF(worker_job, struct write_job, job);
    AUTO_FREE char *part = mem_printf("%s.part", job->path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t len = (ssize_t)strlen(job->text);
    bool whole = fd >= 0 && write(fd, job->text, (size_t)len) == len;
    if (fd >= 0 && close(fd) < 0)
        whole = false;
    if (!whole || rename(part, job->path) < 0)
        unlink(part);
}

static void free_job(struct worker_job *worker_job)
{
    struct write_job *job = CONTAINER_OF(worker_job, struct write_job, job);
    mem_free(job->path);
    mem_free(job->text);
    mem_free(job);
}

static void save(struct records *records)
{
    if (!records->path)
        return;
    struct write_job *job = NEW(struct write_job);
    job->job = (struct worker_job){.work = write_file, .done = free_job};
    job->path = mem_strdup(records->path);
    job->text = text_of(records);
    worker_start(records->worker, &job->job);
}

/* -- public -- */

struct records *records_new(struct worker *worker, const char *dir)
{
    struct records *records = NEW(struct records);
    records->worker = worker;
    if (dir) {
        records->path = mem_printf("%s/" FILE_NAME, dir);
        load(records);
    }
    return records;
}

static void records_done(struct map *map)
{
    for (size_t i = 0; i < map->len; i++)
        record_free(map->entries[i].value);
    map_done(map);
}

void records_free(struct records *records)
{
    if (!records)
        return;
    records_done(&records->by_identity);
    records_done(&records->removed);
    mem_free(records->path);
    mem_free(records);
}

const struct record *records_get(const struct records *records, const char *name,
                                 const char *version)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    return map_get(&records->by_identity, identity);
}

void records_put(struct records *records, const char *name, const char *version,
                 const struct record *record)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    record_put(&records->by_identity, identity, record);
    save(records);
}

void records_remove(struct records *records, const char *name, const char *version)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    struct record *record = map_remove(&records->by_identity, identity);
    if (!record)
        return;
    record_free(record);
    save(records);
}

/* -- what was removed -- */

void records_put_removed(struct records *records, const char *name, const char *version,
                         const struct record *record)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    record_put(&records->removed, identity, record);
    save(records);
}

/* The version of @identity where it is one of @name, else NULL. */
static const char *version_of(const char *identity, const char *name)
{
    size_t len = strlen(name);
    return strncmp(identity, name, len) == 0 && identity[len] == ':' ? identity + len + 1 : NULL;
}

const struct record *records_next_removed(const struct records *records, const char *name,
                                          size_t *at, const char **ret_version)
{
    while (*at < records->removed.len) {
        const struct map_entry *entry = &records->removed.entries[(*at)++];
        const char *version = version_of(entry->key, name);
        if (version) {
            *ret_version = version;
            return entry->value;
        }
    }
    return NULL;
}

void records_forget_removed(struct records *records, const char *name)
{
    bool changed = false;
    for (size_t i = records->removed.len; i-- > 0;) { /* a removal moves the last one here */
        const char *identity = records->removed.entries[i].key;
        if (!version_of(identity, name))
            continue;
        AUTO_FREE char *key = mem_strdup(identity);
        record_free(map_remove(&records->removed, key));
        changed = true;
    }
    if (changed)
        save(records);
}

/* -- all of it -- */

static void work_nothing(struct worker_job *job)
{
    (void)job;
}

static void on_flushed(struct worker_job *worker_job)
{
    struct flush_job *job = CONTAINER_OF(worker_job, struct flush_job, job);
    job->done(job->user);
    mem_free(job);
}

/* Jobs run in their order: behind the writes that were started before. */
void records_flush(struct records *records, void (*done)(void *user), void *user)
{
    if (!records->path) {
        done(user);
        return;
    }
    struct flush_job *job = NEW(struct flush_job);
    *job = (struct flush_job){{.work = work_nothing, .done = on_flushed}, done, user};
    worker_start(records->worker, &job->job);
}

static void each_digest(const struct map *map, void (*fn)(void *user, const char *digest),
                        void *user)
{
    for (size_t i = 0; i < map->len; i++) {
        const struct record *record = map->entries[i].value;
        if (record->digest)
            fn(user, record->digest);
    }
}

void records_each_digest(const struct records *records, void (*fn)(void *user, const char *digest),
                         void *user)
{
    each_digest(&records->by_identity, fn, user);
    each_digest(&records->removed, fn, user);
}
