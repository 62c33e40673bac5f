/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients/cli/commands.h"
#include "clients/cli/documents.h"
#include "clients/cli/output.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/str.h"

struct apply_options {
    struct cli_options common;
    char *file;
};

static const struct option_spec specs[] = {
    COMMAND_OPTION_FILE(struct apply_options, "YAML or JSON documents"),
    {.name = NULL},
};

/* All documents are good before the first is sent. Return: an array of requests' objects, or NULL. */
static cJSON *check_all(const struct cli *cli, const struct documents *documents, struct err **err)
{
    AUTO_JSON cJSON *objects = cJSON_CreateArray();
    for (size_t i = 0; i < documents->items.len; i++) {
        const struct document *document = &documents->items.items[i];
        if (document->kind != KIND_MODULE_DEPLOYMENT) {
            err_field(err, "kind", "a %s can't be applied here: only ModuleDeployments can",
                      kind_name(document->kind));
            document_fail(document, err);
            return NULL;
        }
        cJSON *object = document_deployment(document, cli->namespace, cli->namespace_given, err);
        if (!object)
            return NULL;
        cJSON_AddItemToArray(objects, object);
    }
    return TAKE(objects);
}

static const char *result_word(const cJSON *response)
{
    const char *result = json_get_string(response, "result");
    if (str_eq(result, "APPLY_RESULT_CREATED"))
        return "created";
    return str_eq(result, "APPLY_RESULT_CONFIGURED") ? "configured" : "unchanged";
}

static int send_one(struct cli *cli, const cJSON *object, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    cJSON *request = cJSON_CreateObject();
    cJSON_AddItemToObject(request, "moduleDeployment",
                          cJSON_Duplicate(object, /* recurse= */ true));
    if (cli_call(cli, &koupleless__controller__v1__release_service__descriptor,
                 "ApplyModuleDeployment", request, &response, err) < 0)
        return -1;
    output_done(cli, kind_of(KIND_MODULE_DEPLOYMENT), json_get(response, "moduleDeployment"),
                result_word(response));
    return 0;
}

static int run(struct cli *cli, const void *user_options, char *operands[], int count,
               struct err **err)
{
    (void)operands;
    (void)count;
    const struct apply_options *options = user_options;
    AUTO_DOCUMENTS struct documents documents = {0};
    if (str_empty(options->file))
        return cli_usage(err, "apply needs -f FILE|DIR|-");
    if (documents_read(options->file, &documents, err) < 0)
        return -1;
    AUTO_JSON cJSON *objects = check_all(cli, &documents, err);
    if (!objects)
        return -1;
    const cJSON *object;
    size_t i = 0;
    cJSON_ArrayForEach(object, objects)
    {
        if (send_one(cli, object, err) < 0)
            return document_fail(&documents.items.items[i], err);
        i++;
    }
    return 0;
}

const struct command apply_command = {
    .name = "apply",
    .synopsis = "-f FILE|DIR|-",
    .summary = "create or update ModuleDeployments",
    .about =
        "Creates or updates the ModuleDeployments of the documents. All are checked before the\n"
        "first is sent: an unknown field is an error. An update leaves replicas, pause and\n"
        "confirmBatchNum alone where the document does not give them.",
    .options = specs,
    .options_size = sizeof(struct apply_options),
    .run = run,
};
