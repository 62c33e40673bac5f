/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/service/service.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define LARGE_BYTES (128 * 1024)
#define STOP_GRACE_MS 5000
#define METRICS_BYTES_MAX LIMIT_MIB(8)

int service_fail(const char *name, const struct err *err)
{
    fprintf(stderr, "%s: %s\n", name, err ? err->message : "failed");
    return err && str_starts_with(err->field, "--") ? 2 : 1;
}

/* -- options -- */

struct rpc_tls service_tls(const struct service_options *options)
{
    return (struct rpc_tls){
        .cert_file = options->tls_cert,
        .key_file = options->tls_key,
        .ca_file = options->tls_ca,
    };
}

/* An address in figures, or the one name that always means this machine: others may resolve to any. */
static bool is_loopback(const char *address)
{
    const char *colon = strrchr(address, ':');
    AUTO_FREE char *host =
        mem_strndup(address, colon ? (size_t)(colon - address) : strlen(address));
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return str_eq(host, "localhost") || str_eq(host, "[::1]");
}

int service_check_plaintext(const struct service_options *options, const char *what,
                            const char *address, struct err **err)
{
    if (options->tls_cert || options->tls_ca)
        return 0;
    if (!options->insecure)
        return err_field(err, "--insecure",
                         "is not given, and neither are TLS files: --tls-cert, --tls-key and "
                         "--tls-ca, or --insecure for plaintext");
    if (options->insecure < 2 && !is_loopback(address))
        return err_field(
            err, "--insecure",
            "has to be given twice for plaintext on an address that is not loopback: --%s %s", what,
            address);
    return 0;
}

static int check_options(const struct service_options *options, enum log_level *level,
                         enum log_format *format, struct err **err)
{
    if (!log_level_parse(options->log_level, level))
        return err_field(err, "--log-level", "must be debug, info, warn or error, not \"%s\"",
                         options->log_level);
    if (!log_format_parse(options->log_format, format))
        return err_field(err, "--log-format", "must be text or json, not \"%s\"",
                         options->log_format);
    if (!options->tls_cert != !options->tls_key)
        return err_field(err, options->tls_cert ? "--tls-key" : "--tls-cert",
                         "is required with the other one");
    return service_check_plaintext(options, "listen", options->listen, err);
}

/* -- signals: blocked everywhere, taken by one thread -- */

static void signal_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

static void *wait_for_signal(void *user)
{
    struct service *service = user;
    sigset_t set;
    int number = 0;
    signal_set(&set);
    sigwait(&set, &number);
    loop_stop(service->loop);
    return NULL;
}

static void block_signals(void)
{
    sigset_t set;
    signal_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* -- probes -- */

static void handle_healthz(void *user, const struct http_server_request *request,
                           struct http_server_reply *reply)
{
    (void)user;
    (void)request;
    str_add(&reply->body, "ok\n");
}

static void handle_probe(void *user, const struct http_server_request *request,
                         struct http_server_reply *reply)
{
    (void)request;
    struct service_probe *probe = user;
    pthread_mutex_lock(&probe->service->probes_lock);
    reply->status = probe->good ? 200 : 503;
    str_printf(&reply->body, "%s\n", probe->why);
    pthread_mutex_unlock(&probe->service->probes_lock);
}

void service_add_probe(struct service *service, const char *path)
{
    ASSERT(service->probes_len < SERVICE_PROBES_MAX);
    struct service_probe *probe = &service->probes[service->probes_len++];
    *probe = (struct service_probe){service, path, false, mem_strdup("not ready")};
    http_server_handle(service->http, "GET", path, handle_probe, probe);
}

void service_set_probe(struct service *service, const char *path, bool good, const char *why)
{
    pthread_mutex_lock(&service->probes_lock);
    for (size_t i = 0; i < service->probes_len; i++) {
        struct service_probe *probe = &service->probes[i];
        if (!str_eq(probe->path, path))
            continue;
        probe->good = good;
        mem_free(probe->why);
        probe->why = mem_strdup(why);
    }
    pthread_mutex_unlock(&service->probes_lock);
}

static void handle_metrics(void *user, const struct http_server_request *request,
                           struct http_server_reply *reply)
{
    (void)request;
    struct service *service = user;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply->body.max = METRICS_BYTES_MAX;
    metrics_write(service->metrics, &reply->body);
}

static int make_http(struct service *service, struct err **err)
{
    struct http_server_options options = {.listen = service->options->http_listen};
    if (http_server_new(&service->http, &options, err) < 0)
        return err_wrap(err, "--http-listen %s", options.listen);
    http_server_handle(service->http, "GET", "/healthz", handle_healthz, service);
    service_add_probe(service, "/readyz");
    http_server_handle(service->http, "GET", "/metrics", handle_metrics, service);
    return 0;
}

/* -- life -- */

/*
 * One thread makes what another frees: with heaps of their own each would keep what is free in it from the others.
 * Pages of lists, of a megabyte each, have memory of their own: the heap would be left with the holes. (Unless it is
 * told, glibc learns from the first that is freed to take the next from the heap.)
 */
static void settle_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

int service_init(struct service *service, const char *name, const struct service_options *options,
                 struct err **err)
{
    enum log_level level;
    enum log_format format;
    *service = (struct service){.name = name, .options = options};
    pthread_mutex_init(&service->probes_lock, NULL);
    if (check_options(options, &level, &format, err) < 0)
        return -1;
    settle_memory();
    block_signals();
    rpc_init();
    service->log = log_new(STDERR_FILENO, level, format, clock_real());
    service->metrics = metrics_new();
    service->loop = loop_new(clock_real(), LIMIT_INBOX);
    struct rpc_server_options rpc = {.listen = options->listen, .tls = service_tls(options)};
    if (rpc_server_new(&service->rpc, &rpc, err) < 0)
        return err_wrap(err, "--listen %s", options->listen);
    return make_http(service, err);
}

int service_serve(struct service *service, struct err **err)
{
    const struct service_options *options = service->options;
    if (rpc_server_start(service->rpc, err) < 0)
        return err_wrap(err, "--listen %s", options->listen);
    if (http_server_start(service->http, err) < 0)
        return err_wrap(err, "--http-listen %s", options->http_listen);
    service->serving = true;
    log_info(service->log, "serving", LOG_STR("service", service->name),
             LOG_STR("listen", options->listen), LOG_INT("port", rpc_server_port(service->rpc)),
             LOG_INT("http_port", http_server_port(service->http)));
    return 0;
}

void service_set_ready(struct service *service, bool ready, const char *why)
{
    service_set_probe(service, "/readyz", ready, why ? why : ready ? "ok" : "not ready");
    rpc_server_set_health(service->rpc, "", ready);
}

void service_run(struct service *service)
{
    service->waiting = pthread_create(&service->signals, NULL, wait_for_signal, service) == 0;
    loop_run(service->loop);
    log_info(service->log, "stopping", LOG_STR("service", service->name));
}

static void *stop_rpc(void *user)
{
    struct service *service = user;
    rpc_server_stop(service->rpc, STOP_GRACE_MS);
    loop_stop(service->loop);
    return NULL;
}

/* Calls may need the loop to end, so it turns while the server stops on another thread. */
void service_stop_serving(struct service *service)
{
    pthread_t stopper;
    if (!service->serving)
        return;
    service->serving = false;
    service_set_ready(service, false, NULL);
    if (pthread_create(&stopper, NULL, stop_rpc, service) != 0)
        return;
    loop_run(service->loop);
    pthread_join(stopper, NULL);
}

void service_done(struct service *service)
{
    if (service->waiting)
        pthread_join(service->signals, NULL);
    http_server_free(service->http);
    rpc_server_free(service->rpc);
    loop_free(service->loop);
    metrics_free(service->metrics);
    for (size_t i = 0; i < service->probes_len; i++)
        mem_free(service->probes[i].why);
    pthread_mutex_destroy(&service->probes_lock);
    log_free(service->log);
    if (service->log)
        rpc_shutdown();
}
