/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_AGENTS_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_AGENTS_TEST_KIT_H

#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/rpc/process_test_kit.h"
#include "lib/rpc/server.h"
#include "services/controller/controller_test_kit.h"

/* What tests share in which a controller calls agents, or the scheduler: these are made up, and served by the test. */

#define STATE(name) KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_##name

typedef Koupleless__Agent__V1__AgentService_Service Agent;

/** kit_serve() - serves @services on a free port until rpc_server_free(). @ret_address: of the port, owned. */
static inline struct rpc_server *kit_serve(ProtobufCService *const *services, size_t count,
                                           char **ret_address)
{
    struct rpc_server_options options = {.listen = "127.0.0.1:0", .threads = 1};
    struct rpc_server *server = NULL;
    assert_int_equal(rpc_server_new(&server, &options, NULL), 0);
    for (size_t i = 0; i < count; i++)
        rpc_server_add(server, services[i]);
    assert_int_equal(rpc_server_start(server, NULL), 0);
    *ret_address = mem_printf("127.0.0.1:%d", rpc_server_port(server));
    return server;
}

/* -- a controller without store and informers: the test fills its cache, and nobody plans -- */

static inline void kit_ignore_dirty(void *user, const char *key)
{
    (void)user;
    (void)key;
}

/** kit_caller_init() - @controller: zeroed. Its cache's callbacks get it, and may be replaced. */
static inline void kit_caller_init(struct controller *controller, struct kit_clock *clock)
{
    struct cache *cache = &controller->cache;
    kit_clock_init(clock);
    controller->loop = loop_new(&clock->clock, LIMIT_INBOX);
    controller->options.rpc = rpc_client_new();
    agents_init(controller);
    cache->user = controller;
    cache->on_dirty_deployment = cache->on_dirty_base = cache->on_dirty_module = kit_ignore_dirty;
}

static inline void kit_caller_done(struct controller *controller)
{
    agents_free(controller);
    rpc_client_free(controller->options.rpc);
    loop_free(controller->loop);
    map_done(&controller->prefetches_waiting);
    cache_done(&controller->cache);
}

static inline bool kit_nothing_in_flight(void *user)
{
    return ((struct controller *)user)->in_flight == 0;
}

/** kit_await_outcomes() - of all that was asked of agents, scheduler and store. */
static inline void kit_await_outcomes(struct controller *controller)
{
    kit_turn_until(controller->loop, kit_nothing_in_flight, controller, "the outcomes");
}

#endif
