/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_AGENT_H
#define KOUPLELESS_CLI_AGENT_H

#include "clients/cli/cli.h"
#include "clients/cli/table.h"

/* Between agent.c (the command, and its table) and the files of what comes behind it. */

#define AGENT_DEADLINE_MS 30000 /* of what is answered at once */

struct agent_options {
    struct cli_options common;
    char *address, *name, *version, *strategy, *md5, *sha256, *operation_id, *module, *file;
    struct option_list args;
    int64_t timeout_ms, drain_ms;
    bool no_wait, running, watch;
};

/* Does what comes behind "agent", with the words behind that. */
typedef int agent_run_fn(struct cli *cli, const struct agent_options *options, char *operands[],
                         int count, struct err **err);

/* agent_operations.c: what changes the base. */
agent_run_fn agent_install, agent_uninstall, agent_switch, agent_prefetch, agent_drain;

/** agent_install_file() - agent_batch.c: the modules of --file. */
int agent_install_file(struct cli *cli, const struct agent_options *options, struct err **err);

/* agent_history.c: what became of it. */
agent_run_fn agent_list_operations, agent_get_operation;

/* agent_questions.c: how the base is. */
agent_run_fn agent_list, agent_health, agent_commands;

/** agent_call() - a call to the agent. @request is consumed. */
int agent_call(struct cli *cli, const struct agent_options *options, const char *method,
               cJSON *request, int64_t deadline_ms, cJSON **ret_response, struct err **err);

/** agent_stream() - cli_stream_on() of the agent, until the output can't be written. */
int agent_stream(struct cli *cli, const struct agent_options *options, const char *method,
                 cJSON *request, void (*fn)(void *user, const cJSON *answer), void *user,
                 struct err **err);

/** agent_wants_json() - whether objects are printed instead of text. */
bool agent_wants_json(const struct cli *cli);

/** agent_word() - "HEALTH_STATUS_UP" at @path without @prefix; "UNKNOWN" where nothing is there. */
const char *agent_word(const cJSON *json, const char *path, const char *prefix);

/** agent_print_rows() - @titles, and a row for each of @items with the members of @keys; NULL ends both. */
void agent_print_rows(struct table *table, const char *const *titles, const char *const *keys,
                      const cJSON *items);

/** agent_check_operation() - whether @operation did what it was asked to; if not, why. Return: -1 with @err. */
int agent_check_operation(const cJSON *operation, struct err **err);

/** agent_duration() - as a request has it: "1.500s". Owned. */
char *agent_duration(int64_t ms);

/** agent_add_strategy() - the enumerator of installOnly or uninstallThenInstall; nothing for NULL. Return: -1 with @err. */
int agent_add_strategy(cJSON *request, const char *strategy, struct err **err);

#endif
