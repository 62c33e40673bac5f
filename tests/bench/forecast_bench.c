/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forecast of a release of 10,000 instances on 10,000 bases, in ten batches: what the engine takes, the
 * scheduler's answers being made up here. Processor time, of which the best of several runs counts.
 */
#include <stdio.h>
#include <time.h>

#include "lib/base/mem.h"
#include "services/controller/engine/forecast.h"

#define BASES 10000
#define BATCHES 10
#define RUNS 5
#define EFFORT_PER_TURN 4096 /* as the controller has it (api/preview.c) */
#define GOAL_MS 100.0

struct release {
    const char *name;
    bool upgrade;
    enum upgrade_policy policy;
};

static const struct release releases[] = {
    {"first install", false, UPGRADE_INSTALL_THEN_UNINSTALL},
    {"upgrade side by side", true, UPGRADE_INSTALL_THEN_UNINSTALL},
    {"upgrade in place", true, UPGRADE_UNINSTALL_THEN_INSTALL},
};

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void fill_module(struct module_spec *module, const char *version)
{
    module->name = mem_strdup("provider");
    module->version = mem_strdup(version);
    module->url = mem_printf("http://jars/provider-%s.jar", version);
}

static struct module_deployment *make_deployment(const struct release *release)
{
    struct module_deployment *md = NEW(struct module_deployment);
    md->meta.name = mem_strdup("provider");
    md->meta.generation = 1;
    md->spec.base_deployment_name = mem_strdup("dynamic-stock");
    md->spec.replicas = BASES;
    md->spec.revision_history_limit = 10;
    md->spec.strategy.batch_count = BATCHES;
    md->spec.strategy.upgrade_policy = release->policy;
    fill_module(&md->spec.template.module, "2.0.0");
    return md;
}

static struct base *make_base(int i)
{
    struct base *base = NEW(struct base);
    base->meta.name = mem_printf("dynamic-stock-7d9c5b8f6-%06d", i * 7919 % BASES);
    base->meta.uid = mem_printf("0b5f9a52-2d7e-4c44-8c59-%012d", i);
    base->spec.deployment = mem_strdup("dynamic-stock");
    base->spec.ip = mem_printf("10.0.%d.%d", i / 250, i % 250 + 1);
    base->status.phase = mem_strdup("Ready");
    return base;
}

static struct module *make_module(const struct base *base, const char *revision)
{
    struct module *module = NEW(struct module);
    module->meta.name = module_instance_name(revision, base->meta.uid);
    module->spec.base_name = mem_strdup(base->meta.name);
    module->spec.base_uid = mem_strdup(base->meta.uid);
    fill_module(&module->spec.module, "1.0.0");
    module->status.phase = MODULE_AVAILABLE;
    module->status.phase_name = mem_strdup("Available");
    return module;
}

static struct forecast *make_forecast(const struct release *release)
{
    static const char old_name[] = "provider-abcdefghij";
    const struct forecast_times times = {5000, 100, 1000, 30000};
    struct module_deployment *md = make_deployment(release);
    struct forecast *forecast = forecast_new(md, &md->spec.template, &times, 1000000);
    if (release->upgrade) {
        struct module_replicaset *rs = NEW(struct module_replicaset);
        rs->meta.name = mem_strdup(old_name);
        rs->spec.base_deployment_name = mem_strdup("dynamic-stock");
        rs->spec.replicas = BASES;
        fill_module(&rs->spec.template.module, "1.0.0");
        forecast_add_revision(forecast, rs);
    }
    for (int i = 0; i < BASES; i++) {
        struct base *base = make_base(i);
        forecast_add_base(forecast, base);
        if (release->upgrade)
            forecast_add_module(forecast, make_module(base, old_name), old_name);
    }
    return forecast;
}

/* Whoever comes first. */
static void answer(struct forecast *forecast)
{
    const struct scheduling_question *question = forecast_question(forecast);
    size_t len = 0, wanted = (size_t)question->count;
    AUTO_FREE char **names = mem_alloc(wanted * sizeof(char *));
    const struct revision *revision = question->revision;
    for (size_t i = 0; question->type == ACTION_PLACE && i < question->base_count && len < wanted;
         i++)
        if (!question->bases[i]->instances.len)
            names[len++] = question->bases[i]->base->meta.name;
    for (size_t i = 0;
         question->type == ACTION_EVICT && i < revision->instances.len && len < wanted; i++)
        if (scheduling_may_go(revision->instances.items[i]))
            names[len++] = revision->instances.items[i]->module->meta.name;
    forecast_answer(forecast, names, len, "NoCapacity: too few");
}

static double run_ms(struct forecast *forecast, enum forecast_state *state)
{
    double spent = 0;
    do {
        double start = now_ms();
        *state = forecast_run(forecast, EFFORT_PER_TURN);
        spent += now_ms() - start;
        if (*state == FORECAST_ASKS)
            answer(forecast);
    } while (*state == FORECAST_ASKS || *state == FORECAST_GOES_ON);
    return spent;
}

/* Return: whether it is within the goal. */
static bool measure(const struct release *release)
{
    double best = 1e9;
    size_t steps = 0;
    for (int i = 0; i < RUNS; i++) {
        struct forecast *forecast = make_forecast(release);
        enum forecast_state state;
        double spent = run_ms(forecast, &state);
        if (state == FORECAST_COMPLETED && spent < best) /* else it is no good figure */
            best = spent;
        steps = forecast_result(forecast)->steps.len;
        forecast_free(forecast);
    }
    printf("forecast of %d instances, %-21s %7.1f ms, %zu steps (goal %.0f ms)\n", BASES,
           release->name, best, steps, GOAL_MS);
    return best <= GOAL_MS;
}

int main(void)
{
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(releases); i++)
        good &= measure(&releases[i]);
    return good ? 0 : 1;
}
