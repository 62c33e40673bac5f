/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_SIM_H
#define ARKLET_SIM_SIM_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/base/map.h"
#include "tests/support/arklet-sim/conn.h"
#include "tests/support/arklet-sim/modules.h"

/*
 * A simulator of many bases in one process: each base has its own loopback address with Arklet on
 * one port and the web server (modules, actuator, control of the simulator) on another. One
 * thread, one event loop; whatever takes time in a real base is a timer here.
 */

enum sim_runtime {
    SIM_RUNTIME_2_1_3,  /* upper-case states, no metrics in the health */
    SIM_RUNTIME_2_1_6,  /* what tests/support/javabase runs */
    SIM_RUNTIME_2_1_11, /* baseIdentity, batchInstallBiz, filled state records */
};

enum sim_readiness {
    SIM_READINESS_BASE,    /* default of Koupleless: modules don't count */
    SIM_READINESS_STARTUP, /* withAllBizReadiness on Spring Boot 3: baseStartUp shows modules */
    SIM_READINESS_MODULES, /* withAllBizReadiness as documented: the readiness follows modules */
};

struct sim_options {
    char *first;         /* address of the first base */
    int64_t bases;       /* 1 .. 100000 */
    int64_t arklet_port; /* same on every address */
    int64_t http_port;
    char *operations_log; /* NULL: none */
    int64_t loops;        /* Netty's event loops per base; 0: commands never wait for each other */
    int64_t start_ms;     /* from listening to ready */
    int64_t install_ms, uninstall_ms; /* on top of what the module's manifest asks */
    int64_t metaspace_max;            /* bytes; -1: unlimited; an install beyond fails */
    int64_t metaspace_module;         /* bytes that each module takes */
    int64_t heap_kept;                /* bytes that stay, softly reachable, of a module */
    char *runtime_text, *readiness_text, *names_text;
    enum sim_runtime runtime;
    enum sim_readiness readiness;
    bool documented_names; /* arkBizAggregate, masterBizStartUp instead of the real names */
    bool keep_failed;      /* sofa.ark.auto.uninstall.when.failed.enable=false */
    bool activate_new;     /* activate.new.module=true */
    bool count_requests;   /* queryBizRequests, which a base may add: see docs/guide.md */
    bool multi_version;    /* sofa.ark.activate.multi.biz.version.enable=true */
};

struct sim {
    struct event_base *events;
    struct sim_options options;
    struct base *bases;
    int operations_fd; /* -1: none */
    int64_t operations_seq;
};

struct base {
    struct sim *sim;
    char *address;
    struct port arklet, http;
    struct loop *loops;     /* options.loops of them */
    struct list modules;    /* struct module */
    struct map locks;       /* "name:version" -> command that holds it (static string) */
    struct map records;     /* requestId -> struct record */
    struct list operations; /* struct operation: what runs */
    struct list executions; /* struct execution: commands that work with modules */
    struct list answers;    /* struct answer: what is to be answered */
    struct list pages;      /* struct late_page: of modules, under way */
    struct list faults;     /* struct fault */
    int pool_threads;       /* numbers the threads of asynchronous operations */
    bool ready;             /* ApplicationReadyEvent */
    bool refusing;          /* SIM_READINESS_MODULES: a module made the base unready */
    struct event *timer;    /* until ready, or until it is up again after a restart */
    int64_t started_wall_ms;
    int64_t metaspace_used; /* bytes */
    int64_t heap_used;      /* bytes, up to HEAP_MAX */
};

#define HEAP_MAX 129761280 /* bytes: of -Xmx128m, without one survivor space */

#define BASE_NAME "base"
#define BASE_VERSION "1.0.0"

/** base_start() - open the ports and become ready after options.start_ms. */
int base_start(struct base *base, struct err **err);

/** base_stop() - as kill -9: ports and connections closed; modules, operations, records gone. */
void base_stop(struct base *base);

/** base_restart() - base_stop(), and base_start() after @down_ms; < 0: stays away. */
void base_restart(struct base *base, int64_t down_ms);

void base_init(struct base *base, struct sim *sim, char *address);
void base_deinit(struct base *base);

struct module_style base_style(const struct base *base);

/** sim_wall_ms() - of this loop turn. */
int64_t sim_wall_ms(const struct sim *sim);

/** sim_after() - a one-shot timer; the holder frees it. */
struct event *sim_after(struct sim *sim, int64_t delay_ms, event_callback_fn fn, void *arg);

/**
 * operations_log() - one line for what was really done
 * @operation: "start" (of the base), "install", "install-failed", "uninstall"
 */
void operations_log(struct base *base, const char *operation, const char *name,
                    const char *version);

#endif
