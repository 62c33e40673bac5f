/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet-sim: the bases of the simulation, agents included, in one process that real programs talk to.
 *
 *     fleet-sim CONTROLLER NAMESPACE DEPLOYMENT PORT
 *
 * Prints "ready", and reads lines: "start NAME IP" (a base is there, its agent at IP:PORT) and "die NAME", each of which
 * is answered by the same line once it is begun. Ends with its input. For load: thousands of bases cost the machine
 * little. How agents really behave is shown by the agent; tests/agent/test_model.py holds both to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/rpc/rpc.h"
#include "tests/sim/sim_base.h"

struct fleet {
    struct loop *loop;
    struct sim_net *net;
    struct rand rand;
    struct history history;
    struct sim_base_faults faults;
    const char *controller, *namespace, *deployment, *port;
    struct map bases; /* name -> struct sim_base */
};

struct line {
    struct loop_event event;
    struct fleet *fleet;
    char *text; /* owned; NULL = the input has ended */
};

static void start(struct fleet *fleet, const char *name, const char *ip)
{
    AUTO_FREE char *address = mem_printf("%s:%s", ip, fleet->port);
    const struct sim_base_options options = {
        .agent = &sim_agent_model,
        .loop = fleet->loop,
        .rand = &fleet->rand,
        .net = fleet->net,
        .history = &fleet->history,
        .faults = &fleet->faults,
        .name = name,
        .namespace = fleet->namespace,
        .deployment = fleet->deployment,
        .ip = ip,
        .address = address,
        .zone = "",
        .controller = fleet->controller,
        .max_module_count = -1,
    };
    map_put(&fleet->bases, name, sim_base_new(&options));
}

/* A base that is gone, until the outcome of its last report has come. */
struct remains {
    struct loop_event event;
    struct sim_base *base;
};

static void on_bury(struct loop_event *event)
{
    struct remains *remains = CONTAINER_OF(event, struct remains, event);
    sim_base_free(remains->base);
    mem_free(remains);
}

static void die(struct fleet *fleet, const char *name)
{
    struct remains *remains = NEW(struct remains);
    remains->event.fn = on_bury;
    remains->base = map_remove(&fleet->bases, name);
    sim_base_die(remains->base);
    loop_post(fleet->loop, &remains->event);
}

static void obey(struct fleet *fleet, char *text)
{
    const char *what = strsep(&text, " ");
    const char *name = strsep(&text, " ");
    struct sim_base *base = name ? map_get(&fleet->bases, name) : NULL;
    if (str_eq(what, "start") && name && text && !base) {
        start(fleet, name, text);
    } else if (str_eq(what, "die") && base) {
        die(fleet, name);
    } else {
        (void)fprintf(stderr, "fleet-sim: %s %s: see the head of main.c\n", what, name ? name : "");
        exit(EXIT_FAILURE);
    }
}

static void on_line(struct loop_event *event)
{
    struct line *line = CONTAINER_OF(event, struct line, event);
    if (!line->text)
        _exit(EXIT_SUCCESS); /* threads of gRPC run still */
    AUTO_FREE char *text = mem_strdup(line->text);
    obey(line->fleet, text);
    (void)printf("%s\n", line->text);
    mem_free(line->text);
    mem_free(line);
}

static void post(struct fleet *fleet, char *text_taken)
{
    struct line *line = NEW(struct line);
    line->event.fn = on_line;
    line->fleet = fleet;
    line->text = text_taken;
    loop_post(fleet->loop, &line->event);
}

static void *read_lines(void *user)
{
    char *text = NULL;
    size_t size = 0;
    while (getline(&text, &size, stdin) > 0) {
        text[strcspn(text, "\n")] = 0;
        post(user, mem_strdup(text));
    }
    free(text);
    post(user, NULL);
    return NULL;
}

int main(int argc, char *argv[])
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: fleet-sim CONTROLLER NAMESPACE DEPLOYMENT PORT\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    rpc_init();
    struct fleet fleet = {
        .loop = loop_new(clock_real(), LIMIT_INBOX),
        .history.clock = clock_real(),
        .faults = {.command_ms = 1, .down_ms = 1},
        .controller = argv[1],
        .namespace = argv[2],
        .deployment = argv[3],
        .port = argv[4],
    };
    rand_seed(&fleet.rand, 1);
    fleet.net = sim_net_new(&(struct sim_net_options){.loop = fleet.loop});
    pthread_t reader;
    int failed = pthread_create(&reader, NULL, read_lines, &fleet);
    ASSERT(!failed);
    (void)printf("ready\n");
    loop_run(fleet.loop);
    return EXIT_FAILURE; /* on_line() ends it */
}
