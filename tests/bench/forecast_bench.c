/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forecast of a release of 10,000 instances on 10,000 bases, in ten batches: what the engine takes, the
 * scheduler's answers being made up here. Processor time, of which the best of several runs counts.
 *
 * And how many transitions of instances it makes per second, at up to a million: a Module is made, written, deleted or
 * let go, an operation on it begins or ends. The rate is to be the same however many ModuleDeployments there are. In one
 * with more instances than caches hold it falls, as all of them are looked at with each batch.
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
#define RATE_GOAL 200000.0 /* transitions per second */
#define RATE_SPREAD 1.3    /* the best rate to the worst, at most */

struct release {
    const char *name;
    bool upgrade;
    enum upgrade_policy policy;
    int bases;
};

static const struct release releases[] = {
    {"first install", false, UPGRADE_INSTALL_THEN_UNINSTALL, BASES},
    {"upgrade side by side", true, UPGRADE_INSTALL_THEN_UNINSTALL, BASES},
    {"upgrade in place", true, UPGRADE_UNINSTALL_THEN_INSTALL, BASES},
};

/* Instances, and in how many ModuleDeployments. */
static const struct fleet {
    int deployments, instances;
} fleets[] = {{1, 10000}, {10, 10000}, {100, 10000}}, giants[] = {{1, 100000}, {1, 1000000}};

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
    md->spec.replicas = release->bases;
    md->spec.revision_history_limit = 10;
    md->spec.strategy.batch_count = BATCHES;
    md->spec.strategy.upgrade_policy = release->policy;
    fill_module(&md->spec.template.module, "2.0.0");
    return md;
}

static struct base *make_base(int i, int bases)
{
    struct base *base = NEW(struct base);
    base->meta.name = mem_printf("dynamic-stock-7d9c5b8f6-%06d", (int)((int64_t)i * 7919 % bases));
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
        rs->spec.replicas = release->bases;
        fill_module(&rs->spec.template.module, "1.0.0");
        forecast_add_revision(forecast, rs);
    }
    for (int i = 0; i < release->bases; i++) {
        struct base *base = make_base(i, release->bases);
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

static int64_t transitions(const struct forecast *forecast)
{
    const struct forecast_result *result = forecast_result(forecast);
    const struct forecast_writes *writes = &result->writes[KIND_MODULE];
    return (int64_t)writes->creates + writes->status_patches + writes->other_patches +
           writes->deletes + 2 * (int64_t)result->steps.len;
}

static struct forecast **make_fleet(const struct fleet *fleet)
{
    const struct release release = {"", true, UPGRADE_INSTALL_THEN_UNINSTALL, fleet->instances};
    struct forecast **forecasts = mem_alloc((size_t)fleet->deployments * sizeof(*forecasts));
    for (int i = 0; i < fleet->deployments; i++)
        forecasts[i] = make_forecast(&release);
    return forecasts;
}

/*
 * All of them by turns, each as far as the next question. Return: time spent; *ret_count: of transitions, 0 where one
 * got stuck.
 */
static double run_fleet_ms(const struct fleet *fleet, struct forecast **forecasts,
                           int64_t *ret_count)
{
    double spent = 0;
    int64_t count = 0;
    bool stuck = false;
    for (int left = fleet->deployments; left > 0;)
        for (int i = 0; i < fleet->deployments; i++) {
            if (!forecasts[i])
                continue;
            double start = now_ms();
            enum forecast_state state = forecast_run(forecasts[i], EFFORT_PER_TURN);
            spent += now_ms() - start;
            if (state == FORECAST_ASKS)
                answer(forecasts[i]);
            if (state == FORECAST_ASKS || state == FORECAST_GOES_ON)
                continue;
            stuck |= state == FORECAST_STUCK;
            count += transitions(forecasts[i]);
            forecast_free(TAKE(forecasts[i]));
            left--;
        }
    *ret_count = stuck ? 0 : count;
    return spent;
}

/* Return: transitions per second. */
static double rate_of(const struct fleet *fleet)
{
    double best = 0;
    int64_t count = 0, instances = (int64_t)fleet->deployments * fleet->instances;
    for (int i = 0; i < (instances > 100000 ? 1 : RUNS); i++) {
        AUTO_FREE struct forecast **forecasts = make_fleet(fleet);
        double spent = run_fleet_ms(fleet, forecasts, &count);
        double rate = (double)count * 1e3 / spent;
        best = rate > best ? rate : best;
    }
    printf("engine, %7lld instances, %d a ModuleDeployment: %8lld transitions, %7.0f/s on one core "
           "(goal %.0f)\n",
           (long long)instances, fleet->instances, (long long)count, best, RATE_GOAL);
    (void)fflush(stdout);
    return best;
}

static bool measure_rates(void)
{
    double low = 1e12, high = 0;
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(fleets); i++) {
        double rate = rate_of(&fleets[i]);
        low = rate < low ? rate : low;
        high = rate > high ? rate : high;
    }
    double spread = low > 0 ? high / low : 0;
    printf("engine, best of these rates to the worst: %.2f (goal %.1f)\n", spread, RATE_SPREAD);
    for (size_t i = 0; i < ARRAY_LEN(giants); i++)
        good &= rate_of(&giants[i]) >= RATE_GOAL;
    return good && low >= RATE_GOAL && spread <= RATE_SPREAD;
}

int main(void)
{
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(releases); i++)
        good &= measure(&releases[i]);
    good &= measure_rates();
    return good ? 0 : 1;
}
