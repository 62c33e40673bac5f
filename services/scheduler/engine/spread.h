/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_ENGINE_SPREAD_H
#define KOUPLELESS_SCHEDULER_ENGINE_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Choosing k of n, evenly over zones and nodes: the common core of placement and eviction, which
 * differ in what goes first and in the direction of every tie.
 */
struct spread_item {
    const char *name; /* not NULL; unique among the candidates */
    const char *zone; /* NULL and "" are one zone of its own */
    const char *node; /* the same, within its zone */
    int64_t rank;     /* the lowest goes first */
    int32_t weight;   /* what it adds to the load of its zone and node from the start */
    bool candidate;   /* may be chosen; otherwise only its weight counts */
};

enum name_order { NAME_ASCENDING, NAME_DESCENDING };

/**
 * spread_choose() - indices of the @wanted items that go first, in that order
 * @items: @count, at most UINT32_MAX
 * @out:   room for @wanted indices
 *
 * In each round the item goes that is first by rank, then by the load of its zone, then of its node
 * (the lowest first), then by name; then one is added to the load of its zone and of its node. The
 * answer depends on the items alone, not on their order. O(n + k log n).
 * Return: how many were chosen; fewer than @wanted where there are no more candidates.
 */
size_t spread_choose(const struct spread_item *items, size_t count, enum name_order order,
                     size_t wanted, uint32_t *out);

#endif
