/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that steer a release: each is one call about one ModuleDeployment. */
#include "clients/cli/columns.h"
#include "clients/cli/commands.h"
#include "clients/cli/objects.h"
#include "clients/cli/output.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

/* Calls @method with @request (consumed), and says what was @done. */
static int steer(struct cli *cli, const char *method, cJSON *request, const char *done,
                 struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    if (cli_call(cli, &koupleless__controller__v1__release_service__descriptor, method, request,
                 &response, err) < 0)
        return -1;
    output_done(cli, kind_of(KIND_MODULE_DEPLOYMENT), json_get(response, "moduleDeployment"), done);
    return 0;
}

/* -- scale -- */

struct scale_options {
    struct cli_options common;
    char *replicas; /* text: 0 differs from not given */
};

static const struct option_spec scale_specs[] = {
    {.name = "replicas",
     .type = OPTION_STRING,
     .offset = offsetof(struct scale_options, replicas),
     .value = "N",
     .help = "instances; -1 = one on every base"},
    {.name = NULL},
};

static int run_scale(struct cli *cli, const void *user_options, char *operands[], int count,
                     struct err **err)
{
    (void)count;
    const struct scale_options *options = user_options;
    int64_t replicas = 0;
    if (str_empty(options->replicas))
        return cli_usage(err, "scale needs --replicas N");
    if (!str_parse_int64(options->replicas, -1, LIMIT_REPLICAS, &replicas))
        return cli_usage(err, "--replicas: must be a number from -1 to %d, not \"%.100s\"",
                         LIMIT_REPLICAS, options->replicas);
    cJSON *request = cli_request(cli, operands[0]);
    cJSON_AddNumberToObject(request, "replicas", (double)replicas);
    return steer(cli, "ScaleModuleDeployment", request, "scaled", err);
}

const struct command scale_command = {
    .name = "scale",
    .synopsis = "NAME --replicas N",
    .summary = "change the number of instances",
    .about = "Changes the number of instances of a ModuleDeployment, in batches.",
    .options = scale_specs,
    .options_size = sizeof(struct scale_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run_scale,
};

/* -- undo -- */

struct undo_options {
    struct cli_options common;
    int64_t to_revision;
};

static const struct option_spec undo_specs[] = {
    {.name = "to-revision",
     .type = OPTION_INT,
     .offset = offsetof(struct undo_options, to_revision),
     .value = "N",
     .help = "revision to return to (default the one before)",
     .min = 0,
     .max = INT32_MAX},
    {.name = NULL},
};

static int run_undo(struct cli *cli, const void *user_options, char *operands[], int count,
                    struct err **err)
{
    (void)count;
    const struct undo_options *options = user_options;
    cJSON *request = cli_request(cli, operands[0]);
    cJSON_AddNumberToObject(request, "toRevision", (double)options->to_revision);
    return steer(cli, "UndoRelease", request, "rolled back", err);
}

const struct command undo_command = {
    .name = "undo",
    .synopsis = "NAME [--to-revision N]",
    .summary = "return to an earlier revision",
    .about = "Returns to an earlier revision, in batches. `history NAME` lists them.",
    .options = undo_specs,
    .options_size = sizeof(struct undo_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run_undo,
};

/* -- confirm -- */

struct confirm_options {
    struct cli_options common;
    int64_t batch;
};

static const struct option_spec confirm_specs[] = {
    {.name = "batch",
     .type = OPTION_INT,
     .offset = offsetof(struct confirm_options, batch),
     .value = "N",
     .help =
         "the batch that is confirmed; refused if another one waits (default the one that waits)",
     .min = 0,
     .max = INT32_MAX},
    {.name = NULL},
};

static int run_confirm(struct cli *cli, const void *user_options, char *operands[], int count,
                       struct err **err)
{
    (void)count;
    const struct confirm_options *options = user_options;
    cJSON *request = cli_request(cli, operands[0]);
    cJSON_AddNumberToObject(request, "batch", (double)options->batch);
    return steer(cli, "ConfirmBatch", request, "confirmed", err);
}

const struct command confirm_command = {
    .name = "confirm",
    .synopsis = "NAME [--batch N]",
    .summary = "confirm the batch that waits for a person",
    .about = "Confirms the batch that waits for a person, so that the next one begins.",
    .options = confirm_specs,
    .options_size = sizeof(struct confirm_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run_confirm,
};

/* -- those that need no more than the name -- */

#define PLAIN_COMMAND(word, Method, done_word, summary_text, about_text)                           \
    static int run_##word(struct cli *cli, const void *options, char *operands[], int count,       \
                          struct err **err)                                                        \
    {                                                                                              \
        (void)options;                                                                             \
        (void)count;                                                                               \
        return steer(cli, Method, cli_request(cli, operands[0]), done_word, err);                  \
    }                                                                                              \
    const struct command word##_command = {                                                        \
        .name = #word,                                                                             \
        .synopsis = "NAME",                                                                        \
        .summary = summary_text,                                                                   \
        .about = about_text,                                                                       \
        .options_size = sizeof(struct cli_options),                                                \
        .operands_min = 1,                                                                         \
        .operands_max = 1,                                                                         \
        .run = run_##word,                                                                         \
    };

PLAIN_COMMAND(restart, "RestartModules", "restarted", "install the same version again",
              "Installs the same version again on every instance, in batches.")
PLAIN_COMMAND(pause, "PauseRelease", "paused", "pause a release",
              "Pauses a release at once: what runs is finished, nothing new begins.")
PLAIN_COMMAND(
    resume, "ResumeRelease", "resumed", "continue a paused release",
    "Continues a release that a person paused or gave up. Where it was given up by itself,\n"
    "without progress or for the last good revision, it is tried again.")
PLAIN_COMMAND(abort, "AbortRelease", "aborted", "give a release up",
              "Gives a release up: what was changed stays as it is. `undo NAME` goes back.")

/* -- history -- */

static int run_history(struct cli *cli, const void *options, char *operands[], int count,
                       struct err **err)
{
    (void)options;
    (void)count;
    const struct cli_kind *deployments = kind_of(KIND_MODULE_DEPLOYMENT);
    AUTO_JSON cJSON *deployment = objects_get(cli, deployments, operands[0], err);
    AUTO_JSON cJSON *revisions =
        deployment ? objects_revisions(cli, cli->namespace, operands[0], err) : NULL;
    if (!revisions)
        return -1;
    output_list(cli, kind_of(KIND_MODULE_REPLICASET), revisions);
    return 0;
}

const struct command history_command = {
    .name = "history",
    .synopsis = "NAME",
    .summary = "list the revisions that are kept",
    .about = "Lists the revisions of a ModuleDeployment that are kept, newest first.",
    .options_size = sizeof(struct cli_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run_history,
};
