/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_DISRUPTION_H
#define KOUPLELESS_CONTROLLER_ENGINE_DISRUPTION_H

#include "services/controller/engine/view.h"

/*
 * maxUnavailable (requirement 5.9, invariant I2): how many instances of a deployment are unavailable at once, at most,
 * through our own doing.
 *
 * A deployment of n instances keeps n - maxUnavailable in service at every instant. What serves beyond that may be
 * taken out of service now, and no more: so a batch goes in waves, and the next begins with each instance that serves
 * again. Instances that are unavailable for other reasons (sick, their base away, not placed yet) leave so much less.
 *
 *   n = 4, maxUnavailable 1, all serve:          1 may go
 *   one of them is replaced in place:            0, until its successor is Available
 *   one is sick:                                 0; but the sick one itself may be replaced: it serves nobody
 *   its successor is, since a moment ago:        0, until that has been so for minReadySeconds
 *   replicas 4 -> 2, deletion:                   what is removed on purpose is not wanted, and not unavailable
 *
 * Out of service goes who is replaced in place, who is removed for room, and a new version that is given up where
 * the old one is gone from its base. Ways without a gap (side by side, another base) need no leave. With
 * maxUnavailable 0 none with a gap is taken: where no other is possible nothing moves, and the condition says so.
 *
 * A percentage is of n, rounded down, as in Deployments: 50% of 3 is 1. Also as there, one above 0% that would be 0
 * counts as 1 where the policy (uninstallThenInstall) has no way without a gap.
 */
struct disruption {
    const struct deployment_view *view;
    const struct revision *update;
    bool counted;    /* the rest is filled in by the first question */
    bool bounded;    /* maxUnavailable is given, and the deployment stays */
    int32_t target;  /* n */
    int32_t limit;   /* maxUnavailable, as a number */
    int32_t serving; /* instances in service that stay so, an old one and its successor being one */
    int64_t more_ms; /* wall, when the next one may count; 0: none is about to */
};

/**
 * disruption_limit() - maxUnavailable of @target instances
 * @gap_always: whether the policy has no way without a gap
 * Return: INT32_MAX where it is not given.
 */
int32_t disruption_limit(const struct int_or_percent *max_unavailable, int32_t target,
                         bool gap_always);

/** disruption_of() - for one planning. @update: the update revision, or NULL (then there is no bound). */
struct disruption disruption_of(const struct deployment_view *view, const struct revision *update);

/** disruption_left() - how many may be taken out of service now; below 0 where too few serve already. INT32_MAX: no bound. */
int32_t disruption_left(struct disruption *disruption);

/**
 * disruption_more_at() - after disruption_left(): when there may be more; mono ms, 0 = not by time
 *
 * Since an instance is Available for minReadySeconds then, or more is known of one that may not serve.
 */
int64_t disruption_more_at(struct disruption *disruption);

/** disruption_serves() - whether @old, or the successor that it has, serves and goes on to. */
bool disruption_serves(const struct instance *old);

/**
 * disruption_take() - whether @going may be taken out of service now: replaced in place, or removed
 *
 * Where it may it counts as gone from now on. Who serves nobody may go at any time.
 */
bool disruption_take(struct disruption *disruption, const struct instance *going);

/**
 * disruption_told() - what maxUnavailable holds up, and what would help: the message of the condition Degraded
 *
 * Not while a wave is on its way: then the next one comes by itself. Return: owned; NULL where it holds up nothing.
 */
char *disruption_told(const struct deployment_view *view, const struct revision *update);

#endif
