/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SCHEDULER_QUESTION_H
#define KOUPLELESS_SCHEDULER_QUESTION_H

#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/base/err.h"
#include "services/scheduler/engine/evict.h"
#include "services/scheduler/engine/place.h"

/*
 * Questions as they come from outside, checked and in the engine's terms. Pure. All texts are borrowed
 * from the request, and items keep the places they have there.
 *
 * Refused with ERR_INVALID and the field ("bases[3].name"): more items than LIMIT_BASES_PER_QUESTION,
 * more than LIMIT_REPLICAS instances, a name that is missing, too long or there twice, a negative number,
 * a policy that is not known. An unspecified policy is scatter.
 */
struct place_question {
    struct place_base *bases; /* owned */
    size_t count, wanted;
    enum place_policy policy;
};

struct evict_question {
    struct evict_instance *instances; /* owned */
    size_t count, wanted;
    enum place_policy policy;
};

int place_question_read(const Koupleless__Scheduler__V1__PlaceRequest *request,
                        struct place_question *out, struct err **err);
void place_question_done(struct place_question *question);

int evict_question_read(const Koupleless__Scheduler__V1__EvictRequest *request,
                        struct evict_question *out, struct err **err);
void evict_question_done(struct evict_question *question);

#endif
