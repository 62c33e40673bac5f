/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_HTTP_CLIENT_H
#define KOUPLELESS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/*
 * HTTP client on libcurl's multi interface: one thread per http_client runs all transfers.
 * Bodies are bounded; every request has a timeout. Callbacks run on the client's thread. The process ignores
 * SIGPIPE, as service_run() does: TLS writes to connections that may be closed.
 */
struct http_client;
struct http_call; /* a request or a timer */

struct http_request {
    const char *method;     /* "GET" */
    const char *url;        /* http, https; file only where allow_file */
    const char *headers[9]; /* "Name: value", ..., NULL */
    const void *body;
    size_t body_bytes;
    size_t answer_bytes_max;    /* larger answers fail with ERR_LIMIT; 0 = LIMIT_HTTP_BODY */
    int64_t timeout_ms;         /* whole request; > 0 */
    int64_t connect_timeout_ms; /* 0 = 5000 */
    int64_t stall_timeout_ms;   /* no byte for this long fails with ERR_TIMEOUT; 0 = none */
    bool fresh_connection;      /* one connection per request, closed after it (Arklet) */
    bool follow_redirects;      /* at most 5, http and https only */
    bool allow_file;
    bool use_proxy;         /* honour http_proxy, https_proxy, no_proxy; else none is used */
    const char *netrc_file; /* credentials; NULL = none */
    const char *ca_file;    /* NULL = the system's */
    const char *cert_file, *key_file;
    const char *ca_pem;             /* the same from memory, PEM texts; NULL = none */
    const char *cert_pem, *key_pem; /* ERR_INVALID where they are no such thing */
    const char *tls_server_name;    /* whom the certificate must be for; NULL = the URL's host */
    bool insecure_skip_verify;      /* any certificate will do */
    const char
        *proxy_url; /* "http://proxy:3128", "socks5://..."; counts before use_proxy and no_proxy */
    bool
        multiplex; /* waits for an HTTP/2 connection that is being made, instead of making one more */
    bool keepalive; /* a peer that is gone is noticed within a minute, also while nothing is said */
    int64_t
        head_timeout_ms; /* the answer has not begun by then: ERR_TIMEOUT, found within a second; 0 = none */
    void (*on_head)(void *user,
                    int status); /* the answer begins; also for one without a body yet */
    /*
     * Sink for the body instead of memory: called with each piece on the client's thread; return false
     * to abort. Bodies of answers with status >= 300 go to memory all the same.
     */
    bool (*on_body)(void *user, const void *bytes, size_t len);
    size_t piece_bytes;                           /* of the body at once, at most; 0 = 16 KiB */
    void (*on_length)(void *user, int64_t bytes); /* of what on_body gets, before it, where known */
    /*
     * Bytes already there: asks for the rest. The answer is then 206 and begins there, else ERR_DATA_LOSS;
     * or 200 from the start, which is ERR_DATA_LOSS too where there is a sink, before it gets anything.
     */
    int64_t resume_from;
};

struct http_response {
    int status;       /* 200; 0 for file: */
    const char *body; /* terminated; borrowed for the callback; "" with on_body */
    size_t body_bytes;
    const char *content_type; /* or NULL */
    int64_t retry_after_ms;   /* from Retry-After; -1 = none */
};

/**
 * http_done_fn - exactly once per request. @response is NULL and @err set where no whole answer came (UNAVAILABLE:
 * not connected, nothing was sent; TIMEOUT or DATA_LOSS: outcome unknown; LIMIT; CANCELLED). An HTTP status >= 400
 * is an answer.
 */
typedef void (*http_done_fn)(void *user, const struct http_response *response,
                             const struct err *err);

int http_client_new(struct http_client **out, struct err **err);
void http_client_free(
    struct http_client *client); /* cancels what runs; callbacks are done when it returns */

/**
 * http_send() - start a request; everything in @request is copied or used before the callback. Any thread. Return:
 * handle for http_cancel(), valid until done was called.
 */
struct http_call *http_send(struct http_client *client, const struct http_request *request,
                            http_done_fn done, void *user);
void http_cancel(struct http_client *client, struct http_call *call);

/** http_later_fn - exactly once. @cancelled: by http_cancel() or http_client_free(), before its time. */
typedef void (*http_later_fn)(void *user, bool cancelled);

/**
 * http_later() - a timer: calls @fn on the client's thread after @delay_ms (0: soon). Any thread. Return: handle for
 * http_cancel(), valid until @fn was called.
 */
struct http_call *http_later(struct http_client *client, int64_t delay_ms, http_later_fn fn,
                             void *user);

#endif
