/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/action.h"

#include <string.h>

#include "lib/base/assert.h"

#define DESCRIPTION_BYTES_MAX (1u << 20)

struct action *plan_add(struct plan *plan, enum action_type type, const char *name)
{
    VEC_PUSH(&plan->actions, (struct action){.type = type, .name = mem_strdup(name)});
    return &plan->actions.items[plan->actions.len - 1];
}

void plan_event(struct plan *plan, const char *name, bool warning, const char *reason,
                char *message_taken)
{
    struct action *action = plan_add(plan, ACTION_EVENT, name);
    action->number = warning;
    action->reason = mem_strdup(reason);
    action->message = message_taken;
}

void plan_requeue(struct plan *plan, int64_t at_ms)
{
    plan_add(plan, ACTION_REQUEUE, "")->at_ms = at_ms;
}

bool plan_changes(const struct plan *plan)
{
    for (size_t i = 0; i < plan->actions.len; i++) {
        enum action_type type = plan->actions.items[i].type;
        if (type != ACTION_REQUEUE && type != ACTION_EVENT && type != ACTION_WRITE_STATUS &&
            type != ACTION_WRITE_REPLICASET_STATUS && type != ACTION_WRITE_MODULE_STATUS)
            return true;
    }
    return false;
}

static void describe_status(const struct module_deployment_status *status, struct str *out)
{
    const struct release_status *release = &status->release;
    str_printf(out, "status %s", release_progress_name(release->progress));
    if (release->current_batch)
        str_printf(out, " %d/%d", release->current_batch, release->real_batch_count);
    if (!str_empty(release->reason))
        str_printf(out, " %s", release->reason);
    str_printf(out, " (%d of %d available)", status->available_replicas, status->replicas);
}

static void describe_create_module(const struct action *action, struct str *out)
{
    str_printf(out, "create module of %s on %s", action->name, action->base);
    if (action->replaces)
        str_printf(out, " replaces %s %s", action->replaces, upgrade_way_name(action->way));
    if (!str_empty(action->reason))
        str_printf(out, " (%s)", action->reason);
}

static void describe_module_status(const struct action *action, struct str *out)
{
    const struct module_instance_status *status = action->module_status;
    str_printf(out, "module %s is %s", action->name, module_phase_name(status->phase));
    if (!str_empty(status->reason))
        str_printf(out, " %s", status->reason);
}

static void describe_labels(const struct action *action, struct str *out)
{
    str_printf(out, "label base %s:", action->name);
    for (size_t i = 0; i < action->labels.len; i++) {
        const struct json_pair *label = &action->labels.items[i];
        const char *slash = strchr(label->key, '/');
        str_printf(out, " %c%s", *label->value ? '+' : '-', slash ? slash + 1 : label->key);
    }
}

static void describe(const struct action *action, struct str *out)
{
    static const char *const plain[] = {
        [ACTION_DELETE_REPLICASET] = "delete replicaset",
        [ACTION_END_RESUME] = "end resume",
        [ACTION_LEARN_WEB_PATH] = "learn web path in use",
        [ACTION_ADD_FINALIZER] = "add finalizer",
        [ACTION_REMOVE_FINALIZER] = "remove finalizer",
        [ACTION_FORGET_PLACE] = "forget place",
        [ACTION_FORGET_EVICT] = "forget evict",
        [ACTION_DELETE_MODULE] = "delete module",
        [ACTION_UNINSTALL] = "uninstall",
        [ACTION_SWITCH] = "switch",
        [ACTION_END_TRAFFIC] = "end traffic of",
        [ACTION_RELEASE_MODULE] = "release module",
        [ACTION_CREATE_SERVICE] = "create service",
        [ACTION_UPDATE_SERVICE] = "update service",
        [ACTION_DELETE_SERVICE] = "delete service",
        [ACTION_CLEAR_ORIGINAL] = "clear original",
        [ACTION_DELETE_ORIGINAL] = "delete original",
        [ACTION_CLEAR_DEPLOYMENT] = "clear deployment",
    };
    static const char *const numbered[] = {
        [ACTION_CREATE_REPLICASET] = "create replicaset %s revision %d",
        [ACTION_SET_REPLICAS] = "replicaset %s replicas %d",
        [ACTION_RENEW_REPLICASET] = "renew replicaset %s revision %d",
        [ACTION_SET_SCALE] = "replicas%s = %d",
        [ACTION_ADOPT_REVISION] = "adopt replicaset %s revision %d",
        [ACTION_PLACE] = "place for %s: %d",
        [ACTION_EVICT] = "evict from %s: %d",
    };
    if (action->type < ARRAY_LEN(plain) && plain[action->type]) {
        str_printf(out, "%s%s%s", plain[action->type], *action->name ? " " : "", action->name);
    } else if (action->type < ARRAY_LEN(numbered) && numbered[action->type]) {
        const char *verb = numbered[action->type];
        const char *after = verb;
        for (; *after != '%'; after++)
            str_add_char(out, *after);
        str_add(out, action->name);
        for (after += 2; *after != '%'; after++)
            str_add_char(out, *after);
        str_printf(out, "%d", action->number);
    } else if (action->type == ACTION_SET_FAILED) {
        str_printf(out, "%s %s", action->message ? "mark failed" : "unmark failed", action->name);
    } else if (action->type == ACTION_SET_PAUSE) {
        str_add(out, action->number ? "pause" : "unpause");
    } else if (action->type == ACTION_WRITE_STATUS) {
        describe_status(action->status, out);
    } else if (action->type == ACTION_WRITE_REPLICASET_STATUS) {
        str_printf(out, "status of replicaset %s: %d of %d available", action->name,
                   action->replicaset_status.available_replicas,
                   action->replicaset_status.replicas);
    } else if (action->type == ACTION_CREATE_MODULE) {
        describe_create_module(action, out);
    } else if (action->type == ACTION_SET_WAY) {
        str_printf(out, "way of %s: %s (%s)", action->name, upgrade_way_name(action->way),
                   action->reason);
    } else if (action->type == ACTION_INSTALL) {
        str_printf(out, "install %s%s%s", action->name, action->way ? " " : "",
                   upgrade_way_name(action->way));
    } else if (action->type == ACTION_WRITE_MODULE_STATUS) {
        describe_module_status(action, out);
    } else if (action->type == ACTION_LABEL_BASE) {
        describe_labels(action, out);
    } else if (action->type == ACTION_EVENT) {
        str_printf(out, "event %s%s%s", action->reason, *action->name ? " of " : "", action->name);
    } else if (action->type == ACTION_REQUEUE) {
        str_printf(out, "requeue at %lld", (long long)action->at_ms);
    } else {
        UNREACHABLE("every action type is described");
    }
}

char *action_describe(const struct action *action)
{
    struct str text = STR_INIT(DESCRIPTION_BYTES_MAX);
    describe(action, &text);
    return str_take(&text);
}

void plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->actions.len; i++) {
        struct action *action = &plan->actions.items[i];
        mem_free(action->name);
        mem_free(action->base);
        mem_free(action->replaces);
        mem_free(action->replaces_uid);
        mem_free(action->reason);
        mem_free(action->message);
        json_map_done(&action->labels);
        module_deployment_status_free(action->status);
        module_instance_status_free(action->module_status);
    }
    plan->actions.len = 0;
}

void plan_done(struct plan *plan)
{
    plan_clear(plan);
    VEC_DONE(&plan->actions);
}

static struct json_array conditions_copy(const struct json_array *from)
{
    struct json_array to = {mem_alloc(from->len * sizeof(struct condition)), from->len};
    struct condition *items = to.items;
    for (size_t i = 0; i < from->len; i++) {
        const struct condition *condition = &((const struct condition *)from->items)[i];
        items[i] = (struct condition){
            .type = mem_strdup(condition->type),
            .status = mem_strdup(condition->status),
            .reason = mem_strdup(condition->reason),
            .message = mem_strdup(condition->message),
            .last_transition_ms = condition->last_transition_ms,
        };
    }
    return to;
}

struct module_deployment_status *
module_deployment_status_copy(const struct module_deployment_status *status)
{
    struct module_deployment_status *copy = NEW(struct module_deployment_status);
    *copy = *status;
    copy->label_selector = mem_strdup(status->label_selector);
    copy->conditions = conditions_copy(&status->conditions);
    copy->release.progress_name = mem_strdup(status->release.progress_name);
    copy->release.reason = mem_strdup(status->release.reason);
    copy->release.message = mem_strdup(status->release.message);
    copy->release.update_revision = mem_strdup(status->release.update_revision);
    copy->release.stable_revision = mem_strdup(status->release.stable_revision);
    copy->release.failed_revision = mem_strdup(status->release.failed_revision);
    copy->release.batch_progress = mem_strdup(status->release.batch_progress);
    return copy;
}

void module_deployment_status_free(struct module_deployment_status *status)
{
    if (!status)
        return;
    struct condition *conditions = status->conditions.items;
    for (size_t i = 0; i < status->conditions.len; i++) {
        mem_free(conditions[i].type);
        mem_free(conditions[i].status);
        mem_free(conditions[i].reason);
        mem_free(conditions[i].message);
    }
    mem_free(conditions);
    mem_free(status->label_selector);
    mem_free(status->release.progress_name);
    mem_free(status->release.reason);
    mem_free(status->release.message);
    mem_free(status->release.update_revision);
    mem_free(status->release.stable_revision);
    mem_free(status->release.failed_revision);
    mem_free(status->release.batch_progress);
    mem_free(status);
}

struct module_instance_status *
module_instance_status_copy(const struct module_instance_status *status)
{
    struct module_instance_status *copy = NEW(struct module_instance_status);
    *copy = *status;
    copy->phase_name = mem_strdup(status->phase_name);
    copy->reason = mem_strdup(status->reason);
    copy->message = mem_strdup(status->message);
    copy->digest = mem_strdup(status->digest);
    return copy;
}

void module_instance_status_free(struct module_instance_status *status)
{
    if (!status)
        return;
    mem_free(status->phase_name);
    mem_free(status->reason);
    mem_free(status->message);
    mem_free(status->digest);
    mem_free(status);
}
