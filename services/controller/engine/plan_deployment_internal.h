/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_PLAN_DEPLOYMENT_INTERNAL_H
#define KOUPLELESS_CONTROLLER_ENGINE_PLAN_DEPLOYMENT_INTERNAL_H

#include "services/controller/engine/action.h"
#include "services/controller/engine/rollout.h"
#include "services/controller/engine/view.h"

/* What the files of plan_deployment() share among themselves. */

/* One planning of one deployment. */
struct planning {
    const struct deployment_view *view;
    const struct module_deployment *md;
    struct plan *plan;
    struct revision *update;                 /* the revision that is wanted */
    int32_t target;                          /* instances wanted at the end */
    int32_t others;                          /* instances that all other revisions count for */
    size_t status_at;                        /* where in the plan the status is written */
    struct module_deployment_status *status; /* being made */
    struct release_status *release;          /* of it */
};

/* -- plan_deployment.c: moves of the state machine -- */

/** plan__move() - release_move() of the release, now. */
void plan__move(struct planning *p, enum release_progress progress, const char *reason,
                char *message_taken);

/** plan__abort_asked() - whether a person has given the release up. */
bool plan__abort_asked(const struct planning *p);

/** plan__recorded_as_done() - whether the stored status says that the batch is done: then spec.pause may be ours. */
bool plan__recorded_as_done(const struct planning *p);

/**
 * plan__in_gray_time() - whether gray time had begun, and with it a confirmation was behind it, when somebody paused
 * or gave up.
 */
bool plan__in_gray_time(const struct planning *p);

/** plan__execute_batch() - the current batch is executed, or goes on. */
void plan__execute_batch(struct planning *p);

/** plan__begin_batch() - batch @batch (from 1) is executed, and an event says so. */
void plan__begin_batch(struct planning *p, int32_t batch);

/** plan__complete() - the release is done. */
void plan__complete(struct planning *p);

/**
 * plan__withdraw_gate() - nobody is to confirm any more: our pause goes
 *
 * The status first: what waits without a pause counts as confirmed; if nothing comes of what was wanted, it is
 * asked again. Return: false where spec.pause is not ours; else the plan ends with it.
 */
bool plan__withdraw_gate(struct planning *p);

/* -- release_numbers.c: how many of which revision now -- */

/** plan__set_replicas() - what @revision is to have, where that is another number. */
void plan__set_replicas(struct plan *plan, const struct revision *revision, int32_t replicas);

/** plan__rollout() - the numbers that the release was begun with. */
struct rollout plan__rollout(const struct planning *p);

/**
 * plan__freeze_numbers() - what each revision has now becomes what it is to have
 *
 * Nothing new moves, and who has a successor on its way still goes when that is there. Written before
 * the status.
 */
void plan__freeze_numbers(struct planning *p);

/** plan__distribute_others() - gives @total instances to the revisions other than @update: the newest keep theirs longest. */
void plan__distribute_others(const struct deployment_view *view, const struct revision *update,
                             int32_t total, struct plan *plan);

/** plan__apply_numbers() - each revision gets what the current batch wants of it. */
void plan__apply_numbers(struct planning *p);

/** plan__batch_available() - every instance of the batch is Available, and what it replaces or removes is gone. */
bool plan__batch_available(const struct planning *p);

/**
 * plan__ready_ms() - when all of the update revision that are Available have been so for spec.minReadySeconds, wall;
 * 0: they have.
 */
int64_t plan__ready_ms(const struct planning *p);

/** plan__batch_done() - the batch is available, and has been so for spec.minReadySeconds. */
bool plan__batch_done(const struct planning *p);

/* -- begin_release.c -- */

/**
 * plan__prepare() - finds or makes p->update. Return: false where something is missing, and the plan says how it
 * comes or what is wrong.
 */
bool plan__prepare(struct planning *p);

/** plan__begins() - whether what is wanted is another release than the one in the status. */
bool plan__begins(const struct planning *p);

/** plan__begin() - records what is to be changed, from what is there; nothing moves yet. */
void plan__begin(struct planning *p);

/* -- give_up.c: releases that fail -- */

/**
 * plan__settle_marks() - what was marked as failed, or asked to go on, and does not count any more. Return: whether
 * there was any; the plan ends with it.
 */
bool plan__settle_marks(struct planning *p);

/**
 * plan__try_again() - @revision is asked for anew: who of it has no attempt left, and would end that at once, is made
 * anew. Before the status is written.
 */
void plan__try_again(struct planning *p, const struct revision *revision);

/** plan__give_up() - marks or stops a release, executing or paused, that has failed. Return: whether it has. */
bool plan__give_up(struct planning *p);

/** plan__await_deadline() - looks again when the release that is being executed would be given up. */
void plan__await_deadline(struct planning *p);

/** plan__goes_on() - whether a release that is Aborted is to go on: what stopped it is taken back. */
bool plan__goes_on(const struct planning *p);

/* -- plan_deletion.c -- */

/** plan__deletion() - one step offline of a deployment that is being deleted. */
void plan__deletion(struct planning *p);

#endif
