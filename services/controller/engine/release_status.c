/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/release_status.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/disruption.h"
#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/plan_service.h"
#include "services/controller/engine/replacement.h"
#include "services/controller/engine/rollback.h"

void release_move(struct release_status *release, enum release_progress progress,
                  const char *reason, char *message_taken, int64_t wall_ms)
{
    if (release->progress != progress || !str_eq(release->reason, reason) ||
        !release->last_transition_ms)
        release->last_transition_ms = wall_ms;
    release->progress = progress;
    mem_replace(&release->progress_name, release_progress_name(progress));
    mem_replace(&release->reason, reason);
    mem_free(release->message);
    release->message = message_taken;
}

const struct condition *status_condition(const struct module_deployment_status *status,
                                         const char *type)
{
    const struct condition *items = status->conditions.items;
    for (size_t i = 0; i < status->conditions.len; i++)
        if (str_eq(items[i].type, type))
            return &items[i];
    return NULL;
}

static struct condition *find_condition(struct module_deployment_status *status, const char *type)
{
    const struct condition *found = status_condition(status, type);
    struct condition *items = status->conditions.items;
    return found ? &items[found - items] : NULL;
}

void status_set_condition(struct module_deployment_status *status, const char *type, bool holds,
                          const char *reason, const char *message, int64_t wall_ms)
{
    struct condition *condition = find_condition(status, type);
    if (!condition) {
        struct condition *items =
            mem_resize(status->conditions.items, status->conditions.len + 1, sizeof(*condition));
        status->conditions.items = items;
        condition = &items[status->conditions.len++];
        *condition = (struct condition){.type = mem_strdup(type)};
    }
    const char *value = holds ? "True" : "False";
    if (!str_eq(condition->status, value))
        condition->last_transition_ms = wall_ms;
    mem_replace(&condition->status, value);
    mem_replace(&condition->reason, reason);
    mem_replace(&condition->message, message);
}

void status_drop_condition(struct module_deployment_status *status, const char *type)
{
    struct condition *condition = find_condition(status, type), *items = status->conditions.items;
    if (!condition)
        return;
    mem_free(condition->type);
    mem_free(condition->status);
    mem_free(condition->reason);
    mem_free(condition->message);
    status->conditions.len--;
    for (size_t i = (size_t)(condition - items); i < status->conditions.len; i++)
        items[i] = items[i + 1];
}

/* The first failed instance, for the message that says what is wrong. */
static const struct module *first_failed(const struct deployment_view *view)
{
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        if (!revision->failed)
            continue;
        for (size_t i = 0; i < revision->instances.len; i++) {
            const struct instance *instance = revision->instances.items[i];
            if (instance->module->status.phase == MODULE_FAILED && !instance_deleting(instance))
                return instance->module;
        }
    }
    return NULL;
}

/* Why instances can't be placed: "NoCapacity: 2 of 5 placed; ...", or NULL. */
static const char *lack_of_room(const struct deployment_view *view)
{
    for (size_t i = 0; i < view->revision_count; i++) {
        const struct revision *revision = view->revisions[i];
        if (revision->existing < revision->rs->spec.replicas && revision->place.explanation)
            return revision->place.explanation;
    }
    return NULL;
}

/* What the store refuses holds up everything that comes behind it. */
static bool is_refused(const struct deployment_view *view)
{
    return view->write_refusal && view->now_ms < view->write_refusal->at_ms + WRITE_REFUSAL_KEPT_MS;
}

/* Why writes are refused is told at once. */
static bool refusal_is_news(const struct deployment_view *view)
{
    const struct condition *told = status_condition(&view->md->status, "Degraded");
    return is_refused(view) && !(told && str_eq(told->message, view->write_refusal->message));
}

/* What runs is not what is asked for. */
static void set_rolled_back(const struct deployment_view *view,
                            struct module_deployment_status *status)
{
    const struct module_replicaset *rs = view->failed->rs;
    AUTO_FREE char *what =
        mem_printf("%s, version %s, has failed: %s; version %s is released in its place",
                   rs->meta.name, rs->spec.template.module.version, rollback_marked(view->failed),
                   view->template->module.version);
    status_set_condition(status, "Degraded", true, REASON_ROLLED_BACK, what, view->wall_ms);
}

static void set_degraded(const struct deployment_view *view, const struct revision *update,
                         struct module_deployment_status *status)
{
    if (is_refused(view))
        return; /* status_write() tells, of plans that count nothing too */
    if (view->failed) {
        set_rolled_back(view, status);
        return;
    }
    const struct module *failed = first_failed(view);
    const char *room = lack_of_room(view);
    AUTO_FREE char *held = disruption_told(view, update);
    if (failed) {
        AUTO_FREE char *what = mem_printf("%s on %s: %s", failed->meta.name, failed->spec.base_name,
                                          failed->status.message ? failed->status.message : "");
        status_set_condition(status, "Degraded", true, failed->status.reason, what, view->wall_ms);
    } else if (held) {
        status_set_condition(status, "Degraded", true, "MaxUnavailable", held, view->wall_ms);
    } else if (room) {
        size_t len = strcspn(room, ":");
        AUTO_FREE char *reason = mem_strndup(room, len);
        status_set_condition(status, "Degraded", true, reason,
                             room + len + strspn(room + len, ": "), view->wall_ms);
    } else {
        status_set_condition(status, "Degraded", false, "AsExpected", "", view->wall_ms);
    }
}

/* Where the release is, and how instances are replaced where not in the best way. Owned. */
static char *progress_message(const struct release_status *release, const struct revision *update)
{
    const char *where = release->message ? release->message : "";
    AUTO_FREE char *way = replacement_told(update);
    return way ? mem_printf("%s%sway of replacement: %s", where, *where ? "; " : "", way)
               : mem_strdup(where);
}

static void set_conditions(const struct deployment_view *view, const struct revision *update,
                           int32_t target, struct module_deployment_status *status)
{
    const struct release_status *release = &status->release;
    bool available = status->available_replicas >= target;
    AUTO_FREE char *count =
        mem_printf("%d of %d instances are available", status->available_replicas, target);
    status_set_condition(status, "Available", available,
                         available ? "MinimumAvailable" : "InstancesUnavailable", count,
                         view->wall_ms);
    bool progressing = release->progress != PROGRESS_ABORTED;
    const char *reason =
        str_empty(release->reason) ? release_progress_name(release->progress) : release->reason;
    AUTO_FREE char *message = progress_message(release, update);
    status_set_condition(status, "Progressing", progressing, reason, message, view->wall_ms);
    set_degraded(view, update, status);
    service_set_condition(view, status);
}

void status_count(const struct deployment_view *view, const struct revision *update, int32_t target,
                  struct module_deployment_status *status)
{
    int32_t min_ready = view->md->spec.min_ready_seconds;
    status->observed_generation = view->md->meta.generation;
    status->replicas = status->ready_replicas = status->available_replicas = 0;
    for (size_t i = 0; i < view->revision_count; i++) {
        const struct revision *revision = view->revisions[i];
        status->replicas += revision->existing;
        status->ready_replicas += revision->available;
        status->available_replicas += min_ready_count(revision, min_ready, view->wall_ms);
    }
    status->unavailable_replicas =
        target > status->available_replicas ? target - status->available_replicas : 0;
    status->updated_replicas = update ? update->existing : 0;
    status->updated_ready_replicas = update ? update->available : 0;
    status->updated_available_replicas =
        update ? min_ready_count(update, min_ready, view->wall_ms) : 0;
    AUTO_FREE char *label = label_value(view->md->meta.name);
    mem_free(status->label_selector);
    status->label_selector = mem_printf(LABEL_MODULE_DEPLOYMENT "=%s", label);
    set_conditions(view, update, target, status);
}

static bool release_equal(const struct release_status *a, const struct release_status *b)
{
    return a->progress == b->progress && str_eq(a->progress_name, b->progress_name) &&
           str_eq(a->reason, b->reason) && str_eq(a->update_revision, b->update_revision) &&
           str_eq(a->stable_revision, b->stable_revision) &&
           str_eq(a->failed_revision, b->failed_revision) && a->current_batch == b->current_batch &&
           a->real_batch_count == b->real_batch_count &&
           str_eq(a->batch_progress, b->batch_progress) &&
           a->original_delta_replicas == b->original_delta_replicas &&
           a->original_updated_replicas == b->original_updated_replicas &&
           a->target_replicas == b->target_replicas &&
           a->planned_batch_count == b->planned_batch_count &&
           a->planned_use_beta == b->planned_use_beta &&
           a->last_transition_ms == b->last_transition_ms &&
           a->next_reconcile_ms == b->next_reconcile_ms;
}

static bool conditions_equal(const struct json_array *a, const struct json_array *b)
{
    if (a->len != b->len)
        return false;
    const struct condition *x = a->items, *y = b->items;
    for (size_t i = 0; i < a->len; i++)
        if (!str_eq(x[i].type, y[i].type) || !str_eq(x[i].status, y[i].status) ||
            !str_eq(x[i].reason, y[i].reason) || !str_eq(x[i].message, y[i].message))
            return false;
    return true;
}

static bool counters_equal(const struct module_deployment_status *a,
                           const struct module_deployment_status *b)
{
    return a->replicas == b->replicas && a->updated_replicas == b->updated_replicas &&
           a->ready_replicas == b->ready_replicas &&
           a->updated_ready_replicas == b->updated_ready_replicas &&
           a->available_replicas == b->available_replicas &&
           a->unavailable_replicas == b->unavailable_replicas &&
           a->updated_available_replicas == b->updated_available_replicas &&
           str_eq(a->label_selector, b->label_selector) &&
           str_eq(a->release.message, b->release.message) &&
           conditions_equal(&a->conditions, &b->conditions);
}

static const char *service_message(const struct module_deployment_status *status)
{
    const struct condition *condition = status_condition(status, CONDITION_SERVICE_READY);
    return condition ? condition->message : NULL;
}

void status_write(const struct deployment_view *view, struct module_deployment_status *status_taken,
                  struct plan *plan)
{
    if (is_refused(view)) {
        status_set_condition(status_taken, "Degraded", true, "WriteRefused",
                             view->write_refusal->message, view->wall_ms);
        plan_requeue(plan, view->write_refusal->at_ms + WRITE_REFUSAL_KEPT_MS);
    }
    const struct module_deployment_status *stored = &view->md->status;
    bool urgent = !release_equal(&stored->release, &status_taken->release) ||
                  refusal_is_news(view) ||
                  !str_eq(service_message(stored), service_message(status_taken)) ||
                  stored->observed_generation != status_taken->observed_generation;
    int64_t due_ms = view->status_written_ms + STATUS_WRITE_EVERY_MS;
    if (urgent || (!counters_equal(stored, status_taken) && view->now_ms >= due_ms)) {
        plan_add(plan, ACTION_WRITE_STATUS, "")->status = status_taken;
        return;
    }
    if (!counters_equal(stored, status_taken))
        plan_requeue(plan, due_ms);
    module_deployment_status_free(status_taken);
}
