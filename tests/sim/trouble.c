/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong in a simulated world. */
#include "lib/base/str.h"
#include "tests/sim/users.h"

#define LATE_MS 30000
#define STILL_MAX_MS 40000 /* long enough for others to lead, and to be seen by agents */

const char *const fault_names[FAULTS] = {
#define X(id, name) [id] = name,
    FAULT_MAP(X)
#undef X
};

/* Where all is well. */
static const struct sim_store_faults mild_store = {.call_ms = 5, .watch_ms = 10};
static const struct sim_net_faults mild_net = {.delay_ms = 5};
static const struct sim_base_faults mild_base = {.command_ms = 1000, .down_ms = 5000};

static void be_mild(struct world *world)
{
    world->store_faults = mild_store;
    world->net_faults = mild_net;
    world->base_faults = mild_base;
}

void trouble_choose(struct world *world)
{
    be_mild(world);
    for (int fault = 0; fault < FAULTS; fault++)
        if ((world->options.faults & (1u << fault)) && world_chance(world, 40))
            world->faults |= 1u << fault;
    if (world_has(world, FAULT_STORE_SLOW))
        world->store_faults.call_ms = world->store_faults.watch_ms = STORE_SLOW_MS;
    if (world_has(world, FAULT_STORE_REFUSES))
        world->store_faults.refused = world->store_faults.answer_lost = 30;
    if (world_has(world, FAULT_STORE_FORGETS))
        world->store_faults.expired = 20;
    if (world_has(world, FAULT_NET_SLOW))
        world->net_faults.delay_ms = 2000;
    if (world_has(world, FAULT_NET_LOSES))
        world->net_faults.request_lost = world->net_faults.answer_lost = 50;
    if (world_has(world, FAULT_STANDBY))
        world->net_faults.late_ms = LATE_MS;
    if (world_has(world, FAULT_NET_TWICE))
        world->net_faults.twice = 100;
    if (world_has(world, FAULT_SLOW)) {
        world->base_faults.slow = 100;
        world->base_faults.slow_ms = 60000;
    }
    if (world_has(world, FAULT_FAILS)) {
        world->base_faults.install_fails = 200;
        world->base_faults.uninstall_fails = world->base_faults.switch_fails = 100;
        world->base_faults.pull_fails = 100;
    }
    if (world_has(world, FAULT_ARKLET))
        world->base_faults.answer_lost = 50;
}

/* -- one thing -- */

/* A base that is alive, at random; NULL where there is none. */
static struct sim_base *some_base(struct world *world)
{
    size_t len = world->picture.bases.len;
    if (!len)
        return NULL;
    struct sim_base *base = world->picture.bases.items[rand_below(&world->rand, len)];
    return base->dead ? NULL : base;
}

void world_cut(struct world *world, const struct sim_base *base, bool is_cut)
{
    history_note(&world->history, "%s: is %s", base->name, is_cut ? "cut off" : "reached again");
    sim_net_cut(world->net, base->name, is_cut);
    sim_net_cut(world->net, base->address, is_cut); /* it may be that of an older one */
}

static void move_scheduler(struct world *world, bool away)
{
    if (world->scheduler_away == away)
        return;
    history_note(&world->history, "scheduler: is %s", away ? "away" : "back");
    world->scheduler_away = away;
    if (away)
        sim_net_stop_serving(world->net, SCHEDULER);
    else
        sim_net_serve(world->net, SCHEDULER, scheduler_server_service(world->scheduler));
}

static struct candidate *some_candidate(struct world *world)
{
    struct candidate *second = world->candidates[1];
    return second && world_chance(world, 50) ? second : world->candidates[0];
}

static void disturb(struct world *world, struct candidate *candidate)
{
    if (world_chance(world, 50)) {
        candidate_stands_still(candidate, (int64_t)rand_below(&world->rand, STILL_MAX_MS));
        return;
    }
    candidate->reach.cut = world_chance(world, 50);
    history_note(&world->history, "%s: is %s", candidate->host,
                 candidate->reach.cut ? "cut off from the Lease" : "at the Lease again");
}

static void happen(struct world *world, enum fault fault)
{
    struct sim_base *base = some_base(world);
    if (fault == FAULT_STORE_CONFLICTS)
        users_touch(world);
    else if (fault == FAULT_STORE_FORGETS)
        sim_server_forget(world->server);
    else if (fault == FAULT_CRASHES)
        world->crashes = some_candidate(world);
    else if (fault == FAULT_LEASE && world_has(world, FAULT_STANDBY))
        disturb(world, some_candidate(world));
    else if (fault == FAULT_SCHEDULER)
        move_scheduler(world, !world->scheduler_away);
    else if (fault == FAULT_PODS_COME)
        world_add_base(world);
    else if (fault == FAULT_MODULES)
        users_delete_module(world);
    else if (base && fault == FAULT_NET_CUTS)
        world_cut(world, base, world_chance(world, 50));
    else if (base && fault == FAULT_JVMS)
        sim_base_restart_jvm(base);
    else if (base && fault == FAULT_AGENTS)
        sim_base_restart_agent(base);
    else if (base && fault == FAULT_PODS_GO)
        sim_base_die(base);
}

void trouble_step(struct world *world)
{
    enum fault fault = (enum fault)rand_below(&world->rand, FAULTS);
    if (world_has(world, fault))
        happen(world, fault);
}

/* -- the end of it -- */

void trouble_end(struct world *world)
{
    history_note(&world->history, "calm");
    be_mild(world);
    move_scheduler(world, false);
    for (int i = 0; i < CANDIDATES && world->candidates[i]; i++) {
        world->candidates[i]->reach.cut = false;
        world->candidates[i]->awakes_ms = 0;
    }
    size_t alive = 0;
    for (size_t i = 0; i < world->picture.bases.len; i++)
        alive += !world->picture.bases.items[i]->dead;
    for (; alive < 2; alive++)
        world_add_base(world);
    for (size_t i = 0; i < world->picture.bases.len; i++) {
        struct sim_base *base = world->picture.bases.items[i];
        if (base->dead)
            continue;
        world_cut(world, base, false);
        sim_base_set_room(base, -1);
    }
}
