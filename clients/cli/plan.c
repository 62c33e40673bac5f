/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients/cli/commands.h"
#include "clients/cli/documents.h"
#include "clients/cli/output.h"
#include "clients/cli/plan_view.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define TEXT_MAX (2 * LIMIT_RPC_MESSAGE)

struct plan_options {
    struct cli_options common;
    char *file;
};

static const struct option_spec specs[] = {
    COMMAND_OPTION_FILE(struct plan_options, "what would be applied"),
    {.name = NULL},
};

static void print(const struct cli *cli, const char *name, const cJSON *response)
{
    AUTO_STR struct str out = STR_INIT(TEXT_MAX);
    plan_view(name, response, cli->output == OUTPUT_WIDE, &out);
    (void)fputs(str_text(&out), stdout);
}

/* @deployment is consumed. */
static int plan_one(struct cli *cli, cJSON *deployment, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    AUTO_FREE char *name = mem_strdup(json_get_string(deployment, "metadata.name"));
    cJSON *request = cJSON_CreateObject();
    cJSON_AddItemToObject(request, "moduleDeployment", deployment);
    if (cli_call(cli, &koupleless__controller__v1__release_service__descriptor, "PlanRelease",
                 request, &response, err) < 0)
        return -1;
    if (cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML)
        output_json(cli, response);
    else
        print(cli, name, response);
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
    .about = "Shows what a release would do, and changes nothing: its batches, what is done on "
             "which base, how\n"
             "many instances are unavailable at once, how long it takes, the writes to the store, "
             "and what\n"
             "would hold it up. NAME shows what is left to do.",
    .options = specs,
    .options_size = sizeof(struct plan_options),
    .operands_max = 1,
    .run = run,
};
