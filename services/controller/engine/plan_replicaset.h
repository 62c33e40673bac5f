/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PLAN_REPLICASET_H
#define KOUPLELESS_CONTROLLER_ENGINE_PLAN_REPLICASET_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

#define PLACE_RETRY_MS                                                                             \
    5000 /* ask again for room after this, where no change of a base came before */

/**
 * plan_replicasets() - which instances are made and which go, so that each revision has the number it is to have
 * @plan: appended to; called where plan_deployment() wanted nothing of the revisions themselves
 *
 * New instances of the update revision take the place of surplus old ones (upgrade.h); what is still
 * missing is placed on free bases by the scheduler, what is still too much is chosen by it.
 */
void plan_replicasets(const struct deployment_view *view, struct plan *plan);

#endif
