/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_KUBE_H
#define KOUPLELESS_SIM_KUBE_H

#include "lib/base/json.h"
#include "lib/base/rand.h"
#include "lib/ctl/loop.h"
#include "lib/kube/client.h"
#include "tests/sim/sim_store.h"

/*
 * The API server of a simulated world, as far as an election needs one: it holds a Lease. It takes the place of the
 * client in lib/kube at link time: here are kube_client_new(), kube_send() and kube_client_free(), so who stands for
 * election runs as it is (services/controller/leader.h). Requests take their time, are refused, and lose their answers as
 * those to the store do.
 */
struct sim_kube {
    struct loop *loop;
    struct rand *rand;
    const struct sim_store_faults *faults;
    cJSON *lease;    /* NULL: there is none */
    int64_t version; /* of the last write */
};

/* What a candidate is given to reach it: &reach.config. */
struct sim_kube_reach {
    struct kube_config config; /* empty */
    struct sim_kube *kube;
    struct kube_client *client; /* that was made with it; NULL: none yet, or it was freed */
    bool cut;                   /* nothing gets there, or back */
};

/**
 * sim_kube_end() - the candidate's process ends: what is out is answered now
 * @gently: it was done before, and what is asked after this is, too; else a part of it arrives, and nothing later does
 */
void sim_kube_end(struct sim_kube_reach *reach, bool gently);

#endif
