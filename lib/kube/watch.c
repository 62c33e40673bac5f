/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watch is a chain of connections, each from the version that the last one came to:
 *
 *   kube_watch() ─> connect_again() ─> on_identity() ─> on_head(): WATCHING ─> on_body(): events ─> on_end() ─┐
 *                       ^                                                                                     │
 *                       └─────────────────────────────── after a backoff, or at once ─────────────────────────┤
 *                                                                                                             └> EXPIRED
 *
 * Without a version the first connection is a streaming list and then the watch. Where it ends before the list does,
 * there is no other: EXPIRED, but for a server that is busy.
 *
 * At any time one step is pending: a timer, an identity or a connection; it holds one of two references, and
 * who called kube_watch() the other; the timer that waits for a list to fall silent has its own. Callbacks run under the
 * watch's lock, so kube_watch_stop() waits for the one that runs, and none begins after it.
 */
#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/kube/client_internal.h"
#include "lib/kube/watch_stream.h"

#define SERVER_TIMEOUT_MIN_S 300
#define SERVER_TIMEOUT_MAX_S 600
#define GRACE_S 30            /* by which we are more patient than the server was told to be */
#define HEAD_TIMEOUT_MS 15000 /* a server that takes the request and says nothing */
#define BACKOFF_MAX_MS 10000
#define LIST_TRIES 8       /* of a streaming list that the server is too busy for: some 10 s */
#define SHORT_LIFE_MS 1000 /* a connection that ends sooner, with nothing told, has failed */

struct kube_watch {
    struct kube_client *client;
    struct kube_wire wire; /* without where it begins and ends */
    kube_event_fn on_event;
    void *user;

    pthread_mutex_t lock; /* of what follows */
    int references;
    bool stopped;
    struct http_call *pending; /* timer or connection */
    struct http_call *silence; /* timer, while a list is streamed */
    struct kube_stream stream;
    struct err *verdict; /* why the stream can't be read on */
    char *authorization; /* of the present connection */
    bool refused, renew; /* as in struct kube_call, since it was last there */
    bool there;          /* the answer began, it is no error */
    bool told;           /* an event came by this connection */
    bool heard;          /* one of a list came since silence was looked for */
    bool unlisted;       /* the list could not be streamed */
    int64_t there_since_ms;
    int tries; /* that failed, in a row */
};

/* Under the lock; releases it, and the watch with the last reference. */
static void release(struct kube_watch *watch)
{
    bool last = --watch->references == 0;
    pthread_mutex_unlock(&watch->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&watch->lock);
    kube_stream_done(&watch->stream);
    kube_wire_done(&watch->wire);
    err_free(watch->verdict);
    mem_free(watch->authorization);
    mem_free(watch);
}

/* -- streaming lists -- */

static bool is_listing(const struct kube_watch *watch)
{
    return !watch->stream.version;
}

static void on_silence(void *user, bool cancelled);

static void wait_for_silence(struct kube_watch *watch)
{
    struct kube_client *client = watch->client;
    watch->heard = false;
    watch->references++;
    watch->silence = http_later(client->watches, client->silence_ms, on_silence, watch);
}

static void end_silence(struct kube_watch *watch)
{
    if (watch->silence)
        http_cancel(watch->client->watches, TAKE(watch->silence));
}

/* A server that does not know what it is asked for may send what there is and then wait for changes. */
static void on_silence(void *user, bool cancelled)
{
    struct kube_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    if (!cancelled && !watch->stopped) {
        watch->silence = NULL;
        if (watch->heard) {
            wait_for_silence(watch);
        } else {
            err_set(&watch->verdict, ERR_UNIMPLEMENTED, "a streaming list came to no end");
            http_cancel(watch->client->watches, watch->pending);
        }
    }
    release(watch);
}

/* -- events -- */

static void emit(struct kube_watch *watch, enum kube_event_type type, const struct err *err)
{
    struct kube_event event = {.type = type, .err = err};
    watch->on_event(watch->user, &event);
}

static void on_object(void *user, enum kube_event_type type, struct span object)
{
    struct kube_watch *watch = user;
    struct kube_event event = {.type = type, .object = object.text, .object_bytes = object.len};
    watch->told = true;
    watch->heard |= type == KUBE_ADDED;
    if (type == KUBE_LISTED)
        end_silence(watch);
    watch->on_event(watch->user, &event);
}

static void on_head(void *user, int status)
{
    struct kube_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    watch->there = status == 200;
    if (watch->there) {
        watch->there_since_ms = clock_mono_ms(clock_real());
        watch->refused = false;
        if (!watch->stopped && is_listing(watch))
            wait_for_silence(watch);
        if (!watch->stopped)
            emit(watch, KUBE_WATCHING, NULL);
    }
    pthread_mutex_unlock(&watch->lock);
}

static bool on_body(void *user, const void *bytes, size_t len)
{
    struct kube_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    bool going_on = !watch->stopped && kube_stream_feed(&watch->stream, bytes, len, on_object,
                                                        watch, &watch->verdict) == 0;
    pthread_mutex_unlock(&watch->lock);
    return going_on;
}

/* -- connections -- */

static void connect_again(void *user, bool cancelled);

static void schedule(struct kube_watch *watch, int64_t delay_ms)
{
    watch->pending = http_later(watch->client->watches, delay_ms, connect_again, watch);
}

/* The next try, after what @response asks for if it does. */
static void back_off(struct kube_watch *watch, const struct http_response *response)
{
    int64_t delay_ms = kube_client_backoff_ms(watch->client, ++watch->tries, BACKOFF_MAX_MS);
    if (response && response->retry_after_ms > delay_ms)
        delay_ms =
            response->retry_after_ms < BACKOFF_MAX_MS ? response->retry_after_ms : BACKOFF_MAX_MS;
    schedule(watch, delay_ms);
}

/* What went wrong, or NULL: then the connection just ended. Owned. */
static struct err *trouble(struct kube_watch *watch, const struct http_response *response,
                           const struct err *err)
{
    struct err *why = NULL;
    if (watch->verdict)
        why = TAKE(watch->verdict);
    else if (response && response->status != 200)
        why = kube_status_error(response->status, response->body, response->body_bytes);
    else if (err && !watch->there)
        why = err_copy(err);
    if (why)
        err_wrap(&why, "%s", watch->wire.what);
    return why;
}

static bool is_refused(struct kube_watch *watch, const struct http_response *response)
{
    if (!response || response->status != 401 || watch->refused)
        return false;
    watch->refused = watch->renew = true;
    return true;
}

/* The next step, but where the server is busy, is EXPIRED: another list is to have what there is, or the error. */
static void list_failed(struct kube_watch *watch, const struct http_response *response,
                        const struct err *why)
{
    bool there = !response || response->status != 404; /* else the kind is not, streams may be */
    bool refused = why && there && (why->code == ERR_INVALID || why->code == ERR_UNIMPLEMENTED);
    watch->unlisted = !kube_client_is_busy(response) || watch->tries >= LIST_TRIES;
    if (refused)
        kube_client_streams_not(watch->client, why);
    if (why && !refused)
        back_off(watch, response);
    else
        schedule(watch, 0);
}

/* Under the lock. Return: whether the watch goes on. */
static bool go_on(struct kube_watch *watch, const struct http_response *response,
                  const struct err *err)
{
    AUTO_ERR struct err *why = trouble(watch, response, err);
    bool lasted =
        watch->there && clock_mono_ms(clock_real()) >= watch->there_since_ms + SHORT_LIFE_MS;
    if (watch->told || lasted)
        watch->tries = 0;
    if (why && why->code == ERR_EXPIRED) {
        emit(watch, KUBE_EXPIRED, NULL);
        return false;
    }
    if (is_refused(watch, response)) {
        schedule(watch, 0);
        return true;
    }
    if (is_listing(watch)) {
        list_failed(watch, response, why);
        return true;
    }
    if (why)
        emit(watch, KUBE_TROUBLE, why);
    if (why || err || (!watch->told && !lasted))
        back_off(watch, response);
    else
        schedule(watch, 0);
    return true;
}

static void on_end(void *user, const struct http_response *response, const struct err *err)
{
    struct kube_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    watch->pending = NULL;
    end_silence(watch);
    if (!watch->stopped && go_on(watch, response, err))
        pthread_mutex_unlock(&watch->lock);
    else
        release(watch);
}

static void open_connection(struct kube_watch *watch, const struct kube_identity *identity)
{
    const struct http_request options = {
        .head_timeout_ms = HEAD_TIMEOUT_MS, .on_head = on_head, .on_body = on_body};
    int64_t timeout_s =
        kube_client_random(watch->client, SERVER_TIMEOUT_MIN_S, SERVER_TIMEOUT_MAX_S);
    AUTO_FREE char *url = kube_wire_watch_url(watch->wire.url, watch->stream.version, timeout_s);
    struct kube_wire wire = watch->wire;
    wire.url = url;
    wire.timeout_ms = (timeout_s + GRACE_S) * 1000;
    mem_replace(&watch->authorization, identity->authorization);
    kube_stream_restart(&watch->stream);
    watch->there = watch->told = false;
    watch->pending = kube_client_http(watch->client, watch->client->watches, &wire, identity,
                                      &options, on_end, watch);
}

static void on_identity(void *user, const struct kube_identity *identity, const struct err *err)
{
    struct kube_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    if (watch->stopped) {
        release(watch);
        return;
    }
    if (err) {
        AUTO_ERR struct err *why = err_copy(err);
        err_wrap(&why, "%s", watch->wire.what);
        watch->unlisted = is_listing(watch);
        if (!watch->unlisted)
            emit(watch, KUBE_TROUBLE, why);
        back_off(watch, NULL);
    } else {
        open_connection(watch, identity);
    }
    pthread_mutex_unlock(&watch->lock);
}

/* Whether there is something to ask for. */
static bool can_begin(const struct kube_watch *watch)
{
    if (is_listing(watch))
        return !watch->unlisted && kube_client_streams(watch->client);
    return kube_stream_is_version(watch->stream.version);
}

/* A version that no server gave is answered with an error of its own kind (500), by which nobody knew to list again. */
static void connect_again(void *user, bool cancelled)
{
    struct kube_watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    watch->pending = NULL;
    bool begins = can_begin(watch);
    if (!begins && !watch->stopped && !cancelled)
        emit(watch, KUBE_EXPIRED, NULL);
    if (!begins || watch->stopped || cancelled) {
        release(watch);
        return;
    }
    AUTO_FREE char *refused = TAKE(watch->authorization);
    bool renew = watch->renew;
    watch->renew = false;
    pthread_mutex_unlock(&watch->lock);
    kube_credentials_use(watch->client->credentials, renew ? (refused ? refused : "") : NULL,
                         on_identity, watch);
}

/* -- from outside -- */

struct kube_watch *kube_watch(struct kube_client *client, const struct kube_watch_request *request,
                              kube_event_fn on_event, void *user)
{
    struct kube_watch *watch = NEW(struct kube_watch);
    watch->client = client;
    watch->wire = kube_wire_watch(client->config.server, request);
    watch->on_event = on_event;
    watch->user = user;
    watch->stream = KUBE_STREAM_INIT(request->resource_version);
    watch->references = 2;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_mutex_lock(&watch->lock);
    schedule(watch, 0);
    pthread_mutex_unlock(&watch->lock);
    return watch;
}

void kube_watch_stop(struct kube_client *client, struct kube_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->stopped = true;
    if (watch->pending)
        http_cancel(client->watches, watch->pending);
    end_silence(watch);
    release(watch);
}
