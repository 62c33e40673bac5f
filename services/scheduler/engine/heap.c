/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/heap.h"

static void sift_down(struct heap *heap, size_t at)
{
    uint32_t moving = heap->items[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->len)
            break;
        if (child + 1 < heap->len &&
            heap->before(heap->of, heap->items[child + 1], heap->items[child]))
            child++;
        if (!heap->before(heap->of, heap->items[child], moving))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = moving;
}

void heap_build(struct heap *heap)
{
    for (size_t i = heap->len / 2; i-- > 0;)
        sift_down(heap, i);
}

void heap_settle_top(struct heap *heap)
{
    if (heap->len)
        sift_down(heap, 0);
}

void heap_drop_top(struct heap *heap)
{
    heap->items[0] = heap->items[--heap->len];
    heap_settle_top(heap);
}
