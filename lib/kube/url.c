/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/url.h"

#include <string.h>

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

void kube_url_escape(struct str *url, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (is_unreserved(*c))
            str_add_char(url, *c);
        else
            str_printf(url, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

void kube_url_param(struct str *url, const char *key, const char *value)
{
    if (str_empty(value))
        return;
    str_add_char(url, strchr(str_text(url), '?') ? '&' : '?');
    str_printf(url, "%s=", key);
    kube_url_escape(url, value);
}
