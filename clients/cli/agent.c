/* SPDX-License-Identifier: Apache-2.0 */
/* Talks to one agent, past the controller: to look at one base, or to drive it without one. */
#include "clients/cli/agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients/cli/commands.h"
#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/base/str.h"

#define TEXT(the_name, the_member, the_value, the_help)                                            \
    {                                                                                              \
        .name = the_name, .type = OPTION_STRING,                                                   \
        .offset = offsetof(struct agent_options, the_member), .value = the_value, .help = the_help \
    }
#define FLAG(the_name, the_letter, the_member, the_help)                                           \
    {                                                                                              \
        .name = the_name, .short_name = the_letter, .type = OPTION_BOOL,                           \
        .offset = offsetof(struct agent_options, the_member), .help = the_help                     \
    }
#define DURATION(the_name, the_member, the_help)                                                   \
    {                                                                                              \
        .name = the_name, .type = OPTION_DURATION,                                                 \
        .offset = offsetof(struct agent_options, the_member), .value = "DURATION",                 \
        .help = the_help                                                                           \
    }

static const struct option_spec specs[] = {
    {.name = "address",
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, address),
     .fallback = "127.0.0.1:1239",
     .value = "HOST:PORT",
     .help = "the agent"},
    {.name = "file",
     .short_name = 'f',
     .type = OPTION_STRING,
     .offset = offsetof(struct agent_options, file),
     .value = "FILE|-",
     .help = "install: several modules"},
    TEXT("name", name, "N", "install, prefetch: name of the module"),
    TEXT("version", version, "V", "install, prefetch: its version"),
    TEXT("strategy", strategy, "STRATEGY", "install: installOnly or uninstallThenInstall"),
    TEXT("md5", md5, "HEX", "install, prefetch: checked where given"),
    TEXT("sha256", sha256, "HEX", "install, prefetch: checked where given"),
    {.name = "arg",
     .type = OPTION_LIST,
     .offset = offsetof(struct agent_options, args),
     .value = "TEXT",
     .help = "install: an argument for its main; may be given several times"},
    TEXT("operation-id", operation_id, "ID",
         "of what is begun: the same again is not done twice (default: the agent makes one)"),
    DURATION(
        "timeout", timeout_ms,
        "longest wait for an operation, which goes on (default none); drain: for requests (30s)"),
    FLAG("no-wait", 0, no_wait, "say the id of the operation, and leave before its end"),
    DURATION("drain-time", drain_ms, "drain: how long to wait in any case (default 0s)"),
    TEXT("module", module, "N", "operations: only those on this module"),
    FLAG("running", 0, running, "operations: only those that have not ended"),
    FLAG("watch", 'w', watch, "operations, health: go on with each change"),
    {.name = NULL},
};

/* -- calls -- */

static int connect_agent(struct cli *cli, const struct agent_options *options, struct err **err)
{
    return cli_connect(cli, "address", options->address, err);
}

int agent_call(struct cli *cli, const struct agent_options *options, const char *method,
               cJSON *request, int64_t deadline_ms, cJSON **ret_response, struct err **err)
{
    if (connect_agent(cli, options, err) < 0) {
        json_free(request);
        return -1;
    }
    return cli_call_on(cli, &koupleless__agent__v1__agent_service__descriptor, method, request,
                       deadline_ms, ret_response, err);
}

struct printer {
    void (*fn)(void *user, const cJSON *answer);
    void *user;
};

static bool on_answer(void *user, const cJSON *answer)
{
    const struct printer *printer = user;
    printer->fn(printer->user, answer);
    return fflush(stdout) == 0;
}

int agent_stream(struct cli *cli, const struct agent_options *options, const char *method,
                 cJSON *request, void (*fn)(void *user, const cJSON *answer), void *user,
                 struct err **err)
{
    struct printer printer = {fn, user};
    if (connect_agent(cli, options, err) < 0) {
        json_free(request);
        return -1;
    }
    return cli_stream_on(cli, &koupleless__agent__v1__agent_service__descriptor, method, request,
                         on_answer, &printer, err);
}

/* -- what all of them print -- */

bool agent_wants_json(const struct cli *cli)
{
    return cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML;
}

const char *agent_word(const cJSON *json, const char *path, const char *prefix)
{
    const char *value = json_get_string(json, path);
    if (!value)
        return "UNKNOWN";
    return str_starts_with(value, prefix) ? value + strlen(prefix) : value;
}

void agent_print_rows(struct table *table, const char *const *titles, const char *const *keys,
                      const cJSON *items)
{
    const cJSON *item;
    table_row(table);
    for (size_t i = 0; titles[i]; i++)
        table_cell(table, titles[i]);
    cJSON_ArrayForEach(item, items)
    {
        table_row(table);
        for (size_t i = 0; keys[i]; i++)
            table_cell(table, json_get_string(item, keys[i]));
    }
    table_print(table);
}

char *agent_duration(int64_t ms)
{
    return mem_printf("%" PRId64 ".%03ds", ms / 1000, (int)(ms % 1000));
}

/* -- the command -- */

/* X(word, fewest and most operands, what they are, who does it). agent_command.about tells of each, too. */
#define SUBCOMMANDS(X)                                                                             \
    X("install", 0, 1, "URL --name N --version V, or -f FILE|-", agent_install)                    \
    X("uninstall", 2, 2, "NAME VERSION", agent_uninstall)                                          \
    X("switch", 2, 2, "NAME VERSION", agent_switch)                                                \
    X("prefetch", 1, 1, "URL --name N --version V", agent_prefetch)                                \
    X("drain", 2, 2, "NAME VERSION", agent_drain)                                                  \
    X("list", 0, 0, "", agent_list)                                                                \
    X("operations", 0, 0, "", agent_list_operations)                                               \
    X("operation", 1, 1, "ID", agent_get_operation)                                                \
    X("health", 0, 0, "", agent_health)                                                            \
    X("commands", 0, 0, "", agent_commands)

#define ROW(word, min, max, synopsis, run) {word, min, max, synopsis, run},
#define WORD(word, min, max, synopsis, run) word,

static const struct {
    const char *word;
    int operands_min, operands_max;
    const char *synopsis;
    agent_run_fn *run;
} subcommands[] = {SUBCOMMANDS(ROW)};

static const char *const words[] = {SUBCOMMANDS(WORD) NULL};

static int refuse_unknown(const char *word, struct err **err)
{
    const char *nearest = str_nearest(word, words, ARRAY_LEN(words) - 1);
    AUTO_STR struct str known = STR_INIT(256);
    if (nearest)
        return cli_usage(err, "agent: \"%.100s\" is not known; did you mean %s?", word, nearest);
    for (size_t i = 0; words[i]; i++)
        str_printf(&known, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    return cli_usage(err, "agent: \"%.100s\" is not known; it is %s", word, str_text(&known));
}

static int run(struct cli *cli, const void *options, char *operands[], int count, struct err **err)
{
    count--;
    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
        const char *synopsis = subcommands[i].synopsis;
        if (!str_eq(operands[0], subcommands[i].word))
            continue;
        if (count < subcommands[i].operands_min || count > subcommands[i].operands_max)
            return cli_usage(err, "usage: agent %s%s%s", operands[0], *synopsis ? " " : "",
                             synopsis);
        return subcommands[i].run(cli, options, operands + 1, count, err);
    }
    return refuse_unknown(operands[0], err);
}

const struct command agent_command = {
    .name = "agent",
    .synopsis = "--address HOST:PORT install|uninstall|switch|list|operations|health|... ...",
    .summary = "talk to one agent",
    .about = "Talks to the agent of one base, past the controller:\n"
             "  install URL --name N --version V [--strategy S] [--arg TEXT]...\n"
             "  install -f FILE|-       several modules: a BatchInstallRequest as YAML or JSON\n"
             "  uninstall NAME VERSION\n"
             "  switch NAME VERSION     make that version the active one\n"
             "  prefetch URL --name N --version V   fetch and check a jar\n"
             "  drain NAME VERSION [--drain-time D]   wait for requests under way\n"
             "  list                    the modules on the base\n"
             "  operations [--module N] [--running] [-w]   what the agent was asked to do\n"
             "  operation ID            one of them; with --timeout, at its end\n"
             "  health [-w]             of the base, its JVM and each module\n"
             "  commands                those of its Arklet",
    .options = specs,
    .options_size = sizeof(struct agent_options),
    .operands_min = 1,
    .operands_max = 3,
    .words = words,
    .run = run,
};
