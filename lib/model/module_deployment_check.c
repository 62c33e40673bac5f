/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults and rules of a ModuleDeployment's fields: what was read is first brought into one form
 * (defaults, aliases, spelling of enums), then held against the ranges. Each message names the path of
 * the field and says what is allowed.
 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/model_internal.h"
#include "lib/model/module.h"

/* "-<10 letters>" for the ModuleReplicaSet, and the same again for the Module, must still be a name. */
#define NAME_MAX_LEN (LIMIT_NAME - 22)

/* The Service is called <module>-service, and names of Services are DNS-1035 labels. */
#define SERVICE_SUFFIX_LEN 8

#define STRATEGY "spec.operationStrategy."

static int check_int(const char *field, int64_t value, int64_t min, int64_t max, struct err **err)
{
    if (value >= min && value <= max)
        return 0;
    if (max == INT32_MAX)
        return err_field(err, field, "must be at least %lld, is %lld", (long long)min,
                         (long long)value);
    return err_field(err, field, "must be %lld to %lld, is %lld", (long long)min, (long long)max,
                     (long long)value);
}

/* -- one form -- */

static int merge_max_unavailable(struct module_deployment_spec *spec, struct err **err)
{
    struct int_or_percent *top = &spec->max_unavailable;
    struct int_or_percent *other = &spec->strategy.max_unavailable;
    if (other->kind == INT_OR_PERCENT_UNSET)
        return 0;
    if (top->kind != INT_OR_PERCENT_UNSET &&
        (top->kind != other->kind || top->value != other->value))
        return err_field(err, STRATEGY "maxUnavailable",
                         "differs from spec.maxUnavailable; give one of them");
    *top = *other;
    *other = (struct int_or_percent){0};
    return 0;
}

/* Fields with a presence of their own, and what they are where they are not given. */
struct optional_int {
    int32_t *value;
    bool given;
    int32_t fallback;
};
#define OPTIONAL_INTS 4

static void list_optional_ints(struct module_deployment_spec *spec,
                               struct optional_int out[OPTIONAL_INTS])
{
    struct operation_strategy *strategy = &spec->strategy;
    out[0] = (struct optional_int){&spec->replicas, spec->replicas_set, 1};
    out[1] =
        (struct optional_int){&spec->revision_history_limit, spec->revision_history_limit_set, 10};
    out[2] = (struct optional_int){&spec->progress_deadline_seconds,
                                   spec->progress_deadline_seconds_set, 600};
    out[3] = (struct optional_int){&strategy->drain_seconds, strategy->drain_seconds_set,
                                   strategy->service.enable_module_service ? 5 : 0};
}

static void fill_defaults(struct module_deployment_spec *spec)
{
    struct operation_strategy *strategy = &spec->strategy;
    struct optional_int optional[OPTIONAL_INTS];
    list_optional_ints(spec, optional);
    for (size_t i = 0; i < OPTIONAL_INTS; i++)
        if (!optional[i].given)
            *optional[i].value = optional[i].fallback;
    if (strategy->batch_count == 0) /* the zero value of Go clients */
        strategy->batch_count = 1;
    if (strategy->service.target_port == 0) /* as in a Service */
        strategy->service.target_port = strategy->service.port;
}

void module_deployment__drop_defaults(struct module_deployment_spec *spec)
{
    struct optional_int optional[OPTIONAL_INTS];
    list_optional_ints(spec, optional);
    for (size_t i = 0; i < OPTIONAL_INTS; i++)
        if (!optional[i].given && *optional[i].value == optional[i].fallback)
            *optional[i].value = 0;
}

static int read_enums(struct module_deployment *md, struct err **err)
{
    struct operation_strategy *strategy = &md->spec.strategy;
    int upgrade = enum__read(model__upgrade_policies, model__upgrade_policies_count,
                             &strategy->upgrade_policy_name, STRATEGY "upgradePolicy", err);
    if (upgrade < 0)
        return -1;
    int scheduling = enum__read(model__scheduling_policies, model__scheduling_policies_count,
                                &md->spec.scheduling_policy_name,
                                "spec.schedulingStrategy.schedulingPolicy", err);
    if (scheduling < 0)
        return -1;
    strategy->upgrade_policy = (enum upgrade_policy)upgrade;
    md->spec.scheduling_policy = (enum scheduling_policy)scheduling;
    release_progress_parse(md->status.release.progress_name, &md->status.release.progress);
    return 0;
}

/* -- rules -- */

static int check_meta(const struct object_meta *meta, struct err **err)
{
    if (strlen(meta->name) > NAME_MAX_LEN)
        return err_field(err, "metadata.name", "has %zu characters, at most %d are allowed",
                         strlen(meta->name), NAME_MAX_LEN);
    return labels_check(&meta->labels, "metadata.labels", err);
}

static int check_template(const struct module_deployment_spec *spec, struct err **err)
{
    if (spec->template_set == !str_empty(spec->template_ref))
        return err_field(err, "spec.template",
                         spec->template_set
                             ? "must not stand beside spec.templateRef; give one of them"
                             : "is required, or spec.templateRef");
    if (!spec->template_set) {
        if (!name_is_dns_subdomain(spec->template_ref))
            return err_field(err, "spec.templateRef.name", "\"%.100s\" is no name of an object",
                             spec->template_ref);
        return 0;
    }
    if (module_spec_check(&spec->template.module, "spec.template.spec.module", err) < 0)
        return -1;
    return labels_check(&spec->template.base_selector, "spec.template.spec.baseSelector", err);
}

/* A Service must be able to have the name that follows from the module's. */
static int check_service_name(const char *module, struct err **err)
{
    if (!module || (module[0] >= 'a' && module[0] <= 'z' &&
                    strlen(module) + SERVICE_SUFFIX_LEN <= LIMIT_LABEL_VALUE))
        return 0;
    return err_field(err, "spec.template.spec.module.name",
                     "\"%s\" must begin with a letter and have at most %d characters for a "
                     "Service to be named after it",
                     module, LIMIT_LABEL_VALUE - SERVICE_SUFFIX_LEN);
}

static int check_service(const struct module_deployment_spec *spec, struct err **err)
{
    const struct service_strategy *service = &spec->strategy.service;
    int32_t least = service->enable_module_service ? 1 : 0; /* 0 = not given */
    if (check_int(STRATEGY "serviceStrategy.port", service->port, least, 65535, err) < 0 ||
        check_int(STRATEGY "serviceStrategy.targetPort", service->target_port, least, 65535, err) <
            0)
        return -1;
    return service->enable_module_service ? check_service_name(spec->template.module.name, err) : 0;
}

static int check_numbers(const struct module_deployment_spec *spec, struct err **err)
{
    const struct operation_strategy *strategy = &spec->strategy;
    const struct {
        const char *field;
        int32_t value, min, max;
    } rows[] = {
        {"spec.replicas", spec->replicas, REPLICAS_SYMMETRIC, LIMIT_REPLICAS},
        {"spec.scaleReplicas", spec->scale_replicas, 0, LIMIT_REPLICAS},
        {"spec.confirmBatchNum", spec->confirm_batch_num, 0, INT32_MAX},
        {"spec.minReadySeconds", spec->min_ready_seconds, 0, INT32_MAX},
        {"spec.revisionHistoryLimit", spec->revision_history_limit, 0, INT32_MAX},
        {"spec.progressDeadlineSeconds", spec->progress_deadline_seconds, 0, INT32_MAX},
        {STRATEGY "batchCount", strategy->batch_count, 0, INT32_MAX},
        {STRATEGY "grayTimeBetweenBatchSeconds", strategy->gray_time_seconds, 0, INT32_MAX},
        {STRATEGY "drainSeconds", strategy->drain_seconds, 0, INT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (check_int(rows[i].field, rows[i].value, rows[i].min, rows[i].max, err) < 0)
            return -1;
    return 0;
}

static int check_base_deployment(const char *name, struct err **err)
{
    if (name_is_dns_subdomain(name))
        return 0;
    return err_field(err, "spec.baseDeploymentName",
                     "\"%.100s\" is no name of a Deployment: at most %d lower case letters, "
                     "digits, '-' and '.', a letter or digit at both ends",
                     name, LIMIT_NAME);
}

int module_deployment__finish(struct module_deployment *md, struct err **err)
{
    struct module_deployment_spec *spec = &md->spec;
    if (merge_max_unavailable(spec, err) < 0 || read_enums(md, err) < 0)
        return -1;
    fill_defaults(spec);
    if (check_meta(&md->meta, err) < 0 ||
        check_base_deployment(spec->base_deployment_name, err) < 0 ||
        check_template(spec, err) < 0 || check_numbers(spec, err) < 0 ||
        check_service(spec, err) < 0)
        return -1;
    return 0;
}
