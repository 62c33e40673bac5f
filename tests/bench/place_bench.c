/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question about 100,000 bases: 1,000 instances placed, and 1,000 of 100,000 evicted, inside the
 * process. Fleets differ in what makes the choice hard: all bases alike (only zones, nodes and names
 * decide), counts that differ, and no zones or nodes at all. The best of several runs counts.
 */
#include <stdio.h>
#include <time.h>

#include "lib/base/mem.h"
#include "services/scheduler/engine/evict.h"
#include "services/scheduler/engine/place.h"

#define BASES 100000
#define WANTED 1000
#define RUNS 9
#define GOAL_MS 10.0

static const struct fleet {
    const char *name;
    int zones, nodes_per_zone, counts;
} fleets[] = {
    {"alike, 3 zones, 10,000 nodes", 3, 3333, 1},
    {"0 to 19 modules, 3 zones, 10,000 nodes", 3, 3333, 20},
    {"alike, each on its own node", 10, 10000, 1},
    {"alike, zones and nodes not known", 0, 0, 1},
};

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* In an order that has nothing to do with the names. */
static int scattered(int i)
{
    return (int)((long long)i * 7919 % BASES);
}

static void fill(const struct fleet *fleet, struct place_base *bases,
                 struct evict_instance *instances)
{
    for (int i = 0; i < BASES; i++) {
        int n = scattered(i), zone = fleet->zones ? n % fleet->zones : 0;
        struct place_base *base = &bases[i];
        *base = (struct place_base){
            .name = mem_printf("dynamic-stock-7d9c5b8f6-%06d", n),
            .module_count = n / 7 % fleet->counts,
            .max_module_count = 100,
            .ready = true,
            .has_ip = true,
            .agent_reachable = true,
            .selector_matches = true,
        };
        if (fleet->zones) {
            int node = n / fleet->zones % fleet->nodes_per_zone;
            base->zone = mem_printf("eu-central-1%c", 'a' + zone);
            base->node = mem_printf("ip-10-%d-%d-%d.internal", zone, node / 256, node % 256);
        }
        instances[i] = (struct evict_instance){
            .name = base->name,
            .zone = base->zone,
            .node = base->node,
            .module_count = base->module_count,
            .healthy = true,
            .base_ready = true,
        };
    }
}

static void drop(struct place_base *bases)
{
    for (int i = 0; i < BASES; i++) {
        char *texts[] = {(char *)(uintptr_t)bases[i].name, (char *)(uintptr_t)bases[i].zone,
                         (char *)(uintptr_t)bases[i].node};
        for (size_t t = 0; t < ARRAY_LEN(texts); t++)
            mem_free(texts[t]);
    }
}

static double place_ms(const struct place_base *bases, enum place_policy policy)
{
    double start = now_ms();
    struct place_answer answer;
    place(bases, BASES, policy, WANTED, &answer);
    double spent = now_ms() - start;
    if (answer.chosen_len != WANTED)
        spent = 1e9; /* never taken for a good figure */
    place_answer_done(&answer);
    return spent;
}

static double evict_ms(const struct evict_instance *instances, enum place_policy policy)
{
    static uint32_t chosen[WANTED];
    double start = now_ms();
    size_t count = evict(instances, BASES, policy, WANTED, chosen);
    return count == WANTED ? now_ms() - start : 1e9;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void measure(const struct fleet *fleet, const struct place_base *bases,
                    const struct evict_instance *instances)
{
    double scatter = 1e9, stacking = 1e9, out = 1e9;
    for (int run = 0; run < RUNS; run++) {
        scatter = least(scatter, place_ms(bases, PLACE_SCATTER));
        stacking = least(stacking, place_ms(bases, PLACE_STACKING));
        out = least(out, evict_ms(instances, PLACE_SCATTER));
    }
    printf("%-40s %8.1f %8.1f %8.1f   %s\n", fleet->name, scatter, stacking, out,
           scatter <= GOAL_MS && stacking <= GOAL_MS && out <= GOAL_MS ? "kept" : "MISSED");
}

int main(void)
{
    struct place_base *bases = mem_alloc(BASES * sizeof(*bases));
    struct evict_instance *instances = mem_alloc(BASES * sizeof(*instances));
    printf("%d replicas over %d bases, ms; goal %.0f\n", WANTED, BASES, GOAL_MS);
    printf("%-40s %8s %8s %8s\n", "", "scatter", "stacking", "evict");
    for (size_t i = 0; i < ARRAY_LEN(fleets); i++) {
        fill(&fleets[i], bases, instances);
        measure(&fleets[i], bases, instances);
        drop(bases);
    }
    mem_free(bases);
    mem_free(instances);
    return 0;
}
