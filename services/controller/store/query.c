/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/query.h"

#include <string.h>

#include "lib/base/str.h"

static void copy_term(struct selector_term *to, const struct selector_term *from)
{
    *to = (struct selector_term){.key = mem_strdup(from->key), .op = from->op};
    to->values.items = mem_alloc(from->values.len * sizeof(*to->values.items));
    to->values.len = from->values.len;
    for (size_t i = 0; i < from->values.len; i++)
        to->values.items[i] = mem_strdup(from->values.items[i]);
}

static void copy_selector(struct selector *to, const struct selector *from)
{
    to->items = mem_alloc(from->len * sizeof(*to->items));
    to->len = from->len;
    for (size_t i = 0; i < from->len; i++)
        copy_term(&to->items[i], &from->items[i]);
}

void query_copy(struct query *to, const struct store_query *from)
{
    *to = (struct query){
        .kind = from->kind,
        .namespace = mem_strdup(from->namespace),
        .name = mem_strdup(from->name),
        .has_selector = from->selector && from->selector->len > 0,
        .limit = from->limit,
        .continue_token = mem_strdup(from->continue_token),
    };
    if (from->selector && to->has_selector)
        copy_selector(&to->selector, from->selector);
}

void query_done(struct query *query)
{
    mem_free(query->namespace);
    mem_free(query->name);
    mem_free(query->continue_token);
    if (query->has_selector)
        selector_done(&query->selector);
    *query = (struct query){0};
}

bool query_matches(const struct query *query, const struct record *record)
{
    return query->kind == record->kind &&
           (!query->namespace || str_eq(query->namespace, record->namespace)) &&
           (!query->name || str_eq(query->name, record->name)) &&
           (!query->has_selector || record_selected(record, &query->selector));
}

int page_end_read(const char *token, int64_t newest, struct page_end *out, struct err **err)
{
    struct page_end end = {.text = mem_strdup(token)};
    char *namespace = strchr(end.text, '/'), *name = namespace ? strchr(namespace + 1, '/') : NULL;
    if (name)
        *namespace ++ = *name++ = '\0';
    end.namespace = namespace;
    end.name = name;
    if (!name || !str_parse_int64(end.text, 0, newest, &end.version)) {
        page_end_done(&end);
        return err_field(err, "continue", "is no token of a list");
    }
    *out = end;
    return 0;
}

char *page_end_token(int64_t version, const struct document *last)
{
    return mem_printf("%lld/%s/%s", (long long)version, last->namespace, last->name);
}

void page_end_done(struct page_end *end)
{
    mem_free(end->text);
    *end = (struct page_end){0};
}
