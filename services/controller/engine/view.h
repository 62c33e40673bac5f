/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_VIEW_H
#define KOUPLELESS_CONTROLLER_ENGINE_VIEW_H

#include "lib/base/vec.h"
#include "lib/model/module.h"
#include "lib/model/module_deployment.h"
#include "lib/model/service.h"
#include "services/controller/engine/original.h"

/*
 * What the plan functions see: the objects as they were last observed, linked with each other, and
 * the little state that lives only in memory (running operations, answers of the scheduler). The
 * controller's cache owns and updates these structs; the engine only reads them. Counters are kept up
 * to date with every change, so that planning costs as much as what it touches, not as much as the fleet.
 */

/* What the last report of the agent said about an instance. */
enum reported {
    REPORTED_NOTHING, /* no report since the controller started, or since the operation succeeded */
    REPORTED_ABSENT,
    REPORTED_RESOLVED, /* being installed */
    REPORTED_ACTIVE,
    REPORTED_INACTIVE, /* installed beside the active version */
    REPORTED_BROKEN,
};

enum operation_type { OPERATION_INSTALL, OPERATION_UNINSTALL, OPERATION_SWITCH };
enum operation_state { OPERATION_NONE, OPERATION_RUNNING, OPERATION_SUCCEEDED, OPERATION_FAILED };

/* The last operation on an instance that this process started. */
struct operation {
    enum operation_type type;
    enum operation_state state;
    char *code;         /* Arklet.InstallBizFailed, ... where it failed; owned */
    char *reason;       /* WEB_PATH_IN_USE, ... or NULL; owned */
    char *message;      /* owned */
    char *digest;       /* sha256 of the jar; owned */
    bool restored;      /* failed, and the version that was there before runs again */
    int32_t failures;   /* in a row, of this type, said by the agent */
    int32_t unanswered; /* in a row: nobody knows what happened; asked again under the same id */
    int32_t
        successes; /* so far, of any type: what is done once more after one is another operation */
    int32_t duration_ms;
    int64_t started_ms, ended_ms; /* mono */
};

struct revision;
struct instance;

/* A base and what is on it. */
struct base_state {
    const struct base *base;
    struct {
        struct instance **items;
        size_t len, cap;
    } instances; /* all Modules on it, those being deleted included */
    const struct original_list *
        originals; /* what the original ModuleController left here and is not taken over yet, or NULL */
    struct json_map
        doubted; /* labels whose last write may have been made or not; owned, written again */
    bool ready;  /* it and its agent answer */
    bool terminating;
    int32_t module_count; /* Modules on it, those decided but not created yet included */
};

/* In which counters of its revision and base an instance is (links.h). */
struct instance_counted {
    bool existing, available, failed, replaced, waiting_way, on_base;
};

/* A Module and its place in the world. */
struct instance {
    const struct module *module;
    struct revision *revision;
    struct base_state *base;   /* NULL: it is gone, or no base any more */
    bool base_ended;           /* its base was being deleted when it went: nothing is left of it */
    struct instance *replaces; /* the old one that goes when this one is Available, or NULL */
    struct instance *replaced_by;
    struct operation operation;
    enum reported reported;
    bool unhealthy;          /* its health says DOWN */
    char *unhealthy_message; /* owned */
    int64_t reported_ms;     /* mono, when `reported` was learnt */
    char *reported_digest; /* sha256 of the jar it runs from, learnt then; owned; NULL: not known */
    int64_t
        distrusted_ms; /* mono; what a report says before then may be of another one of the same version, which is off */
    int64_t
        unlabelled_ms; /* mono, when the label of its module was seen to go from its base; else when it was first seen there */
    int64_t going_ms;  /* mono, when it was first seen to be deleted */
    int32_t index;     /* in revision->instances */
    struct instance_counted counted;
};

#define NO_CAPACITY "NoCapacity" /* begins the explanation where there is too little room */

/* An answer of the scheduler, waiting to be used. */
struct placement {
    enum { PLACEMENT_NONE, PLACEMENT_ASKED, PLACEMENT_ANSWERED, PLACEMENT_FAILED } state;
    struct json_strings names; /* bases, or instances to evict, best first */
    char *
        explanation; /* why not more (NO_CAPACITY ": ..."), or why it failed; owned; kept until the next answer */
    int32_t asked;       /* how many were asked for */
    int32_t offered;     /* names that the last answer had; kept until the next */
    int64_t answered_ms; /* mono */
};

/* A ModuleReplicaSet and its instances. */
struct revision {
    const struct module_replicaset *rs;
    struct {
        struct instance **items;
        size_t len, cap;
    } instances;         /* all, those being deleted included */
    int32_t existing;    /* not being deleted */
    int32_t available;   /* existing and Available */
    int32_t terminating; /* being deleted */
    int32_t failed;      /* existing and Failed */
    int32_t replaced;    /* existing, with another one taking their place */
    int32_t waiting_way; /* existing, refused beside the old one: another way is to be found */
    struct placement place, evict;
    int64_t status_written_ms; /* mono; when the status of the ModuleReplicaSet was last written */
};

/* A Service that is owned by the deployment. */
struct service_state {
    const struct service *service;
};

/* Why the last attempt to make or change the Service of a deployment came to nothing. */
struct service_refusal {
    char *name;   /* of the Service */
    char *reason; /* ServiceConflict, ServiceRefused; NULL: who has the name is being asked */
    char *message;
    int64_t at_ms; /* mono */
};

/* A write that was refused is tried again well before (setbacks.c); else what it was for is gone. */
#define WRITE_REFUSAL_KEPT_MS 90000

/* What the store did not take lately of what follows from a deployment. */
struct write_refusal {
    char *key;     /* the key of the workqueue whose plan it ended; NULL: nothing was refused */
    char *message; /* verb, object and why */
    int64_t at_ms; /* mono, of the last attempt */
};

/* One ModuleDeployment with all that belongs to it. */
struct deployment_view {
    const struct module_deployment *md;
    const struct module_template_spec
        *template; /* what is to be released (rollback.h); NULL: the ModuleTemplate is missing */
    const struct revision *
        failed; /* what is asked for, where that has failed: @template is the last good one; or NULL */
    struct revision *const *revisions; /* in no order */
    size_t revision_count;
    struct base_state *const *bases; /* of the base Deployment */
    size_t base_count;
    struct service_state *const *services; /* owned by it, in no order */
    size_t service_count;
    const struct service_refusal *service_refusal; /* or NULL */
    const struct write_refusal *write_refusal;     /* or NULL */
    const char
        *owner_conflict; /* another ModuleDeployment that has this module on these bases, or NULL */
    int64_t now_ms;      /* mono */
    int64_t wall_ms;
    int64_t
        planning_since_ms; /* mono; when this controller began to plan: nobody did just before */
    int64_t status_written_ms; /* mono; when the status was last written */
    bool bases_unknown;        /* they were not listed yet: nobody knows what is there */
    const char *
        bases_problem; /* why they are not known, or that the base Deployment is not there; NULL = neither */
};

/**
 * deployment_was_first() - whether of two ModuleDeployments with the same module on the same bases it is @a's
 *
 * The one that has begun stays the owner, also where the clock was set back before another was created; of two
 * that have, the older one by times of whole seconds.
 */
bool deployment_was_first(const struct object_meta *a, const struct object_meta *b);

/** view_revision() - the revision of that name, or NULL. */
struct revision *view_revision(const struct deployment_view *view, const char *name);

/** instance_deleting() - whether it is on its way out. */
bool instance_deleting(const struct instance *instance);

/**
 * instance_refused_beside() - whether its install was refused beside its predecessor: it waits for another way
 *
 * That one has the web path (java-level "Child name [..] is not unique"), or the base has no metaspace for both.
 */
bool instance_refused_beside(const struct instance *instance);

/** instance_refused_for_metaspace() - ... and whether it was for the latter. */
bool instance_refused_for_metaspace(const struct instance *instance);

/** instance_serves() - whether it is Available and stays: nothing that is known speaks against it. */
bool instance_serves(const struct instance *instance);

/**
 * instance_may_serve() - whether the traffic of its base may go to it: also where a switch was begun and nobody has
 * said yet that it is Available.
 */
bool instance_may_serve(const struct instance *instance);

/** instance_was_available() - by its status: Available, or Unavailable, which is only told of what was. */
bool instance_was_available(const struct instance *instance);

/** instance_has_been_there() - whether it has been on its base: what is there under its name and version is its own since. */
bool instance_has_been_there(const struct instance *instance);

/**
 * instance_superseded() - whether it was to replace another one, but is given up
 *
 * So it is when its revision is not @update (NULL: none is) any more, and it never came to serve, or what
 * it was to replace is wanted again.
 */
bool instance_superseded(const struct instance *instance, const struct revision *update);

/**
 * instance_overwrites() - whether @successor is installed in place over an instance of the same name and version
 *
 * On the base there is one module of that name, and no report tells whose jar it is. Where it is the
 * successor's, taking the old one off would take off the new one.
 */
bool instance_overwrites(const struct instance *successor);

/**
 * instance_failed_to_replace() - whether the last install of @successor, whose way is in place, has failed
 *
 * Then the agent has put the old one back, and that belongs on the base until the next attempt. Where both are of one
 * version and it was not put back, nobody knows whose jar is there.
 */
bool instance_failed_to_replace(const struct instance *successor);

/**
 * instance_report_overtook() - whether a report that came before the answer of an install, which is a success, shows
 * what that has done
 *
 * The agent answers and reports at one time, over two connections. Such a report is as good as the next one, which may
 * be a second away; but for where the same version was on the base already, for then it may show that.
 */
bool instance_report_overtook(const struct instance *instance);

/** base_belongs() - whether @base is one of base Deployment @deployment. */
bool base_belongs(const struct base_state *base, const char *deployment);

/**
 * base_adopts() - whether the original left an instance of @module (a name) on @base that is not taken over yet: all
 * of that module stays there as it is.
 */
bool base_adopts(const struct base_state *base, const char *module);

/** base_selected() - whether the selector of @template matches @base. */
bool base_selected(const struct base_state *base, const struct module_template_spec *template);

/** base_fits() - whether a new instance of @template may come to @base in the place of another one: ready, and selected. */
bool base_fits(const struct base_state *base, const struct module_template_spec *template);

/**
 * base_eligible() - whether @base can take a new instance of @template: ready, room, metaspace, selector matches
 * (requirement 5.6). Does not look at what is on it.
 */
bool base_eligible(const struct base_state *base, const struct module_template_spec *template);

#endif
