/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/commands.h"

#include "lib/base/str.h"
#include "tests/support/arklet-sim/answers.h"
#include "tests/support/arklet-sim/execution.h"
#include "tests/support/arklet-sim/health.h"
#include "tests/support/arklet-sim/records.h"

struct command {
    const char *id;
    const char *description;
    cJSON *(*answer)(struct base *base, const cJSON *input); /* NULL: changes modules */
    struct failure *(*check)(const cJSON *input); /* of those that change modules; NULL = good */
    enum execution_kind kind;
    enum sim_runtime since;
};

/* -- commands that only tell -- */

static cJSON *help(struct base *base, const cJSON *input);

static cJSON *query_all(struct base *base, const cJSON *input)
{
    cJSON *data = cJSON_CreateArray();

    (void)input;
    MODULES_FOR_EACH (module, &base->modules)
        cJSON_AddItemToArray(data, module_json(module, base_style(base)));
    return answer_success(base, data);
}

static cJSON *refuse(struct failure *failure)
{
    cJSON *answer = answer_error(failure);

    failure_free(failure);
    return answer;
}

static cJSON *query_operation(struct base *base, const cJSON *input)
{
    if (!input)
        return refuse(failure_invalid("request is null"));
    if (input_blank(input, "requestId"))
        return refuse(failure_invalid("requestId is blank"));

    AUTO_FREE char *request_id = input_text(input, "requestId");
    const struct record *record = record_find(base, request_id);
    if (!record)
        return answer_failed(base, NULL, "Not found the corresponding ops record.");
    return answer_success(base, record_json(record));
}

/* As the command that tests/support/javabase adds to its Arklet. */
static cJSON *query_requests(struct base *base, const cJSON *input)
{
    if (input_blank(input, "bizName"))
        return refuse(failure_invalid("bizName should not be blank"));
    if (input_blank(input, "bizVersion"))
        return refuse(failure_invalid("bizVersion should not be blank"));

    AUTO_FREE char *name = input_text(input, "bizName");
    AUTO_FREE char *version = input_text(input, "bizVersion");
    const struct module *module = modules_find(&base->modules, name, version);
    if (!module || !module->serving)
        return answer_failed(base, NULL, "no web context of %s:%s", name, version);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddNumberToObject(data, "requests", module->requests);
    return answer_success(base, data);
}

/* -- checks of those that change modules, in Arklet's order -- */

static struct failure *check_async(const cJSON *input)
{
    if (input_bool(input, "async") && input_blank(input, "requestId"))
        return failure_invalid("requestId should not be blank when async is true");
    return NULL;
}

static struct failure *check_install_fields(const cJSON *input)
{
    if (input_blank(input, "bizUrl"))
        return failure_invalid("bizUrl should not be blank");
    if (input_blank(input, "bizName") != input_blank(input, "bizVersion"))
        return failure_invalid("bizName and bizVersion should be both blank or both not blank.");
    return NULL;
}

static struct failure *check_install(const cJSON *input)
{
    if (!input)
        return failure_null_input("InstallBizHandler", "isAsync");
    struct failure *failure = check_async(input);
    return failure ? failure : check_install_fields(input);
}

static struct failure *check_batch(const cJSON *input)
{
    const cJSON *list = input_item(input, "bizList"), *one;

    if (!input)
        return failure_null_input("BatchInstallBizHandler", "getBizList");
    if (!cJSON_IsArray(list))
        return failure_invalid("bizList is null");
    struct failure *failure = check_async(input);
    cJSON_ArrayForEach(one, list)
    {
        if (!failure)
            failure = check_install_fields(one);
    }
    return failure;
}

static struct failure *check_identity(const cJSON *input)
{
    if (input_blank(input, "bizName"))
        return failure_invalid("bizName should not be blank");
    if (input_blank(input, "bizVersion"))
        return failure_invalid("bizVersion should not be blank");
    return check_async(input);
}

static struct failure *check_uninstall(const cJSON *input)
{
    return input ? check_identity(input) : failure_null_input("UninstallBizHandler", "getBizName");
}

static struct failure *check_switch(const cJSON *input)
{
    return input ? check_identity(input) : failure_null_input("SwitchBizHandler", "getBizName");
}

/* -- the table, in the order in which help shows it -- */

static const struct command commands[] = {
    {.id = "health", .description = "get all health info", .answer = health_answer},
    {.id = "queryAllBiz",
     .description = "query all ark biz(including master biz)",
     .answer = query_all},
    {.id = "help", .description = "list all supported commands", .answer = help},
    {.id = "batchInstallBiz",
     .description = "install one ark biz",
     .check = check_batch,
     .kind = EXECUTION_BATCH,
     .since = SIM_RUNTIME_2_1_11},
    {.id = "uninstallBiz",
     .description = "uninstall one ark biz",
     .check = check_uninstall,
     .kind = EXECUTION_UNINSTALL},
    {.id = "switchBiz",
     .description = "switch one ark biz",
     .check = check_switch,
     .kind = EXECUTION_SWITCH},
    {.id = "installBiz",
     .description = "install one ark biz",
     .check = check_install,
     .kind = EXECUTION_INSTALL},
    {.id = "queryBizRequests",
     .description = "count the requests under way in one ark biz",
     .answer = query_requests},
    {.id = "queryBizOps", .description = "query ark biz ops", .answer = query_operation},
};

static bool offered(const struct base *base, const struct command *command)
{
    const struct sim_options *options = &base->sim->options;
    return options->runtime >= command->since &&
           (command->answer != query_requests || options->count_requests);
}

static const struct command *find(const struct base *base, const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (str_eq(commands[i].id, id) && offered(base, &commands[i]))
            return &commands[i];
    }
    return NULL;
}

static cJSON *help(struct base *base, const cJSON *input)
{
    cJSON *data = cJSON_CreateArray();

    (void)input;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!offered(base, &commands[i]))
            continue;
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "desc", commands[i].description);
        cJSON_AddStringToObject(one, "id", commands[i].id);
        cJSON_AddItemToArray(data, one);
    }
    return answer_success(base, data);
}

bool command_exists(const struct base *base, const char *id)
{
    return find(base, id) != NULL;
}

void command_run(struct base *base, const char *id, const cJSON *input, command_done_fn *done,
                 void *arg)
{
    const struct command *command = find(base, id);

    if (command->answer) {
        done(arg, command->answer(base, input));
        return;
    }
    struct failure *failure = command->check(input);
    if (failure)
        done(arg, refuse(failure));
    else
        execution_start(base, command->kind, command->id, input, done, arg);
}
