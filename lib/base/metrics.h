/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_METRICS_H
#define KOUPLELESS_BASE_METRICS_H

#include <stdint.h>

#include "lib/base/str.h"

/*
 * Counters, gauges and histograms with fixed labels, written in Prometheus' text format 0.0.4.
 * Registered once at start, updated from any thread without a lock. Series of what comes and goes are removed by who
 * registered them.
 */
struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/**
 * metrics_counter() / metrics_gauge() - register one series
 * @name:   koupleless_..., counters end in _total; borrowed for good (a literal)
 * @labels: `code="OK",method="Place"` or NULL; copied
 * Return:  the series; the same one where name and labels were registered before.
 */
struct metric *metrics_counter(struct metrics *metrics, const char *name, const char *help,
                               const char *labels);
struct metric *metrics_gauge(struct metrics *metrics, const char *name, const char *help,
                             const char *labels);

/** metrics_histogram() - @bounds: @count ascending upper bounds, in the unit of the name; borrowed for good. */
struct metric *metrics_histogram(struct metrics *metrics, const char *name, const char *help,
                                 const char *labels, const double *bounds, int count);

/** metrics_label() - appends `name="value"` to @labels, after a comma where there is something; @value may hold anything. */
void metrics_label(struct str *labels, const char *name, const char *value);

/** metrics_remove() - a series is not written any more; nobody updates it any more either. NULL: nothing happens. */
void metrics_remove(struct metrics *metrics, struct metric *metric);

/* @metric may be NULL: nothing happens. */
void metric_add(struct metric *metric, int64_t n);
void metric_set(struct metric *metric, int64_t value);
void metric_observe(struct metric *metric, double value);

/** metrics_write() - appends all series in Prometheus' text format. Any thread. */
void metrics_write(struct metrics *metrics, struct str *out);

#endif
