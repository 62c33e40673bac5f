/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/http/server.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/thread.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/vec.h"

#define TIMEOUT_S 10
#define REPLY_BYTES_MAX LIMIT_MIB(1)
#define FILES_LOOKED_AT_EVERY_S 2
#define STOP_S 1 /* for replies that are still being sent */
#define ALLOW_BYTES_MAX 256

struct route {
    char *method, *path;
    http_handler_fn handler;
    void *user;
};

struct http_server {
    char *host;
    int port;
    char *cert_file, *key_file;
    struct timespec cert_changed;
    SSL_CTX *tls; /* of new connections */
    struct event_base *base;
    struct evhttp *http;
    struct event *stop, *look;
    VEC(struct route) routes;
    struct evhttp_bound_socket *bound;
    pthread_t thread;
    bool running;

    /* the server's thread only */
    int unsent; /* replies on their way */
    bool stopping;
};

/* -- TLS: the newest files for each new connection -- */

static SSL_CTX *load_tls(const struct http_server *server, struct err **err)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    ASSERT(tls);
    SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
    if (SSL_CTX_use_certificate_chain_file(tls, server->cert_file) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, server->key_file, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(tls) == 1)
        return tls;
    err_set(err, ERR_INVALID, "certificate %s with key %s: %s", server->cert_file, server->key_file,
            ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    SSL_CTX_free(tls);
    return NULL;
}

static struct bufferevent *make_tls_connection(struct event_base *base, void *user)
{
    struct http_server *server = user;
    return bufferevent_openssl_socket_new(base, -1, SSL_new(server->tls), BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static struct timespec changed_at(const char *file)
{
    struct stat status = {0};
    return stat(file, &status) == 0 ? status.st_mtim : (struct timespec){0};
}

/* A pair that does not fit (half way through a renewal) is left for the next look. */
static void look_at_files(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    struct http_server *server = user;
    struct timespec now = changed_at(server->cert_file);
    if (now.tv_sec == server->cert_changed.tv_sec && now.tv_nsec == server->cert_changed.tv_nsec)
        return;
    SSL_CTX *tls = load_tls(server, NULL);
    if (!tls)
        return;
    SSL_CTX_free(server->tls);
    server->tls = tls;
    server->cert_changed = now;
}

/* -- requests -- */

static const char *method_name(enum evhttp_cmd_type type)
{
    switch (type) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    default:
        return "";
    }
}

/* A reply is on its way until it is sent or its connection is gone; a connection has one at a time. */
static void reply_over(struct http_server *server)
{
    if (--server->unsent == 0 && server->stopping)
        event_base_loopbreak(server->base);
}

static void on_closed(struct evhttp_connection *connection, void *user)
{
    (void)connection;
    reply_over(user);
}

static void on_sent(struct evhttp_request *http, void *user)
{
    evhttp_connection_set_closecb(evhttp_request_get_connection(http), NULL, NULL);
    reply_over(user);
}

static void count_reply(struct http_server *server, struct evhttp_request *http)
{
    server->unsent++;
    evhttp_request_set_on_complete_cb(http, on_sent, server);
    evhttp_connection_set_closecb(evhttp_request_get_connection(http), on_closed, server);
}

static void send_reply(struct evhttp_request *http, const struct http_server_reply *reply)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(http);
    struct evbuffer *body = evbuffer_new();
    AUTO_FREE char *len = mem_printf("%zu", reply->body.len);
    evhttp_add_header(headers, "Content-Length", len);
    if (evhttp_request_get_command(http) != EVHTTP_REQ_HEAD) /* evhttp would send it */
        evbuffer_add(body, str_text(&reply->body), reply->body.len);
    evhttp_add_header(headers, "Content-Type",
                      reply->content_type ? reply->content_type : "text/plain; charset=utf-8");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_send_reply(http, reply->status, NULL, body);
    evbuffer_free(body);
}

static void send_error(struct evhttp_request *http, int status, const char *text)
{
    struct http_server_reply reply = {.status = status, .body = STR_INIT(REPLY_BYTES_MAX)};
    str_add(&reply.body, text);
    send_reply(http, &reply);
    str_done(&reply.body);
}

static void call_handler(struct evhttp_request *http, const struct route *route,
                         const struct evhttp_uri *uri)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(http);
    size_t len = evbuffer_get_length(in);
    const char *query = evhttp_uri_get_query(uri);
    AUTO_FREE char *body = mem_strndup(len ? (const char *)evbuffer_pullup(in, -1) : "", len);
    struct http_server_request request = {
        .method = route->method,
        .path = route->path,
        .query = query ? query : "",
        .body = body,
        .body_bytes = len,
    };
    struct http_server_reply reply = {.status = 200, .body = STR_INIT(REPLY_BYTES_MAX)};
    route->handler(route->user, &request, &reply);
    if (reply.body.full)
        send_error(http, 500, "the reply is too large\n");
    else
        send_reply(http, &reply);
    str_done(&reply.body);
}

static void add_allowed(struct str *allow, const char *method)
{
    str_printf(allow, "%s%s", allow->len ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        str_add(allow, ", HEAD");
}

static void on_request(struct evhttp_request *http, void *user)
{
    struct http_server *server = user;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    const char *method = method_name(evhttp_request_get_command(http));
    AUTO_STR struct str allow = STR_INIT(ALLOW_BYTES_MAX);
    count_reply(server, http);
    for (size_t i = 0; path && i < server->routes.len; i++) {
        const struct route *route = &server->routes.items[i];
        if (strcmp(route->path, path) != 0)
            continue;
        add_allowed(&allow, route->method);
        if (strcmp(route->method, method) == 0) {
            call_handler(http, route, uri);
            return;
        }
    }
    if (allow.len)
        evhttp_add_header(evhttp_request_get_output_headers(http), "Allow", str_text(&allow));
    send_error(http, allow.len ? 405 : 404, allow.len ? "method not allowed\n" : "not found\n");
}

/* -- life -- */

/* "host:port" or "[::1]:port". */
static int parse_listen(struct http_server *server, const char *listen, struct err **err)
{
    const char *colon = listen ? strrchr(listen, ':') : NULL;
    int64_t port = 0;
    if (!colon || !str_parse_int64(colon + 1, 0, 65535, &port))
        return err_set(err, ERR_INVALID, "\"%s\" is no HOST:PORT", listen ? listen : "");
    bool bracketed = listen[0] == '[' && colon > listen + 1 && colon[-1] == ']';
    server->host = bracketed ? mem_strndup(listen + 1, (size_t)(colon - listen) - 2)
                             : mem_strndup(listen, (size_t)(colon - listen));
    server->port = (int)port;
    return 0;
}

static void on_stop(evutil_socket_t fd, short what, void *user)
{
    static const struct timeval at_most = {.tv_sec = STOP_S};
    (void)fd;
    (void)what;
    struct http_server *server = user;
    server->stopping = true;
    evhttp_del_accept_socket(server->http, server->bound);
    if (server->unsent == 0) {
        event_base_loopbreak(server->base);
        return;
    }
    event_base_update_cache_time(server->base); /* that of before a long handler would be used */
    event_base_loopexit(server->base, &at_most);
}

static void make_http(struct http_server *server, size_t body_bytes_max)
{
    server->http = evhttp_new(server->base);
    ASSERT(server->http);
    evhttp_set_timeout(server->http, TIMEOUT_S);
    evhttp_set_max_headers_size(server->http, (ev_ssize_t)LIMIT_HTTP_HEADER);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)body_bytes_max);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
    evhttp_set_gencb(server->http, on_request, server);
}

static int enable_tls(struct http_server *server, const struct http_server_options *options,
                      struct err **err)
{
    static const struct timeval every = {.tv_sec = FILES_LOOKED_AT_EVERY_S};
    if (!options->cert_file && !options->key_file)
        return 0;
    if (!options->cert_file || !options->key_file)
        return err_set(err, ERR_INVALID, "a certificate and its key are given together");
    server->cert_file = mem_strdup(options->cert_file);
    server->key_file = mem_strdup(options->key_file);
    server->cert_changed = changed_at(server->cert_file);
    server->tls = load_tls(server, err);
    if (!server->tls)
        return -1;
    evhttp_set_bevcb(server->http, make_tls_connection, server);
    server->look = event_new(server->base, -1, EV_PERSIST, look_at_files, server);
    event_add(server->look, &every);
    return 0;
}

static void init_event(void)
{
    evthread_use_pthreads();
}

int http_server_new(struct http_server **out, const struct http_server_options *options,
                    struct err **err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_event);
    struct http_server *server = NEW(struct http_server);
    server->base = event_base_new();
    ASSERT(server->base);
    make_http(server, options->body_bytes_max);
    server->stop = event_new(server->base, -1, 0, on_stop, server);
    if (parse_listen(server, options->listen, err) < 0 || enable_tls(server, options, err) < 0) {
        http_server_free(server);
        return -1;
    }
    *out = server;
    return 0;
}

void http_server_handle(struct http_server *server, const char *method, const char *path,
                        http_handler_fn handler, void *user)
{
    ASSERT(!server->running);
    VEC_PUSH(&server->routes, (struct route){mem_strdup(method), mem_strdup(path), handler, user});
}

static void *run(void *user)
{
    struct http_server *server = user;
    event_base_loop(server->base, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

static int bound_port(struct evhttp_bound_socket *bound)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t len = sizeof(address);
    if (getsockname(evhttp_bound_socket_get_fd(bound), &address.any, &len) != 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

int http_server_start(struct http_server *server, struct err **err)
{
    server->bound =
        evhttp_bind_socket_with_handle(server->http, server->host, (ev_uint16_t)server->port);
    if (!server->bound)
        return err_set(err, ERR_UNAVAILABLE, "can't listen on %s:%d: %s", server->host,
                       server->port, strerror(errno));
    server->port = bound_port(server->bound);
    server->running = pthread_create(&server->thread, NULL, run, server) == 0;
    return server->running ? 0 : err_set(err, ERR_UNAVAILABLE, "can't start a thread");
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    if (server->running) {
        event_active(server->stop, EV_TIMEOUT, 0);
        pthread_join(server->thread, NULL);
    }
    evhttp_free(server->http);
    if (server->look)
        event_free(server->look);
    event_free(server->stop);
    event_base_free(server->base);
    SSL_CTX_free(server->tls);
    for (size_t i = 0; i < server->routes.len; i++) {
        mem_free(server->routes.items[i].method);
        mem_free(server->routes.items[i].path);
    }
    VEC_DONE(&server->routes);
    mem_free(server->host);
    mem_free(server->cert_file);
    mem_free(server->key_file);
    mem_free(server);
}
