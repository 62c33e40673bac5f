/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_VEC_H
#define KOUPLELESS_BASE_VEC_H

#include "lib/base/mem.h"

/*
 * VEC(type): a typed growing array. Zeroed is empty. `items` moves when it grows.
 *
 *     VEC(struct action) actions = {0};
 *     VEC_PUSH(&actions, (struct action){...});
 *     for (size_t i = 0; i < actions.len; i++) use(&actions.items[i]);
 *     VEC_DONE(&actions);
 */
#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t len, cap;                                                                           \
    }

#define VEC_RESERVE(v, n)                                                                          \
    do {                                                                                           \
        if ((n) > (v)->cap) {                                                                      \
            (v)->cap = (n) > (v)->cap * 2 ? (n) : (v)->cap * 2;                                    \
            (v)->items = mem_resize((v)->items, (v)->cap, sizeof(*(v)->items));                    \
        }                                                                                          \
    } while (0)

#define VEC_PUSH(v, ...)                                                                           \
    do {                                                                                           \
        VEC_RESERVE((v), (v)->len + 1);                                                            \
        (v)->items[(v)->len++] = (__VA_ARGS__);                                                    \
    } while (0)

/* Removes item i; the last takes its place. */
#define VEC_REMOVE_SWAP(v, i) ((v)->items[(i)] = (v)->items[--(v)->len])

/* Removes the first one that equals @item, where there is one; the last takes its place. */
#define VEC_DROP(v, item)                                                                          \
    do {                                                                                           \
        for (size_t drop_ = 0; drop_ < (v)->len; drop_++)                                          \
            if ((v)->items[drop_] == (item)) {                                                     \
                VEC_REMOVE_SWAP((v), drop_);                                                       \
                break;                                                                             \
            }                                                                                      \
    } while (0)

#define VEC_DONE(v)                                                                                \
    do {                                                                                           \
        mem_free((v)->items);                                                                      \
        (v)->items = NULL;                                                                         \
        (v)->len = (v)->cap = 0;                                                                   \
    } while (0)

#endif
