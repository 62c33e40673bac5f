/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_SIGHTS_H
#define KOUPLELESS_CONTROLLER_SIGHTS_H

#include "lib/base/list.h"
#include "lib/base/map.h"
#include "lib/base/vec.h"
#include "services/controller/store/store.h"

/*
 * What the cache is to see of objects that are written. What it sees and what a write answers come in either order.
 * So from its begin each write takes down which versions of its object the cache sees; the answer says for which of
 * them it was.
 *
 * All of them stand in a map: "Kind/namespace/name" -> struct list of struct sight.of_object.
 */
struct sight {
    struct list of_object;
    struct list of_work; /* in none while the write has no answer */
    enum object_kind kind;
    void *user;
    char *awaited;    /* the version that the write made; NULL: no answer yet */
    VEC(char *) seen; /* versions that came before the answer */
    bool gone;        /* the object went */
    bool any; /* nobody knows whether the write was made: whatever is seen of the object is it */
    char *assumed_base; /* where a Module counts until then; owned, or NULL */
};

/**
 * sight_new() - of the object of @kind with that key ("namespace/name"), from now on. Owned by @sights until it is
 * ended or seen.
 */
struct sight *sight_new(struct map *sights, enum object_kind kind, const char *key, void *user);

/** sight_had() - whether @resource_version came before the answer. */
bool sight_had(const struct sight *sight, const char *resource_version);

/** sight_end() - it is not waited for. */
void sight_end(struct map *sights, const char *key, struct sight *sight);

/** sights_end() - nor are those that are in @of_work; seldom, so all are looked at. */
void sights_end(struct map *sights, struct list *of_work);

/**
 * sights_saw() - the cache has @resource_version of the object; NULL: it is gone
 * @on_seen: called for each sight that waited for this, with its user; it is freed before
 */
void sights_saw(struct map *sights, enum object_kind kind, const char *key,
                const char *resource_version, void (*on_seen)(void *user));

/** sights_done() - of all works that have ended. */
void sights_done(struct map *sights);

#endif
