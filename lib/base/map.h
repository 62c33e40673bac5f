/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_MAP_H
#define KOUPLELESS_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * map: string -> pointer. Open addressing, keys copied, values borrowed. Zeroed is empty.
 * The order of iteration is that of insertion as long as nothing is removed; a removal moves the
 * last entry into the gap. So iteration is deterministic.
 */
struct map_entry {
    char *key; /* owned by the map */
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* dense, in order */
    size_t len, cap;
    uint32_t *slots; /* index + 1 into entries, 0 = free */
    size_t slot_count;
};

void map_done(struct map *map);

/** map_put() - sets @key to @value (not NULL). Return: the value it replaced, or NULL. */
void *map_put(struct map *map, const char *key, void *value);

/** map_get() - Return: the value of @key, or NULL. */
void *map_get(const struct map *map, const char *key);

/** map_remove() - Return: the value that @key had, or NULL. */
void *map_remove(struct map *map, const char *key);

/* Iteration: for (size_t i = 0; i < map.len; i++) use(map.entries[i].key, map.entries[i].value); */

#endif
