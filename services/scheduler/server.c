/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/server.h"

#include "lib/rpc/server.h"
#include "services/scheduler/question.h"

typedef Koupleless__Scheduler__V1__SchedulerService_Service Service;
typedef Koupleless__Scheduler__V1__Refusal Refusal;

/* Series of one method. */
struct method {
    struct metric *answered, *malformed, *seconds;
};

struct scheduler_server {
    Service service;
    struct log *log;
    struct clock *clock;
    struct method place, evict;
    struct metric *refused[REFUSALS]; /* bases, by reason */
    struct metric *not_placed;
};

static struct scheduler_server *server_of(Service *service)
{
    return CONTAINER_OF(service, struct scheduler_server, service);
}

/* -- metrics -- */

static const double seconds_bounds[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};

static struct method method_metrics(struct metrics *metrics, const char *total, const char *help,
                                    const char *label)
{
    return (struct method){
        .answered = metrics_counter(metrics, total, help, "code=\"OK\""),
        .malformed = metrics_counter(metrics, total, help, "code=\"INVALID_ARGUMENT\""),
        .seconds = metrics_histogram(metrics, "koupleless_scheduler_duration_seconds",
                                     "Time from a question to its answer", label, seconds_bounds,
                                     ARRAY_LEN(seconds_bounds)),
    };
}

static void add_metrics(struct scheduler_server *server, struct metrics *metrics)
{
    server->place = method_metrics(metrics, "koupleless_scheduler_place_total",
                                   "Place calls, by outcome", "method=\"Place\"");
    server->evict = method_metrics(metrics, "koupleless_scheduler_evict_total",
                                   "Evict calls, by outcome", "method=\"Evict\"");
    for (int reason = 0; reason < REFUSALS; reason++) {
        AUTO_FREE char *label =
            mem_printf("reason=\"%s\"", place_refusal_name((enum place_refusal)reason));
        server->refused[reason] = metrics_counter(
            metrics, "koupleless_scheduler_refused_total",
            "Bases that could not take an instance, summed over Place calls, by reason", label);
    }
    server->not_placed =
        metrics_counter(metrics, "koupleless_scheduler_not_placed_total",
                        "Instances that no base had room for, summed over Place calls", NULL);
}

static void note_outcome(const struct scheduler_server *server, const struct method *method,
                         int64_t since_ms, const struct err *err)
{
    metric_add(err ? method->malformed : method->answered, 1);
    metric_observe(method->seconds, (double)(clock_mono_ms(server->clock) - since_ms) / 1e3);
}

/* Whoever asks malformed questions is a program: its people find the reason here. */
static void refuse(const struct scheduler_server *server, const char *method, struct rpc_call *call,
                   const struct err *err)
{
    log_warn(server->log, "malformed question", LOG_STR("method", method),
             LOG_STR("peer", rpc_call_peer(call)), LOG_ERR(err));
    rpc_call_fail(call, err);
}

/* -- Place -- */

static void note_answer(const struct scheduler_server *server,
                        const struct place_question *question, const struct place_answer *answer,
                        const char *explanation)
{
    for (int reason = 0; reason < REFUSALS; reason++)
        metric_add(server->refused[reason], (int64_t)answer->refused[reason]);
    metric_add(server->not_placed, (int64_t)(question->wanted - answer->chosen_len));
    log_debug(server->log, "placed", LOG_INT("bases", (int64_t)question->count),
              LOG_STR("result", explanation));
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text; /* messages are only read */
}

static void send_place(const struct place_question *question, const struct place_answer *answer,
                       const char *explanation,
                       Koupleless__Scheduler__V1__PlaceResponse_Closure closure, void *call)
{
    Koupleless__Scheduler__V1__PlaceResponse response =
        KOUPLELESS__SCHEDULER__V1__PLACE_RESPONSE__INIT;
    AUTO_FREE char **names = mem_alloc(answer->chosen_len * sizeof(*names));
    for (size_t i = 0; i < answer->chosen_len; i++)
        names[i] = borrow(question->bases[answer->chosen[i]].name);

    enum place_refusal reasons[REFUSALS];
    Refusal refusals[REFUSALS], *pointers[REFUSALS];
    size_t kinds = place_refusals_by_count(answer, reasons);
    for (size_t i = 0; i < kinds; i++) {
        koupleless__scheduler__v1__refusal__init(&refusals[i]);
        refusals[i].reason = borrow(place_refusal_name(reasons[i]));
        refusals[i].count = (int32_t)answer->refused[reasons[i]];
        pointers[i] = &refusals[i];
    }
    response.n_bases = answer->chosen_len;
    response.bases = names;
    response.n_refusals = kinds;
    response.refusals = pointers;
    response.explanation = borrow(explanation);
    closure(&response, call);
}

static void handle_place(Service *service, const Koupleless__Scheduler__V1__PlaceRequest *request,
                         Koupleless__Scheduler__V1__PlaceResponse_Closure closure, void *call)
{
    struct scheduler_server *server = server_of(service);
    int64_t since_ms = clock_mono_ms(server->clock);
    AUTO_ERR struct err *err = NULL;
    AUTO(place_question_done) struct place_question question = {0};
    if (place_question_read(request, &question, &err) < 0) {
        note_outcome(server, &server->place, since_ms, err);
        refuse(server, "Place", call, err);
        return;
    }
    AUTO(place_answer_done) struct place_answer answer;
    place(question.bases, question.count, question.policy, question.wanted, &answer);
    AUTO_FREE char *explanation = place_explain(&answer, question.wanted);
    note_outcome(server, &server->place, since_ms, NULL);
    note_answer(server, &question, &answer, explanation);
    send_place(&question, &answer, explanation, closure, call);
}

/* -- Evict -- */

static void send_evict(const struct evict_question *question, const uint32_t *chosen, size_t len,
                       Koupleless__Scheduler__V1__EvictResponse_Closure closure, void *call)
{
    Koupleless__Scheduler__V1__EvictResponse response =
        KOUPLELESS__SCHEDULER__V1__EVICT_RESPONSE__INIT;
    AUTO_FREE char **names = mem_alloc(len * sizeof(*names));
    for (size_t i = 0; i < len; i++)
        names[i] = borrow(question->instances[chosen[i]].name);
    response.n_instances = len;
    response.instances = names;
    closure(&response, call);
}

static void handle_evict(Service *service, const Koupleless__Scheduler__V1__EvictRequest *request,
                         Koupleless__Scheduler__V1__EvictResponse_Closure closure, void *call)
{
    struct scheduler_server *server = server_of(service);
    int64_t since_ms = clock_mono_ms(server->clock);
    AUTO_ERR struct err *err = NULL;
    AUTO(evict_question_done) struct evict_question question = {0};
    if (evict_question_read(request, &question, &err) < 0) {
        note_outcome(server, &server->evict, since_ms, err);
        refuse(server, "Evict", call, err);
        return;
    }
    size_t most = question.wanted < question.count ? question.wanted : question.count;
    AUTO_FREE uint32_t *chosen = mem_alloc(most * sizeof(*chosen));
    size_t len = evict(question.instances, question.count, question.policy, most, chosen);
    note_outcome(server, &server->evict, since_ms, NULL);
    log_debug(server->log, "evicted", LOG_INT("instances", (int64_t)question.count),
              LOG_INT("wanted", (int64_t)question.wanted), LOG_INT("chosen", (int64_t)len));
    send_evict(&question, chosen, len, closure, call);
}

/* -- life -- */

struct scheduler_server *scheduler_server_new(struct metrics *metrics, struct log *log,
                                              struct clock *clock)
{
    struct scheduler_server *server = NEW(struct scheduler_server);
    server->log = log;
    server->clock = clock;
    add_metrics(server, metrics);
    koupleless__scheduler__v1__scheduler_service__init(&server->service, NULL);
    server->service.place = handle_place;
    server->service.evict = handle_evict;
    return server;
}

ProtobufCService *scheduler_server_service(struct scheduler_server *server)
{
    return &server->service.base;
}

void scheduler_server_free(struct scheduler_server *server)
{
    mem_free(server);
}
