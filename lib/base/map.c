/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/map.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->len; i++)
        mem_free(map->entries[i].key);
    mem_free(map->entries);
    mem_free(map->slots);
    *map = (struct map){0};
}

/* The slot that holds @key, or the free slot where it would go. */
static size_t find_slot(const struct map *map, const char *key, uint64_t hash)
{
    size_t mask = map->slot_count - 1;
    for (size_t s = hash & mask;; s = (s + 1) & mask) {
        uint32_t index = map->slots[s];
        if (index == 0)
            return s;
        const struct map_entry *entry = &map->entries[index - 1];
        if (entry->hash == hash && strcmp(entry->key, key) == 0)
            return s;
    }
}

static void grow(struct map *map)
{
    if (map->len == map->cap) {
        map->cap = map->cap ? map->cap * 2 : 8;
        map->entries = mem_resize(map->entries, map->cap, sizeof(*map->entries));
    }
    if ((map->len + 1) * 4 <= map->slot_count * 3)
        return;
    map->slot_count = map->slot_count ? map->slot_count * 2 : 16;
    mem_free(map->slots);
    map->slots = mem_alloc(map->slot_count * sizeof(*map->slots));
    for (size_t i = 0; i < map->len; i++)
        map->slots[find_slot(map, map->entries[i].key, map->entries[i].hash)] = (uint32_t)i + 1;
}

void *map_put(struct map *map, const char *key, void *value)
{
    grow(map);
    uint64_t hash = str_hash(key, strlen(key));
    size_t slot = find_slot(map, key, hash);
    if (map->slots[slot]) {
        struct map_entry *entry = &map->entries[map->slots[slot] - 1];
        void *old = entry->value;
        entry->value = value;
        return old;
    }
    map->entries[map->len] = (struct map_entry){mem_strdup(key), value, hash};
    map->slots[slot] = (uint32_t)++map->len;
    return NULL;
}

void *map_get(const struct map *map, const char *key)
{
    if (!map->len || !key)
        return NULL;
    size_t slot = find_slot(map, key, str_hash(key, strlen(key)));
    return map->slots[slot] ? map->entries[map->slots[slot] - 1].value : NULL;
}

/* Frees slot @hole and shifts back the followers whose probe path went through it. */
static void close_hole(struct map *map, size_t hole)
{
    size_t mask = map->slot_count - 1;
    map->slots[hole] = 0;
    for (size_t s = (hole + 1) & mask; map->slots[s]; s = (s + 1) & mask) {
        size_t home = map->entries[map->slots[s] - 1].hash & mask;
        if (((s - home) & mask) >= ((s - hole) & mask)) {
            map->slots[hole] = map->slots[s];
            map->slots[s] = 0;
            hole = s;
        }
    }
}

void *map_remove(struct map *map, const char *key)
{
    if (!map->len || !key)
        return NULL;
    size_t slot = find_slot(map, key, str_hash(key, strlen(key)));
    if (!map->slots[slot])
        return NULL;
    size_t index = map->slots[slot] - 1;
    struct map_entry removed = map->entries[index];
    close_hole(map, slot);
    if (index != --map->len) {
        struct map_entry last = map->entries[map->len];
        map->slots[find_slot(map, last.key, last.hash)] = (uint32_t)index + 1;
        map->entries[index] = last;
    }
    mem_free(removed.key);
    return removed.value;
}
