/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_SERVICE_SERVICE_H
#define KOUPLELESS_SERVICE_SERVICE_H

#include <pthread.h>

#include "lib/base/log.h"
#include "lib/base/metrics.h"
#include "lib/base/options.h"
#include "lib/ctl/loop.h"
#include "lib/http/server.h"
#include "lib/rpc/server.h"

/*
 * What the main programs of all services share: common options, signals, log, the loop, the gRPC
 * server, and the HTTP server with /healthz, /readyz and /metrics.
 */
struct service_options {
    char *listen, *http_listen;
    char *tls_cert, *tls_key, *tls_ca;
    int64_t insecure; /* times given: once allows plaintext on loopback, twice anywhere */
    char *log_level, *log_format;
    char *config;
};

/* Rows of an option table for a struct @s that has a struct service_options named @m. */
#define SERVICE_OPTIONS(s, m, default_listen, default_http_listen)                                 \
    {.name = "listen",                                                                             \
     .type = OPTION_STRING,                                                                        \
     .offset = offsetof(s, m.listen),                                                              \
     .fallback = default_listen,                                                                   \
     .value = "HOST:PORT",                                                                         \
     .help = "where gRPC is served"},                                                              \
        {.name = "http-listen",                                                                    \
         .type = OPTION_STRING,                                                                    \
         .offset = offsetof(s, m.http_listen),                                                     \
         .fallback = default_http_listen,                                                          \
         .value = "HOST:PORT",                                                                     \
         .help = "where metrics and probes are served"},                                           \
        {.name = "tls-cert",                                                                       \
         .type = OPTION_STRING,                                                                    \
         .offset = offsetof(s, m.tls_cert),                                                        \
         .value = "FILE",                                                                          \
         .help = "certificate chain, PEM; reloaded when it changes"},                              \
        {.name = "tls-key",                                                                        \
         .type = OPTION_STRING,                                                                    \
         .offset = offsetof(s, m.tls_key),                                                         \
         .value = "FILE",                                                                          \
         .help = "private key, PEM"},                                                              \
        {.name = "tls-ca",                                                                         \
         .type = OPTION_STRING,                                                                    \
         .offset = offsetof(s, m.tls_ca),                                                          \
         .value = "FILE",                                                                          \
         .help = "CA that peers' certificates must come from, PEM"},                               \
        {.name = "insecure",                                                                       \
         .type = OPTION_COUNT,                                                                     \
         .offset = offsetof(s, m.insecure),                                                        \
         .help = "plaintext on loopback addresses; given twice: on any address"},                  \
        {.name = "log-level",                                                                      \
         .type = OPTION_STRING,                                                                    \
         .offset = offsetof(s, m.log_level),                                                       \
         .fallback = "info",                                                                       \
         .value = "LEVEL",                                                                         \
         .help = "debug, info, warn or error"},                                                    \
        {.name = "log-format",                                                                     \
         .type = OPTION_STRING,                                                                    \
         .offset = offsetof(s, m.log_format),                                                      \
         .fallback = "text",                                                                       \
         .value = "FORMAT",                                                                        \
         .help = "text or json"},                                                                  \
    {                                                                                              \
        .name = "config", .type = OPTION_STRING, .offset = offsetof(s, m.config), .value = "FILE", \
        .help = "YAML file with the same options as keys"                                          \
    }

#define SERVICE_PROBES_MAX 4

/* What GET @path says. */
struct service_probe {
    struct service *service;
    const char *path;
    bool good;
    char *why;
};

struct service {
    const char *name;
    const struct service_options *options;
    struct log *log;
    struct metrics *metrics;
    struct loop *loop;
    struct rpc_server *rpc;
    struct http_server *http;
    pthread_t signals;
    bool waiting; /* the signal thread runs */
    bool serving; /* between service_serve() and service_stop_serving() */
    pthread_mutex_t probes_lock;
    struct service_probe probes[SERVICE_PROBES_MAX];
    size_t probes_len;
};

/**
 * service_init() - check the options, block signals, make log, metrics, loop and the (not yet listening) gRPC server
 * @options: borrowed for the life of the service
 * Return: 0, or -1 with ERR_INVALID naming the option. service_done() in both cases.
 */
int service_init(struct service *service, const char *name, const struct service_options *options,
                 struct err **err);

/** service_tls() - the TLS identity of the options, for clients too. */
struct rpc_tls service_tls(const struct service_options *options);

/** service_check_plaintext() - whether @address may be spoken to in plaintext by these options; ERR_INVALID if not. */
int service_check_plaintext(const struct service_options *options, const char *what,
                            const char *address, struct err **err);

/** service_serve() - gRPC and HTTP listen from now on. ERR_UNAVAILABLE: an address is taken. */
int service_serve(struct service *service, struct err **err);

/** service_add_probe() - GET @path (a literal) answers 503 until service_set_probe(). Before service_serve(). */
void service_add_probe(struct service *service, const char *path);

/** service_set_probe() - what @path says from now on: 200 or 503, and why, in one line. Any thread. */
void service_set_probe(struct service *service, const char *path, bool good, const char *why);

/** service_set_ready() - what /readyz and the gRPC health service say. @why: NULL: "ok" or "not ready". Any thread. */
void service_set_ready(struct service *service, bool ready, const char *why);

/** service_run() - the loop, until SIGTERM or SIGINT. */
void service_run(struct service *service);

/** service_stop_serving() - where it serves: takes no more calls; running ones may finish for a few seconds. */
void service_stop_serving(struct service *service);

void service_done(struct service *service);

/**
 * service_fail() - prints "NAME: message" on stderr. Return: for main: 2 where an option is wrong (err->field "--x"),
 * else 1.
 */
int service_fail(const char *name, const struct err *err);

#endif
