/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the original ModuleController left (engine/original.h), apart from what is ours: no instance, no revision,
 * until it is taken over.
 */
#include "lib/base/str.h"
#include "services/controller/cache_internal.h"

static char *map_key(enum object_kind kind, const char *key)
{
    return mem_printf("%s/%s", kind_name(kind), key);
}

static struct original *find(const struct cache *cache, enum object_kind kind, const char *key)
{
    if (!cache->originals.all.len) /* as nearly always */
        return NULL;
    AUTO_FREE char *found = map_key(kind, key);
    return map_get(&cache->originals.all, found);
}

const struct original *cache_original(const struct cache *cache, enum object_kind kind,
                                      const char *key)
{
    return find(cache, kind, key);
}

const struct original_list *cache_originals_of(const struct cache *cache,
                                               const char *deployment_key)
{
    return map_get(&cache->originals.of_deployment, deployment_key);
}

bool cache_originals_have_modules(const struct original_list *list)
{
    for (size_t i = 0; list && i < list->len; i++)
        if (list->items[i]->module)
            return true;
    return false;
}

static void dirty(struct cache *cache, const struct original *original)
{
    cache->on_dirty_original(cache->user, original->kind, original->key);
}

static void dirty_list(struct cache *cache, const struct original_list *list)
{
    for (size_t i = 0; list && i < list->len; i++)
        dirty(cache, list->items[i]);
}

void cache__dirty_originals_of(struct cache *cache, const char *deployment_key)
{
    dirty_list(cache, cache_originals_of(cache, deployment_key));
}

void cache__dirty_originals_on(struct cache *cache, const struct base_state *base)
{
    if (base)
        dirty_list(cache, base->originals);
}

/* -- lists -- */

static void join(struct map *lists, const char *key, struct original *original)
{
    struct original_list *list = map_get(lists, key);
    if (!list) {
        list = NEW(struct original_list);
        map_put(lists, key, list);
    }
    VEC_PUSH(list, original);
}

/* Return: the list without @original, or NULL where it was the last. */
static const struct original_list *leave(struct map *lists, const char *key,
                                         const struct original *original)
{
    struct original_list *list = map_get(lists, key);
    VEC_DROP(list, original);
    if (list->len)
        return list;
    VEC_DONE(list);
    mem_free(map_remove(lists, key));
    return NULL;
}

void cache__link_originals(struct cache *cache, struct cached_base *base)
{
    const struct original_list *list = map_get(&cache->originals.on_base, base->key);
    base->view.originals = list;
    dirty_list(cache, list);
}

/* What was left alone on its base. */
static void dirty_base(struct cache *cache, const struct original *original)
{
    struct cached_base *base =
        original->base_key ? map_get(&cache->bases, original->base_key) : NULL;
    if (!base)
        return;
    cache__link_originals(cache, base);
    cache->on_dirty_base(cache->user, base->key);
    for (size_t i = 0; i < base->view.instances.len; i++)
        cache->on_dirty_module(cache->user, cache__instance(base->view.instances.items[i])->key);
}

/* -- coming and going -- */

static void take_out(struct cache *cache, struct original *original)
{
    struct originals *originals = &cache->originals;
    const struct original_list *left =
        leave(&originals->of_deployment, original->deployment_key, original);
    if (original->base_key)
        leave(&originals->on_base, original->base_key, original);
    if (!left)
        cache->on_dirty_deployment(cache->user, original->deployment_key);
    else if (!cache_originals_have_modules(left))
        dirty_list(cache, left);
    dirty_base(cache, original);
    AUTO_FREE char *key = map_key(original->kind, original->key);
    map_remove(&originals->all, key);
    original_free(original);
}

static void put_in(struct cache *cache, struct original *original)
{
    struct originals *originals = &cache->originals;
    AUTO_FREE char *key = map_key(original->kind, original->key);
    map_put(&originals->all, key, original);
    join(&originals->of_deployment, original->deployment_key, original);
    if (original->base_key)
        join(&originals->on_base, original->base_key, original);
    dirty(cache, original);
    dirty_base(cache, original);
}

bool cache__apply_original(struct cache *cache, enum object_kind kind, const char *key,
                           const cJSON *json, bool deleted)
{
    struct original *before = find(cache, kind, key);
    struct original *now = deleted ? NULL : original_read(kind, json);
    if (before)
        take_out(cache, before);
    if (now)
        put_in(cache, now);
    return now || (before && deleted);
}

static void free_lists(struct map *lists)
{
    for (size_t i = 0; i < lists->len; i++) {
        struct original_list *list = lists->entries[i].value;
        VEC_DONE(list);
        mem_free(list);
    }
    map_done(lists);
}

void cache__originals_done(struct cache *cache)
{
    struct originals *originals = &cache->originals;
    for (size_t i = 0; i < originals->all.len; i++)
        original_free(originals->all.entries[i].value);
    map_done(&originals->all);
    free_lists(&originals->of_deployment);
    free_lists(&originals->on_base);
}
