/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine sees of one ModuleDeployment. */
#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "services/controller/cache.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/rollback.h"

/* What the spec asks for. */
static const struct module_template_spec *template_of(const struct cache *cache,
                                                      const struct module_deployment *md)
{
    if (!md->spec.template_ref)
        return &md->spec.template;
    AUTO_FREE char *key = object_key(md->meta.namespace, md->spec.template_ref);
    const struct module_template *template = map_get(&cache->templates, key);
    return template ? &template->spec : NULL;
}

const struct module_deployment *cache_owner(const struct cache *cache,
                                            const struct base_group *group, const char *module)
{
    const struct module_deployment *owner = NULL;
    for (size_t i = 0; i < group->deployments.len; i++) {
        const struct module_deployment *md = group->deployments.items[i]->md;
        const struct module_template_spec *template = template_of(cache, md);
        if (template && str_eq(template->module.name, module) &&
            (!owner || deployment_was_first(&md->meta, &owner->meta)))
            owner = md;
    }
    return owner;
}

static const char *owner_conflict(const struct cache *cache, const struct deployment *deployment,
                                  const struct module_template_spec *template)
{
    const struct module_deployment *owner =
        template ? cache_owner(cache, deployment->bases, template->module.name) : NULL;
    return owner && owner != deployment->md ? owner->meta.name : NULL;
}

/* What is to be released of it. */
static const struct module_template_spec *released_template(const struct cache *cache,
                                                            const struct deployment *deployment,
                                                            const struct revision **ret_failed)
{
    return rollback_template(deployment->md, template_of(cache, deployment->md),
                             deployment->revisions.items, deployment->revisions.len, ret_failed);
}

struct deployment_view cache_view(struct cache *cache, struct deployment *deployment,
                                  int64_t wall_ms)
{
    const struct revision *failed;
    const struct module_template_spec *template = released_template(cache, deployment, &failed);
    return (struct deployment_view){
        .md = deployment->md,
        .template = template,
        .failed = failed,
        .revisions = deployment->revisions.items,
        .revision_count = deployment->revisions.len,
        .bases = deployment->bases->bases.items,
        .base_count = deployment->bases->bases.len,
        .services = deployment->services.items,
        .service_count = deployment->services.len,
        .service_refusal = deployment->service_refusal.name ? &deployment->service_refusal : NULL,
        .write_refusal = deployment->write_refusal.key ? &deployment->write_refusal : NULL,
        .owner_conflict = owner_conflict(cache, deployment, template),
        .bases_unknown = deployment->bases->unknown,
        .bases_problem = deployment->bases->problem,
        .now_ms = cache->now_ms,
        .wall_ms = wall_ms,
        .planning_since_ms = cache->planning_since_ms,
        .status_written_ms = deployment->status_written_ms,
    };
}

const char *cache_wanted(struct cache *cache, struct deployment *deployment)
{
    if (deployment->wanted)
        return deployment->wanted;
    const struct revision *failed;
    const struct module_template_spec *template = released_template(cache, deployment, &failed);
    if (template)
        deployment->wanted = update_revision_name(deployment->md, template);
    return deployment->wanted;
}

const struct module_template_spec *cache_template(struct cache *cache,
                                                  struct deployment *deployment, const char *name)
{
    const struct revision *failed;
    return str_eq(cache_wanted(cache, deployment), name)
               ? released_template(cache, deployment, &failed)
               : NULL;
}

/* -- Modules that are decided, and not created yet -- */

void cache_assume(struct cached_base *base)
{
    base->assumed++;
    base->view.module_count++;
}

void cache_forget(struct cached_base *base)
{
    ASSERT(base->assumed > 0);
    base->assumed--;
    base->view.module_count--;
}
