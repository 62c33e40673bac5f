/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/records.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/records_file.h"

#define FILE_NAME "modules.json"
#define REMOVED "removed" /* no identities: they have no colon */
#define TRIALS "trials"
#define JVM "jvm"
#define AGENT "agent"

#define GROWTH_MAX LIMIT_MIB(1) /* appended before the file is written anew */

struct records {
    struct worker *worker;
    struct log *log;
    char *path;         /* NULL = memory only */
    char *agent;        /* whose they are */
    size_t added_bytes; /* since the file was written anew */
    bool anew;          /* the next one is: nothing was written yet, or not all of it */
    bool failed;        /* and it was told */
    struct map by_identity;
    struct map removed; /* by identity too */
    struct trials trials;
    char *jvm;    /* all of this is about; NULL = not known */
    bool jvm_met; /* by this agent */
};

struct write_job {
    struct worker_job job;
    struct records *records;
    char *path, *text;
    bool anew, written;
};

/*
 * -- the file: a line for each time that something has changed, of which the last one counts:
 * {"name:version": {a record}, ..., "removed": {the same}, "trials": {...}, "jvm": ..., "agent": ...} --
 */

/* What was written half is no JSON: the line before it counts. */
static cJSON *last_line(const char *text)
{
    for (size_t end = strlen(text), begin; end > 0; end = begin ? begin - 1 : 0) {
        for (begin = end; begin > 0 && text[begin - 1] != '\n'; begin--)
            continue;
        cJSON *json = json_parse(text + begin, end - begin, LIMIT_RECORDS, NULL);
        if (json)
            return json;
    }
    return NULL;
}

static void load(struct records *records)
{
    AUTO_FREE char *text = records_file_read(records->path);
    AUTO_JSON cJSON *json = text ? last_line(text) : NULL;
    const char *agent = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, AGENT));
    if (agent && !str_eq(agent, records->agent))
        return;
    record_map_read(json, &records->by_identity);
    record_map_read(cJSON_GetObjectItemCaseSensitive(json, REMOVED), &records->removed);
    trials_read(cJSON_GetObjectItemCaseSensitive(json, TRIALS), &records->trials);
    records->jvm = mem_strdup(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, JVM)));
}

static char *text_of(const struct records *records)
{
    AUTO_JSON cJSON *json = cJSON_CreateObject();
    record_map_write(&records->by_identity, json);
    if (records->removed.len)
        record_map_write(&records->removed, cJSON_AddObjectToObject(json, REMOVED));
    if (records->trials.by_identity.len)
        cJSON_AddItemToObject(json, TRIALS, trials_write(&records->trials));
    if (records->jvm)
        cJSON_AddStringToObject(json, JVM, records->jvm);
    cJSON_AddStringToObject(json, AGENT, records->agent);
    return json_text(json);
}

static void write_text(struct worker_job *worker_job)
{
    struct write_job *job = CONTAINER_OF(worker_job, struct write_job, job);
    job->written = (!job->anew && records_file_append(job->path, job->text)) ||
                   records_file_replace(job->path, job->text);
}

static void on_written(struct worker_job *worker_job)
{
    struct write_job *job = CONTAINER_OF(worker_job, struct write_job, job);
    struct records *records = job->records;
    if (!job->written && !records->failed)
        log_warn(records->log, "where modules came from can't be written down; an agent that is "
                               "started anew will not know of the last ones");
    records->failed = !job->written;
    records->anew |= !job->written;
    mem_free(job->path);
    mem_free(job->text);
    mem_free(job);
}

static void save(struct records *records)
{
    if (!records->path)
        return;
    AUTO_FREE char *text = text_of(records);
    struct write_job *job = NEW(struct write_job);
    job->job = (struct worker_job){.work = write_text, .done = on_written};
    job->records = records;
    job->path = mem_strdup(records->path);
    job->text = mem_printf("%s\n", text);
    records->added_bytes += strlen(job->text);
    job->anew = records->anew || records->added_bytes > GROWTH_MAX;
    if (job->anew)
        records->added_bytes = 0;
    records->anew = false;
    worker_start(records->worker, &job->job);
}

/* -- public -- */

struct records *records_new(const struct records_options *options)
{
    struct records *records = NEW(struct records);
    records->worker = options->worker;
    records->log = options->log;
    records->agent = mem_strdup(options->agent);
    records->anew = true;
    if (options->dir) {
        records->path = mem_printf("%s/" FILE_NAME, options->dir);
        load(records);
    }
    return records;
}

void records_free(struct records *records)
{
    if (!records)
        return;
    record_map_done(&records->by_identity);
    record_map_done(&records->removed);
    trials_done(&records->trials);
    mem_free(records->jvm);
    mem_free(records->agent);
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

void records_lose(struct records *records, const char *name, const char *version)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    struct record *record = map_get(&records->by_identity, identity);
    if (!record)
        return;
    record->lost = true;
    save(records);
}

static const struct record *next_of(const struct map *map, size_t *at, const char **ret_identity)
{
    if (*at >= map->len)
        return NULL;
    *ret_identity = map->entries[*at].key;
    return map->entries[(*at)++].value;
}

const struct record *records_next(const struct records *records, size_t *at,
                                  const char **ret_identity)
{
    return next_of(&records->by_identity, at, ret_identity);
}

/* -- what was removed -- */

void records_put_removed(struct records *records, const char *name, const char *version,
                         const struct record *record)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    record_put(&records->removed, identity, record);
    save(records);
}

const struct record *records_next_removed(const struct records *records, const char *name,
                                          size_t *at, const char **ret_version)
{
    const struct record *record;
    const char *identity;
    while ((record = next_of(&records->removed, at, &identity))) {
        *ret_version = record_version(identity, name);
        if (*ret_version)
            return record;
    }
    return NULL;
}

const struct record *records_next_of_removed(const struct records *records, size_t *at,
                                             const char **ret_identity)
{
    return next_of(&records->removed, at, ret_identity);
}

void records_forget_removed(struct records *records, const char *name)
{
    bool changed = false;
    for (size_t i = records->removed.len; i-- > 0;) { /* a removal moves the last one here */
        const char *identity = records->removed.entries[i].key;
        if (!record_version(identity, name))
            continue;
        AUTO_FREE char *key = mem_strdup(identity);
        record_free(map_remove(&records->removed, key));
        changed = true;
    }
    if (changed)
        save(records);
}

/* -- what the base shows -- */

static struct record *record_at(const struct map *map, size_t i)
{
    return map->entries[i].value;
}

static void lose_all(struct records *records)
{
    for (size_t i = 0; i < records->by_identity.len; i++)
        record_at(&records->by_identity, i)->lost = true;
    trials_died(&records->trials);
}

enum jvm_met records_meet(struct records *records, const char *jvm, int64_t now_ms)
{
    enum jvm_met met = jvm_meet(records->jvm, jvm, records->jvm_met);
    bool known = met == JVM_MET_SAME && records->jvm_met;
    records->jvm_met = true;
    if (known)
        return JVM_MET_SAME;
    if (met == JVM_MET_OTHER)
        lose_all(records);
    else
        trials_orphaned(&records->trials, now_ms);
    mem_replace(&records->jvm, jvm);
    save(records);
    return met;
}

/* Return: whether something has changed. */
static bool see(struct record *record, const struct biz *biz, bool quiet)
{
    bool inactive = quiet ? biz->state == BIZ_DEACTIVATED : record->inactive;
    bool changed = record->lost || record->inactive != inactive;
    record->lost = false;
    record->inactive = inactive;
    return changed;
}

static const struct biz *find(const struct biz_list *modules, const char *identity)
{
    for (size_t i = 0; i < modules->len; i++)
        if (str_eq(record_version(identity, modules->items[i].name), modules->items[i].version))
            return &modules->items[i];
    return NULL;
}

void records_see(struct records *records, const struct biz_list *modules, bool quiet)
{
    bool changed = false;
    for (size_t i = records->by_identity.len; i-- > 0;) {
        struct record *record = record_at(&records->by_identity, i);
        AUTO_FREE char *identity = mem_strdup(records->by_identity.entries[i].key);
        const struct biz *biz = find(modules, identity);
        if (biz) {
            changed |= see(record, biz, quiet);
        } else if (quiet && !record->lost) {
            record_free(map_remove(&records->by_identity, identity));
            changed = true;
        }
    }
    if (changed)
        save(records);
}

bool records_any_lost(const struct records *records)
{
    for (size_t i = 0; i < records->by_identity.len; i++)
        if (record_at(&records->by_identity, i)->lost)
            return true;
    return false;
}

void records_forget_lost(struct records *records, bool (*goes)(void *user, const char *identity),
                         void *user)
{
    bool changed = false;
    for (size_t i = records->by_identity.len; i-- > 0;) { /* a removal moves the last one here */
        const char *identity = records->by_identity.entries[i].key;
        if (!record_at(&records->by_identity, i)->lost || !goes(user, identity))
            continue;
        AUTO_FREE char *key = mem_strdup(identity);
        record_free(map_remove(&records->by_identity, key));
        changed = true;
    }
    if (changed)
        save(records);
}

/* -- trials -- */

void records_try(struct records *records, const char *name, const char *version,
                 const struct record *record)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    if (record->digest)
        trials_begin(&records->trials, identity, record->digest);
    records_put(records, name, version, record);
}

void records_tried(struct records *records, const char *name, const char *version, int64_t now_ms)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    trials_over(&records->trials, identity, now_ms);
    save(records);
}

void records_lived(struct records *records, bool busy, int64_t now_ms)
{
    if (!busy)
        trials_orphaned(&records->trials, now_ms);
    if (trials_lived(&records->trials, now_ms))
        save(records);
}

void records_forgive(struct records *records, const char *name, const char *version)
{
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    if (trials_forget(&records->trials, identity))
        save(records);
}

const struct trials *records_trials(const struct records *records)
{
    return &records->trials;
}

/* -- all of it -- */

void records_flush(struct records *records, void (*done)(void *user), void *user)
{
    if (records->path)
        worker_flush(records->worker, done, user);
    else
        done(user);
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
