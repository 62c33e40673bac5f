/* SPDX-License-Identifier: Apache-2.0 */
/* What changes a base: each is an operation of its agent, whose end is waited for. */
#include <stdio.h>

#include "clients/cli/agent.h"
#include "clients/cli/columns.h"
#include "clients/cli/output.h"
#include "lib/base/str.h"

int agent_check_operation(const cJSON *operation, struct err **err)
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

/* What is said of it where nobody waits for its end. */
static int tell_begun(const struct cli *cli, const cJSON *operation)
{
    if (!agent_wants_json(cli))
        printf("operation/%s begun\n", json_get_string(operation, "id"));
    return 0;
}

static void add_common(cJSON *request, const struct agent_options *options)
{
    if (options->operation_id)
        cJSON_AddStringToObject(request, "operationId", options->operation_id);
    if (options->timeout_ms || options->no_wait) {
        AUTO_FREE char *wait = agent_duration(options->no_wait ? 0 : options->timeout_ms);
        cJSON_AddStringToObject(request, "wait", wait);
    }
}

/*
 * The agent is asked to answer at the time-out with what it has, so the deadline of the call is later.
 * @done: what is said of the module afterwards.
 */
static int operate(struct cli *cli, const struct agent_options *options, const char *method,
                   cJSON *request, const char *done, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    bool waits_for_ever = !options->timeout_ms && !options->no_wait;
    int64_t deadline_ms = waits_for_ever ? 0 : options->timeout_ms + AGENT_DEADLINE_MS;
    add_common(request, options);
    if (agent_call(cli, options, method, request, deadline_ms, &response, err) < 0)
        return -1;
    const cJSON *operation = json_get(response, "operation");
    if (agent_wants_json(cli))
        output_json(cli, operation);
    if (options->no_wait)
        return tell_begun(cli, operation);
    if (agent_check_operation(operation, err) < 0)
        return -1;
    if (!agent_wants_json(cli))
        printf("module/%s:%s %s\n", json_get_string(operation, "module.name"),
               json_get_string(operation, "module.version"), done);
    return 0;
}

int agent_add_strategy(cJSON *request, const char *strategy, struct err **err)
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

/* A request about the module of @url; NULL where its name or version is missing. Owned. */
static cJSON *about_jar(const struct agent_options *options, const char *url)
{
    if (!url || str_empty(options->name) || str_empty(options->version))
        return NULL;
    cJSON *request = cJSON_CreateObject(), *module = cJSON_AddObjectToObject(request, "module");
    cJSON_AddStringToObject(module, "url", url);
    cJSON_AddStringToObject(module, "name", options->name);
    cJSON_AddStringToObject(module, "version", options->version);
    if (options->md5)
        cJSON_AddStringToObject(module, "md5", options->md5);
    if (options->sha256)
        cJSON_AddStringToObject(module, "sha256", options->sha256);
    return request;
}

int agent_install(struct cli *cli, const struct agent_options *options, char *operands[], int count,
                  struct err **err)
{
    if (options->file)
        return count ? cli_usage(err, "agent install: a URL and -f can't be given together")
                     : agent_install_file(cli, options, err);
    cJSON *request = about_jar(options, count ? operands[0] : NULL);
    if (!request)
        return cli_usage(err, "agent install needs URL --name N --version V, or -f FILE|-");
    if (agent_add_strategy(request, options->strategy, err) < 0) {
        json_free(request);
        return -1;
    }
    cJSON *args = options->args.len ? cJSON_AddArrayToObject(request, "args") : NULL;
    for (size_t i = 0; i < options->args.len; i++)
        cJSON_AddItemToArray(args, cJSON_CreateString(options->args.items[i]));
    return operate(cli, options, "InstallModule", request, "installed", err);
}

int agent_prefetch(struct cli *cli, const struct agent_options *options, char *operands[],
                   int count, struct err **err)
{
    (void)count;
    cJSON *request = about_jar(options, operands[0]);
    if (!request)
        return cli_usage(err, "agent prefetch needs URL --name N --version V");
    return operate(cli, options, "PrefetchModule", request, "fetched", err);
}

static cJSON *about_version(char *operands[])
{
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "name", operands[0]);
    cJSON_AddStringToObject(request, "version", operands[1]);
    return request;
}

int agent_uninstall(struct cli *cli, const struct agent_options *options, char *operands[],
                    int count, struct err **err)
{
    (void)count;
    return operate(cli, options, "UninstallModule", about_version(operands), "uninstalled", err);
}

int agent_switch(struct cli *cli, const struct agent_options *options, char *operands[], int count,
                 struct err **err)
{
    (void)count;
    return operate(cli, options, "SwitchModule", about_version(operands), "active", err);
}

static void add_duration(cJSON *request, const char *key, int64_t ms)
{
    AUTO_FREE char *text = agent_duration(ms);
    if (ms)
        cJSON_AddStringToObject(request, key, text);
}

static int tell_drained(const cJSON *response, char *operands[], struct err **err)
{
    int64_t left = number_at(response, "requests");
    if (left)
        return err_set(err, ERR_TIMEOUT, "%lld requests are under way in %s %s", (long long)left,
                       operands[0], operands[1]);
    printf("module/%s:%s %s\n", operands[0], operands[1],
           cJSON_IsTrue(json_get(response, "counted"))
               ? "drained"
               : "waited for: its base does not count requests under way");
    return 0;
}

/* No operation: nothing is remembered of it. */
int agent_drain(struct cli *cli, const struct agent_options *options, char *operands[], int count,
                struct err **err)
{
    (void)count;
    AUTO_JSON cJSON *response = NULL;
    cJSON *request = about_version(operands);
    add_duration(request, "drainTime", options->drain_ms);
    add_duration(request, "maxWait", options->timeout_ms);
    /* No deadline: the agent ends it in time. */
    if (agent_call(cli, options, "DrainModule", request, 0, &response, err) < 0)
        return -1;
    if (!agent_wants_json(cli))
        return tell_drained(response, operands, err);
    output_json(cli, response);
    return 0;
}
