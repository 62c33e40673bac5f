/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/records.h"

#include "lib/base/str.h"

struct record *record_new(struct base *base, const char *request_id, cJSON *meta)
{
    struct record *record = NEW(struct record);

    record->request_id = mem_strdup(request_id);
    record->meta = meta;
    record->status = "INITIALIZED";
    record->begin_wall_ms = sim_wall_ms(base->sim);
    map_put(&base->records, request_id, record);
    return record;
}

struct record *record_find(const struct base *base, const char *request_id)
{
    return map_get(&base->records, request_id);
}

void record_begin(struct base *base, struct record *record)
{
    record->thread = mem_printf("ARKLET-ark-biz-ops-0-T%d", ++base->pool_threads);
    record->status = "EXECUTING";
}

void record_conflict(struct base *base, struct record *record)
{
    record->status = "INITIALIZED";
    record->message = mem_strdup("command conflict, exist unfinished command for this biz");
    record->end_wall_ms = sim_wall_ms(base->sim);
}

void record_end(struct base *base, struct record *record, const cJSON *answer,
                const struct failure *failure)
{
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "code"));
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "message"));

    record->end_wall_ms = sim_wall_ms(base->sim);
    record->status = str_eq(code, "SUCCESS") ? "SUCCEEDED" : "FAILED";
    record->message = failure ? failure_text(failure) : mem_strdup(message);
    record->throwable = failure ? failure_json(failure) : NULL;
}

cJSON *record_json(const struct record *record)
{
    bool done = record->end_wall_ms != 0;
    cJSON *json = cJSON_CreateObject();

    cJSON_AddItemToObject(json, "arkBizMeta", cJSON_Duplicate(record->meta, /* recurse= */ true));
    cJSON_AddNumberToObject(json, "elapsedTime",
                            done ? (double)(record->end_wall_ms - record->begin_wall_ms) : 0);
    if (done)
        cJSON_AddNumberToObject(json, "endTime", (double)record->end_wall_ms);
    cJSON_AddNumberToObject(json, "endTimestamp", (double)record->end_wall_ms);
    if (record->message)
        cJSON_AddStringToObject(json, "message", record->message);
    cJSON_AddStringToObject(json, "requestId", record->request_id);
    cJSON_AddNumberToObject(json, "startTime", (double)record->begin_wall_ms);
    cJSON_AddNumberToObject(json, "startTimestamp", (double)record->begin_wall_ms);
    cJSON_AddStringToObject(json, "status", record->status);
    if (record->thread)
        cJSON_AddStringToObject(json, "threadName", record->thread);
    if (record->throwable)
        cJSON_AddItemToObject(json, "throwable", cJSON_Duplicate(record->throwable, true));
    return json;
}

void records_clear(struct base *base)
{
    for (size_t i = 0; i < base->records.len; i++) {
        struct record *record = base->records.entries[i].value;
        mem_free(record->request_id);
        cJSON_Delete(record->meta);
        mem_free(record->thread);
        mem_free(record->message);
        cJSON_Delete(record->throwable);
        mem_free(record);
    }
    map_done(&base->records);
}
