/* SPDX-License-Identifier: Apache-2.0 */
/* Cases: watch, and many callers at once. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "services/controller/store/conformance/cases.h"

static void relabel(const struct conformance *c, const char *name, const char *label)
{
    AUTO_FREE char *json = mem_printf("{\"metadata\":{\"labels\":{\"a\":%s}}}", label);
    struct store_key key = case_key(c, name);
    AUTO_ANSWER struct answer answer = call_patch(c->store, &key, STORE_MAIN, json, NULL);
    assert_null(answer.err);
}

void conformance_watch_tells_all_later_changes(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer before = case_make(c, "before", "");
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_LISTING struct listing listing = call_list(c->store, &query);
    AUTO_WATCHER struct watcher watcher;
    watcher_start(&watcher, c->store, &query, listing.resource_version);
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    relabel(c, "t", "\"1\"");
    relabel(c, "before", "\"1\"");
    case_remove(c, "t");
    AUTO_FREE char *events = watcher_wait(&watcher, 4);
    assert_string_equal(events, "ADDED t, MODIFIED t, MODIFIED before, DELETED t");

    const struct watched *items = watcher.events.items;
    assert_string_equal(items[0].resource_version, made.resource_version);
    assert_string_equal(json_get_string(items[1].object, "metadata.labels.a"), "1");
    /* What was deleted is shown as it last was, at the version of its deletion. */
    assert_string_equal(json_get_string(items[3].object, "metadata.labels.a"), "1");
    assert_string_not_equal(items[3].resource_version, items[1].resource_version);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(json_get_string(items[i].object, "metadata.resourceVersion"),
                            items[i].resource_version);
}

void conformance_watch_resumes_from_any_version(void **state)
{
    struct conformance *c = *state;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_ANSWER struct answer a = case_make(c, "a", "");
    AUTO_ANSWER struct answer b = case_make(c, "b", "");
    relabel(c, "a", "\"1\"");
    AUTO_WATCHER struct watcher first, second;
    watcher_start(&first, c->store, &query, a.resource_version);
    AUTO_FREE char *missed = watcher_wait(&first, 2);
    assert_string_equal(missed, "ADDED b, MODIFIED a");
    watcher_start(&second, c->store, &query, first.events.items[0].resource_version);
    case_remove(c, "a");
    AUTO_FREE char *first_events = watcher_wait(&first, 3);
    AUTO_FREE char *second_events = watcher_wait(&second, 2);
    assert_string_equal(first_events, "ADDED b, MODIFIED a, DELETED a");
    assert_string_equal(second_events, "MODIFIED a, DELETED a");

    /* From the version of a write that has just answered: nothing of it, all after it. */
    AUTO_ANSWER struct answer last = case_make(c, "last", "");
    AUTO_WATCHER struct watcher third;
    watcher_start(&third, c->store, &query, last.resource_version);
    case_remove(c, "b");
    AUTO_FREE char *third_events = watcher_wait(&third, 1);
    assert_string_equal(third_events, "DELETED b");
}

/* Where the store can do that. */
void conformance_watch_begins_with_what_there_is(void **state)
{
    struct conformance *c = *state;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_ANSWER struct answer a = case_make(c, "a", "");
    AUTO_ANSWER struct answer b = case_make(c, "b", "");
    AUTO_ANSWER struct answer gone = case_make(c, "gone", "");
    case_remove(c, "gone");
    AUTO_WATCHER struct watcher watcher = {0}, later = {0};
    watcher_start(&watcher, c->store, &query, NULL);
    AUTO_FREE char *first = watcher_wait(&watcher, 1);
    if (str_eq(first, "EXPIRED"))
        return;
    AUTO_FREE char *listed = watcher_wait(&watcher, 3);
    assert_true(str_eq(listed, "ADDED a, ADDED b, LISTED") ||
                str_eq(listed, "ADDED b, ADDED a, LISTED"));
    watcher_start(&later, c->store, &query, watcher.events.items[2].resource_version);
    relabel(c, "b", "\"1\"");
    AUTO_FREE char *events = watcher_wait(&watcher, 4);
    AUTO_FREE char *later_events = watcher_wait(&later, 1);
    assert_string_equal(events + strlen(listed), ", MODIFIED b");
    assert_string_equal(later_events, "MODIFIED b");
}

void conformance_watch_is_filtered(void **state)
{
    struct conformance *c = *state;
    AUTO_FREE char *version = case_version(c);
    struct store_query by_namespace = {.kind = KIND_MODULE_TEMPLATE, .namespace = c->namespace};
    struct store_query by_name = {.kind = KIND_MODULE_TEMPLATE, .name = "b"};
    struct store_query by_kind = {.kind = KIND_MODULE_REPLICASET};
    AUTO_WATCHER struct watcher of_namespace, of_name, of_kind;
    watcher_start(&of_namespace, c->store, &by_namespace, version);
    watcher_start(&of_name, c->store, &by_name, version);
    watcher_start(&of_kind, c->store, &by_kind, version);

    AUTO_FREE char *elsewhere = case_template(c->other_namespace, "b", "");
    AUTO_ANSWER struct answer other = call_create(c->store, KIND_MODULE_TEMPLATE, elsewhere);
    AUTO_ANSWER struct answer a = case_make(c, "a", "");
    AUTO_ANSWER struct answer b = case_make(c, "b", "");
    AUTO_FREE char *namespace_events = watcher_wait(&of_namespace, 2);
    AUTO_FREE char *name_events = watcher_wait(&of_name, 2);
    assert_string_equal(namespace_events, "ADDED a, ADDED b");
    assert_string_equal(name_events, "ADDED b, ADDED b");
    AUTO_FREE char *kind_events = watcher_wait(&of_kind, 0);
    assert_string_equal(kind_events, "");
}

void conformance_watch_follows_labels(void **state)
{
    struct conformance *c = *state;
    struct selector selector = {0};
    assert_int_equal(selector_parse("a=1", &selector, NULL), 0);
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .selector = &selector};
    AUTO_FREE char *version = case_version(c);
    AUTO_WATCHER struct watcher watcher;
    watcher_start(&watcher, c->store, &query, version);
    selector_done(&selector); /* borrowed for the call only */
    AUTO_ANSWER struct answer t = case_make(c, "t", "");
    AUTO_ANSWER struct answer u = case_make(c, "u", ",\"labels\":{\"a\":\"1\"}");
    relabel(c, "t", "\"1\"");
    relabel(c, "t", "\"2\"");
    relabel(c, "t", "\"3\"");
    relabel(c, "u", "null");
    relabel(c, "t", "\"1\"");
    case_remove(c, "u");
    case_remove(c, "t");
    AUTO_FREE char *events = watcher_wait(&watcher, 6);
    assert_string_equal(events, "ADDED u, ADDED t, DELETED t, DELETED u, ADDED t, DELETED t");
    /* An object that no longer matches is shown as it was when it did. */
    const struct watched *left = &watcher.events.items[2];
    assert_string_equal(json_get_string(left->object, "metadata.labels.a"), "1");
    assert_string_equal(json_get_string(left->object, "metadata.resourceVersion"),
                        left->resource_version);
}

void conformance_watch_shows_finalizers_at_work(void **state)
{
    struct conformance *c = *state;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_ANSWER struct answer made = case_make(c, "t", ",\"finalizers\":[\"example.com/a\"]");
    AUTO_WATCHER struct watcher watcher;
    watcher_start(&watcher, c->store, &query, made.resource_version);
    case_remove(c, "t");
    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer last =
        call_patch(c->store, &key, STORE_MAIN, "{\"metadata\":{\"finalizers\":null}}", NULL);
    assert_null(last.err);
    AUTO_FREE char *events = watcher_wait(&watcher, 2);
    assert_string_equal(events, "MODIFIED t, DELETED t");
    assert_non_null(json_get_string(watcher.events.items[0].object, "metadata.deletionTimestamp"));
}

void conformance_watch_stops(void **state)
{
    struct conformance *c = *state;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_FREE char *version = case_version(c);
    AUTO_WATCHER struct watcher stays;
    watcher_start(&stays, c->store, &query, version);
    for (int i = 0; i < 50; i++) {
        /* Stopped at any moment of a delivery: a callback after it would use freed memory. */
        struct watcher stopped;
        watcher_start(&stopped, c->store, &query, version);
        AUTO_FREE char *name = mem_printf("t%d", i);
        AUTO_ANSWER struct answer made = case_make(c, name, "");
        watcher_stop(&stopped);
    }
    AUTO_FREE char *events = watcher_wait(&stays, 50);
    assert_true(str_starts_with(events, "ADDED t0, ADDED t1, "));
}

/* -- many callers -- */

#define WRITERS 8
#define WRITES_EACH 25

struct writer {
    pthread_t thread;
    const struct conformance *c;
    int conflicts;
};

/* Adds one to the counter in an annotation: read, then write if nobody was faster. */
static bool count_once(const struct conformance *c)
{
    struct store_key key = case_key(c, "counter");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    int count = (int)strtol(answer_string(&got, "metadata.annotations.count"), NULL, 10);
    AUTO_FREE char *json =
        mem_printf("{\"metadata\":{\"annotations\":{\"count\":\"%d\"}}}", count + 1);
    AUTO_ANSWER struct answer put =
        call_patch(c->store, &key, STORE_MAIN, json, got.resource_version);
    ASSERT(!put.err || put.err->code == ERR_CONFLICT);
    return !put.err;
}

static void *write_counter(void *arg)
{
    struct writer *writer = arg;
    for (int done = 0; done < WRITES_EACH;) {
        if (count_once(writer->c))
            done++;
        else
            writer->conflicts++;
    }
    return NULL;
}

static void run_writers(const struct conformance *c)
{
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.c = c};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_counter, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
}

void conformance_writers_conflict_instead_of_losing(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "counter", ",\"annotations\":{\"count\":\"0\"}");
    run_writers(c);
    struct store_key key = case_key(c, "counter");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    AUTO_FREE char *expected = mem_printf("%d", WRITERS * WRITES_EACH);
    assert_string_equal(answer_string(&got, "metadata.annotations.count"), expected);
}

void conformance_watchers_agree_under_load(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "counter", ",\"annotations\":{\"count\":\"0\"}");
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .name = "counter"};
    AUTO_WATCHER struct watcher early, late;
    watcher_start(&early, c->store, &query, made.resource_version);
    run_writers(c);
    watcher_start(&late, c->store, &query, made.resource_version);
    size_t total = WRITERS * WRITES_EACH;
    AUTO_FREE char *early_events = watcher_wait(&early, total);
    AUTO_FREE char *late_events = watcher_wait(&late, total);
    assert_string_equal(early_events, late_events);
    /* Each once, and in order: the counter never jumps. */
    for (size_t i = 0; i < total; i++) {
        AUTO_FREE char *count = mem_printf("%zu", i + 1);
        assert_string_equal(
            json_get_string(early.events.items[i].object, "metadata.annotations.count"), count);
        assert_string_equal(early.events.items[i].resource_version,
                            late.events.items[i].resource_version);
    }
}

static void on_written(void *user, const struct document *document, const struct err *err)
{
    int *left = user;
    ASSERT(document && !err);
    __atomic_fetch_sub(left, 1, __ATOMIC_RELEASE);
}

/* Nobody waits for an answer before the next call. */
void conformance_writes_of_one_object_keep_their_order(void **state)
{
    struct conformance *c = *state;
    AUTO_FREE char *version = case_version(c), *json = case_template(c->namespace, "t", "");
    struct store_key key = case_key(c, "t");
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .name = "t"};
    AUTO_WATCHER struct watcher watcher;
    watcher_start(&watcher, c->store, &query, version);
    int left = WRITES_EACH + 2;
    store_create(c->store, KIND_MODULE_TEMPLATE, json, on_written, &left);
    for (int i = 1; i <= WRITES_EACH; i++) {
        AUTO_FREE char *patch = mem_printf("{\"metadata\":{\"labels\":{\"a\":\"%d\"}}}", i);
        store_patch(c->store, &key, STORE_MAIN, patch, NULL, on_written, &left);
    }
    store_remove(c->store, &key, NULL, NULL, on_written, &left);
    AUTO_FREE char *events = watcher_wait(&watcher, WRITES_EACH + 2);
    assert_true(str_starts_with(events, "ADDED t, MODIFIED t, "));
    for (int i = 1; i <= WRITES_EACH; i++) {
        AUTO_FREE char *label = mem_printf("%d", i);
        assert_string_equal(json_get_string(watcher.events.items[i].object, "metadata.labels.a"),
                            label);
    }
    assert_int_equal(watcher.events.items[WRITES_EACH + 1].type, STORE_DELETED);
    while (__atomic_load_n(&left, __ATOMIC_ACQUIRE))
        sched_yield();
}
