/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ModuleDeployment and its JSON. The tables below are the one place that knows the spelling of the
 * custom resource; module.proto has the same, and a test compares them. What a field may hold is in
 * module_deployment_check.c.
 */
#include "lib/model/module_deployment.h"

#include "lib/base/str.h"
#include "lib/model/model_internal.h"

static const struct json_field service_strategy_fields[] = {
    JSON_FIELD(struct service_strategy, "enableModuleService", JSON_BOOL, enable_module_service, 0),
    JSON_FIELD(struct service_strategy, "port", JSON_INT32, port, 0),
    JSON_FIELD(struct service_strategy, "targetPort", JSON_INT32, target_port, 0),
    JSON_END,
};

static const struct json_field operation_strategy_fields[] = {
    JSON_FIELD(struct operation_strategy, "batchCount", JSON_INT32, batch_count, 0),
    JSON_FIELD(struct operation_strategy, "useBeta", JSON_BOOL, use_beta, 0),
    JSON_FIELD(struct operation_strategy, "needConfirm", JSON_BOOL, need_confirm, 0),
    JSON_FIELD(struct operation_strategy, "grayTimeBetweenBatchSeconds", JSON_INT32,
               gray_time_seconds, 0),
    JSON_FIELD(struct operation_strategy, "grayTime", JSON_INT32, gray_time_seconds, JSON_ALIAS),
    JSON_FIELD(struct operation_strategy, "upgradePolicy", JSON_STRING, upgrade_policy_name, 0),
    JSON_FIELD_OBJECT(struct operation_strategy, "serviceStrategy", service,
                      service_strategy_fields, 0),
    JSON_FIELD_SET(struct operation_strategy, "drainSeconds", JSON_INT32, drain_seconds,
                   drain_seconds_set),
    JSON_FIELD(struct operation_strategy, "rollbackOnFailure", JSON_BOOL, rollback_on_failure, 0),
    JSON_FIELD(struct operation_strategy, "maxUnavailable", JSON_INT_OR_PERCENT, max_unavailable,
               0),
    JSON_END,
};

static const struct json_field scheduling_strategy_fields[] = {
    JSON_FIELD(struct module_deployment_spec, "schedulingPolicy", JSON_STRING,
               scheduling_policy_name, 0),
    JSON_END,
};

static const struct json_field template_ref_fields[] = {
    JSON_FIELD(struct module_deployment_spec, "name", JSON_STRING, template_ref, JSON_REQUIRED),
    JSON_END,
};

static const struct json_field spec_fields[] = {
    JSON_FIELD(struct module_deployment_spec, "baseDeploymentName", JSON_STRING,
               base_deployment_name, JSON_REQUIRED),
    {.key = "template",
     .type = JSON_OBJECT,
     .offset = offsetof(struct module_deployment_spec, template),
     .presence = offsetof(struct module_deployment_spec, template_set) + 1,
     .table = model__template_body_fields},
    MODEL_FIELD_SAME("templateRef", template_ref_fields, 0),
    JSON_FIELD_SET(struct module_deployment_spec, "replicas", JSON_INT32, replicas, replicas_set),
    JSON_FIELD_SET(struct module_deployment_spec, "scaleReplicas", JSON_INT32, scale_replicas,
                   scale_replicas_set),
    JSON_FIELD_SET(struct module_deployment_spec, "pause", JSON_BOOL, pause, pause_set),
    JSON_FIELD(struct module_deployment_spec, "confirmBatchNum", JSON_INT32, confirm_batch_num, 0),
    JSON_FIELD(struct module_deployment_spec, "maxUnavailable", JSON_INT_OR_PERCENT,
               max_unavailable, 0),
    JSON_FIELD_OBJECT(struct module_deployment_spec, "operationStrategy", strategy,
                      operation_strategy_fields, 0),
    MODEL_FIELD_SAME("schedulingStrategy", scheduling_strategy_fields, 0),
    JSON_FIELD(struct module_deployment_spec, "minReadySeconds", JSON_INT32, min_ready_seconds, 0),
    JSON_FIELD_SET(struct module_deployment_spec, "revisionHistoryLimit", JSON_INT32,
                   revision_history_limit, revision_history_limit_set),
    JSON_FIELD_SET(struct module_deployment_spec, "progressDeadlineSeconds", JSON_INT32,
                   progress_deadline_seconds, progress_deadline_seconds_set),
    JSON_END,
};

static const struct json_field release_status_fields[] = {
    JSON_FIELD(struct release_status, "progress", JSON_STRING, progress_name, 0),
    JSON_FIELD(struct release_status, "reason", JSON_STRING, reason, 0),
    JSON_FIELD(struct release_status, "message", JSON_STRING, message, 0),
    JSON_FIELD(struct release_status, "updateRevision", JSON_STRING, update_revision, 0),
    JSON_FIELD(struct release_status, "stableRevision", JSON_STRING, stable_revision, 0),
    JSON_FIELD(struct release_status, "failedRevision", JSON_STRING, failed_revision, 0),
    JSON_FIELD(struct release_status, "currentBatch", JSON_INT32, current_batch, 0),
    JSON_FIELD(struct release_status, "realBatchCount", JSON_INT32, real_batch_count, 0),
    JSON_FIELD(struct release_status, "batchProgress", JSON_STRING, batch_progress, 0),
    JSON_FIELD(struct release_status, "originalDeltaReplicas", JSON_INT32, original_delta_replicas,
               0),
    JSON_FIELD(struct release_status, "originalUpdatedReplicas", JSON_INT32,
               original_updated_replicas, 0),
    JSON_FIELD(struct release_status, "targetReplicas", JSON_INT32, target_replicas, 0),
    JSON_FIELD(struct release_status, "plannedBatchCount", JSON_INT32, planned_batch_count, 0),
    JSON_FIELD(struct release_status, "plannedUseBeta", JSON_BOOL, planned_use_beta, 0),
    JSON_FIELD(struct release_status, "lastTransitionTime", JSON_TIME, last_transition_ms, 0),
    JSON_FIELD(struct release_status, "nextReconcileTime", JSON_TIME, next_reconcile_ms, 0),
    JSON_END,
};

static const struct json_field status_fields[] = {
    JSON_FIELD(struct module_deployment_status, "observedGeneration", JSON_INT64,
               observed_generation, 0),
    JSON_FIELD(struct module_deployment_status, "replicas", JSON_INT32, replicas, 0),
    JSON_FIELD(struct module_deployment_status, "updatedReplicas", JSON_INT32, updated_replicas, 0),
    JSON_FIELD(struct module_deployment_status, "readyReplicas", JSON_INT32, ready_replicas, 0),
    JSON_FIELD(struct module_deployment_status, "availableReplicas", JSON_INT32, available_replicas,
               0),
    JSON_FIELD(struct module_deployment_status, "unavailableReplicas", JSON_INT32,
               unavailable_replicas, 0),
    JSON_FIELD(struct module_deployment_status, "updatedReadyReplicas", JSON_INT32,
               updated_ready_replicas, 0),
    JSON_FIELD(struct module_deployment_status, "updatedAvailableReplicas", JSON_INT32,
               updated_available_replicas, 0),
    JSON_FIELD(struct module_deployment_status, "labelSelector", JSON_STRING, label_selector, 0),
    JSON_FIELD_ARRAY(struct module_deployment_status, "conditions", conditions, condition_fields,
                     struct condition),
    JSON_FIELD_OBJECT(struct module_deployment_status, "releaseStatus", release,
                      release_status_fields, 0),
    JSON_END,
};

const struct json_field module_deployment_fields[] = {
    JSON_FIELD_OBJECT(struct module_deployment, "metadata", meta, object_meta_fields,
                      JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module_deployment, "spec", spec, spec_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct module_deployment, "status", status, status_fields, 0),
    JSON_END,
};

static const struct object_layout layout = {KIND_MODULE_DEPLOYMENT, module_deployment_fields,
                                            sizeof(struct module_deployment)};

const char *const model__upgrade_policies[] = {
#define X(id, name) [id] = name,
    UPGRADE_POLICY_MAP(X)
#undef X
};
const size_t model__upgrade_policies_count = ARRAY_LEN(model__upgrade_policies);

const char *const model__scheduling_policies[] = {
    [SCHEDULE_SCATTER] = "scatter",
    [SCHEDULE_STACKING] = "stacking",
};
const size_t model__scheduling_policies_count = ARRAY_LEN(model__scheduling_policies);

static const char *const progress_names[] = {
#define X(id, name) [id] = name,
    RELEASE_PROGRESS_MAP(X)
#undef X
};

/* Both spellings fill one field, so a contradiction shows in the document only. */
static int check_gray_time(const cJSON *json, struct err **err)
{
    const cJSON *strategy = json_get(json, "spec.operationStrategy");
    const cJSON *full = cJSON_GetObjectItemCaseSensitive(strategy, "grayTimeBetweenBatchSeconds");
    const cJSON *brief = cJSON_GetObjectItemCaseSensitive(strategy, "grayTime");
    if (!cJSON_IsNumber(full) || !cJSON_IsNumber(brief) || cJSON_Compare(full, brief, true))
        return 0;
    return err_field(err, "spec.operationStrategy.grayTime",
                     "differs from spec.operationStrategy.grayTimeBetweenBatchSeconds; give one "
                     "of them");
}

struct module_deployment *module_deployment_read(const cJSON *json, enum json_unknown unknown,
                                                 struct err **err)
{
    if (check_gray_time(json, err) < 0)
        return NULL;
    struct module_deployment *md = object__read(&layout, json, unknown, err);
    if (!md || module_deployment__finish(md, err) == 0)
        return md;
    module_deployment_free(md);
    return NULL;
}

cJSON *module_deployment_write(const struct module_deployment *md)
{
    /* The enums are the truth; the names beside them are their form in JSON. */
    struct module_deployment named = *md;
    struct release_status *release = &named.status.release;
    AUTO_FREE char *progress =
        enum__to_write(progress_names, (int)release->progress, release->progress_name);
    AUTO_FREE char *upgrade =
        enum__to_write(model__upgrade_policies, (int)md->spec.strategy.upgrade_policy,
                       md->spec.strategy.upgrade_policy_name);
    AUTO_FREE char *scheduling =
        enum__to_write(model__scheduling_policies, (int)md->spec.scheduling_policy,
                       md->spec.scheduling_policy_name);
    release->progress_name = progress;
    named.spec.strategy.upgrade_policy_name = upgrade;
    named.spec.scheduling_policy_name = scheduling;
    module_deployment__drop_defaults(&named.spec);
    return object__write(&layout, &named);
}

void module_deployment_free(struct module_deployment *md)
{
    object__free(&layout, md);
}

void module_deployment_free_slot(struct module_deployment **md)
{
    module_deployment_free(*md);
}

const char *upgrade_policy_name(enum upgrade_policy policy)
{
    return model__upgrade_policies[policy];
}

const char *release_progress_name(enum release_progress progress)
{
    return progress_names[progress];
}

bool release_progress_parse(const char *name, enum release_progress *ret)
{
    int found = enum__find(progress_names, ARRAY_LEN(progress_names), name);
    if (found >= 0)
        *ret = (enum release_progress)found;
    return found >= 0;
}
