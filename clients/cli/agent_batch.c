/* SPDX-License-Identifier: Apache-2.0 */
/* The modules of a file, installed together: the file is a BatchInstallRequest as YAML or JSON. */
#include <stdio.h>

#include "clients/cli/agent.h"
#include "clients/cli/output.h"
#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"

/* The one document of the file. NULL with @err. Owned. */
static cJSON *read_request(const char *path, struct err **err)
{
    size_t len = 0;
    AUTO_FREE char *text =
        file_read(str_eq(path, "-") ? "/dev/stdin" : path, LIMIT_YAML_FILE, &len, err);
    AUTO_JSON cJSON *documents = NULL;
    if (!text || yaml_parse(text, len, &documents, err) < 0)
        return NULL;
    if (cJSON_GetArraySize(documents) != 1 || !cJSON_IsObject(documents->child)) {
        err_set(err, ERR_INVALID, "must be one document with the key installs");
        return NULL;
    }
    return cJSON_DetachItemFromArray(documents, 0);
}

/* In files too the strategy is the word of --strategy, or the name that the API has for it. */
static int spell_strategy(cJSON *install, struct err **err)
{
    const char *strategy = json_get_string(install, "strategy");
    if (!strategy || str_starts_with(strategy, "INSTALL_STRATEGY_"))
        return 0;
    AUTO_JSON cJSON *word = cJSON_DetachItemFromObjectCaseSensitive(install, "strategy");
    return agent_add_strategy(install, word->valuestring, err);
}

static int spell_strategies(cJSON *request, struct err **err)
{
    cJSON *install;
    cJSON_ArrayForEach(install, cJSON_GetObjectItemCaseSensitive(request, "installs"))
    {
        if (spell_strategy(install, err) < 0)
            return -1;
    }
    return 0;
}

/* Each that succeeded is told; of those that failed the first. */
static int tell_all(const struct cli *cli, const cJSON *operations, struct err **err)
{
    const cJSON *operation, *first_failed = NULL;
    int failed = 0;
    cJSON_ArrayForEach(operation, operations)
    {
        const char *name = json_get_string(operation, "module.name");
        const char *version = json_get_string(operation, "module.version");
        if (agent_check_operation(operation, NULL) == 0 && !agent_wants_json(cli))
            printf("module/%s:%s installed\n", name, version);
        if (agent_check_operation(operation, NULL) == 0)
            continue;
        first_failed = first_failed ? first_failed : operation;
        failed++;
    }
    if (!failed)
        return 0;
    agent_check_operation(first_failed, err);
    return err_wrap(err, "%d of %d failed; %s %s", failed, cJSON_GetArraySize(operations),
                    json_get_string(first_failed, "module.name"),
                    json_get_string(first_failed, "module.version"));
}

int agent_install_file(struct cli *cli, const struct agent_options *options, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    if (options->name || options->version || options->strategy || options->md5 || options->sha256 ||
        options->args.len || options->operation_id || options->timeout_ms || options->no_wait)
        return cli_usage(
            err, "agent install: with -f all stands in the file, and the end is waited for");
    cJSON *request = read_request(options->file, err);
    if (!request)
        return err_wrap(err, "%s", options->file);
    if (spell_strategies(request, err) < 0) {
        json_free(request);
        return err_wrap(err, "%s", options->file);
    }
    if (agent_call(cli, options, "BatchInstall", request, 0, &response, err) < 0)
        return -1;
    if (agent_wants_json(cli))
        output_json(cli, response);
    return tell_all(cli, json_get(response, "operations"), err);
}
