/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_CACHE_INTERNAL_H
#define KOUPLELESS_CONTROLLER_CACHE_INTERNAL_H

#include "lib/base/json.h"
#include "services/controller/cache.h"

/* What the files of the cache share among themselves. */

static inline void cache__dirty_deployment(struct cache *cache, const struct deployment *deployment)
{
    if (deployment)
        cache->on_dirty_deployment(cache->user, deployment->key);
}

static inline struct cached_instance *cache__instance(struct instance *instance)
{
    return CONTAINER_OF(instance, struct cached_instance, view);
}

/* -- cache_bases.c -- */

/** cache__group() - the bases of @deployment (may be NULL), made where it is not there yet. */
struct base_group *cache__group(struct cache *cache, const char *namespace, const char *deployment);

/**
 * cache__group_settle() - after somebody joined or left, or a base changed: tells whether its bases are needed, where
 * that has changed
 *
 * Bases that nobody needs any more are kept in sight until their traffic labels are off. A group goes with its last
 * member: names of base Deployments come and go.
 */
void cache__group_settle(struct cache *cache, struct base_group *group);
void cache__group_free(struct base_group *group);

/**
 * cache__group_of_revision() - @revision has its first instance now, or lost its last: it needs its bases, or does
 * not any more.
 */
void cache__group_of_revision(struct cache *cache, struct cached_revision *revision);

/**
 * cache__hold_group() / cache__leave_group() - @c has no revision, and needs the bases of @deployment by itself; it
 * has one now, or goes.
 */
void cache__hold_group(struct cache *cache, struct cached_instance *c, const char *deployment);
void cache__leave_group(struct cache *cache, struct cached_instance *c);

int cache__apply_base(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                      struct err **err);
void cache__base_free(struct cached_base *c);

/* -- cache_services.c -- */

int cache__apply_service(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                         struct err **err);
void cache__service_free(struct cached_service *c);

/** cache__adopt_services() - Services that were seen before the @deployment that owns them. */
void cache__adopt_services(struct cache *cache, struct deployment *deployment);

/** cache__leave_services() - @deployment goes, before its Services do. */
void cache__leave_services(struct deployment *deployment);

/* -- cache_refusals.c -- */

void cache__write_refusal_done(struct deployment *deployment);

/* -- cache_originals.c -- */

/** cache__apply_original() - Return: whether the object is, or was, one of the original ModuleController. */
bool cache__apply_original(struct cache *cache, enum object_kind kind, const char *key,
                           const cJSON *json, bool deleted);

/** cache__link_originals() - tells @base which of them are on it. */
void cache__link_originals(struct cache *cache, struct cached_base *base);

/** cache__dirty_originals_of() / _on() - those of a ModuleDeployment, or on @base (may be NULL), have to be planned anew. */
void cache__dirty_originals_of(struct cache *cache, const char *deployment_key);
void cache__dirty_originals_on(struct cache *cache, const struct base_state *base);
void cache__originals_done(struct cache *cache);

#endif
