/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PLAN_DEPLOYMENT_H
#define KOUPLELESS_CONTROLLER_ENGINE_PLAN_DEPLOYMENT_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

/**
 * plan_deployment() - how far a release is, and which revision gets how many instances now
 *
 * The rules of batches, gates, pause, confirmation, gray time and deletion (requirements 1.1-5.4, 5.10).
 * Decides numbers only; plan_replicasets() turns them into instances. @plan is empty before.
 */
void plan_deployment(const struct deployment_view *view, struct plan *plan);

/**
 * update_revision_name() - "<deployment>-<hash>" of what the deployment wants now. Owned.
 *
 * The hash is of the template and of the base Deployment: the same jar on the Pods of another one is another
 * revision, so it moves there in batches, like any release.
 */
char *update_revision_name(const struct module_deployment *md,
                           const struct module_template_spec *template);

#endif
