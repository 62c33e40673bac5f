/* SPDX-License-Identifier: Apache-2.0 */
/* Services in the cache: those with our label, linked with the ModuleDeployments that own them. */
#include <string.h>

#include "lib/base/str.h"
#include "services/controller/cache_internal.h"
#include "services/controller/engine/plan_service.h"

static void refusal_done(struct service_refusal *refusal)
{
    mem_free(refusal->name);
    mem_free(refusal->reason);
    mem_free(refusal->message);
    *refusal = (struct service_refusal){0};
}

void cache_refuse_service(struct cache *cache, struct deployment *deployment, const char *name,
                          const char *reason, const char *message)
{
    struct service_refusal refusal = {
        .name = mem_strdup(name),
        .reason = mem_strdup(reason),
        .message = mem_strdup(message),
        .at_ms = cache->now_ms,
    };
    refusal_done(&deployment->service_refusal);
    deployment->service_refusal = refusal;
    cache__dirty_deployment(cache, deployment);
}

static void attach(struct cached_service *c, struct deployment *deployment)
{
    c->deployment = deployment;
    VEC_PUSH(&deployment->services, &c->view);
}

static void attach_deployment(struct cache *cache, struct cached_service *c)
{
    const struct owner_reference *owner = meta_owner(&c->service->meta);
    AUTO_FREE char *key = object_key(c->service->meta.namespace, owner ? owner->name : "");
    struct deployment *deployment = map_get(&cache->deployments, key);
    if (deployment && owner && str_eq(deployment->md->meta.uid, owner->uid))
        attach(c, deployment);
}

void cache__adopt_services(struct cache *cache, struct deployment *deployment)
{
    for (size_t i = 0; i < cache->services.len; i++) {
        struct cached_service *c = cache->services.entries[i].value;
        const struct owner_reference *owner = meta_owner(&c->service->meta);
        if (!c->deployment && owner && str_eq(owner->uid, deployment->md->meta.uid))
            attach(c, deployment);
    }
}

void cache__leave_services(struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->services.len; i++)
        CONTAINER_OF(deployment->services.items[i], struct cached_service, view)->deployment = NULL;
    VEC_DONE(&deployment->services);
    refusal_done(&deployment->service_refusal);
}

void cache__service_free(struct cached_service *c)
{
    service_free(c->service);
    mem_free(c->key);
    mem_free(c);
}

static void detach_deployment(struct cached_service *c)
{
    if (c->deployment)
        VEC_DROP(&c->deployment->services, &c->view);
    c->deployment = NULL;
}

void cache_offer_service(struct cache *cache, struct deployment *deployment)
{
    deployment->service_refusal.at_ms = cache->now_ms - SERVICE_RETRY_MS;
    cache__dirty_deployment(cache, deployment);
}

/* Others may have waited for the name. */
static void offer_name(struct cache *cache, const char *key)
{
    for (size_t i = 0; i < cache->deployments.len; i++) {
        struct deployment *deployment = cache->deployments.entries[i].value;
        const struct service_refusal *refusal = &deployment->service_refusal;
        AUTO_FREE char *wanted =
            refusal->name ? object_key(deployment->md->meta.namespace, refusal->name) : NULL;
        if (str_eq(wanted, key))
            cache_offer_service(cache, deployment);
    }
}

static void remove_service(struct cache *cache, struct cached_service *c)
{
    cache__dirty_deployment(cache, c->deployment);
    detach_deployment(c);
    map_remove(&cache->services, c->key);
    offer_name(cache, c->key);
    cache__service_free(c);
}

int cache__apply_service(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                         struct err **err)
{
    struct cached_service *c = map_get(&cache->services, key);
    if (deleted) {
        if (c)
            remove_service(cache, c);
        return 0;
    }
    struct service *service = service_read(json, err);
    if (!service)
        return -1;
    if (c) {
        cache__dirty_deployment(cache, c->deployment); /* who may not own it any more */
        detach_deployment(c);
        service_free(c->service);
    } else {
        c = NEW(struct cached_service);
        c->key = mem_strdup(key);
        map_put(&cache->services, key, c);
    }
    c->view.service = c->service = service;
    attach_deployment(cache, c);
    if (c->deployment)
        refusal_done(&c->deployment->service_refusal);
    cache__dirty_deployment(cache, c->deployment);
    return 0;
}
