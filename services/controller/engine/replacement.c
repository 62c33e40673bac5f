/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/replacement.h"

#include "lib/base/min.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/counts.h"
#include "services/controller/engine/plan_replicaset.h"

#define NEWEST_LOOKED_AT 64

int32_t revision_lack(const struct revision *revision)
{
    int32_t missing = revision->rs->spec.replicas - revision->existing;
    return missing > 0 ? missing : 0;
}

/* Instances that are given up since @update, which they replaced, is wanted again. */
static int32_t given_up(const struct revision *revision, const struct revision *update)
{
    int32_t count = 0;
    for (size_t i = 0; update && update->replaced && i < revision->instances.len; i++)
        count += !instance_deleting(revision->instances.items[i]) &&
                 instance_superseded(revision->instances.items[i], update);
    return count;
}

int32_t revision_surplus(const struct revision *revision, const struct revision *update)
{
    int32_t surplus = revision->existing - revision->replaced - given_up(revision, update) -
                      revision->rs->spec.replicas;
    return surplus > 0 ? surplus : 0;
}

/* Old ones whose bases @update may come to, and that have no successor yet. */
static int32_t replaceable(const struct deployment_view *view, const struct revision *revision,
                           const struct revision *update)
{
    int32_t count = 0;
    for (size_t i = 0; i < revision->instances.len; i++) {
        const struct instance *instance = revision->instances.items[i];
        count += can_be_replaced(instance, update) &&
                 base_belongs(instance->base, view->md->spec.base_deployment_name) &&
                 base_selected(instance->base, &update->rs->spec.template);
    }
    return count;
}

/* Of those that are too many the ones that @update can take the place of. */
static int32_t surplus_with_room(const struct deployment_view *view,
                                 const struct revision *revision, const struct revision *update)
{
    return min32(revision_surplus(revision, update), replaceable(view, revision, update));
}

int64_t no_room_until(const struct revision *revision, const struct revision *update)
{
    bool asked_who_goes = revision->evict.state != PLACEMENT_NONE;
    return update->place.answered_ms + (asked_who_goes ? 2 * PLACE_RETRY_MS : PLACE_RETRY_MS);
}

/* Whether all that there was room for is there, and there was none for the rest just now. */
static bool lacks_room(const struct deployment_view *view, const struct revision *revision,
                       const struct revision *update)
{
    const struct placement *place = &update->place;
    bool used_up =
        place->state == PLACEMENT_NONE || (place->state == PLACEMENT_ANSWERED && !place->names.len);
    return revision_lack(update) && used_up && no_room_elsewhere(update) &&
           view->now_ms < no_room_until(revision, update);
}

int32_t gives_way_early(const struct deployment_view *view, const struct revision *revision,
                        const struct revision *update)
{
    if (!update || revision == update || !lacks_room(view, revision, update))
        return 0;
    int32_t lack = revision_lack(update);
    for (struct revision *r = next_older(view, update, NULL); r; r = next_older(view, update, r))
        lack -= surplus_with_room(view, r, update);
    for (struct revision *r = next_older(view, update, revision); r;
         r = next_older(view, update, r))
        lack -= replaceable(view, r, update) - surplus_with_room(view, r, update);
    int32_t own = replaceable(view, revision, update) - surplus_with_room(view, revision, update);
    return max32(min32(lack, own), 0);
}

bool revision_web_path_in_use(const struct revision *revision)
{
    return json_map_get(&revision->rs->meta.annotations, ANNOTATION_WEB_PATH_IN_USE) != NULL;
}

bool no_room_elsewhere(const struct revision *revision)
{
    return str_starts_with(revision->place.explanation, NO_CAPACITY);
}

bool can_be_replaced(const struct instance *old, const struct revision *update)
{
    return old && !instance_deleting(old) && !old->replaced_by && old->base &&
           !instance_superseded(old, update);
}

bool waits_for_way(const struct instance *instance)
{
    return !instance_deleting(instance) && instance_refused_beside(instance) &&
           instance->replaces->base;
}

/* By what the base reports, or by what it has answered before its report came. */
static bool no_metaspace_beside(const struct instance *old)
{
    return old->base->base->status.metaspace_full ||
           (old->replaced_by && instance_refused_for_metaspace(old->replaced_by));
}

struct upgrade_choice replacement_way(const struct deployment_view *view,
                                      const struct revision *update, const struct instance *old,
                                      bool room)
{
    const struct module_template_spec *template = &update->rs->spec.template;
    struct upgrade_case one = {
        .policy = view->md->spec.strategy.upgrade_policy,
        .web_path_in_use = revision_web_path_in_use(update),
        .same_version = module_same_version(&old->module->spec.module, &template->module),
        .metaspace_full = no_metaspace_beside(old),
        .base_unfit = !base_belongs(old->base, view->md->spec.base_deployment_name) ||
                      !base_fits(old->base, template),
        .room = room,
    };
    return upgrade_choose(&one);
}

enum upgrade_way replacement_way_of_all(const struct deployment_view *view,
                                        const struct revision *update, const struct revision *old)
{
    struct upgrade_case one = {
        .policy = view->md->spec.strategy.upgrade_policy,
        .web_path_in_use = revision_web_path_in_use(update),
        .same_version =
            module_same_version(&old->rs->spec.template.module, &update->rs->spec.template.module),
        .room = true,
    };
    return upgrade_choose(&one).way;
}

char *replacement_told(const struct revision *update)
{
    size_t len = update ? update->instances.len : 0;
    size_t end = len > NEWEST_LOOKED_AT ? len - NEWEST_LOOKED_AT : 0;
    for (size_t i = len; i > end; i--) {
        const struct module_instance_spec *spec = &update->instances.items[i - 1]->module->spec;
        if (!str_empty(spec->upgrade_way_reason))
            return mem_printf("%s (%s)", upgrade_way_name(spec->upgrade_way),
                              spec->upgrade_way_reason);
    }
    return NULL;
}
