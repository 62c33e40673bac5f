/* SPDX-License-Identifier: Apache-2.0 */
/* The pod and the JVM of a simulated base. */
#include "tests/sim/sim_base.h"

#include "lib/base/str.h"

/* -- modules -- */

struct sim_module *sim_base_find(const struct sim_base *base, const char *name, const char *version)
{
    for (size_t i = 0; i < base->modules.len; i++)
        if (str_eq(base->modules.items[i].name, name) &&
            str_eq(base->modules.items[i].version, version))
            return &base->modules.items[i];
    return NULL;
}

bool sim_base_serves(const struct sim_base *base, const char *name)
{
    for (size_t i = 0; i < base->modules.len; i++)
        if (str_eq(base->modules.items[i].name, name) && base->modules.items[i].state == SIM_ACTIVE)
            return true;
    return false;
}

static struct sim_module copy_module(const struct sim_module *module)
{
    return (struct sim_module){.name = mem_strdup(module->name),
                               .version = mem_strdup(module->version),
                               .jar = mem_strdup(module->jar),
                               .restart = mem_strdup(module->restart),
                               .state = module->state};
}

void sim_base_put(struct sim_base *base, const struct sim_module *module)
{
    VEC_PUSH(&base->modules, copy_module(module));
}

void sim_module_done(struct sim_module *module)
{
    mem_free(module->name);
    mem_free(module->version);
    mem_free(module->jar);
    mem_free(module->restart);
}

void sim_base_take(struct sim_base *base, struct sim_module *module)
{
    sim_module_done(module);
    *module = base->modules.items[--base->modules.len];
}

const char *sim_web_path(const char *module)
{
    return str_starts_with(module, "web") ? module : "";
}

void sim_base_activate(struct sim_base *base, struct sim_module *module)
{
    for (size_t i = 0; i < base->modules.len; i++)
        if (str_eq(base->modules.items[i].name, module->name) &&
            base->modules.items[i].state == SIM_ACTIVE)
            base->modules.items[i].state = SIM_INACTIVE;
    module->state = SIM_ACTIVE;
}

static void drop_modules(struct sim_base *base)
{
    for (size_t i = 0; i < base->modules.len; i++)
        sim_module_done(&base->modules.items[i]);
    base->modules.len = 0;
}

/* -- what happens to it -- */

static void on_jvm_there(struct loop_timer *timer)
{
    struct sim_base *base = CONTAINER_OF(timer, struct sim_base, jvm);
    base->jvm_down = false;
    base->boots++;
    history_note(base->options.history, "%s: JVM is there", base->name);
    base->options.agent->jvm_changed(base);
}

void sim_base_restart_jvm(struct sim_base *base)
{
    if (base->dead || base->jvm_down)
        return;
    history_note(base->options.history, "%s: JVM starts anew", base->name);
    base->jvm_down = true;
    base->went_ms = loop_now_ms(base->options.loop);
    drop_modules(base);
    base->options.agent->jvm_changed(base);
    loop_timer_start(
        base->options.loop, &base->jvm,
        loop_now_ms(base->options.loop) + 1 +
            (int64_t)rand_below(base->options.rand, (uint64_t)base->options.faults->down_ms));
}

void sim_base_restart_agent(struct sim_base *base)
{
    if (base->dead)
        return;
    history_note(base->options.history, "%s: agent starts anew", base->name);
    base->agent_starts++;
    base->options.agent->restart(base, 0);
}

#define TRAVELS_MS 5000 /* a report, at most: no net is so slow */

void sim_base_set_room(struct sim_base *base, int32_t max_module_count)
{
    if (base->options.max_module_count == max_module_count)
        return;
    base->options.max_module_count = max_module_count;
    history_note(base->options.history, "%s: has room for %d", base->name, max_module_count);
    base->agent_starts++;
    base->options.agent->restart(base, TRAVELS_MS);
}

static void stop(struct sim_base *base)
{
    base->dead = true;
    loop_timer_stop(base->options.loop, &base->jvm);
    base->options.agent->stop(base);
    drop_modules(base);
}

void sim_base_die(struct sim_base *base)
{
    if (base->dead)
        return;
    history_note(base->options.history, "%s: is gone", base->name);
    stop(base);
}

/* -- life -- */

struct sim_base *sim_base_new(const struct sim_base_options *options)
{
    struct sim_base *base = NEW(struct sim_base);
    base->options = *options;
    base->name = mem_strdup(options->name);
    base->namespace = mem_strdup(options->namespace);
    base->ip = mem_strdup(options->ip);
    base->deployment = mem_strdup(options->deployment);
    base->address = mem_strdup(options->address);
    base->zone = mem_strdup(options->zone);
    base->controller = mem_strdup(options->controller);
    loop_timer_init(&base->jvm, on_jvm_there);
    history_note(options->history, "%s: is there, at %s", base->name, base->address);
    options->agent->start(base);
    return base;
}

void sim_base_free(struct sim_base *base)
{
    if (!base->dead)
        stop(base);
    VEC_DONE(&base->modules);
    mem_free(base->name);
    mem_free(base->namespace);
    mem_free(base->ip);
    mem_free(base->deployment);
    mem_free(base->address);
    mem_free(base->zone);
    mem_free(base->controller);
    mem_free(base);
}
