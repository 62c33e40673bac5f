/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients/cli/commands.h"
#include "clients/cli/output.h"

static int run(struct cli *cli, const void *options, char *operands[], int count, struct err **err)
{
    (void)options;
    (void)operands;
    (void)count;
    (void)err;
    if (cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML) {
        AUTO_JSON cJSON *version = cJSON_CreateObject();
        cJSON_AddStringToObject(version, "version", KOUPLELESS_VERSION);
        output_json(cli, version);
        return 0;
    }
    printf("%s %s\n", cli->program, KOUPLELESS_VERSION);
    return 0;
}

const struct command version_command = {
    .name = "version",
    .synopsis = "",
    .summary = "show the version",
    .about = "Shows the version of this program.",
    .options_size = sizeof(struct cli_options),
    .run = run,
};
