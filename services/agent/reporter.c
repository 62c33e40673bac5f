/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/reporter.h"

#include "koupleless/agent/v1/agent.pb-c.h"
#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "lib/base/backoff.h"
#include "lib/base/str.h"
#include "services/agent/engine/report_interval.h"
#include "services/agent/messages.h"

#define DEADLINE_MS 5000
#define LEAVE_DEADLINE_MS 1000
#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 15000
#define JITTER_PERCENT 10

typedef Koupleless__Controller__V1__ReportRequest Report;

struct reporter {
    struct reporter_options options;
    const char *address;
    struct loop_timer timer;
    struct rand rand;
    bool sending, again, leaving;
    int failures;
    void (*left)(void *user);
    void *left_user;
    struct metric *sent, *failed;

    /* outcome of the report under way, on its way to the loop */
    struct loop_event event;
    int64_t next_ms; /* 0 = it failed */
    char *error;
};

static void send_report(struct reporter *reporter);

/* -- outcome -- */

static void note_failure(struct reporter *reporter)
{
    metric_add(reporter->failed, 1);
    if (reporter->failures++ == 0)
        log_warn(reporter->options.log, "the controller does not take reports, trying again",
                 LOG_STR("error", reporter->error));
}

static void note_success(struct reporter *reporter)
{
    metric_add(reporter->sent, 1);
    if (reporter->failures)
        log_info(reporter->options.log, "the controller takes reports again");
    reporter->failures = 0;
}

static void plan_next(struct reporter *reporter)
{
    struct loop *loop = reporter->options.loop;
    int64_t ms = reporter->failures
                     ? backoff_ms(reporter->failures, RETRY_FIRST_MS, RETRY_MAX_MS, &reporter->rand)
                     : rand_jitter(&reporter->rand, reporter->next_ms, JITTER_PERCENT);
    loop_timer_start(loop, &reporter->timer, loop_now_ms(loop) + ms);
}

static void on_outcome(struct loop_event *event)
{
    struct reporter *reporter = CONTAINER_OF(event, struct reporter, event);
    reporter->sending = false;
    if (reporter->next_ms)
        note_success(reporter);
    else
        note_failure(reporter);
    mem_free(TAKE(reporter->error));
    if (reporter->leaving && !reporter->again) {
        if (reporter->left)
            reporter->left(reporter->left_user);
        return;
    }
    if (reporter->again && (!reporter->failures || reporter->leaving))
        send_report(reporter);
    else
        plan_next(reporter);
}

/* On the client's thread. */
static void on_done(void *user, const ProtobufCMessage *message, const struct err *err)
{
    struct reporter *reporter = user;
    const Koupleless__Controller__V1__ReportResponse *response = (const void *)message;
    reporter->next_ms = 0;
    if (response) {
        const Google__Protobuf__Duration *next = response->next_report;
        reporter->next_ms = report_interval_ms(next ? next->seconds : 0, next ? next->nanos : 0);
    } else {
        reporter->error = mem_strdup(err->message);
    }
    loop_post(reporter->options.loop, &reporter->event);
}

/* -- a report -- */

static void set_identity(const struct base_identity *identity, Report *report)
{
    report->namespace_ = messages_text(identity->namespace);
    report->base_name = messages_text(identity->name);
    report->base_deployment = messages_text(identity->deployment);
    report->ip = messages_text(identity->ip);
    report->node = messages_text(identity->node);
    report->zone = messages_text(identity->zone);
    if (identity->max_module_count >= 0) {
        report->_max_module_count_case =
            KOUPLELESS__CONTROLLER__V1__REPORT_REQUEST___MAX_MODULE_COUNT_MAX_MODULE_COUNT;
        report->max_module_count = (int32_t)identity->max_module_count;
    }
}

static void set_readiness(const struct base_state *state, bool ready, Report *report)
{
    report->ready = ready;
    report->boot_id = messages_text(state->boot_id);
    if (ready)
        return;
    report->reason = messages_text(base_unready_reason(
        base_state_ready(state), state->arklet_answered, state->health.base_status));
    report->message = messages_text(state->health.message);
}

static void send_report(struct reporter *reporter)
{
    const struct base_state *state = watcher_state(reporter->options.watcher);
    Report report = KOUPLELESS__CONTROLLER__V1__REPORT_REQUEST__INIT;
    struct messages messages = {0};
    set_identity(&reporter->options.identity, &report);
    report.agent_address = messages_text(reporter->address);
    set_readiness(state, replay_base_ready(reporter->options.replay), &report);
    report.n_labels = reporter->options.identity.labels->len;
    report.labels = messages_labels(&messages, reporter->options.identity.labels);
    report.modules_known = state->modules_known;
    report.n_modules = state->modules.len;
    report.modules = messages_modules(&messages, &state->modules, reporter->options.operations);
    report.n_module_health = state->health.len;
    report.module_health = messages_health(&messages, &state->health);
    report.leaving = reporter->leaving;
    report.metaspace_full = jvm_refusal(reporter->options.jvm) != NULL;
    report.metaspace_message = messages_text(jvm_refusal(reporter->options.jvm));

    struct rpc_options options = {.deadline_ms =
                                      reporter->leaving ? LEAVE_DEADLINE_MS : DEADLINE_MS};
    loop_timer_stop(reporter->options.loop, &reporter->timer);
    reporter->sending = true;
    reporter->again = false;
    rpc_unary(reporter->options.channel,
              &koupleless__controller__v1__agent_gateway_service__descriptor, "Report",
              &report.base, &options, on_done, reporter);
    messages_done(&messages);
}

static void on_timer(struct loop_timer *timer)
{
    send_report(CONTAINER_OF(timer, struct reporter, timer));
}

/* -- public -- */

struct reporter *reporter_new(const struct reporter_options *options)
{
    struct reporter *reporter = NEW(struct reporter);
    reporter->options = *options;
    reporter->event.fn = on_outcome;
    rand_seed(&reporter->rand, options->seed);
    loop_timer_init(&reporter->timer, on_timer);
    reporter->sent = metrics_counter(options->metrics, "koupleless_agent_reports_total",
                                     "Reports to the controller.", "result=\"sent\"");
    reporter->failed = metrics_counter(options->metrics, "koupleless_agent_reports_total",
                                       "Reports to the controller.", "result=\"failed\"");
    return reporter;
}

void reporter_free(struct reporter *reporter)
{
    if (!reporter)
        return;
    loop_timer_stop(reporter->options.loop, &reporter->timer);
    mem_free(reporter->error);
    mem_free(reporter);
}

void reporter_set_address(struct reporter *reporter, const char *address)
{
    reporter->address = address;
}

void reporter_changed(struct reporter *reporter)
{
    if (reporter->leaving)
        return;
    if (reporter->sending || reporter->failures)
        reporter->again = true; /* while the controller is away the retry tells it */
    else
        send_report(reporter);
}

void reporter_leave(struct reporter *reporter, void (*done)(void *user), void *user)
{
    reporter->leaving = true;
    reporter->left = done;
    reporter->left_user = user;
    if (reporter->sending)
        reporter->again = true;
    else
        send_report(reporter);
}
