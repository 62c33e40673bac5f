/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ANNOUNCER_H
#define KOUPLELESS_AGENT_ANNOUNCER_H

#include "lib/base/metrics.h"
#include "lib/rpc/server.h"
#include "services/agent/engine/probes.h"
#include "services/agent/watcher.h"

/*
 * Tells what the watcher sees to those who ask by common means: gRPC health (`koupleless.base`,
 * `koupleless.module.NAME`), metrics, probes. Loop thread.
 */
struct announcer;

struct announcer *announcer_new(struct rpc_server *rpc, struct metrics *metrics);
void announcer_free(struct announcer *announcer);

/** announcer_health() - the health is another one. */
void announcer_health(struct announcer *announcer, const struct base_health *health);

struct agent_probes {
    struct probe startup, live, ready;
};

/** announcer_probes() - after each round. @ready: the agent's own judgement. @out: agent_probes_done(). */
void announcer_probes(struct announcer *announcer, const struct base_state *state, bool ready,
                      bool operating, struct agent_probes *out);
void agent_probes_done(struct agent_probes *probes);

#endif
