/* SPDX-License-Identifier: Apache-2.0 */
/* How a base is. */
#include <stdio.h>

#include "clients/cli/agent.h"
#include "clients/cli/columns.h"
#include "clients/cli/output.h"

/* -- modules and commands -- */

/* The items at @path of an answer, as a table with @titles and @keys. */
static int show_items(struct cli *cli, const struct agent_options *options, const char *method,
                      const char *path, const char *const *titles, const char *const *keys,
                      struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    AUTO_TABLE struct table table = {0};
    if (agent_call(cli, options, method, cJSON_CreateObject(), AGENT_DEADLINE_MS, &response, err) <
        0)
        return -1;
    if (agent_wants_json(cli))
        output_json(cli, response);
    else
        agent_print_rows(&table, titles, keys, json_get(response, path));
    return 0;
}

int agent_list(struct cli *cli, const struct agent_options *options, char *operands[], int count,
               struct err **err)
{
    static const char *const titles[] = {"NAME", "VERSION", "STATE", "WEB-PATH", NULL};
    static const char *const keys[] = {"name", "version", "state", "webContextPath", NULL};
    (void)operands;
    (void)count;
    return show_items(cli, options, "ListModules", "modules", titles, keys, err);
}

int agent_commands(struct cli *cli, const struct agent_options *options, char *operands[],
                   int count, struct err **err)
{
    static const char *const titles[] = {"COMMAND", "DESCRIPTION", NULL};
    static const char *const keys[] = {"id", "description", NULL};
    (void)operands;
    (void)count;
    return show_items(cli, options, "ListCommands", "commands", titles, keys, err);
}

/* -- health -- */

static void add_health_row(struct table *table, const char *what, const char *version,
                           const char *status, const char *message)
{
    table_row(table);
    table_cell(table, what);
    table_cell(table, version);
    table_cell(table, status);
    table_cell(table, message);
}

static const char *status_at(const cJSON *json, const char *path)
{
    return agent_word(json, path, "HEALTH_STATUS_");
}

/* "16.0 of 64.0 MiB"; "16.0 MiB" where there is no limit. */
static char *megabytes(const cJSON *jvm, const char *used, const char *max)
{
    double mib = 1048576, limit = (double)number_at(jvm, max) / mib;
    double now = (double)number_at(jvm, used) / mib;
    return limit > 0 ? mem_printf("%.1f of %.1f MiB", now, limit) : mem_printf("%.1f MiB", now);
}

static void add_jvm_row(struct table *table, const cJSON *jvm)
{
    const char *uptime = json_get_string(jvm, "uptime"), *refusal = json_get_string(jvm, "message");
    AUTO_FREE char *heap = megabytes(jvm, "heapUsedBytes", "heapMaxBytes");
    AUTO_FREE char *metaspace = megabytes(jvm, "metaspaceUsedBytes", "metaspaceMaxBytes");
    AUTO_FREE char *text = mem_printf("up %s, heap %s, metaspace %s%s%s", uptime ? uptime : "0s",
                                      heap, metaspace, refusal ? "; " : "", refusal ? refusal : "");
    add_health_row(table, "(jvm)", NULL, refusal ? "FULL" : NULL, text);
}

static long long count_of(const cJSON *json, const char *path)
{
    return (long long)json_int64(json_get(json, path), 0, INT32_MAX);
}

/* What was put back since the JVM, or the agent, was started anew. */
static void add_replay_row(struct table *table, const cJSON *replay)
{
    const char *by = json_get_string(replay, "source");
    bool own = str_eq(by, "BASELINE_SOURCE_OWN_COPY");
    AUTO_FREE char *text = mem_printf("%s: %lld wanted, %lld installed, %lld failed, %lld left out",
                                      !by   ? "the controller is asked"
                                      : own ? "own copy"
                                            : "controller's baseline",
                                      count_of(replay, "wanted"), count_of(replay, "installed"),
                                      count_of(replay, "failed"), count_of(replay, "leftOut"));
    add_health_row(table, "(replay)", NULL, json_get(replay, "over") ? "OVER" : "RUNNING", text);
}

static void print_health(const cJSON *health)
{
    AUTO_TABLE struct table table = {0};
    const cJSON *module;
    add_health_row(&table, "NAME", "VERSION", "STATUS", "MESSAGE");
    add_health_row(&table, "(all)", NULL, status_at(health, "status"),
                   json_get_string(health, "message"));
    add_health_row(&table, "(base)", NULL, status_at(health, "baseStatus"), NULL);
    if (json_get(health, "jvm"))
        add_jvm_row(&table, json_get(health, "jvm"));
    if (json_get(health, "replay"))
        add_replay_row(&table, json_get(health, "replay"));
    cJSON_ArrayForEach(module, json_get(health, "modules"))
    {
        add_health_row(&table, json_get_string(module, "name"), json_get_string(module, "version"),
                       status_at(module, "status"), json_get_string(module, "message"));
    }
    table_print(&table);
}

static void show_health(const struct cli *cli, const cJSON *health)
{
    if (agent_wants_json(cli))
        output_json(cli, health);
    else
        print_health(health);
}

struct health_watch {
    const struct cli *cli;
    bool later; /* than the first one */
};

static void on_health(void *user, const cJSON *answer)
{
    struct health_watch *watch = user;
    if (watch->cli->output == OUTPUT_YAML)
        puts("---");
    else if (watch->later && !agent_wants_json(watch->cli))
        puts("");
    watch->later = true;
    show_health(watch->cli, json_get(answer, "health"));
}

int agent_health(struct cli *cli, const struct agent_options *options, char *operands[], int count,
                 struct err **err)
{
    (void)operands;
    (void)count;
    AUTO_JSON cJSON *response = NULL;
    struct health_watch watch = {.cli = cli};
    if (options->watch)
        return agent_stream(cli, options, "WatchHealth", cJSON_CreateObject(), on_health, &watch,
                            err);
    if (agent_call(cli, options, "GetHealth", cJSON_CreateObject(), AGENT_DEADLINE_MS, &response,
                   err) < 0)
        return -1;
    show_health(cli, json_get(response, "health"));
    return 0;
}
