/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/torture.h"

#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "tests/sim/swarm.h"

#define SEED 1

struct telling {
    const struct scenario *scenario;
    int64_t calls;  /* that it makes where none fails */
    uint64_t first; /* number of its first story; each call has one with each fate */
};

struct tellings {
    VEC(struct telling) list;
    uint64_t count; /* of stories */
};

static const enum fate fates[] = {FATE_REFUSED, FATE_ANSWER_LOST, FATE_CRASH};

/* Return: whether it comes about where nothing fails. */
static bool add(struct tellings *tellings, const struct scenario *scenario)
{
    struct world *world = scenario_run(scenario, &(struct world_options){.seed = SEED});
    bool ok = !world->broken;
    if (!ok)
        (void)printf("--scenario %s: %s\n", scenario->name, world->broken);
    VEC_PUSH(&tellings->list, (struct telling){scenario, world->calls, tellings->count});
    tellings->count += (uint64_t)world->calls * ARRAY_LEN(fates);
    (void)printf("%-22s %4lld calls: %s\n", scenario->name, (long long)world->calls,
                 scenario->about);
    world_free(world);
    return ok;
}

static const struct telling *telling_of(const struct tellings *tellings, uint64_t story)
{
    const struct telling *telling = NULL;
    for (size_t i = 0; i < tellings->list.len && tellings->list.items[i].first <= story; i++)
        telling = &tellings->list.items[i];
    ASSERT(telling);
    return telling;
}

static bool run_story(void *user, uint64_t story)
{
    const struct telling *telling = telling_of(user, story);
    uint64_t number = story - telling->first;
    const struct world_options options = {
        .seed = SEED,
        .at_call = 1 + (int64_t)(number / ARRAY_LEN(fates)),
        .fate = fates[number % ARRAY_LEN(fates)],
    };
    struct world *world = scenario_run(telling->scenario, &options);
    bool ok = !world->broken;
    if (!ok)
        (void)printf("--scenario %s --at-call %lld --fate %s: %s\n", telling->scenario->name,
                     (long long)options.at_call, fate_names[options.fate], world->broken);
    world_free(world);
    return ok;
}

uint64_t torture_run(const struct scenario *only, int jobs)
{
    struct tellings tellings = {0};
    uint64_t failed = 0;
    for (size_t i = 0; i < scenario_count; i++)
        if (!only || only == &scenarios[i])
            failed += !add(&tellings, &scenarios[i]);
    (void)fflush(stdout);
    failed += swarm_run(&(struct swarm_options){.what = "stories",
                                                .count = tellings.count,
                                                .jobs = jobs,
                                                .run = run_story,
                                                .user = &tellings});
    VEC_DONE(&tellings.list);
    return failed;
}
