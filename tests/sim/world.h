/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_WORLD_H
#define KOUPLELESS_SIM_WORLD_H

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "services/scheduler/server.h"
#include "tests/sim/candidate.h"
#include "tests/sim/picture.h"
#include "tests/sim/sim_store.h"
#include "tests/sim/since.h"

/*
 * A simulated world: controllers, scheduler and agents as they are, around them a store, a network, JVMs and users
 * that are not, and one clock, which jumps to whatever is due next. All of it follows from the seed.
 *
 *   users ──> sim_store <──> candidate ──sim_net──> scheduler
 *                            a controller; └───────> agents ──sim_arklet──> JVM of sim_base
 *                            one of two leads: sim_kube
 *
 * A world goes through three times: trouble, with edits and faults; calm, in which all that is declared has to
 * come about; and the end, in which all is deleted. Invariants are looked at all along (invariants.h).
 */

/* What goes wrong, by name. Each world has some of them. */
#define FAULT_MAP(X)                                                                               \
    X(FAULT_STORE_SLOW, "store-slow")           /* calls and watches of the store take seconds */  \
    X(FAULT_STORE_REFUSES, "store-refuses")     /* calls fail, or only their answers are lost */   \
    X(FAULT_STORE_FORGETS, "store-forgets")     /* watches expire */                               \
    X(FAULT_STORE_CONFLICTS, "store-conflicts") /* others write into the objects */                \
    X(FAULT_NET_SLOW, "net-slow")                                                                  \
    X(FAULT_NET_LOSES, "net-loses")                                                                \
    X(FAULT_NET_TWICE, "net-twice") /* requests arrive twice */                                    \
    X(FAULT_NET_CUTS, "net-cuts")   /* bases can't be reached for minutes */                       \
    X(FAULT_CRASHES, "crashes")     /* of the controller */                                        \
    X(FAULT_STANDBY, "standby")     /* a second controller stands by */                            \
    X(FAULT_LEASE, "lease")         /* one of them stands still, or is cut off from the Lease */   \
    X(FAULT_SCHEDULER, "scheduler") /* it is away */                                               \
    X(FAULT_SLOW, "slow")           /* commands take a minute */                                   \
    X(FAULT_FAILS, "fails")         /* commands fail */                                            \
    X(FAULT_ARKLET, "arklet")       /* its answers to agents get lost */                           \
    X(FAULT_JVMS, "jvms")           /* start anew */                                               \
    X(FAULT_AGENTS, "agents")       /* start anew */                                               \
    X(FAULT_PODS_GO, "pods-go")                                                                    \
    X(FAULT_PODS_COME, "pods-come")                                                                \
    X(FAULT_MODULES, "modules") /* Modules are deleted by hand */

enum fault {
#define X(id, name) id,
    FAULT_MAP(X)
#undef X
        FAULTS
};

extern const char *const fault_names[FAULTS];

struct world_options {
    uint64_t seed;
    uint32_t faults; /* mask of enum fault: those that this world may have; 0 = none at all */
    bool standby;    /* a second controller stands by in any case */
    bool print;      /* every line of the history at once */
    bool unchecked;  /* no invariants, and of the history only what bases do: for large worlds */
    struct log *log; /* of the controller, or NULL */
    int64_t at_call; /* with this call of a program (calls, below) ...; from 1; 0 = none */
    enum fate fate;  /* ... this happens */
};
#define SCHEDULER "scheduler:9091"
#define CANDIDATES 2
#define STORE_SLOW_MS 3000 /* FAULT_STORE_SLOW: what a call, and news, take at most */
#define ALL_FAULTS ((1u << FAULTS) - 1)

struct sim_clock {
    struct clock clock;
    int64_t mono_ms;
};

/* Of Modules, as they are now. */
struct tally {
    const char *version; /* that is to run everywhere; borrowed */
    int64_t modules;     /* all */
    int64_t current;     /* Available, and of that version */
    int64_t
        transitions; /* so far: one is made, changed or gone, an operation on it begins or ends */
};

struct world {
    struct world_options options;
    uint32_t faults; /* that it has */
    struct sim_clock clock;
    struct rand rand;
    struct loop *loop;
    struct loop_timer alarm; /* the clock does not jump over it */
    struct history history;

    struct sim_store_faults store_faults;
    struct sim_net_faults net_faults;
    struct sim_base_faults base_faults;
    struct sim_server *server;
    struct sim_net *net;
    struct metrics *metrics;
    struct scheduler_server *scheduler;
    bool scheduler_away;

    struct candidate *candidates[CANDIDATES]; /* controllers; the second one where one stands by */
    struct candidate *served;  /* who gets the reports, and is there for others; NULL: nobody */
    struct candidate *crashes; /* after this turn; or NULL */
    struct sim_kube kube;
    int lives;     /* of controllers */
    int64_t epoch; /* of the last one that has come to lead */
    struct tally tally;
    int64_t calls; /* so far: of controllers, and commands of agents to Arklet */

    struct picture picture;
    struct since since;
    int base_names;                /* given so far */
    struct store *users;           /* what they do as kubectl does it */
    struct rpc_client *users_rpc;  /* ... and by the public API, */
    struct rpc_channel *users_api; /* ... where they do it by that: */
    bool by_api;
    int64_t requests; /* of users, to the API */
    struct map gates; /* name of a ModuleDeployment -> struct gate */

    int64_t turns; /* of the loop, since the clock went on */
    int64_t checked_version;
    char *broken; /* the first invariant that did not hold, and what broke it; owned */
};

/* What is known of what users want of a ModuleDeployment, and when. */
struct gate {
    bool asked;          /* needConfirm was true since the batch began */
    bool confirmed;      /* a user has confirmed since */
    int32_t required;    /* instances to be kept in service ... */
    int64_t required_ms; /* ... since then */
    struct demand drain_ms, ready_ms;
    int64_t scaled_ms; /* the last time */
};

struct world *world_new(const struct world_options *options);
void world_free(struct world *world);

bool world_chance(struct world *world, uint32_t percent);
bool world_has(const struct world *world, enum fault fault);

/**
 * world_run_until() - steps until @holds, an invariant breaks, or @at_most_ms of its time are over. Return: whether
 * it holds.
 */
bool world_run_until(struct world *world, bool (*holds)(struct world *world), int64_t at_most_ms);

/** world_break() - an invariant does not hold; @why_taken: NULL = it does. */
void world_break(struct world *world, char *why_taken);

/** world_add_base() - one more pod. */
void world_add_base(struct world *world);

/** world_restart() - @candidate ends, @gently or at once, and starts anew on what is there. */
void world_restart(struct world *world, struct candidate *candidate, bool gently);

/** world_leader() - the controller that has come to lead last, and believes that it does; or NULL. */
struct candidate *world_leader(const struct world *world);

/** world_leads() - @candidate has come to lead. */
void world_leads(struct world *world, const struct candidate *candidate);

/** world_serve() - it is @candidate that is reached by the name of the controller. */
void world_serve(struct world *world, struct candidate *candidate);

/** world_cut() - nothing reaches @base any more, or again. */
void world_cut(struct world *world, const struct sim_base *base, bool is_cut);

/** world_gate() - of the ModuleDeployment @name, made where there is none. */
struct gate *world_gate(struct world *world, const char *name);

/* -- trouble.c -- */

/** trouble_choose() - which faults this world has, and how bad they are. */
void trouble_choose(struct world *world);
/** trouble_step() - something goes wrong, or comes back. */
void trouble_step(struct world *world);
/** trouble_end() - nothing goes wrong any more. */
void trouble_end(struct world *world);

/* -- story.c -- */

/** story_run() - the three times of a world. Return: whether all went well; else world->broken tells. */
bool story_run(struct world *world);

#endif
