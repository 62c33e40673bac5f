/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/kube/client.h"
#include "lib/kube/config.h"
#include "lib/service/program.h"
#include "services/controller/api/api.h"
#include "services/controller/controller.h"
#include "services/controller/leader.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/kubernetes/kubernetes.h"

#define PROGRAM "koupleless-controller"
#define USER_AGENT PROGRAM "/" KOUPLELESS_VERSION

struct arguments {
    struct service_options service;
    char *store, *data_dir, *kubeconfig, *namespace, *scheduler, *leader_identity;
    bool leader_elect;
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
    {.name = "leader-elect",
     .type = OPTION_BOOL,
     .offset = offsetof(struct arguments, leader_elect),
     .help = "in a cluster: act only while the Lease " LEADER_LEASE " is held; of several "
             "controllers one leads, the others stand by"},
    {.name = "leader-identity",
     .type = OPTION_STRING,
     .offset = offsetof(struct arguments, leader_identity),
     .value = "NAME",
     .help = "who holds the Lease, unique among controllers; default: the host's name and a random "
             "number"},
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
    struct kube_config config; /* of the cluster, where there is one */
    struct kube_client *kube;  /* NULL: the store is embedded */
    struct store *store;
    struct rpc_client *rpc;
    struct controller *controller;
    struct leader *leader; /* NULL: there is no election */
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

static void on_acting(void *user)
{
    struct process *process = user;
    service_set_ready(&process->service, true, NULL);
}

static void on_leading(void *user, int64_t epoch)
{
    struct process *process = user;
    controller_lead(process->controller, epoch);
}

/* At once, with all that is under way: what would still be written could be later than what the next leader writes. */
static void on_lost(void *user)
{
    (void)user;
    _exit(EXIT_FAILURE);
}

static int open_kubernetes_store(struct process *process, const struct arguments *arguments,
                                 struct err **err)
{
    struct service *service = &process->service;
    struct kube_config *config = &process->config;
    if (kube_config_load(str_given(arguments->kubeconfig), NULL, config, err) < 0)
        return err_wrap(err, "--store kubernetes");
    if (kube_client_new(&process->kube, config, USER_AGENT, service->log, err) < 0)
        return -1;
    log_info(service->log, "store: kubernetes", LOG_STR("server", config->server),
             LOG_STR("context", config->in_cluster ? "in-cluster" : config->context));
    const struct kubernetes_options options = {
        .client = process->kube,
        .namespace = str_given(arguments->namespace),
        .clock = clock_real(),
        .log = service->log,
        .agent_port = (int32_t)arguments->agent_port,
    };
    process->store = kubernetes_store_new(&options);
    return 0;
}

static int open_store(struct process *process, const struct arguments *arguments, struct err **err)
{
    bool kubernetes = str_empty(arguments->store)
                          ? kube_config_found(str_given(arguments->kubeconfig))
                          : str_eq(arguments->store, "kubernetes");
    if (kubernetes)
        return open_kubernetes_store(process, arguments, err);
    log_info(process->service.log, "store: embedded", LOG_STR("data_dir", arguments->data_dir));
    return embedded_store_open(&process->store, arguments->data_dir, clock_real(), err);
}

/* "host_5f3a...": hosts may have the same name, and a process that is started anew is another one. */
static char *own_identity(void)
{
    char host[256] = "";
    (void)gethostname(host, sizeof(host) - 1);
    struct rand rand;
    rand_seed_from_system(&rand);
    return mem_printf("%s_%016llx", host, (unsigned long long)rand_next(&rand));
}

/* The Lease lies beside the objects that are looked after; where those are everywhere, in our own namespace. */
static int stand_for_election(struct process *process, const struct arguments *arguments,
                              struct err **err)
{
    struct service *service = &process->service;
    AUTO_FREE char *identity = str_empty(arguments->leader_identity)
                                   ? own_identity()
                                   : mem_strdup(arguments->leader_identity);
    const char *namespace = str_given(arguments->namespace);
    const struct leader_options options = {
        .loop = service->loop,
        .config = &process->config,
        .user_agent = USER_AGENT,
        .namespace = namespace ? namespace : process->config.namespace,
        .identity = identity,
        .log = service->log,
        .metrics = service->metrics,
        .on_leading = on_leading,
        .on_lost = on_lost,
        .user = process,
    };
    return leader_new(&process->leader, &options, err);
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
    /* The embedded store is locked by whoever has opened it: there is nobody else. */
    bool elects = arguments->leader_elect && process->kube;
    struct controller_options options = {
        .loop = service->loop,
        .store = process->store,
        .rpc = process->rpc,
        .scheduler = arguments->scheduler,
        .tls = service_tls(&arguments->service),
        .namespace = str_given(arguments->namespace),
        .log = service->log,
        .metrics = service->metrics,
        .base_silent_ms = arguments->base_silent_ms,
        .base_gone_ms = arguments->base_gone_ms,
        .standby = elects,
        .on_acting = on_acting,
        .user = process,
    };
    if (controller_new(&process->controller, &options, err) < 0)
        return -1;
    if (elects && stand_for_election(process, arguments, err) < 0)
        return -1;
    const struct api_scheduler scheduler = {controller_ask_scheduler, process->controller};
    process->api = api_new(process->store, service->loop, clock_real(), &scheduler);
    api_add(process->api, service->rpc);
    rpc_server_add(service->rpc, controller_gateway(process->controller));
    return service_serve(service, err);
}

/* From the outside in: no calls, no plans, no outcomes, then what they used. */
static void stop(void *user)
{
    struct process *process = user;
    leader_withdraw(process->leader);
    service_stop_serving(&process->service);
    controller_stop(process->controller);
    rpc_client_free(process->rpc);
    if (process->kube)
        kube_client_stop(process->kube); /* what the controller waits for ends now */
    controller_free(process->controller);
    leader_free(process->leader);
    store_free(process->store);
    kube_client_free(process->kube);
    kube_config_done(&process->config);
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
