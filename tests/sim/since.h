/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_SINCE_H
#define KOUPLELESS_SIM_SINCE_H

#include "tests/sim/picture.h"

/*
 * Since when things are as they are in a simulated world, for what has to last. Times of its clock; looked at when the
 * store changes, so no program's own word counts.
 */
struct since {
    struct map labels;  /* "base/module" whose traffic label has been on -> struct moment */
    struct map modules; /* uid of a Module that is Available -> struct moment */
    struct map epochs; /* "base/module" -> struct moment: the highest epoch of an operation on it */
};

/** since_change() - the object of @kind and @name has changed, which @picture shows. */
void since_change(struct since *since, const struct picture *picture, enum object_kind kind,
                  const char *name, const char *uid, int64_t now_ms);
void since_done(struct since *since);

/** since_unlabelled_ms() - when traffic for @module was taken off @base last; 0: it never had any, TIME_NEVER: it has. */
int64_t since_unlabelled_ms(const struct since *since, const char *base, const char *module);

/**
 * since_epoch() - an operation of @epoch on @module of @base begins. Return: the highest epoch of those before, since
 * the agent has started: it forgets; 0: none.
 */
int64_t since_epoch(struct since *since, const struct sim_base *base, const char *module,
                    int64_t epoch);

/** since_available_ms() - since when @module is Available; TIME_NEVER: it is not. */
int64_t since_available_ms(const struct since *since, const struct module *module);

/*
 * A number that users change. Whoever acts on it learns of that later: for a minute the least of what it was and is
 * counts.
 */
struct demand {
    int64_t is, was;
    int64_t changed_ms;
};

void demand_set(struct demand *demand, int64_t value, int64_t now_ms);
int64_t demand_least(const struct demand *demand, int64_t now_ms);

#endif
