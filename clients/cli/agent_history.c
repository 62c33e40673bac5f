/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent was asked to do, and what became of it. */
#include <stdio.h>

#include "clients/cli/agent.h"
#include "clients/cli/columns.h"
#include "clients/cli/output.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

/* Why it failed, or how far its download is. */
static void add_message(const cJSON *operation, struct str *out)
{
    const char *code = json_get_string(operation, "error.code");
    const char *message = json_get_string(operation, "error.message");
    int64_t bytes = number_at(operation, "downloadedBytes"),
            total = number_at(operation, "totalBytes");
    if (code)
        str_printf(out, "%s: %s", code, message ? message : "");
    else if (str_eq(json_get_string(operation, "state"), "OPERATION_STATE_DOWNLOADING") && total)
        str_printf(out, "%lld of %lld bytes", (long long)bytes, (long long)total);
    else if (str_eq(json_get_string(operation, "state"), "OPERATION_STATE_DOWNLOADING"))
        str_printf(out, "%lld bytes", (long long)bytes);
}

static void add_row(struct table *table, const cJSON *operation)
{
    AUTO_STR struct str message = STR_INIT(LIMIT_MESSAGE * 2);
    AUTO_FREE char *age =
        age_text(json_get_string(operation, "startTime"), clock_wall_ms(clock_real()));
    add_message(operation, &message);
    table_row(table);
    table_cell(table, json_get_string(operation, "id"));
    table_cell(table, json_get_string(operation, "type"));
    table_cell(table, json_get_string(operation, "module.name"));
    table_cell(table, json_get_string(operation, "module.version"));
    table_cell(table, agent_word(operation, "state", "OPERATION_STATE_"));
    table_cell(table, age);
    table_cell(table, str_text(&message));
}

static void print_rows(struct table *table, bool head, const cJSON *operations)
{
    static const char *const titles[] = {"ID",    "TYPE", "MODULE", "VERSION",
                                         "STATE", "AGE",  "MESSAGE"};
    const cJSON *operation;
    if (head)
        table_row(table);
    for (size_t i = 0; head && i < ARRAY_LEN(titles); i++)
        table_cell(table, titles[i]);
    cJSON_ArrayForEach(operation, operations)
    {
        add_row(table, operation);
    }
    table_print(table);
}

/* -- watch -- */

struct watch {
    const struct cli *cli;
    struct table table;
    bool head; /* the titles were printed */
};

static void on_operations(void *user, const cJSON *answer)
{
    struct watch *watch = user;
    const cJSON *operations = json_get(answer, "operations"), *operation;
    if (!agent_wants_json(watch->cli)) {
        print_rows(&watch->table, !watch->head, operations);
        watch->head = true;
        return;
    }
    cJSON_ArrayForEach(operation, operations)
    {
        if (watch->cli->output == OUTPUT_YAML)
            puts("---");
        output_json(watch->cli, operation);
    }
}

static cJSON *which(const struct agent_options *options)
{
    cJSON *request = cJSON_CreateObject();
    if (options->module)
        cJSON_AddStringToObject(request, "module", options->module);
    if (options->running)
        cJSON_AddTrueToObject(request, "running");
    return request;
}

static int watch_operations(struct cli *cli, const struct agent_options *options, struct err **err)
{
    struct watch watch = {.cli = cli};
    int result =
        agent_stream(cli, options, "WatchOperations", which(options), on_operations, &watch, err);
    table_done(&watch.table);
    return result;
}

/* -- once -- */

int agent_list_operations(struct cli *cli, const struct agent_options *options, char *operands[],
                          int count, struct err **err)
{
    (void)operands;
    (void)count;
    AUTO_JSON cJSON *response = NULL;
    AUTO_TABLE struct table table = {0};
    if (options->watch)
        return watch_operations(cli, options, err);
    if (agent_call(cli, options, "ListOperations", which(options), AGENT_DEADLINE_MS, &response,
                   err) < 0)
        return -1;
    if (agent_wants_json(cli))
        output_json(cli, response);
    else
        print_rows(&table, /* head= */ true, json_get(response, "operations"));
    return 0;
}

int agent_get_operation(struct cli *cli, const struct agent_options *options, char *operands[],
                        int count, struct err **err)
{
    (void)count;
    AUTO_JSON cJSON *response = NULL;
    AUTO_TABLE struct table table = {0};
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "operationId", operands[0]);
    if (options->timeout_ms) {
        AUTO_FREE char *wait = agent_duration(options->timeout_ms);
        cJSON_AddStringToObject(request, "wait", wait);
    }
    if (agent_call(cli, options, "GetOperation", request, options->timeout_ms + AGENT_DEADLINE_MS,
                   &response, err) < 0)
        return -1;
    if (agent_wants_json(cli)) {
        output_json(cli, json_get(response, "operation"));
        return 0;
    }
    AUTO_JSON cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, cJSON_DetachItemFromObjectCaseSensitive(response, "operation"));
    print_rows(&table, /* head= */ true, list);
    return 0;
}
