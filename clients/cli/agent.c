/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to one agent, past the controller: to look at one base, or to mend it by hand. */
#include "koupleless/agent/v1/agent.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

#include "clients/cli/columns.h"
#include "clients/cli/commands.h"
#include "clients/cli/output.h"
#include "lib/base/str.h"

#define CALL_DEADLINE_MS 30000

struct agent_options {
    struct cli_options common;
    char *address, *name, *version, *strategy, *md5, *sha256;
    int64_t timeout_ms;
};

static const struct option_spec specs[] = {
    {.name = "address",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, address),
     .fallback = "127.0.0.1:1239",
     .value = "HOST:PORT",
     .help = "the agent"},
    {.name = "name",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, name),
     .value = "N",
     .help = "install: name of the module"},
    {.name = "version",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, version),
     .value = "V",
     .help = "install: its version"},
    {.name = "strategy",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, strategy),
     .value = "STRATEGY",
     .help = "install: installOnly or uninstallThenInstall"},
    {.name = "md5",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, md5),
     .value = "HEX",
     .help = "install: checked where given"},
    {.name = "sha256",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, sha256),
     .value = "HEX",
     .help = "install: checked where given"},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct agent_options, timeout_ms),
     .value = "DURATION",
     .help = "longest wait for the end of an operation; it goes on (default none)"},
    {.name = NULL},
};

/* A call to the agent. @request is consumed. */
static int call(struct cli *cli, const struct agent_options *options, const char *method,
                cJSON *request, int64_t deadline_ms, cJSON **ret_response, struct err **err)
{
    if (cli_connect(cli, "address", options->address, err) < 0) {
        json_free(request);
        return -1;
    }
    return cli_call_on(cli, &koupleless__agent__v1__agent_service__descriptor, method, request,
                       deadline_ms, ret_response, err);
}

static bool wants_json(const struct cli *cli)
{
    return cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML;
}

/* -- operations -- */

/* Whether the operation did what it was asked to; if not, why. */
static int check_operation(const cJSON *operation, struct err **err)
{
    const char *state = json_get_string(operation, "state");
    const char *code = json_get_string(operation, "error.code");
    const char *message = json_get_string(operation, "error.message");
    if (str_eq(state, "OPERATION_STATE_SUCCEEDED"))
        return 0;
    if (str_eq(state, "OPERATION_STATE_FAILED"))
        return err_set(err, ERR_PRECONDITION, "%s: %s", code ? code : "failed",
                       message ? message : "no message");
    return err_set(err, ERR_TIMEOUT, "operation %s is not over at the time-out; it goes on",
                   json_get_string(operation, "id"));
}

/*
 * The agent is asked to answer at the time-out with what it has, so the deadline of the call is later.
 * @done: what is said of the module afterwards.
 */
static int operate(struct cli *cli, const struct agent_options *options, const char *method,
                   cJSON *request, const char *done, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    int64_t deadline_ms = options->timeout_ms ? options->timeout_ms + CALL_DEADLINE_MS : 0;
    if (options->timeout_ms) {
        AUTO_FREE char *wait = mem_printf("%" PRId64 ".%03ds", options->timeout_ms / 1000,
                                          (int)(options->timeout_ms % 1000));
        cJSON_AddStringToObject(request, "wait", wait);
    }
    if (call(cli, options, method, request, deadline_ms, &response, err) < 0)
        return -1;
    const cJSON *operation = json_get(response, "operation");
    if (wants_json(cli))
        output_json(cli, operation);
    if (check_operation(operation, err) < 0)
        return -1;
    if (!wants_json(cli))
        printf("module/%s:%s %s\n", json_get_string(operation, "module.name"),
               json_get_string(operation, "module.version"), done);
    return 0;
}

static int add_strategy(cJSON *request, const char *strategy, struct err **err)
{
    static const struct {
        const char *word, *value;
    } known[] = {
        {"installOnly", "INSTALL_STRATEGY_INSTALL_ONLY"},
        {"uninstallThenInstall", "INSTALL_STRATEGY_UNINSTALL_THEN_INSTALL"},
    };
    if (str_empty(strategy))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(strategy, known[i].word)) {
            cJSON_AddStringToObject(request, "strategy", known[i].value);
            return 0;
        }
    }
    return cli_usage(err, "--strategy: must be installOnly or uninstallThenInstall, not \"%.100s\"",
                     strategy);
}

static int run_install(struct cli *cli, const struct agent_options *options, char *operands[],
                       struct err **err)
{
    if (str_empty(options->name) || str_empty(options->version))
        return cli_usage(err, "agent install needs URL --name N --version V");
    cJSON *request = cJSON_CreateObject(), *module = cJSON_AddObjectToObject(request, "module");
    cJSON_AddStringToObject(module, "url", operands[0]);
    cJSON_AddStringToObject(module, "name", options->name);
    cJSON_AddStringToObject(module, "version", options->version);
    if (options->md5)
        cJSON_AddStringToObject(module, "md5", options->md5);
    if (options->sha256)
        cJSON_AddStringToObject(module, "sha256", options->sha256);
    if (add_strategy(request, options->strategy, err) < 0) {
        json_free(request);
        return -1;
    }
    return operate(cli, options, "InstallModule", request, "installed", err);
}

static cJSON *about_version(char *operands[])
{
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "name", operands[0]);
    cJSON_AddStringToObject(request, "version", operands[1]);
    return request;
}

static int run_uninstall(struct cli *cli, const struct agent_options *options, char *operands[],
                         struct err **err)
{
    return operate(cli, options, "UninstallModule", about_version(operands), "uninstalled", err);
}

static int run_switch(struct cli *cli, const struct agent_options *options, char *operands[],
                      struct err **err)
{
    return operate(cli, options, "SwitchModule", about_version(operands), "active", err);
}

/* -- questions -- */

/* A table of @items: a column for each of @titles with the member of @keys at its place. */
static void print_items(const cJSON *items, const char *const *titles, const char *const *keys)
{
    AUTO_TABLE struct table table = {0};
    const cJSON *item;
    table_row(&table);
    for (size_t i = 0; titles[i]; i++)
        table_cell(&table, titles[i]);
    cJSON_ArrayForEach(item, items)
    {
        table_row(&table);
        for (size_t i = 0; keys[i]; i++)
            table_cell(&table, json_get_string(item, keys[i]));
    }
    table_print(&table);
}

static int run_list(struct cli *cli, const struct agent_options *options, char *operands[],
                    struct err **err)
{
    static const char *const titles[] = {"NAME", "VERSION", "STATE", "WEB-PATH", NULL};
    static const char *const keys[] = {"name", "version", "state", "webContextPath", NULL};
    (void)operands;
    AUTO_JSON cJSON *response = NULL;
    if (call(cli, options, "ListModules", cJSON_CreateObject(), CALL_DEADLINE_MS, &response, err) <
        0)
        return -1;
    if (wants_json(cli))
        output_json(cli, response);
    else
        print_items(json_get(response, "modules"), titles, keys);
    return 0;
}

/* "HEALTH_STATUS_UP" -> "UP". */
static const char *health_word(const cJSON *json, const char *path)
{
    static const char prefix[] = "HEALTH_STATUS_";
    const char *status = json_get_string(json, path);
    if (!status)
        return "UNKNOWN";
    return str_starts_with(status, prefix) ? status + sizeof(prefix) - 1 : status;
}

static void print_health_row(struct table *table, const char *what, const char *version,
                             const char *status, const char *message)
{
    table_row(table);
    table_cell(table, what);
    table_cell(table, version);
    table_cell(table, status);
    table_cell(table, message);
}

/* "16.0 of 64.0 MiB"; "16.0 MiB" where there is no limit. */
static char *megabytes(const cJSON *jvm, const char *used, const char *max)
{
    double mib = 1048576, limit = (double)number_at(jvm, max) / mib;
    double now = (double)number_at(jvm, used) / mib;
    return limit > 0 ? mem_printf("%.1f of %.1f MiB", now, limit) : mem_printf("%.1f MiB", now);
}

static void print_jvm_row(struct table *table, const cJSON *jvm)
{
    const char *uptime = json_get_string(jvm, "uptime"), *refusal = json_get_string(jvm, "message");
    AUTO_FREE char *heap = megabytes(jvm, "heapUsedBytes", "heapMaxBytes");
    AUTO_FREE char *metaspace = megabytes(jvm, "metaspaceUsedBytes", "metaspaceMaxBytes");
    AUTO_FREE char *text = mem_printf("up %s, heap %s, metaspace %s%s%s", uptime ? uptime : "0s",
                                      heap, metaspace, refusal ? "; " : "", refusal ? refusal : "");
    print_health_row(table, "(jvm)", NULL, refusal ? "FULL" : NULL, text);
}

static void print_health(const cJSON *health)
{
    AUTO_TABLE struct table table = {0};
    const cJSON *module;
    print_health_row(&table, "NAME", "VERSION", "STATUS", "MESSAGE");
    print_health_row(&table, "(all)", NULL, health_word(health, "status"),
                     json_get_string(health, "message"));
    print_health_row(&table, "(base)", NULL, health_word(health, "baseStatus"), NULL);
    if (json_get(health, "jvm"))
        print_jvm_row(&table, json_get(health, "jvm"));
    cJSON_ArrayForEach(module, json_get(health, "modules"))
    {
        print_health_row(&table, json_get_string(module, "name"),
                         json_get_string(module, "version"), health_word(module, "status"),
                         json_get_string(module, "message"));
    }
    table_print(&table);
}

static int run_health(struct cli *cli, const struct agent_options *options, char *operands[],
                      struct err **err)
{
    (void)operands;
    AUTO_JSON cJSON *response = NULL;
    if (call(cli, options, "GetHealth", cJSON_CreateObject(), CALL_DEADLINE_MS, &response, err) < 0)
        return -1;
    if (wants_json(cli))
        output_json(cli, json_get(response, "health"));
    else
        print_health(json_get(response, "health"));
    return 0;
}

static int run_commands(struct cli *cli, const struct agent_options *options, char *operands[],
                        struct err **err)
{
    static const char *const titles[] = {"COMMAND", "DESCRIPTION", NULL};
    static const char *const keys[] = {"id", "description", NULL};
    (void)operands;
    AUTO_JSON cJSON *response = NULL;
    if (call(cli, options, "ListCommands", cJSON_CreateObject(), CALL_DEADLINE_MS, &response, err) <
        0)
        return -1;
    if (wants_json(cli))
        output_json(cli, response);
    else
        print_items(json_get(response, "commands"), titles, keys);
    return 0;
}

/* -- the command -- */

static const struct {
    const char *word;
    int operands;
    const char *synopsis;
    int (*run)(struct cli *cli, const struct agent_options *options, char *operands[],
               struct err **err);
} subcommands[] = {
    {"install", 1, "URL --name N --version V", run_install},
    {"uninstall", 2, "NAME VERSION", run_uninstall},
    {"switch", 2, "NAME VERSION", run_switch},
    {"list", 0, "", run_list},
    {"health", 0, "", run_health},
    {"commands", 0, "", run_commands},
};

static const char *const words[] = {"install", "uninstall", "switch", "list",
                                    "health",  "commands",  NULL};

static int run(struct cli *cli, const void *options, char *operands[], int count, struct err **err)
{
    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
        if (!str_eq(operands[0], subcommands[i].word))
            continue;
        if (count - 1 != subcommands[i].operands)
            return cli_usage(err, "usage: agent %s %s", subcommands[i].word,
                             subcommands[i].synopsis);
        return subcommands[i].run(cli, options, operands + 1, err);
    }
    const char *nearest = str_nearest(operands[0], words, ARRAY_LEN(words) - 1);
    if (nearest)
        return cli_usage(err, "agent: \"%.100s\" is not known; did you mean %s?", operands[0],
                         nearest);
    return cli_usage(err,
                     "agent: \"%.100s\" is not known; it is install, uninstall, switch, list, "
                     "health or commands",
                     operands[0]);
}

const struct command agent_command = {
    .name = "agent",
    .synopsis = "--address HOST:PORT install|uninstall|switch|list|health|commands ...",
    .summary = "talk to one agent",
    .about = "Talks to the agent of one base, past the controller:\n"
             "  install URL --name N --version V [--strategy S]\n"
             "  uninstall NAME VERSION\n"
             "  switch NAME VERSION     make that version the active one\n"
             "  list                    the modules on the base\n"
             "  health                  of the base, its JVM and each module\n"
             "  commands                those of its Arklet",
    .options = specs,
    .options_size = sizeof(struct agent_options),
    .operands_min = 1,
    .operands_max = 3,
    .words = words,
    .run = run,
};
