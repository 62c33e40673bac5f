/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/deployment.h"

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

struct expression {
    char *key, *operator;
    struct json_strings values;
};

struct deployment_document {
    struct json_map labels;
    struct json_map match_labels;
    struct json_array expressions; /* struct expression */
};

static const struct json_field expression_fields[] = {
    JSON_FIELD(struct expression, "key", JSON_STRING, key, JSON_REQUIRED),
    JSON_FIELD(struct expression, "operator", JSON_STRING, operator, JSON_REQUIRED),
    JSON_FIELD(struct expression, "values", JSON_STRINGS, values, 0),
    JSON_END,
};

static const struct json_field selector_fields[] = {
    JSON_FIELD(struct deployment_document, "matchLabels", JSON_STRING_MAP, match_labels, 0),
    JSON_FIELD_ARRAY(struct deployment_document, "matchExpressions", expressions, expression_fields,
                     struct expression),
    JSON_END,
};

static const struct json_field spec_fields[] = {
    {.key = "selector", .type = JSON_OBJECT, .flags = JSON_REQUIRED, .table = selector_fields},
    JSON_END,
};

static const struct json_field metadata_fields[] = {
    JSON_FIELD(struct deployment_document, "labels", JSON_STRING_MAP, labels, 0),
    JSON_END,
};

static const struct json_field deployment_fields[] = {
    {.key = "metadata", .type = JSON_OBJECT, .flags = JSON_REQUIRED, .table = metadata_fields},
    {.key = "spec", .type = JSON_OBJECT, .flags = JSON_REQUIRED, .table = spec_fields},
    JSON_END,
};

#define EXPRESSIONS "spec.selector.matchExpressions"

static int check_expression(const struct expression *expression, struct err **err)
{
    if (!label_key_is_valid(expression->key))
        return err_field(err, EXPRESSIONS, "\"%s\" is no label", expression->key);
    for (size_t i = 0; i < expression->values.len; i++)
        if (!label_value_is_valid(expression->values.items[i]))
            return err_field(err, EXPRESSIONS, "\"%s\" is no value of a label",
                             expression->values.items[i]);
    return 0;
}

static void add_set(const struct expression *expression, const char *operator, struct str * out)
{
    str_printf(out, "%s %s (", expression->key, operator);
    for (size_t i = 0; i < expression->values.len; i++)
        str_printf(out, "%s%s", i ? "," : "", expression->values.items[i]);
    str_add_char(out, ')');
}

static int add_expression(const struct expression *expression, struct str *out, struct err **err)
{
    if (check_expression(expression, err) < 0)
        return -1;
    if (out->len)
        str_add_char(out, ',');
    if (str_eq(expression->operator, "In"))
        add_set(expression, "in", out);
    else if (str_eq(expression->operator, "NotIn"))
        add_set(expression, "notin", out);
    else if (str_eq(expression->operator, "Exists"))
        str_add(out, expression->key);
    else if (str_eq(expression->operator, "DoesNotExist"))
        str_printf(out, "!%s", expression->key);
    else
        return err_field(err, EXPRESSIONS, "operator \"%s\" is not known", expression->operator);
    return 0;
}

static int add_selector(const struct deployment_document *document, struct str *out,
                        struct err **err)
{
    if (labels_check(&document->match_labels, "spec.selector.matchLabels", err) < 0)
        return -1;
    for (size_t i = 0; i < document->match_labels.len; i++)
        str_printf(out, "%s%s=%s", i ? "," : "", document->match_labels.items[i].key,
                   document->match_labels.items[i].value);
    const struct expression *expressions = document->expressions.items;
    for (size_t i = 0; i < document->expressions.len; i++)
        if (add_expression(&expressions[i], out, err) < 0)
            return -1;
    if (!out->len || out->full)
        return err_field(err, "spec.selector", out->full ? "is too long" : "selects everything");
    return 0;
}

int deployment_read(const cJSON *json, struct deployment_read *out, struct err **err)
{
    struct deployment_document document = {0};
    if (json_read(deployment_fields, json, "", JSON_UNKNOWN_IGNORE, &document, err) < 0)
        return -1;
    AUTO_STR struct str selector = STR_INIT(LIMIT_KIB(32));
    int r = add_selector(&document, &selector, err);
    if (r == 0) {
        *out = (struct deployment_read){.selector = str_take(&selector)};
        json_map_set(&out->labels, LABEL_MAX_MODULE_COUNT,
                     json_map_get(&document.labels, LABEL_MAX_MODULE_COUNT));
    }
    json_release(deployment_fields, &document);
    return r;
}

void deployment_read_done(struct deployment_read *read)
{
    mem_free(read->selector);
    json_map_done(&read->labels);
    *read = (struct deployment_read){0};
}

bool deployment_reads_equal(const struct deployment_read *a, const struct deployment_read *b)
{
    return str_eq(a->selector, b->selector) &&
           str_eq(json_map_get(&a->labels, LABEL_MAX_MODULE_COUNT),
                  json_map_get(&b->labels, LABEL_MAX_MODULE_COUNT));
}
