/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/query.h"

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/resources.h"

static void add_values(struct str *text, const struct selector_term *term)
{
    str_printf(text, "%s %s (", term->key, term->op == SELECT_IN ? "in" : "notin");
    for (size_t i = 0; i < term->values.len; i++)
        str_printf(text, "%s%s", i ? "," : "", term->values.items[i]);
    str_add_char(text, ')');
}

static void add_term(struct str *text, const struct selector_term *term)
{
    switch (term->op) {
    case SELECT_IN:
    case SELECT_NOT_IN:
        add_values(text, term);
        break;
    case SELECT_EXISTS:
        str_add(text, term->key);
        break;
    case SELECT_NOT_EXISTS:
        str_printf(text, "!%s", term->key);
        break;
    }
}

char *query_labels(const struct selector *selector)
{
    if (!selector || !selector->len)
        return NULL;
    AUTO_STR struct str text = STR_INIT(LIMIT_KIB(64));
    for (size_t i = 0; i < selector->len; i++) {
        str_add(&text, i ? "," : "");
        add_term(&text, &selector->items[i]);
    }
    return str_take(&text);
}

/* As the API reads values of fields: a comma would begin the next one. */
static void add_escaped(struct str *text, const char *value)
{
    for (; *value; value++) {
        if (*value == ',' || *value == '=' || *value == '\\')
            str_add_char(text, '\\');
        str_add_char(text, *value);
    }
}

char *query_fields(const struct store_query *query)
{
    static const char own[] = "source=" KUBERNETES_COMPONENT;
    bool events = query->kind == KIND_EVENT;
    if (!query->name)
        return events ? mem_strdup(own) : NULL;
    AUTO_STR struct str text = STR_INIT(LIMIT_KIB(64));
    str_add(&text, "metadata.name=");
    add_escaped(&text, query->name);
    if (events)
        str_printf(&text, ",%s", own);
    return str_take(&text);
}
