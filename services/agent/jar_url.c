/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/jar_url.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

bool jar_url_is_http(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

char *jar_url_shown(const char *url)
{
    const char *host = jar_url_is_http(url) ? strchr(url, '/') + 2 : NULL;
    const char *at = host;
    for (const char *end = host ? host + strcspn(host, "/?#") : NULL; at && at < end; at++)
        if (*at == '@')
            host = at + 1;
    int scheme_len = host ? (int)strcspn(url, "/") : 0;
    return host ? mem_printf("%.*s//%s", scheme_len, url, host) : mem_strdup(url);
}

/* The byte that "%2f" stands for; 0 where @text is no such thing. */
static char percent_decoded(const char *text)
{
    if (text[0] != '%' || !isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
        return 0;
    char digits[] = {text[1], text[2], 0};
    return (char)strtoul(digits, NULL, 16);
}

char *jar_url_path(const char *url)
{
    if (strncasecmp(url, "file:", 5) != 0)
        return NULL;
    const char *path = url + 5;
    if (str_starts_with(path, "//localhost/"))
        path += strlen("//localhost");
    else if (str_starts_with(path, "///"))
        path += 2;
    if (path[0] != '/' || path[1] == '/')
        return NULL;
    struct str text = STR_INIT(LIMIT_URL);
    for (; *path; path++) {
        char decoded = percent_decoded(path);
        str_add_char(&text, decoded ? decoded : *path);
        if (decoded)
            path += 2;
    }
    return str_take(&text);
}
