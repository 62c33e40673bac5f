/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_ENGINE_PLACE_H
#define KOUPLELESS_SCHEDULER_ENGINE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which bases get the next instances of one revision of a module. A base takes one instance of a
 * revision, so a base is chosen at most once.
 */
enum place_policy { PLACE_SCATTER, PLACE_STACKING };

#define PLACE_UNLIMITED (-1)

struct place_base {
    const char *name;         /* unique in the question; not NULL */
    const char *node, *zone;  /* NULL or "" = not known */
    int32_t module_count;     /* modules on it, those coming and going included; >= 0 */
    int32_t max_module_count; /* >= 0, or PLACE_UNLIMITED */
    bool ready, terminating, has_ip, agent_reachable;
    bool has_module;       /* an instance of this revision is there */
    bool metaspace_full;   /* its JVM has none for another module */
    bool selector_matches; /* its labels match the revision's base selector */
};

/* Why a base can't take an instance; where several hold, the first one counts. */
#define PLACE_REFUSAL_MAP(X)                                                                       \
    X(REFUSED_NOT_READY, "NotReady")                                                               \
    X(REFUSED_TERMINATING, "Terminating")                                                          \
    X(REFUSED_NO_IP, "NoIP")                                                                       \
    X(REFUSED_AGENT_UNREACHABLE, "AgentUnreachable")                                               \
    X(REFUSED_MODULE_PRESENT, "ModulePresent")                                                     \
    X(REFUSED_SELECTOR_MISMATCH, "SelectorMismatch")                                               \
    X(REFUSED_METASPACE_FULL, "MetaspaceFull")                                                     \
    X(REFUSED_FULL, "Full")

enum place_refusal {
#define X(id, name) id,
    PLACE_REFUSAL_MAP(X)
#undef X
        REFUSALS
};

struct place_answer {
    uint32_t *chosen; /* indices of bases, best first; owned */
    size_t chosen_len;
    size_t refused[REFUSALS]; /* bases, by reason */
};

/**
 * place() - choose bases for @wanted instances
 * @bases: @count, in any order; the answer does not depend on it
 * @out:   place_answer_done()
 *
 * Scatter (requirement 5.7): the base with the fewest modules first; among those the one in the zone,
 * then on the node, with the fewest instances of this revision, those chosen before included; then by
 * name. Stacking (5.8): the base with the most modules below its limit first, then by name.
 * Fewer are chosen where there is no more room; that is an answer, not an error. O(n + k log n).
 */
void place(const struct place_base *bases, size_t count, enum place_policy policy, size_t wanted,
           struct place_answer *out);

void place_answer_done(struct place_answer *answer);

/** place_refusal_name() - "NotReady". */
const char *place_refusal_name(enum place_refusal refusal);

/** place_refusals_by_count() - the reasons that occur, the most frequent first. Return: how many. */
size_t place_refusals_by_count(const struct place_answer *answer, enum place_refusal out[REFUSALS]);

/** place_explain() - "2 of 5 placed; 3 bases refused: 2 Full, 1 NotReady"; owned. */
char *place_explain(const struct place_answer *answer, size_t wanted);

#endif
