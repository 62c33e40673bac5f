/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_BASELINE_H
#define KOUPLELESS_CONTROLLER_ENGINE_BASELINE_H

#include "services/controller/engine/view.h"

/**
 * baseline_includes() - whether @instance, on its base, is to come back when the JVM has started anew
 * @going: its ModuleDeployment is being deleted
 *
 * Its agent puts back what the baseline names before the base counts as ready. That is what
 * plan_module() would install again when it is reported lost, not what it would install for the first time: releases go
 * on as they did, batch by batch, with attempts that are counted and shown. And not what has to make way for its
 * successor, which is installed in its place; but for where that has failed, and may fail again.
 */
bool baseline_includes(const struct instance *instance, bool going);

#endif
