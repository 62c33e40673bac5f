/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/json_pretty.h"

#define INDENT 4

static void add_text(struct str *out, const cJSON *scalar)
{
    AUTO_FREE char *text = json_text(scalar);
    str_add(out, text);
}

static void add_key(struct str *out, const char *key)
{
    AUTO_JSON cJSON *text = cJSON_CreateString(key);
    add_text(out, text);
    str_add(out, ": ");
}

/* What is printed came through the descriptors of our messages, whose nesting is bounded. */
static void add_value(struct str *out, const cJSON *json, int level)
{
    bool object = cJSON_IsObject(json);
    if ((!object && !cJSON_IsArray(json)) || !json->child) {
        add_text(out, json);
        return;
    }
    str_add_char(out, object ? '{' : '[');
    for (const cJSON *item = json->child; item; item = item->next) {
        str_printf(out, "%s\n%*s", item == json->child ? "" : ",", (level + 1) * INDENT, "");
        if (object)
            add_key(out, item->string);
        add_value(out, item, level + 1);
    }
    str_printf(out, "\n%*s%c", level * INDENT, "", object ? '}' : ']');
}

void json_pretty(const cJSON *json, struct str *out)
{
    add_value(out, json, 0);
}
