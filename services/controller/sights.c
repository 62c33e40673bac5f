/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/sights.h"

#include "lib/base/str.h"

static char *sights_key(enum object_kind kind, const char *key)
{
    return mem_printf("%s/%s", kind_name(kind), key);
}

struct sight *sight_new(struct map *sights, enum object_kind kind, const char *key, void *user)
{
    AUTO_FREE char *name = sights_key(kind, key);
    struct list *of_object = map_get(sights, name);
    if (!of_object) {
        of_object = NEW(struct list);
        list_init(of_object);
        map_put(sights, name, of_object);
    }
    struct sight *sight = NEW(struct sight);
    sight->kind = kind;
    sight->user = user;
    list_init(&sight->of_work);
    list_append(of_object, &sight->of_object);
    return sight;
}

static void free_sight(struct sight *sight)
{
    list_remove(&sight->of_work);
    list_remove(&sight->of_object);
    for (size_t i = 0; i < sight->seen.len; i++)
        mem_free(sight->seen.items[i]);
    VEC_DONE(&sight->seen);
    mem_free(sight->awaited);
    mem_free(sight->assumed_base);
    mem_free(sight);
}

bool sight_had(const struct sight *sight, const char *resource_version)
{
    for (size_t i = 0; i < sight->seen.len; i++)
        if (str_eq(sight->seen.items[i], resource_version))
            return true;
    return false;
}

static void forget_if_empty(struct map *sights, const char *name)
{
    struct list *of_object = map_get(sights, name);
    if (of_object && list_empty(of_object))
        mem_free(map_remove(sights, name));
}

void sight_end(struct map *sights, const char *key, struct sight *sight)
{
    AUTO_FREE char *name = sights_key(sight->kind, key);
    free_sight(sight);
    forget_if_empty(sights, name);
}

void sights_end(struct map *sights, struct list *of_work)
{
    LIST_FOR_EACH (node, of_work) {
        free_sight(LIST_ENTRY(node, struct sight, of_work));
    }
    for (size_t i = sights->len; i-- > 0;)
        forget_if_empty(sights, sights->entries[i].key);
}

/* Before the answer it is taken down. Return: whether it is what was waited for. */
static bool is_awaited(struct sight *sight, const char *resource_version)
{
    if (sight->any)
        return true;
    if (sight->awaited)
        return !resource_version || str_eq(sight->awaited, resource_version);
    if (resource_version)
        VEC_PUSH(&sight->seen, mem_strdup(resource_version));
    else
        sight->gone = true;
    return false;
}

void sights_saw(struct map *sights, enum object_kind kind, const char *key,
                const char *resource_version, void (*on_seen)(void *user))
{
    AUTO_FREE char *name = sights_key(kind, key);
    struct list *of_object = map_get(sights, name);
    if (!of_object)
        return;
    LIST_FOR_EACH (node, of_object) {
        struct sight *sight = LIST_ENTRY(node, struct sight, of_object);
        void *user = sight->user;
        if (!is_awaited(sight, resource_version))
            continue;
        free_sight(sight);
        on_seen(user);
    }
    forget_if_empty(sights, name);
}

void sights_done(struct map *sights)
{
    for (size_t i = 0; i < sights->len; i++)
        mem_free(sights->entries[i].value);
    map_done(sights);
}
