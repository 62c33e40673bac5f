/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_ENGINE_HEAP_H
#define KOUPLELESS_SCHEDULER_ENGINE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A binary heap over a caller's array of indices: items[0] is the one that goes before all others.
 * before() is a total order, so the heap's answers don't depend on the order it was filled in.
 */
struct heap {
    uint32_t *items; /* borrowed */
    size_t len;
    bool (*before)(const void *of, uint32_t a, uint32_t b);
    const void *of;
};

/** heap_build() - makes a heap of items in any order; O(len). */
void heap_build(struct heap *heap);

/** heap_settle_top() - after the key of items[0] has changed for the later; O(log len). */
void heap_settle_top(struct heap *heap);

/** heap_drop_top() - removes items[0]; O(log len). */
void heap_drop_top(struct heap *heap);

#endif
