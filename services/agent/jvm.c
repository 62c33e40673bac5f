/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/jvm.h"

struct jvm {
    struct jvm_options options;
    struct list questions; /* the first is asked now */
    bool known;
    struct jvm_figures figures;
    char *refusal; /* or NULL */
    struct metric *uptime, *heap_used, *heap_max;
    struct metric *metaspace_used, *metaspace_committed, *metaspace_max, *metaspace_full;
};

/* What is not known, or not limited, is -1 there too. */
static void note(struct jvm *jvm, const struct jvm_figures *figures)
{
    jvm->known = true;
    jvm->figures = *figures;
    mem_free(jvm->refusal);
    jvm->refusal = metaspace_refusal(figures, jvm->options.metaspace_percent);
    metric_set(jvm->uptime, figures->uptime_s);
    metric_set(jvm->heap_used, figures->heap_used_bytes);
    metric_set(jvm->heap_max, figures->heap_max_bytes);
    metric_set(jvm->metaspace_used, figures->metaspace_used_bytes);
    metric_set(jvm->metaspace_committed, figures->metaspace_committed_bytes);
    metric_set(jvm->metaspace_max, figures->metaspace_max_bytes);
    metric_set(jvm->metaspace_full, jvm->refusal != NULL);
}

static void send_first(struct jvm *jvm);

static void on_answer(void *user, const char *body, size_t len, const struct err *err)
{
    struct jvm *jvm = user;
    struct jvm_figures figures;
    bool answered = !err && jvm_figures_parse(body, len, &figures, NULL) == 0;
    struct jvm_question *question = LIST_ENTRY(jvm->questions.next, struct jvm_question, node);
    list_remove(&question->node);
    if (answered)
        note(jvm, &figures);
    if (!list_empty(&jvm->questions))
        send_first(jvm);
    question->fn(question, answered);
}

static void send_first(struct jvm *jvm)
{
    struct jvm_question *question = LIST_ENTRY(jvm->questions.next, struct jvm_question, node);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "type", "system");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "metrics"), cJSON_CreateString("jvm"));
    question->asked_ms = loop_now_ms(jvm->options.loop);
    arklet_ask(jvm->options.arklet, "health", body, jvm->options.query_ms, on_answer, jvm);
}

void jvm_ask(struct jvm *jvm, struct jvm_question *question)
{
    bool idle = list_empty(&jvm->questions);
    list_append(&jvm->questions, &question->node);
    if (idle)
        send_first(jvm);
}

const struct jvm_figures *jvm_figures(const struct jvm *jvm)
{
    return jvm->known ? &jvm->figures : NULL;
}

const char *jvm_refusal(const struct jvm *jvm)
{
    return jvm->refusal;
}

/* Each round of the watcher in doubt asks: another JVM, which may have a limit, is known before much is in it. */
bool jvm_is_limited(const struct jvm *jvm)
{
    bool unlimited = jvm->known && jvm->figures.metaspace_max_bytes < 0;
    return jvm->options.metaspace_percent > 0 && !unlimited;
}

static void add_metrics(struct jvm *jvm)
{
    struct metrics *metrics = jvm->options.metrics;
    jvm->uptime = metrics_gauge(metrics, "koupleless_agent_jvm_uptime_seconds",
                                "Age of the base's JVM.", NULL);
    jvm->heap_used =
        metrics_gauge(metrics, "koupleless_agent_jvm_heap_used_bytes", "Heap in use.", NULL);
    jvm->heap_max = metrics_gauge(metrics, "koupleless_agent_jvm_heap_max_bytes",
                                  "Limit of the heap; -1: none.", NULL);
    jvm->metaspace_used = metrics_gauge(metrics, "koupleless_agent_jvm_metaspace_used_bytes",
                                        "Metaspace in use.", NULL);
    jvm->metaspace_committed =
        metrics_gauge(metrics, "koupleless_agent_jvm_metaspace_committed_bytes",
                      "Metaspace that the JVM holds.", NULL);
    jvm->metaspace_max = metrics_gauge(metrics, "koupleless_agent_jvm_metaspace_max_bytes",
                                       "Limit of the metaspace; -1: none.", NULL);
    jvm->metaspace_full = metrics_gauge(metrics, "koupleless_agent_jvm_metaspace_full",
                                        "1: above --metaspace-limit, no installs.", NULL);
}

struct jvm *jvm_new(const struct jvm_options *options)
{
    struct jvm *jvm = NEW(struct jvm);
    jvm->options = *options;
    list_init(&jvm->questions);
    add_metrics(jvm);
    return jvm;
}

void jvm_free(struct jvm *jvm)
{
    if (!jvm)
        return;
    mem_free(jvm->refusal);
    mem_free(jvm);
}
