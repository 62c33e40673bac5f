/* SPDX-License-Identifier: Apache-2.0 */
/* What the model of an agent reports, as services/agent/reporter.c does. */
#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "lib/base/backoff.h"
#include "tests/sim/sim_base.h"

#define REPORT_DEADLINE_MS 5000
#define REPORT_RETRY_FIRST_MS 500
#define REPORT_RETRY_MAX_MS 15000
#define REPORT_JITTER_PERCENT 10
#define NOTICED_MS 3000 /* at most so long until the agent notices what it did not do itself */

typedef Koupleless__Controller__V1__ReportRequest Report;
typedef Koupleless__Agent__V1__InstalledModule InstalledModule;

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

void sim_reports_notice(struct sim_base *base)
{
    if (!base->reporting)
        report_in(base, (int64_t)rand_below(base->options.rand, NOTICED_MS));
}

void sim_reports_start(struct sim_base *base)
{
    const struct rpc_tls plain = {0};
    loop_timer_init(&base->report, send_report);
    base->client = sim_net_client(base->options.net, base->name);
    (void)rpc_channel_new(&base->channel, base->client, base->controller, &plain, NULL);
    sim_reports_notice(base);
}

void sim_reports_stop(struct sim_base *base)
{
    loop_timer_stop(base->options.loop, &base->report);
    rpc_channel_free(TAKE(base->channel));
    rpc_client_free(TAKE(base->client));
}
