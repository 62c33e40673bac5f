/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_CACHE_H
#define KOUPLELESS_CONTROLLER_CACHE_H

#include "lib/base/map.h"
#include "services/controller/engine/prefetch.h"
#include "services/controller/engine/view.h"
#include "services/controller/store/store.h"

/*
 * The controller's cache: the objects as the store last told, typed, linked with each other and counted.
 *
 * A change is one call of cache_apply(); it updates the links and counters of what the object touches
 * and reports through on_dirty which ModuleDeployments, Modules and bases have to be planned anew. The engine
 * reads the structs of engine/view.h, which are the first members of those here. Loop thread only.
 */

/* Keys are "namespace/name". */
struct deployment {
    char *key;
    struct module_deployment *md; /* owned */
    struct {
        struct revision **items;
        size_t len, cap;
    } revisions;
    struct base_group *bases;
    struct {
        struct service_state **items;
        size_t len, cap;
    } services;
    struct service_refusal service_refusal; /* its name: NULL where nothing was refused */
    struct write_refusal write_refusal;     /* its key: NULL where nothing was refused */
    char *wanted;                           /* cache_wanted(), owned; NULL until it is asked for */
    int64_t status_written_ms;
    struct prefetch prefetch; /* of what is released now */
};

struct cached_revision {
    struct revision view;
    struct module_replicaset *rs; /* owned; = view.rs */
    char *key;
    struct deployment *deployment; /* NULL until it is seen */
    struct base_group
        *group; /* where its instances are, while it has some; its deployment may have left */
};

struct cached_service {
    struct service_state view;
    struct service *service; /* owned; = view.service */
    char *key;
    struct deployment *deployment; /* whose it is, or NULL */
};

/* The status of a base that was written last, which may not be seen yet. */
struct sent_status {
    uint64_t hash; /* of what makes it another one; 0: none was written */
    bool ready;
};

struct cached_base {
    struct base_state view;
    struct base *base; /* owned; = view.base */
    char *key;
    struct base_group *group;
    int32_t assumed; /* Modules decided for it whose creation has not been seen */
    int64_t last_report_ms;
    struct sent_status sent;
    bool removing;        /* a leftover is being uninstalled */
    bool unreached;       /* the last call to its agent found no connection ... */
    int64_t unreached_ms; /* ... then, mono */
};

struct cached_instance {
    struct instance view;
    struct module *module; /* owned; = view.module */
    char *key;
    struct base_group *group; /* where it is, while it has no revision */
};

/* The bases of one base Deployment, and those who need them: ModuleDeployments on it, revisions with instances there,
 * and instances that have lost their revision: they are to be uninstalled. So does a traffic label that is still on one
 * of them. */
struct base_group {
    char *key;
    bool needed;   /* as on_group was told */
    bool unknown;  /* its bases were not listed yet */
    char *problem; /* why, or that the base Deployment is not there; owned; NULL = neither */
    struct {
        struct cached_revision **items;
        size_t len, cap;
    } revisions;
    int32_t orphans; /* instances without a revision */
    struct {
        struct base_state **items;
        size_t len, cap;
    } bases;
    struct {
        struct deployment **items;
        size_t len, cap;
    } deployments;
};

/* What the original ModuleController left and is not taken over yet (engine/original.h). */
struct originals {
    struct map all;           /* "Kind/namespace/name" -> struct original */
    struct map of_deployment; /* key of a ModuleDeployment -> struct original_list */
    struct map on_base;       /* key of a Pod -> struct original_list, of Modules */
};

struct cache {
    struct map deployments; /* key -> struct deployment */
    struct map revisions;   /* key -> struct cached_revision */
    struct map instances;   /* key -> struct cached_instance */
    struct map successors;  /* key of an instance -> struct instance that waits to claim it */
    struct map bases;       /* key -> struct cached_base */
    struct map groups;      /* "namespace/deployment" -> struct base_group */
    struct map services;    /* key -> struct cached_service */
    struct map templates;   /* key -> struct module_template */
    struct originals originals;
    void (*on_dirty_deployment)(void *user, const char *key);
    void (*on_dirty_module)(void *user, const char *key);
    /* The bases of a base Deployment are needed, or not any more; NULL: all are known anyway. */
    void (*on_group)(void *user, const char *key, bool needed);
    void (*on_dirty_base)(void *user, const char *key); /* whose modules get traffic */
    void (*on_dirty_original)(void *user, enum object_kind kind, const char *key);
    void *user;
    int64_t now_ms;            /* mono, of this turn; set by the owner */
    int64_t planning_since_ms; /* mono, when the owner began to plan; set by it */
};

void cache_done(struct cache *cache);

/**
 * cache_apply() - an object was added or changed, or is gone (@deleted)
 * Return: 0, or -1 with ERR_INVALID where the document can't be read; the cache keeps what it had.
 */
int cache_apply(struct cache *cache, const struct document *document, bool deleted,
                struct err **err);

/** cache_resource_version() - the version of an object that is in the cache, or NULL. */
const char *cache_resource_version(const struct cache *cache, enum object_kind kind,
                                   const char *key);

/** cache_recount() - after the memory-only state of @instance (operation, report) changed. */
void cache_recount(struct cache *cache, struct cached_instance *instance);

/**
 * cache_assume() - count a Module that was decided for @base before it exists (decide, assume, commit);
 * cache_forget() takes it back.
 */
void cache_assume(struct cached_base *base);
void cache_forget(struct cached_base *base);

/** cache_view() - what the engine sees of @deployment now. */
struct deployment_view cache_view(struct cache *cache, struct deployment *deployment,
                                  int64_t wall_ms);

/** cache_owner() - whose @module is on the bases of @group: of the ModuleDeployment that was there first. NULL: nobody's. */
const struct module_deployment *cache_owner(const struct cache *cache,
                                            const struct base_group *group, const char *module);

/** cache_wanted() - name of the revision that @deployment wants now, or NULL where its template is not there; borrowed. */
const char *cache_wanted(struct cache *cache, struct deployment *deployment);

/**
 * cache_template() - of the revision @name, where @deployment wants that now; NULL: since it was planned its
 * ModuleTemplate is gone, or something else is wanted.
 */
const struct module_template_spec *cache_template(struct cache *cache,
                                                  struct deployment *deployment, const char *name);

/**
 * cache_refuse_service() - the Service @name of @deployment could not be made or changed. @reason, @message: NULL
 * where why is not known yet.
 */
void cache_refuse_service(struct cache *cache, struct deployment *deployment, const char *name,
                          const char *reason, const char *message);

/**
 * cache_refuse_write() - the store did not take a write of the plan of @work_key, which follows from @deployment
 *
 * The first one that is told stays until it is taken, or not tried again: many may be refused for one cause.
 */
void cache_refuse_write(struct cache *cache, struct deployment *deployment, const char *work_key,
                        const char *message);

/** cache_take_write() - the plan of @work_key was carried out. */
void cache_take_write(struct cache *cache, struct deployment *deployment, const char *work_key);

/**
 * cache_group_state() - what is known of the bases of the group @key (struct base_group); what waits for that is
 * planned anew.
 */
void cache_group_state(struct cache *cache, const char *key, bool unknown, const char *problem);

/** cache_bases_unknown() - whether nobody knows the bases of some base Deployment of @namespace yet. */
bool cache_bases_unknown(const struct cache *cache, const char *namespace);

/**
 * cache_base_unknown() - whether the base of @instance may be there though the cache has not seen it: its base
 * Deployment's are not known yet; without a revision, any of its namespace.
 */
bool cache_base_unknown(const struct cache *cache, const struct cached_instance *instance);

/** cache_offer_service() - the name that @deployment waits for may be free: it is tried at once. */
void cache_offer_service(struct cache *cache, struct deployment *deployment);

/** cache_dirty_group() - plan all deployments on @group anew. */
void cache_dirty_group(struct cache *cache, struct base_group *group);

/** cache_dirty_traffic() - what @instance tells of itself may change which modules of its base get traffic. */
void cache_dirty_traffic(struct cache *cache, const struct instance *instance);

/** cache_dirty_waiting() - plan anew what waits on @base until its module is out of traffic. */
void cache_dirty_waiting(struct cache *cache, struct cached_base *base);

/**
 * cache_settle_doubts() - the labels of @base that were in doubt were written: who has had traffic by one of them
 * until then drains from @now_ms on, mono.
 */
void cache_settle_doubts(struct cached_base *base, int64_t now_ms);

/** cache_original() - the object of the original ModuleController, or NULL. */
const struct original *cache_original(const struct cache *cache, enum object_kind kind,
                                      const char *key);

/** cache_originals_of() - those of one ModuleDeployment, or NULL. */
const struct original_list *cache_originals_of(const struct cache *cache,
                                               const char *deployment_key);

/** cache_originals_have_modules() - whether a Module is among @list (may be NULL). */
bool cache_originals_have_modules(const struct original_list *list);

/** object_key() - "namespace/name", owned. */
char *object_key(const char *namespace, const char *name);

#endif
