/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_SCALE_H
#define KOUPLELESS_CONTROLLER_ENGINE_SCALE_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/view.h"

/*
 * spec.replicas and spec.scaleReplicas. The scale subresource of the Kubernetes API refuses every write of an object
 * whose number is negative, and replicas may be -1: so `kubectl scale` and autoscalers have a number of their own,
 * which is kept equal to replicas, and is absent where that is -1. It comes with the finalizer
 * (ACTION_ADD_FINALIZER): an autoscaler reads the subresource first, which has no answer without it.
 *
 * Where the two differ, the one that is not as it was when they were last equal (ANNOTATION_SCALED) is what is
 * wanted; where both have changed, replicas. The status can't tell: a release may wait while its spec is edited.
 */

/** plan_scale() - what makes them equal. Return: whether there was anything to do; the plan ends with it. */
bool plan_scale(const struct deployment_view *view, struct plan *plan);

#endif
