/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_REPLACEMENT_H
#define KOUPLELESS_CONTROLLER_ENGINE_REPLACEMENT_H

#include "services/controller/engine/upgrade.h"
#include "services/controller/engine/view.h"

/*
 * What a release has still to replace: how many instances a revision lacks or has too many, which of the old ones
 * may get a successor, and in which way (upgrade.h) each would get it.
 */

/** revision_lack() - instances that @revision is to have and has not. */
int32_t revision_lack(const struct revision *revision);

/** revision_surplus() - instances beyond the wanted number that have no successor yet, and are not given up for @update. */
int32_t revision_surplus(const struct revision *revision, const struct revision *update);

/**
 * no_room_until() - how long an answer that @update finds no room counts for @revision, mono: longer where it was
 * asked since who of that goes.
 */
int64_t no_room_until(const struct revision *revision, const struct revision *update);

/**
 * gives_way_early() - how many of @revision make room for @update before their batch
 *
 * So many as @update lacks, where there is no room for them, and who is too many on bases that it may come to is less:
 * since a base was lost with an old instance that was to be replaced, or is not selected, or bases of a scale-out are still to
 * come. The oldest revision gives first. Its number stays as it is: what it lacks then comes back where room comes, also
 * while a gate waits.
 */
int32_t gives_way_early(const struct deployment_view *view, const struct revision *revision,
                        const struct revision *update);

/** revision_web_path_in_use() - whether it was learnt that @revision can't run beside the versions that it replaces. */
bool revision_web_path_in_use(const struct revision *revision);

/** no_room_elsewhere() - whether the last answer about bases for @revision was that there are too few. */
bool no_room_elsewhere(const struct revision *revision);

/** can_be_replaced() - whether @old (may be NULL) may get a successor of @update. */
bool can_be_replaced(const struct instance *old, const struct revision *update);

/** waits_for_way() - whether @instance was refused beside the old one, which is still there: another way is to be found. */
bool waits_for_way(const struct instance *instance);

/** replacement_way() - how @old would be replaced by an instance of @update. @room: another base could take that now. */
struct upgrade_choice replacement_way(const struct deployment_view *view,
                                      const struct revision *update, const struct instance *old,
                                      bool room);

/** replacement_way_of_all() - how all those of @old would be, where their bases are fit and others have room. */
enum upgrade_way replacement_way_of_all(const struct deployment_view *view,
                                        const struct revision *update, const struct revision *old);

/**
 * replacement_told() - which way was taken, and why no better one: "InPlace (WebPathInUse,NoCapacity)"
 *
 * Of the newest instance of @update (may be NULL) that has such a reason; few are looked at, since those of one
 * batch have mostly the same. Return: owned; NULL where each got the best way.
 */
char *replacement_told(const struct revision *update);

#endif
