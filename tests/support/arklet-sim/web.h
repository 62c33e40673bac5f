/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_WEB_H
#define ARKLET_SIM_WEB_H

#include "tests/support/arklet-sim/conn.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * The web port of a base:
 *
 *     /actuator/...                          health, info (actuator.h)
 *     /<web context path>/version[?ms=N]     "name:version", after N ms
 *     /<web context path>/set/<status>       sets the module's own health
 *     /<web context path>/actuator/health
 *     /hello, /call/<module>[/<version>]     the base's own pages, as in tests/support/javabase
 *     /sim/...                               control of the simulator (control.h)
 *
 * Everything else is Spring's JSON 404.
 */

/** web_handle() - one request; @arg is the struct base. */
void web_handle(struct conn *conn, struct request *request, void *arg);

/** web_abandon() - pages under way are not answered any more. */
void web_abandon(struct base *base);

/** web_error() - Spring's JSON error page. */
void web_error(struct base *base, struct conn *conn, int status, const char *path);

/** web_json() - answer @json and free it. */
void web_json(struct conn *conn, int status, cJSON *json);

#endif
