/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What agent_bench.py needs and Python is too slow for: questions and installs through an agent beside the same ones
 * sent to Arklet by hand, in turns; and calls at a rate that does not wait for answers. Prints "NAME FIGURE" lines.
 *
 *   agent_load HOST:PORT TLS questions ARKLET COUNT        ListModules, queryAllBiz
 *   agent_load HOST:PORT TLS installs  ARKLET COUNT JAR    InstallModule of the module `bench`, installBiz, GetHealth
 *   agent_load HOST:PORT TLS rate      PER_SECOND SECONDS  GetHealth, and ListModules as every tenth call
 *   agent_load HOST:PORT TLS operations COUNT JAR          InstallModule, UninstallModule
 *
 * TLS: a folder with ca.crt, client.crt and client.key; "-" for plaintext. ARKLET: its url. JAR: a path.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/http/client.h"
#include "lib/rpc/client.h"

#define TIMEOUT_MS 60000
#define WARM_UP 50
#define LIST_EVERY 10
#define RATE_CALLS_MAX 1000000

static const ProtobufCServiceDescriptor *const service =
    &koupleless__agent__v1__agent_service__descriptor;
static struct rpc_channel *channel;
static struct http_client *http;

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(const char *what, const char *which, double figure)
{
    printf("%s_%s %.4f\n", what, which, figure);
}

static void tell_spread(const char *what, double *times, int count)
{
    qsort(times, (size_t)count, sizeof(double), by_size);
    tell(what, "p50", times[count / 2]);
    tell(what, "p99", times[(int)((double)count * 0.99)]);
}

/* -- one request after the other -- */

/* Frees the answer. */
static void call(const char *method, const ProtobufCMessage *request)
{
    struct rpc_options options = {.deadline_ms = TIMEOUT_MS};
    ProtobufCMessage *response = NULL;
    AUTO_ERR struct err *err = NULL;
    if (rpc_unary_wait(channel, service, method, request, &options, &response, &err) < 0) {
        fprintf(stderr, "%s: %s\n", method, err->message);
        exit(1);
    }
    protobuf_c_message_free_unpacked(response, NULL);
}

struct waiting {
    pthread_mutex_t mutex;
    pthread_cond_t over;
    bool done;
};

static void on_http_done(void *user, const struct http_response *response, const struct err *err)
{
    struct waiting *waiting = user;
    if (err || response->status != 200 || !strstr(response->body, "\"SUCCESS\"")) {
        fprintf(stderr, "Arklet: %s\n", err ? err->message : response->body);
        exit(1);
    }
    pthread_mutex_lock(&waiting->mutex);
    waiting->done = true;
    pthread_cond_signal(&waiting->over);
    pthread_mutex_unlock(&waiting->mutex);
}

static void ask_arklet(const char *arklet, const char *command, const char *body)
{
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    AUTO_FREE char *url = mem_printf("%s/%s", arklet, command);
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = {"Content-Type: application/json", NULL},
        .body = body,
        .body_bytes = strlen(body),
        .timeout_ms = TIMEOUT_MS,
        .fresh_connection = true,
    };
    http_send(http, &request, on_http_done, &waiting);
    pthread_mutex_lock(&waiting.mutex);
    while (!waiting.done)
        pthread_cond_wait(&waiting.over, &waiting.mutex);
    pthread_mutex_unlock(&waiting.mutex);
}

static void list_modules(void)
{
    Koupleless__Agent__V1__ListModulesRequest request =
        KOUPLELESS__AGENT__V1__LIST_MODULES_REQUEST__INIT;
    call("ListModules", &request.base);
}

static void compare_questions(const char *arklet, int count)
{
    AUTO_FREE double *by_hand = mem_alloc((size_t)count * sizeof(double));
    AUTO_FREE double *through = mem_alloc((size_t)count * sizeof(double));
    for (int i = -WARM_UP; i < count; i++) {
        double begin = now_ms();
        ask_arklet(arklet, "queryAllBiz", "{}");
        double between = now_ms();
        list_modules();
        if (i >= 0) {
            by_hand[i] = between - begin;
            through[i] = now_ms() - between;
        }
    }
    tell_spread("by_hand", by_hand, count);
    tell_spread("through", through, count);
}

/* -- installs -- */

#define IDENTITY "\"bizName\":\"bench\",\"bizVersion\":\"1.0.0\""

static char name[] = "bench", version[] = "1.0.0";

static void install(const char *jar, char *digest)
{
    AUTO_FREE char *url = mem_printf("file://%s", jar);
    Koupleless__Module__V1__ModuleSpec module = KOUPLELESS__MODULE__V1__MODULE_SPEC__INIT;
    module.name = name;
    module.version = version;
    module.url = url;
    module.sha256 = digest;
    Koupleless__Agent__V1__InstallModuleRequest request =
        KOUPLELESS__AGENT__V1__INSTALL_MODULE_REQUEST__INIT;
    request.module = &module;
    call("InstallModule", &request.base);
}

static void uninstall(void)
{
    Koupleless__Agent__V1__UninstallModuleRequest request =
        KOUPLELESS__AGENT__V1__UNINSTALL_MODULE_REQUEST__INIT;
    request.name = name;
    request.version = version;
    call("UninstallModule", &request.base);
}

static void get_health(void)
{
    Koupleless__Agent__V1__GetHealthRequest request =
        KOUPLELESS__AGENT__V1__GET_HEALTH_REQUEST__INIT;
    call("GetHealth", &request.base);
}

static void compare_installs(const char *arklet, int count, const char *jar, char *digest)
{
    static const char to_uninstall[] = "{" IDENTITY "}";
    AUTO_FREE char *to_install = mem_printf("{" IDENTITY ",\"bizUrl\":\"file://%s\"}", jar);
    AUTO_FREE double *by_hand = mem_alloc((size_t)count * sizeof(double));
    AUTO_FREE double *through = mem_alloc((size_t)count * sizeof(double));
    AUTO_FREE double *nothing = mem_alloc((size_t)count * sizeof(double));
    for (int i = -WARM_UP; i < count; i++) {
        double begin[3], end[3];
        begin[0] = now_ms();
        ask_arklet(arklet, "installBiz", to_install);
        end[0] = now_ms();
        ask_arklet(arklet, "uninstallBiz", to_uninstall);
        begin[1] = now_ms();
        install(jar, digest);
        end[1] = now_ms();
        ask_arklet(arklet, "uninstallBiz", to_uninstall);
        begin[2] = now_ms();
        get_health();
        end[2] = now_ms();
        if (i < 0)
            continue;
        by_hand[i] = end[0] - begin[0];
        through[i] = end[1] - begin[1];
        nothing[i] = end[2] - begin[2];
    }
    tell_spread("by_hand", by_hand, count);
    tell_spread("through", through, count);
    tell_spread("nothing", nothing, count);
}

static void operate(int count, const char *jar, char *digest)
{
    for (int i = 0; i < count / 2; i++) {
        install(jar, digest);
        uninstall();
    }
    printf("operations %d\n", count / 2 * 2);
}

/* -- a rate: each call begins when it is due, whether others have been answered or not -- */

struct load {
    pthread_mutex_t mutex;
    pthread_cond_t over;
    double *took_ms; /* of those that were answered */
    int sent, answered, failed;
};

struct sent {
    struct load *load;
    double due_ms;
};

static void on_answer(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct sent *sent = user;
    struct load *load = sent->load;
    (void)response;
    pthread_mutex_lock(&load->mutex);
    if (err)
        load->failed++;
    else
        load->took_ms[load->answered++] = now_ms() - sent->due_ms;
    pthread_cond_signal(&load->over);
    pthread_mutex_unlock(&load->mutex);
}

static void send_one(struct sent *sent, int number)
{
    static const struct rpc_options options = {.deadline_ms = TIMEOUT_MS};
    Koupleless__Agent__V1__ListModulesRequest list =
        KOUPLELESS__AGENT__V1__LIST_MODULES_REQUEST__INIT;
    Koupleless__Agent__V1__GetHealthRequest health =
        KOUPLELESS__AGENT__V1__GET_HEALTH_REQUEST__INIT;
    bool lists = number % LIST_EVERY == 0;
    rpc_unary(channel, service, lists ? "ListModules" : "GetHealth",
              lists ? &list.base : &health.base, &options, on_answer, sent);
}

static void wait_until(double ms)
{
    struct timespec at = {(time_t)(ms / 1e3), 0};
    at.tv_nsec = (long)((ms - (double)at.tv_sec * 1e3) * 1e6);
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void offer(int per_second, int seconds)
{
    int total = per_second * seconds;
    ASSERT(total > 0 && total <= RATE_CALLS_MAX);
    struct load load = {.mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
    struct sent *all = mem_alloc((size_t)total * sizeof(*all));
    load.took_ms = mem_alloc((size_t)total * sizeof(double));
    double begin = now_ms();
    for (int i = 0; i < total; i++) {
        all[i] = (struct sent){&load, begin + i * 1e3 / per_second};
        if (all[i].due_ms > now_ms())
            wait_until(all[i].due_ms);
        send_one(&all[i], i);
    }
    pthread_mutex_lock(&load.mutex);
    double behind_ms = now_ms() - begin - seconds * 1e3;
    int open = total - load.answered - load.failed;
    while (load.answered + load.failed < total)
        pthread_cond_wait(&load.over, &load.mutex);
    pthread_mutex_unlock(&load.mutex);
    tell("rate", "offered", total);
    tell("rate", "answered", load.answered);
    tell("rate", "failed", load.failed);
    tell("rate", "behind_ms",
         behind_ms); /* of the client: more than some ms, and the rate was not offered */
    tell("rate", "open", open);
    tell_spread("rate", load.took_ms, load.answered);
    mem_free(load.took_ms);
    mem_free(all);
}

/* -- */

/* The digest of @jar, by which the agent finds it in its cache from then on. */
static char *fetch(const char *jar)
{
    AUTO_FREE char *url = mem_printf("file://%s", jar);
    Koupleless__Module__V1__ModuleSpec module = KOUPLELESS__MODULE__V1__MODULE_SPEC__INIT;
    module.name = name;
    module.version = version;
    module.url = url;
    Koupleless__Agent__V1__PrefetchModuleRequest request =
        KOUPLELESS__AGENT__V1__PREFETCH_MODULE_REQUEST__INIT;
    request.module = &module;
    ProtobufCMessage *response = NULL;
    AUTO_ERR struct err *err = NULL;
    if (rpc_unary_wait(channel, service, "PrefetchModule", &request.base, NULL, &response, &err) <
        0) {
        fprintf(stderr, "PrefetchModule: %s\n", err->message);
        exit(1);
    }
    const Koupleless__Agent__V1__PrefetchModuleResponse *answer = (const void *)response;
    char *digest = mem_strdup(answer->operation->digest);
    protobuf_c_message_free_unpacked(response, NULL);
    return digest;
}

static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*end || value < 1 || value > RATE_CALLS_MAX) {
        fprintf(stderr, "agent_load: %s is no such number\n", text);
        exit(2);
    }
    return (int)value;
}

static void run(int argc, char *argv[])
{
    const char *mode = argv[3];
    if (str_eq(mode, "questions") && argc == 6) {
        compare_questions(argv[4], number(argv[5]));
    } else if (str_eq(mode, "installs") && argc == 7) {
        AUTO_FREE char *digest = fetch(argv[6]);
        compare_installs(argv[4], number(argv[5]), argv[6], digest);
    } else if (str_eq(mode, "operations") && argc == 6) {
        AUTO_FREE char *digest = fetch(argv[5]);
        operate(number(argv[4]), argv[5], digest);
    } else if (str_eq(mode, "rate") && argc == 6) {
        offer(number(argv[4]), number(argv[5]));
    } else {
        fprintf(stderr, "agent_load: unknown mode, or too little given\n");
        exit(2);
    }
}

int main(int argc, char *argv[])
{
    if (argc < 5)
        return 2;
    rpc_init();
    struct rpc_client *client = rpc_client_new();
    AUTO_FREE char *ca = mem_printf("%s/ca.crt", argv[2]);
    AUTO_FREE char *cert = mem_printf("%s/client.crt", argv[2]);
    AUTO_FREE char *key = mem_printf("%s/client.key", argv[2]);
    struct rpc_tls tls = {.cert_file = cert, .key_file = key, .ca_file = ca};
    AUTO_ERR struct err *err = NULL;
    if (rpc_channel_new(&channel, client, argv[1], str_eq(argv[2], "-") ? NULL : &tls, &err) < 0 ||
        http_client_new(&http, &err) < 0) {
        fprintf(stderr, "agent_load: %s\n", err->message);
        return 1;
    }
    run(argc, argv);
    http_client_free(http);
    rpc_channel_free(channel);
    rpc_client_free(client);
    rpc_shutdown();
    return 0;
}
