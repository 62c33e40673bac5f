/* SPDX-License-Identifier: Apache-2.0 */
/* koupleless-sim: simulated worlds, by their seeds. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/options.h"
#include "lib/base/str.h"
#include "tests/sim/bench.h"
#include "tests/sim/scenarios.h"
#include "tests/sim/swarm.h"
#include "tests/sim/torture.h"
#include "tests/sim/world.h"

#define PROGRAM "koupleless-sim"

struct arguments {
    int64_t seed, seeds, from, jobs, lines, at_call, bench;
    char *only, *without, *scenario, *fate;
    bool print, log, each_call;
};

static const struct option_spec specs[] = {
    {.name = "seed",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, seed),
     .fallback = "-1",
     .value = "N",
     .min = -1,
     .max = INT64_MAX,
     .help = "this one world; the last lines of its history where it breaks"},
    {.name = "seeds",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, seeds),
     .fallback = "100",
     .value = "COUNT",
     .min = 1,
     .max = INT64_MAX,
     .help = "so many worlds"},
    {.name = "from",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, from),
     .fallback = "1",
     .value = "N",
     .min = 0,
     .max = INT64_MAX,
     .help = "... from this seed on"},
    {.name = "jobs",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, jobs),
     .value = "COUNT",
     .min = 0,
     .max = 1024,
     .help = "processes; 0: one per processor"},
    {.name = "only",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, only),
     .value = "FAULT,...",
     .help = "no other faults than these; none: no faults at all"},
    {.name = "without",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, without),
     .value = "FAULT,...",
     .help = "not these faults"},
    {.name = "scenario",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, scenario),
     .value = "NAME",
     .help = "a story with a name instead of one from a seed"},
    {.name = "each-call",
     .type = OPTION_BOOL,
     .offset = offsetof(struct arguments, each_call),
     .help = "each scenario, again and again: each call of a program fails once, in each way"},
    {.name = "at-call",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, at_call),
     .value = "N",
     .min = 0,
     .max = INT64_MAX,
     .help = "with that call, of the controller or of an agent to Arklet, ..."},
    {.name = "fate",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, fate),
     .fallback = "crash",
     .value = "NAME",
     .help = "... this happens: refused, answer-lost or crash"},
    {.name = "bench",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, bench),
     .value = "INSTANCES",
     .min = 0,
     .max = INT32_MAX,
     .help = "how fast a world is in which nothing goes wrong: 1000, 10000, ... instances up to so "
             "many"},
    {.name = "lines",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, lines),
     .fallback = "80",
     .value = "COUNT",
     .min = 0,
     .max = HISTORY_TAIL,
     .help = "of the history, where a world breaks"},
    {.name = "print",
     .type = OPTION_BOOL,
     .offset = offsetof(struct arguments, print),
     .help = "every line of the history"},
    {.name = "log",
     .type = OPTION_BOOL,
     .offset = offsetof(struct arguments, log),
     .help = "what the controller logs, too"},
    {.name = NULL},
};

static const struct options_usage usage = {
    .program = PROGRAM,
    .synopsis = "[options]",
    .about =
        "Runs the system in simulated worlds. The same seed is the same world, event by event.",
};

/* Return: false where a name is none. */
static bool read_faults(const char *text, uint32_t *ret)
{
    uint32_t faults = 0;
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        AUTO_FREE char *name = mem_strndup(at, len);
        bool known = str_eq(name, "none");
        for (int fault = 0; fault < FAULTS; fault++)
            if (str_eq(name, fault_names[fault])) {
                faults |= 1u << fault;
                known = true;
            }
        if (!known) {
            (void)fprintf(stderr, PROGRAM ": no fault is called \"%s\"\n", name);
            return false;
        }
        at += len + (at[len] == ',');
    }
    *ret = faults;
    return true;
}

static void print_faults(const struct world *world)
{
    (void)printf("faults:");
    for (int fault = 0; fault < FAULTS; fault++)
        if (world_has(world, (enum fault)fault))
            (void)printf(" %s", fault_names[fault]);
    (void)printf("\n");
}

/* Return: false where @name is none. */
static bool read_fate(const char *name, enum fate *ret)
{
    for (int fate = 0; fate < FATES; fate++)
        if (str_eq(name, fate_names[fate])) {
            *ret = (enum fate)fate;
            return true;
        }
    (void)fprintf(stderr, PROGRAM ": no fate is called \"%s\"\n", name);
    return false;
}

/* Return: false where @name is none; "" is none, and right. */
static bool read_scenario(const char *name, const struct scenario **ret)
{
    *ret = scenario_find(name);
    if (*ret || str_empty(name))
        return true;
    (void)fprintf(stderr, PROGRAM ": no scenario is called \"%s\"; there are:\n", name);
    for (size_t i = 0; i < scenario_count; i++)
        (void)fprintf(stderr, "  %-22s %s\n", scenarios[i].name, scenarios[i].about);
    return false;
}

struct runs {
    const struct arguments *arguments;
    uint32_t faults;
    enum fate fate;
    const struct scenario *scenario; /* or NULL: by seeds */
    struct log *log;
    bool alone; /* one seed: all about it */
};

static void print_broken(const struct runs *runs, const struct world *world)
{
    if (runs->alone) {
        history_print(&world->history, (size_t)runs->arguments->lines);
        picture_print(&world->picture);
        print_faults(world);
    }
    (void)printf("seed %llu: %s\n", (unsigned long long)world->options.seed, world->broken);
}

static bool run_seed(void *user, uint64_t seed)
{
    const struct runs *runs = user;
    const struct world_options options = {
        .seed = seed,
        .faults = runs->scenario ? 0 : runs->faults,
        .print = runs->arguments->print,
        .log = runs->log,
        .at_call = runs->arguments->at_call,
        .fate = runs->fate,
    };
    struct world *world =
        runs->scenario ? scenario_run(runs->scenario, &options) : world_new(&options);
    bool ok = runs->scenario ? !world->broken : story_run(world);
    if (!ok)
        print_broken(runs, world);
    if (runs->alone)
        (void)printf("seed %llu: %zu lines, hash %016llx, %lld s, %d lives\n",
                     (unsigned long long)seed, world->history.count,
                     (unsigned long long)world->history.hash,
                     (long long)world->clock.mono_ms / 1000, world->lives);
    world_free(world);
    return ok;
}

static int jobs_of(const struct arguments *arguments)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return arguments->jobs ? (int)arguments->jobs : processors > 0 ? (int)processors : 1;
}

static bool run_alone(struct runs *runs, uint64_t seed)
{
    runs->alone = true;
    if (runs->arguments->log) {
        (void)setvbuf(stdout, NULL, _IOLBF, 0); /* the log is not buffered */
        runs->log = log_new(STDOUT_FILENO, LOG_DEBUG, LOG_TEXT, clock_real());
    }
    bool ok = run_seed(runs, seed);
    log_free(runs->log);
    return ok;
}

static bool run(const struct arguments *arguments)
{
    struct runs runs = {.arguments = arguments, .faults = ALL_FAULTS};
    uint32_t without = 0;
    if (!str_empty(arguments->only) && !read_faults(arguments->only, &runs.faults))
        return false;
    if (!str_empty(arguments->without) && !read_faults(arguments->without, &without))
        return false;
    runs.faults &= ~without;
    if (!read_fate(arguments->fate, &runs.fate) ||
        !read_scenario(arguments->scenario, &runs.scenario))
        return false;
    if (arguments->bench) {
        bench_run(1000, arguments->bench);
        return true;
    }
    if (arguments->each_call)
        return torture_run(runs.scenario, jobs_of(arguments)) == 0;
    if (runs.scenario || arguments->seed >= 0)
        return run_alone(&runs, arguments->seed >= 0 ? (uint64_t)arguments->seed : 1);
    return swarm_run(&(struct swarm_options){
               .what = "seeds",
               .from = (uint64_t)arguments->from,
               .count = (uint64_t)arguments->seeds,
               .jobs = jobs_of(arguments),
               .run = run_seed,
               .user = &runs,
           }) == 0;
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {0};
    int operands;
    enum options_result result = options_parse(specs, &usage, argc, argv,
                                               /* stop_at_operand= */ true, &arguments, &operands);
    bool ok = result == OPTIONS_RUN && run(&arguments);
    options_done(specs, &arguments);
    if (result != OPTIONS_RUN)
        return result == OPTIONS_EXIT_OK ? 0 : 2;
    return ok ? 0 : 1;
}
