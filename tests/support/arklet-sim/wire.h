/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_WIRE_H
#define ARKLET_SIM_WIRE_H

#include "tests/support/arklet-sim/conn.h"
#include "tests/support/arklet-sim/sim.h"

/*
 * Arklet's HTTP as it is: POST only; an answer is a status line, an empty line and JSON up to the
 * end of the connection; broken JSON is never answered. Handlers run on Netty's event loops: while
 * one is busy with a synchronous command, every connection dealt to the same loop waits.
 */

struct loop;
struct loop *wire_loops_new(int64_t count);
void wire_loops_free(struct loop *loops, int64_t count);

/** wire_handle() - one request to Arklet; @arg is the struct base. */
void wire_handle(struct conn *conn, struct request *request, void *arg);

/** wire_abandon() - nothing that waits will be answered: the process is gone. */
void wire_abandon(struct base *base);

#endif
