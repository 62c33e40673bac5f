/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_REPLAY_H
#define KOUPLELESS_AGENT_REPLAY_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/rpc/client.h"
#include "services/agent/engine/base_health.h"
#include "services/agent/engine/replay.h"
#include "services/agent/operations.h"
#include "services/agent/watcher.h"

/*
 * Puts back what should be on the base when its JVM is another one, before the base counts as ready: what, and in which
 * order, says engine/replay.h. The baseline is the controller's; where that does not answer in a moment, it is the
 * agent's own copy, its records. Begins with the agent too, unless the JVM is known to be the one whose modules the
 * agent before has seen. Loop thread.
 */
struct replay;

struct replay_options {
    struct loop *loop;
    struct operations *operations;
    const struct watcher *watcher;
    struct rpc_channel *channel; /* to the controller; NULL: there is none */
    const char *namespace, *base;
    struct log *log;
    struct metrics *metrics;
    void (*look)(void *user); /* something has changed: the base is to be looked at */
    /* The baseline is known: nothing may be missing of what was seen last. */
    void (*judge)(void *user);
    void *user;
};

struct replay *replay_new(const struct replay_options *options);
void replay_free(struct replay *replay); /* after the rpc client ended */

/** replay_seen() - a round of the watcher knows the modules, not yet the health. Return: whether something is to be told. */
bool replay_seen(struct replay *replay);

/** replay_act() - the health is known too: what is due is begun. */
void replay_act(struct replay *replay);

/** replay_settled() - all that belongs to the JVM that was seen last is back, or given up. */
bool replay_settled(const struct replay *replay);

/**
 * replay_base_ready() - whether the base is ready: it takes modules (base_state_ready()), and all is settled
 *
 * This is what the controller is told, and /readyz.
 */
bool replay_base_ready(const struct replay *replay);

/** replay_stop() - nothing is begun any more. */
void replay_stop(struct replay *replay);

/* What is told of it. */
struct replay_state {
    bool ever; /* else there was none since the agent began, and the rest says nothing */
    bool over;
    bool by_controller; /* whose baseline */
    bool baseline_known;
    int64_t noticed_ms, over_ms; /* wall; over 0 while it runs */
    struct replay_counts counts;
    /* The modules, with what became of each; borrowed until the loop's next event. */
    const struct replay_plan *plan;
};

struct replay_state replay_state(const struct replay *replay);

/**
 * replay_health() - what it means for the health of all (requirement 9.4)
 * @ret_why: why it is not UP; owned, NULL where it is
 */
enum health replay_health(const struct replay *replay, char **ret_why);

#endif
