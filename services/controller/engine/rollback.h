/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ROLLBACK_H
#define KOUPLELESS_CONTROLLER_ENGINE_ROLLBACK_H

#include "services/controller/engine/view.h"

/*
 * operationStrategy.rollbackOnFailure: a release that fails returns by itself to the last revision whose release was
 * Completed (design section 5).
 *
 *   failed    its progress deadline is over, or one of its instances has FAILED_ATTEMPTS failed installs in a row
 *   then      its ModuleReplicaSet is marked (ANNOTATION_FAILED), which is all that is decided
 *   so        what is released is not what is asked for, but the last good one, as if it were: in batches, at once
 *   until     something else is asked for, or it is asked for again (ANNOTATION_RESUME): the mark goes, and with it
 *             those that have no attempt left
 *
 * spec.template is left as it is: whoever keeps it in Git would write it again.
 */
#define FAILED_ATTEMPTS 5 /* 15 s of pauses between them (operation_retry_at()) */

/** rollback_stable() - name of the last revision whose release was Completed, by @release; borrowed; NULL: none was. */
const char *rollback_stable(const struct release_status *release);

/**
 * rollback_target() - the revision that the release of @name would return to, or NULL
 *
 * The last good one: where that is another one, is there, did not fail itself, and runs on the same bases.
 */
struct revision *rollback_target(const struct module_deployment *md,
                                 struct revision *const *revisions, size_t count, const char *name);

/**
 * rollback_template() - what is to be released
 * @asked: what the spec asks for; NULL: that is not known
 * @ret_failed: the revision of @asked where that has failed, so that the answer is another one; else NULL
 */
const struct module_template_spec *rollback_template(const struct module_deployment *md,
                                                     const struct module_template_spec *asked,
                                                     struct revision *const *revisions,
                                                     size_t count,
                                                     const struct revision **ret_failed);

/** rollback_marked() - why the release of @revision was given up, or NULL. */
const char *rollback_marked(const struct revision *revision);

/** rollback_failure() - an instance of @update that has had FAILED_ATTEMPTS, none of which succeeded, and stays; or NULL. */
const struct instance *rollback_failure(const struct revision *update);

#endif
