/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_TRIALS_H
#define KOUPLELESS_AGENT_ENGINE_TRIALS_H

#include "lib/base/json.h"
#include "lib/base/map.h"

/*
 * Which modules a base dies of. An install is on trial from before its command goes out until it is over and
 * the JVM has lived on for TRIAL_LIVES_MS; that is written down, for the agent may die with the JVM. Where the JVM
 * ends meanwhile, this counts against the install whose command ran; where none did, against all that were over just
 * before, since nobody knows which of them it was. After TRIAL_CRASHES_MAX in a row the same jar is not installed any
 * more. The last of these has to be certain, so whoever has all but one is tried alone (replay.h).
 */
#define TRIAL_CRASHES_MAX 3
#define TRIAL_LIVES_MS 5000
#define TRIAL_REFUSAL                                                                              \
    "the base has died of it several times in a row; it is tried again once it was uninstalled, "  \
    "or comes from another jar"

struct trials {
    struct map by_identity; /* "name:version" -> struct trial */
};

void trials_done(struct trials *trials);

/** trials_begin() - the command for the jar @digest is about to go out. What counted against another jar is forgotten. */
void trials_begin(struct trials *trials, const char *identity, const char *digest);

/** trials_over() - it has its answer, or nobody waits for it any more. */
void trials_over(struct trials *trials, const char *identity, int64_t now_ms);

/** trials_lived() - the JVM is there still. Return: whether something has changed. */
bool trials_lived(struct trials *trials, int64_t now_ms);

/** trials_died() - it is another one. Return: as above. */
bool trials_died(struct trials *trials);

/** trials_orphaned() - those who waited for answers are gone, the JVM is not: @now_ms counts as the end of what ran. */
void trials_orphaned(struct trials *trials, int64_t now_ms);

/** trials_forget() - it was taken off: nothing counts any more. Return: as above. */
bool trials_forget(struct trials *trials, const char *identity);

/** trials_pending() - whether one is on trial. */
bool trials_pending(const struct trials *trials);

/** trials_crashes() - that count against the jar @digest; NULL: it is not known, none do. */
int trials_crashes(const struct trials *trials, const char *identity, const char *digest);

/** trials_write() / trials_read() - {"name:version": {"sha256": ..., "crashes": 1, "running": true}, ...} */
cJSON *trials_write(const struct trials *trials);
void trials_read(const cJSON *json, struct trials *trials);

#endif
