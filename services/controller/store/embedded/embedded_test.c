/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/embedded/embedded.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "services/controller/store/conformance/cases.h"
#include "services/controller/store/embedded/test_dir.h"

/* -- the conformance suite, on a store of its own for each case -- */

struct subject {
    struct conformance conformance;
    char *dir;
};

static void make(struct conformance *conformance)
{
    struct subject *subject = CONTAINER_OF(conformance, struct subject, conformance);
    subject->dir = test_dir_make();
    AUTO_ERR struct err *err = NULL;
    if (embedded_store_open(&conformance->store, subject->dir, clock_real(), &err) < 0)
        fail_msg("%s", err->message);
}

static void drop(struct conformance *conformance)
{
    struct subject *subject = CONTAINER_OF(conformance, struct subject, conformance);
    store_free(conformance->store);
    test_dir_remove(subject->dir);
}

static struct subject subject_new(void)
{
    return (struct subject){
        .conformance = {.name = "embedded",
                        .make = make,
                        .drop = drop,
                        .cascade = CASCADE_AT_ONCE,
                        .namespace = "shop-2",
                        .other_namespace = "shop"},
    };
}

/* -- what only this store promises -- */

static int set_up(void **state)
{
    static struct subject subject;
    subject = subject_new();
    make(&subject.conformance);
    *state = &subject;
    return 0;
}

static int tear_down(void **state)
{
    struct subject *subject = *state;
    drop(&subject->conformance);
    return 0;
}

static void reopen(struct subject *subject, struct clock *clock)
{
    store_free(subject->conformance.store);
    AUTO_ERR struct err *err = NULL;
    if (embedded_store_open(&subject->conformance.store, subject->dir, clock, &err) < 0)
        fail_msg("%s", err->message);
}

static void test_a_reopened_store_goes_on(void **state)
{
    struct subject *subject = *state;
    const struct conformance *c = &subject->conformance;
    AUTO_ANSWER struct answer a = case_make(c, "a", ",\"labels\":{\"x\":\"1\"}");
    AUTO_ANSWER struct answer b = case_make(c, "b", "");
    case_remove(c, "b");
    AUTO_FREE char *version = case_version(c);
    reopen(subject, clock_real());

    AUTO_FREE char *version_after = case_version(c);
    assert_string_equal(version_after, version); /* that of the deletion, which no object has */
    struct store_key key = case_key(c, "a");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    AUTO_FREE char *before = json_text(a.object);
    AUTO_FREE char *after = json_text(got.object);
    assert_string_equal(after, before);
    assert_false(case_exists(c, "b"));

    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_WATCHER struct watcher now, old;
    watcher_start(&now, c->store, &query, version);
    watcher_start(&old, c->store, &query, b.resource_version);
    AUTO_ANSWER struct answer next = case_make(c, "c", "");
    assert_true(atoll(next.resource_version) > atoll(version));
    AUTO_FREE char *now_events = watcher_wait(&now, 1);
    AUTO_FREE char *old_events = watcher_wait(&old, 1);
    assert_string_equal(now_events, "ADDED c");
    assert_string_equal(old_events, "EXPIRED");
}

static void test_versions_that_are_none_are_expired(void **state)
{
    struct subject *subject = *state;
    const struct conformance *c = &subject->conformance;
    static const char *const versions[] = {NULL, "", "x", "-1", "0", "99999999"};
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        AUTO_WATCHER struct watcher watcher;
        watcher_start(&watcher, c->store, &query, versions[i]);
        AUTO_FREE char *events = watcher_wait(&watcher, 1);
        assert_string_equal(events, "EXPIRED");
    }
}

/* Changes one object @count times, many calls outstanding. */
static void write_often(const struct conformance *c, const char *name, int count);

struct burst {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int left;
};

static void on_burst_done(void *user, const struct document *document, const struct err *err)
{
    struct burst *burst = user;
    (void)err;
    pthread_mutex_lock(&burst->mutex);
    burst->left -= document ? 1 : 0;
    pthread_cond_signal(&burst->changed);
    pthread_mutex_unlock(&burst->mutex);
}

static void write_often(const struct conformance *c, const char *name, int count)
{
    struct burst burst = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, count};
    struct store_key key = case_key(c, name);
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *json =
            mem_printf("{\"metadata\":{\"annotations\":{\"n\":\"%d-%d\"}}}", count, i);
        store_patch(c->store, &key, STORE_MAIN, json, NULL, on_burst_done, &burst);
    }
    pthread_mutex_lock(&burst.mutex);
    while (burst.left)
        pthread_cond_wait(&burst.changed, &burst.mutex);
    pthread_mutex_unlock(&burst.mutex);
}

static void test_history_has_an_end(void **state)
{
    struct subject *subject = *state;
    const struct conformance *c = &subject->conformance;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    AUTO_ANSWER struct answer other = case_make(c, "u", "");
    struct store_query paged = {.kind = KIND_MODULE_TEMPLATE, .limit = 1};
    AUTO_LISTING struct listing first = call_list(c->store, &paged);
    write_often(c, "t", LIMIT_WATCH_HISTORY + 1);

    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_WATCHER struct watcher old;
    watcher_start(&old, c->store, &query, other.resource_version);
    AUTO_FREE char *old_events = watcher_wait(&old, 1);
    assert_string_equal(old_events, "EXPIRED");

    /* All that is kept can be watched from: the oldest version is that of the event before. */
    AUTO_FREE char *version = mem_printf("%lld", atoll(other.resource_version) + 1);
    AUTO_WATCHER struct watcher kept;
    watcher_start(&kept, c->store, &query, version);
    mem_free(watcher_wait(&kept, LIMIT_WATCH_HISTORY));

    paged.continue_token = first.continue_token;
    AUTO_LISTING struct listing second = call_list(c->store, &paged);
    assert_non_null(second.err);
    assert_int_equal(second.err->code, ERR_EXPIRED);
}

static void test_a_slow_watcher_holds_up_nobody(void **state)
{
    struct subject *subject = *state;
    const struct conformance *c = &subject->conformance;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_WATCHER struct watcher slow;
    watcher_start(&slow, c->store, &query, made.resource_version);
    watcher_hold(&slow, true);
    write_often(c, "t", LIMIT_WATCH_QUEUE + 2); /* answered although the watcher hangs */
    watcher_hold(&slow, false);
    AUTO_FREE char *events = watcher_wait(&slow, 2);
    size_t len = strlen(events);
    assert_true(len >= 7 && str_eq(events + len - 7, "EXPIRED"));
    assert_true(slow.events.len <= 2); /* the one it was shown while it hung, then the end */
}

/* -- bookmarks, on a clock of our own -- */

struct test_clock {
    struct clock clock;
    _Atomic int64_t now_ms;
};

static int64_t test_now(struct clock *clock)
{
    return CONTAINER_OF(clock, struct test_clock, clock)->now_ms;
}

static void test_quiet_watches_get_bookmarks(void **state)
{
    struct subject *subject = *state;
    const struct conformance *c = &subject->conformance;
    static struct test_clock clock = {.clock = {test_now, test_now}, .now_ms = 1000};
    reopen(subject, &clock.clock);
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    struct store_query quiet = {.kind = KIND_MODULE}, busy = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_WATCHER struct watcher quiet_watcher, busy_watcher;
    watcher_start(&quiet_watcher, c->store, &quiet, made.resource_version);
    watcher_start(&busy_watcher, c->store, &busy, made.resource_version);

    AUTO_ANSWER struct answer soon = case_make(c, "u", "");
    mem_free(watcher_wait(&busy_watcher, 1));
    assert_int_equal(quiet_watcher.bookmarks, 0);
    clock.now_ms += 60000;
    AUTO_ANSWER struct answer later = case_make(c, "v", "");
    watcher_wait_bookmarks(&quiet_watcher, 1);
    mem_free(watcher_wait(&busy_watcher, 2));
    assert_int_equal(busy_watcher.bookmarks, 0);
    assert_int_equal(quiet_watcher.events.len, 0);
    /* A watch can go on from a bookmark. */
    AUTO_WATCHER struct watcher resumed;
    watcher_start(&resumed, c->store, &busy, quiet_watcher.bookmark);
    case_remove(c, "t");
    AUTO_FREE char *events = watcher_wait(&resumed, 1);
    assert_true(str_starts_with(events, "DELETED t") || str_starts_with(events, "ADDED v"));

    /* Without any time passing: one that falls far behind. */
    size_t before = quiet_watcher.bookmarks;
    write_often(c, "u", 1000);
    watcher_wait_bookmarks(&quiet_watcher, before + 1);
}

static void test_the_directory_is_ours_alone(void **state)
{
    struct subject *subject = *state;
    struct stat st;
    AUTO_FREE char *file = mem_printf("%s/store.db", subject->dir);
    assert_int_equal(stat(subject->dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
    struct subject subject = subject_new();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_reopened_store_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions_that_are_none_are_expired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_history_has_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_slow_watcher_holds_up_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quiet_watches_get_bookmarks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_directory_is_ours_alone, set_up, tear_down),
    };
    return conformance_run(&subject.conformance) +
           cmocka_run_group_tests_name("embedded only", tests, NULL, NULL);
}
