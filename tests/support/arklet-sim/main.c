/* SPDX-License-Identifier: Apache-2.0 */

/*
 * arklet-sim: many simulated bases in one process; see sim.h for the model and control.h for what
 * can be changed while it runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "tests/support/arklet-sim/sim.h"

#define BASES_MAX 100000

enum option_kind { NUMBER, TEXT, FLAG };

/* Not lib/base/options: nothing in the environment of a tested program may change the simulator. */
static const struct sim_option {
    const char *name;
    enum option_kind kind;
    size_t offset;
    const char *help;
} specs[] = {
#define AT(field) offsetof(struct sim_options, field)
    {"first", TEXT, AT(first), "IPv4 address of the first base; the others follow (127.0.0.1)"},
    {"bases", NUMBER, AT(bases), "how many bases (1)"},
    {"arklet-port", NUMBER, AT(arklet_port), "Arklet's port on each address (1238)"},
    {"http-port", NUMBER, AT(http_port), "port of modules, actuator and control (8080)"},
    {"operations-log", TEXT, AT(operations_log),
     "file: what was done, \"address operation name version sequence ms\""},
    {"loops", NUMBER, AT(loops),
     "Netty's event loops per base; 0: no command waits for another (4)"},
    {"start-ms", NUMBER, AT(start_ms), "from listening to ready (0)"},
    {"install-ms", NUMBER, AT(install_ms), "each install takes that long (0)"},
    {"uninstall-ms", NUMBER, AT(uninstall_ms), "each uninstall takes that long (0)"},
    {"metaspace-max", NUMBER, AT(metaspace_max),
     "bytes; an install beyond fails; -1: unlimited (-1)"},
    {"metaspace-module", NUMBER, AT(metaspace_module), "bytes that a module takes (600000)"},
    {"heap-kept", NUMBER, AT(heap_kept),
     "bytes that stay of an uninstalled module; with a full heap installs are slow (0)"},
    {"runtime", TEXT, AT(runtime_text),
     "2.1.3 (upper-case states), 2.1.6, 2.1.11 (batchInstallBiz, baseIdentity) (2.1.6)"},
    {"readiness", TEXT, AT(readiness_text),
     "base, startup, modules: what modules change in the health (base)"},
    {"health-names", TEXT, AT(names_text),
     "real, documented: names of the actuator's components (real)"},
    {"keep-failed", FLAG, AT(keep_failed), "a module that failed to start stays, broken"},
    {"activate-new", FLAG, AT(activate_new), "a new version becomes the active one"},
    {"count-requests", FLAG, AT(count_requests),
     "queryBizRequests tells how many requests are under way in a module"},
    {"multi-version", FLAG, AT(multi_version), "several versions of a module are active"},
#undef AT
};

static void print_help(void)
{
    printf("usage: arklet-sim [OPTION]...\n"
           "Simulates bases with Arklet. Prints \"ready\" once all listen.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        printf("  --%-18s %s\n", specs[i].name, specs[i].help);
}

static bool set_option(struct sim_options *options, const struct sim_option *spec,
                       const char *value)
{
    void *field = (char *)options + spec->offset;

    switch (spec->kind) {
    case NUMBER:
        return str_parse_int64(value, -1, INT64_C(1) << 40, field);
    case TEXT:
        mem_replace(field, value);
        return true;
    case FLAG:
        *(bool *)field = true;
        return true;
    }
    return false;
}

/* The index of @text among @names, or -1. */
static int choice(const char *text, const char *const names[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, names[i]))
            return (int)i;
    }
    return -1;
}

static bool validate(struct sim_options *options)
{
    static const char *const runtimes[] = {"2.1.3", "2.1.6", "2.1.11"};
    static const char *const readinesses[] = {"base", "startup", "modules"};
    static const char *const names[] = {"real", "documented"};
    int runtime = choice(options->runtime_text, runtimes, ARRAY_LEN(runtimes));
    int readiness = choice(options->readiness_text, readinesses, ARRAY_LEN(readinesses));
    int name = choice(options->names_text, names, ARRAY_LEN(names));

    if (runtime < 0 || readiness < 0 || name < 0 || options->bases < 1 ||
        options->bases > BASES_MAX || options->loops < 0)
        return false;
    options->runtime = (enum sim_runtime)runtime;
    options->readiness = (enum sim_readiness)readiness;
    options->documented_names = name == 1;
    return true;
}

/* Return: -1 to run, else what main returns. */
static int parse_argv(int argc, char *argv[], struct sim_options *options)
{
    struct option longs[ARRAY_LEN(specs) + 2] = {{"help", no_argument, NULL, 'h'}};
    int index;

    for (size_t i = 0; i < ARRAY_LEN(specs); i++)
        longs[i + 1] = (struct option){
            specs[i].name, specs[i].kind == FLAG ? no_argument : required_argument, NULL, 0};
    for (int c; (c = getopt_long(argc, argv, "h", longs, &index)) != -1;) {
        if (c == 'h') {
            print_help();
            return EXIT_SUCCESS;
        }
        if (c == '?' || !set_option(options, &specs[index - 1], optarg)) {
            fprintf(stderr, "arklet-sim: wrong option; see --help\n");
            return 2;
        }
    }
    if (optind == argc && validate(options))
        return -1;
    fprintf(stderr, "arklet-sim: wrong value of an option; see --help\n");
    return 2;
}

/* -- running -- */

/* Every base has two listeners, and clients have connections. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* too low shows when a port can't be opened */
    }
}

static char *address_after(const char *first, int64_t steps)
{
    struct in_addr in;
    char text[INET_ADDRSTRLEN];

    if (inet_pton(AF_INET, first, &in) != 1)
        return mem_strdup(first); /* port_open() says what is wrong with it */
    in.s_addr = htonl(ntohl(in.s_addr) + (uint32_t)steps);
    return mem_strdup(inet_ntop(AF_INET, &in, text, sizeof(text)));
}

static int start_bases(struct sim *sim, struct err **err)
{
    sim->bases = mem_alloc((size_t)sim->options.bases * sizeof(*sim->bases));
    for (int64_t i = 0; i < sim->options.bases; i++)
        base_init(&sim->bases[i], sim, address_after(sim->options.first, i));
    for (int64_t i = 0; i < sim->options.bases; i++) {
        if (base_start(&sim->bases[i], err) < 0)
            return -1;
    }
    return 0;
}

static void on_signal(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    event_base_loopbreak(arg);
}

static int serve(struct sim *sim)
{
    AUTO_ERR struct err *err = NULL;
    struct event *term = evsignal_new(sim->events, SIGTERM, on_signal, sim->events);
    struct event *interrupt = evsignal_new(sim->events, SIGINT, on_signal, sim->events);
    int result = EXIT_SUCCESS;

    evsignal_add(term, NULL);
    evsignal_add(interrupt, NULL);
    if (start_bases(sim, &err) < 0) {
        fprintf(stderr, "arklet-sim: %s\n", err->message);
        result = EXIT_FAILURE;
    } else {
        printf("ready\n");
        fflush(stdout);
        event_base_dispatch(sim->events);
    }
    for (int64_t i = 0; i < sim->options.bases; i++)
        base_deinit(&sim->bases[i]);
    mem_free(sim->bases);
    event_free(term);
    event_free(interrupt);
    return result;
}

static int open_operations_log(struct sim *sim)
{
    const char *path = sim->options.operations_log;

    sim->operations_fd = -1;
    if (!path)
        return 0;
    sim->operations_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (sim->operations_fd >= 0)
        return 0;
    fprintf(stderr, "arklet-sim: %s: %s\n", path, strerror(errno));
    return -1;
}

static void options_done(struct sim_options *options)
{
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        if (specs[i].kind == TEXT)
            mem_free(*(char **)(void *)((char *)options + specs[i].offset));
    }
}

int main(int argc, char *argv[])
{
    struct sim sim = {.options = {.first = mem_strdup("127.0.0.1"),
                                  .bases = 1,
                                  .arklet_port = 1238,
                                  .http_port = 8080,
                                  .loops = 4,
                                  .metaspace_max = -1,
                                  .metaspace_module = 600000,
                                  .runtime_text = mem_strdup("2.1.6"),
                                  .readiness_text = mem_strdup("base"),
                                  .names_text = mem_strdup("real")}};
    int result = parse_argv(argc, argv, &sim.options);

    if (result < 0 && open_operations_log(&sim) < 0)
        result = EXIT_FAILURE;
    if (result < 0) {
        signal(SIGPIPE, SIG_IGN);
        raise_file_limit();
        sim.events = event_base_new();
        result = serve(&sim);
        event_base_free(sim.events);
        if (sim.operations_fd >= 0)
            close(sim.operations_fd);
    }
    options_done(&sim.options);
    return result;
}
