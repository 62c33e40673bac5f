/* SPDX-License-Identifier: Apache-2.0 */
/* Writes that the store refuses, in the cache: what a ModuleDeployment tells of them. */
#include "lib/base/str.h"
#include "services/controller/cache_internal.h"

void cache__write_refusal_done(struct deployment *deployment)
{
    mem_free(deployment->write_refusal.key);
    mem_free(deployment->write_refusal.message);
    deployment->write_refusal = (struct write_refusal){0};
}

void cache_refuse_write(struct cache *cache, struct deployment *deployment, const char *work_key,
                        const char *message)
{
    struct write_refusal *refusal = &deployment->write_refusal;
    bool kept = refusal->key && cache->now_ms < refusal->at_ms + WRITE_REFUSAL_KEPT_MS;
    if (kept && !str_eq(refusal->key, work_key))
        return;
    mem_replace(&refusal->key, work_key);
    mem_replace(&refusal->message, message);
    refusal->at_ms = cache->now_ms;
    cache__dirty_deployment(cache, deployment);
}

void cache_take_write(struct cache *cache, struct deployment *deployment, const char *work_key)
{
    if (!str_eq(deployment->write_refusal.key, work_key))
        return;
    cache__write_refusal_done(deployment);
    cache__dirty_deployment(cache, deployment);
}
