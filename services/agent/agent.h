/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_AGENT_H
#define KOUPLELESS_AGENT_AGENT_H

#include "lib/rpc/client.h"
#include "lib/rpc/server.h"
#include "services/agent/announcer.h"
#include "services/agent/reporter.h"

/*
 * One agent: the parts and how they hang together. What an operation changes makes the watcher look; what
 * the watcher sees goes to the probes, to gRPC health, to WatchHealth and to the controller.
 */
struct agent;

struct agent_options {
    struct loop *loop;
    struct log *log;
    struct metrics *metrics;
    struct rpc_server *rpc;
    const char *arklet_url;
    const char *health_url; /* NULL = none */
    const char *controller; /* host:port; NULL = standalone */
    struct rpc_tls tls;
    const char *cache_dir;                /* shared with the base; NULL = none is */
    const char *netrc_file, *download_ca; /* or NULL */
    int64_t cache_bytes;
    int64_t poll_ms;              /* between two looks at the base */
    int64_t query_ms, install_ms; /* how long Arklet may take for an answer, for a change */
    int64_t requests_ms;          /* how long an uninstall waits for requests under way */
    int64_t download_ms;          /* for the whole of one download */
    int64_t metaspace_percent;    /* above it no installs; 0 = not judged */
    struct base_identity identity;
    uint64_t seed; /* of jitter: agents that were started together do not report together */
    /* After each look at the base; loop thread. */
    void (*on_probes)(void *user, const struct agent_probes *probes);
    void *user;
};

/**
 * agent_new() - everything is made, nothing runs
 * @out: agent_free() also where it fails
 *
 * ERR_INVALID names the wrong option. ERR_PRECONDITION: another agent has --cache-dir.
 */
int agent_new(struct agent **out, const struct agent_options *options, struct err **err);

/** agent_start() - watches and reports. @address: where the controller reaches us; borrowed. Loop thread, before it turns. */
void agent_start(struct agent *agent, const char *address);

/** agent_operation() - by id, or NULL; borrowed until the loop's next event. Loop thread. */
const struct operation *agent_operation(const struct agent *agent, const char *id);

/** agent_executing() - the operation that works on the base now, or NULL; borrowed likewise. */
const struct operation *agent_executing(const struct agent *agent);

/** agent_stop() - takes no operations, reports that it leaves (the loop turns meanwhile, 1 s at most). Loop thread. */
void agent_stop(struct agent *agent);

void agent_free(struct agent *agent);

#endif
