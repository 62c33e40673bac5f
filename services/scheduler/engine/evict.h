/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_ENGINE_EVICT_H
#define KOUPLELESS_SCHEDULER_ENGINE_EVICT_H

#include "services/scheduler/engine/place.h"

/* Which instances of one revision go first: placement in the mirror. */
struct evict_instance {
    const char *name;        /* unique in the question; not NULL */
    const char *node, *zone; /* of its base; NULL or "" = not known */
    int32_t module_count;    /* modules on its base; >= 0 */
    bool healthy;            /* it is installed and healthy */
    bool base_ready;
};

/**
 * evict() - choose @wanted instances to remove
 * @instances: all instances of the revision, @count, in any order
 * @out:       room for min(@wanted, @count) indices
 *
 * Instances that are not healthy go first, then those whose base is not ready. Then, for scatter, the
 * one on the base with the most modules; among those the one in the zone, then on the node, where the
 * most instances remain; then by name, the last one first. For stacking the one on the base with the
 * fewest modules, then by name, the last one first. O(n + k log n).
 * Return: how many were chosen.
 */
size_t evict(const struct evict_instance *instances, size_t count, enum place_policy policy,
             size_t wanted, uint32_t *out);

#endif
