/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/candidate.h"

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"
#include "tests/sim/world.h"

#define BASE_SILENT_MS 90000
#define BASE_GONE_MS 300000

/* It is turned in each step of the world. */
static void on_wake(void *user)
{
    (void)user;
}

/* What was sent is on its way, and some of it for long. */
static void cut_off(struct candidate *candidate)
{
    sim_net_delay(candidate->rpc);
    sim_net_kill(candidate->rpc);
    sim_client_kill(candidate->store);
}

static void on_acting(void *user)
{
    struct candidate *candidate = user;
    candidate->acts = true;
    if (candidate->leader)
        world_serve(candidate->world, candidate);
}

static void on_leading(void *user, int64_t epoch)
{
    struct candidate *candidate = user;
    candidate->epoch = epoch;
    world_leads(candidate->world, candidate);
    controller_lead(candidate->controller, epoch);
}

/* As main.c does it: at once. */
static void on_lost(void *user)
{
    struct candidate *candidate = user;
    history_note(&candidate->world->history, "%s: leads no more", candidate->host);
    candidate->ended = true;
    if (candidate->world->served == candidate)
        world_serve(candidate->world, NULL);
    cut_off(candidate);
}

static void stand_for_election(struct candidate *candidate)
{
    struct world *world = candidate->world;
    AUTO_FREE char *identity = mem_printf("%s-%d", candidate->host, world->lives);
    const struct leader_options options = {
        .loop = candidate->loop,
        .config = &candidate->reach.config,
        .user_agent = "koupleless-sim",
        .namespace = "default",
        .identity = identity,
        .log = world->options.log,
        .metrics = candidate->metrics,
        .on_leading = on_leading,
        .on_lost = on_lost,
        .user = candidate,
    };
    candidate->reach.kube = &world->kube;
    (void)leader_new(&candidate->leader, &options, NULL); /* fails for files of TLS alone */
}

/* As api_new() makes it, without the thread of previews. */
static struct api *start_api(struct candidate *candidate)
{
    struct api *api = NEW(struct api);
    api->store = candidate->store;
    api->loop = candidate->loop;
    api->clock = &candidate->world->clock.clock;
    request_memory_init(&api->requests);
    release_service_init(api);
    return api;
}

ProtobufCService *candidate_api(struct candidate *candidate)
{
    return &candidate->api->release.service.base;
}

struct candidate *candidate_new(struct world *world, const char *host, int64_t epoch)
{
    struct candidate *candidate = NEW(struct candidate);
    candidate->world = world;
    candidate->host = mem_strdup(host);
    candidate->loop = loop_new(&world->clock.clock, LIMIT_INBOX);
    candidate->store = sim_server_client(world->server);
    candidate->rpc = sim_net_client(world->net, host);
    sim_net_client_wakes(candidate->rpc, on_wake, candidate);
    candidate->metrics = metrics_new();
    candidate->epoch = epoch;
    const struct controller_options options = {
        .loop = candidate->loop,
        .store = candidate->store,
        .rpc = candidate->rpc,
        .scheduler = SCHEDULER,
        .log = world->options.log,
        .metrics = candidate->metrics,
        .base_silent_ms = BASE_SILENT_MS,
        .base_gone_ms = BASE_GONE_MS,
        .standby = true,
        .life = rand_next(&world->rand),
        .on_acting = on_acting,
        .user = candidate,
    };
    (void)controller_new(&candidate->controller, &options, NULL); /* as leader_new() */
    candidate->api = start_api(candidate);
    if (epoch)
        controller_lead(candidate->controller, epoch);
    else
        stand_for_election(candidate);
    return candidate;
}

void candidate_end(struct candidate *candidate, bool gently)
{
    leader_withdraw(candidate->leader);
    controller_stop(candidate->controller);
    cut_off(candidate);
    if (candidate->leader)
        sim_kube_end(&candidate->reach, gently);
    controller_free(candidate->controller);
    leader_free(candidate->leader);
    request_memory_done(&candidate->api->requests);
    mem_free(candidate->api);
    rpc_client_free(candidate->rpc);
    store_free(candidate->store);
    metrics_free(candidate->metrics);
    loop_free(candidate->loop);
    mem_free(candidate->host);
    mem_free(candidate);
}

void candidate_stands_still(struct candidate *candidate, int64_t ms)
{
    history_note(&candidate->world->history, "%s: stands still for %lld ms", candidate->host,
                 (long long)ms);
    candidate->awakes_ms = candidate->world->clock.mono_ms + ms;
}

static bool sleeps(const struct candidate *candidate)
{
    return candidate->awakes_ms > candidate->world->clock.mono_ms;
}

void candidate_turn(struct candidate *candidate)
{
    if (!sleeps(candidate) && !candidate->ended)
        loop_turn(candidate->loop);
}

int64_t candidate_next_ms(const struct candidate *candidate)
{
    return sleeps(candidate) ? candidate->awakes_ms : loop_next_ms(candidate->loop);
}

bool candidate_leads(const struct candidate *candidate)
{
    return candidate->epoch && !candidate->ended;
}
