/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_METASPACE_H
#define KOUPLELESS_AGENT_ENGINE_METASPACE_H

#include "services/agent/engine/arklet_answer.h"

/*
 * Whether a base takes another module. Each module has classes of its own, and a JVM at its MaxMetaspaceSize
 * fails in the module that is being started, and in all others that load a class meanwhile: so no install is
 * begun above a share of it. Counted is what is in use: what is committed beyond that serves the next module.
 * A JVM without a limit, or one that says nothing, is not judged.
 */

/**
 * metaspace_refusal() - why there are no installs, with the figures; owned; NULL: they are taken
 * @percent: of the limit, above which there are none; 0: they are always taken
 */
char *metaspace_refusal(const struct jvm_figures *figures, int64_t percent);

#endif
