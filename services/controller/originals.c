/* SPDX-License-Identifier: Apache-2.0 */
/* What the original ModuleController left, as engine/adopt.h sees it. */
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"

static struct cached_revision *revision_of(const struct controller *controller,
                                           const struct adoption_view *view)
{
    AUTO_FREE char *name = adopted_revision(view);
    AUTO_FREE char *key = object_key(view->md->meta.namespace, name);
    return map_get(&controller->cache.revisions, key);
}

static const struct instance *instance_of(const struct adoption_view *view)
{
    for (size_t i = 0; view->base && i < view->base->instances.len; i++)
        if (view->base->instances.items[i]->revision == view->revision)
            return view->base->instances.items[i];
    return NULL;
}

static const struct base_state *base_of(const struct controller *controller,
                                        const struct original *original)
{
    const struct cached_base *base =
        original->base_key ? map_get(&controller->cache.bases, original->base_key) : NULL;
    return base && str_eq(base->base->meta.uid, original->base_uid) ? &base->view : NULL;
}

struct adoption_view originals_view(struct controller *controller, const struct original *original)
{
    struct cache *cache = &controller->cache;
    struct deployment *deployment = map_get(&cache->deployments, original->deployment_key);
    struct adoption_view view = {.original = original};
    if (!deployment)
        return view;
    struct deployment_view seen = cache_view(cache, deployment, 0);
    view.md = deployment->md;
    view.template = seen.template;
    view.bases_unknown = seen.bases_unknown;
    view.last = !cache_originals_have_modules(cache_originals_of(cache, original->deployment_key));
    if (!original->module)
        return view;
    struct cached_revision *revision = revision_of(controller, &view);
    view.base = base_of(controller, original);
    view.revision = revision ? &revision->view : NULL;
    view.instance = revision ? instance_of(&view) : NULL;
    return view;
}

void originals_plan(struct controller *controller, enum object_kind kind, const char *key,
                    struct plan *plan)
{
    const struct original *original = cache_original(&controller->cache, kind, key);
    if (!original)
        return;
    struct adoption_view view = originals_view(controller, original);
    plan_adoption(&view, plan);
}

bool originals_hold(const struct controller *controller, const struct deployment *deployment,
                    struct plan *plan)
{
    plan_deployment_adoption(deployment->md, plan);
    return plan->actions.len || cache_originals_of(&controller->cache, deployment->key);
}
