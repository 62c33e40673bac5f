/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/announcer.h"

#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"

#define STATUSES 3

static const enum health statuses[STATUSES] = {HEALTH_UP, HEALTH_DOWN, HEALTH_UNKNOWN};

/* One series per status, of which one is 1, as is the custom for states. */
struct module_series {
    char *name, *version;
    struct metric *series[STATUSES];
    bool seen;
};

/* What one of announcer.names is. */
static int serves, idle, gone;

struct announcer {
    struct rpc_server *rpc;
    struct metrics *metrics;
    struct map names; /* gRPC health services: of the modules there, and of some that have gone */
    struct metric *base[STATUSES];
    VEC(struct module_series) modules;
    char *ready_boot_id; /* the JVM that was ready once; NULL: none that runs */
};

/* -- gRPC health -- */

/* What has gone does not serve, but is not remembered for ever. */
static void forget_gone(struct announcer *announcer)
{
    struct map *names = &announcer->names;
    size_t count = 0;
    for (size_t i = 0; i < names->len; i++)
        count += names->entries[i].value == &gone;
    for (size_t i = 0; i < names->len && count > LIMIT_MODULES_GONE;) {
        if (names->entries[i].value != &gone) {
            i++;
            continue;
        }
        AUTO_FREE char *name = mem_strdup(names->entries[i].key);
        (void)map_remove(names, name); /* the last one comes here */
        rpc_server_forget_health(announcer->rpc, name);
        count--;
    }
}

static void tell_rpc(struct announcer *announcer, const struct base_health *health)
{
    struct map *names = &announcer->names;
    for (size_t i = 0; i < names->len; i++)
        names->entries[i].value = &gone;
    for (size_t i = 0; i < health->len; i++) {
        AUTO_FREE char *name = mem_printf("koupleless.module.%s", health->modules[i].name);
        bool one_serves = health->modules[i].status == HEALTH_UP || map_get(names, name) == &serves;
        map_put(names, name, one_serves ? &serves : &idle);
    }
    for (size_t i = 0; i < names->len; i++)
        rpc_server_set_health(announcer->rpc, names->entries[i].key,
                              names->entries[i].value == &serves);
    rpc_server_set_health(announcer->rpc, "koupleless.base", health->base_status == HEALTH_UP);
    forget_gone(announcer);
}

/* -- metrics -- */

static void set_series(struct metric *const series[STATUSES], enum health status)
{
    for (size_t i = 0; i < STATUSES; i++)
        metric_set(series[i], statuses[i] == status);
}

static struct metric *status_series(struct announcer *announcer, const char *name, const char *help,
                                    const struct str *labels, enum health status)
{
    AUTO_STR struct str all = STR_INIT(LIMIT_KIB(8));
    str_add(&all, str_text(labels));
    metrics_label(&all, "status", health_name(status));
    return metrics_gauge(announcer->metrics, name, help, str_text(&all));
}

static void make_base_series(struct announcer *announcer)
{
    AUTO_STR struct str none = STR_INIT(1);
    for (size_t i = 0; i < STATUSES; i++)
        announcer->base[i] =
            status_series(announcer, "koupleless_agent_base_health",
                          "Health of the base without its modules: 1 for the status that it has.",
                          &none, statuses[i]);
    set_series(announcer->base, HEALTH_UNKNOWN);
}

static struct module_series *series_of(struct announcer *announcer,
                                       const struct module_health *module)
{
    for (size_t i = 0; i < announcer->modules.len; i++) {
        struct module_series *found = &announcer->modules.items[i];
        if (str_eq(found->name, module->name) && str_eq(found->version, module->version))
            return found;
    }
    if (announcer->modules.len >= LIMIT_MODULE_SERIES)
        return NULL;
    struct module_series fresh = {mem_strdup(module->name), mem_strdup(module->version), {0}, true};
    AUTO_STR struct str labels = STR_INIT(LIMIT_KIB(8));
    metrics_label(&labels, "module", module->name);
    metrics_label(&labels, "version", module->version);
    for (size_t i = 0; i < STATUSES; i++)
        fresh.series[i] = status_series(announcer, "koupleless_agent_module_health",
                                        "Health of a module: 1 for the status that it has.",
                                        &labels, statuses[i]);
    VEC_PUSH(&announcer->modules, fresh);
    return &announcer->modules.items[announcer->modules.len - 1];
}

static void remove_series(struct announcer *announcer, struct module_series *module)
{
    for (size_t i = 0; i < STATUSES; i++)
        metrics_remove(announcer->metrics, module->series[i]);
    mem_free(module->name);
    mem_free(module->version);
}

static void drop_unseen(struct announcer *announcer)
{
    for (size_t i = announcer->modules.len; i-- > 0;) {
        if (announcer->modules.items[i].seen)
            continue;
        remove_series(announcer, &announcer->modules.items[i]);
        VEC_REMOVE_SWAP(&announcer->modules, i);
    }
}

static void tell_metrics(struct announcer *announcer, const struct base_health *health)
{
    set_series(announcer->base, health->base_status);
    for (size_t i = 0; i < announcer->modules.len; i++)
        announcer->modules.items[i].seen = false;
    for (size_t i = 0; i < health->len; i++) {
        struct module_series *module = series_of(announcer, &health->modules[i]);
        if (!module)
            continue;
        module->seen = true;
        set_series(module->series, health->modules[i].status);
    }
    drop_unseen(announcer);
}

/* -- probes -- */

static bool was_ready(struct announcer *announcer, const struct base_state *state, bool ready)
{
    if (ready || state->away || !str_eq(announcer->ready_boot_id, state->boot_id))
        mem_free(TAKE(announcer->ready_boot_id));
    if (ready)
        announcer->ready_boot_id = mem_strdup(state->boot_id);
    return announcer->ready_boot_id != NULL;
}

void announcer_probes(struct announcer *announcer, const struct base_state *state, bool ready,
                      bool operating, struct agent_probes *out)
{
    const struct probe_facts facts = {
        .ready = ready,
        .was_ready =
            was_ready(announcer, state,
                      base_state_ready(state)), /* its start does not take as long as a replay */
        .dead = state->health.dead,
        .operating = operating,
        .mute_ms = state->mute_ms,
        .message = state->health.message,
    };
    probe_startup(&facts, &out->startup);
    probe_live(&facts, &out->live);
    probe_ready(&facts, &out->ready);
}

void agent_probes_done(struct agent_probes *probes)
{
    probe_done(&probes->startup);
    probe_done(&probes->live);
    probe_done(&probes->ready);
}

/* -- all of it -- */

void announcer_health(struct announcer *announcer, const struct base_health *health)
{
    tell_rpc(announcer, health);
    tell_metrics(announcer, health);
}

struct announcer *announcer_new(struct rpc_server *rpc, struct metrics *metrics)
{
    struct announcer *announcer = NEW(struct announcer);
    announcer->rpc = rpc;
    announcer->metrics = metrics;
    make_base_series(announcer);
    return announcer;
}

void announcer_free(struct announcer *announcer)
{
    if (!announcer)
        return;
    for (size_t i = 0; i < announcer->modules.len; i++)
        remove_series(announcer, &announcer->modules.items[i]);
    VEC_DONE(&announcer->modules);
    map_done(&announcer->names);
    mem_free(announcer->ready_boot_id);
    mem_free(announcer);
}
