/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_SCHEDULING_H
#define KOUPLELESS_CONTROLLER_ENGINE_SCHEDULING_H

#include "services/controller/engine/action.h"

struct base_state; /* view.h */
struct instance;
struct revision;

/*
 * A question to the scheduler, before it is a message: where the next instances of a revision go
 * (ACTION_PLACE), or which go first (ACTION_EVICT). The whole question is in it. Borrowed for the call that asks.
 */
struct scheduling_question {
    enum action_type type;
    const struct revision *revision;
    int32_t count; /* instances that are asked for, at least 1 */
    enum scheduling_policy policy;
    struct base_state *const *bases; /* of the base Deployment; for ACTION_PLACE */
    size_t base_count;
};

/**
 * scheduling_done_fn - the answer, on some thread
 * @names:       of bases or instances, best first; borrowed for the callback
 * @explanation: why not more; used where there are fewer than were asked for
 * @failure:     why there is no answer; NULL: there is one
 */
typedef void (*scheduling_done_fn)(void *user, char *const *names, size_t count,
                                   const char *explanation, const char *failure);

/** scheduling_has_revision() - whether an instance of @revision is on @base, or just leaving it. */
bool scheduling_has_revision(const struct base_state *base, const struct revision *revision);

/**
 * scheduling_is_asked() - whether @base is asked about for @revision
 *
 * Not where its module is in another revision, or just leaving: there a new revision comes as the successor of the
 * old instance (successors.c), never beside it by chance.
 */
bool scheduling_is_asked(const struct base_state *base, const struct revision *revision);

/** scheduling_may_go() - whether @instance is asked about where some are to go: it stays, and nobody takes its place. */
bool scheduling_may_go(const struct instance *instance);

#endif
