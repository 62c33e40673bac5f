/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/contact.h"

bool contact_refused(bool unavailable, int64_t took_ms)
{
    return unavailable && took_ms < CONTACT_REFUSED_MS;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t waited_ms(const struct contact_facts *facts)
{
    return facts->operating ? facts->waiting_ms : at_most(facts->waiting_ms, facts->quiet_ms);
}

static int64_t silent_after_ms(const struct contact_facts *facts)
{
    return facts->operating ? at_least(facts->silent_ms, CONTACT_OPERATING_SILENT_MS)
                            : facts->silent_ms;
}

static bool is_late(const struct contact_facts *facts)
{
    int64_t usual_ms = at_least(CONTACT_LATE_MS, 2 * facts->took_ms);
    return !facts->operating && waited_ms(facts) >= at_most(usual_ms, facts->silent_ms / 2);
}

enum contact contact_of(const struct contact_facts *facts)
{
    if (facts->waiting_ms && waited_ms(facts) >= silent_after_ms(facts))
        return CONTACT_SILENT;
    if (facts->refused)
        return CONTACT_REFUSED;
    if (!facts->answered)
        return CONTACT_NONE;
    return is_late(facts) ? CONTACT_LATE : CONTACT_GOOD;
}

bool contact_counts(enum contact contact)
{
    return contact == CONTACT_GOOD || contact == CONTACT_LATE;
}
