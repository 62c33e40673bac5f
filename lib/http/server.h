/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_HTTP_SERVER_H
#define KOUPLELESS_HTTP_SERVER_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/*
 * Small HTTP server on libevent's evhttp, one thread: metrics, probes, later webhooks. Requests are
 * bounded (LIMIT_HTTP_HEADER, body_bytes_max) and time out after 10 s.
 */
struct http_server;

struct http_server_options {
    const char *listen;               /* "0.0.0.0:8080"; port 0 = any */
    const char *cert_file, *key_file; /* both NULL: plain HTTP; reloaded when they change */
    size_t body_bytes_max;            /* 0 = no bodies */
};

struct http_server_request {
    const char *method, *path, *query; /* query "" where absent */
    const char *body;
    size_t body_bytes;
};

struct http_server_reply {
    int status;               /* 200 */
    const char *content_type; /* literal; NULL = text/plain; charset=utf-8 */
    struct str body;          /* filled by the handler, freed by the server */
};

/** http_handler_fn - fills @reply at once, on the server's thread; must not block. */
typedef void (*http_handler_fn)(void *user, const struct http_server_request *request,
                                struct http_server_reply *reply);

int http_server_new(struct http_server **out, const struct http_server_options *options,
                    struct err **err);

/** http_server_handle() - before start: GET (and HEAD) or POST of exactly @path. Others get 404, 405 with Allow. */
void http_server_handle(struct http_server *server, const char *method, const char *path,
                        http_handler_fn handler, void *user);

int http_server_start(struct http_server *server,
                      struct err **err); /* ERR_UNAVAILABLE: address taken */
int http_server_port(const struct http_server *server);
void http_server_free(struct http_server *server); /* finishes what runs (1 s at most) */

#endif
