/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/answers.h"

struct chosen chosen_of(const struct revision *revision)
{
    const struct json_strings *names = &revision->evict.names;
    struct chosen chosen = {.items = mem_alloc(names->len * sizeof(struct instance *))};
    for (size_t i = 0; i < names->len; i++)
        map_put(&chosen.names, names->items[i], &chosen.items[i]);
    for (size_t i = 0; names->len && i < revision->instances.len; i++) {
        struct instance *instance = revision->instances.items[i];
        struct instance **place = map_get(&chosen.names, instance->module->meta.name);
        if (place)
            *place = instance;
    }
    for (size_t i = 0; i < names->len; i++) /* who is gone leaves no gap */
        if (chosen.items[i])
            chosen.items[chosen.len++] = chosen.items[i];
    return chosen;
}

void chosen_done(struct chosen *chosen)
{
    mem_free(chosen->items);
    map_done(&chosen->names);
}

bool chosen_has(const struct chosen *chosen, const struct instance *instance)
{
    return map_get(&chosen->names, instance->module->meta.name) != NULL;
}

static void note_occupied(const struct revision *revision, struct map *occupied)
{
    for (size_t i = 0; i < revision->instances.len; i++)
        map_put(occupied, revision->instances.items[i]->module->spec.base_name,
                revision->instances.items[i]);
}

struct offered offered_of(const struct deployment_view *view)
{
    struct offered offered = {0};
    bool any = false;
    for (size_t i = 0; i < view->revision_count; i++)
        any |= view->revisions[i]->place.state == PLACEMENT_ANSWERED;
    for (size_t i = 0; any && i < view->revision_count; i++)
        note_occupied(view->revisions[i], &offered.occupied);
    for (size_t i = 0; any && i < view->base_count; i++)
        map_put(&offered.bases, view->bases[i]->base->meta.name, view->bases[i]);
    return offered;
}

void offered_done(struct offered *offered)
{
    map_done(&offered->bases);
    map_done(&offered->occupied);
}

const char *offered_next(struct offered *offered, const struct revision *revision, size_t *at)
{
    while (*at < revision->place.names.len) {
        const char *name = revision->place.names.items[(*at)++];
        struct base_state *base = map_get(&offered->bases, name);
        if (!base || !base_eligible(base, &revision->rs->spec.template) ||
            map_get(&offered->occupied, name))
            continue;
        map_put(&offered->occupied, name, base);
        return name;
    }
    return NULL;
}
