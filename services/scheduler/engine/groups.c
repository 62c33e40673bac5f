/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/groups.h"

#include <string.h>

#include "lib/base/mem.h"

#define MIX UINT64_C(0x9e3779b97f4a7c15)

/* Eight bytes a step. Only places in a table follow from it, never an answer. */
static uint64_t add_hash(uint64_t hash, const char *text)
{
    size_t len = strlen(text);
    hash = (hash ^ len) * MIX;
    for (; len; text += len < 8 ? len : 8, len -= len < 8 ? len : 8) {
        uint64_t word = 0;
        memcpy(&word, text, len < 8 ? len : 8);
        hash = (hash ^ word) * MIX;
        hash ^= hash >> 32;
    }
    return hash;
}

/* The slot that holds the group, or the free one where it belongs. */
static uint32_t *find_slot(const struct groups *groups, uint64_t hash, uint32_t parent,
                           const char *name)
{
    size_t at = (size_t)hash & (groups->slot_count - 1);
    while (groups->slots[at]) {
        const struct group *group = &groups->items[groups->slots[at] - 1];
        if (group->hash == hash && group->parent == parent && strcmp(group->name, name) == 0)
            break;
        at = (at + 1) & (groups->slot_count - 1);
    }
    return &groups->slots[at];
}

static void grow(struct groups *groups)
{
    groups->cap = groups->cap ? groups->cap * 4 : 64;
    groups->items = mem_resize(groups->items, groups->cap, sizeof(*groups->items));
    mem_free(groups->slots);
    groups->slot_count = (size_t)groups->cap * 2;
    groups->slots = mem_alloc(groups->slot_count * sizeof(*groups->slots));
    for (uint32_t i = 0; i < groups->len; i++) {
        const struct group *group = &groups->items[i];
        *find_slot(groups, group->hash, group->parent, group->name) = i + 1;
    }
}

struct group *groups_find(struct groups *groups, uint32_t parent, const char *name)
{
    if (groups->len == groups->cap)
        grow(groups);
    uint64_t hash = add_hash(parent, name);
    uint32_t *slot = find_slot(groups, hash, parent, name);
    if (!*slot) {
        groups->items[groups->len] = (struct group){.name = name, .hash = hash, .parent = parent};
        *slot = ++groups->len;
    }
    return &groups->items[*slot - 1];
}

void groups_done(struct groups *groups)
{
    mem_free(groups->items);
    mem_free(groups->slots);
    *groups = (struct groups){0};
}
