/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/since.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

#define KNOWN_MS 60000

struct moment {
    int64_t ms; /* or an epoch */
};

static void put(struct map *map, const char *key, int64_t ms)
{
    struct moment *moment = NEW(struct moment);
    moment->ms = ms;
    mem_free(map_put(map, key, moment));
}

static void drop(struct map *map)
{
    for (size_t i = 0; i < map->len; i++)
        mem_free(map->entries[i].value);
    map_done(map);
}

/* -- labels -- */

/* Those of @base that were on and are not any more. */
static void note_off(struct map *labels, const struct base *base, const char *name, int64_t now_ms)
{
    AUTO_FREE char *prefix = mem_printf("%s/", name);
    for (size_t i = 0; i < labels->len; i++) {
        struct moment *moment = labels->entries[i].value;
        if (moment->ms != TIME_NEVER || !str_starts_with(labels->entries[i].key, prefix))
            continue;
        AUTO_FREE char *label =
            mem_printf(LABEL_TRAFFIC_PREFIX "%s", labels->entries[i].key + strlen(prefix));
        if (!base || !json_map_get(&base->meta.labels, label))
            moment->ms = now_ms;
    }
}

static void note_on(struct map *labels, const struct base *base)
{
    for (size_t i = 0; i < base->meta.labels.len; i++) {
        const char *key = base->meta.labels.items[i].key;
        if (!str_starts_with(key, LABEL_TRAFFIC_PREFIX))
            continue;
        AUTO_FREE char *place =
            mem_printf("%s/%s", base->meta.name, key + strlen(LABEL_TRAFFIC_PREFIX));
        put(labels, place, TIME_NEVER);
    }
}

int64_t since_unlabelled_ms(const struct since *since, const char *base, const char *module)
{
    AUTO_FREE char *place = mem_printf("%s/%s", base, module);
    const struct moment *moment = map_get(&since->labels, place);
    return moment ? moment->ms : 0;
}

/* -- Modules -- */

static void note_module(struct map *modules, const struct module *module, const char *uid,
                        int64_t now_ms)
{
    bool available = module && module->status.phase == MODULE_AVAILABLE;
    if (!available)
        mem_free(map_remove(modules, uid));
    else if (!map_get(modules, uid))
        put(modules, uid, now_ms);
}

int64_t since_available_ms(const struct since *since, const struct module *module)
{
    const struct moment *moment = map_get(&since->modules, module->meta.uid);
    return moment ? moment->ms : TIME_NEVER;
}

/* -- operations -- */

int64_t since_epoch(struct since *since, const struct sim_base *base, const char *module,
                    int64_t epoch)
{
    AUTO_FREE char *place = mem_printf("%s/%d/%s", base->name, base->agent_starts, module);
    const struct moment *moment = map_get(&since->epochs, place);
    int64_t before = moment ? moment->ms : 0;
    if (epoch > before)
        put(&since->epochs, place, epoch);
    return before;
}

/* -- all of it -- */

void since_change(struct since *since, const struct picture *picture, enum object_kind kind,
                  const char *name, const char *uid, int64_t now_ms)
{
    if (kind == KIND_MODULE)
        note_module(&since->modules, map_get(&picture->modules, name), uid, now_ms);
    if (kind != KIND_BASE)
        return;
    const struct base *base = map_get(&picture->base_objects, name);
    note_off(&since->labels, base, name, now_ms);
    if (base)
        note_on(&since->labels, base);
}

void since_done(struct since *since)
{
    drop(&since->labels);
    drop(&since->modules);
    drop(&since->epochs);
}

/* -- demands -- */

int64_t demand_least(const struct demand *demand, int64_t now_ms)
{
    bool known = now_ms - demand->changed_ms > KNOWN_MS;
    return known || demand->is < demand->was ? demand->is : demand->was;
}

void demand_set(struct demand *demand, int64_t value, int64_t now_ms)
{
    if (value == demand->is)
        return;
    demand->was = demand_least(demand, now_ms);
    demand->is = value;
    demand->changed_ms = now_ms;
}
