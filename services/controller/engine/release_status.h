/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_RELEASE_STATUS_H
#define KOUPLELESS_CONTROLLER_ENGINE_RELEASE_STATUS_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

/* Status of a ModuleDeployment: what it says, and when it is worth a write. */

/** release_move() - set progress, reason and message (taken); stamps the time where progress or reason changed. */
void release_move(struct release_status *release, enum release_progress progress,
                  const char *reason, char *message_taken, int64_t wall_ms);

/** status_condition() - the condition of @type, or NULL. */
const struct condition *status_condition(const struct module_deployment_status *status,
                                         const char *type);

/** status_set_condition() - added or changed; its time is @wall_ms where "True" and "False" change. */
void status_set_condition(struct module_deployment_status *status, const char *type, bool holds,
                          const char *reason, const char *message, int64_t wall_ms);
void status_drop_condition(struct module_deployment_status *status, const char *type);

/**
 * status_count() - fill the replica counters and conditions of @status from the view. @update: the update revision,
 * or NULL. @target: instances wanted at the end.
 */
void status_count(const struct deployment_view *view, const struct revision *update, int32_t target,
                  struct module_deployment_status *status);

/**
 * status_write() - append the write of @status_taken where it differs from what is stored
 *
 * A change of the release, and of whether its Service is there, is written at once; counters alone at most every
 * STATUS_WRITE_EVERY_MS, so that a batch has two writes where it is soon done, and few where not.
 */
void status_write(const struct deployment_view *view, struct module_deployment_status *status_taken,
                  struct plan *plan);

#define STATUS_WRITE_EVERY_MS 5000

#endif
