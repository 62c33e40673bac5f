/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"
#include "lib/kube/client.h"
#include "lib/kube/config.h"
#include "lib/service/program.h"
#include "services/controller/api/api.h"
#include "services/controller/controller.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/kubernetes/kubernetes.h"

#define PROGRAM "koupleless-controller"

struct arguments {
    struct service_options service;
    char *store, *data_dir, *kubeconfig, *namespace, *scheduler;
    int64_t base_silent_ms, base_gone_ms, agent_port;
};

static const struct option_spec specs[] = {
    SERVICE_OPTIONS(struct arguments, service, "127.0.0.1:9090", "127.0.0.1:8080"),
    {.name = "store",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, store),
     .value = "STORE",
     .help = "where the declared state lives: embedded, kubernetes; default: kubernetes where a "
             "cluster is configured"},
    {.name = "data-dir",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, data_dir),
     .fallback = "/var/lib/koupleless",
     .value = "DIR",
     .help = "of the embedded store"},
    {.name = "kubeconfig",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, kubeconfig),
     .value = "FILE",
     .help = "how to reach the cluster; default: $KUBECONFIG, the pod's own, ~/.kube/config"},
    {.name = "namespace",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, namespace),
     .value = "NS",
     .help = "the only namespace to look after; empty: all"},
    {.name = "scheduler",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, scheduler),
     .fallback = "127.0.0.1:9091",
     .value = "HOST:PORT",
     .help = "the scheduler"},
    {.name = "agent-port",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, agent_port),
     .fallback = "1239",
     .value = "PORT",
     .min = 1,
     .max = UINT16_MAX,
     .help = "where agents listen, in a cluster; a Pod may name another port"},
    {.name = "base-silent-after",
     .type = OPTION_DURATION,
     .offset = offsetof(struct arguments, base_silent_ms),
     .fallback = "90s",
     .value = "DURATION",
     .help = "a base without reports for this long is not ready"},
    {.name = "base-gone-after",
     .type = OPTION_DURATION,
     .offset = offsetof(struct arguments, base_gone_ms),
     .fallback = "5m",
     .value = "DURATION",
     .help = "... is gone, and its modules are placed elsewhere"},
    {.name = NULL},
};

static const struct options_usage usage = {
    .program = PROGRAM,
    .synopsis = "[options]",
    .about = "Releases modules on the bases: reconciles ModuleDeployments, in batches.",
};

/* All parts of the process, in the order they are made. */
struct process {
    struct service service;
    struct kube_client *kube; /* NULL: the store is embedded */
    struct store *store;
    struct rpc_client *rpc;
    struct controller *controller;
    struct api *api;
};

static int check_arguments(const struct arguments *arguments, struct err **err)
{
    if (!str_empty(arguments->store) && !str_eq(arguments->store, "embedded") &&
        !str_eq(arguments->store, "kubernetes"))
        return err_field(err, "--store", "must be embedded or kubernetes, not \"%s\"",
                         arguments->store);
    if (arguments->base_silent_ms <= 0)
        return err_field(err, "--base-silent-after", "must be more than 0");
    if (arguments->base_gone_ms < arguments->base_silent_ms)
        return err_field(err, "--base-gone-after", "must be at least --base-silent-after");
    return service_check_plaintext(&arguments->service, "scheduler", arguments->scheduler, err);
}

static void on_synced(void *user)
{
    service_set_ready(user, true);
}

static const char *given(const char *text)
{
    return str_empty(text) ? NULL : text;
}

static int open_kubernetes_store(struct process *process, const struct arguments *arguments,
                                 struct err **err)
{
    struct service *service = &process->service;
    struct kube_config config;
    if (kube_config_load(given(arguments->kubeconfig), NULL, &config, err) < 0)
        return err_wrap(err, "--store kubernetes");
    int r =
        kube_client_new(&process->kube, &config, PROGRAM "/" KOUPLELESS_VERSION, service->log, err);
    if (r == 0)
        log_info(service->log, "store: kubernetes", LOG_STR("server", config.server),
                 LOG_STR("context", config.in_cluster ? "in-cluster" : config.context));
    kube_config_done(&config);
    if (r < 0)
        return -1;
    const struct kubernetes_options options = {
        .client = process->kube,
        .namespace = given(arguments->namespace),
        .clock = clock_real(),
        .log = service->log,
        .agent_port = (int32_t)arguments->agent_port,
    };
    process->store = kubernetes_store_new(&options);
    return 0;
}

static int open_store(struct process *process, const struct arguments *arguments, struct err **err)
{
    bool kubernetes = str_empty(arguments->store) ? kube_config_found(given(arguments->kubeconfig))
                                                  : str_eq(arguments->store, "kubernetes");
    if (kubernetes)
        return open_kubernetes_store(process, arguments, err);
    log_info(process->service.log, "store: embedded", LOG_STR("data_dir", arguments->data_dir));
    return embedded_store_open(&process->store, arguments->data_dir, clock_real(), err);
}

static int start(void *user, const void *filled, struct err **err)
{
    struct process *process = user;
    const struct arguments *arguments = filled;
    struct service *service = &process->service;
    if (service_init(service, PROGRAM, &arguments->service, err) < 0 ||
        check_arguments(arguments, err) < 0)
        return -1;
    if (open_store(process, arguments, err) < 0)
        return -1;
    process->rpc = rpc_client_new_on(process->service.rpc);
    struct controller_options options = {
        .loop = service->loop,
        .store = process->store,
        .rpc = process->rpc,
        .scheduler = arguments->scheduler,
        .tls = service_tls(&arguments->service),
        .namespace = given(arguments->namespace),
        .log = service->log,
        .metrics = service->metrics,
        .base_silent_ms = arguments->base_silent_ms,
        .base_gone_ms = arguments->base_gone_ms,
        .on_synced = on_synced,
        .user = service,
    };
    if (controller_new(&process->controller, &options, err) < 0)
        return -1;
    process->api = api_new(process->store, service->loop);
    api_add(process->api, service->rpc);
    rpc_server_add(service->rpc, controller_gateway(process->controller));
    return service_serve(service, err);
}

/* From the outside in: no calls, no plans, no outcomes, then what they used. */
static void stop(void *user)
{
    struct process *process = user;
    service_stop_serving(&process->service);
    controller_stop(process->controller);
    rpc_client_free(process->rpc);
    if (process->kube)
        kube_client_stop(process->kube); /* what the controller waits for ends now */
    controller_free(process->controller);
    store_free(process->store);
    kube_client_free(process->kube);
    service_done(&process->service);
    api_free(process->api);
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {0};
    struct process process = {0};
    const struct service_program program = {specs,    &usage, &arguments, &process.service,
                                            &process, start,  stop};
    return service_main(&program, argc, argv);
}
