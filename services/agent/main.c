/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/service/program.h"
#include "services/agent/agent.h"

#define PROGRAM "koupleless-agent"

struct arguments {
    struct service_options service;
    char *arklet, *health_url, *controller;
    char *namespace, *pod_name, *pod_ip, *base_deployment, *node_name, *zone, *agent_address;
    char *labels, *cache_dir, *netrc, *download_ca;
    int64_t max_module_count, cache_bytes;
    int64_t poll_ms, query_ms, install_ms, download_ms, requests_ms;
    int64_t metaspace_percent;
};

#define TEXT(the_name, the_member, the_fallback, the_value, the_help)                              \
    {                                                                                              \
        .name = the_name, .type = OPTION_STRING, .offset = offsetof(struct arguments, the_member), \
        .fallback = the_fallback, .value = the_value, .help = the_help                             \
    }
#define DURATION(the_name, the_member, the_fallback, the_help)                                     \
    {                                                                                              \
        .name = the_name, .type = OPTION_DURATION,                                                 \
        .offset = offsetof(struct arguments, the_member), .fallback = the_fallback,                \
        .value = "DURATION", .help = the_help                                                      \
    }

static const struct option_spec specs[] = {
    TEXT("arklet", arklet, "http://127.0.0.1:1238", "URL", "Arklet of the base"),
    TEXT("health-url", health_url, "http://127.0.0.1:8080/actuator/health", "URL",
         "health page of the base; empty: Arklet alone is asked"),
    TEXT("controller", controller, NULL, "HOST:PORT",
         "the controller to report to; none: the agent works alone"),
    TEXT("namespace", namespace, "default", "NS", "namespace of the base"),
    TEXT("pod-name", pod_name, NULL, "NAME", "name of the base"),
    TEXT("pod-ip", pod_ip, NULL, "IP", "address of the base"),
    TEXT("base-deployment", base_deployment, NULL, "NAME",
         "Deployment that the base belongs to; in a cluster the controller knows"),
    TEXT("agent-address", agent_address, NULL, "HOST:PORT",
         "where the controller reaches this agent; default: --listen, with the host of --pod-ip "
         "where that is a wildcard"),
    TEXT("node-name", node_name, NULL, "NAME", "node of the base"),
    TEXT("zone", zone, NULL, "NAME", "zone of the node"),
    TEXT("base-labels", labels, NULL, "KEY=VALUE,...",
         "labels of the base, for the base selectors of modules (embedded store only)"),
    {.name = "max-module-count",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, max_module_count),
     .fallback = "-1",
     .value = "N",
     .min = -1,
     .max = INT32_MAX,
     .help = "modules that the base may hold; -1: not limited"},
    {.name = "metaspace-limit",
     .type = OPTION_INT,
     .offset = offsetof(struct arguments, metaspace_percent),
     .fallback = "90",
     .value = "PERCENT",
     .min = 0,
     .max = 100,
     .help = "share of the JVM's MaxMetaspaceSize above which nothing is installed; 0: not judged"},
    TEXT("cache-dir", cache_dir, NULL, "DIR",
         "directory for jars, shared with the base; none: the base fetches them itself"),
    {.name = "cache-size",
     .type = OPTION_BYTES,
     .offset = offsetof(struct arguments, cache_bytes),
     .fallback = "2GiB",
     .value = "SIZE",
     .help = "of the jars in --cache-dir together; those of modules that run stay in any case"},
    TEXT("netrc", netrc, NULL, "FILE", "credentials for downloads"),
    TEXT("download-ca", download_ca, NULL, "FILE",
         "CA that jar repositories are believed by, in place of the system's"),
    DURATION("poll-interval", poll_ms, "850ms", "how often the base is looked at"),
    DURATION("query-timeout", query_ms, "5s",
             "how long Arklet and the health page may take for an answer"),
    DURATION("install-timeout", install_ms, "5m", "... for an install, uninstall or switch"),
    DURATION("requests-timeout", requests_ms, "10s",
             "how long an uninstall waits for requests under way, where they are counted; 0: not"),
    DURATION("download-timeout", download_ms, "10m", "how long the download of a jar may take"),
    SERVICE_OPTIONS(struct arguments, service, "127.0.0.1:1239", "127.0.0.1:1240"),
    {.name = NULL},
};

static const struct options_usage usage = {
    .program = PROGRAM,
    .synopsis = "[options]",
    .about = "Installs and removes modules on one base, in front of its Arklet.",
};

struct process {
    struct service service;
    struct agent *agent;
    char *agent_address;
    struct json_map labels; /* of the base */
};

/* -- options -- */

static int check_duration(const char *name, int64_t ms, struct err **err)
{
    return ms > 0 ? 0 : err_field(err, name, "must be more than 0");
}

static int check_url(const char *name, const char *url, struct err **err)
{
    if (str_starts_with(url, "http://") || str_starts_with(url, "https://"))
        return 0;
    return err_field(err, name, "must begin with http:// or https://, not \"%s\"", url);
}

/* A pod does not know the name of its Deployment, and needs not tell it: the controller follows the Pods. */
static bool is_in_a_cluster(void)
{
    return !str_empty(getenv("KUBERNETES_SERVICE_HOST"));
}

/* As the controller bounds them in a report (gateway.c there). */
static int check_reported(const struct arguments *arguments, struct err **err)
{
    const struct {
        const char *option, *text;
        size_t max;
    } texts[] = {
        {"--base-deployment", arguments->base_deployment, LIMIT_NAME},
        {"--pod-ip", arguments->pod_ip, LIMIT_NAME},
        {"--agent-address", arguments->agent_address, LIMIT_ADDRESS},
        {"--node-name", arguments->node_name, LIMIT_NAME},
        {"--zone", arguments->zone, LIMIT_NAME},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].text && strlen(texts[i].text) > texts[i].max)
            return err_field(err, texts[i].option, "must have at most %zu characters",
                             texts[i].max);
    return 0;
}

static int check_base(const struct arguments *arguments, struct err **err)
{
    if (str_empty(arguments->controller))
        return 0;
    if (!name_is_dns_subdomain(arguments->pod_name))
        return err_field(err, "--pod-name", "must be a DNS-1123 subdomain, not \"%s\"",
                         arguments->pod_name ? arguments->pod_name : "");
    if (str_empty(arguments->base_deployment) && !is_in_a_cluster())
        return err_field(err, "--base-deployment", "is required with --controller");
    if (check_reported(arguments, err) < 0)
        return -1;
    return service_check_plaintext(&arguments->service, "controller", arguments->controller, err);
}

static int check_arguments(const struct arguments *arguments, struct err **err)
{
    if (check_url("--arklet", arguments->arklet, err) < 0 ||
        (!str_empty(arguments->health_url) &&
         check_url("--health-url", arguments->health_url, err) < 0) ||
        check_duration("--poll-interval", arguments->poll_ms, err) < 0 ||
        check_duration("--query-timeout", arguments->query_ms, err) < 0 ||
        check_duration("--install-timeout", arguments->install_ms, err) < 0 ||
        check_duration("--download-timeout", arguments->download_ms, err) < 0)
        return -1;
    return check_base(arguments, err);
}

/* Port 0 is known only once it is listened on, so this comes after service_serve(). */
static char *address_for_controller(const struct arguments *arguments,
                                    const struct service *service)
{
    if (!str_empty(arguments->agent_address))
        return mem_strdup(arguments->agent_address);
    const char *listen = arguments->service.listen;
    const char *colon = strrchr(listen, ':');
    AUTO_FREE char *host = mem_strndup(listen, colon ? (size_t)(colon - listen) : strlen(listen));
    bool any = str_eq(host, "0.0.0.0") || str_eq(host, "[::]") || str_empty(host);
    return mem_printf("%s:%d", any && !str_empty(arguments->pod_ip) ? arguments->pod_ip : host,
                      rpc_server_port(service->rpc));
}

/* -- life -- */

static void on_probes(void *user, const struct agent_probes *probes)
{
    struct service *service = user;
    service_set_ready(service, probes->ready.good, probes->ready.why);
    service_set_probe(service, "/startupz", probes->startup.good, probes->startup.why);
    service_set_probe(service, "/livez", probes->live.good, probes->live.why);
}

static uint64_t random_seed(void)
{
    struct rand rand;
    rand_seed_from_system(&rand);
    return rand_next(&rand);
}

static struct base_identity identity_of(const struct arguments *arguments,
                                        const struct json_map *labels)
{
    return (struct base_identity){
        .namespace = arguments->namespace,
        .name = arguments->pod_name,
        .deployment = arguments->base_deployment,
        .ip = arguments->pod_ip,
        .node = arguments->node_name,
        .zone = arguments->zone,
        .labels = labels,
        .max_module_count = arguments->max_module_count,
    };
}

static struct agent_options agent_options_of(struct process *process,
                                             const struct arguments *arguments)
{
    return (struct agent_options){
        .loop = process->service.loop,
        .log = process->service.log,
        .metrics = process->service.metrics,
        .rpc = process->service.rpc,
        .arklet_url = arguments->arklet,
        .health_url = str_given(arguments->health_url),
        .controller = str_given(arguments->controller),
        .tls = service_tls(&arguments->service),
        .cache_dir = str_given(arguments->cache_dir),
        .cache_bytes = arguments->cache_bytes,
        .netrc_file = str_given(arguments->netrc),
        .download_ca = str_given(arguments->download_ca),
        .poll_ms = arguments->poll_ms,
        .query_ms = arguments->query_ms,
        .install_ms = arguments->install_ms,
        .download_ms = arguments->download_ms,
        .metaspace_percent = arguments->metaspace_percent,
        .requests_ms = arguments->requests_ms,
        .identity = identity_of(arguments, &process->labels),
        .seed = random_seed(),
        .on_probes = on_probes,
        .user = &process->service,
    };
}

static void add_probes(struct service *service)
{
    service_add_probe(service, "/startupz");
    service_add_probe(service, "/livez");
    service_set_probe(service, "/startupz", false, "the base starts: the base was not asked yet");
    service_set_probe(service, "/livez", true, "the base was not asked yet");
}

static int start(void *user, const void *filled, struct err **err)
{
    struct process *process = user;
    const struct arguments *arguments = filled;
    struct service *service = &process->service;
    if (service_init(service, PROGRAM, &arguments->service, err) < 0 ||
        check_arguments(arguments, err) < 0 ||
        labels_parse(arguments->labels, "--base-labels", &process->labels, err) < 0)
        return -1;
    const struct agent_options options = agent_options_of(process, arguments);
    add_probes(service);
    if (agent_new(&process->agent, &options, err) < 0 || service_serve(service, err) < 0)
        return -1;
    process->agent_address = address_for_controller(arguments, service);
    agent_start(process->agent, process->agent_address);
    return 0;
}

static void stop(void *user)
{
    struct process *process = user;
    if (process->service.serving)
        agent_stop(process->agent);
    service_stop_serving(&process->service);
    agent_free(process->agent);
    service_done(&process->service);
    mem_free(process->agent_address);
    json_map_done(&process->labels);
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {0};
    struct process process = {0};
    const struct service_program program = {specs,    &usage, &arguments, &process.service,
                                            &process, start,  stop};
    return service_main(&program, argc, argv);
}
