/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_CONTROL_H
#define ARKLET_SIM_CONTROL_H

#include "tests/support/arklet-sim/conn.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * Control of the simulator while it runs, on the web port of every base:
 *
 *     POST /sim/fault    arm one fault (faults.h says which; body as for fault_add())
 *     POST /sim/clear    no more faults, Arklet listens
 *     POST /sim/restart  {"ms": 0}: the process dies and is back after so long, without modules;
 *                        -1: stays away
 *     GET  /sim/state    what the base holds
 *
 * "base": "127.0.0.3" in the body means another base of this simulator, which may be away; "*" all.
 */
void control_handle(struct conn *conn, struct request *request, struct base *base);

#endif
