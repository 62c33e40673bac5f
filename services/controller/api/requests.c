/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"

void request_memory_init(struct request_memory *memory)
{
    pthread_mutex_init(&memory->lock, NULL);
}

void request_memory_done(struct request_memory *memory)
{
    for (size_t i = 0; memory->order && i < LIMIT_REQUEST_IDS; i++)
        mem_free(memory->order[i]);
    for (size_t i = 0; i < memory->answers.len; i++)
        mem_free(memory->answers.entries[i].value);
    mem_free(memory->order);
    map_done(&memory->answers);
    map_done(&memory->running);
    pthread_mutex_destroy(&memory->lock);
}

char *request_id_key(const char *method, const char *namespace, const char *request_id)
{
    return str_empty(request_id)
               ? NULL
               : mem_printf("%s/%s/%s", method, namespace_or_default(namespace), request_id);
}

static void answer_again(const char *text, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    cJSON *json = json_parse(text, strlen(text), SIZE_MAX, &err);
    if (json)
        reply_json(reply, json);
    else
        reply_fail(reply, err);
}

static void refuse_running(const char *key, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_CONFLICT, "a request of this request_id is under way (%s)", key);
    err_reason(&err, "REQUEST_RUNNING");
    reply_fail(reply, err);
}

bool request_begin(struct api *api, const char *key, const struct reply *reply)
{
    struct request_memory *memory = &api->requests;
    if (!key)
        return true;
    pthread_mutex_lock(&memory->lock);
    AUTO_FREE char *text = mem_strdup(map_get(&memory->answers, key));
    bool running = !text && map_get(&memory->running, key);
    if (!text && !running)
        map_put(&memory->running, key, memory);
    pthread_mutex_unlock(&memory->lock);
    if (text)
        answer_again(text, reply);
    else if (running)
        refuse_running(key, reply);
    return !text && !running;
}

void request_end(struct api *api, const char *key)
{
    if (!key)
        return;
    pthread_mutex_lock(&api->requests.lock);
    map_remove(&api->requests.running, key);
    pthread_mutex_unlock(&api->requests.lock);
}

void request_remember(struct api *api, const char *key, const cJSON *json)
{
    struct request_memory *memory = &api->requests;
    if (!key)
        return;
    char *text = json_text(json);
    pthread_mutex_lock(&memory->lock);
    if (!memory->order)
        memory->order = mem_alloc(LIMIT_REQUEST_IDS * sizeof(*memory->order));
    char **slot = &memory->order[memory->next];
    if (*slot)
        mem_free(map_remove(&memory->answers, *slot));
    mem_replace(slot, key);
    memory->next = (memory->next + 1) % LIMIT_REQUEST_IDS;
    mem_free(map_put(&memory->answers, key, text));
    pthread_mutex_unlock(&memory->lock);
}
