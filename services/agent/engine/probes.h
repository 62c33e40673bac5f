/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_PROBES_H
#define KOUPLELESS_AGENT_ENGINE_PROBES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the probes of Kubernetes are told about the base, which the kubelet asks at the agent (requirement 9.1): a
 * failed startup or liveness probe restarts the base's container, a failed readiness probe takes its Pod out of traffic.
 * So liveness fails for nothing but what a restart mends, and never for a module, a start or an install.
 */
#define PROBE_MUTE_MS 30000 /* a base that hangs for so long is to be restarted */

struct probe_facts {
    bool ready;      /* the base takes modules and traffic */
    bool was_ready;  /* once since its JVM started, be its modules back or not */
    bool dead;       /* its context has closed while the JVM lives on */
    bool operating;  /* an operation works on a module */
    int64_t mute_ms; /* it takes connections and has answered nothing for so long; 0: it answers */
    const char *message; /* why it is not well, or NULL */
};

struct probe {
    bool good;
    char *why; /* one line; owned */
};

/** probe_startup() - the base has been ready, or its start is over. Pure, as are the others. @out: probe_done(). */
void probe_startup(const struct probe_facts *facts, struct probe *out);

/** probe_live() - no restart would help. */
void probe_live(const struct probe_facts *facts, struct probe *out);

/** probe_ready() - the base may have traffic. */
void probe_ready(const struct probe_facts *facts, struct probe *out);

void probe_done(struct probe *probe);

#endif
