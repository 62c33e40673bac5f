/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/model/model_internal.h"

/* The next character that counts, in lower case; moves past it. */
static char next_letter(const char **at)
{
    while (**at == '_' || **at == '-')
        (*at)++;
    char c = **at;
    if (c)
        (*at)++;
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_word(const char *a, const char *b)
{
    char x, y;
    do {
        x = next_letter(&a);
        y = next_letter(&b);
    } while (x == y && x);
    return x == y;
}

int enum__find(const char *const *names, size_t count, const char *text)
{
    for (size_t i = 0; text && i < count; i++)
        if (same_word(names[i], text))
            return (int)i;
    return -1;
}

int enum__read(const char *const *names, size_t count, char **text, const char *field,
               struct err **err)
{
    int found = str_empty(*text) ? 0 : enum__find(names, count, *text);
    if (found >= 0) {
        mem_replace(text, names[found]);
        return found;
    }
    struct str allowed = STR_INIT(256);
    for (size_t i = 0; i < count; i++)
        str_printf(&allowed, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    err_field(err, field, "\"%.100s\" is not known; must be %s", *text, str_text(&allowed));
    str_done(&allowed);
    return -1;
}

char *enum__to_write(const char *const *names, int value, const char *given)
{
    ASSERT(value >= 0);
    return value == 0 && !given ? NULL : mem_strdup(names[value]);
}
