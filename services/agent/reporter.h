/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_REPORTER_H
#define KOUPLELESS_AGENT_REPORTER_H

#include "lib/base/json.h"
#include "lib/base/rand.h"
#include "lib/rpc/client.h"
#include "services/agent/operations.h"
#include "services/agent/replay.h"
#include "services/agent/watcher.h"

/*
 * Tells the controller how the base is: when something changed, and as often as the controller wants to
 * hear from it, spread by some jitter. One report is under way at a time. Loop thread.
 */
struct reporter;

/* Who the base is. Strings are borrowed. */
struct base_identity {
    const char *namespace, *name, *deployment, *ip;
    const char *node, *zone;
    const struct json_map *labels;
    int64_t max_module_count; /* -1 = not limited */
};

struct reporter_options {
    struct loop *loop;
    struct rpc_channel *channel; /* to the controller */
    const struct watcher *watcher;
    const struct operations *operations;
    const struct jvm *jvm;
    const struct replay *replay;
    struct base_identity identity;
    uint64_t seed; /* of jitter */
    struct log *log;
    struct metrics *metrics;
};

struct reporter *reporter_new(const struct reporter_options *options);
void reporter_free(struct reporter *reporter); /* after the rpc client ended */

/** reporter_set_address() - where the agent is reached; before the first report; borrowed. */
void reporter_set_address(struct reporter *reporter, const char *address);

/** reporter_changed() - something is to be told. */
void reporter_changed(struct reporter *reporter);

/** reporter_leave() - the last report: the agent stops. @done(user) once it is out, or could not be sent. */
void reporter_leave(struct reporter *reporter, void (*done)(void *user), void *user);

#endif
