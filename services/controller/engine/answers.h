/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_ANSWERS_H
#define KOUPLELESS_CONTROLLER_ENGINE_ANSWERS_H

#include "lib/base/map.h"
#include "services/controller/engine/view.h"

/*
 * The scheduler answers with names, about what was there when it was asked. Here they become the instances and bases
 * that are there now. Each is looked up once: a batch of thousands costs as many steps, not their square.
 */

/* Instances that were chosen to go, best first. */
struct chosen {
    struct instance **items; /* those that are still there */
    size_t len;
    struct map names; /* of all that were chosen */
};

/** chosen_of() - of the answer in @revision->evict. Done by chosen_done(); borrows the instances. */
struct chosen chosen_of(const struct revision *revision);
void chosen_done(struct chosen *chosen);

/** chosen_has() - whether @instance is one of them. */
bool chosen_has(const struct chosen *chosen, const struct instance *instance);

/* Bases of the view that were offered to some revision, and what is on them. */
struct offered {
    struct map bases;
    struct map occupied; /* by an instance of this module, of whatever revision, or just leaving */
};

/**
 * offered_of() - of the answers in the place of all revisions: two may have been offered the same base. Done by
 * offered_done().
 */
struct offered offered_of(const struct deployment_view *view);
void offered_done(struct offered *offered);

/**
 * offered_next() - the name of the next base in the answer of @revision that can take an instance of it, or NULL
 * @at: where to go on in the answer; 0 at first
 *
 * It is occupied from now on. The name is borrowed from the answer.
 */
const char *offered_next(struct offered *offered, const struct revision *revision, size_t *at);

#endif
