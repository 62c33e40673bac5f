/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/columns.h"

#include <inttypes.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

/* -- values -- */

int64_t number_at(const cJSON *object, const char *path)
{
    return json_int64(json_get(object, path), INT64_MIN, INT64_MAX);
}

const char *label_of(const cJSON *object, const char *label)
{
    const cJSON *labels = json_get(object, "metadata.labels");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels, label));
}

char *age_text(const char *since, int64_t now_ms)
{
    int64_t then = 0;
    if (str_empty(since) || !time_parse(since, &then))
        return mem_strdup("-");
    int64_t seconds = now_ms > then ? (now_ms - then) / 1000 : 0;
    if (seconds < 120)
        return mem_printf("%" PRId64 "s", seconds);
    if (seconds < 2 * 3600)
        return mem_printf("%" PRId64 "m", seconds / 60);
    if (seconds < 48 * 3600)
        return mem_printf("%" PRId64 "h", seconds / 3600);
    return mem_printf("%" PRId64 "d", seconds / 86400);
}

static char *age(const cJSON *object, int64_t now_ms)
{
    return age_text(json_get_string(object, "metadata.creationTimestamp"), now_ms);
}

/* -1, one on every base, is as many as there are. */
static int64_t wanted(const cJSON *object)
{
    int64_t replicas = number_at(object, "spec.replicas");
    return replicas < 0 ? number_at(object, "status.replicas") : replicas;
}

static char *available_of_wanted(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    return mem_printf("%" PRId64 "/%" PRId64, number_at(object, "status.availableReplicas"),
                      wanted(object));
}

static char *updated(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    return mem_printf("%" PRId64, number_at(object, "status.updatedReplicas"));
}

static char *batch(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    int64_t count = number_at(object, "status.releaseStatus.realBatchCount");
    if (!count)
        return mem_strdup("-");
    return mem_printf("%" PRId64 "/%" PRId64,
                      number_at(object, "status.releaseStatus.currentBatch"), count);
}

static char *deployment_progress(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    const char *progress = json_get_string(object, "status.releaseStatus.progress");
    bool leaves = json_get(object, "metadata.deletionTimestamp") != NULL;
    return mem_strdup(progress ? progress : leaves ? "Terminating" : "Init");
}

static char *revision(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    return mem_strdup(label_of(object, LABEL_REVISION));
}

static char *owner(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    const cJSON *first = cJSON_GetArrayItem(json_get(object, "metadata.ownerReferences"), 0);
    return mem_strdup(json_get_string(first, "name"));
}

static char *module_deployment_label(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    return mem_strdup(label_of(object, LABEL_MODULE_DEPLOYMENT));
}

static char *base_ip_label(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    return mem_strdup(label_of(object, LABEL_BASE_INSTANCE_IP));
}

static char *install_time(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    int64_t ms = number_at(object, "status.installDurationMs");
    return ms ? mem_printf("%" PRId64 "ms", ms) : NULL;
}

static char *module_status(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    const char *status = json_get_string(object, "status.status");
    bool leaves = json_get(object, "metadata.deletionTimestamp") != NULL;
    return mem_strdup(leaves ? "Terminating" : status ? status : "Pending");
}

/* A base that is ready may still take no new modules. */
static char *base_reason(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    const char *reason = json_get_string(object, "status.reason");
    bool full = cJSON_IsTrue(json_get(object, "status.metaspaceFull"));
    return mem_strdup(!str_empty(reason) ? reason : full ? "MetaspaceFull" : NULL);
}

static char *base_message(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    const char *message = json_get_string(object, "status.message");
    return mem_strdup(!str_empty(message) ? message
                                          : json_get_string(object, "status.metaspaceMessage"));
}

static char *max_modules(const cJSON *object, int64_t now_ms)
{
    (void)now_ms;
    if (!json_get(object, "spec.maxModuleCount"))
        return mem_strdup("unlimited");
    return mem_printf("%" PRId64, number_at(object, "spec.maxModuleCount"));
}

/* -- kinds -- */

#define TEMPLATE "spec.template.spec.module."

const struct kind_column deployment_columns[] = {
    {.title = "NAME", .path = "metadata.name"},
    {.title = "MODULE", .path = TEMPLATE "name"},
    {.title = "VERSION", .path = TEMPLATE "version"},
    {.title = "AVAILABLE", .value = available_of_wanted},
    {.title = "UPDATED", .value = updated},
    {.title = "PROGRESS", .value = deployment_progress},
    {.title = "REASON", .path = "status.releaseStatus.reason"},
    {.title = "BATCH", .value = batch},
    {.title = "AGE", .value = age},
    {.title = "BASE", .path = "spec.baseDeploymentName", .wide = true},
    {.title = "POLICY", .path = "spec.operationStrategy.upgradePolicy", .wide = true},
    {.title = "REVISION", .path = "status.releaseStatus.updateRevision", .wide = true},
    {.title = "MESSAGE", .path = "status.releaseStatus.message", .wide = true},
    {.title = NULL},
};

const struct kind_column replicaset_columns[] = {
    {.title = "NAME", .path = "metadata.name"},
    {.title = "REVISION", .value = revision},
    {.title = "MODULE", .path = TEMPLATE "name"},
    {.title = "VERSION", .path = TEMPLATE "version"},
    {.title = "AVAILABLE", .value = available_of_wanted},
    {.title = "AGE", .value = age},
    {.title = "DEPLOYMENT", .value = owner, .wide = true},
    {.title = "BASE", .path = "spec.baseDeploymentName", .wide = true},
    {.title = "URL", .path = TEMPLATE "url", .wide = true},
    {.title = NULL},
};

const struct kind_column module_columns[] = {
    {.title = "NAME", .path = "metadata.name"},
    {.title = "MODULE", .path = "spec.module.name"},
    {.title = "VERSION", .path = "spec.module.version"},
    {.title = "BASE", .path = "spec.baseName"},
    {.title = "STATUS", .value = module_status},
    {.title = "REASON", .path = "status.reason"},
    {.title = "AGE", .value = age},
    {.title = "IP", .value = base_ip_label, .wide = true},
    {.title = "DEPLOYMENT", .value = module_deployment_label, .wide = true},
    {.title = "INSTALL", .value = install_time, .wide = true},
    {.title = "MESSAGE", .path = "status.message", .wide = true},
    {.title = NULL},
};

const struct kind_column base_columns[] = {
    {.title = "NAME", .path = "metadata.name"},
    {.title = "DEPLOYMENT", .path = "spec.deployment"},
    {.title = "IP", .path = "spec.ip"},
    {.title = "PHASE", .path = "status.phase"},
    {.title = "REASON", .value = base_reason},
    {.title = "MAX-MODULES", .value = max_modules},
    {.title = "AGE", .value = age},
    {.title = "AGENT", .path = "spec.agentAddress", .wide = true},
    {.title = "NODE", .path = "spec.node", .wide = true},
    {.title = "ZONE", .path = "spec.zone", .wide = true},
    {.title = "MESSAGE", .value = base_message, .wide = true},
    {.title = NULL},
};

void columns_head(struct table *table, const struct kind_column *columns, bool namespaces,
                  bool wide)
{
    table_row(table);
    if (namespaces)
        table_cell(table, "NAMESPACE");
    for (; columns->title; columns++)
        if (wide || !columns->wide)
            table_cell(table, columns->title);
}

void columns_row(struct table *table, const struct kind_column *columns, bool namespaces, bool wide,
                 const cJSON *object, int64_t now_ms)
{
    table_row(table);
    if (namespaces)
        table_cell(table, json_get_string(object, "metadata.namespace"));
    for (; columns->title; columns++) {
        if (columns->wide && !wide)
            continue;
        AUTO_FREE char *text = columns->value ? columns->value(object, now_ms)
                                              : mem_strdup(json_get_string(object, columns->path));
        table_cell(table, text);
    }
}
