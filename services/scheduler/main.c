/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/service/program.h"
#include "services/scheduler/server.h"

#define PROGRAM "koupleless-scheduler"

struct arguments {
    struct service_options service;
};

static const struct option_spec specs[] = {
    SERVICE_OPTIONS(struct arguments, service, "127.0.0.1:9091", "127.0.0.1:8081"),
    {.name = NULL},
};

static const struct options_usage usage = {
    .program = PROGRAM,
    .synopsis = "[options]",
    .about =
        "Answers which bases take the next instances of a module, and which instances go first.",
};

struct process {
    struct service service;
    struct scheduler_server *server;
};

static int start(void *user, const void *filled, struct err **err)
{
    struct process *process = user;
    const struct arguments *arguments = filled;
    struct service *service = &process->service;
    if (service_init(service, PROGRAM, &arguments->service, err) < 0)
        return -1;
    process->server = scheduler_server_new(service->metrics, service->log, clock_real());
    rpc_server_add(service->rpc, scheduler_server_service(process->server));
    if (service_serve(service, err) < 0)
        return -1;
    service_set_ready(service, true, NULL); /* nothing to wait for */
    return 0;
}

static void stop(void *user)
{
    struct process *process = user;
    service_stop_serving(&process->service);
    service_done(&process->service);
    scheduler_server_free(process->server);
}

int main(int argc, char *argv[])
{
    struct arguments arguments = {0};
    struct process process = {0};
    const struct service_program program = {specs,    &usage, &arguments, &process.service,
                                            &process, start,  stop};
    return service_main(&program, argc, argv);
}
