/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/input.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/str.h"

static bool same_key(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "_-");
        b += strspn(b, "_-");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

const cJSON *input_item(const cJSON *input, const char *key)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, input)
    {
        if (same_key(item->string, key))
            return cJSON_IsNull(item) ? NULL : item;
    }
    return NULL;
}

char *input_text(const cJSON *input, const char *key)
{
    const cJSON *item = input_item(input, key);

    if (cJSON_IsNumber(item))
        return mem_printf("%.15g", item->valuedouble);
    return mem_strdup(cJSON_GetStringValue(item));
}

bool input_bool(const cJSON *input, const char *key)
{
    const cJSON *item = input_item(input, key);

    return cJSON_IsTrue(item) || str_eq(cJSON_GetStringValue(item), "true");
}

bool input_blank(const cJSON *input, const char *key)
{
    AUTO_FREE char *text = input_text(input, key);

    return !text || text[strspn(text, " \t\r\n")] == '\0';
}
