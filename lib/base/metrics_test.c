/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <pthread.h>

#include <cmocka.h>

#include "lib/base/metrics.h"

static void check(struct metrics *metrics, const char *expected)
{
    AUTO_STR struct str out = STR_INIT(10000);
    metrics_write(metrics, &out);
    assert_string_equal(str_text(&out), expected);
}

static void nothing_registered_writes_nothing(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    check(metrics, "");
    metrics_free(metrics);
    metrics_free(NULL);
    metric_add(NULL, 1);
    metric_set(NULL, 1);
    metric_observe(NULL, 1);
}

static void series_of_one_name_stand_together(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *ok = metrics_counter(metrics, "calls_total", "Calls.", "code=\"OK\"");
    struct metric *queue = metrics_gauge(metrics, "queue", "Keys.", NULL);
    struct metric *other = metrics_counter(metrics, "other_total", "Others.", NULL);
    struct metric *bad =
        metrics_counter(metrics, "calls_total", "Calls.", "code=\"BAD\",m=\"A b\"");
    metric_add(ok, 2);
    metric_add(ok, 3);
    metric_add(bad, 1);
    metric_set(queue, 9);
    metric_set(queue, -7);
    metric_add(queue, 2);
    metric_add(other, INT64_MAX);
    check(metrics, "# HELP calls_total Calls.\n"
                   "# TYPE calls_total counter\n"
                   "calls_total{code=\"OK\"} 5\n"
                   "calls_total{code=\"BAD\",m=\"A b\"} 1\n"
                   "# HELP queue Keys.\n"
                   "# TYPE queue gauge\n"
                   "queue -5\n"
                   "# HELP other_total Others.\n"
                   "# TYPE other_total counter\n"
                   "other_total 9223372036854775807\n");
    metrics_free(metrics);
}

static void a_series_is_registered_once(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    char labels[] = "a=\"1\"";
    struct metric *first = metrics_counter(metrics, "n_total", "N.", labels);
    struct metric *none = metrics_counter(metrics, "n_total", "N.", NULL);
    labels[3] = '2'; /* was copied */
    struct metric *second = metrics_counter(metrics, "n_total", "N.", labels);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(metrics_counter(metrics, "n_total", "N.", "a=\"1\""), first);
    assert_ptr_equal(metrics_counter(metrics, "n_total", "N.", ""), none);
    check(metrics, "# HELP n_total N.\n# TYPE n_total counter\n"
                   "n_total{a=\"1\"} 0\nn_total 0\nn_total{a=\"2\"} 0\n");
    metrics_free(metrics);
}

static void histograms_are_cumulative(void **state)
{
    (void)state;
    static const double bounds[] = {0.005, 1, 2.5};
    static const double values[] = {0, 0.005, 0.0051, 1, 2.5, 2.6, 1000};
    struct metrics *metrics = metrics_new();
    struct metric *seconds =
        metrics_histogram(metrics, "took_seconds", "Time.", NULL, bounds, ARRAY_LEN(bounds));
    struct metric *labelled = metrics_histogram(metrics, "took_seconds", "Time.", "m=\"Place\"",
                                                bounds, ARRAY_LEN(bounds));
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        metric_observe(seconds, values[i]);
    metric_observe(labelled, 2);
    assert_ptr_equal(
        metrics_histogram(metrics, "took_seconds", "Time.", NULL, bounds, ARRAY_LEN(bounds)),
        seconds);
    check(metrics, "# HELP took_seconds Time.\n"
                   "# TYPE took_seconds histogram\n"
                   "took_seconds_bucket{le=\"0.005\"} 2\n"
                   "took_seconds_bucket{le=\"1\"} 4\n"
                   "took_seconds_bucket{le=\"2.5\"} 5\n"
                   "took_seconds_bucket{le=\"+Inf\"} 7\n"
                   "took_seconds_sum 1006.1101\n"
                   "took_seconds_count 7\n"
                   "took_seconds_bucket{m=\"Place\",le=\"0.005\"} 0\n"
                   "took_seconds_bucket{m=\"Place\",le=\"1\"} 0\n"
                   "took_seconds_bucket{m=\"Place\",le=\"2.5\"} 1\n"
                   "took_seconds_bucket{m=\"Place\",le=\"+Inf\"} 1\n"
                   "took_seconds_sum{m=\"Place\"} 2\n"
                   "took_seconds_count{m=\"Place\"} 1\n");
    metrics_free(metrics);
}

/* Six digits would stand still after a day of seconds, and move a bound of bytes. */
static void large_sums_and_bounds_keep_their_digits(void **state)
{
    (void)state;
    static const double bounds[] = {1048576};
    struct metrics *metrics = metrics_new();
    struct metric *bytes = metrics_histogram(metrics, "b", "B.", NULL, bounds, 1);
    metric_observe(bytes, 123456789.25);
    metric_observe(bytes, 0.5);
    check(metrics, "# HELP b B.\n# TYPE b histogram\nb_bucket{le=\"1048576\"} 1\n"
                   "b_bucket{le=\"+Inf\"} 2\nb_sum 123456789.75\nb_count 2\n");
    metrics_free(metrics);
}

static void a_series_that_is_removed_is_not_written(void **state)
{
    (void)state;
    struct metrics *metrics = metrics_new();
    struct metric *a = metrics_gauge(metrics, "g", "G.", "of=\"a\"");
    metric_set(metrics_gauge(metrics, "g", "G.", "of=\"b\""), 2);
    metric_set(metrics_gauge(metrics, "h", "H.", NULL), 3);
    metric_set(a, 1);
    metrics_remove(metrics, a);
    metrics_remove(metrics, NULL);
    check(metrics,
          "# HELP g G.\n# TYPE g gauge\ng{of=\"b\"} 2\n# HELP h H.\n# TYPE h gauge\nh 3\n");
    metrics_gauge(metrics, "g", "G.", "of=\"a\"");
    check(metrics, "# HELP g G.\n# TYPE g gauge\ng{of=\"b\"} 2\ng{of=\"a\"} 0\n"
                   "# HELP h H.\n# TYPE h gauge\nh 3\n");
    metrics_free(metrics);
}

static void labels_hold_anything(void **state)
{
    (void)state;
    AUTO_STR struct str labels = STR_INIT(1000);
    metrics_label(&labels, "a", "pay");
    metrics_label(&labels, "b", "x\"\\y\nz{},=");
    assert_string_equal(str_text(&labels), "a=\"pay\",b=\"x\\\"\\\\y\\nz{},=\"");
}

struct pair {
    struct metric *counter, *histogram;
};

static void *update(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < 10000; i++) {
        metric_add(pair->counter, 1);
        metric_observe(pair->histogram, 1);
    }
    return NULL;
}

static void any_thread_may_update(void **state)
{
    (void)state;
    static const double bounds[] = {1};
    struct metrics *metrics = metrics_new();
    struct pair pair = {metrics_counter(metrics, "c_total", "C.", NULL),
                        metrics_histogram(metrics, "h", "H.", NULL, bounds, 1)};
    pthread_t threads[4];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, update, &pair), 0);
    AUTO_STR struct str meanwhile = STR_INIT(10000);
    metrics_write(metrics, &meanwhile);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    check(metrics, "# HELP c_total C.\n# TYPE c_total counter\nc_total 40000\n"
                   "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 40000\n"
                   "h_bucket{le=\"+Inf\"} 40000\nh_sum 40000\nh_count 40000\n");
    metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_registered_writes_nothing),
        cmocka_unit_test(series_of_one_name_stand_together),
        cmocka_unit_test(a_series_is_registered_once),
        cmocka_unit_test(histograms_are_cumulative),
        cmocka_unit_test(large_sums_and_bounds_keep_their_digits),
        cmocka_unit_test(a_series_that_is_removed_is_not_written),
        cmocka_unit_test(labels_hold_anything),
        cmocka_unit_test(any_thread_may_update),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
