/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "clients/cli/columns.h"
#include "clients/cli/commands.h"
#include "clients/cli/documents.h"
#include "clients/cli/output.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/str.h"

struct plan_options {
    struct cli_options common;
    char *file;
};

static const struct option_spec specs[] = {
    COMMAND_OPTION_FILE(struct plan_options, "what would be applied"),
    {.name = NULL},
};

static void print_changes(const cJSON *response)
{
    AUTO_TABLE struct table table = {0};
    table_row(&table);
    table_cell(&table, "BATCH");
    table_cell(&table, "ACTION");
    table_cell(&table, "BASE");
    const cJSON *change;
    cJSON_ArrayForEach(change, json_get(response, "changes"))
    {
        AUTO_FREE char *batch = mem_printf("%" PRId64, number_at(change, "batch"));
        table_row(&table);
        table_cell(&table, batch);
        table_cell(&table, json_get_string(change, "action"));
        table_cell(&table, json_get_string(change, "baseName"));
    }
    table_print(&table);
}

/* @deployment is consumed. */
static int plan_one(struct cli *cli, cJSON *deployment, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    cJSON *request = cJSON_CreateObject();
    cJSON_AddItemToObject(request, "moduleDeployment", deployment);
    if (cli_call(cli, &koupleless__controller__v1__release_service__descriptor, "PlanRelease",
                 request, &response, err) < 0)
        return -1;
    if (cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML)
        output_json(cli, response);
    else
        print_changes(response);
    return 0;
}

static int plan_file(struct cli *cli, const char *file, struct err **err)
{
    AUTO_DOCUMENTS struct documents documents = {0};
    if (documents_read(file, &documents, err) < 0)
        return -1;
    for (size_t i = 0; i < documents.items.len; i++) {
        const struct document *document = &documents.items.items[i];
        cJSON *object = document_deployment(document, cli->namespace, cli->namespace_given, err);
        if (!object)
            return -1;
        if (plan_one(cli, object, err) < 0)
            return document_fail(document, err);
    }
    return 0;
}

static int run(struct cli *cli, const void *user_options, char *operands[], int count,
               struct err **err)
{
    const struct plan_options *options = user_options;
    bool from_file = !str_empty(options->file);
    if (from_file ? count != 0 : count != 1)
        return cli_usage(err, "plan needs NAME, or -f FILE|DIR|-");
    if (from_file)
        return plan_file(cli, options->file, err);
    cJSON *deployment = cJSON_CreateObject();
    cJSON_AddItemToObject(deployment, "metadata", cli_request(cli, operands[0]));
    return plan_one(cli, deployment, err);
}

const struct command plan_command = {
    .name = "plan",
    .synopsis = "NAME | -f FILE|DIR|-",
    .summary = "preview a release; changes nothing",
    .about =
        "Shows what a release would do: batches, bases and actions. NAME shows what is left to do.",
    .options = specs,
    .options_size = sizeof(struct plan_options),
    .operands_max = 1,
    .run = run,
};
