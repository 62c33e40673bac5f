/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/conn.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/limits.h"

#define BODY_BYTES_MAX 1048576 /* Netty's aggregator in Arklet */

enum conn_state {
    CONN_HEAD,      /* waiting for a request line and headers */
    CONN_BODY,      /* counted body */
    CONN_CHUNK,     /* size line of a chunk */
    CONN_TRAILER,   /* after the last chunk */
    CONN_ANSWERING, /* handed over */
    CONN_FLUSHING,  /* answered, ends when all is sent */
    CONN_CLOSED,
};

struct conn {
    struct list node; /* in port->conns */
    struct port *port;
    struct bufferevent *bev; /* NULL once closed */
    enum conn_state state;
    struct request request;
    size_t body_left; /* of the counted body, or of the chunk */
    bool chunked;
    bool oversize; /* 413 was sent: the body is read and thrown away */
    bool pumping;
    size_t index;
    int holders;
};

static void request_done(struct request *request)
{
    mem_free(request->method);
    mem_free(request->path);
    mem_free(request->query);
    str_done(&request->body);
    *request = (struct request){.body = STR_INIT(BODY_BYTES_MAX)};
}

struct conn *conn_hold(struct conn *conn)
{
    conn->holders++;
    return conn;
}

void conn_release(struct conn *conn)
{
    if (--conn->holders > 0)
        return;
    request_done(&conn->request);
    mem_free(conn);
}

void conn_close(struct conn *conn)
{
    if (!conn->bev)
        return;
    bufferevent_free(conn->bev);
    conn->bev = NULL;
    conn->state = CONN_CLOSED;
    list_remove(&conn->node);
    conn_release(conn);
}

/* -- reading -- */

static void answer_too_large(struct conn *conn)
{
    static const char reply[] =
        "HTTP/1.1 413 Request Entity Too Large\r\ncontent-length: 0\r\n\r\n";

    conn->oversize = true;
    conn_send(conn, reply, sizeof(reply) - 1);
}

static void read_header(struct conn *conn, char *line)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return;
    *colon = '\0';
    const char *value = colon + 1 + strspn(colon + 1, " \t");

    if (strcasecmp(line, "content-length") == 0)
        conn->body_left = (size_t)strtoull(value, NULL, 10);
    else if (strcasecmp(line, "transfer-encoding") == 0)
        conn->chunked = strcasecmp(value, "chunked") == 0;
    else if (strcasecmp(line, "connection") == 0)
        conn->request.keep_alive = strcasecmp(value, "close") != 0;
    else if (strcasecmp(line, "expect") == 0)
        conn_send(conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

static bool read_request_line(struct conn *conn, char *line)
{
    char *save = NULL;
    const char *method = strtok_r(line, " ", &save);
    char *target = strtok_r(NULL, " ", &save);
    const char *version = strtok_r(NULL, " ", &save);

    if (!version || !str_starts_with(version, "HTTP/1."))
        return false;
    char *mark = strchr(target, '?');
    if (mark)
        *mark = '\0';
    conn->request.method = mem_strdup(method);
    conn->request.path = mem_strdup(target);
    conn->request.query = mem_strdup(mark ? mark + 1 : "");
    conn->request.keep_alive = str_eq(version, "HTTP/1.1");
    return true;
}

static bool read_head(struct conn *conn, struct evbuffer *in)
{
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    if (end.pos < 0) {
        if (evbuffer_get_length(in) > LIMIT_HTTP_HEADER)
            conn_close(conn);
        return false;
    }
    request_done(&conn->request);
    conn->body_left = 0;
    conn->chunked = conn->oversize = false;

    bool first = true;
    for (;;) {
        size_t len = 0;
        char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_CRLF);
        bool last = !line || len == 0;
        if (!last && first && !read_request_line(conn, line)) {
            free(line);
            conn_close(conn);
            return false;
        }
        if (!last && !first)
            read_header(conn, line);
        first = false;
        free(line);
        if (last)
            break;
    }
    conn->state = conn->chunked ? CONN_CHUNK : CONN_BODY;
    if (conn->body_left > BODY_BYTES_MAX)
        answer_too_large(conn);
    return true;
}

/* Moves what has arrived of the body. Return: whether all of it (or of the chunk) is there. */
static bool read_body(struct conn *conn, struct evbuffer *in)
{
    while (conn->body_left && evbuffer_get_length(in)) {
        char block[16384];
        size_t want = conn->body_left < sizeof(block) ? conn->body_left : sizeof(block);
        int got = evbuffer_remove(in, block, want);
        conn->body_left -= (size_t)got;
        if (!conn->oversize)
            str_add_bytes(&conn->request.body, block, (size_t)got);
        if (conn->request.body.full && !conn->oversize)
            answer_too_large(conn);
    }
    return conn->body_left == 0;
}

/* The line with a chunk's size, or the empty one that ends the chunk before. */
static bool read_chunk_line(struct conn *conn, struct evbuffer *in)
{
    char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    if (!line)
        return false;
    if (line[0] != '\0') {
        conn->body_left = (size_t)strtoull(line, NULL, 16);
        conn->state = conn->body_left ? CONN_BODY : CONN_TRAILER;
    }
    free(line);
    return true;
}

static bool read_trailer(struct evbuffer *in)
{
    char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
    bool end = line && line[0] == '\0';

    free(line);
    return end;
}

static void hand_over(struct conn *conn)
{
    if (conn->oversize) {
        conn->state = CONN_HEAD;
        return;
    }
    conn->state = CONN_ANSWERING;
    conn->port->handle(conn, &conn->request, conn->port->arg);
}

/* One step of reading. Return: whether another may follow. */
static bool step(struct conn *conn, struct evbuffer *in)
{
    switch (conn->state) {
    case CONN_HEAD:
        return read_head(conn, in);
    case CONN_BODY:
        if (!read_body(conn, in))
            return false;
        if (conn->chunked)
            conn->state = CONN_CHUNK;
        else
            hand_over(conn);
        return true;
    case CONN_CHUNK:
        return read_chunk_line(conn, in);
    case CONN_TRAILER:
        if (!read_trailer(in))
            return false;
        hand_over(conn);
        return true;
    case CONN_ANSWERING:
    case CONN_FLUSHING:
    case CONN_CLOSED:
        break;
    }
    return false;
}

/* Reads what can be read; an answer given inside a handler returns to this loop, not deeper. */
static void pump(struct conn *conn)
{
    if (conn->pumping)
        return;
    conn_hold(conn);
    conn->pumping = true;
    while (conn->bev && step(conn, bufferevent_get_input(conn->bev)))
        ;
    conn->pumping = false;
    conn_release(conn);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    pump(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct conn *conn = arg;

    (void)bev;
    if (conn->state == CONN_FLUSHING)
        conn_close(conn);
}

/* No client of Arklet closes its half and then waits for the answer: gone is gone. */
static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        conn_close(arg);
}

/* -- answering -- */

size_t conn_index(const struct conn *conn)
{
    return conn->index;
}

void conn_send(struct conn *conn, const void *bytes, size_t len)
{
    if (conn->bev)
        bufferevent_write(conn->bev, bytes, len);
}

void conn_finish(struct conn *conn, bool keep)
{
    if (!conn->bev)
        return;
    if (keep) {
        conn->state = CONN_HEAD;
        pump(conn);
        return;
    }
    conn->state = CONN_FLUSHING;
    if (evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0)
        conn_close(conn);
}

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 503:
        return "Service Unavailable";
    default:
        return "";
    }
}

void conn_reply(struct conn *conn, int status, const char *content_type, const char *body)
{
    AUTO_STR struct str head = STR_INIT(LIMIT_HTTP_HEADER);
    bool keep = conn->request.keep_alive;

    str_printf(&head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", status,
               status_text(status), content_type, strlen(body),
               keep ? "" : "Connection: close\r\n");
    conn_send(conn, head.data, head.len);
    conn_send(conn, body, strlen(body));
    conn_finish(conn, keep);
}

/* -- listening -- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int len, void *arg)
{
    struct port *port = arg;
    struct conn *conn = NEW(struct conn);

    (void)peer;
    (void)len;
    conn->port = port;
    conn->index = port->accepted++;
    conn->request.body = STR_INIT(BODY_BYTES_MAX);
    conn->holders = 1;
    list_append(&port->conns, &conn->node);
    conn->bev =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(conn->bev, on_read, on_written, on_event, conn);
    bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
}

int port_open(struct port *port, struct event_base *events, const char *address, int number,
              struct err **err)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};

    if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
        return err_set(err, ERR_INVALID, "%s is no IPv4 address", address);
    port->listener = evconnlistener_new_bind(
        events, on_accept, port, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
        /* backlog= */ 128, (struct sockaddr *)&in, sizeof(in));
    if (!port->listener)
        return err_set(err, ERR_UNAVAILABLE, "listen on %s:%d: %s", address, number,
                       strerror(errno));
    return 0;
}

void port_close(struct port *port, bool drop)
{
    if (port->listener)
        evconnlistener_free(port->listener);
    port->listener = NULL;
    if (!drop)
        return;
    LIST_FOR_EACH (it, &port->conns) {
        struct conn *conn = LIST_ENTRY(it, struct conn, node);
        /* What was sent is on its way, even from a dead process. */
        if (conn->state != CONN_FLUSHING)
            conn_close(conn);
    }
}
