/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases that restart while a forecast is made, and what was on them. Nothing but the store is known of that, and it is a
 * matter of seconds: taken for what stays, it would hold up a release that goes on as soon as the base is back. Its agent
 * puts back what belongs there before that (baseline.h).
 */
#include "services/controller/engine/baseline.h"
#include "services/controller/engine/forecast_internal.h"

/* One that is not ready for longer has no restart, but trouble. */
#define RESTART_MS 120000

bool forecast__is_starting(const struct forecast *f, const struct base *base)
{
    static const char *const reasons[] = {"ArkletUnreachable", "BaseStarting", "BaseRestarted",
                                          "Replaying",         "PodPending",   "NoIP",
                                          "PodNotReady"};
    const struct base_status *status = &base->status;
    if (str_eq(status->phase, "Ready") || base->meta.deletion_ms ||
        f->now_ms - status->last_transition_ms > RESTART_MS)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq(status->reason, reasons[i]))
            return true;
    return false;
}

void forecast__guess_report(struct forecast *f, struct forecast_instance *instance)
{
    const struct module_instance_status *status = &instance->module->status;
    if (status->phase != MODULE_UNAVAILABLE)
        return;
    if (str_eq(status->reason, "Unhealthy")) { /* nothing says that it gets well */
        instance->view.unhealthy = true;
        instance->view.unhealthy_message = mem_strdup(status->message);
        return;
    }
    /* Before a base is ready again its agent puts back what belongs there. */
    bool back = str_eq(status->reason, "BaseNotReady");
    instance->view.reported = back ? REPORTED_ACTIVE : REPORTED_ABSENT;
    instance->view.reported_ms = f->now_ms;
}

static bool matters(const struct forecast *f, const struct forecast_base *base)
{
    for (size_t i = 0; i < base->view.instances.len; i++)
        if (base->view.instances.items[i]->revision)
            return true;
    return base_belongs(&base->view, f->md->spec.base_deployment_name);
}

void forecast__begin_starts(struct forecast *f)
{
    const char *first = NULL;
    int count = 0;
    for (size_t i = 0; i < f->all_bases.len; i++) {
        struct forecast_base *base = f->all_bases.entries[i].value;
        if (!forecast__is_starting(f, base->base) || !matters(f, base))
            continue;
        forecast__start_timer(f, f->now_ms + f->times.base_start_ms, TIMER_START, base);
        first = first ? first : base->base->meta.name;
        count++;
    }
    f->running += count;
    if (!count)
        return;
    AUTO_FREE char *others = count > 1 ? mem_printf(" and %d more are", count - 1) : NULL;
    AUTO_FREE char *message =
        mem_printf("base %s%s starting, and taken to be ready after %lld s", first,
                   others ? others : " is", (long long)f->times.base_start_ms / 1000);
    forecast__record_hold(f, "BaseStarting", message);
}

/* What the agent says of @instance once it has put back what belongs there. */
static enum reported after_replay(const struct forecast *f, const struct instance *instance)
{
    bool going = f->md->meta.deletion_ms != 0;
    const struct instance *successor = instance->replaced_by;
    if (!baseline_includes(instance, going))
        return REPORTED_ABSENT;
    bool beside =
        successor && successor->base == instance->base && baseline_includes(successor, going);
    return beside ? REPORTED_INACTIVE : REPORTED_ACTIVE;
}

void forecast__end_start(struct forecast *f, struct forecast_base *base)
{
    f->running--;
    base->view.ready = true;
    for (size_t i = 0; i < base->view.instances.len; i++) {
        struct forecast_instance *instance =
            CONTAINER_OF(base->view.instances.items[i], struct forecast_instance, view);
        instance->view.reported = after_replay(f, &instance->view);
        instance->view.reported_ms = f->now_ms;
        instance->view.unhealthy = false;
        forecast__count_serving(f, instance);
        forecast__dirty_around(f, instance);
    }
    forecast__dirty_base(f, base);
    f->moved_ms = f->now_ms;
    f->change++;
    f->dirty = true;
}
