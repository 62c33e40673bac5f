/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request, each step on the thread of the HTTP client unless said otherwise:
 *
 *   kube_send() ─> waiting ─> on_turn() ─> who are we? ─> on_identity() ─> HTTP ─> on_response() ─> done
 *                                 ^      (credentials' thread, where a program had to run)  │
 *                                 └────────── after a backoff, or with new credentials ─────┘
 *
 * A request that is tried again keeps its place among those in flight: a server that is busy gets less to do.
 */
#include "lib/kube/client.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/kube/client_internal.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000

struct kube_call {
    struct list node; /* in client->waiting */
    struct kube_client *client;
    struct kube_wire wire;
    char *authorization; /* of the last try */
    bool refused;        /* with 401; once is enough */
    bool renew;          /* before the next try */
    int tries;
    int64_t started_ms; /* of the first try */
    kube_done_fn done;
    void *user;
};

/* -- outcomes -- */

static void conclude(struct kube_call *call, const struct http_response *response,
                     const struct err *why)
{
    struct kube_answer answer = {0};
    AUTO_ERR struct err *err = err_copy(why);
    if (response && response->status >= 300)
        err = kube_status_error(response->status, response->body, response->body_bytes);
    else if (response)
        answer = (struct kube_answer){response->status, response->body, response->body_bytes};
    if (err)
        err_wrap(&err, "%s", call->wire.what);
    call->done(call->user, err ? NULL : &answer, err);
    kube_wire_done(&call->wire);
    mem_free(call->authorization);
    mem_free(call);
}

static void conclude_cancelled(struct kube_call *call)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_CANCELLED, "cancelled");
    conclude(call, NULL, err);
}

static void on_turn(void *user, bool cancelled);

/* Under the lock: the next request takes the free place, if it may. */
static struct kube_call *take_turn(struct kube_client *client)
{
    if (client->stopped || client->in_flight >= KUBE_IN_FLIGHT || list_empty(&client->waiting))
        return NULL;
    struct kube_call *call = LIST_ENTRY(client->waiting.next, struct kube_call, node);
    list_remove(&call->node);
    client->in_flight++;
    return call;
}

/* The end of what was in flight. */
static void finish(struct kube_call *call, const struct http_response *response,
                   const struct err *err)
{
    struct kube_client *client = call->client;
    pthread_mutex_lock(&client->lock);
    client->in_flight--;
    struct kube_call *next = take_turn(client);
    if (next)
        http_later(client->requests, 0, on_turn, next);
    pthread_mutex_unlock(&client->lock);
    conclude(call, response, err);
}

static void finish_cancelled(struct kube_call *call)
{
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_CANCELLED, "cancelled");
    finish(call, NULL, err);
}

/* -- trying again -- */

bool kube_client_is_busy(const struct http_response *response)
{
    return response &&
           (response->status == 429 || (response->status == 503 && response->retry_after_ms >= 0));
}

/* Whether the same may be sent again: the server did not take it, or it changes nothing. */
static bool is_repeatable(const struct kube_call *call, const struct http_response *response,
                          const struct err *err)
{
    if (!response)
        return err->code == ERR_UNAVAILABLE ||
               (call->wire.is_read && (err->code == ERR_TIMEOUT || err->code == ERR_DATA_LOSS));
    return kube_client_is_busy(response) || (response->status >= 500 && call->wire.is_read);
}

int64_t kube_client_backoff_ms(struct kube_client *client, int tries, int64_t max_ms)
{
    pthread_mutex_lock(&client->lock);
    int64_t ms = backoff_ms(tries, BACKOFF_FIRST_MS, max_ms, &client->rand);
    pthread_mutex_unlock(&client->lock);
    return ms;
}

int64_t kube_client_random(struct kube_client *client, int64_t min, int64_t max)
{
    pthread_mutex_lock(&client->lock);
    int64_t value = min + (int64_t)rand_below(&client->rand, (uint64_t)(max - min + 1));
    pthread_mutex_unlock(&client->lock);
    return value;
}

bool kube_client_streams(struct kube_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool streams = !client->unstreamed;
    pthread_mutex_unlock(&client->lock);
    return streams;
}

void kube_client_streams_not(struct kube_client *client, const struct err *why)
{
    pthread_mutex_lock(&client->lock);
    bool known = client->unstreamed;
    client->unstreamed = true;
    pthread_mutex_unlock(&client->lock);
    if (!known)
        log_info(client->log, "no streaming lists from this server, they are read in pages",
                 LOG_ERR(why));
}

/* Return: false where there is no time left for another try. */
static bool try_again(struct kube_call *call, const struct http_response *response,
                      const struct err *err)
{
    struct kube_client *client = call->client;
    int64_t delay_ms = kube_client_backoff_ms(client, call->tries, BACKOFF_MAX_MS);
    if (response && response->retry_after_ms > delay_ms)
        delay_ms = response->retry_after_ms;
    if (clock_mono_ms(clock_real()) + delay_ms > call->started_ms + client->retry_ms)
        return false;
    log_debug(client->log, "request is tried again", LOG_STR("request", call->wire.what),
              LOG_INT("status", response ? response->status : 0), LOG_ERR(err),
              LOG_INT("after_ms", delay_ms));
    http_later(client->requests, delay_ms, on_turn, call);
    return true;
}

static void on_response(void *user, const struct http_response *response, const struct err *err)
{
    struct kube_call *call = user;
    if (response && response->status == 401 && !call->refused) {
        call->refused = call->renew = true;
        log_info(call->client->log, "credentials were refused, renewing them",
                 LOG_STR("request", call->wire.what));
        on_turn(call, /* cancelled= */ false);
        return;
    }
    if (is_repeatable(call, response, err) && try_again(call, response, err))
        return;
    finish(call, response, err);
}

/* -- a try -- */

struct http_call *kube_client_http(struct kube_client *client, struct http_client *http,
                                   const struct kube_wire *wire,
                                   const struct kube_identity *identity,
                                   const struct http_request *options, http_done_fn done,
                                   void *user)
{
    const struct kube_config *config = &client->config;
    AUTO_FREE char *type =
        wire->content_type ? mem_printf("Content-Type: %s", wire->content_type) : NULL;
    AUTO_FREE char *authorization =
        identity->authorization ? mem_printf("Authorization: %s", identity->authorization) : NULL;
    struct http_request request = *options;
    size_t headers = 0;
    request.method = wire->method;
    request.url = wire->url;
    request.headers[headers++] = "Accept: application/json";
    request.headers[headers++] = client->user_agent;
    if (type)
        request.headers[headers++] = type;
    if (authorization)
        request.headers[headers++] = authorization;
    request.body = wire->body;
    request.body_bytes = wire->body ? strlen(wire->body) : 0;
    request.timeout_ms = wire->timeout_ms;
    request.ca_pem = config->ca_pem;
    request.cert_pem = identity->cert_pem;
    request.key_pem = identity->key_pem;
    request.tls_server_name = config->tls_server_name;
    request.insecure_skip_verify = config->insecure_skip_tls_verify;
    request.proxy_url = config->proxy_url;
    request.use_proxy = true; /* as kubectl does */
    request.multiplex = true;
    request.keepalive = true;
    return http_send(http, &request, done, user);
}

static void on_identity(void *user, const struct kube_identity *identity, const struct err *err)
{
    struct kube_call *call = user;
    struct kube_client *client = call->client;
    const struct http_request options = {.answer_bytes_max = LIMIT_KUBE_ANSWER};
    if (err) {
        finish(call, NULL, err);
        return;
    }
    mem_replace(&call->authorization, identity->authorization);
    pthread_mutex_lock(&client->lock);
    bool stopped = client->stopped; /* else the HTTP client is there while the lock is held */
    if (!stopped)
        kube_client_http(client, client->requests, &call->wire, identity, &options, on_response,
                         call);
    pthread_mutex_unlock(&client->lock);
    if (stopped)
        finish_cancelled(call);
}

static void on_turn(void *user, bool cancelled)
{
    struct kube_call *call = user;
    if (cancelled) {
        finish_cancelled(call);
        return;
    }
    if (!call->tries++)
        call->started_ms = clock_mono_ms(clock_real());
    AUTO_FREE char *refused = TAKE(call->authorization);
    bool renew = call->renew;
    call->renew = false;
    kube_credentials_use(call->client->credentials, renew ? (refused ? refused : "") : NULL,
                         on_identity, call);
}

void kube_send(struct kube_client *client, const struct kube_request *request, kube_done_fn done,
               void *user)
{
    struct kube_call *call = NEW(struct kube_call);
    call->client = client;
    call->wire = kube_wire_request(client->config.server, request);
    call->done = done;
    call->user = user;
    pthread_mutex_lock(&client->lock);
    bool stopped = client->stopped;
    if (!stopped) {
        list_append(&client->waiting, &call->node);
        struct kube_call *next = take_turn(client);
        if (next)
            http_later(client->requests, 0, on_turn, next);
    }
    pthread_mutex_unlock(&client->lock);
    if (stopped)
        conclude_cancelled(call);
}

/* -- the client -- */

int kube_client_new(struct kube_client **out, const struct kube_config *config,
                    const char *user_agent, struct log *log, struct err **err)
{
    struct kube_client *client = NEW(struct kube_client);
    if (http_client_new(&client->requests, err) != 0)
        goto failed;
    if (http_client_new(&client->watches, err) != 0)
        goto failed;
    kube_config_copy(&client->config, config);
    client->user_agent = mem_printf("User-Agent: %s", user_agent);
    client->log = log;
    client->retry_ms = KUBE_RETRY_MS;
    client->silence_ms = KUBE_SILENCE_MS;
    client->credentials = kube_credentials_new(&client->config, clock_real(), log);
    pthread_mutex_init(&client->lock, NULL);
    rand_seed_from_system(&client->rand);
    list_init(&client->waiting);
    *out = client;
    return 0;
failed:
    http_client_free(client->requests);
    mem_free(client);
    return -1;
}

void kube_client_stop(struct kube_client *client)
{
    pthread_mutex_lock(&client->lock);
    bool stopped = client->stopped;
    client->stopped = true;
    pthread_mutex_unlock(&client->lock);
    if (stopped)
        return;
    kube_credentials_stop(client->credentials); /* a program may hang, too */
    http_client_free(client->requests);         /* its threads still use it while they end */
    client->requests = NULL;
    while (!list_empty(&client->waiting)) { /* nobody is left who could take a place */
        struct kube_call *call = LIST_ENTRY(client->waiting.next, struct kube_call, node);
        list_remove(&call->node);
        conclude_cancelled(call);
    }
}

/*
 * First the threads that send, then the credentials: who still waits for an identity finds the client
 * stopped.
 */
void kube_client_free(struct kube_client *client)
{
    if (!client)
        return;
    kube_client_stop(client);
    http_client_free(client->watches);
    kube_credentials_free(client->credentials);
    pthread_mutex_destroy(&client->lock);
    kube_config_done(&client->config);
    mem_free(client->user_agent);
    mem_free(client);
}
