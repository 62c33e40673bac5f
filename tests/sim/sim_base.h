/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_BASE_H
#define KOUPLELESS_SIM_BASE_H

#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "tests/sim/sim_net.h"

/*
 * A base of a simulated world: the pod, its JVM with the modules in it, and its agent. That is services/agent as it
 * is (sim_process.c), or a model of it, which costs less (sim_agent.c): it does operations one after the other,
 * remembers them by their ids, and reports. What a module does is a matter of its name: those that begin with "web"
 * serve a web path, so two versions of them never run in one JVM.
 */
struct sim_base;
struct sim_process;

/* A module in the JVM. */
struct sim_module {
    char *name, *version, *jar; /* owned */
    char *restart; /* that it was installed for (InstallModuleRequest.restart), or ""; owned */
    enum sim_module_state { SIM_ACTIVE, SIM_INACTIVE, SIM_BROKEN } state;
};

enum sim_operation_type { SIM_INSTALL, SIM_UNINSTALL, SIM_SWITCH };

/* An operation of the agent. */
struct sim_operation {
    struct list node; /* in base->queue until it has ended */
    char *id;         /* owned; "" = none was given */
    int64_t epoch;    /* of the controller that has asked for it */
    enum sim_operation_type type;
    char *name, *version, *jar; /* owned */
    char *restart;              /* in place the same is installed again for another one; owned */
    bool in_place;
    enum { SIM_WAITING, SIM_RUNNING, SIM_SUCCEEDED, SIM_FAILED } state;
    const char *code, *reason; /* once it has failed */
    bool restored;
    int64_t asked_ms, begun_ms, ended_ms;
    struct sim_module old; /* what an install in place took off, while it runs */
    struct list waiters;
};

/* Chances are per mille. Read whenever something happens, so they may be changed at any time. */
struct sim_base_faults {
    int64_t command_ms;    /* a command takes at most so long, */
    int32_t slow;          /* and some of them */
    int64_t slow_ms;       /* ... this long */
    int32_t install_fails; /* commands that fail */
    const char *bad;       /* a version that never starts, or NULL */
    int32_t uninstall_fails;
    int32_t switch_fails;
    int32_t pull_fails;  /* of jars; real agents only, as what follows */
    int32_t answer_lost; /* of Arklet's */
    int64_t down_ms;     /* a JVM that starts anew takes at most so long */
};

/* What stands beside the JVM, and serves at the base's address. */
struct sim_agent_kind {
    void (*start)(struct sim_base *base);                    /* with its pod */
    void (*restart)(struct sim_base *base, int64_t away_ms); /* it is away at least so long */
    void (*jvm_changed)(struct sim_base *base);              /* it has gone, or is there again */
    void (*stop)(struct sim_base *base);                     /* its pod is gone */
};
extern const struct sim_agent_kind sim_agent_model, sim_agent_process;

struct sim_base_options {
    const struct sim_agent_kind *agent;
    struct loop *loop;
    struct rand *rand;
    struct sim_net *net;
    struct history *history;
    const struct sim_base_faults *faults;
    const char *name, *namespace, *deployment, *ip, *address, *zone; /* copied */
    const char *controller;                                          /* its address; copied */
    int32_t max_module_count;                                        /* -1 = not limited */
    /* An operation begins to work on the base, before it does anything. */
    void (*on_begin)(void *user, const struct sim_base *base,
                     const struct sim_operation *operation);
    /* With each command of a real agent to Arklet: what becomes of it. NULL = as it comes. */
    enum fate (*on_command)(void *user);
    /* A real agent has done, or said, what it must not. @why_taken: owned. */
    void (*on_wrong)(void *user, char *why_taken);
    void *user;
};

struct sim_base {
    Koupleless__Agent__V1__AgentService_Service service;
    struct sim_base_options options;
    char *name, *namespace, *deployment, *ip, *address, *zone, *controller;
    bool dead;       /* the pod is gone */
    bool jvm_down;   /* it starts anew */
    int64_t went_ms; /* when it last went, mono; 0 = never */
    int boots;
    int agent_starts; /* anew, so far: it has forgotten all that it had heard */
    VEC(struct sim_module) modules;

    struct sim_process *process; /* of a real agent */

    /* of a model */
    int64_t epoch;         /* of the newest controller that the agent has heard of; 0 = none */
    struct list queue;     /* of struct sim_operation.node; the first one runs */
    struct map operations; /* id -> struct sim_operation: those that the agent remembers */
    VEC(struct sim_operation *) all; /* to be freed */
    struct loop_timer command, jvm;

    struct rpc_client *client;
    struct rpc_channel *channel;
    struct loop_timer report;
    bool reporting, report_again;
    int report_failures;
};

/** sim_base_new() - its agent serves and reports from now on. */
struct sim_base *sim_base_new(const struct sim_base_options *options);
void sim_base_free(struct sim_base *base);

/** sim_base_find() - a module in its JVM, or NULL. */
struct sim_module *sim_base_find(const struct sim_base *base, const char *name,
                                 const char *version);

/** sim_base_serves() - whether some version of the module is active in it. */
bool sim_base_serves(const struct sim_base *base, const char *name);

/** sim_base_restart_jvm() - all modules are gone, what runs fails. */
void sim_base_restart_jvm(struct sim_base *base);

/** sim_base_restart_agent() - it forgets its operations; the one that runs goes on in the JVM. */
void sim_base_restart_agent(struct sim_base *base);

/**
 * sim_base_set_room() - @max_module_count as in its options; its agent is started anew with that
 *
 * Once all has come that the one before may have sent: a report that comes late would take the room back.
 */
void sim_base_set_room(struct sim_base *base, int32_t max_module_count);

/** sim_base_die() - the pod is gone, with all that was in it. */
void sim_base_die(struct sim_base *base);

/* -- inside of it -- */

/** sim_restart_due() - whether @operation is to install again what is @there. */
bool sim_restart_due(const struct sim_operation *operation, const struct sim_module *there);

/* sim_reports.c: of a model. */
void sim_reports_start(struct sim_base *base);
void sim_reports_stop(struct sim_base *base);
/** sim_reports_notice() - something has happened that the agent did not do; it notices that in a while. */
void sim_reports_notice(struct sim_base *base);
/** sim_web_path() - that the module of this name serves; "" = none. */
const char *sim_web_path(const char *module);
/** sim_base_activate() - requests go to this version of its module. */
void sim_base_activate(struct sim_base *base, struct sim_module *module);
/** sim_base_changed() - something is to be told to the controller. */
void sim_base_changed(struct sim_base *base);
/** sim_base_put() - a copy of @module is there. */
void sim_base_put(struct sim_base *base, const struct sim_module *module);
void sim_module_done(struct sim_module *module);
void sim_base_take(struct sim_base *base, struct sim_module *module);

#endif
