/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/probes.h"

#include "lib/base/mem.h"

static const char *message_of(const struct probe_facts *facts)
{
    return facts->message ? facts->message : "its JVM is not known yet";
}

void probe_startup(const struct probe_facts *facts, struct probe *out)
{
    out->good = facts->was_ready || facts->ready || facts->dead;
    if (!out->good)
        out->why = mem_printf("the base starts: %s", message_of(facts));
    else if (facts->dead)
        out->why = mem_printf("the start is over: %s", message_of(facts));
    else
        out->why = mem_strdup("ok");
}

void probe_live(const struct probe_facts *facts, struct probe *out)
{
    bool mute = facts->mute_ms >= PROBE_MUTE_MS && !facts->operating;
    out->good = !facts->dead && !mute;
    if (facts->dead)
        out->why = mem_strdup(message_of(facts));
    else if (mute)
        out->why = mem_printf("the base takes connections and answers none for %d s",
                              PROBE_MUTE_MS / 1000);
    else
        out->why = mem_strdup("ok");
}

void probe_ready(const struct probe_facts *facts, struct probe *out)
{
    out->good = facts->ready;
    out->why = mem_strdup(facts->ready ? "ok" : message_of(facts));
}

void probe_done(struct probe *probe)
{
    mem_free(probe->why);
    *probe = (struct probe){0};
}
