/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors in kubectl's syntax. The parser walks the text once; a term is
 *
 *     key | !key | key = value | key == value | key != value | key in (a,b) | key notin (a,b)
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

struct cursor {
    const char *text; /* the whole, for messages */
    const char *at;
    struct err **err;
};

static int wrong(struct cursor *c, const char *expected)
{
    return err_set(c->err, ERR_INVALID, "selector \"%s\": %s expected at \"%s\"", c->text, expected,
                   c->at);
}

static void skip_space(struct cursor *c)
{
    while (*c->at == ' ' || *c->at == '\t')
        c->at++;
}

/* Moves past @token, and space before it, where it comes next. */
static bool accept(struct cursor *c, const char *token)
{
    skip_space(c);
    if (!str_starts_with(c->at, token))
        return false;
    c->at += strlen(token);
    return true;
}

/* The characters up to the next space or punctuation, owned; "" where there is none. */
static char *take_word(struct cursor *c)
{
    skip_space(c);
    size_t len = strcspn(c->at, ",()=! \t");
    char *word = mem_strndup(c->at, len);
    c->at += len;
    return word;
}

/* The word that comes next is this one; moves past it. */
static bool accept_word(struct cursor *c, const char *wanted)
{
    const char *before = c->at;
    AUTO_FREE char *word = take_word(c);
    if (str_eq(word, wanted))
        return true;
    c->at = before;
    return false;
}

static void add_value(struct selector_term *term, struct cursor *c)
{
    AUTO_FREE char *word = take_word(c);
    struct json_strings *values = &term->values;
    values->items = mem_resize(values->items, values->len + 1, sizeof(char *));
    values->items[values->len++] = label_value(word);
}

static int parse_set(struct cursor *c, struct selector_term *term)
{
    if (!accept(c, "("))
        return wrong(c, "'('");
    do {
        add_value(term, c);
    } while (accept(c, ","));
    return accept(c, ")") ? 0 : wrong(c, "',' or ')'");
}

static int parse_operator(struct cursor *c, struct selector_term *term)
{
    if (accept(c, "!=")) {
        term->op = SELECT_NOT_IN;
        add_value(term, c);
        return 0;
    }
    if (accept(c, "==") || accept(c, "=")) {
        term->op = SELECT_IN;
        add_value(term, c);
        return 0;
    }
    if (accept_word(c, "in")) {
        term->op = SELECT_IN;
        return parse_set(c, term);
    }
    if (accept_word(c, "notin")) {
        term->op = SELECT_NOT_IN;
        return parse_set(c, term);
    }
    term->op = SELECT_EXISTS;
    return 0;
}

static int parse_term(struct cursor *c, struct selector_term *term)
{
    bool negated = accept(c, "!");
    skip_space(c);
    const char *key_at = c->at;
    term->key = take_word(c);
    if (!label_key_is_valid(term->key)) {
        c->at = key_at;
        return wrong(c, "key of a label");
    }
    if (negated)
        term->op = SELECT_NOT_EXISTS;
    else if (parse_operator(c, term) < 0)
        return -1;
    skip_space(c);
    return *c->at == ',' || *c->at == '\0' ? 0 : wrong(c, "',' or the end");
}

int selector_parse(const char *text, struct selector *out, struct err **err)
{
    struct cursor c = {.text = text, .at = text ? text : "", .err = err};
    struct selector parsed = {0};
    skip_space(&c);
    for (bool more = *c.at != '\0'; more; more = accept(&c, ",")) {
        parsed.items = mem_resize(parsed.items, parsed.len + 1, sizeof(*parsed.items));
        struct selector_term *term = &parsed.items[parsed.len++];
        *term = (struct selector_term){0};
        if (parse_term(&c, term) < 0) {
            selector_done(&parsed);
            return -1;
        }
    }
    *out = parsed;
    return 0;
}

static bool one_of(const struct json_strings *values, const char *value)
{
    for (size_t i = 0; i < values->len; i++)
        if (strcmp(values->items[i], value) == 0)
            return true;
    return false;
}

static bool term_holds(const struct selector_term *term, const char *value)
{
    switch (term->op) {
    case SELECT_IN:
        return value && one_of(&term->values, value);
    case SELECT_NOT_IN:
        return !value || !one_of(&term->values, value);
    case SELECT_EXISTS:
        return value;
    case SELECT_NOT_EXISTS:
        return !value;
    }
    return false;
}

bool selector_matches(const struct selector *selector, const struct json_map *labels)
{
    for (size_t i = 0; i < selector->len; i++)
        if (!term_holds(&selector->items[i], json_map_get(labels, selector->items[i].key)))
            return false;
    return true;
}

void selector_done(struct selector *selector)
{
    for (size_t i = 0; i < selector->len; i++) {
        struct selector_term *term = &selector->items[i];
        mem_free(term->key);
        for (size_t v = 0; v < term->values.len; v++)
            mem_free(term->values.items[v]);
        mem_free(term->values.items);
    }
    mem_free(selector->items);
    *selector = (struct selector){0};
}
