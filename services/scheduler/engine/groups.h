/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_ENGINE_GROUPS_H
#define KOUPLELESS_SCHEDULER_ENGINE_GROUPS_H

#include "services/scheduler/engine/heap.h"

/* A zone, or a node within a zone. */
struct group {
    const char *name; /* borrowed */
    uint64_t hash;
    uint32_t parent; /* of a node: its zone */
    int32_t load;
    uint32_t count; /* of a node: its entries; of a zone: its nodes that have entries */
    uint32_t first; /* of a node: the first of its chain of entries */

    /* Of a node: the entry that goes first, and what orders it, so that comparing nodes looks nowhere else. */
    uint32_t best;
    int64_t best_rank;
    uint64_t best_key;

    struct heap members; /* of a node: made when its first entry is taken */
};

/* Groups by (parent, name). Zeroed is empty. */
struct groups {
    struct group *items;
    uint32_t len, cap;
    uint32_t *slots; /* index + 1, 0 = free */
    size_t slot_count;
};

/** groups_find() - the group, made where there is none yet; valid until the next one is made. */
struct group *groups_find(struct groups *groups, uint32_t parent, const char *name);

void groups_done(struct groups *groups);

#endif
