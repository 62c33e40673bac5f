/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_CONFORMANCE_CASES_H
#define KOUPLELESS_CONTROLLER_STORE_CONFORMANCE_CASES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/store/conformance/calls.h"
#include "services/controller/store/conformance/conformance.h"

/* The cases, one test each. */
#define CONFORMANCE_CASE_MAP(X)                                                                    \
    X(create_fills_what_is_the_stores)                                                             \
    X(create_keeps_what_is_the_writers)                                                            \
    X(create_refuses_a_second)                                                                     \
    X(create_refuses_what_is_wrong)                                                                \
    X(create_refuses_what_is_too_large)                                                            \
    X(get_knows_only_what_is_there)                                                                \
    X(patch_merges)                                                                                \
    X(patch_counts_generations)                                                                    \
    X(patch_keeps_the_parts_apart)                                                                 \
    X(patch_of_nothing_changes_nothing)                                                            \
    X(patch_refuses_a_stale_version)                                                               \
    X(patch_leaves_what_is_the_stores)                                                             \
    X(patch_refuses_what_is_wrong)                                                                 \
    X(events_are_records)                                                                          \
    X(remove_deletes)                                                                              \
    X(remove_checks_its_preconditions)                                                             \
    X(finalizers_hold_an_object)                                                                   \
    X(finalizers_are_not_added_while_deleting)                                                     \
    X(cascade_follows_owners)                                                                      \
    X(cascade_waits_for_the_last_owner)                                                            \
    X(cascade_respects_finalizers)                                                                 \
    X(cascade_takes_late_comers)                                                                   \
    X(cascade_follows_a_changed_owner)                                                             \
    X(list_is_ordered_and_filtered)                                                                \
    X(list_selects_by_labels)                                                                      \
    X(list_comes_in_pages)                                                                         \
    X(list_refuses_a_wrong_token)                                                                  \
    X(watch_tells_all_later_changes)                                                               \
    X(watch_resumes_from_any_version)                                                              \
    X(watch_begins_with_what_there_is)                                                             \
    X(watch_is_filtered)                                                                           \
    X(watch_follows_labels)                                                                        \
    X(watch_shows_finalizers_at_work)                                                              \
    X(watch_stops)                                                                                 \
    X(writers_conflict_instead_of_losing)                                                          \
    X(watchers_agree_under_load)                                                                   \
    X(writes_of_one_object_keep_their_order)

#define X(name) void conformance_##name(void **state);
CONFORMANCE_CASE_MAP(X)
#undef X

/* -- what the cases share -- */

/** case_template() - a ModuleTemplate as JSON; @metadata: more members of its metadata, with a comma in front, or "". Owned. */
char *case_template(const char *namespace, const char *name, const char *metadata);

/** case_make() - creates that ModuleTemplate; it must succeed. */
struct answer case_make(const struct conformance *c, const char *name, const char *metadata);

/** case_key() - of a ModuleTemplate in the first namespace. */
struct store_key case_key(const struct conformance *c, const char *name);

/** case_remove() - removes that ModuleTemplate; it must succeed. */
void case_remove(const struct conformance *c, const char *name);

/** case_exists() - whether it is there. */
bool case_exists(const struct conformance *c, const char *name);

/**
 * case_await() - the ModuleTemplate, got when @holds says yes
 *
 * For what the cascade does: at once, or after any number of changes, as the store says. The watchdog ends the wait.
 */
struct answer case_await(const struct conformance *c, const char *name,
                         bool (*holds)(const struct answer *answer));

/** case_await_gone() - until the cascade took it. */
void case_await_gone(const struct conformance *c, const char *name);

/** case_version() - of the store now. Owned. */
char *case_version(const struct conformance *c);

#endif
