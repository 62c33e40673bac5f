/* SPDX-License-Identifier: Apache-2.0 */
/* Cases: create, get, patch. */
#include <string.h>

#include "lib/base/limits.h"
#include "services/controller/store/conformance/cases.h"

void conformance_create_fills_what_is_the_stores(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer a = case_make(c, "t", ",\"uid\":\"mine\",\"generation\":7");
    assert_string_equal(answer_string(&a, "apiVersion"), API_VERSION);
    assert_string_equal(answer_string(&a, "kind"), "ModuleTemplate");
    assert_string_not_equal(a.uid, "mine");
    assert_int_equal(answer_number(&a, "metadata.generation"), 1);
    assert_int_equal(strlen(answer_string(&a, "metadata.creationTimestamp")),
                     strlen("2026-11-23T08:00:00Z"));
    assert_null(answer_string(&a, "metadata.deletionTimestamp"));

    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_string_equal(got.resource_version, a.resource_version);
    AUTO_FREE char *made = json_text(a.object);
    AUTO_FREE char *stored = json_text(got.object);
    assert_string_equal(stored, made);

    AUTO_ANSWER struct answer other = case_make(c, "u", "");
    assert_string_not_equal(other.uid, a.uid);
    assert_string_not_equal(other.resource_version, a.resource_version);
}

void conformance_create_keeps_what_is_the_writers(void **state)
{
    struct conformance *c = *state;
    AUTO_FREE char *json = mem_printf(
        "{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"Module\",\"metadata\":{\"name\":\"m\","
        "\"namespace\":\"%s\",\"labels\":{\"app\":\"x\"},\"annotations\":{\"n\":\"a b\"},"
        "\"finalizers\":[\"example.com/f\"]},"
        "\"spec\":{\"module\":{\"name\":\"provider\",\"version\":\"1.0.0\",\"url\":\"http://h/"
        "p.jar\"},"
        "\"baseName\":\"b\"},\"status\":{\"status\":\"Available\"}}",
        c->namespace);
    AUTO_ANSWER struct answer a = call_create(c->store, KIND_MODULE, json);
    assert_null(a.err);
    assert_string_equal(answer_string(&a, "metadata.labels.app"), "x");
    assert_string_equal(answer_string(&a, "metadata.annotations.n"), "a b");
    assert_int_equal(cJSON_GetArraySize(json_get(a.object, "metadata.finalizers")), 1);
    assert_string_equal(answer_string(&a, "spec.module.version"), "1.0.0");
    assert_string_equal(answer_string(&a, "spec.baseName"), "b");
    assert_null(json_get(a.object, "status")); /* no part of a create */
}

void conformance_create_refuses_a_second(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer first = case_make(c, "t", "");
    AUTO_FREE char *json = case_template(c->namespace, "t", ",\"labels\":{\"a\":\"b\"}");
    AUTO_ANSWER struct answer second = call_create(c->store, KIND_MODULE_TEMPLATE, json);
    assert_true(answer_is(&second, ERR_EXISTS));

    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_string_equal(got.resource_version, first.resource_version);

    /* Another namespace is another object. */
    AUTO_FREE char *elsewhere = case_template(c->other_namespace, "t", "");
    AUTO_ANSWER struct answer third = call_create(c->store, KIND_MODULE_TEMPLATE, elsewhere);
    assert_null(third.err);
}

void conformance_create_refuses_what_is_wrong(void **state)
{
    struct conformance *c = *state;
    static const struct {
        const char *json;
        const char *metadata; /* or that of a template called "t" */
        const char *name;     /* or a template of this name */
    } rows[] = {
        {.json = ""},
        {.json = "{"},
        {.json = "[]"},
        {.json = "{\"spec\":{}}"},
        {.json = "{\"metadata\":{\"namespace\":\"default\"}}"},
        {.name = "Upper"},
        {.name = "under_score"},
        {.name = "-x"},
        {.name = "a..b"},
        {.name = "a/b"},
        {.metadata = ",\"labels\":{\"a\":1}"},
        {.metadata = ",\"labels\":{\"a\":\"not valid\"}"},
        {.metadata = ",\"labels\":{\"not valid\":\"a\"}"},
        {.metadata = ",\"labels\":[]"},
        {.metadata = ",\"annotations\":{\"a\":true}"},
        {.metadata = ",\"finalizers\":\"f\""},
        {.metadata = ",\"finalizers\":[\"\"]"},
        {.metadata = ",\"ownerReferences\":[{\"kind\":\"Module\"}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *json = rows[i].json
                                   ? mem_strdup(rows[i].json)
                                   : case_template(c->namespace, rows[i].name ? rows[i].name : "t",
                                                   rows[i].metadata ? rows[i].metadata : "");
        AUTO_ANSWER struct answer a = call_create(c->store, KIND_MODULE_TEMPLATE, json);
        if (!answer_is(&a, ERR_INVALID))
            fail_msg("row %zu: %s", i, a.err ? a.err->message : "was accepted");
    }
    AUTO_FREE char *wrong_kind = case_template(c->namespace, "t", "},\"kind\":\"Module\",\"x\":{");
    AUTO_ANSWER struct answer a = call_create(c->store, KIND_MODULE_TEMPLATE, wrong_kind);
    assert_true(answer_is(&a, ERR_INVALID));
    assert_false(case_exists(c, "t"));
}

/* An annotation of @bytes, as more metadata. */
static char *filler(size_t bytes)
{
    AUTO_FREE char *text = mem_alloc(bytes + 1);
    memset(text, 'x', bytes);
    return mem_printf(",\"annotations\":{\"filler\":\"%s\"}", text);
}

void conformance_create_refuses_what_is_too_large(void **state)
{
    struct conformance *c = *state;
    AUTO_FREE char *large = filler(LIMIT_OBJECT);
    AUTO_FREE char *json = case_template(c->namespace, "t", large);
    AUTO_ANSWER struct answer created = call_create(c->store, KIND_MODULE_TEMPLATE, json);
    assert_true(answer_is(&created, ERR_LIMIT) || answer_is(&created, ERR_INVALID));
    assert_false(case_exists(c, "t"));
}

void conformance_get_knows_only_what_is_there(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    const struct store_key rows[] = {
        {KIND_MODULE_TEMPLATE, c->namespace, "other"},
        {KIND_MODULE_TEMPLATE, c->other_namespace, "t"},
        {KIND_MODULE, c->namespace, "t"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ANSWER struct answer got = call_get(c->store, &rows[i]);
        assert_true(answer_is(&got, ERR_NOT_FOUND));
        AUTO_ANSWER struct answer patched =
            call_patch(c->store, &rows[i], STORE_MAIN, "{\"spec\":{}}", NULL);
        assert_true(answer_is(&patched, ERR_NOT_FOUND));
        AUTO_ANSWER struct answer removed = call_remove(c->store, &rows[i], NULL, NULL);
        assert_true(answer_is(&removed, ERR_NOT_FOUND));
    }
}

/* -- patch -- */

static struct answer patch(const struct conformance *c, const char *name, const char *merge_patch)
{
    struct store_key key = case_key(c, name);
    struct answer answer = call_patch(c->store, &key, STORE_MAIN, merge_patch, NULL);
    if (answer.err)
        fail_msg("patch %s: %s", merge_patch, answer.err->message);
    return answer;
}

void conformance_patch_merges(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", ",\"labels\":{\"a\":\"1\",\"b\":\"2\"}");
    AUTO_ANSWER struct answer a =
        patch(c, "t",
              "{\"metadata\":{\"labels\":{\"a\":null,\"c\":\"3\"},\"annotations\":{\"n\":\"v\"}},"
              "\"spec\":{\"module\":{\"version\":\"2.0.0\",\"md5\":"
              "\"d41d8cd98f00b204e9800998ecf8427e\"}}}");
    assert_null(answer_string(&a, "metadata.labels.a"));
    assert_string_equal(answer_string(&a, "metadata.labels.b"), "2");
    assert_string_equal(answer_string(&a, "metadata.labels.c"), "3");
    assert_string_equal(answer_string(&a, "metadata.annotations.n"), "v");
    assert_string_equal(answer_string(&a, "spec.module.version"), "2.0.0");
    assert_string_equal(answer_string(&a, "spec.module.name"), "provider");
    assert_string_not_equal(a.resource_version, made.resource_version);
    assert_string_equal(a.uid, made.uid);

    AUTO_ANSWER struct answer without = patch(c, "t", "{\"spec\":{\"module\":{\"md5\":null}}}");
    assert_null(answer_string(&without, "spec.module.md5"));
    struct store_key key = case_key(c, "t");
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_string_equal(got.resource_version, without.resource_version);
}

void conformance_patch_counts_generations(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    AUTO_ANSWER struct answer labels = patch(c, "t", "{\"metadata\":{\"labels\":{\"a\":\"1\"}}}");
    assert_int_equal(answer_number(&labels, "metadata.generation"), 1);
    AUTO_ANSWER struct answer spec = patch(c, "t", "{\"spec\":{\"module\":{\"version\":\"2\"}}}");
    assert_int_equal(answer_number(&spec, "metadata.generation"), 2);
    AUTO_ANSWER struct answer same = patch(c, "t", "{\"spec\":{\"module\":{\"version\":\"2\"}}}");
    assert_int_equal(answer_number(&same, "metadata.generation"), 2);
}

static struct answer make_module(const struct conformance *c, struct store_key *ret_key)
{
    AUTO_FREE char *json = mem_printf(
        "{\"metadata\":{\"name\":\"m\",\"namespace\":\"%s\"},\"spec\":{\"module\":{\"name\":"
        "\"provider\",\"version\":\"1.0.0\",\"url\":\"http://h/p.jar\"},\"baseName\":\"b\"}}",
        c->namespace);
    *ret_key = (struct store_key){KIND_MODULE, c->namespace, "m"};
    struct answer answer = call_create(c->store, KIND_MODULE, json);
    assert_null(answer.err);
    return answer;
}

void conformance_patch_keeps_the_parts_apart(void **state)
{
    struct conformance *c = *state;
    struct store_key key;
    AUTO_ANSWER struct answer made = make_module(c, &key);
    AUTO_ANSWER struct answer status =
        call_patch(c->store, &key, STORE_STATUS,
                   "{\"metadata\":{\"labels\":{\"a\":\"1\"}},\"spec\":{\"baseName\":\"other\"},"
                   "\"status\":{\"status\":\"Pending\",\"reason\":\"BaseNotReady\"}}",
                   NULL);
    assert_null(status.err);
    assert_string_equal(answer_string(&status, "status.status"), "Pending");
    assert_string_equal(answer_string(&status, "spec.baseName"), "b");
    assert_null(json_get(status.object, "metadata.labels"));
    assert_int_equal(answer_number(&status, "metadata.generation"), 1);
    assert_string_not_equal(status.resource_version, made.resource_version);

    AUTO_ANSWER struct answer main_part = call_patch(
        c->store, &key, STORE_MAIN,
        "{\"spec\":{\"baseName\":\"other\"},\"status\":{\"status\":\"Available\"}}", NULL);
    assert_null(main_part.err);
    assert_string_equal(answer_string(&main_part, "status.status"), "Pending");
    assert_string_equal(answer_string(&main_part, "status.reason"), "BaseNotReady");
    assert_string_equal(answer_string(&main_part, "spec.baseName"), "other");
    assert_int_equal(answer_number(&main_part, "metadata.generation"), 2);

    AUTO_ANSWER struct answer merged =
        call_patch(c->store, &key, STORE_STATUS, "{\"status\":{\"reason\":null}}", NULL);
    assert_null(answer_string(&merged, "status.reason"));
    assert_string_equal(answer_string(&merged, "status.status"), "Pending");
}

void conformance_patch_of_nothing_changes_nothing(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", ",\"labels\":{\"a\":\"1\"}");
    static const char *const patches[] = {
        "{}",
        "{\"metadata\":{\"labels\":{\"a\":\"1\",\"absent\":null}}}",
        "{\"spec\":{\"module\":{\"version\":\"1.0.0\"}}}",
        "{\"metadata\":{\"annotations\":null}}",
    };
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    AUTO_WATCHER struct watcher watcher;
    watcher_start(&watcher, c->store, &query, made.resource_version);
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        AUTO_ANSWER struct answer a = patch(c, "t", patches[i]);
        if (!str_eq(a.resource_version, made.resource_version))
            fail_msg("%s made version %s", patches[i], a.resource_version);
    }
    AUTO_ANSWER struct answer next = case_make(c, "u", "");
    AUTO_FREE char *events = watcher_wait(&watcher, 1);
    assert_string_equal(events, "ADDED u");
}

void conformance_patch_refuses_a_stale_version(void **state)
{
    struct conformance *c = *state;
    struct store_key key;
    AUTO_ANSWER struct answer made = make_module(c, &key);
    AUTO_ANSWER struct answer first = call_patch(
        c->store, &key, STORE_MAIN, "{\"spec\":{\"baseName\":\"x\"}}", made.resource_version);
    assert_null(first.err);
    AUTO_ANSWER struct answer stale = call_patch(
        c->store, &key, STORE_MAIN, "{\"spec\":{\"baseName\":\"y\"}}", made.resource_version);
    assert_true(answer_is(&stale, ERR_CONFLICT));
    AUTO_ANSWER struct answer stale_status =
        call_patch(c->store, &key, STORE_STATUS, "{\"status\":{\"status\":\"Pending\"}}",
                   made.resource_version);
    assert_true(answer_is(&stale_status, ERR_CONFLICT));
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_string_equal(answer_string(&got, "spec.baseName"), "x");
    assert_string_equal(got.resource_version, first.resource_version);
}

void conformance_patch_leaves_what_is_the_stores(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    AUTO_ANSWER struct answer a =
        patch(c, "t",
              "{\"metadata\":{\"generation\":9,\"creationTimestamp\":\"2001-01-01T00:00:00Z\","
              "\"deletionTimestamp\":\"2001-01-01T00:00:00Z\",\"labels\":{\"a\":\"1\"}}}");
    assert_int_equal(answer_number(&a, "metadata.generation"), 1);
    assert_string_equal(answer_string(&a, "metadata.creationTimestamp"),
                        answer_string(&made, "metadata.creationTimestamp"));
    assert_null(answer_string(&a, "metadata.deletionTimestamp"));
}

void conformance_patch_refuses_what_is_wrong(void **state)
{
    struct conformance *c = *state;
    AUTO_ANSWER struct answer made = case_make(c, "t", "");
    static const char *const patches[] = {
        "",
        "[]",
        "{\"spec\":",
        "{\"metadata\":{\"labels\":{\"a\":\"not valid\"}}}",
        "{\"metadata\":{\"labels\":\"a\"}}",
        "{\"metadata\":{\"finalizers\":[1]}}",
        "{\"metadata\":{\"uid\":\"another\",\"labels\":{\"a\":\"1\"}}}",
    };
    struct store_key key = case_key(c, "t");
    for (size_t i = 0; i < ARRAY_LEN(patches); i++) {
        AUTO_ANSWER struct answer a = call_patch(c->store, &key, STORE_MAIN, patches[i], NULL);
        if (!answer_is(&a, ERR_INVALID))
            fail_msg("%s: %s", patches[i], a.err ? a.err->message : "was accepted");
    }
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_string_equal(got.resource_version, made.resource_version);
}

/* An Event says what it is about and how often it happened; it has no status. */
void conformance_events_are_records(void **state)
{
    struct conformance *c = *state;
    AUTO_FREE char *json = mem_printf(
        "{\"apiVersion\":\"" API_VERSION "\",\"kind\":\"Event\",\"metadata\":{\"name\":\"m.1\","
        "\"namespace\":\"%s\"},\"involvedObject\":{\"kind\":\"Module\",\"name\":\"m\",\"uid\":"
        "\"u\"},\"type\":\"Normal\",\"reason\":\"Installed\",\"message\":\"in 2 s\",\"count\":1,"
        "\"firstTimestamp\":\"2026-11-23T08:00:00Z\",\"lastTimestamp\":\"2026-11-23T08:00:00Z\"}",
        c->namespace);
    AUTO_ANSWER struct answer made = call_create(c->store, KIND_EVENT, json);
    assert_null(made.err);
    assert_string_equal(answer_string(&made, "apiVersion"), API_VERSION);
    struct store_key key = {KIND_EVENT, c->namespace, "m.1"};
    AUTO_ANSWER struct answer again =
        call_patch(c->store, &key, STORE_MAIN,
                   "{\"count\":2,\"lastTimestamp\":\"2026-11-23T09:00:00.250Z\"}", NULL);
    assert_null(again.err);
    AUTO_ANSWER struct answer got = call_get(c->store, &key);
    assert_int_equal(answer_number(&got, "count"), 2);
    assert_string_equal(answer_string(&got, "involvedObject.uid"), "u");
    assert_string_equal(answer_string(&got, "reason"), "Installed");
    assert_string_equal(answer_string(&got, "message"), "in 2 s");
    assert_string_equal(answer_string(&got, "firstTimestamp"), "2026-11-23T08:00:00Z");
    assert_true(str_starts_with(answer_string(&got, "lastTimestamp"), "2026-11-23T09:00:00"));
    struct store_query query = {.kind = KIND_EVENT, .namespace = c->namespace};
    AUTO_LISTING struct listing listing = call_list(c->store, &query);
    AUTO_FREE char *expected = mem_printf("%s/m.1", c->namespace);
    assert_string_equal(listing.names, expected);
}
