/* SPDX-License-Identifier: Apache-2.0 */
/* The pod and the JVM of a simulated base, and what its agent reports of them, as services/agent/reporter.c does. */
#include "tests/sim/sim_base.h"

#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "lib/base/backoff.h"
#include "lib/base/str.h"

#define REPORT_DEADLINE_MS 5000
#define REPORT_RETRY_FIRST_MS 500
#define REPORT_RETRY_MAX_MS 15000
#define REPORT_JITTER_PERCENT 10
#define NOTICED_MS 3000 /* at most so long until the agent notices what it did not do itself */

typedef Koupleless__Controller__V1__ReportRequest Report;
typedef Koupleless__Agent__V1__InstalledModule InstalledModule;

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

static void drop_modules(struct sim_base *base)
{
    for (size_t i = 0; i < base->modules.len; i++)
        sim_module_done(&base->modules.items[i]);
    base->modules.len = 0;
}

/* -- reports -- */

static void report_in(struct sim_base *base, int64_t ms)
{
    loop_timer_start(base->options.loop, &base->report, loop_now_ms(base->options.loop) + ms);
}

static void on_reported(void *user, const ProtobufCMessage *message, const struct err *err)
{
    struct sim_base *base = user;
    const Koupleless__Controller__V1__ReportResponse *response = (const void *)message;
    base->reporting = false;
    if (base->dead)
        return;
    base->report_failures = err ? base->report_failures + 1 : 0;
    if (err) {
        report_in(base, backoff_ms(base->report_failures, REPORT_RETRY_FIRST_MS,
                                   REPORT_RETRY_MAX_MS, base->options.rand));
    } else if (base->report_again) {
        report_in(base, 0);
    } else {
        const Google__Protobuf__Duration *next = response->next_report;
        report_in(base,
                  rand_jitter(base->options.rand, next->seconds * 1000 + next->nanos / 1000000,
                              REPORT_JITTER_PERCENT));
    }
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text; /* messages are only read */
}

static void fill_modules(const struct sim_base *base, InstalledModule *modules,
                         InstalledModule **pointers)
{
    static const char *const states[] = {
        [SIM_ACTIVE] = "activated", [SIM_INACTIVE] = "deactivated", [SIM_BROKEN] = "broken"};
    for (size_t i = 0; i < base->modules.len; i++) {
        koupleless__agent__v1__installed_module__init(&modules[i]);
        modules[i].name = base->modules.items[i].name;
        modules[i].version = base->modules.items[i].version;
        modules[i].state = borrow(states[base->modules.items[i].state]);
        pointers[i] = &modules[i];
    }
}

static void send_report(struct loop_timer *timer)
{
    struct sim_base *base = CONTAINER_OF(timer, struct sim_base, report);
    Report report = KOUPLELESS__CONTROLLER__V1__REPORT_REQUEST__INIT;
    AUTO_FREE InstalledModule *modules = mem_alloc(base->modules.len * sizeof(*modules));
    AUTO_FREE InstalledModule **pointers = mem_alloc(base->modules.len * sizeof(*pointers));
    AUTO_FREE char *boot = mem_printf("boot-%d", base->boots);
    fill_modules(base, modules, pointers);
    report.namespace_ = base->namespace;
    report.base_name = base->name;
    report.base_deployment = base->deployment;
    report.ip = base->ip;
    report.agent_address = base->address;
    report.zone = base->zone;
    report.boot_id = boot;
    if (base->options.max_module_count >= 0) {
        report._max_module_count_case =
            KOUPLELESS__CONTROLLER__V1__REPORT_REQUEST___MAX_MODULE_COUNT_MAX_MODULE_COUNT;
        report.max_module_count = base->options.max_module_count;
    }
    report.ready = !base->jvm_down;
    report.reason = borrow(base->jvm_down ? "ArkletUnreachable" : "");
    report.modules_known = !base->jvm_down;
    report.n_modules = base->jvm_down ? 0 : base->modules.len;
    report.modules = pointers;
    struct rpc_options options = {.deadline_ms = REPORT_DEADLINE_MS};
    base->reporting = true;
    base->report_again = false;
    sim_net_call(base->options.net, base->channel,
                 &koupleless__controller__v1__agent_gateway_service__descriptor, "Report",
                 &report.base, &options, on_reported, base);
}

void sim_base_changed(struct sim_base *base)
{
    if (base->dead)
        return;
    if (base->reporting || base->report_failures)
        base->report_again = true;
    else
        report_in(base, 0);
}

/* -- what happens to it -- */

static void on_jvm_there(struct loop_timer *timer)
{
    struct sim_base *base = CONTAINER_OF(timer, struct sim_base, jvm);
    base->jvm_down = false;
    base->boots++;
    history_note(base->options.history, "%s: JVM is there", base->name);
    if (!base->reporting)
        report_in(base, (int64_t)rand_below(base->options.rand, NOTICED_MS));
}

void sim_base_restart_jvm(struct sim_base *base)
{
    if (base->dead || base->jvm_down)
        return;
    history_note(base->options.history, "%s: JVM starts anew", base->name);
    base->jvm_down = true;
    base->went_ms = loop_now_ms(base->options.loop);
    drop_modules(base);
    sim_agent_jvm_gone(base);
    loop_timer_start(
        base->options.loop, &base->jvm,
        loop_now_ms(base->options.loop) + 1 +
            (int64_t)rand_below(base->options.rand, (uint64_t)base->options.faults->down_ms));
    if (!base->reporting)
        report_in(base, (int64_t)rand_below(base->options.rand, NOTICED_MS));
}

void sim_base_restart_agent(struct sim_base *base)
{
    if (base->dead)
        return;
    history_note(base->options.history, "%s: agent starts anew", base->name);
    sim_net_stop_serving(base->options.net, base->address);
    sim_agent_forget(base);
    base->epoch = 0;
    sim_net_serve(base->options.net, base->address, &base->service.base);
    sim_base_changed(base);
}

static void stop(struct sim_base *base)
{
    base->dead = true;
    sim_net_stop_serving(base->options.net, base->address);
    loop_timer_stop(base->options.loop, &base->report);
    loop_timer_stop(base->options.loop, &base->jvm);
    rpc_channel_free(TAKE(base->channel));
    rpc_client_free(TAKE(base->client));
    sim_agent_done(base);
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
    sim_agent_init(base);
    loop_timer_init(&base->report, send_report);
    loop_timer_init(&base->jvm, on_jvm_there);
    base->client = sim_net_client(options->net, base->name);
    const struct rpc_tls plain = {0};
    (void)rpc_channel_new(&base->channel, base->client, base->controller, &plain, NULL);
    sim_net_serve(options->net, base->address, &base->service.base);
    history_note(options->history, "%s: is there, at %s", base->name, base->address);
    report_in(base, (int64_t)rand_below(options->rand, NOTICED_MS));
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
