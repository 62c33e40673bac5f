/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_HTTP_EASY_H
#define KOUPLELESS_HTTP_EASY_H

#include <curl/curl.h>

#include "lib/http/client.h"

/* A request as curl wants it: what client.h promises, option by option. Inside lib/http only. */
struct http_easy {
    CURL *handle;
    struct curl_slist *headers, *connect_to;
    char *body;
};

/** http_easy_init() - all of @request but its callbacks; copies what it needs. */
void http_easy_init(struct http_easy *easy, const struct http_request *request);
void http_easy_done(struct http_easy *easy);

#endif
