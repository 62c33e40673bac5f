/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_NET_H
#define KOUPLELESS_SIM_NET_H

#include "lib/base/rand.h"
#include "lib/ctl/loop.h"
#include "lib/rpc/client.h"
#include "tests/sim/fate.h"
#include "tests/sim/history.h"

/*
 * The network between the programs of a simulated world. It takes the place of lib/rpc at link time: here
 * are rpc_channel_new(), rpc_unary() and what handlers call (lib/rpc/client.h, server.h), so the programs
 * run as they are. A request is packed, travels for some time, and is handed to the handler of whoever
 * serves the address then; the answer travels back. On the way either may be late, lost or overtaken, and a
 * request may come twice. Failures keep code, reason and message, as over gRPC.
 *
 * No threads: handlers and callbacks run in turns of the loop that it was made with.
 */
struct sim_net;

/* Chances are per mille. Read whenever something happens, so they may be changed at any time. */
struct sim_net_faults {
    int64_t delay_ms;     /* one way, at most */
    int32_t request_lost; /* the caller is told after a while, or not before its deadline */
    int32_t answer_lost;
    int32_t twice; /* a request arrives twice */
    int64_t
        late_ms; /* what a controller that ends has sent may come so much later: sim_net_delay() */
};

struct sim_net_options {
    struct loop *loop;
    struct rand *rand;
    const struct sim_net_faults *faults;
    struct history *history;
    /* With each call from @host, as it is made: what becomes of it. NULL = as it comes. */
    enum fate (*on_call)(void *user, const char *host);
    void *user;
};

struct sim_net *sim_net_new(const struct sim_net_options *options);
void sim_net_free(struct sim_net *net); /* clients are freed before */

/** sim_net_serve() - @service answers at @address ("host:port") from now on; borrowed until sim_net_stop_serving(). */
void sim_net_serve(struct sim_net *net, const char *address, ProtobufCService *service);

/** sim_net_stop_serving() - nobody answers at @address any more; calls that are there end with ERR_UNAVAILABLE. */
void sim_net_stop_serving(struct sim_net *net, const char *address);

/** sim_net_cut() - nothing reaches the host of @address, be it as a server or as a client; or again, where it is not @cut. */
void sim_net_cut(struct sim_net *net, const char *address, bool cut);

/** sim_net_client() - calls from @host; freed by rpc_client_free(), which ends its calls. */
struct rpc_client *sim_net_client(struct sim_net *net, const char *host);

/**
 * sim_net_client_wakes() - @wake after each outcome that @client was told of
 *
 * For a program with a loop of its own: what its callbacks have posted there is then to be done.
 */
void sim_net_client_wakes(struct rpc_client *client, void (*wake)(void *user), void *user);

/** sim_net_call() - rpc_unary() of a simulated program; @done in a turn of the loop. */
void sim_net_call(struct sim_net *net, struct rpc_channel *channel,
                  const ProtobufCServiceDescriptor *service, const char *method,
                  const ProtobufCMessage *request, const struct rpc_options *options,
                  rpc_done_fn done, void *user);

/** sim_net_delay() - requests of @client that are on their way may take long (late_ms). */
void sim_net_delay(struct rpc_client *client);

/**
 * sim_net_kill() - its program ends: its calls do so now, with ERR_CANCELLED, and so do those that one with a loop of
 * its own makes after this; others make none. What travels may still arrive.
 */
void sim_net_kill(struct rpc_client *client);

#endif
