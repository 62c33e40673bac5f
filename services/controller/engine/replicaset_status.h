/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_REPLICASET_STATUS_H
#define KOUPLELESS_CONTROLLER_ENGINE_REPLICASET_STATUS_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

/**
 * plan_replicaset_status() - append the writes of the status of each revision that has changed
 *
 * How many instances a revision has, and how many of them are available: `history` shows it. Nothing waits
 * for it, so each is written at most every STATUS_WRITE_EVERY_MS; while instances come and go, as long after the
 * deployment's own status, so that a batch that is soon done costs one write.
 */
void plan_replicaset_status(const struct deployment_view *view, struct plan *plan);

#endif
