/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_SERVER_H
#define KOUPLELESS_AGENT_SERVER_H

#include "lib/rpc/server.h"
#include "services/agent/operations.h"
#include "services/agent/replay.h"
#include "services/agent/watcher.h"

/*
 * AgentService: requests are checked, posted to the loop, and answered from there. A call that waits
 * for an operation ends when the operation does, when its `wait` is over, or when the agent stops; the
 * operation goes on.
 */
struct agent_server;

struct agent_server_options {
    struct loop *loop;
    struct operations *operations;
    struct watcher *watcher;
    const struct replay *replay;
    struct arklet *arklet;
    const struct jvm *jvm;
    int64_t query_ms;
    const char *base; /* "namespace/name" of the base, or NULL: it has no name */
};

struct agent_server *agent_server_new(const struct agent_server_options *options,
                                      struct rpc_server *rpc);
void agent_server_free(struct agent_server *server); /* after the rpc server */

/** agent_server_changed() - the health is another one: watchers are told. Loop thread. */
void agent_server_changed(struct agent_server *server);

/** agent_server_operations() - these have changed: watchers are told. Loop thread. */
void agent_server_operations(struct agent_server *server, const struct operation *const *operations,
                             size_t count);

/** agent_server_stop() - calls that wait are answered with what is known. Loop thread. */
void agent_server_stop(struct agent_server *server);

#endif
