/* SPDX-License-Identifier: Apache-2.0 */
/* Cases: list. */
#include <string.h>

#include "services/controller/store/conformance/cases.h"

static void make_in(const struct conformance *c, const char *namespace, const char *name,
                    const char *metadata)
{
    AUTO_FREE char *json = case_template(namespace, name, metadata);
    AUTO_ANSWER struct answer answer = call_create(c->store, KIND_MODULE_TEMPLATE, json);
    assert_null(answer.err);
}

/* @expected: names, "1/x" for one in the first namespace and "2/x" for one in the other. */
static void expect(const struct conformance *c, const struct store_query *query,
                   const char *expected)
{
    AUTO_STR struct str wanted = STR_INIT(4096);
    for (const char *p = expected; *p; p++) {
        bool starts = p == expected || p[-1] == ' ';
        if (starts)
            str_add(&wanted, *p == '1' ? c->namespace : c->other_namespace);
        else
            str_add_char(&wanted, *p);
    }
    AUTO_LISTING struct listing listing = call_list(c->store, query);
    assert_null(listing.err);
    assert_string_equal(listing.names, str_text(&wanted));
    assert_null(listing.continue_token);
}

void conformance_list_is_ordered_and_filtered(void **state)
{
    struct conformance *c = *state;
    struct store_query all = {.kind = KIND_MODULE_TEMPLATE};
    expect(c, &all, "");
    make_in(c, c->other_namespace, "a", "");
    make_in(c, c->namespace, "b-2", "");
    make_in(c, c->namespace, "b.1", "");
    make_in(c, c->namespace, "a", "");
    expect(c, &all, "1/a 1/b-2 1/b.1 2/a");
    struct store_query first = {.kind = KIND_MODULE_TEMPLATE, .namespace = c->namespace};
    expect(c, &first, "1/a 1/b-2 1/b.1");
    struct store_query named = {.kind = KIND_MODULE_TEMPLATE, .name = "a"};
    expect(c, &named, "1/a 2/a");
    struct store_query one = {KIND_MODULE_TEMPLATE, c->other_namespace, "a", NULL, 0, NULL};
    expect(c, &one, "2/a");
    struct store_query none = {KIND_MODULE_TEMPLATE, c->other_namespace, "b", NULL, 0, NULL};
    expect(c, &none, "");
    struct store_query other_kind = {.kind = KIND_MODULE};
    expect(c, &other_kind, "");
    case_remove(c, "a");
    expect(c, &all, "1/b-2 1/b.1 2/a");
}

void conformance_list_selects_by_labels(void **state)
{
    struct conformance *c = *state;
    make_in(c, c->namespace, "plain", "");
    make_in(c, c->namespace, "red", ",\"labels\":{\"color\":\"red\",\"size\":\"l\"}");
    make_in(c, c->namespace, "blue", ",\"labels\":{\"color\":\"blue\"}");
    static const struct {
        const char *selector, *expected;
    } rows[] = {
        {"color=red", "1/red"},
        {"color", "1/blue 1/red"},
        {"!color", "1/plain"},
        {"color in (red,blue),size=l", "1/red"},
        {"color!=red", "1/blue 1/plain"},
        {"color notin (red,blue)", "1/plain"},
        {"color=green", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct selector selector = {0};
        assert_int_equal(selector_parse(rows[i].selector, &selector, NULL), 0);
        struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .selector = &selector};
        expect(c, &query, rows[i].expected);
        selector_done(&selector);
    }
}

void conformance_list_comes_in_pages(void **state)
{
    struct conformance *c = *state;
    make_in(c, c->other_namespace, "a", "");
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        make_in(c, c->namespace, names[i], "");
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .limit = 2};
    AUTO_STR struct str seen = STR_INIT(4096);
    AUTO_FREE char *token = NULL, *version = NULL;
    int pages = 0;
    do {
        query.continue_token = token;
        AUTO_LISTING struct listing page = call_list(c->store, &query);
        assert_null(page.err);
        str_printf(&seen, "%s%s", pages ? " | " : "", page.names);
        assert_true(!version || str_eq(version, page.resource_version));
        mem_replace(&version, page.resource_version);
        mem_replace(&token, page.continue_token);
    } while (++pages < 10 && token);
    AUTO_FREE char *expected =
        mem_printf("%1$s/a %1$s/b | %1$s/c %1$s/d | %2$s/a", c->namespace, c->other_namespace);
    assert_string_equal(str_text(&seen), expected);

    /* A page that is just full is the last. */
    struct store_query full = {KIND_MODULE_TEMPLATE, c->namespace, NULL, NULL, 4, NULL};
    expect(c, &full, "1/a 1/b 1/c 1/d");
}

void conformance_list_refuses_a_wrong_token(void **state)
{
    struct conformance *c = *state;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE, .limit = 1};
    static const char *const tokens[] = {"x", "1/2", "x/y/z"};
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        query.continue_token = tokens[i];
        AUTO_LISTING struct listing listing = call_list(c->store, &query);
        assert_non_null(listing.err);
        assert_int_equal(listing.err->code, ERR_INVALID);
    }
}
