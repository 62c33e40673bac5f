/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_LINKS_H
#define KOUPLELESS_CONTROLLER_ENGINE_LINKS_H

#include "services/controller/engine/view.h"

/*
 * How instances are linked with revisions and bases, and counted there: the same for the controller's cache and for the
 * copy that a forecast works on (forecast_world.c). What has to be planned for that, each knows by itself.
 */

/** instance_join_revision() - @instance is one of @revision; it is not counted yet. */
void instance_join_revision(struct instance *instance, struct revision *revision);

/** instance_leave_revision() - the last instance takes its place; instance_recount() with @present false comes after that. */
void instance_leave_revision(struct instance *instance);

/** instance_join_base() - @instance is on @base; what was seen there only now may have come to its traffic label now. */
void instance_join_base(struct instance *instance, struct base_state *base, int64_t now_ms);

/**
 * replaces_meant() - whether @old is the one that @module was made to replace: its name is used anew when a release
 * is taken back
 *
 * Modules that others make don't tell the uid. Then the one that was there first is meant, by a clock that may have been
 * set back in between.
 */
bool replaces_meant(const struct module *module, const struct module *old);

/**
 * instance_recount() - brings the counters of its revision and base in line with what @instance is now; @present: it
 * is there.
 */
void instance_recount(struct instance *instance, bool present);

#endif
