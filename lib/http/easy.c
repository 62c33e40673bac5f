/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/easy.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"

#define CONNECT_TIMEOUT_MS 5000
#define REDIRECTS_MAX 5
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10
#define UNACKNOWLEDGED_MS 30000

static bool carries_body(const struct http_request *request)
{
    return request->body || str_eq(request->method, "POST") || str_eq(request->method, "PUT") ||
           str_eq(request->method, "PATCH");
}

static void set_method(struct http_easy *to, const struct http_request *request)
{
    CURL *easy = to->handle;
    bool body = carries_body(request);
    if (str_eq(request->method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (body || !str_eq(request->method, "GET"))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (!body)
        return;
    to->body = mem_strndup(request->body ? request->body : "", request->body_bytes);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, to->body);
}

static void set_headers(struct http_easy *to, const struct http_request *request)
{
    bool typed = false;
    for (size_t i = 0; i < ARRAY_LEN(request->headers) && request->headers[i]; i++) {
        typed = typed || strncasecmp(request->headers[i], "Content-Type:", 13) == 0;
        to->headers = curl_slist_append(to->headers, request->headers[i]);
    }
    if (!typed) /* else curl says that the body is a form */
        to->headers = curl_slist_append(to->headers, "Content-Type:");
    to->headers = curl_slist_append(to->headers, "Expect:");
    if (request->fresh_connection)
        to->headers = curl_slist_append(to->headers, "Connection: close");
    curl_easy_setopt(to->handle, CURLOPT_HTTPHEADER, to->headers);
}

/* Not CURLOPT_RESUME_FROM: with that a server without ranges, which sends all of it, is an error. */
static void set_range(CURL *easy, int64_t from)
{
    AUTO_FREE char *range = mem_printf("%" PRId64 "-", from);
    curl_easy_setopt(easy, CURLOPT_RANGE, range); /* copied */
}

static void set_limits(CURL *easy, const struct http_request *request)
{
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(
        easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(request->connect_timeout_ms ? request->connect_timeout_ms : CONNECT_TIMEOUT_MS));
    if (request->stall_timeout_ms) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                         (long)(request->stall_timeout_ms + 999) / 1000);
    }
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                     request->allow_file ? "http,https,file" : "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, request->follow_redirects ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
}

static void set_identity(CURL *easy, const struct http_request *request)
{
    if (request->netrc_file) {
        curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_REQUIRED);
        curl_easy_setopt(easy, CURLOPT_NETRC_FILE, request->netrc_file);
    }
    if (request->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    if (request->cert_file)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, request->cert_file);
    if (request->key_file)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, request->key_file);
}

/* -- TLS -- */

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = {.flags = CURL_BLOB_COPY};
    if (!pem)
        return;
    blob.data = (void *)(uintptr_t)pem; /* copied, not written */
    blob.len = strlen(pem);
    curl_easy_setopt(easy, option, &blob);
}

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *found = NULL;
    if (curl_url_get(url, part, &found, flags) != CURLUE_OK)
        return mem_strdup("");
    char *copy = mem_strdup(found);
    curl_free(found);
    return copy;
}

/*
 * curl has no option for the name that a certificate must have: it goes where the name in the URL is, so the
 * URL gets that name, and the connection the true address.
 */
static void set_server_name(struct http_easy *to, const char *name, const char *text)
{
    CURLU *url = curl_url();
    ASSERT(url);
    if (curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK) {
        AUTO_FREE char *host = url_part(url, CURLUPART_HOST, 0);
        AUTO_FREE char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        AUTO_FREE char *header = mem_printf("Host: %s:%s", host, port);
        AUTO_FREE char *rule = mem_printf("%s:%s:%s:%s", name, port, host, port);
        to->headers = curl_slist_append(to->headers, header);
        to->connect_to = curl_slist_append(to->connect_to, rule);
        curl_url_set(url, CURLUPART_HOST, name, 0);
        AUTO_FREE char *named = url_part(url, CURLUPART_URL, 0);
        curl_easy_setopt(to->handle, CURLOPT_URL, named);
        curl_easy_setopt(to->handle, CURLOPT_CONNECT_TO, to->connect_to);
    }
    curl_url_cleanup(url);
}

static void set_trust(struct http_easy *to, const struct http_request *request)
{
    CURL *easy = to->handle;
    set_blob(easy, CURLOPT_CAINFO_BLOB, request->ca_pem);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, request->cert_pem);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, request->key_pem);
    if (request->tls_server_name)
        set_server_name(to, request->tls_server_name, request->url);
    if (request->insecure_skip_verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

/* -- connections -- */

/* Keepalive probes are not sent while data waits for its acknowledgement: that has a limit of its own. */
static int limit_silence(void *user, curl_socket_t fd, curlsocktype purpose)
{
    unsigned limit_ms = UNACKNOWLEDGED_MS;
    (void)user;
    (void)purpose;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
    return CURL_SOCKOPT_OK;
}

static void set_connection(CURL *easy, const struct http_request *request)
{
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->fresh_connection ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, request->fresh_connection ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, request->multiplex ? 1L : 0L);
    if (request->keepalive) {
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
        curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, limit_silence);
    }
    if (request->proxy_url) {
        curl_easy_setopt(easy, CURLOPT_PROXY, request->proxy_url);
        curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* nor does the environment take it away */
    } else if (!request->use_proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
}

/* -- all of it -- */

void http_easy_init(struct http_easy *easy, const struct http_request *request)
{
    *easy = (struct http_easy){.handle = curl_easy_init()};
    ASSERT(easy->handle);
    curl_easy_setopt(easy->handle, CURLOPT_URL, request->url);
    curl_easy_setopt(easy->handle, CURLOPT_NOSIGNAL, 1L);
    if (request->piece_bytes)
        curl_easy_setopt(easy->handle, CURLOPT_BUFFERSIZE, (long)request->piece_bytes);
    if (request->resume_from)
        set_range(easy->handle, request->resume_from);
    set_method(easy, request);
    set_limits(easy->handle, request);
    set_identity(easy->handle, request);
    set_trust(easy, request);
    set_connection(easy->handle, request);
    set_headers(easy, request);
}

void http_easy_done(struct http_easy *easy)
{
    curl_easy_cleanup(easy->handle);
    curl_slist_free_all(easy->headers);
    curl_slist_free_all(easy->connect_to);
    mem_free(easy->body);
}
