/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unary calls over loopback through our server and client, beside h2load, which sends the same request
 * to the same server over one connection and does nothing else: what the client costs. Both run
 * with the same number of calls outstanding and take turns, several times; the best of each counts.
 * Latencies are those of the best run. The goal is far below what is usual: it finds a client that
 * got in its own way, not some per cent.
 */
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "koupleless/scheduler/v1/scheduler.pb-c.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/rpc/client.h"
#include "lib/rpc/server.h"

#define RUNS 5
#define GOAL 0.25
#define OUTSTANDING_MAX 128
#define OUTPUT_MAX 65536
#define PATH "koupleless.scheduler.v1.SchedulerService/Place"

typedef Koupleless__Scheduler__V1__PlaceRequest PlaceRequest;
typedef Koupleless__Scheduler__V1__PlaceResponse PlaceResponse;

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* -- the server: as little as a handler can do -- */

static void answer(Koupleless__Scheduler__V1__SchedulerService_Service *service,
                   const PlaceRequest *request,
                   Koupleless__Scheduler__V1__PlaceResponse_Closure closure, void *call)
{
    (void)service;
    (void)request;
    PlaceResponse response = KOUPLELESS__SCHEDULER__V1__PLACE_RESPONSE__INIT;
    closure(&response, call);
}

/* -- our client -- */

struct figures {
    double per_s, p50_us, p99_us;
};

struct load {
    struct rpc_channel *channel;
    double *latencies_s;
    int total, started, done;
    pthread_mutex_t mutex;
    pthread_cond_t over;
};

/* One of the outstanding calls; its end starts the next. */
struct slot {
    struct load *load;
    double start_s;
};

static void send_next(struct slot *slot);

static void on_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct slot *slot = user;
    struct load *load = slot->load;
    ASSERT(response && !err);
    pthread_mutex_lock(&load->mutex);
    load->latencies_s[load->done++] = now_s() - slot->start_s;
    bool more = load->started < load->total;
    load->started += more;
    if (load->done == load->total)
        pthread_cond_signal(&load->over);
    pthread_mutex_unlock(&load->mutex);
    if (more)
        send_next(slot);
}

static void send_next(struct slot *slot)
{
    PlaceRequest request = KOUPLELESS__SCHEDULER__V1__PLACE_REQUEST__INIT;
    slot->start_s = now_s();
    rpc_unary(slot->load->channel, &koupleless__scheduler__v1__scheduler_service__descriptor,
              "Place", &request.base, NULL, on_done, slot);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct figures run_client(struct rpc_channel *channel, int outstanding, int total)
{
    struct load load = {.channel = channel, .total = total, .started = outstanding};
    struct slot slots[OUTSTANDING_MAX];
    pthread_mutex_init(&load.mutex, NULL);
    pthread_cond_init(&load.over, NULL);
    load.latencies_s = mem_alloc((size_t)total * sizeof(double));
    double start = now_s();
    for (int i = 0; i < outstanding; i++) {
        slots[i].load = &load;
        send_next(&slots[i]);
    }
    pthread_mutex_lock(&load.mutex);
    while (load.done < total)
        pthread_cond_wait(&load.over, &load.mutex);
    pthread_mutex_unlock(&load.mutex);
    double took = now_s() - start;
    qsort(load.latencies_s, (size_t)total, sizeof(double), by_size);
    struct figures figures = {.per_s = total / took,
                              .p50_us = load.latencies_s[total / 2] * 1e6,
                              .p99_us = load.latencies_s[total / 100 * 99] * 1e6};
    mem_free(load.latencies_s);
    pthread_cond_destroy(&load.over);
    pthread_mutex_destroy(&load.mutex);
    return figures;
}

/* -- h2load -- */

/* A gRPC message of no bytes, in a file for h2load. */
static char *make_request_file(void)
{
    static const char empty_message[5] = {0};
    const char *base = getenv("TMPDIR");
    char *path = mem_printf("%s/koupleless-rpc-bench-XXXXXX", base ? base : "/tmp");
    int fd = mkstemp(path);
    ASSERT(fd >= 0 && write(fd, empty_message, sizeof(empty_message)) == sizeof(empty_message));
    (void)close(fd);
    return path;
}

/* Return: what the program says, owned; NULL where it can't be started or fails. */
static char *output_of(const char *const *argv)
{
    extern char **environ;
    struct str text = STR_INIT(OUTPUT_MAX);
    posix_spawn_file_actions_t actions;
    int fds[2], status = 0;
    pid_t child;
    char piece[4096];
    ASSERT(pipe2(fds, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    int failed = posix_spawnp(&child, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    (void)close(fds[1]);
    for (ssize_t got; !failed && (got = read(fds[0], piece, sizeof(piece))) > 0;)
        str_add_bytes(&text, piece, (size_t)got);
    (void)close(fds[0]);
    char *all = str_take(&text);
    if (!failed && waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status))
        return all;
    mem_free(all);
    return NULL;
}

/* Requests per second; 0 where h2load is not installed. */
static double run_h2load(int port, const char *request_file, int outstanding, int total)
{
    AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d/" PATH, port);
    AUTO_FREE char *streams = mem_printf("%d", outstanding);
    AUTO_FREE char *requests = mem_printf("%d", total);
    const char *const argv[] = {"h2load",
                                "-c",
                                "1",
                                "-t",
                                "1",
                                "-m",
                                streams,
                                "-n",
                                requests,
                                "-d",
                                request_file,
                                "-H",
                                "content-type: application/grpc",
                                "-H",
                                "te: trailers",
                                url,
                                NULL};
    AUTO_FREE char *text = output_of(argv);
    AUTO_FREE char *all_good = mem_printf(" %d succeeded, 0 failed", total);
    const char *finished = text ? strstr(text, "finished in ") : NULL;
    const char *comma = finished ? strstr(finished, ", ") : NULL;
    if (!comma)
        return 0;
    ASSERT(strstr(text, all_good));
    return strtod(comma + 2, NULL);
}

/* -- both -- */

/* Return: whether the goal is met, or can't be judged. */
static bool compare(int port, struct rpc_channel *channel, const char *request_file,
                    int outstanding, int total)
{
    struct figures ours = {0};
    double raw = 0;
    for (int i = 0; i < RUNS; i++) {
        double r = run_h2load(port, request_file, outstanding, total);
        struct figures f = run_client(channel, outstanding, total);
        raw = r > raw ? r : raw;
        ours = f.per_s > ours.per_s ? f : ours;
    }
    AUTO_FREE char *ratio = raw > 0 ? mem_printf("%.2f", ours.per_s / raw) : mem_strdup("-");
    printf("%11d %12.0f %12.0f %7s %7.2f %9.0f %9.0f\n", outstanding, raw, ours.per_s, ratio, GOAL,
           ours.p50_us, ours.p99_us);
    return ours.per_s >= GOAL * raw;
}

int main(void)
{
    Koupleless__Scheduler__V1__SchedulerService_Service service;
    struct rpc_server_options options = {.listen = "127.0.0.1:0"};
    struct rpc_server *server = NULL;
    struct rpc_channel *channel = NULL;
    rpc_init();
    koupleless__scheduler__v1__scheduler_service__init(&service, NULL);
    service.place = answer;
    ASSERT(rpc_server_new(&server, &options, NULL) == 0);
    rpc_server_add(server, &service.base);
    ASSERT(rpc_server_start(server, NULL) == 0);
    int port = rpc_server_port(server);
    struct rpc_client *client = rpc_client_new();
    AUTO_FREE char *target = mem_printf("127.0.0.1:%d", port);
    AUTO_FREE char *request_file = make_request_file();
    ASSERT(rpc_channel_new(&channel, client, target, NULL, NULL) == 0);

    printf("unary calls per second, best of %d runs; latencies in microseconds\n", RUNS);
    printf("%11s %12s %12s %7s %7s %9s %9s\n", "outstanding", "h2load", "our client", "ratio",
           "goal", "p50", "p99");
    bool one = compare(port, channel, request_file, 1, 5000);
    bool some = compare(port, channel, request_file, 16, 20000);
    bool many = compare(port, channel, request_file, OUTSTANDING_MAX, 40000);

    (void)unlink(request_file);
    rpc_channel_free(channel);
    rpc_client_free(client);
    rpc_server_free(server);
    rpc_shutdown();
    return one && some && many ? 0 : 1;
}
