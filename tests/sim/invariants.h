/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SIM_INVARIANTS_H
#define KOUPLELESS_SIM_INVARIANTS_H

#include "tests/sim/candidate.h"
#include "tests/sim/since.h"

/*
 * What must always be true, by the numbers of the design's list. Each is a pure function of what is true in
 * the world, at one of three moments; it returns which object breaks it, as an owned text, or NULL.
 *
 *   I1  capacity          I2  maxUnavailable          I3   one instance of a version on a base
 *   I4  batches, their gates, minReadySeconds         I5   convergence
 *   I6  nothing is left after a deletion              I9   out of traffic, and drained, before it goes
 *   I10 what runs has its Module
 *
 * I7, that crashes change nothing about these, is what the faults are for. I8, that only the leader acts: as one comes to
 * lead, and with each call; what one sends that is not the leader any more, since it stood still, may break none of the
 * others.
 */

/* -- after every step -- */

/** i1_capacity() - the modules of a base, counted by name, are no more than it may have. */
char *i1_capacity(const struct picture *picture);

/** i3_one_instance() - no two Modules are for one version of one module on one base, unless one takes the other's place. */
char *i3_one_instance(const struct picture *picture);

/* -- with a change of an object, before the picture shows it -- */

/**
 * i4_gate() - a batch begins after the one before it, and where confirmation is asked after it was confirmed
 * @before, @after:  a ModuleDeployment
 * @asked, @confirmed: confirmation was asked for all along since the batch before began; somebody confirmed since
 */
char *i4_gate(const struct module_deployment *before, const struct module_deployment *after,
              bool asked, bool confirmed);

/* How long what is new has to be well before it counts (minReadySeconds), and since when it is. */
struct ready_rule {
    const struct since *since;
    int64_t now_ms;
    int64_t least_ms; /* 0: no time at all */
    int64_t late_ms;  /* so much later than it was decided a change may be made */
};

/** i4_ready() - the batch that ends with a change from @before to @after has been Available for long enough. */
char *i4_ready(const struct picture *picture, const struct module_deployment *before,
               const struct module_deployment *after, const struct ready_rule *rule);

/** i4_old_stays() - the controller takes @old away: who replaces it without a gap has been Available for long enough. */
char *i4_old_stays(const struct picture *picture, const struct module *old,
                   const struct ready_rule *rule);

/**
 * i10_runs_until_released() - @gone is a Module that is gone: what it stood for does not run any more, or another
 * stands for it.
 */
char *i10_runs_until_released(const struct picture *picture, const struct module *gone);

/* -- as a controller comes to lead, or acts -- */

/** i8_leads_alone() - @other, which may be @candidate itself, does not believe that it leads, unless it stands still. */
char *i8_leads_alone(const struct candidate *candidate, const struct candidate *other,
                     int64_t now_ms);

/** i8_epoch_grows() - @candidate's is higher than that of all before, of which @last is the highest. */
char *i8_epoch_grows(const struct candidate *candidate, int64_t last);

/** i8_only_leaders() - @candidate may do @what it does. */
char *i8_only_leaders(const struct candidate *candidate, const char *what);

/* -- as an operation begins on a base -- */

/** i2_required() - instances that @md has to keep in service; 0: none, or nobody can say (symmetric). */
int32_t i2_required(const struct module_deployment *md);

/**
 * i2_available() - where what serves is taken off @base, @required others serve. For worlds whose bases are all well
 *
 * What has moved to another base is not missed where it was, also while fewer than that are there at all.
 */
char *i2_available(const struct picture *picture, const struct sim_base *base,
                   const struct sim_operation *operation, int32_t required);

/** i4_numbers() - an install is within what the batch allows: so many of its revision run, with it. */
char *i4_numbers(const struct picture *picture, const struct sim_base *base,
                 const struct sim_operation *operation);

/** i9_out_of_traffic() - what is taken off @base gets no traffic any more. */
char *i9_out_of_traffic(const struct picture *picture, const struct sim_base *base,
                        const struct sim_operation *operation);

/**
 * i9_drained() - what is taken off @base, having had traffic, had its time since
 * @since_ms: the time since its label went, @drain_ms: operationStrategy.drainSeconds
 */
char *i9_drained(const struct picture *picture, const struct sim_base *base,
                 const struct sim_operation *operation, int64_t since_ms, int64_t drain_ms);

/** i8_not_deposed() - who asked for it leads, as far as its agent knows: @before is the highest epoch that it has obeyed. */
char *i8_not_deposed(const struct sim_base *base, const struct sim_operation *operation,
                     int64_t before);

/* -- once faults have stopped -- */

/** i5_converged() - what is declared = the Modules, all Available = what runs; says what is missing. */
char *i5_converged(const struct picture *picture);

/** i6_nothing_left() - no object, label or module is left. */
char *i6_nothing_left(const struct picture *picture);

#endif
