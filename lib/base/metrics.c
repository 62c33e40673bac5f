/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/assert.h"
#include "lib/base/vec.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
    enum metric_type type;
    const char *name, *help;
    char *labels; /* "" or `a="b"` */
    _Atomic int64_t value;
    const double *bounds;
    int bound_count;
    _Atomic uint64_t *buckets; /* bound_count + 1, the last is +Inf */
    _Atomic double sum;
};

struct metrics {
    pthread_mutex_t lock; /* of the list, not of the values */
    VEC(struct metric *) items;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = NEW(struct metrics);
    pthread_mutex_init(&metrics->lock, NULL);
    return metrics;
}

static void metric_free(struct metric *metric)
{
    mem_free(metric->labels);
    mem_free(metric->buckets);
    mem_free(metric);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->items.len; i++)
        metric_free(metrics->items.items[i]);
    VEC_DONE(&metrics->items);
    pthread_mutex_destroy(&metrics->lock);
    mem_free(metrics);
}

/* Series of one name stand together, as the format wants it. */
static void insert(struct metrics *metrics, struct metric *metric)
{
    VEC_PUSH(&metrics->items, metric);
    size_t place = metrics->items.len - 1;
    for (size_t i = 0; i < place; i++) {
        bool last_of_name = str_eq(metrics->items.items[i]->name, metric->name) &&
                            !str_eq(metrics->items.items[i + 1]->name, metric->name);
        if (!last_of_name)
            continue;
        for (size_t j = place; j > i + 1; j--)
            metrics->items.items[j] = metrics->items.items[j - 1];
        metrics->items.items[i + 1] = metric;
        return;
    }
}

static struct metric *get_metric(struct metrics *metrics, enum metric_type type, const char *name,
                                 const char *help, const char *labels)
{
    struct metric *metric = NULL;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->items.len && !metric; i++)
        if (str_eq(metrics->items.items[i]->name, name) &&
            str_eq(metrics->items.items[i]->labels, labels))
            metric = metrics->items.items[i];
    if (!metric) {
        metric = NEW(struct metric);
        metric->type = type;
        metric->name = name;
        metric->help = help;
        metric->labels = mem_strdup(labels ? labels : "");
        insert(metrics, metric);
    }
    pthread_mutex_unlock(&metrics->lock);
    ASSERT(metric->type == type);
    return metric;
}

struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
                               const char *labels)
{
    return get_metric(metrics, METRIC_COUNTER, name, help, labels);
}

struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                             const char *labels)
{
    return get_metric(metrics, METRIC_GAUGE, name, help, labels);
}

struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                                 const char *labels, const double *bounds, int count)
{
    struct metric *metric = get_metric(metrics, METRIC_HISTOGRAM, name, help, labels);
    if (!metric->buckets) {
        metric->bounds = bounds;
        metric->bound_count = count;
        metric->buckets = mem_alloc(((size_t)count + 1) * sizeof(*metric->buckets));
    }
    return metric;
}

void metrics_label(struct str *labels, const char *name, const char *value)
{
    str_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\\' || *c == '"')
            str_printf(labels, "\\%c", *c);
        else if (*c == '\n')
            str_add(labels, "\\n");
        else
            str_add_bytes(labels, c, 1);
    }
    str_add(labels, "\"");
}

void metrics_remove(struct metrics *metrics, struct metric *metric)
{
    if (!metric)
        return;
    pthread_mutex_lock(&metrics->lock);
    size_t left = 0;
    for (size_t i = 0; i < metrics->items.len; i++)
        if (metrics->items.items[i] != metric)
            metrics->items.items[left++] = metrics->items.items[i];
    metrics->items.len = left;
    pthread_mutex_unlock(&metrics->lock);
    metric_free(metric);
}

void metric_add(struct metric *metric, int64_t n)
{
    if (metric)
        atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    if (metric)
        atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe(struct metric *metric, double value)
{
    if (!metric)
        return;
    int bucket = 0;
    while (bucket < metric->bound_count && value > metric->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    double sum = atomic_load_explicit(&metric->sum, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&metric->sum, &sum, sum + value,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

static void write_histogram(const struct metric *metric, struct str *out)
{
    const char *comma = *metric->labels ? "," : "", *open = *metric->labels ? "{" : "",
               *close = *metric->labels ? "}" : "";
    uint64_t total = 0;
    for (int i = 0; i < metric->bound_count; i++) {
        total += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        str_printf(out, "%s_bucket{%s%sle=\"%.15g\"} %" PRIu64 "\n", metric->name, metric->labels,
                   comma, metric->bounds[i], total);
    }
    total += atomic_load_explicit(&metric->buckets[metric->bound_count], memory_order_relaxed);
    str_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", metric->name, metric->labels, comma,
               total);
    str_printf(out, "%s_sum%s%s%s %.15g\n", metric->name, open, metric->labels, close,
               atomic_load_explicit(&metric->sum, memory_order_relaxed));
    str_printf(out, "%s_count%s%s%s %" PRIu64 "\n", metric->name, open, metric->labels, close,
               total);
}

void metrics_write(struct metrics *metrics, struct str *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const char *before = NULL;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->items.len; i++) {
        const struct metric *metric = metrics->items.items[i];
        if (!str_eq(before, metric->name))
            str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                       metric->name, types[metric->type]);
        before = metric->name;
        if (metric->type == METRIC_HISTOGRAM)
            write_histogram(metric, out);
        else
            str_printf(out, "%s%s%s%s %" PRId64 "\n", metric->name, *metric->labels ? "{" : "",
                       metric->labels, *metric->labels ? "}" : "",
                       atomic_load_explicit(&metric->value, memory_order_relaxed));
    }
    pthread_mutex_unlock(&metrics->lock);
}
