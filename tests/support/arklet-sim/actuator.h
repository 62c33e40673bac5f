/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_ACTUATOR_H
#define ARKLET_SIM_ACTUATOR_H

#include <cjson/cJSON.h>

#include "tests/support/arklet-sim/sim.h"

/*
 * Pages below /actuator: Spring Boot's health with Koupleless' components, and info.
 *
 * The real names are baseStartUp and compositeAllBiz, and a module's indicator has an object for
 * its status; options.documented_names gives what the documentation shows: masterBizStartUp,
 * arkBizAggregate, and plain strings.
 */

/**
 * actuator_page() - the page at @path (which begins with "/actuator")
 * @ret_status: HTTP status
 * Return: the page, or NULL where there is none (404).
 */
cJSON *actuator_page(struct base *base, const char *path, int *ret_status);

/** actuator_module_page() - a web module's own health. */
cJSON *actuator_module_page(const struct module *module, int *ret_status);

#endif
