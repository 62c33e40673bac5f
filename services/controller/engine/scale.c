/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/scale.h"

#include "lib/base/str.h"
#include "lib/model/labels.h"

/* Whether @text, the annotation, is @replicas. */
static bool says(const char *text, int32_t replicas)
{
    AUTO_FREE char *number = mem_printf("%d", replicas);
    return str_eq(text, number);
}

bool plan_scale(const struct deployment_view *view, struct plan *plan)
{
    const struct module_deployment *md = view->md;
    const struct module_deployment_spec *spec = &md->spec;
    const char *before = json_map_get(&md->meta.annotations, ANNOTATION_SCALED);
    bool absent = !spec->scale_replicas_set;
    if (absent && (spec->replicas < 0 || !meta_has_finalizer(&md->meta, FINALIZER_DEPLOYMENT)))
        return false;
    if (spec->scale_replicas == spec->replicas && !absent && says(before, spec->replicas))
        return false;
    bool edited = absent || (before && !says(before, spec->replicas));
    plan_add(plan, ACTION_SET_SCALE, "")->number = edited ? spec->replicas : spec->scale_replicas;
    return true;
}
