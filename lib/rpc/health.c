/* SPDX-License-Identifier: Apache-2.0 */
/* grpc.health.v1: Check, and Watch with a message on each change. */
#include "grpc/health/v1/health.pb-c.h"
#include "lib/rpc/rpc_internal.h"

typedef Grpc__Health__V1__HealthCheckRequest Request;
typedef Grpc__Health__V1__HealthCheckResponse_Closure Closure;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus Status;

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

struct watcher {
    struct list node;
    struct health *health;
    struct rpc_call *call;
    Closure closure;
    char *service;
    Status sent;
};

struct health {
    Grpc__Health__V1__Health_Service service;
    pthread_mutex_t lock;
    struct map statuses; /* service -> &serving or &not_serving */
    struct list watchers;
    bool shut_down;
};

static Status serving = SERVING, not_serving = NOT_SERVING;

static Status status_of(const struct health *health, const char *service)
{
    const Status *status = map_get(&health->statuses, service);
    return status ? *status : SERVICE_UNKNOWN;
}

static void send_status(Closure closure, void *call, Status status)
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = status;
    closure(&response, call);
}

static void check(Grpc__Health__V1__Health_Service *service, const Request *request,
                  Closure closure, void *call)
{
    struct health *health = CONTAINER_OF(service, struct health, service);
    pthread_mutex_lock(&health->lock);
    Status status = status_of(health, request->service);
    pthread_mutex_unlock(&health->lock);
    if (status != SERVICE_UNKNOWN) {
        send_status(closure, call, status);
        return;
    }
    AUTO_ERR struct err *err = NULL;
    err_set(&err, ERR_NOT_FOUND, "there is no service %s", request->service);
    rpc_call_fail(call, err);
}

static void watch_cancelled(void *user)
{
    struct watcher *watcher = user;
    struct rpc_call *call = watcher->call;
    pthread_mutex_lock(&watcher->health->lock);
    list_remove(&watcher->node);
    pthread_mutex_unlock(&watcher->health->lock);
    mem_free(watcher->service);
    mem_free(watcher);
    rpc_call_end(call);
}

static void watch(Grpc__Health__V1__Health_Service *service, const Request *request,
                  Closure closure, void *call)
{
    struct health *health = CONTAINER_OF(service, struct health, service);
    struct watcher *watcher = NEW(struct watcher);
    *watcher = (struct watcher){.health = health, .call = call, .closure = closure};
    watcher->service = mem_strdup(request->service);
    pthread_mutex_lock(&health->lock);
    watcher->sent = status_of(health, watcher->service);
    list_append(&health->watchers, &watcher->node);
    send_status(closure, call, watcher->sent);
    pthread_mutex_unlock(&health->lock);
    rpc_call_on_cancel(call, watch_cancelled, watcher);
}

static void tell_watchers(struct health *health)
{
    LIST_FOR_EACH (node, &health->watchers) {
        struct watcher *watcher = LIST_ENTRY(node, struct watcher, node);
        Status status = status_of(health, watcher->service);
        if (status != watcher->sent)
            send_status(watcher->closure, watcher->call, status);
        watcher->sent = status;
    }
}

void health_set(struct health *health, const char *service, bool is_serving)
{
    pthread_mutex_lock(&health->lock);
    if (!health->shut_down) {
        map_put(&health->statuses, service, is_serving ? &serving : &not_serving);
        tell_watchers(health);
    }
    pthread_mutex_unlock(&health->lock);
}

void health_forget(struct health *health, const char *service)
{
    pthread_mutex_lock(&health->lock);
    (void)map_remove(&health->statuses, service);
    tell_watchers(health);
    pthread_mutex_unlock(&health->lock);
}

void health_shutdown(struct health *health)
{
    pthread_mutex_lock(&health->lock);
    health->shut_down = true;
    for (size_t i = 0; i < health->statuses.len; i++)
        health->statuses.entries[i].value = &not_serving;
    tell_watchers(health);
    pthread_mutex_unlock(&health->lock);
}

struct health *health_new(void)
{
    struct health *health = NEW(struct health);
    pthread_mutex_init(&health->lock, NULL);
    list_init(&health->watchers);
    grpc__health__v1__health__init(&health->service, NULL);
    health->service.check = check;
    health->service.watch = watch;
    map_put(&health->statuses, "", &not_serving);
    return health;
}

void health_free(struct health *health)
{
    if (!health)
        return;
    map_done(&health->statuses);
    pthread_mutex_destroy(&health->lock);
    mem_free(health);
}

ProtobufCService *health_service(struct health *health)
{
    return &health->service.base;
}
