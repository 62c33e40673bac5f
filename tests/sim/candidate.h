/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_CANDIDATE_H
#define KOUPLELESS_SIM_CANDIDATE_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "services/controller/controller.h"
#include "services/controller/leader.h"
#include "tests/sim/sim_kube.h"
#include "tests/sim/sim_net.h"

struct world;
struct api;

/*
 * The process of a controller in a simulated world: what main.c makes, on a loop of its own, so that it can stand still
 * while the world goes on. It is the only one, or it stands for election.
 */
struct candidate {
    struct world *world;
    char *host;
    struct loop *loop;
    struct store *store;
    struct rpc_client *rpc;
    struct metrics *metrics;
    struct controller *controller;
    struct api *api;       /* public, but for previews: these have a thread */
    struct leader *leader; /* NULL: it is the only one */
    struct sim_kube_reach reach;
    int64_t epoch;     /* of its leadership; 0: it does not lead */
    bool acts;         /* it has listed everything, and leads */
    bool ended;        /* its leadership is lost, so it has ended, and nothing of it gets out */
    int64_t awakes_ms; /* it stands still until then */
};

/** candidate_new() - @epoch: of its leadership, there being no other; 0: by election. */
struct candidate *candidate_new(struct world *world, const char *host, int64_t epoch);

/** candidate_end() - its process ends: @gently as main.c ends it, else at once. Frees it. */
void candidate_end(struct candidate *candidate, bool gently);

/** candidate_api() - its ReleaseService. */
ProtobufCService *candidate_api(struct candidate *candidate);

/** candidate_stands_still() - for so long, though the clock goes on. */
void candidate_stands_still(struct candidate *candidate, int64_t ms);

/** candidate_turn() - a turn of its loop. */
void candidate_turn(struct candidate *candidate);

/** candidate_next_ms() - when it has something to do next. */
int64_t candidate_next_ms(const struct candidate *candidate);

/** candidate_leads() - it believes so. */
bool candidate_leads(const struct candidate *candidate);

#endif
