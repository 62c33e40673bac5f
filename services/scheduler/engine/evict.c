/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/evict.h"

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "services/scheduler/engine/spread.h"

/* Above any number of modules. */
#define RANK_BASE_READY ((int64_t)1 << 33)
#define RANK_HEALTHY ((int64_t)1 << 34)

static int64_t rank_of(const struct evict_instance *instance, enum place_policy policy)
{
    int64_t count = instance->module_count;
    return (instance->healthy ? RANK_HEALTHY : 0) + (instance->base_ready ? RANK_BASE_READY : 0) +
           (policy == PLACE_SCATTER ? -count : count);
}

size_t evict(const struct evict_instance *instances, size_t count, enum place_policy policy,
             size_t wanted, uint32_t *out)
{
    ASSERT(count < UINT32_MAX);
    struct spread_item *items = mem_alloc(count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        const struct evict_instance *instance = &instances[i];
        items[i] = (struct spread_item){
            .name = instance->name, .rank = rank_of(instance, policy), .candidate = true};
        if (policy == PLACE_STACKING)
            continue;
        /* Each instance that remains weighs -1: the fullest zone has the lowest load, and goes first. */
        items[i].zone = instance->zone;
        items[i].node = instance->node;
        items[i].weight = -1;
    }
    size_t chosen = spread_choose(items, count, NAME_DESCENDING, wanted, out);
    mem_free(items);
    return chosen;
}
