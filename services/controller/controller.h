/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_CONTROLLER_H
#define KOUPLELESS_CONTROLLER_CONTROLLER_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/ctl/loop.h"
#include "lib/rpc/client.h"
#include "services/controller/engine/scheduling.h"
#include "services/controller/store/store.h"

/*
 * The controller: watches the declared state, plans, and carries the plans out.
 *
 *   store --watch--> informer --> cache --> workqueue of keys --> plan_*() --> executor --> store,
 *   agents, scheduler; each outcome comes back through the loop.
 */
struct controller;

struct controller_options {
    struct loop *loop;
    struct store *store;
    struct rpc_client *rpc;
    const char *scheduler; /* host:port */
    struct rpc_tls tls;    /* towards scheduler and agents */
    const char *namespace; /* NULL = all */
    struct log *log;
    struct metrics *metrics;
    int64_t base_silent_ms; /* a base whose agent is silent for this long is not ready */
    int64_t base_gone_ms;   /* ... for this long is gone, and its modules are placed elsewhere */
    bool standby;           /* lists and watches, and does nothing else before controller_lead() */
    uint64_t
        life; /* a number that no other start has: part of the ids of operations; 0 = made up here */
    void (*on_acting)(void *user); /* everything was listed once, and it leads: ready to serve */
    void *user;
};

/** controller_new() - starts listing and watching. Loop thread, or before it runs. */
int controller_new(struct controller **out, const struct controller_options *options,
                   struct err **err);

/**
 * controller_lead() - one that stands by acts from now on, as soon as everything was listed. Loop thread.
 * @epoch: of its leadership, which goes with every operation: agents refuse those of an earlier leader. 0: there is no other
 */
void controller_lead(struct controller *controller, int64_t epoch);

/** controller_stop() - plans and asks nothing any more. The rpc client is freed after this, and ends what still runs. */
void controller_stop(struct controller *controller);

/**
 * controller_free() - takes the last outcomes and frees everything; operations that run on bases go on. On the loop's
 * thread, while the store is still there.
 */
void controller_free(struct controller *controller);

/**
 * controller_ask_scheduler() - a question about a copy of the present; @controller: a struct controller. Any thread,
 * until controller_stop().
 */
void controller_ask_scheduler(void *controller, const struct scheduling_question *question,
                              scheduling_done_fn done, void *user);

/**
 * controller_gateway() - the AgentGatewayService of this controller, to be added to an rpc server
 *
 * Reports feed the liveness of bases and what runs on them; on the embedded store they make the Base objects too.
 */
ProtobufCService *controller_gateway(struct controller *controller);

#endif
