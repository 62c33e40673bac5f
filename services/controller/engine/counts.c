/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/counts.h"

#include <string.h>

#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/replacement.h"

int32_t symmetric_target(const struct deployment_view *view, const struct revision *update)
{
    struct map wanted = {0};
    for (size_t r = 0; r < view->revision_count; r++) {
        const struct revision *revision = view->revisions[r];
        for (size_t i = 0; i < revision->instances.len; i++) {
            struct instance *instance = revision->instances.items[i];
            if (instance->base && !instance_deleting(instance) &&
                base_belongs(instance->base, view->md->spec.base_deployment_name) &&
                (revision == update || base_selected(instance->base, view->template)))
                map_put(&wanted, instance->base->base->meta.name, instance);
        }
    }
    for (size_t b = 0; b < view->base_count; b++)
        if (base_eligible(view->bases[b], view->template))
            map_put(&wanted, view->bases[b]->base->meta.name, view->bases[b]);
    int32_t count = (int32_t)wanted.len;
    map_done(&wanted);
    return count;
}

int32_t counted(const struct deployment_view *view, const struct revision *revision)
{
    bool symmetric = view->md->spec.replicas == REPLICAS_SYMMETRIC;
    return symmetric ? revision->existing : revision->rs->spec.replicas;
}

int32_t counted_others(const struct deployment_view *view, const struct revision *update)
{
    int32_t count = 0;
    for (size_t i = 0; i < view->revision_count; i++)
        if (view->revisions[i] != update)
            count += counted(view, view->revisions[i]);
    return count;
}

bool has_substitute(const struct instance *instance)
{
    const struct revision *revision = instance->revision;
    if (!waits_for_way(instance))
        return false;
    for (size_t i = 0; i < revision->instances.len; i++) {
        const struct instance *other = revision->instances.items[i];
        if (other != instance && !instance_deleting(other) &&
            str_eq(other->module->spec.replaces, instance->module->spec.replaces))
            return true;
    }
    return false;
}

int32_t substituted_count(const struct revision *revision)
{
    int32_t count = 0;
    for (size_t i = 0; revision->waiting_way && i < revision->instances.len; i++)
        count += has_substitute(revision->instances.items[i]);
    return count;
}

int32_t places(const struct revision *revision, const struct revision *update)
{
    int32_t count = revision->existing;
    if (revision == update)
        return count - substituted_count(revision);
    for (size_t i = 0; i < revision->instances.len; i++) {
        const struct instance *instance = revision->instances.items[i];
        if (instance_deleting(instance))
            continue;
        bool handed_over =
            instance->replaced_by && !instance_superseded(instance->replaced_by, update);
        count -= handed_over || instance_superseded(instance, update);
    }
    return count;
}

int32_t places_of_others(const struct deployment_view *view, const struct revision *update)
{
    int32_t count = 0;
    for (size_t i = 0; i < view->revision_count; i++)
        if (view->revisions[i] != update)
            count += places(view->revisions[i], update);
    return count;
}

/* Numbers may be equal: one that was written may not be seen yet when the next is made. Then names decide. */
static bool is_newer(const struct revision *revision, const struct revision *than)
{
    int32_t own = revision_number(revision->rs), other = revision_number(than->rs);
    return own != other ? own > other : strcmp(revision->rs->meta.name, than->rs->meta.name) > 0;
}

struct revision *next_older(const struct deployment_view *view, const struct revision *except,
                            const struct revision *than)
{
    struct revision *best = NULL;
    for (size_t i = 0; i < view->revision_count; i++) {
        struct revision *revision = view->revisions[i];
        if (revision != except && (!than || is_newer(than, revision)) &&
            (!best || is_newer(revision, best)))
            best = revision;
    }
    return best;
}
