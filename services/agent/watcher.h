/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_WATCHER_H
#define KOUPLELESS_AGENT_WATCHER_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "services/agent/jvm.h"
#include "services/agent/engine/base_health.h"

/*
 * Watches the base, in rounds: every --poll-interval, and whenever something was done to it. A round asks Arklet
 * for its modules, now and then for the JVM's age beside them, and the health page. It ends when both have answered,
 * or after a second: what one of them says does not wait for the other. A question that is still open then is not
 * asked again before its end. Loop thread.
 */
struct watcher;

/* What is known of the base. */
struct base_state {
    bool arklet_answered; /* what it said last counts */
    bool modules_known;   /* modules is what Arklet says now */
    bool away;            /* nobody is there: connections are refused */
    int64_t mute_ms;      /* for so long it takes connections and answers none; 0: it answers */
    struct biz_list modules;
    bool listed; /* modules came in this round */
    struct base_health health;
    char *boot_id; /* changes when the JVM starts anew; NULL while it was never known */
    bool in_doubt; /* a module has gone, and the JVM may be another one: its age is not told yet */
};

struct watcher_options {
    struct loop *loop;
    struct arklet *arklet;
    struct jvm *jvm;
    struct http_client *http;
    const char *health_url;     /* NULL = none */
    int64_t every_ms, query_ms; /* between rounds; after which silence is no more than that */
    uint64_t seed; /* of jitter: agents that were started together do not ask together */
    bool (*is_busy)(void *user); /* an operation works on the base */
    /* In each round, before its health is judged. Return: whether something is to be told. */
    bool (*on_seen)(void *user);
    /* Whether what belongs on the base is back (replay.h), of which the base itself does not know. */
    enum health (*replay_health)(void *user, char **ret_why);
    void (*on_round)(void *user, bool changed); /* after each round */
    void *user;
    struct log *log;
    struct metrics *metrics;
};

struct watcher *watcher_new(const struct watcher_options *options);
void watcher_free(struct watcher *watcher); /* after the http client ended */

/** watcher_start() - the first round begins. */
void watcher_start(struct watcher *watcher);

/**
 * watcher_look() - a round now, or a moment after the last one, with a question for the JVM: something was done. Looks
 * that come close together share one.
 */
void watcher_look(struct watcher *watcher);

/** watcher_judge() - what was seen last is judged anew, since more is known of it; where a round runs, by that. */
void watcher_judge(struct watcher *watcher);

/** watcher_stop() - no more rounds. */
void watcher_stop(struct watcher *watcher);

/** watcher_state() - borrowed until the next round. */
const struct base_state *watcher_state(const struct watcher *watcher);

/** base_state_ready() - whether the base takes modules. */
bool base_state_ready(const struct base_state *state);

#endif
