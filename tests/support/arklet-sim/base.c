/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "tests/support/arklet-sim/execution.h"
#include "tests/support/arklet-sim/faults.h"
#include "tests/support/arklet-sim/operations.h"
#include "tests/support/arklet-sim/records.h"
#include "tests/support/arklet-sim/sim.h"
#include "tests/support/arklet-sim/web.h"
#include "tests/support/arklet-sim/wire.h"

/* Of a base without modules that starts from a class data archive; bytes. */
#define METASPACE_EMPTY 9000000
#define HEAP_EMPTY (48 << 20)

int64_t sim_wall_ms(const struct sim *sim)
{
    struct timeval now;

    event_base_gettimeofday_cached(sim->events, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

struct event *sim_after(struct sim *sim, int64_t delay_ms, event_callback_fn fn, void *arg)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
    struct event *timer = evtimer_new(sim->events, fn, arg);

    evtimer_add(timer, &delay);
    return timer;
}

void operations_log(struct base *base, const char *operation, const char *name, const char *version)
{
    struct sim *sim = base->sim;

    if (sim->operations_fd < 0)
        return;
    AUTO_FREE char *line =
        mem_printf("%s %s %s %s %lld %lld\n", base->address, operation, name, version,
                   (long long)++sim->operations_seq, (long long)sim_wall_ms(sim));
    if (write(sim->operations_fd, line, strlen(line)) < 0)
        perror("arklet-sim: operations log");
}

struct module_style base_style(const struct base *base)
{
    enum sim_runtime runtime = base->sim->options.runtime;

    return (struct module_style){.upper_case = runtime == SIM_RUNTIME_2_1_3,
                                 .with_records = runtime == SIM_RUNTIME_2_1_11};
}

void base_init(struct base *base, struct sim *sim, char *address)
{
    *base = (struct base){.sim = sim, .address = address};
    list_init(&base->modules);
    list_init(&base->operations);
    list_init(&base->executions);
    list_init(&base->answers);
    list_init(&base->pages);
    list_init(&base->faults);
    base->loops = wire_loops_new(sim->options.loops);
    base->arklet = (struct port){.handle = wire_handle, .arg = base};
    list_init(&base->arklet.conns);
    base->http = (struct port){.handle = web_handle, .arg = base};
    list_init(&base->http.conns);
}

static void set_timer(struct base *base, int64_t delay_ms, event_callback_fn fn)
{
    if (base->timer)
        event_free(base->timer);
    base->timer = delay_ms < 0 ? NULL : sim_after(base->sim, delay_ms, fn, base);
}

static void become_ready(evutil_socket_t fd, short what, void *arg)
{
    struct base *base = arg;

    (void)fd;
    (void)what;
    base->ready = true;
    operations_log(base, "start", BASE_NAME, BASE_VERSION);
}

int base_start(struct base *base, struct err **err)
{
    const struct sim_options *options = &base->sim->options;

    if (port_open(&base->http, base->sim->events, base->address, (int)options->http_port, err) < 0)
        return -1;
    if (port_open(&base->arklet, base->sim->events, base->address, (int)options->arklet_port, err) <
        0) {
        port_close(&base->http, /* drop= */ true);
        return -1;
    }
    base->started_wall_ms = sim_wall_ms(base->sim);
    base->metaspace_used = METASPACE_EMPTY;
    base->heap_used = HEAP_EMPTY;
    set_timer(base, options->start_ms > 0 ? options->start_ms : -1, become_ready);
    if (options->start_ms <= 0)
        become_ready(-1, 0, base);
    return 0;
}

void base_stop(struct base *base)
{
    set_timer(base, -1, NULL);
    operations_abandon(base);
    executions_abandon(base);
    wire_abandon(base);
    web_abandon(base);
    port_close(&base->arklet, /* drop= */ true);
    port_close(&base->http, /* drop= */ true);
    LIST_FOR_EACH (it, &base->modules)
        module_free(LIST_ENTRY(it, struct module, node));
    records_clear(base);
    map_done(&base->locks);
    faults_clear(base);
    base->ready = base->refusing = false;
    base->pool_threads = 0;
}

static void start_again(evutil_socket_t fd, short what, void *arg)
{
    struct base *base = arg;
    AUTO_ERR struct err *err = NULL;

    (void)fd;
    (void)what;
    if (base_start(base, &err) < 0)
        fprintf(stderr, "arklet-sim: restart: %s\n", err->message);
}

void base_restart(struct base *base, int64_t down_ms)
{
    base_stop(base);
    set_timer(base, down_ms, start_again);
}

void base_deinit(struct base *base)
{
    base_stop(base);
    wire_loops_free(base->loops, base->sim->options.loops);
    mem_free(base->address);
}
