/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Releases that fail.
 *
 *   Executing, deadline over        last good revision and rollbackOnFailure -> its ModuleReplicaSet is marked
 *                                   else -> numbers frozen, Aborted (ProgressDeadlineExceeded)
 *   an instance has finally failed  last good revision and rollbackOnFailure -> marked, while paused too
 *
 * The mark is all that is decided: from then on the view has another template (rollback.h), which is released as any
 * other. What is Aborted goes on when it is asked to (ANNOTATION_RESUME), or when the spec is another one than it was;
 * while spec.pause is set no edit does that. What is tried again has all its attempts: who has used them up is made anew.
 */
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/plan_deployment_internal.h"
#include "services/controller/engine/progress_deadline.h"
#include "services/controller/engine/rollback.h"

#define REASON_TEXT_MAX 512 /* bytes of what an agent says, in an annotation */

/* -- what is said, and taken back -- */

static bool stopped_at_deadline(const struct planning *p)
{
    return p->release->progress == PROGRESS_ABORTED &&
           str_eq(p->release->reason, REASON_PROGRESS_DEADLINE_EXCEEDED);
}

static const char *asked_to_go_on(const struct planning *p)
{
    return json_map_get(&p->md->meta.annotations, ANNOTATION_RESUME);
}

bool plan__goes_on(const struct planning *p)
{
    if (plan__abort_asked(p))
        return false;
    bool edited = p->md->meta.generation != p->md->status.observed_generation && !p->md->spec.pause;
    return !stopped_at_deadline(p) || edited ||
           str_eq(asked_to_go_on(p), p->release->update_revision);
}

static const struct revision *way_back(const struct planning *p, const struct revision *from)
{
    return rollback_target(p->md, p->view->revisions, p->view->revision_count, from->rs->meta.name);
}

/* Also in the middle of a further attempt: when that fails, it has finally failed. */
static bool attempts_used_up(const struct instance *instance)
{
    const struct module_instance_status *status = &instance->module->status;
    return status->attempts >= FAILED_ATTEMPTS && status->phase != MODULE_AVAILABLE &&
           !instance_deleting(instance);
}

void plan__try_again(struct planning *p, const struct revision *revision)
{
    for (size_t i = 0; way_back(p, revision) && i < revision->instances.len; i++)
        if (attempts_used_up(revision->instances.items[i]))
            plan_add(p->plan, ACTION_DELETE_MODULE,
                     revision->instances.items[i]->module->meta.name);
    p->status_at = p->plan->actions.len;
}

bool plan__settle_marks(struct planning *p)
{
    const char *resumed = asked_to_go_on(p);
    bool any = false;
    for (size_t i = 0; i < p->view->revision_count; i++) {
        const struct revision *revision = p->view->revisions[i];
        const char *name = revision->rs->meta.name;
        if (!rollback_marked(revision) || (revision == p->view->failed && !str_eq(resumed, name)))
            continue;
        if (str_eq(resumed, name))
            plan__try_again(p, revision);
        plan_add(p->plan, ACTION_SET_FAILED, name);
        any = true;
    }
    bool awaited = stopped_at_deadline(p) && str_eq(resumed, p->release->update_revision);
    if (any || !resumed || awaited)
        return any;
    plan_add(p->plan, ACTION_END_RESUME, "");
    return true;
}

/* -- giving up -- */

static bool counts_time(const struct planning *p)
{
    return p->release->progress == PROGRESS_EXECUTING && !p->md->spec.pause &&
           !plan__recorded_as_done(p) && p->md->spec.progress_deadline_seconds;
}

/* What was missing (plan__prepare()) is there now: nothing could move before. */
static bool missed_something(const struct planning *p)
{
    return !str_eq(p->release->reason, "BatchExecuting") &&
           !str_eq(p->release->reason, "BatchUnhealthy");
}

static bool is_overdue(const struct planning *p)
{
    return counts_time(p) && !plan__batch_available(p) &&
           progress_deadline_ms(p->view, p->update, p->release) <= p->view->wall_ms;
}

void plan__await_deadline(struct planning *p)
{
    if (!counts_time(p))
        return;
    int64_t deadline_ms = progress_deadline_ms(p->view, p->update, p->release);
    plan_requeue(p->plan, p->view->now_ms + (deadline_ms - p->view->wall_ms));
}

static char *deadline_text(const struct planning *p)
{
    int32_t seconds = p->md->spec.progress_deadline_seconds;
    if (!p->release->current_batch)
        return mem_printf("no progress for %d s", seconds);
    return mem_printf("no progress for %d s in batch %d of %d", seconds, p->release->current_batch,
                      p->release->real_batch_count);
}

/* Bytes of @text that are whole characters, @max at most. */
static int whole_characters(const char *text, size_t max)
{
    size_t len = 0;
    for (size_t next; (next = str_utf8(text + len)) && len + next <= max;)
        len += next;
    return (int)len;
}

static char *failure_text(const struct instance *failed)
{
    const struct module *module = failed->module;
    const char *message = module->status.message ? module->status.message : "";
    return mem_printf("%s on %s: %d attempts failed: %.*s", module->meta.name,
                      module->spec.base_name, module->status.attempts,
                      whole_characters(message, REASON_TEXT_MAX), message);
}

static void stop(struct planning *p)
{
    plan__freeze_numbers(p);
    plan__move(p, PROGRESS_ABORTED, REASON_PROGRESS_DEADLINE_EXCEEDED, deadline_text(p));
    plan_event(p->plan, "", true, REASON_PROGRESS_DEADLINE_EXCEEDED,
               mem_strdup(p->release->message));
}

bool plan__give_up(struct planning *p)
{
    struct release_status *release = p->release;
    bool ahead = release->last_transition_ms > p->view->wall_ms; /* the clock was set back */
    if (counts_time(p) && (ahead || missed_something(p)))
        release->last_transition_ms = p->view->wall_ms; /* from now on */
    const char *name = p->update->rs->meta.name;
    bool overdue = is_overdue(p);
    bool returns = way_back(p, p->update) != NULL;
    const struct instance *failed = returns ? rollback_failure(p->update) : NULL;
    if (failed)
        plan_add(p->plan, ACTION_SET_FAILED, name)->message = failure_text(failed);
    else if (overdue && returns)
        plan_add(p->plan, ACTION_SET_FAILED, name)->message = deadline_text(p);
    else if (overdue)
        stop(p);
    return failed || overdue;
}
