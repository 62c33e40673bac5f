/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "tests/support/arklet-sim/jar_internal.h"

/* One download by HTTP. Files are read at once and need none. */
struct jar_fetch {
    char *url;
    struct evhttp_connection *conn;
    struct jar_fetch **slot; /* the holder's handle, NULL once cancelled */
    jar_fetched_fn *fetched;
    void *arg;
};

static void finish(struct jar_fetch *fetch, struct jar *jar, struct failure *failure)
{
    if (fetch->slot) {
        *fetch->slot = NULL;
        fetch->fetched(fetch->arg, jar, failure);
    } else {
        jar_free(jar);
        failure_free(failure);
    }
    mem_free(fetch->url);
    mem_free(fetch);
}

void jar_fetch_cancel(struct jar_fetch *fetch)
{
    if (fetch)
        fetch->slot = NULL;
}

/* minizip reads files, so a downloaded jar becomes one for a moment. */
static struct failure *read_buffer(struct evbuffer *body, struct jar **ret)
{
    char path[] = "/tmp/arklet-sim-XXXXXX";
    int fd = mkstemp(path);
    struct failure *failure;

    if (fd < 0)
        return failure_new("java.io.IOException", "No space left on device");
    while (evbuffer_get_length(body) > 0 && evbuffer_write(body, fd) > 0)
        ;
    failure = jar_read(path, ret);
    close(fd);
    unlink(path);
    return failure;
}

static void free_connection(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    evhttp_connection_free(arg);
}

static void on_answer(struct evhttp_request *request, void *arg)
{
    struct jar_fetch *fetch = arg;
    struct jar *jar = NULL;
    struct failure *failure = NULL;
    int status = request ? evhttp_request_get_response_code(request) : 0;

    if (status == 0)
        failure = failure_new("java.net.ConnectException", "Connection refused");
    else if (status == 404 || status == 410)
        failure = failure_new("java.io.FileNotFoundException", "%s", fetch->url);
    else if (status >= 400)
        failure =
            failure_new("java.io.IOException", "Server returned HTTP response code: %d for URL: %s",
                        status, fetch->url);
    else
        failure = read_buffer(evhttp_request_get_input_buffer(request), &jar);
    /* evhttp still uses the connection when this returns, and frees none that failed. */
    event_base_once(evhttp_connection_get_base(fetch->conn), -1, EV_TIMEOUT, free_connection,
                    fetch->conn, NULL);
    finish(fetch, jar, failure);
}

static void fetch_http(struct event_base *events, struct evhttp_uri *uri, struct jar_fetch *fetch)
{
    const char *host = evhttp_uri_get_host(uri), *path = evhttp_uri_get_path(uri);
    const char *query = evhttp_uri_get_query(uri);
    int port = evhttp_uri_get_port(uri);
    AUTO_FREE char *target =
        mem_printf("%s%s%s", str_empty(path) ? "/" : path, query ? "?" : "", query ? query : "");
    struct evhttp_connection *conn = evhttp_connection_base_new(events, NULL, host ? host : "",
                                                                (uint16_t)(port < 0 ? 80 : port));
    struct evhttp_request *request = evhttp_request_new(on_answer, fetch);

    evhttp_add_header(evhttp_request_get_output_headers(request), "Host", host ? host : "");
    fetch->conn = conn;
    if (evhttp_make_request(conn, request, EVHTTP_REQ_GET, target) == 0)
        return;
    evhttp_request_free(request);
    evhttp_connection_free(conn);
    finish(fetch, NULL, failure_new("java.net.UnknownHostException", "%s", host ? host : ""));
}

/* "file:/a" and "file:///a" are the same; "file://a/b" asks the host a, as Java has it. */
static void fetch_file(const char *rest, jar_fetched_fn *fetched, void *arg)
{
    struct jar *jar = NULL;
    struct failure *failure = NULL;

    if (str_starts_with(rest, "//") && rest[2] != '/') {
        const char *host = rest + 2;
        failure =
            failure_new("java.net.UnknownHostException", "%.*s", (int)strcspn(host, "/"), host);
    } else {
        char *path = evhttp_uridecode(str_starts_with(rest, "//") ? rest + 2 : rest, 0, NULL);
        failure = jar_read(path, &jar);
        free(path);
    }
    fetched(arg, jar, failure);
}

static void fail(jar_fetched_fn *fetched, void *arg, struct failure *failure)
{
    fetched(arg, NULL, failure);
}

void jar_fetch(struct event_base *events, const char *url, struct jar_fetch **ret,
               jar_fetched_fn *fetched, void *arg)
{
    size_t scheme = strcspn(url, ":/");

    *ret = NULL;
    if (url[scheme] != ':' || scheme == 0) {
        fail(fetched, arg, failure_new("java.net.MalformedURLException", "no protocol: %s", url));
        return;
    }
    if (scheme == 4 && strncasecmp(url, "file", 4) == 0) {
        fetch_file(url + 5, fetched, arg);
        return;
    }
    if (scheme == 5 && strncasecmp(url, "https", 5) == 0) {
        fail(fetched, arg, failure_new("javax.net.ssl.SSLException", "the simulator has no TLS"));
        return;
    }
    if (scheme != 4 || strncasecmp(url, "http", 4) != 0) {
        fail(fetched, arg,
             failure_new("java.net.MalformedURLException", "unknown protocol: %.*s", (int)scheme,
                         url));
        return;
    }
    struct evhttp_uri *uri = evhttp_uri_parse(url);
    if (!uri) {
        fail(fetched, arg, failure_new("java.net.MalformedURLException", "%s", url));
        return;
    }
    struct jar_fetch *fetch = NEW(struct jar_fetch);
    *fetch =
        (struct jar_fetch){.url = mem_strdup(url), .slot = ret, .fetched = fetched, .arg = arg};
    *ret = fetch;
    fetch_http(events, uri, fetch);
    evhttp_uri_free(uri);
}
