/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_HTTP_TEST_KIT_H
#define KOUPLELESS_HTTP_TEST_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/counter_test_kit.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

/* Bytes on sockets, so that our server and our client are each tested against something else. */

#define TEXT_MAX LIMIT_MIB(4)

/* -- sockets -- */

/** raw_connect() - Return: a connection to @port of 127.0.0.1, or -1. */
static inline int raw_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval watchdog = {.tv_sec = WATCHDOG_S};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &watchdog, sizeof(watchdog));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static inline void raw_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the other side has closed: what it answers is what counts */
        bytes += sent;
        len -= (size_t)sent;
    }
}

/** raw_read_all() - Return: what comes until the other side closes; owned. */
static inline char *raw_read_all(int fd)
{
    struct str all = STR_INIT(TEXT_MAX);
    char piece[4096];
    for (ssize_t got; (got = recv(fd, piece, sizeof(piece), 0)) > 0;)
        str_add_bytes(&all, piece, (size_t)got);
    return str_take(&all);
}

/** raw_exchange() - Return: the answer to @request, which asks for the connection's end; owned. */
static inline char *raw_exchange(int port, const char *request)
{
    int fd = raw_connect(port);
    ASSERT(fd >= 0);
    raw_send(fd, request, strlen(request));
    char *answer = raw_read_all(fd);
    (void)close(fd);
    return answer;
}

static inline int raw_listen(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 64) == 0);
    ASSERT(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/** raw_free_port() - a port on which nobody listens. */
static inline int raw_free_port(void)
{
    int port;
    (void)close(raw_listen(&port));
    return port;
}

/* -- a server of bytes -- */

/*
 * A peer reads a request, sends the next of its answers as it is, and closes the connection, or with
 * `keep` reads the next request from it. Without answers left it falls silent.
 */
struct peer {
    const char *const *answers; /* NULL at the end */
    bool keep;
    bool silent; /* reads nothing: not even TLS is answered */
    int port;

    int fd, stop;
    pthread_t thread;
    struct counter connections, requests;
    pthread_mutex_t lock; /* of the next */
    char *request;        /* the last one */
};

/* Until @fd has something, or the peer is to stop. */
static inline bool peer_wait(struct peer *peer, int fd)
{
    struct pollfd fds[] = {{.fd = peer->stop, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    ASSERT(poll(fds, 2, WATCHDOG_S * 1000) > 0);
    return !fds[0].revents;
}

static inline bool peer_has_all(const char *request)
{
    const char *body = strstr(request, "\r\n\r\n"), *header = strstr(request, "Content-Length: ");
    size_t len = header ? strtoul(header + strlen("Content-Length: "), NULL, 10) : 0;
    return body && strlen(body + 4) >= len;
}

/* Return: false where the connection or the peer ended. */
static inline bool peer_read(struct peer *peer, int fd)
{
    struct str request = STR_INIT(TEXT_MAX);
    char piece[4096];
    bool whole = false;
    while (!whole && peer_wait(peer, fd)) {
        ssize_t got = recv(fd, piece, sizeof(piece), 0);
        if (got <= 0)
            break;
        str_add_bytes(&request, piece, (size_t)got);
        whole = !peer->silent && peer_has_all(str_text(&request));
    }
    if (whole) {
        pthread_mutex_lock(&peer->lock);
        mem_free(peer->request);
        peer->request = str_take(&request);
        pthread_mutex_unlock(&peer->lock);
        counter_add(&peer->requests);
    }
    str_done(&request);
    return whole;
}

static inline void *peer_run(void *user)
{
    struct peer *peer = user;
    while (peer_wait(peer, peer->fd)) {
        int fd = accept(peer->fd, NULL, NULL);
        ASSERT(fd >= 0);
        counter_add(&peer->connections);
        while (peer_read(peer, fd)) {
            const char *answer = *peer->answers;
            if (!answer)
                continue;
            raw_send(fd, answer, strlen(answer));
            peer->answers++;
            if (!peer->keep)
                break;
        }
        (void)close(fd);
    }
    return NULL;
}

/** peer_start() - @peer has answers and keep set; peer_stop() ends it. */
static inline void peer_start(struct peer *peer)
{
    static const struct counter counter = COUNTER_INIT;
    peer->connections = peer->requests = counter;
    pthread_mutex_init(&peer->lock, NULL);
    peer->fd = raw_listen(&peer->port);
    peer->stop = eventfd(0, EFD_CLOEXEC);
    ASSERT(peer->stop >= 0 && pthread_create(&peer->thread, NULL, peer_run, peer) == 0);
}

static inline void peer_stop(struct peer *peer)
{
    ASSERT(eventfd_write(peer->stop, 1) == 0);
    pthread_join(peer->thread, NULL);
    (void)close(peer->fd);
    (void)close(peer->stop);
    pthread_mutex_destroy(&peer->lock);
    mem_free(peer->request);
}

/** peer_request() - the last request as it came; owned. */
static inline char *peer_request(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    char *copy = mem_strdup(peer->request);
    pthread_mutex_unlock(&peer->lock);
    return copy;
}

#endif
