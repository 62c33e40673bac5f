/* SPDX-License-Identifier: Apache-2.0 */
/* What a forecast tells afterwards. */
#include "services/controller/engine/forecast_internal.h"

#include <string.h>

#include "services/controller/engine/batches.h"
#include "services/controller/engine/release_status.h"

static int64_t elapsed_ms(const struct forecast *f)
{
    return f->now_ms - f->start_ms;
}

const char *forecast_action_name(enum forecast_action action)
{
    static const char *const names[] = {
        [FORECAST_INSTALL] = "install",
        [FORECAST_REPLACE] = "replace",
        [FORECAST_SWITCH] = "switch",
        [FORECAST_UNINSTALL] = "uninstall",
    };
    return names[action];
}

/* -- batches -- */

static struct forecast_batch *last_batch(struct forecast *f)
{
    size_t len = f->result.batches.len;
    return len ? &f->result.batches.items[len - 1] : NULL;
}

static int32_t batch_size(const struct release_status *release)
{
    int32_t k = release->current_batch, n = release->original_delta_replicas;
    if (k < 1)
        return 0;
    return batches_end(n, release->planned_batch_count, release->planned_use_beta, k) -
           batches_end(n, release->planned_batch_count, release->planned_use_beta, k - 1);
}

static void end_batch(const struct forecast *f, struct forecast_batch *batch)
{
    if (batch && !batch->ends_ms)
        batch->ends_ms = elapsed_ms(f);
}

/* The one that is worked on. What was told of a release that another one has taken the place of is forgotten. */
static struct forecast_batch *current_batch(struct forecast *f)
{
    const struct release_status *release = &f->md->status.release;
    int32_t number = release->current_batch;
    if (f->result.batches.len && last_batch(f)->number > number)
        VEC_DONE(&f->result.batches);
    if (!f->result.batches.len || last_batch(f)->number != number) {
        end_batch(f, last_batch(f));
        VEC_PUSH(&f->result.batches,
                 (struct forecast_batch){.number = number, .begins_ms = elapsed_ms(f)});
    }
    struct forecast_batch *last = last_batch(f);
    last->size = batch_size(release);
    f->result.batch_count = release->real_batch_count;
    return last;
}

static bool is_under_way(const struct release_status *release)
{
    return release->current_batch > 0 &&
           (release->progress == PROGRESS_EXECUTING || release->progress == PROGRESS_TERMINATING);
}

/* Of what is wanted now: another release may have been before. */
bool forecast__is_completed(const struct forecast *f)
{
    const struct release_status *release = &f->md->status.release;
    const struct module_deployment_spec *spec = &f->md->spec;
    return !f->given_up && release->progress == PROGRESS_COMPLETED &&
           str_eq(release->update_revision, f->update_name) &&
           release->target_replicas == spec->replicas &&
           release->planned_batch_count == spec->strategy.batch_count &&
           release->planned_use_beta == spec->strategy.use_beta;
}

void forecast__record_release(struct forecast *f)
{
    const struct release_status *release = &f->md->status.release;
    if (is_under_way(release))
        (void)current_batch(f);
    bool waits = str_eq(release->reason, REASON_WAITING_FOR_CONFIRMATION);
    bool gray = str_eq(release->reason, REASON_GRAY_TIME);
    struct forecast_batch *last = last_batch(f);
    if (last && release->progress == PROGRESS_PAUSED && (waits || gray)) {
        if (last->gate != FORECAST_GATE_CONFIRMATION)
            last->gate = waits ? FORECAST_GATE_CONFIRMATION : FORECAST_GATE_GRAY_TIME;
        end_batch(f, last);
    }
    if (forecast__is_completed(f) && !f->completed_ms) {
        f->completed_ms = f->now_ms;
        end_batch(f, last);
    }
}

/* -- steps -- */

/* A text of which there are few: kept once, for an instance may get another one. */
static const char *keep_reason(struct forecast *f, const char *reason)
{
    if (str_empty(reason))
        return "";
    char *kept = map_get(&f->reasons, reason);
    if (kept)
        return kept;
    kept = mem_strdup(reason);
    map_put(&f->reasons, reason, kept);
    return kept;
}

void forecast__record_step(struct forecast *f, const struct forecast_instance *instance,
                           enum forecast_action action)
{
    const struct module_instance_spec *spec = &instance->module->spec;
    VEC_PUSH(&f->result.steps, (struct forecast_step){
                                   .batch = current_batch(f)->number,
                                   .begins_ms = elapsed_ms(f),
                                   .action = action,
                                   .instance = instance->module->meta.name,
                                   .base = spec->base_name,
                                   .way = spec->upgrade_way,
                                   .reason = keep_reason(f, spec->upgrade_way_reason),
                               });
}

/* -- unavailability -- */

/*
 * What is wrong while nothing runs: said at the end where nothing moves any more, for nothing tells it then when the
 * release has been given up for that.
 */
static void note_degraded(struct forecast *f)
{
    const struct condition *condition = status_condition(&f->md->status, "Degraded");
    if (!condition || f->running || f->md->status.release.progress != PROGRESS_EXECUTING)
        return;
    bool holds = str_eq(condition->status, "True");
    mem_replace(&f->degraded_reason, holds ? condition->reason : NULL);
    mem_replace(&f->degraded_message, holds ? condition->message : NULL);
}

void forecast__record_instant(struct forecast *f)
{
    note_degraded(f);
    int32_t unavailable = f->serving_floor - f->serving;
    struct forecast_batch *batch = last_batch(f);
    if (unavailable > f->result.most_unavailable)
        f->result.most_unavailable = unavailable;
    if (batch && unavailable > batch->most_unavailable)
        batch->most_unavailable = unavailable;
}

static struct forecast_co_tenant *co_tenant(struct forecast *f, const char *module)
{
    size_t at = (size_t)(uintptr_t)map_get(&f->co_tenants, module);
    if (!at) {
        VEC_PUSH(&f->result.co_tenants, (struct forecast_co_tenant){.module = module});
        at = f->result.co_tenants.len;
        map_put(&f->co_tenants, module, (void *)(uintptr_t)at);
    }
    return &f->result.co_tenants.items[at - 1];
}

void forecast__record_touched(struct forecast *f, struct forecast_base *base, bool begins)
{
    bool first = !base->touched;
    base->touched = true;
    for (size_t i = 0; i < base->view.instances.len; i++) {
        const struct instance *instance = base->view.instances.items[i];
        if (instance->revision || instance_deleting(instance))
            continue;
        struct forecast_co_tenant *other = co_tenant(f, instance->module->spec.module.name);
        other->instances += first;
        other->touched += begins ? 1 : -1;
        if (other->touched > other->most_touched)
            other->most_touched = other->touched;
    }
}

/* -- writes -- */

/* The same event is told once and then counted: how often that is written depends on the time. */
static bool is_new_event(struct forecast *f, const struct action *action)
{
    if (f->told_name && str_eq(f->told_name, action->name) &&
        str_eq(f->told_reason, action->reason) && str_eq(f->told_message, action->message))
        return false;
    mem_replace(&f->told_name, action->name);
    mem_replace(&f->told_reason, action->reason);
    mem_replace(&f->told_message, action->message);
    AUTO_FREE char *key = mem_printf("%s/%s/%s", action->name, action->reason,
                                     action->message ? action->message : "");
    return map_put(&f->events, key, f) == NULL;
}

static void count_module_write(struct forecast_writes *writes, enum action_type type)
{
    writes->creates += type == ACTION_CREATE_MODULE;
    writes->deletes += type == ACTION_DELETE_MODULE;
    writes->status_patches += type == ACTION_WRITE_MODULE_STATUS;
    writes->other_patches += type == ACTION_SET_WAY || type == ACTION_RELEASE_MODULE;
}

static void count_revision_write(struct forecast_writes *writes, enum action_type type)
{
    writes->creates += type == ACTION_CREATE_REPLICASET;
    writes->deletes += type == ACTION_DELETE_REPLICASET;
    writes->status_patches += type == ACTION_WRITE_REPLICASET_STATUS;
    writes->other_patches += type == ACTION_SET_REPLICAS || type == ACTION_RENEW_REPLICASET ||
                             type == ACTION_SET_FAILED || type == ACTION_LEARN_WEB_PATH;
}

void forecast__count_write(struct forecast *f, const struct action *action)
{
    struct forecast_writes *writes = f->result.writes;
    enum action_type type = action->type;
    count_module_write(&writes[KIND_MODULE], type);
    count_revision_write(&writes[KIND_MODULE_REPLICASET], type);
    writes[KIND_MODULE_DEPLOYMENT].status_patches += type == ACTION_WRITE_STATUS;
    writes[KIND_MODULE_DEPLOYMENT].other_patches +=
        type == ACTION_SET_PAUSE || type == ACTION_SET_SCALE || type == ACTION_END_RESUME ||
        type == ACTION_ADD_FINALIZER || type == ACTION_REMOVE_FINALIZER;
    writes[KIND_BASE].label_patches += type == ACTION_LABEL_BASE || type == ACTION_END_TRAFFIC;
    writes[KIND_SERVICE].creates += type == ACTION_CREATE_SERVICE;
    writes[KIND_SERVICE].other_patches += type == ACTION_UPDATE_SERVICE;
    writes[KIND_SERVICE].deletes += type == ACTION_DELETE_SERVICE;
    if (type == ACTION_EVENT)
        writes[KIND_EVENT].creates += is_new_event(f, action);
}

/* -- holds -- */

void forecast__record_hold(struct forecast *f, const char *reason, const char *message)
{
    for (size_t i = 0; i < f->result.holds.len; i++)
        if (str_eq(f->result.holds.items[i].reason, reason) &&
            str_eq(f->result.holds.items[i].message, message))
            return;
    VEC_PUSH(&f->result.holds, (struct forecast_hold){
                                   .batch = f->md->status.release.current_batch,
                                   .reason = mem_strdup(reason),
                                   .message = mem_strdup(message ? message : ""),
                               });
}

static void hold_by_condition(struct forecast *f, const char *type, bool holds_up_when)
{
    const struct condition *condition = status_condition(&f->md->status, type);
    if (condition && str_eq(condition->status, holds_up_when ? "True" : "False"))
        forecast__record_hold(f, condition->reason, condition->message);
}

/*
 * Why instances find no room: said while it is waited for, since nothing tells it any more when the release has been
 * given up for that.
 */
void forecast__record_room(struct forecast *f)
{
    for (size_t i = 0; i < f->revisions.len; i++) {
        const struct revision *revision = f->revisions.items[i];
        const char *why = revision->place.explanation;
        if (!why || revision->existing >= revision->rs->spec.replicas)
            continue;
        size_t len = strcspn(why, ":");
        AUTO_FREE char *reason = mem_strndup(why, len);
        forecast__record_hold(f, reason, why + len + strspn(why + len, ": "));
    }
}

/* Instances that are wanted and do not get Available: the first one for each reason. */
static void hold_by_instances(struct forecast *f)
{
    struct map told = {0};
    for (size_t i = 0; i < f->all_instances.len; i++) {
        struct forecast_instance *instance = f->all_instances.items[i];
        const struct module *module = instance->module;
        if (instance->gone || !instance->view.revision || str_empty(module->status.reason) ||
            (module->status.phase == MODULE_AVAILABLE && !instance_deleting(&instance->view)) ||
            map_put(&told, module->status.reason, instance))
            continue;
        AUTO_FREE char *message =
            mem_printf("%s on %s: %s", module->meta.name, module->spec.base_name,
                       module->status.message ? module->status.message : "");
        forecast__record_hold(f, module->status.reason, message);
    }
    map_done(&told);
}

void forecast__record_end(struct forecast *f, bool stuck)
{
    const struct release_status *release = &f->md->status.release;
    bool at_work =
        release->progress == PROGRESS_EXECUTING || release->progress == PROGRESS_TERMINATING;
    f->result.duration_ms = (f->completed_ms ? f->completed_ms : f->moved_ms) - f->start_ms;
    if (f->removed)
        end_batch(f, last_batch(f));
    if (!stuck)
        return;
    if (f->degraded_reason)
        forecast__record_hold(f, f->degraded_reason, f->degraded_message);
    if (!at_work || !str_eq(release->reason, "BatchExecuting"))
        forecast__record_hold(f, release->reason, release->message);
    hold_by_condition(f, "Degraded", true);
    hold_by_condition(f, "Progressing", false);
    hold_by_instances(f);
    if (!f->result.holds.len)
        forecast__record_hold(f, release->reason, release->message);
}

void forecast__record_done(struct forecast *f)
{
    for (size_t i = 0; i < f->result.holds.len; i++) {
        mem_free(f->result.holds.items[i].reason);
        mem_free(f->result.holds.items[i].message);
    }
    mem_free(f->degraded_reason);
    mem_free(f->degraded_message);
    VEC_DONE(&f->result.holds);
    VEC_DONE(&f->result.batches);
    VEC_DONE(&f->result.steps);
    VEC_DONE(&f->result.co_tenants);
    map_done(&f->co_tenants);
    map_done(&f->events);
    mem_free(f->told_name);
    mem_free(f->told_reason);
    mem_free(f->told_message);
    for (size_t i = 0; i < f->reasons.len; i++)
        mem_free(f->reasons.entries[i].value);
    map_done(&f->reasons);
}
