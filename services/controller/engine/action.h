/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ACTION_H
#define KOUPLELESS_CONTROLLER_ENGINE_ACTION_H

#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/model/module.h"

/*
 * What a plan wants done. A plan is an array of actions, in order; the executor carries them out and
 * the key is planned again when it has seen the outcome of all of them.
 */
enum action_type {
    ACTION_CREATE_REPLICASET, /* name; number = revision; url of the template */
    ACTION_SET_REPLICAS,      /* name; number = replicas of the ModuleReplicaSet */
    ACTION_RENEW_REPLICASET,  /* name; number = new revision number; the template's url too */
    ACTION_DELETE_REPLICASET, /* name */
    ACTION_SET_FAILED, /* name; message = why its release was given up; none: that is forgotten */
    ACTION_LEARN_WEB_PATH, /* name of the ModuleReplicaSet: its versions can't run side by side */
    ACTION_SET_PAUSE, /* number = 0 or 1: spec.pause of the deployment; 1 clears confirmBatchNum too */
    ACTION_SET_SCALE,    /* number = spec.replicas and scaleReplicas of the deployment */
    ACTION_END_RESUME,   /* of the deployment: what was asked by ANNOTATION_RESUME is done */
    ACTION_WRITE_STATUS, /* status: of the deployment */
    ACTION_WRITE_REPLICASET_STATUS, /* name; replicaset_status */
    ACTION_ADD_FINALIZER,           /* of the deployment; with it its scaleReplicas */
    ACTION_REMOVE_FINALIZER,
    ACTION_PLACE, /* name of the ModuleReplicaSet; number of bases to ask the scheduler for */
    ACTION_EVICT, /* name of the ModuleReplicaSet; number of instances to ask for */
    ACTION_FORGET_PLACE, /* name: the answer is used up */
    ACTION_FORGET_EVICT,
    ACTION_CREATE_MODULE,       /* name of the ModuleReplicaSet; base; replaces; way; reason */
    ACTION_SET_WAY,             /* name of the Module; way; reason */
    ACTION_DELETE_MODULE,       /* name */
    ACTION_INSTALL,             /* name; way */
    ACTION_UNINSTALL,           /* name */
    ACTION_SWITCH,              /* name */
    ACTION_WRITE_MODULE_STATUS, /* name; module_status */
    ACTION_END_TRAFFIC,         /* name of the Module; labels to remove from what its base was */
    ACTION_RELEASE_MODULE,      /* name: it is off its base; its finalizer goes */
    ACTION_LABEL_BASE,          /* name of the base; labels to set, "" = to remove */
    ACTION_CREATE_SERVICE,      /* name */
    ACTION_UPDATE_SERVICE,      /* name */
    ACTION_DELETE_SERVICE,      /* name */
    ACTION_ADOPT_REVISION, /* name; number = revision; what the original at hand is an instance of */
    ACTION_CLEAR_ORIGINAL,   /* name of the original at hand: the original's finalizers go */
    ACTION_DELETE_ORIGINAL,  /* name */
    ACTION_CLEAR_DEPLOYMENT, /* of the deployment: ours for the marks of the original */
    /* name "" = the deployment, in the plan of a Module its own, else a Module; reason; message; number 1 = Warning */
    ACTION_EVENT,
    ACTION_REQUEUE, /* at_ms: mono */
};

struct action {
    enum action_type type;
    char *name; /* never NULL */
    int32_t number;
    char *base, *replaces, *replaces_uid; /* ACTION_CREATE_MODULE */
    bool
        assumed; /* of whoever carries it out: its Module counted on its base before it was there */
    enum upgrade_way way;
    char *reason, *message;
    int64_t at_ms;
    struct json_map labels; /* ACTION_LABEL_BASE, ACTION_END_TRAFFIC */
    struct module_replicaset_status replicaset_status;
    struct module_deployment_status *status;      /* ACTION_WRITE_STATUS */
    struct module_instance_status *module_status; /* ACTION_WRITE_MODULE_STATUS */
};

struct plan {
    VEC(struct action) actions;
};

/** plan_add() - appends an action of @type about @name (copied). Return: it, to fill in; valid until the next. */
struct action *plan_add(struct plan *plan, enum action_type type, const char *name);

/** plan_event() - appends an event. @name: a Module, or "" for the deployment. */
void plan_event(struct plan *plan, const char *name, bool warning, const char *reason,
                char *message_taken);

/** plan_requeue() - look again at @at_ms. */
void plan_requeue(struct plan *plan, int64_t at_ms);

/** plan_changes() - whether anything but requeue, events and writes of status is in it. */
bool plan_changes(const struct plan *plan);

/** action_describe() - "install pay-1 InPlace": for logs, and how tests say what is planned. Owned. */
char *action_describe(const struct action *action);

/** plan_clear() - nothing is in it any more; its memory is kept for the next one. */
void plan_clear(struct plan *plan);
void plan_done(struct plan *plan);

/** module_deployment_status_copy() / _free() - deep. */
struct module_deployment_status *
module_deployment_status_copy(const struct module_deployment_status *status);
void module_deployment_status_free(struct module_deployment_status *status);
struct module_instance_status *
module_instance_status_copy(const struct module_instance_status *status);
void module_instance_status_free(struct module_instance_status *status);

#endif
