/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens with one instance.
 *
 * Wanted:       base away          -> wait (Unavailable where it was Available)
 *               operation runs     -> wait (Upgrading, where it takes long)
 *               not on the base    -> install, again with backoff where that failed
 *               inactive beside the old version -> switch
 *               on the base, healthy -> Available; the instance it replaces goes
 *               its revision gone  -> it goes
 * Being deleted: base gone         -> its label off what may be left of the base, done
 *               in traffic         -> wait until its label is off the base, and drained
 *               else               -> uninstall until that has succeeded, then done
 */
#include "services/controller/engine/plan_module.h"

#include "lib/base/backoff.h"
#include "lib/base/min.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/min_ready.h"
#include "services/controller/engine/traffic.h"

struct planning {
    const struct module_view *view;
    const struct instance *instance;
    const struct module *module;
    const struct operation *operation;
    struct plan *plan;
};

static void set_phase(struct planning *p, enum module_phase phase, const char *reason,
                      char *message_taken)
{
    const struct module_instance_status *now = &p->module->status;
    if (now->phase == phase && str_eq(now->reason, reason) && str_eq(now->message, message_taken) &&
        now->phase_name) {
        mem_free(message_taken);
        return;
    }
    struct module_instance_status *status = module_instance_status_copy(now);
    if (now->phase != phase || !now->last_transition_ms)
        status->last_transition_ms = p->view->wall_ms;
    status->phase = phase;
    mem_replace(&status->phase_name, module_phase_name(phase));
    mem_replace(&status->reason, reason);
    mem_free(status->message);
    status->message = message_taken;
    plan_add(p->plan, ACTION_WRITE_MODULE_STATUS, p->module->meta.name)->module_status = status;
}

/* The status write that set_phase() has just appended, to fill in more; NULL where nothing changed. */
static struct module_instance_status *written_status(struct planning *p)
{
    size_t n = p->plan->actions.len;
    return n && p->plan->actions.items[n - 1].type == ACTION_WRITE_MODULE_STATUS
               ? p->plan->actions.items[n - 1].module_status
               : NULL;
}

/* Also where nothing else has changed: an attempt that failed as the one before did is one more. */
static void note_attempts(struct planning *p)
{
    struct module_instance_status *status = written_status(p);
    int32_t attempts = p->operation->failures;
    if (!status && p->module->status.attempts != attempts) {
        status = module_instance_status_copy(&p->module->status);
        plan_add(p->plan, ACTION_WRITE_MODULE_STATUS, p->module->meta.name)->module_status = status;
    }
    if (status)
        status->attempts = attempts;
}

int64_t operation_retry_at(const struct operation *operation)
{
    int attempts = operation->failures + operation->unanswered;
    int attempt = attempts > 0 ? attempts : 1;
    return operation->ended_ms +
           backoff_ms(attempt, INSTALL_RETRY_FIRST_MS, INSTALL_RETRY_MAX_MS, NULL);
}

static int64_t retry_at(const struct planning *p)
{
    return operation_retry_at(p->operation);
}

/* Whether traffic may still come to the module on the base, though it is to go from there; the time to drain
 * will be counted from when this ends. */
static bool leaving_traffic(const struct planning *p)
{
    return p->view->labels_written ||
           traffic_leaving(p->instance->base, p->module->spec.module.name, p->view->now_ms);
}

static bool same_version(const struct instance *a, const struct instance *b)
{
    return module_same_version(&a->module->spec.module, &b->module->spec.module);
}

/* Whether @instance may be on its way to its base: its agent has been asked, and has not said no. */
static bool may_be_coming(const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    return operation->type == OPERATION_INSTALL &&
           (operation->state == OPERATION_RUNNING ||
            (operation->state == OPERATION_FAILED && operation->unanswered));
}

/*
 * Whether @leaving does not go from the base before @stays, of the same version, is there: its uninstall would take that
 * off. One that @leaving was to overwrite may have lost its jar to it.
 */
static bool leaves_to(const struct instance *leaving, const struct instance *stays)
{
    return (instance_has_been_there(stays) || may_be_coming(stays)) && !instance_deleting(stays) &&
           stays != leaving->replaced_by &&
           !str_eq(leaving->module->spec.replaces, stays->module->meta.name) &&
           same_version(leaving, stays);
}

/* Whether @other, of the same version, is on its way off the base. The one that this one overwrites waits for this one. */
static bool is_same_leaving(const struct planning *p, const struct instance *other)
{
    return other != p->instance && other != p->instance->replaces && instance_deleting(other) &&
           same_version(p->instance, other);
}

static bool same_is_leaving(const struct planning *p)
{
    const struct base_state *base = p->instance->base;
    for (size_t i = 0; i < base->instances.len; i++)
        if (is_same_leaving(p, base->instances.items[i]))
            return true;
    return false;
}

/*
 * Whether one of those goes first: its uninstall may have been sent, and would take this one off. One that waits for
 * this one does not, or each would wait for the other.
 */
static bool same_goes_first(const struct planning *p)
{
    const struct base_state *base = p->instance->base;
    for (size_t i = 0; i < base->instances.len; i++) {
        const struct instance *other = base->instances.items[i];
        bool sent = other->operation.type == OPERATION_UNINSTALL &&
                    other->operation.state == OPERATION_RUNNING;
        if (is_same_leaving(p, other) && (sent || !leaves_to(other, p->instance)))
            return true;
    }
    return false;
}

bool other_install_runs(const struct instance *instance)
{
    const struct base_state *base = instance->base;
    for (size_t i = 0; i < base->instances.len; i++) {
        const struct instance *other = base->instances.items[i];
        if (other != instance && other->operation.type == OPERATION_INSTALL &&
            other->operation.state == OPERATION_RUNNING &&
            str_eq(other->module->spec.module.name, instance->module->spec.module.name))
            return true;
    }
    return false;
}

/* Whether requests that came to @leaving may be under way still: then it is looked at again when they have had their time. */
static bool draining(struct planning *p, const struct instance *leaving)
{
    int64_t end_ms = traffic_drained_at(leaving, p->view->drain_ms);
    if (p->view->now_ms >= end_ms)
        return false;
    plan_requeue(p->plan, end_ms);
    return true;
}

static bool takes_place(const struct planning *p)
{
    return p->module->spec.upgrade_way == WAY_IN_PLACE && p->instance->replaces;
}

/* Whether an install of it, which takes off whatever it finds, would find its successor there. */
static bool would_overrun(const struct planning *p)
{
    const struct instance *successor = p->instance->replaced_by;
    if (!successor || !takes_place(p) || successor->base != p->instance->base)
        return false;
    if (instance_overwrites(successor)) /* a report may speak of this one */
        return instance_has_been_there(successor);
    const struct operation *operation = &successor->operation;
    return instance_may_serve(successor) || successor->reported == REPORTED_INACTIVE ||
           (operation->type == OPERATION_INSTALL && operation->state == OPERATION_SUCCEEDED);
}

/* In the place of another one it takes off whatever of its module is there: also what that one was to overwrite. */
static bool others_drain(struct planning *p)
{
    const struct base_state *base = p->instance->base;
    for (size_t i = 0; i < base->instances.len; i++) {
        const struct instance *other = base->instances.items[i];
        if (other != p->instance &&
            str_eq(other->module->spec.module.name, p->module->spec.module.name) &&
            draining(p, other))
            return true;
    }
    return false;
}

/* In the place of another one: when that is out of traffic, and drained. */
static void install(struct planning *p)
{
    if (other_install_runs(p->instance)) {
        plan_requeue(p->plan, p->view->now_ms + INSTALL_RETRY_FIRST_MS);
        return;
    }
    if (same_goes_first(p) || would_overrun(p) ||
        (takes_place(p) && (leaving_traffic(p) || others_drain(p))))
        return;
    plan_add(p->plan, ACTION_INSTALL, p->module->meta.name)->way = p->module->spec.upgrade_way;
}

/* A phase on the way is written only once it has lasted: quick installs cost one write, not three. */
static void show_progress(struct planning *p, enum module_phase phase, const char *reason)
{
    int64_t due_ms = p->operation->started_ms + MODULE_STATUS_QUIET_MS;
    if (p->view->now_ms >= due_ms)
        set_phase(p, phase, reason, mem_strdup(""));
    else
        plan_requeue(p->plan, due_ms);
}

/* Of the deployment, the same for all its instances: so they are counted, and a release of a thousand is not
 * a thousand Events. What goes wrong is told of the instance itself. */
static void tell_of_good(struct planning *p, const char *reason, const char *what)
{
    plan_event(p->plan, "", false, reason,
               mem_printf("an instance of %s:%s is %s", p->module->spec.module.name,
                          p->module->spec.module.version, what));
}

/* -- being deleted -- */

static void uninstall_failed(struct planning *p)
{
    if (p->view->now_ms >= retry_at(p)) {
        plan_add(p->plan, ACTION_UNINSTALL, p->module->meta.name);
        return;
    }
    bool said = str_eq(p->module->status.reason, p->operation->code);
    set_phase(p, MODULE_TERMINATING, p->operation->code, mem_strdup(p->operation->message));
    if (!said && !p->operation->unanswered)
        plan_event(p->plan, p->module->meta.name, true, "UninstallFailed",
                   mem_strdup(p->operation->message));
    plan_requeue(p->plan, retry_at(p));
}

/* Whether what is on the base under this name and version is another one's: the successor's, told by names
 * and status since a restart of the controller forgets the rest, or that of who was here before. */
static bool belongs_to_another(const struct planning *p)
{
    const struct instance *successor = p->instance->replaced_by;
    bool put_back = p->operation->type == OPERATION_INSTALL && p->operation->restored &&
                    p->operation->state == OPERATION_FAILED;
    return put_back ||
           (successor && instance_overwrites(successor) && instance_was_available(successor));
}

/* A phase of some seconds is not worth a write. */
static void show_draining(struct planning *p)
{
    if (p->view->drain_ms > DRAIN_QUIET_MS)
        set_phase(p, MODULE_TERMINATING, "Draining",
                  mem_printf("out of traffic; uninstalled %lld s after it left",
                             (long long)p->view->drain_ms / 1000));
}

/* Another one of the same version that stays: what is on the base is or will be that one's. NULL: there is none. */
static const struct instance *same_that_stays(const struct planning *p)
{
    const struct base_state *base = p->instance->base;
    for (size_t i = 0; i < base->instances.len; i++)
        if (leaves_to(p->instance, base->instances.items[i]))
            return base->instances.items[i];
    return NULL;
}

/* The uninstall would take off what another one has there, once it has it. */
static void leave_to(struct planning *p, const struct instance *other)
{
    if (instance_has_been_there(other))
        plan_add(p->plan, ACTION_RELEASE_MODULE, p->module->meta.name);
    else
        plan_requeue(p->plan, p->view->now_ms + INSTALL_RETRY_FIRST_MS);
}

/* Whether @successor is to be installed over it; not one that was not begun, and goes with its ModuleDeployment. */
static bool will_overwrite(const struct planning *p, const struct instance *successor)
{
    bool begun = successor->operation.state != OPERATION_NONE || instance_was_available(successor);
    return instance_overwrites(successor) && (begun || !p->view->going);
}

static void plan_removal(struct planning *p)
{
    const struct operation *operation = p->operation;
    const struct instance *successor = p->instance->replaced_by;
    const struct instance *stays = p->instance->base ? same_that_stays(p) : NULL;
    bool runs = operation->state == OPERATION_RUNNING;
    if (!p->instance->base) {
        traffic_end(p->instance, p->plan);
        plan_add(p->plan, ACTION_RELEASE_MODULE, p->module->meta.name);
    } else if (!runs && belongs_to_another(p)) {
        plan_add(p->plan, ACTION_RELEASE_MODULE, p->module->meta.name);
    } else if (runs) {
        show_progress(p, MODULE_TERMINATING, "Uninstalling");
    } else if (successor && will_overwrite(p, successor)) {
        set_phase(p, MODULE_TERMINATING, "BeingReplaced",
                  mem_printf("%s takes its place", successor->module->meta.name));
    } else if (operation->type == OPERATION_UNINSTALL && operation->state == OPERATION_SUCCEEDED) {
        tell_of_good(p, "Uninstalled", "off its base");
        plan_add(p->plan, ACTION_RELEASE_MODULE, p->module->meta.name);
    } else if (!p->instance->base->ready) {
        set_phase(p, MODULE_TERMINATING, "BaseNotReady",
                  mem_strdup("uninstalled when the base answers, or is gone"));
    } else if (stays) {
        leave_to(p, stays);
    } else if (leaving_traffic(p)) {
        return; /* the base is planned, and with its label this one again */
    } else if (draining(p, p->instance)) {
        show_draining(p);
    } else if (operation->type == OPERATION_UNINSTALL && operation->state == OPERATION_FAILED) {
        uninstall_failed(p);
    } else {
        plan_add(p->plan, ACTION_UNINSTALL, p->module->meta.name);
    }
}

/* -- wanted -- */

/* Where no other way is free, as by maxUnavailable: a base that was restarted, or has collected classes, has room again. */
static void try_beside_again(struct planning *p)
{
    int64_t due_ms = max64(retry_at(p), p->operation->ended_ms + METASPACE_RETRY_MS);
    if (!p->view->wanted || p->instance->base->base->status.metaspace_full)
        return; /* it is planned when that changes */
    if (p->view->now_ms < due_ms)
        plan_requeue(p->plan, due_ms);
    else
        install(p);
}

/* It can't run beside the one it replaces: another way is found. Of the web path that holds for the whole revision. */
static void refused_beside(struct planning *p)
{
    const struct module_replicaset *rs = p->instance->revision->rs;
    if (instance_refused_for_metaspace(p->instance)) {
        set_phase(p, MODULE_PENDING, "MetaspaceFull", mem_strdup(p->operation->message));
        try_beside_again(p);
        return;
    }
    if (!json_map_get(&rs->meta.annotations, ANNOTATION_WEB_PATH_IN_USE))
        plan_add(p->plan, ACTION_LEARN_WEB_PATH, rs->meta.name);
    set_phase(p, MODULE_PENDING, "WebPathInUse", mem_strdup(p->operation->message));
}

/* Nobody knows what became of the install, and it may be going on: that is no failure of the module. */
static void install_unanswered(struct planning *p)
{
    if (p->view->now_ms >= retry_at(p)) {
        install(p);
        return;
    }
    if (p->module->status.phase != MODULE_UNAVAILABLE)
        set_phase(p, MODULE_UPGRADING, "AgentNotAnswering", mem_strdup(p->operation->message));
    plan_requeue(p->plan, retry_at(p));
}

/* One too many, about to be chosen to go: tried again, it would be one more than its batch allows. */
static bool others_are_enough(const struct planning *p)
{
    const struct revision *revision = p->instance->revision;
    return p->view->wanted && revision->available >= revision->rs->spec.replicas;
}

static void install_failed(struct planning *p)
{
    const struct operation *operation = p->operation;
    if (operation->unanswered) {
        install_unanswered(p);
        return;
    }
    if (p->module->status.phase == MODULE_FAILED && p->view->now_ms >= retry_at(p)) {
        if (others_are_enough(p))
            plan_requeue(p->plan, p->view->now_ms + SURPLUS_LOOK_MS);
        else
            install(p);
        return;
    }
    bool said = p->module->status.phase == MODULE_FAILED &&
                p->module->status.attempts == operation->failures;
    set_phase(p, MODULE_FAILED, operation->code, mem_strdup(operation->message));
    note_attempts(p);
    if (!said)
        plan_event(p->plan, p->module->meta.name, true, "InstallFailed",
                   mem_printf("attempt %d: %s", operation->failures,
                              operation->message ? operation->message : ""));
    plan_requeue(p->plan, retry_at(p));
}

/* Whether a report speaks of this one, not of the one of the same version that it is to overwrite, or that leaves. */
static bool report_is_its_own(const struct planning *p)
{
    return (!instance_overwrites(p->instance) && !same_is_leaving(p)) ||
           instance_was_available(p->instance) ||
           (p->operation->type == OPERATION_INSTALL && p->operation->state == OPERATION_SUCCEEDED);
}

/* Whether the last report says that the module is not there, and is younger than the last operation. */
static bool reported_lost(const struct planning *p)
{
    const struct instance *instance = p->instance;
    bool gone = instance->reported == REPORTED_ABSENT || instance->reported == REPORTED_BROKEN;
    return gone && (p->operation->state == OPERATION_NONE ||
                    instance->reported_ms >= p->operation->ended_ms + REPORT_SETTLE_MS);
}

static bool installed(const struct planning *p)
{
    const struct operation *operation = p->operation;
    bool by_operation =
        (operation->type == OPERATION_INSTALL || operation->type == OPERATION_SWITCH) &&
        operation->state == OPERATION_SUCCEEDED;
    bool by_report = p->instance->reported == REPORTED_ACTIVE && report_is_its_own(p);
    bool by_status = operation->state == OPERATION_NONE &&
                     p->instance->reported == REPORTED_NOTHING &&
                     instance_was_available(p->instance);
    return (by_operation || by_report || by_status) && !reported_lost(p);
}

/*
 * A report since the last operation has ended says that it is there; how well it is came with it. What got the
 * traffic by a switch was there before, and as well.
 */
static bool reported_there(const struct planning *p)
{
    bool switched =
        p->operation->type == OPERATION_SWITCH && p->operation->state == OPERATION_SUCCEEDED;
    return switched || p->instance->reported == REPORTED_ACTIVE ||
           p->instance->reported == REPORTED_INACTIVE;
}

/* Beside its predecessor a new version starts inactive; an instance with a successor stays as it is. An
 * inactive one that is alone gets the traffic, wanted or not: nobody else has it. */
static bool needs_switch(const struct planning *p)
{
    const struct operation *operation = p->operation;
    bool beside = operation->type == OPERATION_INSTALL && operation->state == OPERATION_SUCCEEDED &&
                  p->module->spec.upgrade_way == WAY_SIDE_BY_SIDE && p->instance->replaces &&
                  reported_there(p) && !p->instance->unhealthy;
    bool inactive = p->instance->reported == REPORTED_INACTIVE && report_is_its_own(p) &&
                    (operation->state == OPERATION_NONE ||
                     p->instance->reported_ms >= operation->ended_ms + REPORT_SETTLE_MS);
    bool failed = operation->type == OPERATION_SWITCH && operation->state == OPERATION_FAILED &&
                  p->view->now_ms >= retry_at(p);
    bool begun = p->view->wanted && (beside || failed);
    bool alone = !p->instance->replaces || instance_deleting(p->instance->replaces);
    return (begun || (inactive && (p->view->wanted || alone))) && !p->instance->replaced_by &&
           !reported_lost(p);
}

/* Installed beside its predecessor, but its revision is not wanted any more: it is about to be given up. */
static bool stays_beside(const struct planning *p)
{
    const struct instance *old = p->instance->replaces;
    bool never_served =
        !instance_may_serve(p->instance) && p->operation->state == OPERATION_SUCCEEDED;
    return !p->view->wanted && old && !instance_deleting(old) &&
           p->module->spec.upgrade_way == WAY_SIDE_BY_SIDE &&
           (never_served || p->instance->reported == REPORTED_INACTIVE);
}

/* Its successor serves in its place, but it is wanted again: a release that was taken back. */
static bool to_be_restored(const struct planning *p)
{
    const struct instance *successor = p->instance->replaced_by;
    return p->view->wanted && successor && !instance_deleting(successor) &&
           instance_may_serve(successor) &&
           successor->module->spec.upgrade_way == WAY_SIDE_BY_SIDE && !reported_lost(p) &&
           (installed(p) || p->instance->reported == REPORTED_INACTIVE ||
            p->operation->type == OPERATION_SWITCH);
}

/* First the traffic comes back, then the successor goes. */
static void restore(struct planning *p)
{
    const struct operation *operation = p->operation;
    bool switched = operation->type == OPERATION_SWITCH &&
                    operation->state == OPERATION_SUCCEEDED &&
                    operation->ended_ms >= p->instance->replaced_by->operation.ended_ms;
    if (switched)
        plan_add(p->plan, ACTION_DELETE_MODULE, p->instance->replaced_by->module->meta.name);
    else if (operation->state == OPERATION_FAILED && p->view->now_ms < retry_at(p))
        plan_requeue(p->plan, retry_at(p));
    else
        plan_add(p->plan, ACTION_SWITCH, p->module->meta.name);
}

/* It was Unavailable when this controller was started, and nobody has said since how it is. */
static bool is_unknown(const struct planning *p)
{
    return p->module->status.phase == MODULE_UNAVAILABLE && p->operation->state == OPERATION_NONE &&
           p->instance->reported == REPORTED_NOTHING;
}

/* What it stands in for goes when it counts: a version that dies after some seconds takes nothing with it. */
static void let_go(struct planning *p, const struct instance *old)
{
    int64_t left_ms = min_ready_left_ms(p->instance, p->view->min_ready_seconds, p->view->wall_ms);
    if (left_ms)
        plan_requeue(p->plan, p->view->now_ms + left_ms);
    else
        plan_add(p->plan, ACTION_DELETE_MODULE, old->module->meta.name);
}

/* Of the jar that it runs from, or NULL: what was reported after our operation may be what the agent has put back itself. */
static const char *digest_now(const struct planning *p)
{
    const struct operation *operation = p->operation;
    bool operated = operation->state == OPERATION_SUCCEEDED && operation->digest;
    if (operated && p->instance->reported_ms <= operation->ended_ms)
        return operation->digest;
    if (p->instance->reported_digest)
        return p->instance->reported_digest;
    return operated ? operation->digest : NULL;
}

static void become_available(struct planning *p)
{
    if (is_unknown(p))
        return;
    if (p->instance->unhealthy) {
        enum module_phase phase =
            instance_was_available(p->instance) ? MODULE_UNAVAILABLE : MODULE_COMPLETING;
        const char *why = p->instance->unhealthy_message ? p->instance->unhealthy_message : "";
        set_phase(p, phase, "Unhealthy", mem_strdup(why));
        return;
    }
    if (!instance_was_available(p->instance) && !reported_there(p)) {
        show_progress(p, MODULE_COMPLETING, "AwaitingHealth");
        return;
    }
    bool first = p->module->status.phase != MODULE_AVAILABLE;
    const char *reason =
        p->module->spec.upgrade_way_reason ? p->module->spec.upgrade_way_reason : "";
    set_phase(p, MODULE_AVAILABLE, reason, mem_strdup(""));
    struct module_instance_status *status = first ? written_status(p) : NULL;
    if (status && p->operation->state == OPERATION_SUCCEEDED) {
        status->attempts = 0;
        if (p->operation->duration_ms)
            status->install_duration_ms = p->operation->duration_ms;
    }
    if (status && digest_now(p))
        mem_replace(&status->digest, digest_now(p));
    if (first)
        tell_of_good(p, "Installed", "available");
    if (!first && p->view->wanted && p->instance->replaces &&
        p->module->spec.upgrade_way != WAY_OTHER_BASE && /* those go from moved.c */
        !instance_deleting(p->instance->replaces))
        let_go(p, p->instance->replaces);
}

/*
 * The operation of the successor takes this one off the base: while it runs, and when it has, this one is
 * not to come back. Where it failed and the old version was put back, this one is there as before, and comes back after a
 * restart of the JVM.
 */
static bool being_replaced_in_place(const struct planning *p)
{
    const struct instance *successor = p->instance->replaced_by;
    if (!successor || successor->module->spec.upgrade_way != WAY_IN_PLACE)
        return false;
    const struct operation *operation = &successor->operation;
    return operation->state == OPERATION_RUNNING ||
           (operation->type == OPERATION_INSTALL && operation->state == OPERATION_SUCCEEDED) ||
           (reported_lost(p) && !instance_failed_to_replace(successor));
}

static void show_being_replaced(struct planning *p)
{
    int64_t due_ms = p->instance->replaced_by->operation.started_ms + MODULE_STATUS_QUIET_MS;
    if (p->view->now_ms >= due_ms)
        set_phase(p, MODULE_UNAVAILABLE, "BeingReplaced",
                  mem_printf("%s takes its place", p->instance->replaced_by->module->meta.name));
    else
        plan_requeue(p->plan, due_ms);
}

static void plan_install(struct planning *p)
{
    const char *next = p->view->going ? "it is about to go" : "being installed again";
    bool in_traffic =
        p->module->status.phase == MODULE_AVAILABLE; /* it is told now that it is not */
    if (instance_was_available(p->instance))
        set_phase(p, MODULE_UNAVAILABLE, "ModuleLost",
                  mem_printf("the base restarted without it; %s", next));
    if (!p->view->going && !(in_traffic && takes_place(p)))
        install(p);
}

static void plan_presence(struct planning *p)
{
    const struct operation *operation = p->operation;
    if (being_replaced_in_place(p)) {
        show_being_replaced(p);
    } else if (operation->state == OPERATION_RUNNING) {
        if (operation->type == OPERATION_INSTALL && p->module->status.phase != MODULE_UNAVAILABLE)
            show_progress(p, MODULE_UPGRADING, "Installing");
    } else if (instance_refused_beside(p->instance)) {
        refused_beside(p);
    } else if (operation->type == OPERATION_INSTALL && operation->state == OPERATION_FAILED) {
        install_failed(p);
    } else if (to_be_restored(p)) {
        restore(p);
    } else if (needs_switch(p)) {
        plan_add(p->plan, ACTION_SWITCH, p->module->meta.name);
    } else if (operation->type == OPERATION_SWITCH && operation->state == OPERATION_FAILED &&
               !reported_lost(p)) {
        set_phase(p, MODULE_COMPLETING, operation->code, mem_strdup(operation->message));
        if (p->view->now_ms < retry_at(p)) /* else it waits for others */
            plan_requeue(p->plan, retry_at(p));
    } else if (stays_beside(p)) {
        return;
    } else if (installed(p) ||
               (p->instance->reported == REPORTED_INACTIVE && p->instance->replaced_by)) {
        become_available(p);
    } else {
        plan_install(p);
    }
}

/*
 * Its ModuleReplicaSet was deleted by hand, and the garbage collector has taken that off its owners, but leaves
 * the object to the Pod, which owns it too. A ModuleReplicaSet that is only not seen is still among its owners.
 */
static bool is_left_behind(const struct instance *instance)
{
    const struct object_meta *meta = &instance->module->meta;
    return !meta_owner(meta) && meta_has_finalizer(meta, FINALIZER_MODULE);
}

void plan_module(const struct module_view *view, struct plan *plan)
{
    const struct instance *instance = view->instance;
    struct planning p = {view, instance, instance->module, &instance->operation, plan};
    bool deleting = instance_deleting(instance);
    if (!instance->revision && !deleting) {
        if (is_left_behind(instance))
            plan_add(plan, ACTION_DELETE_MODULE, p.module->meta.name);
        return;
    }
    if (!instance->base && view->bases_unknown)
        return;
    if (deleting) {
        plan_removal(&p);
    } else if (!instance->base) {
        plan_add(plan, ACTION_DELETE_MODULE, p.module->meta.name);
    } else if (!instance->base->ready) {
        set_phase(&p, instance_was_available(instance) ? MODULE_UNAVAILABLE : MODULE_PENDING,
                  "BaseNotReady", mem_printf("base %s does not answer", p.module->spec.base_name));
    } else {
        plan_presence(&p);
    }
}
