/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_URL_H
#define KOUPLELESS_KUBE_URL_H

#include "lib/base/str.h"

/** kube_url_escape() - appends @text; what RFC 3986 does not call unreserved becomes %XX. */
void kube_url_escape(struct str *url, const char *text);

/** kube_url_param() - appends "?KEY=VALUE", or "&KEY=VALUE" where @url has parameters; nothing where @value is NULL or "". */
void kube_url_param(struct str *url, const char *key, const char *value);

#endif
