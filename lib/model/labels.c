/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/labels.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

#define HASH_LETTERS 6

/* Not isalnum(): the answer must not depend on the locale. */
static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_label_char(char c)
{
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* Letters, digits and -_. between a letter or digit at both ends. */
static bool is_label_text(const char *text, size_t len)
{
    if (len == 0 || len > LIMIT_LABEL_VALUE || !is_alnum(text[0]) || !is_alnum(text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_label_char(text[i]))
            return false;
    return true;
}

bool label_value_is_valid(const char *value)
{
    return str_empty(value) || is_label_text(value, strlen(value));
}

bool label_key_is_valid(const char *key)
{
    if (str_empty(key))
        return false;
    const char *slash = strchr(key, '/');
    if (slash) {
        AUTO_FREE char *prefix = mem_strndup(key, (size_t)(slash - key));
        if (!name_is_dns_subdomain(prefix))
            return false;
        key = slash + 1;
    }
    return is_label_text(key, strlen(key));
}

char *label_value(const char *value)
{
    if (label_value_is_valid(value))
        return mem_strdup(value ? value : "");

    AUTO_FREE char *hash =
        mem_printf("%016llx", (unsigned long long)str_hash(value, strlen(value)));
    struct str text = STR_INIT(LIMIT_LABEL_VALUE - HASH_LETTERS - 1);
    for (const char *c = value; *c && !text.full; c++) {
        bool first = text.len == 0;
        if (first ? is_alnum(*c) : is_label_char(*c))
            str_add_char(&text, *c);
        else if (!first)
            str_add_char(&text, '-');
    }
    char *encoded = text.len ? mem_printf("%s-%.*s", str_text(&text), HASH_LETTERS, hash)
                             : mem_printf("%.*s", HASH_LETTERS, hash);
    str_done(&text);
    return encoded;
}

int labels_check(const struct json_map *labels, const char *path, struct err **err)
{
    for (size_t i = 0; i < labels->len; i++) {
        const struct json_pair *pair = &labels->items[i];
        if (!label_key_is_valid(pair->key))
            return err_field(err, path,
                             "\"%s\" is no key of a label: [prefix/]name, the name at most 63 "
                             "letters, digits, '-', '_' or '.', a letter or digit at both ends",
                             pair->key);
        if (!label_value_is_valid(pair->value))
            return err_field(err, path,
                             "\"%s\" of %s is no value of a label: at most 63 letters, digits, "
                             "'-', '_' or '.', a letter or digit at both ends",
                             pair->value, pair->key);
    }
    return 0;
}

/* One label of a DNS name: lower case letters, digits and '-', not at the ends. */
static bool is_dns_part(const char *text, size_t len)
{
    if (len == 0 || !is_lower_or_digit(text[0]) || !is_lower_or_digit(text[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower_or_digit(text[i]) && text[i] != '-')
            return false;
    return true;
}

bool name_is_dns_label(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return len <= 63 && is_dns_part(name, len);
}

bool name_is_dns_subdomain(const char *name)
{
    if (!name || strlen(name) > LIMIT_NAME)
        return false;
    for (;;) {
        size_t len = strcspn(name, ".");
        if (!is_dns_part(name, len))
            return false;
        if (!name[len])
            return true;
        name += len + 1;
    }
}

static int parse_one(const char *text, size_t len, const char *path, struct json_map *out,
                     struct err **err)
{
    const char *equals = memchr(text, '=', len);
    if (!equals)
        return err_field(err, path, "\"%.*s\" is no KEY=VALUE", (int)len, text);
    AUTO_FREE char *key = mem_strndup(text, (size_t)(equals - text));
    AUTO_FREE char *value = mem_strndup(equals + 1, len - (size_t)(equals + 1 - text));
    if (json_map_get(out, key))
        return err_field(err, path, "%s is there twice", key);
    json_map_set(out, key, value);
    return 0;
}

int labels_parse(const char *text, const char *path, struct json_map *out, struct err **err)
{
    struct json_map labels = {0};
    for (const char *at = text ? text : ""; *at; at += *at == ',') {
        size_t len = strcspn(at, ",");
        if (parse_one(at, len, path, &labels, err) < 0) {
            json_map_done(&labels);
            return -1;
        }
        at += len;
    }
    if (labels_check(&labels, path, err) < 0) {
        json_map_done(&labels);
        return -1;
    }
    *out = labels;
    return 0;
}
