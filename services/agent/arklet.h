/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_ARKLET_H
#define KOUPLELESS_AGENT_ARKLET_H

#include "lib/base/json.h"
#include "lib/ctl/loop.h"
#include "lib/http/client.h"

/*
 * Calls of Arklet's HTTP API: one connection per call, the answer delimited by the end of the connection.
 * Arklet never answers what is no JSON object, and an install holds one of its event loops, so every
 * call has a timeout. HTTP answers other than 200 are errors.
 */
struct arklet;

/** arklet_new() - @url: "http://127.0.0.1:1238", borrowed. */
struct arklet *arklet_new(struct loop *loop, struct http_client *http, const char *url);

/** arklet_close() - nothing is sent any more, and who still waits for an answer gets none. */
void arklet_close(struct arklet *arklet);
void arklet_free(struct arklet *arklet); /* after the http client ended */

/**
 * arklet_done_fn - the end of a call, on the loop
 * @body, @len: what Arklet sent; borrowed
 * @err: else what went wrong: UNAVAILABLE nothing was sent; TIMEOUT, DATA_LOSS nobody knows; borrowed
 */
typedef void (*arklet_done_fn)(void *user, const char *body, size_t len, const struct err *err);

/** arklet_call() - POST /@command with @body_taken (NULL: {}). Loop thread. */
void arklet_call(struct arklet *arklet, const char *command, cJSON *body_taken, int64_t timeout_ms,
                 arklet_done_fn done, void *user);

/**
 * arklet_ask() - arklet_call() for a question, which is asked again where no answer comes soon
 *
 * An install holds one of Arklet's event loops; the next connection lands on the next one. Three tries, of
 * which the last has all of @timeout_ms.
 */
void arklet_ask(struct arklet *arklet, const char *command, cJSON *body_taken, int64_t timeout_ms,
                arklet_done_fn done, void *user);

/** arklet_ask_requests() - arklet_ask() for how many requests are under way in a module: biz_requests_parse(). */
void arklet_ask_requests(struct arklet *arklet, const char *name, const char *version,
                         int64_t timeout_ms, arklet_done_fn done, void *user);

#endif
