/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_CLIENT_INTERNAL_H
#define KOUPLELESS_KUBE_CLIENT_INTERNAL_H

#include <pthread.h>

#include "lib/base/list.h"
#include "lib/base/rand.h"
#include "lib/http/client.h"
#include "lib/kube/client.h"
#include "lib/kube/credentials.h"
#include "lib/kube/wire.h"

struct kube_client {
    struct kube_config config;
    char *user_agent; /* the header */
    struct log *log;
    int64_t retry_ms;   /* KUBE_RETRY_MS; less in tests */
    int64_t silence_ms; /* KUBE_SILENCE_MS; less in tests */
    struct kube_credentials *credentials;
    struct http_client *requests;
    struct http_client
        *watches; /* their connections are never full of requests, nor do they fill those */

    pthread_mutex_t lock; /* of what follows */
    struct rand rand;
    struct list waiting; /* struct kube_call */
    int in_flight;
    bool stopped;
    bool unstreamed; /* the server does not offer streaming lists */
};

#define KUBE_SILENCE_MS 15000 /* in the middle of a streaming list; then it counts as not offered */

/** kube_client_http() - sends @wire as @identity; @options: what neither of them says. Return: as http_send(). */
struct http_call *kube_client_http(struct kube_client *client, struct http_client *http,
                                   const struct kube_wire *wire,
                                   const struct kube_identity *identity,
                                   const struct http_request *options, http_done_fn done,
                                   void *user);

/** kube_client_backoff_ms() - before try number @tries + 1, spread by chance. Any thread. */
int64_t kube_client_backoff_ms(struct kube_client *client, int tries, int64_t max_ms);

/** kube_client_is_busy() - whether @response (or NULL) says that the server takes it later: 429, 503 with Retry-After. */
bool kube_client_is_busy(const struct http_response *response);

/** kube_client_streams() - whether the server may offer streaming lists; kube_client_streams_not(): it does not. Any thread. */
bool kube_client_streams(struct kube_client *client);
void kube_client_streams_not(struct kube_client *client, const struct err *why);

/** kube_client_random() - from @min to @max. Any thread. */
int64_t kube_client_random(struct kube_client *client, int64_t min, int64_t max);

#endif
