/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_LEADER_H
#define KOUPLELESS_CONTROLLER_LEADER_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/ctl/loop.h"
#include "lib/kube/config.h"

/*
 * Which of several controllers acts: the one that holds the Lease LEADER_LEASE. The rule is in lib/kube/lease.h; this
 * asks the server, over connections of its own: a renewal never waits behind the writes of a release.
 */
struct leader;

#define LEADER_LEASE "koupleless-controller"

struct leader_options {
    struct loop *loop;
    const struct kube_config *config; /* of the API server; copied */
    const char *user_agent;
    const char *namespace; /* of the Lease */
    const char *identity;  /* no two controllers that run have the same */
    struct log *log;
    struct metrics *metrics;
    void (*on_leading)(void *user, int64_t epoch); /* once: act from now on */
    void (*on_lost)(void *user); /* once, after that: act no more, not even what was begun */
    void *user;
};

/** leader_new() - stands for election; callbacks run on the loop. */
int leader_new(struct leader **out, const struct leader_options *options, struct err **err);

/**
 * leader_withdraw() - one that does not lead will not either; the leader goes on being it
 *
 * Before everything else ends. On the loop's thread. NULL is fine.
 */
void leader_withdraw(struct leader *leader);

/**
 * leader_free() - hands the Lease back where it is held, so that another leads at once; waits 2 s for that at most
 *
 * After everything that acts has ended. On the loop's thread, outside of loop_run(). NULL is fine.
 */
void leader_free(struct leader *leader);

#endif
