/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PLAN_SERVICE_H
#define KOUPLELESS_CONTROLLER_ENGINE_PLAN_SERVICE_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

#define SERVICE_RETRY_MS                                                                           \
    30000 /* another's Service is not watched: whether it has gone is tried this often */
#define CONDITION_SERVICE_READY "ServiceReady"

/** service_name() - of the Service of @module. Owned. */
char *service_name(const char *module);

/**
 * service_wanted() - the Service that @md wants for the module of @template (requirement 7.1), with its labels and
 * owner. Owned, service_free().
 */
struct service *service_wanted(const struct module_deployment *md,
                               const struct module_template_spec *template);

/**
 * plan_service() - make, change and remove the Service of a deployment
 * @plan: appended to; after what plan_deployment() wants
 *
 * It is made with the first release, and goes when serviceStrategy is switched off; when the module's name has
 * changed and no instance of the former name is left; and last of all when the deployment is deleted. Another
 * one's Service of that name is left alone, and reported once (ServiceConflict).
 */
void plan_service(const struct deployment_view *view, struct plan *plan);

/** service_set_condition() - ServiceReady in @status, as it is in @view; none where no Service is wanted. */
void service_set_condition(const struct deployment_view *view,
                           struct module_deployment_status *status);

#endif
