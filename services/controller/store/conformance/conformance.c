/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/conformance/conformance.h"

#include <string.h>

#include "lib/base/assert.h"
#include "services/controller/store/conformance/cases.h"

char *case_template(const char *namespace, const char *name, const char *metadata)
{
    return mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"%s},"
                      "\"spec\":{\"module\":{\"name\":\"provider\",\"version\":\"1.0.0\","
                      "\"url\":\"http://127.0.0.1/provider.jar\"}}}",
                      name, namespace, metadata);
}

struct answer case_make(const struct conformance *c, const char *name, const char *metadata)
{
    AUTO_FREE char *json = case_template(c->namespace, name, metadata);
    struct answer answer = call_create(c->store, KIND_MODULE_TEMPLATE, json);
    if (answer.err)
        fail_msg("create %s: %s", name, answer.err->message);
    return answer;
}

struct store_key case_key(const struct conformance *c, const char *name)
{
    return (struct store_key){KIND_MODULE_TEMPLATE, c->namespace, name};
}

void case_remove(const struct conformance *c, const char *name)
{
    struct store_key key = case_key(c, name);
    AUTO_ANSWER struct answer answer = call_remove(c->store, &key, NULL, NULL);
    if (answer.err)
        fail_msg("remove %s: %s", name, answer.err->message);
}

bool case_exists(const struct conformance *c, const char *name)
{
    struct store_key key = case_key(c, name);
    AUTO_ANSWER struct answer answer = call_get(c->store, &key);
    if (answer.err)
        assert_int_equal(answer.err->code, ERR_NOT_FOUND);
    return !answer.err;
}

struct answer case_await(const struct conformance *c, const char *name,
                         bool (*holds)(const struct answer *answer))
{
    struct store_key key = case_key(c, name);
    struct store_query query = {
        .kind = KIND_MODULE_TEMPLATE, .namespace = c->namespace, .name = name};
    for (;;) {
        AUTO_FREE char *version = case_version(c);
        struct answer answer = call_get(c->store, &key);
        if (holds(&answer))
            return answer;
        answer_done(&answer);
        if (c->cascade == CASCADE_AT_ONCE)
            fail_msg("%s is not what it should be", name);
        AUTO_WATCHER struct watcher watcher;
        watcher_start(&watcher, c->store, &query, version);
        AUTO_FREE char *events = watcher_wait(&watcher, 1);
        (void)events;
    }
}

static bool is_gone(const struct answer *answer)
{
    return answer_is(answer, ERR_NOT_FOUND);
}

void case_await_gone(const struct conformance *c, const char *name)
{
    AUTO_ANSWER struct answer gone = case_await(c, name, is_gone);
}

char *case_version(const struct conformance *c)
{
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_LISTING struct listing listing = call_list(c->store, &query);
    assert_null(listing.err);
    return TAKE(listing.resource_version);
}

static int set_up(void **state)
{
    struct conformance *conformance = *state;
    conformance->make(conformance);
    return 0;
}

static int tear_down(void **state)
{
    struct conformance *conformance = *state;
    conformance->drop(conformance);
    return 0;
}

int conformance_run(struct conformance *conformance)
{
    /* Else a store passes that orders lists by namespace, then name. */
    ASSERT(str_starts_with(conformance->namespace, conformance->other_namespace) &&
           conformance->namespace[strlen(conformance->other_namespace)] == '-');
    struct CMUnitTest tests[] = {
#define X(name) {#name, conformance_##name, set_up, tear_down, NULL},
        CONFORMANCE_CASE_MAP(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tests[i].initial_state = conformance;
    return cmocka_run_group_tests_name(conformance->name, tests, NULL, NULL);
}
