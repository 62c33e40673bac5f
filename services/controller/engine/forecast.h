/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_FORECAST_H
#define KOUPLELESS_CONTROLLER_ENGINE_FORECAST_H

#include "lib/model/kind.h"
#include "services/controller/engine/scheduling.h"
#include "services/controller/engine/view.h"

/*
 * What a release would do: the plan functions, run forward on a copy of the present until the release is
 * Completed, or nothing moves any more. What they decide is carried out on the copy, with time made up: each
 * operation succeeds after a given time, a base that restarts comes back without its modules, a confirmation is given at
 * once, gray time passes, a pause of the user is noted and taken back. Nothing outside of the copy is read or changed. Pure.
 *
 * Only the scheduler is somebody else: forecast_run() stops where the plan has a question to it, and goes on when
 * forecast_answer() brought the answer. So the forecast gets its bases from who chooses them in earnest,
 * without waiting for it anywhere; tests and benchmarks answer by themselves.
 *
 * What nobody knows beforehand it does not know either: whether an install fails, and whether two versions serve the
 * same web path before one was refused for it. Nor does it know when the controller began to plan, which is of one process
 * and not of the objects: to it a controller was always there, so a release whose deadline ran out while none was is
 * forecast to be given up, where one that began a moment ago leaves it the whole deadline.
 */
struct forecast;

struct forecast_times {
    int64_t install_ms, switch_ms,
        uninstall_ms;      /* how long one takes; in place counts as an install */
    int64_t base_start_ms; /* until a base is ready that restarts now */
};

/* -- the copy: first the objects, each once; what is taken must not be used any more -- */

/**
 * forecast_new() - of the release of @md_taken, as it would be stored
 * @template: what it wants, of itself or of its ModuleTemplate, copied; NULL: that is missing
 */
struct forecast *forecast_new(struct module_deployment *md_taken,
                              const struct module_template_spec *template,
                              const struct forecast_times *times, int64_t wall_ms);
void forecast_free(struct forecast *forecast);

/** forecast_add_revision() - a ModuleReplicaSet of it. */
void forecast_add_revision(struct forecast *forecast, struct module_replicaset *taken);

/** forecast_add_base() - a Base with the module, or of the base Deployment. */
void forecast_add_base(struct forecast *forecast, struct base *taken);

/** forecast_add_service() - a Service that it owns. */
void forecast_add_service(struct forecast *forecast, struct service *taken);

/**
 * forecast_add_module() - a Module on one of the bases, after these and the revisions
 * @revision: name of its ModuleReplicaSet among those that were added; NULL: it is another ModuleDeployment's
 */
void forecast_add_module(struct forecast *forecast, struct module *taken, const char *revision);

/** forecast_set_install_ms() - in place of what @times said: it may be measured of the objects. Before the run. */
void forecast_set_install_ms(struct forecast *forecast, int64_t install_ms);

/** forecast_set_owner() - another ModuleDeployment has the module on these bases; @name is copied. */
void forecast_set_owner(struct forecast *forecast, const char *name);

/** forecast_set_bases_problem() - why the bases are not known, or that there is no such base Deployment; copied. */
void forecast_set_bases_problem(struct forecast *forecast, const char *problem, bool unknown);

/* -- the run -- */

enum forecast_state {
    FORECAST_GOES_ON,   /* the effort is used up */
    FORECAST_ASKS,      /* forecast_question() waits for forecast_answer() */
    FORECAST_COMPLETED, /* the release is; or all is gone, where it is a deletion */
    FORECAST_STUCK,     /* nothing moves any more; the holds say why */
};

/**
 * forecast_run() - goes on as far as it can, but with about @effort at most: who has other work runs it in turns
 *
 * An effort of 1 is less than a microsecond, whatever the size of the release: an instance or a base that is planned, or a
 * timer. A plan of the deployment, which looks at all instances, counts for as much as that takes; with n instances the
 * whole is O(n), times the batches. What comes of it does not depend on @effort.
 */
enum forecast_state forecast_run(struct forecast *forecast, int64_t effort);

/** forecast_question() - what the scheduler is to be asked; only after FORECAST_ASKS, valid until the answer. */
const struct scheduling_question *forecast_question(const struct forecast *forecast);

/**
 * forecast_answer() - of the scheduler, to forecast_question()
 * @names:       of bases or instances, best first; copied
 * @explanation: why not more, as in struct placement; used where there are too few
 */
void forecast_answer(struct forecast *forecast, char *const *names, size_t count,
                     const char *explanation);

/* -- what came of it; all borrowed, valid until forecast_free() -- */

enum forecast_gate {
    FORECAST_GATE_NONE,         /* the next batch begins at once */
    FORECAST_GATE_CONFIRMATION, /* a person has to confirm; with gray time also that is waited for */
    FORECAST_GATE_GRAY_TIME,
};

/* Times are from the beginning of the forecast. */
struct forecast_batch {
    int32_t number; /* from 1; 0: nothing is to be changed, what is there is brought in order */
    int32_t size;   /* instances to change */
    enum forecast_gate gate; /* after it */
    int64_t begins_ms, ends_ms;
    int32_t most_unavailable; /* as in struct forecast_result */
};

enum forecast_action {
    FORECAST_INSTALL,
    FORECAST_REPLACE, /* in place: old out and new in as one operation */
    FORECAST_SWITCH,  /* the traffic of its base goes to it */
    FORECAST_UNINSTALL,
};

struct forecast_step {
    int32_t batch;
    int64_t begins_ms;
    enum forecast_action action;
    const char *instance, *base; /* names */
    enum upgrade_way way;        /* of the instance */
    const char *reason;          /* why no better way, "" = it is the best */
};

/* Writes to the store, by kind of object. */
struct forecast_writes {
    int32_t creates, status_patches, label_patches, other_patches, deletes;
};

/* What holds the release up, in the engine's words. */
struct forecast_hold {
    int32_t batch;
    char *reason, *message;
};

/* Another module on the bases. Operations on one module leave the others serving; but they share the JVM. */
struct forecast_co_tenant {
    const char *module;   /* name */
    int32_t instances;    /* on bases with an operation */
    int32_t most_touched; /* ... at one instant */
    int32_t touched;      /* ... now */
};

struct forecast_result {
    const char *update_revision; /* name; NULL where the template is missing */
    struct {
        struct forecast_batch *items;
        size_t len, cap;
    } batches;
    struct {
        struct forecast_step *items;
        size_t len, cap;
    } steps; /* in the order in which they begin */
    struct {
        struct forecast_hold *items;
        size_t len, cap;
    } holds;
    struct {
        struct forecast_co_tenant *items;
        size_t len, cap;
    } co_tenants;
    struct forecast_writes writes[KIND_MAX_];
    int32_t batch_count; /* of the release */
    int32_t
        most_unavailable; /* most bases that serve the module less at one instant than now; than wanted, where that is less */
    int64_t duration_ms; /* to Completed, or until nothing moved; confirmations take no time */
};

const struct forecast_result *forecast_result(const struct forecast *forecast);

/** forecast_action_name() - "install", "replace", "switch", "uninstall". */
const char *forecast_action_name(enum forecast_action action);

#endif
