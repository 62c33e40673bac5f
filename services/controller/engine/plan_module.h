/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PLAN_MODULE_H
#define KOUPLELESS_CONTROLLER_ENGINE_PLAN_MODULE_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

#define INSTALL_RETRY_FIRST_MS 1000
#define INSTALL_RETRY_MAX_MS 300000
#define METASPACE_RETRY_MS 30000    /* by then a base that refused for its metaspace has reported */
#define SURPLUS_LOOK_MS 5000        /* until one too many is looked at again */
#define MODULE_STATUS_QUIET_MS 1000 /* a phase is worth a write when it lasts this long */
#define DRAIN_QUIET_MS 5000         /* a drain is worth a write when it takes longer */
#define REPORT_SETTLE_MS 2000 /* a report so soon after an operation may be older than its end */

struct module_view {
    const struct instance *instance;
    bool bases_unknown;  /* of its base Deployment: whether its base is gone is not known */
    bool labels_written; /* of its base, just now: whether it gets traffic is not known */
    bool wanted;         /* its revision is the one being released, or runs undisturbed */
    bool going;          /* its ModuleDeployment is being deleted: nothing is installed any more */
    int64_t drain_ms;    /* operationStrategy.drainSeconds of that */
    int32_t min_ready_seconds; /* of that, too */
    int64_t now_ms;            /* mono */
    int64_t wall_ms;
};

/** operation_retry_at() - when @operation, which has failed, is tried again; mono ms, later with each failure. */
int64_t operation_retry_at(const struct operation *operation);

/**
 * plan_module() - the life of one instance: install, switch, available, heal, uninstall
 *
 * Requirements 1.1, 1.2, 3.2, 4.2. Level-triggered: what is done follows from what was reported and
 * from the last operation, so a lost answer or a restart of anything leads to the same end. What takes a
 * module off its base waits until it is out of traffic (traffic.h), for sure, and drained. An instance without a
 * revision is left alone until it is deleted, which is done here once no ModuleReplicaSet owns it any more.
 */
void plan_module(const struct module_view *view, struct plan *plan);

/**
 * other_install_runs() - whether it is not known yet what becomes of another install of the module on the base of @instance
 *
 * As of one that was given up: it may be on its way there, and in place it takes off whatever it finds.
 */
bool other_install_runs(const struct instance *instance);

#endif
