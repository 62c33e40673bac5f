/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_CONTROLLER_INTERNAL_H
#define KOUPLELESS_CONTROLLER_CONTROLLER_INTERNAL_H

#include "koupleless/agent/v1/agent.pb-c.h"
#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "lib/ctl/workqueue.h"
#include "services/controller/cache.h"
#include "services/controller/controller.h"
#include "services/controller/engine/action.h"
#include "services/controller/engine/adopt.h"
#include "services/controller/engine/event_ledger.h"
#include "services/controller/informer.h"
#include "services/controller/sights.h"

#define WATCHED_KINDS 6 /* all but events */

/* Keys of the workqueue: which plan, and whose. */
#define DEPLOYMENT_KEY 'd'
#define MODULE_KEY 'm'
#define BASE_KEY 'b'
#define ORIGINAL_MODULE_KEY 'o' /* left by the original ModuleController */
#define ORIGINAL_REPLICASET_KEY 'r'

struct controller {
    struct controller_options options;
    struct loop *loop;
    struct store *store;
    struct log *log;
    struct cache cache;
    struct workqueue *queue;
    struct loop_timer turn; /* planning happens here */
    struct loop_timer liveness;
    struct informer *informers[WATCHED_KINDS];
    int synced;       /* kinds listed so far */
    bool leading;     /* no other controller acts */
    int64_t epoch;    /* of that, 0 where nobody else could */
    struct map works; /* work key -> struct work: keys whose plan is being carried out */
    struct map
        setbacks; /* work key -> struct setback: keys whose last plan could not be carried out (setbacks.c) */
    struct map awaited; /* versions to be seen (sights.h) */
    struct map agents;  /* host:port -> struct agent: connections */
    struct list agents_used;
    uint64_t life; /* a random number of this start: part of the ids of operations */
    struct rpc_channel *scheduler;
    struct event_ledger events;
    struct loop_timer sweep;   /* forgets old events */
    struct loop_timer count;   /* writes how often they happened */
    struct loop_timer relist;  /* lists those of an earlier life again, where that has failed */
    int in_flight;             /* requests to store, agents and scheduler without an outcome yet */
    int calls;                 /* those of them that are out to agents for operations */
    struct list calls_waiting; /* for one of these to end */
    int prefetches;            /* of those in flight: jars that agents fetch before their turn */
    struct map
        prefetches_waiting; /* "namespace/name" -> the controller: deployments with more of them */
    struct map followed;    /* "namespace/deployment" -> struct following (base_groups.c) */
    int64_t bases_seen;     /* version of the Bases in the cache, where they are followed */
    bool stopping;
    struct gateway {
        Koupleless__Controller__V1__AgentGatewayService_Service service;
        struct controller *controller;
    } gateway;
    struct metric *plans, *writes, *operations, *operation_failures;
    struct metric *prefetched[2]; /* failed, succeeded */
};

/* controller.c */
void controller_plan_soon(struct controller *controller);
/** controller_acts() - it leads, and knows everything that is declared. */
bool controller_acts(const struct controller *controller);
/** controller_follows() - each change of @kind is told as it comes; false: it is being listed, which may take a while. */
bool controller_follows(const struct controller *controller, enum object_kind kind);

/* originals.c: what the original ModuleController left. */

/** originals_view() - @original as engine/adopt.h looks at it. */
struct adoption_view originals_view(struct controller *controller, const struct original *original);

/** originals_plan() - of the object with that key, where it is one of those. */
void originals_plan(struct controller *controller, enum object_kind kind, const char *key,
                    struct plan *plan);

/**
 * originals_hold() - whether @deployment waits until all of its originals are taken over; @plan: what is to be done
 * with itself meanwhile.
 */
bool originals_hold(const struct controller *controller, const struct deployment *deployment,
                    struct plan *plan);

/* base_groups.c: bases are followed while they are needed. */
void base_groups_init(struct controller *controller);
/** base_groups_saw() - the cache has all Bases as of @resource_version. */
void base_groups_saw(struct controller *controller, const char *resource_version);
void base_groups_stop(struct controller *controller);

/* executor.c: carries plans out; a key is not planned again before its plan's writes are seen in the cache. */

/**
 * executor_run() - begins the writes of a plan for @work_key, one after the other; the first that fails ends it
 * (setbacks.c).
 */
void executor_run(struct controller *controller, const char *work_key, struct plan *plan_taken);
/**
 * executor_saw() - the cache has the object @key as of @resource_version, or knows that it is gone: who waits for
 * that may be planned again.
 */
void executor_saw(struct controller *controller, enum object_kind kind, const char *key,
                  const char *resource_version);
void executor_free(struct controller *controller);
/**
 * executor_deployment() - the ModuleDeployment that @work_key is about, be it by one of its Modules; NULL: it is
 * gone, or the key of a base.
 */
struct deployment *executor_deployment(const struct controller *controller, const char *work_key);

/** executor_sibling() - the key of the object @name in the namespace of @work_key. Owned. */
char *executor_sibling(const char *work_key, const char *name);

/* assumptions.c: Modules that are decided, and not made yet. */

/**
 * assumptions_begin() - those that @plan of @work_key makes count on their bases from now on; what is there already
 * counts by itself.
 */
void assumptions_begin(const struct controller *controller, const char *work_key,
                       struct plan *plan);
/** assumptions_end() - what @plan would have made from its action @from on is not made. */
void assumptions_end(const struct controller *controller, const char *work_key,
                     const struct plan *plan, size_t from);
/** assumptions_counts() - whether the Module of @action counts as assumed still: the cache has not seen it since. */
bool assumptions_counts(const struct controller *controller, const char *work_key,
                        const struct action *action);
/** assumptions_base() - the base on which @action of @work_key makes a Module; NULL: it makes none, or the base is gone. */
struct cached_base *assumptions_base(const struct controller *controller, const char *work_key,
                                     const struct action *action);

/* setbacks.c: plans that could not be carried out. */

/** setbacks_add() - that of @work_key, for @why. Return: when it is to be planned anew (mono, ms). */
int64_t setbacks_add(struct controller *controller, const char *work_key, const struct err *why);
/** setbacks_end() - it was carried out, or there was nothing to do. */
void setbacks_end(struct controller *controller, const char *work_key);
/** setbacks_until_ms() - @work_key is not to be planned before; 0 where nothing holds it. */
int64_t setbacks_until_ms(const struct controller *controller, const char *work_key);
void setbacks_free(struct controller *controller);

/* agents.c: operations on bases. */

#define AGENT_WAIT_MS 30000     /* then the agent says that the operation is still running */
#define AGENT_DEADLINE_MS 60000 /* of a call: later than that only a broken connection answers */

/**
 * agents_start() - begins an operation on @instance: it is RUNNING, and its outcome makes the instance due
 *
 * Not while another one of it runs, nor without a base; nor an install while one of the same module runs on that base: then
 * it is planned anew.
 */
void agents_start(struct controller *controller, struct cached_instance *instance,
                  enum operation_type type);
/** agents_channel() - to the agent at @address, used until the loop turns; NULL with *err where that is none. */
struct rpc_channel *agents_channel(struct controller *controller, const char *address,
                                   struct err **err);
/** agents_sweep() - drops connections that nobody has used for long: their bases may be gone. */
void agents_sweep(struct controller *controller);
/** agents_wait() - AGENT_WAIT_MS, as requests say it. */
Google__Protobuf__Duration agents_wait(void);
/** agents_module_message() - @spec as agents are told of it, for an install, a prefetch or a baseline. Borrowed. */
Koupleless__Module__V1__ModuleSpec agents_module_message(const struct module_spec *spec);
void agents_init(struct controller *controller);
void agents_free(struct controller *controller); /* also what waits to be called */

/* prefetches.c */

/**
 * prefetches_begin() - more bases of @deployment fetch the jar of its release before their turn, where that is worth
 * it and as far as may be now.
 */
void prefetches_begin(struct controller *controller, struct deployment *deployment,
                      const struct deployment_view *view);

/**
 * services_refused() - a Service of a deployment could not be made or changed (services.c)
 * @deployment_key, @name: "namespace/name"; name of the Service
 *
 * Return: whether that is the end of it for now, and the deployment tells why; false: the write is to be repeated.
 */
bool services_refused(struct controller *controller, const char *deployment_key, const char *name,
                      const struct err *err);

/* leftovers.c: what runs on a base though no Module says so (engine/leftover.h). */

/** leftovers_look() - one of those that @report of @base tells of is uninstalled, where it is to go. */
void leftovers_look(struct controller *controller, struct cached_base *base,
                    const Koupleless__Controller__V1__ReportRequest *report);

/* placement.c: questions to the scheduler. */

/**
 * placement_ask() - for @count bases (ACTION_PLACE) or instances (ACTION_EVICT) of @revision. The answer waits in its
 * view for the next plan.
 */
void placement_ask(struct controller *controller, struct deployment *deployment,
                   struct cached_revision *revision, enum action_type question, int32_t count);
/** placement_forget() - what was answered; a question that is out stays so. */
void placement_forget(struct placement *placement);

/* events.c: what happened, for people. */
void events_start(struct controller *controller);
void events_stop(struct controller *controller);

/**
 * events_write() - @action is an ACTION_EVENT about @involved
 * @nth: of its plan; they are stamped a millisecond apart, so that they are listed in their order
 */
void events_write(struct controller *controller, enum object_kind kind,
                  const struct object_meta *involved, const struct action *action, int nth);

/* liveness.c: bases whose agents are silent. */
void liveness_start(struct controller *controller);
/**
 * liveness_write_base() - the status of @base, where it differs from what is seen, or from what was sent last
 * @sent: of it; NULL: the base is not known
 * @wanted: boot_id NULL: nobody was heard, so what only a report says stays as it is
 */
void liveness_write_base(struct controller *controller, const struct base *base,
                         struct sent_status *sent, const struct base_status *wanted);

/* gateway.c: what agents report. */
void gateway_init(struct controller *controller);

/** controller_is_going() - whether the ModuleDeployment of @instance is being deleted. */
bool controller_is_going(const struct instance *instance);

/** controller_create() / _patch() / _remove() - a write nobody waits for; its failure is logged. */
void controller_create(struct controller *controller, enum object_kind kind, char *json_taken);
void controller_patch(struct controller *controller, enum object_kind kind,
                      const struct object_meta *meta, enum store_part part, char *patch_taken);
void controller_remove(struct controller *controller, enum object_kind kind,
                       const struct object_meta *meta);

/**
 * controller_patch_or_create() - a patch as by controller_patch(); where the object is gone, it is made anew of
 * @document_taken.
 */
void controller_patch_or_create(struct controller *controller, enum object_kind kind,
                                const struct object_meta *meta, char *patch_taken,
                                char *document_taken);

/** controller_log_failure() - logs an outcome that nobody waits for. */
void controller_log_failure(struct controller *controller, const char *what, const struct err *err);

#endif
