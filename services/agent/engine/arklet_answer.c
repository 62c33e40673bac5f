/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/arklet_answer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define CAUSED_BY "Caused by: "
#define MIB 1048576.0

/* -- the envelope -- */

static enum arklet_code parse_code(const char *code)
{
    if (str_eq(code, "SUCCESS"))
        return ARKLET_SUCCESS;
    if (str_eq(code, "FAILED"))
        return ARKLET_FAILED;
    return str_eq(code, "CMD_NOT_FOUND") ? ARKLET_CMD_NOT_FOUND : ARKLET_INTERNAL_ERROR;
}

static cJSON *parse_envelope(const char *body, size_t len, struct err **err)
{
    cJSON *json = json_parse(body, len, LIMIT_ARKLET_ANSWER, err);
    if (!json) {
        if (err && *err)
            (*err)->code = ERR_DATA_LOSS;
        err_wrap(err, "Arklet's answer");
        return NULL;
    }
    if (!json_get_string(json, "code")) {
        err_set(err, ERR_DATA_LOSS, "Arklet's answer has no code");
        json_free(json);
        return NULL;
    }
    return json;
}

/* The whole command succeeded; else the error is what it says. */
static cJSON *parse_success(const char *body, size_t len, struct err **err)
{
    cJSON *json = parse_envelope(body, len, err);
    if (!json || parse_code(json_get_string(json, "code")) == ARKLET_SUCCESS)
        return json;
    const char *message = json_get_string(json, "message");
    err_set(err, ERR_INTERNAL, "Arklet: %s: %s", json_get_string(json, "code"),
            message ? message : "no message");
    json_free(json);
    return NULL;
}

/* The last "Caused by: " that begins a line: what the module's own code threw. */
static char *last_cause(const char *trace)
{
    const char *found = NULL;
    for (const char *at = trace; at && (at = strstr(at, CAUSED_BY)); at += strlen(CAUSED_BY))
        if (at == trace || at[-1] == '\n')
            found = at + strlen(CAUSED_BY);
    return found ? mem_strndup(found, strcspn(found, "\r\n")) : NULL;
}

static void read_first_biz(const cJSON *data, struct arklet_answer *out)
{
    const cJSON *first = cJSON_GetArrayItem(json_get(data, "bizInfos"), 0);
    const char *identity = json_get_string(first, "identity");
    const char *name = json_get_string(first, "bizName");
    const char *version = json_get_string(first, "bizVersion");
    if (identity)
        out->identity = mem_strdup(identity);
    else if (name && version)
        out->identity = mem_printf("%s:%s", name, version);
}

int arklet_answer_parse(const char *body, size_t len, struct arklet_answer *out, struct err **err)
{
    AUTO_JSON cJSON *json = parse_envelope(body, len, err);
    if (!json)
        return -1;
    *out = (struct arklet_answer){.code = parse_code(json_get_string(json, "code"))};
    const cJSON *data = json_get(json, "data");
    const char *message = json_get_string(data, "message");
    const char *trace = json_get_string(json, "errorStackTrace");
    const cJSON *space = json_get(data, "elapsedSpace");
    message = message ? message : json_get_string(json, "message");
    out->message = mem_strdup(message ? message : "");
    out->data_code = mem_strdup(json_get_string(data, "code"));
    out->cause = last_cause(trace);
    out->metaspace_full = strstr(out->message, "OutOfMemoryError: Metaspace") ||
                          (trace && strstr(trace, "OutOfMemoryError: Metaspace"));
    out->metaspace_bytes = json_int64(space, INT64_MIN, INT64_MAX);
    read_first_biz(data, out);
    return 0;
}

void arklet_answer_done(struct arklet_answer *answer)
{
    mem_free(answer->data_code);
    mem_free(answer->message);
    mem_free(answer->cause);
    mem_free(answer->identity);
    *answer = (struct arklet_answer){0};
}

/* -- modules -- */

static const char *const state_names[] = {
    [BIZ_RESOLVED] = "resolved",
    [BIZ_ACTIVATED] = "activated",
    [BIZ_DEACTIVATED] = "deactivated",
    [BIZ_BROKEN] = "broken",
};

const char *biz_state_name(enum biz_state state)
{
    return state_names[state];
}

static enum biz_state parse_state(const char *text)
{
    AUTO_FREE char *lower = str_lower(text);
    for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
        if (str_eq(lower, state_names[i]))
            return (enum biz_state)i;
    return BIZ_RESOLVED;
}

char *web_path_normal(const char *path)
{
    const char *start = path ? path : "";
    start += strspn(start, "/");
    size_t len = strlen(start);
    while (len && start[len - 1] == '/')
        len--;
    return mem_strndup(start, len);
}

static int compare_biz(const void *a, const void *b)
{
    const struct biz *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->version, right->version);
}

int biz_list_parse(const char *body, size_t len, struct biz_list *out, struct err **err)
{
    AUTO_JSON cJSON *json = parse_success(body, len, err);
    if (!json)
        return -1;
    const cJSON *item, *data = json_get(json, "data");
    if (!cJSON_IsArray(data)) /* of another program, which calls its success the same */
        return err_set(err, ERR_DATA_LOSS, "Arklet's answer has no list of modules");
    *out = (struct biz_list){0};
    cJSON_ArrayForEach(item, data)
    {
        const char *name = json_get_string(item, "bizName");
        const char *version = json_get_string(item, "bizVersion");
        if (!name || !version || out->len == LIMIT_MODULES_PER_REPORT)
            continue;
        VEC_PUSH(out,
                 (struct biz){
                     .name = mem_strdup(name),
                     .version = mem_strdup(version),
                     .state = parse_state(json_get_string(item, "bizState")),
                     .web_context_path = web_path_normal(json_get_string(item, "webContextPath")),
                 });
    }
    if (out->len)
        qsort(out->items, out->len, sizeof(*out->items), compare_biz);
    return 0;
}

void biz_list_done(struct biz_list *list)
{
    for (size_t i = 0; i < list->len; i++) {
        mem_free(list->items[i].name);
        mem_free(list->items[i].version);
        mem_free(list->items[i].web_context_path);
    }
    VEC_DONE(list);
}

bool biz_runs(const struct biz *biz)
{
    return biz && (biz->state == BIZ_ACTIVATED || biz->state == BIZ_DEACTIVATED);
}

const struct biz *biz_list_find(const struct biz_list *list, const char *name, const char *version)
{
    for (size_t i = 0; i < list->len; i++)
        if (str_eq(list->items[i].name, name) && str_eq(list->items[i].version, version))
            return &list->items[i];
    return NULL;
}

const struct biz *biz_list_on_path(const struct biz_list *list, const char *path,
                                   const char *except_name)
{
    for (size_t i = 0; i < list->len && !str_empty(path); i++)
        if (str_eq(list->items[i].web_context_path, path) &&
            (!except_name || !str_eq(list->items[i].name, except_name)))
            return &list->items[i];
    return NULL;
}

/* -- the JVM, the commands -- */

#define FIGURE_MAX                                                                                 \
    (INT64_MAX / 1000) /* of seconds and bytes: a thousand or a hundred of them still fit */

static int64_t figure(const cJSON *jvm, const char *key, double unit)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(jvm, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0)) /* -1: no limit */
        return JVM_UNKNOWN;
    double value = item->valuedouble * unit;
    return value < (double)FIGURE_MAX ? (int64_t)value : FIGURE_MAX;
}

int jvm_figures_parse(const char *body, size_t len, struct jvm_figures *out, struct err **err)
{
    AUTO_JSON cJSON *json = parse_success(body, len, err);
    if (!json)
        return -1;
    const cJSON *jvm = json_get(json, "data.healthData.jvm");
    struct jvm_figures figures = {
        .uptime_s = figure(jvm, "run time(s)", 1),
        .heap_used_bytes = figure(jvm, "used heap memory(M)", MIB),
        .heap_max_bytes = figure(jvm, "max heap memory(M)", MIB),
        .metaspace_used_bytes = figure(jvm, "java used metaspace", 1),
        .metaspace_committed_bytes = figure(jvm, "java committed metaspace", 1),
        .metaspace_max_bytes = figure(jvm, "java max metaspace", 1),
    };
    if (figures.uptime_s == JVM_UNKNOWN)
        return err_set(err, ERR_DATA_LOSS, "Arklet's health has no \"run time(s)\"");
    *out = figures;
    return 0;
}

int biz_requests_parse(const char *body, size_t len, int64_t *ret, struct err **err)
{
    AUTO_JSON cJSON *json = parse_envelope(body, len, err);
    if (!json)
        return -1;
    const cJSON *requests = json_get(json, "data.requests");
    bool counted = parse_code(json_get_string(json, "code")) == ARKLET_SUCCESS &&
                   cJSON_IsNumber(requests) && requests->valuedouble >= 0;
    *ret = counted ? json_int64(requests, 0, INT64_MAX) : -1;
    return 0;
}

static int compare_commands(const void *a, const void *b)
{
    const struct arklet_command *left = a, *right = b;
    return strcmp(left->id, right->id);
}

int arklet_commands_parse(const char *body, size_t len, struct arklet_commands *out,
                          struct err **err)
{
    AUTO_JSON cJSON *json = parse_success(body, len, err);
    if (!json)
        return -1;
    const cJSON *item, *data = json_get(json, "data");
    *out = (struct arklet_commands){0};
    cJSON_ArrayForEach(item, data)
    {
        const char *id = json_get_string(item, "id"), *about = json_get_string(item, "desc");
        if (id)
            VEC_PUSH(out, (struct arklet_command){mem_strdup(id), mem_strdup(about ? about : "")});
    }
    if (out->len)
        qsort(out->items, out->len, sizeof(*out->items), compare_commands);
    return 0;
}

void arklet_commands_done(struct arklet_commands *commands)
{
    for (size_t i = 0; i < commands->len; i++) {
        mem_free(commands->items[i].id);
        mem_free(commands->items[i].description);
    }
    VEC_DONE(commands);
}
