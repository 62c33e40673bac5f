/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ENGINE_CONTACT_H
#define KOUPLELESS_AGENT_ENGINE_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether what a base said last still counts, for each of the two that are asked: Arklet and the health page.
 *
 * A refused connection tells at once that nobody is there. Silence does not: a base that is stopped or hangs is as
 * silent as one that collects garbage, or whose event loop an install holds (arklet-api.md 1.3). So silence makes a
 * base late first, which changes no more than what is shown, and takes it out of traffic only when it lasts.
 */
enum contact {
    CONTACT_NONE,    /* it has not said anything yet */
    CONTACT_GOOD,    /* what it said last counts */
    CONTACT_LATE,    /* that counts, but the next answer should be here */
    CONTACT_SILENT,  /* it does not answer */
    CONTACT_REFUSED, /* nobody is there */
};

/* An answer is late that takes so long, and twice as long as the last one or half as long as silence. */
#define CONTACT_LATE_MS 1000
/* What is silence while a module is installed or removed, where --query-timeout is not longer. */
#define CONTACT_OPERATING_SILENT_MS 30000
/* A refusal comes at once. Later there was nobody to take the connection: one that hangs has enough of them. */
#define CONTACT_REFUSED_MS 400

struct contact_facts {
    bool answered;      /* ever, since it was refused last */
    bool refused;       /* the last question found nobody */
    int64_t waiting_ms; /* since the first question without an answer was asked; 0: none waits */
    int64_t took_ms;    /* the last answer */
    bool operating;     /* an operation works on a module now: nothing is late */
    int64_t quiet_ms;   /* since the last one ended; silence while it ran does not count */
    int64_t silent_ms;  /* what is silence: --query-timeout */
};

/** contact_refused() - whether a question that found no connection was refused. @took_ms: until it failed. */
bool contact_refused(bool unavailable, int64_t took_ms);

/** contact_of() - pure. */
enum contact contact_of(const struct contact_facts *facts);

/** contact_counts() - whether what was said last counts. */
bool contact_counts(enum contact contact);

#endif
