/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds over heaps of heaps.
 *
 * A choice changes the load of one zone and one node, and with it the place in the order of every item
 * there. One heap of items would have to be rebuilt each round. But within one node all items share
 * both loads, so their order among themselves never changes, and the same holds for the nodes of a
 * zone. So there are three levels, and a round touches one path from the top down:
 *
 *     zones, by (rank of the best item, load of the zone, load of that item's node, name)
 *       nodes of a zone, by (rank of the best item, load of the node, name)
 *         items of a node, by (rank, name)
 *
 * A round costs O(log n), building O(n), and most of the time goes into building. So: items whose rank
 * is beyond that of the k-th can't be chosen, and are left out; the items of a node are a chain with a
 * known best one, and become a heap only when that is taken; and names are compared by the eight bytes
 * that follow what all have in common.
 */
#include "services/scheduler/engine/spread.h"

#include <string.h>

#include "lib/base/mem.h"
#include "services/scheduler/engine/groups.h"
#include "services/scheduler/engine/select.h"

#define NONE UINT32_MAX

/* An item that may be chosen. */
struct entry {
    int64_t rank;
    uint64_t key; /* orders names, but where it is equal */
    const char *name;
    uint32_t item;
    uint32_t next; /* in the chain of its node */
};

struct spread {
    enum name_order order;
    size_t common; /* bytes that all names begin with alike */
    struct entry *entries;
    uint32_t len;
    struct groups zones, nodes;
    uint32_t *node_room, *zone_room; /* memory of the heaps' members */
    struct heap top;
};

/* -- the three orders -- */

/* Names whose keys are equal. */
static bool name_before(const struct spread *s, uint32_t a, uint32_t b)
{
    int order = strcmp(s->entries[a].name, s->entries[b].name);
    return s->order == NAME_ASCENDING ? order < 0 : order > 0;
}

static bool entry_before(const void *of, uint32_t a, uint32_t b)
{
    const struct spread *s = of;
    const struct entry *x = &s->entries[a], *y = &s->entries[b];
    if (x->rank != y->rank)
        return x->rank < y->rank;
    return x->key != y->key ? x->key < y->key : name_before(s, a, b);
}

static bool node_before(const void *of, uint32_t a, uint32_t b)
{
    const struct spread *s = of;
    const struct group *x = &s->nodes.items[a], *y = &s->nodes.items[b];
    if (x->best_rank != y->best_rank)
        return x->best_rank < y->best_rank;
    if (x->load != y->load)
        return x->load < y->load;
    return x->best_key != y->best_key ? x->best_key < y->best_key
                                      : name_before(s, x->best, y->best);
}

static bool zone_before(const void *of, uint32_t a, uint32_t b)
{
    const struct spread *s = of;
    const struct group *x = &s->zones.items[a], *y = &s->zones.items[b];
    uint32_t node_x = x->members.items[0], node_y = y->members.items[0];
    int64_t rank_x = s->nodes.items[node_x].best_rank, rank_y = s->nodes.items[node_y].best_rank;
    if (rank_x != rank_y)
        return rank_x < rank_y;
    return x->load != y->load ? x->load < y->load : node_before(s, node_x, node_y);
}

/* -- building -- */

/* The highest rank that can be chosen; false where there is nothing to choose. */
static bool rank_limit(const struct spread_item *items, size_t count, size_t wanted, int64_t *ret)
{
    int64_t *ranks = mem_alloc(count * sizeof(*ranks));
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        if (items[i].candidate)
            ranks[len++] = items[i].rank;
    if (len && wanted)
        *ret = select_kth(ranks, len, (wanted < len ? wanted : len) - 1);
    mem_free(ranks);
    return len && wanted;
}

static size_t common_prefix(const struct spread_item *items, size_t count)
{
    const char *first = items[0].name;
    size_t common = strlen(first);
    for (size_t i = 1; i < count; i++) {
        if (strncmp(first, items[i].name, common) == 0)
            continue;
        common = 0;
        while (first[common] == items[i].name[common])
            common++;
    }
    return common;
}

/* The first bytes of @text as a number that orders as they do. */
static uint64_t key_of(const struct spread *s, const char *text)
{
    uint64_t key = 0;
    for (int i = 0; i < 8; i++)
        key = key << 8 | (*text ? (unsigned char)*text++ : 0);
    return s->order == NAME_ASCENDING ? key : ~key;
}

static const char *text_of(const char *text)
{
    return text ? text : "";
}

static void set_best(struct spread *s, struct group *node, uint32_t entry)
{
    node->best = entry;
    node->best_rank = s->entries[entry].rank;
    node->best_key = s->entries[entry].key;
}

static void add_entry(struct spread *s, struct group *node, const struct spread_item *item,
                      uint32_t index)
{
    uint32_t entry = s->len++;
    s->entries[entry] = (struct entry){.rank = item->rank,
                                       .key = key_of(s, item->name + s->common),
                                       .name = item->name,
                                       .item = index,
                                       .next = node->count ? node->first : NONE};
    node->first = entry;
    if (node->count++ == 0 || entry_before(s, entry, node->best))
        set_best(s, node, entry);
}

static void add_items(struct spread *s, const struct spread_item *items, size_t count,
                      int64_t limit)
{
    s->common = common_prefix(items, count);
    s->entries = mem_alloc(count * sizeof(*s->entries));
    for (size_t i = 0; i < count; i++) {
        const struct spread_item *item = &items[i];
        bool enters = item->candidate && item->rank <= limit;
        if (!enters && !item->weight)
            continue;
        struct group *zone = groups_find(&s->zones, NONE, text_of(item->zone));
        struct group *node =
            groups_find(&s->nodes, (uint32_t)(zone - s->zones.items), text_of(item->node));
        zone->load += item->weight;
        node->load += item->weight;
        if (!enters)
            continue;
        zone->count += node->count == 0;
        add_entry(s, node, item, (uint32_t)i);
    }
}

static void append(struct heap *heap, uint32_t member)
{
    heap->items[heap->len++] = member;
}

static void fill_zones(struct spread *s)
{
    uint32_t *room = s->node_room = mem_alloc(s->nodes.len * sizeof(*room));
    for (uint32_t i = 0; i < s->zones.len; i++) {
        struct group *zone = &s->zones.items[i];
        zone->members = (struct heap){.items = room, .before = node_before, .of = s};
        room += zone->count;
    }
    for (uint32_t i = 0; i < s->nodes.len; i++)
        if (s->nodes.items[i].count)
            append(&s->zones.items[s->nodes.items[i].parent].members, i);
    for (uint32_t i = 0; i < s->zones.len; i++)
        heap_build(&s->zones.items[i].members);
}

static void fill_top(struct spread *s)
{
    s->zone_room = mem_alloc(s->zones.len * sizeof(*s->zone_room));
    s->top = (struct heap){.items = s->zone_room, .before = zone_before, .of = s};
    for (uint32_t i = 0; i < s->zones.len; i++)
        if (s->zones.items[i].count)
            append(&s->top, i);
    heap_build(&s->top);
}

/* -- choosing -- */

static void make_heap(struct spread *s, struct group *node)
{
    node->members = (struct heap){
        .items = mem_alloc(node->count * sizeof(uint32_t)), .before = entry_before, .of = s};
    for (uint32_t entry = node->first; entry != NONE; entry = s->entries[entry].next)
        append(&node->members, entry);
    heap_build(&node->members);
}

/* Removes the best entry of a node; the next one becomes the best. */
static void drop_best(struct spread *s, struct group *node)
{
    if (!node->members.items)
        make_heap(s, node);
    heap_drop_top(&node->members);
    if (node->members.len)
        set_best(s, node, node->members.items[0]);
}

/* After a change below the first member: it goes where it is empty, else finds its place again. */
static void settle(struct heap *heap, const struct heap *below)
{
    if (below->len)
        heap_settle_top(heap);
    else
        heap_drop_top(heap);
}

static uint32_t take_first(struct spread *s)
{
    struct group *zone = &s->zones.items[s->top.items[0]];
    struct group *node = &s->nodes.items[zone->members.items[0]];
    uint32_t item = s->entries[node->best].item;
    zone->load++;
    node->load++;
    drop_best(s, node);
    settle(&zone->members, &node->members);
    settle(&s->top, &zone->members);
    return item;
}

static void spread_done(struct spread *s)
{
    for (uint32_t i = 0; i < s->nodes.len; i++)
        mem_free(s->nodes.items[i].members.items);
    groups_done(&s->zones);
    groups_done(&s->nodes);
    mem_free(s->entries);
    mem_free(s->node_room);
    mem_free(s->zone_room);
}

size_t spread_choose(const struct spread_item *items, size_t count, enum name_order order,
                     size_t wanted, uint32_t *out)
{
    struct spread s = {.order = order};
    int64_t limit;
    if (!rank_limit(items, count, wanted, &limit))
        return 0;
    add_items(&s, items, count, limit);
    fill_zones(&s);
    fill_top(&s);
    size_t chosen = 0;
    while (chosen < wanted && s.top.len)
        out[chosen++] = take_first(&s);
    spread_done(&s);
    return chosen;
}
