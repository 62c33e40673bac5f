/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARKLET_SIM_CONN_H
#define ARKLET_SIM_CONN_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/base/str.h"

/*
 * One TCP connection that carries HTTP requests, as bytes: who answers decides what the answer
 * looks like, since Arklet's has no header at all. One request is handed over at a time; what a
 * client sends ahead waits until the answer is finished.
 */

struct conn;

struct request {
    char *method;
    char *path;  /* as sent, without the query */
    char *query; /* after '?', "" if none */
    struct str body;
    bool keep_alive; /* what the client asked for */
};

/** Called once per whole request; must end in conn_finish() or conn_close(), now or later. */
typedef void conn_request_fn(struct conn *conn, struct request *request, void *arg);

/* One listening port and its connections. */
struct port {
    struct evconnlistener *listener; /* NULL while closed */
    struct list conns;
    conn_request_fn *handle;
    void *arg;
    size_t accepted; /* number of connections so far: Netty deals them round-robin to its loops */
};

/**
 * port_open() - listen on @address:@number
 * @port: @handle and @arg are set; stays where it is until port_close()
 * Return: 0, or -1 with ERR_UNAVAILABLE (port taken).
 */
int port_open(struct port *port, struct event_base *events, const char *address, int number,
              struct err **err);

/** port_close() - stop listening; @drop also ends its connections, but for complete answers. */
void port_close(struct port *port, bool drop);

/** conn_index() - how many connections its port had accepted before this one. */
size_t conn_index(const struct conn *conn);

/** conn_send() - append to the answer; nothing happens where the client has left. */
void conn_send(struct conn *conn, const void *bytes, size_t len);

/** conn_finish() - the answer is complete: read on (@keep), or end once all is sent. */
void conn_finish(struct conn *conn, bool keep);

/** conn_close() - end the connection at once, unsent bytes are lost. */
void conn_close(struct conn *conn);

/*
 * A connection stays allocated while somebody holds it; one that its client has left takes answers
 * and drops them.
 */
struct conn *conn_hold(struct conn *conn);
void conn_release(struct conn *conn);

/** conn_reply() - a whole, well-formed HTTP answer, then conn_finish() as the client asked. */
void conn_reply(struct conn *conn, int status, const char *content_type, const char *body);

#endif
