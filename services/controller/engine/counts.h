/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_COUNTS_H
#define KOUPLELESS_CONTROLLER_ENGINE_COUNTS_H

#include "services/controller/engine/view.h"

/* What the revisions of a deployment count for. */

/** symmetric_target() - bases that run the module and are to keep it, or could: what a symmetric deployment wants */
int32_t symmetric_target(const struct deployment_view *view, const struct revision *update);

/**
 * counted() - how many instances @revision counts for: what it is to have, so that a lost one comes back
 *
 * A symmetric deployment's instances go with their bases, so there it is what exists.
 */
int32_t counted(const struct deployment_view *view, const struct revision *revision);

/** counted_others() - the same of all revisions but @update. */
int32_t counted_others(const struct deployment_view *view, const struct revision *update);

/**
 * has_substitute() - whether @instance was refused beside the old one, and another one has been made in its stead: it
 * is to go.
 */
bool has_substitute(const struct instance *instance);

/** substituted_count() - those of @revision. */
int32_t substituted_count(const struct revision *revision);

/**
 * places() - how many places @revision has: an old instance and the successor on its way are one
 *
 * That of the old one where the successor is given up; one that has a substitute has none (other_way.c).
 */
int32_t places(const struct revision *revision, const struct revision *update);

/** places_of_others() - the same of all revisions but @update (NULL: of all). */
int32_t places_of_others(const struct deployment_view *view, const struct revision *update);

/** next_older() - the newest revision that is older than @than (NULL: of all), but not @except; or NULL. */
struct revision *next_older(const struct deployment_view *view, const struct revision *except,
                            const struct revision *than);

#endif
