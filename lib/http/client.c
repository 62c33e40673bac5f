/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread runs all transfers on curl's multi interface. Other threads hand requests, timers and
 * cancellations over in a list under a lock and wake it.
 */
#include "lib/http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/list.h"
#include "lib/base/str.h"
#include "lib/http/easy.h"

#define POLL_MS 1000
#define IDLE_CONNECTIONS_MAX 16L

/* A transfer, or a timer: then `later` is set and all that concerns transfers is not. */
struct http_call {
    struct list node; /* in client->fresh, then client->running */
    struct http_client *client;
    int64_t due_ms; /* by the monotonic clock; not taken out of `fresh` before */
    http_later_fn later;
    struct http_easy easy;
    struct str answer;
    char why[CURL_ERROR_SIZE];
    bool (*on_body)(void *user, const void *bytes, size_t len);
    void (*on_head)(void *user, int status);
    void (*on_length)(void *user, int64_t bytes);
    int64_t head_timeout_ms, begun_ms; /* begun_ms: when the transfer began */
    int64_t resume_from;
    http_done_fn done;
    void *user;
    bool refused; /* by on_body */
    bool head;    /* it came */
    bool late;    /* it did not */
    bool cancelled;
};

struct http_client {
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    struct list fresh;    /* to be started */
    struct list running;  /* changed by the client's thread only */
    bool woken;           /* since the thread looked at fresh last */
    bool cancelling;      /* some call is to be cancelled */
    bool stopped;
};

/* -- outcomes -- */

static enum err_code code_of(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return ERR_UNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_TOO_MANY_REDIRECTS:
        return ERR_LIMIT;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CERTPROBLEM:    /* of the client's certificate and key */
    case CURLE_SSL_CACERT_BADFILE: /* also of ca_pem */
        return ERR_INVALID;
    case CURLE_FILE_COULDNT_READ_FILE:
        return ERR_NOT_FOUND;
    default:
        return ERR_DATA_LOSS; /* something came, or nobody knows what arrived */
    }
}

/* The code of a failed transfer, by how far it came. */
static enum err_code code_at(CURL *easy, CURLcode result)
{
    long sent = 0, status = 0;
    enum err_code code = code_of(result);
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == ERR_TIMEOUT && !sent)
        return ERR_UNAVAILABLE;
    if (result == CURLE_UNSUPPORTED_PROTOCOL && sent && !status)
        return ERR_DATA_LOSS; /* not our URL: what came back was no HTTP */
    return code;
}

/* Where the range begins that the answer says it is; -1: it says nothing. */
static int64_t range_start(CURL *easy)
{
    struct curl_header *header;
    int64_t start = -1;
    if (curl_easy_header(easy, "Content-Range", 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        !str_starts_with(header->value, "bytes "))
        return -1;
    const char *number = header->value + strlen("bytes ");
    AUTO_FREE char *digits = mem_strndup(number, strcspn(number, "-"));
    (void)str_parse_int64(digits, 0, INT64_MAX, &start);
    return start;
}

/* Whether the body is not what belongs behind the bytes that are there already. */
static bool misplaced(const struct http_call *call)
{
    long status = 0;
    curl_easy_getinfo(call->easy.handle, CURLINFO_RESPONSE_CODE, &status);
    if (!call->resume_from)
        return false;
    return status == 206 ? range_start(call->easy.handle) != call->resume_from
                         : status / 100 == 2 && call->on_body;
}

/* What is wrong with a certificate is told in full; of others the numbers would differ each time. */
static const char *reason_of(const struct http_call *call, CURLcode result)
{
    bool tls = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CONNECT_ERROR ||
               result == CURLE_SSL_CERTPROBLEM || result == CURLE_SSL_CACERT_BADFILE;
    return tls && *call->why ? call->why : curl_easy_strerror(result);
}

static struct err *failure(const struct http_call *call, CURLcode result, bool cancelled)
{
    struct err *err = NULL;
    enum err_code code = code_at(call->easy.handle, result);
    if (cancelled)
        err_set(&err, ERR_CANCELLED, "cancelled");
    else if (call->answer.full)
        err_set(&err, ERR_LIMIT, "the answer is larger than %zu bytes", call->answer.max);
    else if (misplaced(call))
        err_set(&err, ERR_DATA_LOSS, "the server did not send the rest that was asked for");
    else if (call->refused)
        err_set(&err, ERR_CANCELLED, "the body was refused");
    else if (call->late)
        err_set(&err, ERR_TIMEOUT, "no answer in time");
    else if (code == ERR_UNAVAILABLE && result == CURLE_OPERATION_TIMEDOUT)
        err_set(&err, code, "no connection in time");
    else
        err_set(&err, code, "%s", reason_of(call, result));
    return err;
}

static int64_t retry_after_ms(CURL *easy)
{
    curl_off_t seconds = 0;
    struct curl_header *header;
    bool given = curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    return given ? (int64_t)seconds * 1000 : -1;
}

static void finish(struct http_call *call, CURLcode result, bool cancelled)
{
    long status = 0;
    char *type = NULL;
    struct http_response response = {0};
    bool good = result == CURLE_OK && !misplaced(call);
    AUTO_ERR struct err *err = good ? NULL : failure(call, result, cancelled);
    curl_easy_getinfo(call->easy.handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy.handle, CURLINFO_CONTENT_TYPE, &type);
    response.status = (int)status;
    response.body = str_text(&call->answer);
    response.body_bytes = call->answer.len;
    response.content_type = type;
    response.retry_after_ms = retry_after_ms(call->easy.handle);
    call->done(call->user, err ? NULL : &response, err);
    curl_multi_remove_handle(call->client->multi, call->easy.handle);
    http_easy_done(&call->easy);
    str_done(&call->answer);
    mem_free(call);
}

/* -- the thread -- */

/* Once, where the answer says it. */
static void tell_length(struct http_call *call)
{
    void (*on_length)(void *user, int64_t bytes) = TAKE(call->on_length);
    curl_off_t length = -1;
    curl_easy_getinfo(call->easy.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (on_length && length >= 0)
        on_length(call->user, length);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *user)
{
    struct http_call *call = user;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(call->easy.handle, CURLINFO_RESPONSE_CODE, &status);
    if (misplaced(call))
        return 0;
    if (call->on_body && status < 300) {
        tell_length(call);
        call->refused = !call->on_body(call->user, bytes, len);
        return call->refused ? 0 : len;
    }
    str_add_bytes(&call->answer, bytes, len);
    return call->answer.full ? 0 : len;
}

/* The empty line that ends the headers of an answer, not of one that says "go on". */
static size_t on_header(char *bytes, size_t size, size_t count, void *user)
{
    struct http_call *call = user;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(call->easy.handle, CURLINFO_RESPONSE_CODE, &status);
    if (len <= 2 && (*bytes == '\r' || *bytes == '\n') && status >= 200 && !call->head) {
        call->head = true;
        if (call->on_head)
            call->on_head(call->user, (int)status);
    }
    return len;
}

/* Called about once a second. */
static int on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up)
{
    struct http_call *call = user;
    (void)down_all, (void)down, (void)up_all, (void)up;
    call->late =
        !call->head && clock_mono_ms(clock_real()) - call->begun_ms > call->head_timeout_ms;
    return call->late;
}

/* Of those to be started: the first whose time has come, or NULL, and when the next one's does. */
static struct http_call *find_due(struct http_client *client, int64_t now_ms, int64_t *ret_next_ms)
{
    int64_t next_ms = TIME_NEVER;
    LIST_FOR_EACH (node, &client->fresh) {
        struct http_call *call = LIST_ENTRY(node, struct http_call, node);
        if (call->due_ms <= now_ms)
            return call;
        next_ms = call->due_ms < next_ms ? call->due_ms : next_ms;
    }
    *ret_next_ms = next_ms;
    return NULL;
}

static void end_timer(struct http_call *call, bool cancelled)
{
    call->later(call->user, cancelled);
    mem_free(call);
}

/* Return: for how long there is nothing more to be started. */
static int start_fresh(struct http_client *client)
{
    for (;;) {
        int64_t now_ms = clock_mono_ms(clock_real()), next_ms = TIME_NEVER;
        pthread_mutex_lock(&client->lock);
        client->woken = false;
        struct http_call *call = find_due(client, now_ms, &next_ms);
        bool cancelled = call && call->cancelled;
        if (call) {
            list_remove(&call->node);
            if (!call->later)
                list_append(&client->running, &call->node);
        }
        pthread_mutex_unlock(&client->lock);
        if (!call)
            return next_ms - now_ms < POLL_MS ? (int)(next_ms - now_ms) : POLL_MS;
        if (call->later) {
            end_timer(call, cancelled);
        } else {
            call->begun_ms = now_ms;
            curl_multi_add_handle(client->multi, call->easy.handle);
        }
    }
}

/* Return: whether it was cancelled before its end was seen. */
static bool remove_running(struct http_call *call)
{
    pthread_mutex_lock(&call->client->lock);
    list_remove(&call->node);
    bool cancelled = call->cancelled;
    pthread_mutex_unlock(&call->client->lock);
    return cancelled;
}

static void finish_done(struct http_client *client)
{
    int left = 0;
    for (CURLMsg *message = curl_multi_info_read(client->multi, &left); message;
         message = curl_multi_info_read(client->multi, &left)) {
        struct http_call *call = NULL;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        finish(call, result, remove_running(call));
    }
}

static struct http_call *find_cancelled(struct list *calls, bool all)
{
    LIST_FOR_EACH (node, calls) {
        struct http_call *call = LIST_ENTRY(node, struct http_call, node);
        if (all || call->cancelled)
            return call;
    }
    return NULL;
}

/* The next call that is to be cancelled, started or not, taken out of its list; NULL where there is none. */
static struct http_call *take_cancelled(struct http_client *client, bool all)
{
    pthread_mutex_lock(&client->lock);
    struct http_call *found = find_cancelled(&client->running, all);
    if (!found)
        found = find_cancelled(&client->fresh, all);
    if (found)
        list_remove(&found->node);
    pthread_mutex_unlock(&client->lock);
    return found;
}

static void finish_cancelled(struct http_client *client, bool all)
{
    for (struct http_call *call = take_cancelled(client, all); call;
         call = take_cancelled(client, all)) {
        if (call->later)
            end_timer(call, /* cancelled= */ true);
        else
            finish(call, CURLE_ABORTED_BY_CALLBACK, /* cancelled= */ true);
    }
}

static void *run(void *user)
{
    struct http_client *client = user;
    for (bool stopped = false; !stopped;) {
        int running = 0;
        int idle_ms = start_fresh(client);
        curl_multi_perform(client->multi, &running);
        finish_done(client);
        pthread_mutex_lock(&client->lock);
        stopped = client->stopped;
        bool cancelling = client->cancelling;
        client->cancelling = false;
        pthread_mutex_unlock(&client->lock);
        if (cancelling)
            finish_cancelled(client, /* all= */ false);
        if (!stopped) /* whoever hands something over wakes the next poll, this thread too */
            curl_multi_poll(client->multi, NULL, 0, idle_ms, NULL);
    }
    finish_cancelled(client, /* all= */ true); /* those that the callbacks start too */
    return NULL;
}

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_client_new(struct http_client **out, struct err **err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct http_client *client = NEW(struct http_client);
    client->multi = curl_multi_init();
    ASSERT(client->multi);
    curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS_MAX);
    pthread_mutex_init(&client->lock, NULL);
    list_init(&client->fresh);
    list_init(&client->running);
    if (pthread_create(&client->thread, NULL, run, client) != 0) {
        curl_multi_cleanup(client->multi);
        mem_free(client);
        return err_set(err, ERR_UNAVAILABLE, "can't start a thread");
    }
    *out = client;
    return 0;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    pthread_mutex_lock(&client->lock);
    client->stopped = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
    pthread_join(client->thread, NULL);
    curl_multi_cleanup(client->multi);
    pthread_mutex_destroy(&client->lock);
    mem_free(client);
}

/* -- requests -- */

static void hand_over(struct http_client *client, struct http_call *call)
{
    pthread_mutex_lock(&client->lock);
    list_append(&client->fresh, &call->node);
    bool wake = !client->woken; /* several at once cost one */
    client->woken = true;
    pthread_mutex_unlock(&client->lock);
    if (wake)
        curl_multi_wakeup(client->multi);
}

struct http_call *http_send(struct http_client *client, const struct http_request *request,
                            http_done_fn done, void *user)
{
    ASSERT(request->timeout_ms > 0);
    struct http_call *call = NEW(struct http_call);
    call->client = client;
    call->done = done;
    call->user = user;
    call->on_body = request->on_body;
    call->on_head = request->on_head;
    call->on_length = request->on_length;
    call->head_timeout_ms = request->head_timeout_ms;
    call->answer =
        STR_INIT(request->answer_bytes_max ? request->answer_bytes_max : LIMIT_HTTP_BODY);
    call->resume_from = request->resume_from;
    http_easy_init(&call->easy, request);
    CURL *easy = call->easy.handle;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
    if (request->on_head || request->head_timeout_ms) {
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    }
    if (request->head_timeout_ms) {
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, call);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    }
    hand_over(client, call);
    return call;
}

struct http_call *http_later(struct http_client *client, int64_t delay_ms, http_later_fn fn,
                             void *user)
{
    struct http_call *call = NEW(struct http_call);
    call->client = client;
    call->later = fn;
    call->user = user;
    call->due_ms = clock_mono_ms(clock_real()) + delay_ms;
    hand_over(client, call);
    return call;
}

void http_cancel(struct http_client *client, struct http_call *call)
{
    pthread_mutex_lock(&client->lock);
    call->cancelled = true;
    client->cancelling = true;
    pthread_mutex_unlock(&client->lock);
    curl_multi_wakeup(client->multi);
}
