/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_LIST_H
#define KOUPLELESS_BASE_LIST_H

#include <stdbool.h>

#include "lib/base/mem.h"

/*
 * Intrusive, circular, doubly linked list: membership without allocation.
 * A head and a node that is in no list point at themselves.
 */
struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/** list_remove() - takes @node out of its list, if it is in one. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* The body may remove `it`. */
#define LIST_FOR_EACH(it, head)                                                                    \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

#endif
