/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rpc/server.h"

#include <time.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/rpc/rpc_internal.h"

#define ACCEPTS 8      /* calls that may arrive at once */
#define HANG_UP_MS 200 /* for clients to notice that the server goes */

static grpc_server *make_core(const struct rpc_server_options *options)
{
    grpc_arg args[RPC_CONNECTION_ARGS + 5];
    size_t count = rpc_connection_args(args);
    args[count++] =
        rpc_int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0); /* else a second bind succeeds silently */
    args[count++] = rpc_int_arg(GRPC_ARG_MAX_METADATA_SIZE, (int)LIMIT_HTTP_HEADER);
    args[count++] = rpc_int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
    args[count++] = rpc_int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    if (options->idle_connection_ms)
        args[count++] =
            rpc_int_arg(GRPC_ARG_MAX_CONNECTION_IDLE_MS, (int)options->idle_connection_ms);
    grpc_channel_args all = {count, args};
    return grpc_server_create(&all, NULL);
}

static int thread_count(int wanted)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int count = wanted ? wanted : (int)processors / 2;
    return count < 1 ? 1 : count > 4 ? 4 : count;
}

static int add_port(struct rpc_server *server, struct err **err)
{
    server->port = grpc_server_add_http2_port(server->core, server->listen, server->credentials);
    if (server->port <= 0)
        return err_set(err, ERR_UNAVAILABLE,
                       "can't listen on %s: the address is taken or is none of this machine",
                       server->listen);
    return 0;
}

int rpc_server_new(struct rpc_server **out, const struct rpc_server_options *options,
                   struct err **err)
{
    struct rpc_server *server = NEW(struct rpc_server);
    pthread_mutex_init(&server->lock, NULL);
    list_init(&server->streams);
    pthread_cond_init(&server->idle, NULL);
    server->listen = mem_strdup(options->listen);
    server->thread_count = thread_count(options->threads);
    server->core = make_core(options);
    server->cq = grpc_completion_queue_create_for_next(NULL);
    for (int i = 0; i < server->thread_count; i++)
        ASSERT(pthread_create(&server->threads[i], NULL, rpc_drive, server->cq) == 0);
    grpc_server_register_completion_queue(server->core, server->cq, NULL);
    server->health = health_new();
    rpc_server_add(server, health_service(server->health));
    server->credentials = rpc_server_credentials(&options->tls, err);
    if (!server->credentials) {
        rpc_server_free(server);
        return -1;
    }
    *out = server;
    return 0;
}

void rpc_server_add(struct rpc_server *server, ProtobufCService *service)
{
    ASSERT(!server->started);
    rpc_methods_add(&server->methods, service);
    health_set(server->health, service->descriptor->name, true);
}

int rpc_server_start(struct rpc_server *server, struct err **err)
{
    if (add_port(server, err) < 0)
        return -1;
    server->reflection = reflection_new(&server->methods);
    rpc_server_add(server, reflection_service_v1(server->reflection));
    rpc_server_add(server, reflection_service_v1alpha(server->reflection));
    server->started = true;
    grpc_server_start(server->core);
    for (int i = 0; i < ACCEPTS; i++)
        rpc_call_accept(server);
    return 0;
}

int rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

void rpc_server_set_health(struct rpc_server *server, const char *service, bool serving)
{
    health_set(server->health, service, serving);
}

void rpc_server_forget_health(struct rpc_server *server, const char *service)
{
    health_forget(server->health, service);
}

bool rpc_server_stopping(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return stopping;
}

void rpc_server_release(struct rpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    if (--server->live == 0)
        pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
}

static void on_shut_down(struct rpc_op *op, bool ok)
{
    (void)ok;
    struct rpc_server *server = CONTAINER_OF(op, struct rpc_server, shutdown_op);
    pthread_mutex_lock(&server->lock);
    server->shut = true;
    pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
}

static struct timespec after(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/*
 * Waits for the last call, for @grace_ms at most, and then a moment for the clients to hang up: one that
 * is idle may never do. The lock is held.
 */
static void wait_idle(struct rpc_server *server, int64_t grace_ms)
{
    struct timespec until = after(grace_ms);
    int late = 0;
    while (server->live > 0 && !late)
        late = pthread_cond_timedwait(&server->idle, &server->lock, &until);
    if (server->live == 0)
        until = after(HANG_UP_MS);
    for (late = 0; server->live == 0 && !server->shut && !late;)
        late = pthread_cond_timedwait(&server->idle, &server->lock, &until);
}

/* The shutdown tag does not mean that handlers are through: calls are counted. */
static void shut_down(struct rpc_server *server, int64_t grace_ms)
{
    health_shutdown(server->health);
    server->shutdown_op.fn = on_shut_down;
    TAG_GIVEN(&server->shutdown_op);
    grpc_server_shutdown_and_notify(server->core, server->cq, &server->shutdown_op);
    rpc_calls_stop_streams(server);
    pthread_mutex_lock(&server->lock);
    wait_idle(server, grace_ms);
    bool over = server->live == 0 && server->shut;
    pthread_mutex_unlock(&server->lock);
    if (!over)
        grpc_server_cancel_all_calls(server->core); /* hangs up, too */
    pthread_mutex_lock(&server->lock);
    while (server->live > 0 || !server->shut)
        pthread_cond_wait(&server->idle, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

void rpc_server_stop(struct rpc_server *server, int64_t grace_ms)
{
    pthread_mutex_lock(&server->lock);
    bool running = server->started && !server->stopping;
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    if (running)
        shut_down(server, grace_ms);
}

void rpc_server_free(struct rpc_server *server)
{
    if (!server)
        return;
    rpc_server_stop(server, 0);
    if (!server->started)
        shut_down(server, 0);
    grpc_completion_queue_shutdown(server->cq);
    for (int i = 0; i < server->thread_count; i++)
        pthread_join(server->threads[i], NULL);
    grpc_server_destroy(server->core);
    if (server->credentials)
        grpc_server_credentials_release(server->credentials);
    grpc_completion_queue_destroy(server->cq);
    rpc_methods_free(&server->methods);
    reflection_free(server->reflection);
    health_free(server->health);
    pthread_cond_destroy(&server->idle);
    pthread_mutex_destroy(&server->lock);
    mem_free(server->listen);
    mem_free(server);
}
