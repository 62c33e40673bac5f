/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/execution.h"

#include "lib/base/str.h"
#include "tests/support/arklet-sim/answers.h"
#include "tests/support/arklet-sim/batch.h"
#include "tests/support/arklet-sim/records.h"

struct execution {
    struct list node; /* in base->executions */
    struct base *base;
    enum execution_kind kind;
    const char *command;
    cJSON *input;
    char *name, *version;    /* of the request; of the jar where the request has none */
    char *lock;              /* key in base->locks */
    struct record *record;   /* asynchronous; NULL otherwise */
    struct event *pickup;    /* until a pool thread takes an asynchronous one */
    struct jar_fetch *fetch; /* of a jar whose name was not told */
    struct batch *batch;     /* running, of EXECUTION_BATCH */
    command_done_fn *done;   /* synchronous: with the result; asynchronous: with the record */
    void *arg;
};

static void execution_free(struct execution *ex)
{
    list_remove(&ex->node);
    if (ex->pickup)
        event_free(ex->pickup);
    jar_fetch_cancel(ex->fetch);
    batch_cancel(ex->batch);
    cJSON_Delete(ex->input);
    mem_free(ex->name);
    mem_free(ex->version);
    mem_free(ex->lock);
    mem_free(ex);
}

void executions_abandon(struct base *base)
{
    LIST_FOR_EACH (it, &base->executions)
        execution_free(LIST_ENTRY(it, struct execution, node));
}

/* -- the end -- */

/* What a client reads as the outcome, beside what SOFAArk said in @data. */
static cJSON *answer_of(const struct execution *ex, cJSON *data, const struct failure *failure)
{
    static const char *const refused[] = {
        [EXECUTION_INSTALL] = "install biz not success!",
        [EXECUTION_UNINSTALL] = "uninstall biz not success!",
        [EXECUTION_SWITCH] = "switch biz not success!",
        [EXECUTION_BATCH] = "install biz not success!",
    };
    if (failure)
        return answer_error(failure);
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItem(data, "code"));
    if (str_eq(code, "SUCCESS"))
        return answer_success(ex->base, data);
    return answer_failed(ex->base, data, "%s", refused[ex->kind]);
}

static void on_outcome(void *arg, cJSON *data, const struct failure *failure)
{
    struct execution *ex = arg;
    command_done_fn *done = ex->done;
    void *done_arg = ex->arg;
    cJSON *answer = answer_of(ex, data, failure);
    bool asynchronous = ex->record != NULL;

    map_remove(&ex->base->locks, ex->lock);
    if (asynchronous)
        record_end(ex->base, ex->record, answer, failure);
    execution_free(ex);
    if (asynchronous)
        cJSON_Delete(answer);
    else
        done(done_arg, answer);
}

static void end_with(struct execution *ex, cJSON *answer)
{
    command_done_fn *done = ex->done;
    void *arg = ex->arg;

    execution_free(ex);
    done(arg, answer);
}

/* -- the work -- */

static void perform(struct execution *ex)
{
    struct base *base = ex->base;

    map_put(&base->locks, ex->lock, (void *)(uintptr_t)ex->command);
    if (ex->kind == EXECUTION_UNINSTALL) {
        operation_uninstall(base, ex->name, ex->version, on_outcome, ex);
    } else if (ex->kind == EXECUTION_SWITCH) {
        operation_switch(base, ex->name, ex->version, on_outcome, ex);
    } else if (ex->kind == EXECUTION_BATCH) {
        batch_start(base, input_item(ex->input, "bizList"), &ex->batch, on_outcome, ex);
    } else {
        AUTO_FREE char *url = input_text(ex->input, "bizUrl");
        AUTO_FREE char *strategy = input_text(ex->input, "installStrategy");
        struct install_request request = {.url = url,
                                          .name = ex->name,
                                          .version = ex->version,
                                          .replace = str_eq(strategy, "uninstallThenInstall")};
        operation_install(base, &request, on_outcome, ex);
    }
}

/* A thread of the pool takes it: only now is the lock looked at. */
static void on_pickup(evutil_socket_t fd, short what, void *arg)
{
    struct execution *ex = arg;

    (void)fd;
    (void)what;
    record_begin(ex->base, ex->record);
    if (!map_get(&ex->base->locks, ex->lock)) {
        perform(ex);
        return;
    }
    record_conflict(ex->base, ex->record);
    map_remove(&ex->base->locks, ex->lock);
    execution_free(ex);
}

static void add_meta(cJSON *meta, const char *key, const cJSON *input)
{
    const cJSON *item = input_item(input, key);

    if (item)
        cJSON_AddItemToObject(meta, key, cJSON_Duplicate(item, /* recurse= */ true));
}

/* The request as a record echoes it, with the defaults. */
static cJSON *meta_of(const struct execution *ex)
{
    cJSON *meta = cJSON_CreateObject();

    add_meta(meta, "args", ex->input);
    cJSON_AddBoolToObject(meta, "async", true);
    add_meta(meta, "bizList", ex->input);
    if (ex->name)
        cJSON_AddStringToObject(meta, "bizName", ex->name);
    add_meta(meta, "bizUrl", ex->input);
    if (ex->version)
        cJSON_AddStringToObject(meta, "bizVersion", ex->version);
    add_meta(meta, "envs", ex->input);
    if (ex->kind == EXECUTION_INSTALL && input_item(ex->input, "installStrategy"))
        add_meta(meta, "installStrategy", ex->input);
    else if (ex->kind == EXECUTION_INSTALL)
        cJSON_AddStringToObject(meta, "installStrategy", "installOnly");
    add_meta(meta, "requestId", ex->input);
    return meta;
}

static void submit(struct execution *ex)
{
    struct base *base = ex->base;
    AUTO_FREE char *request_id = input_text(ex->input, "requestId");

    if (record_find(base, request_id)) {
        end_with(ex,
                 answer_failed(base, NULL,
                               "The request corresponding to the requestId(%s) has been executed.",
                               request_id));
        return;
    }
    ex->record = record_new(base, request_id, meta_of(ex));
    ex->pickup = sim_after(base->sim, 0, on_pickup, ex);
    ex->done(ex->arg, answer_success(base, record_json(ex->record)));
}

static void go(struct execution *ex)
{
    ex->lock =
        mem_printf("%s:%s", ex->name ? ex->name : "null", ex->version ? ex->version : "null");
    if (input_bool(ex->input, "async")) {
        submit(ex);
        return;
    }
    const char *holder = map_get(&ex->base->locks, ex->lock);
    if (holder)
        end_with(ex,
                 answer_failed(ex->base, NULL,
                               "FAILED:%s %s conflict, exist unfinished command(%s) for this biz",
                               ex->lock, ex->command, holder));
    else
        perform(ex);
}

/* Nobody said who is in the jar: Arklet looks, and fetches it again to install it. */
static void on_identified(void *arg, struct jar *jar, struct failure *failure)
{
    struct execution *ex = arg;

    if (failure) {
        struct failure *invalid =
            failure_invalid("refresh biz info from jar failed: %s", failure->links.items[0].text);
        cJSON *answer = answer_error(invalid);
        failure_free(invalid);
        failure_free(failure);
        end_with(ex, answer);
        return;
    }
    mem_replace(&ex->name, jar->name);
    mem_replace(&ex->version, jar->version);
    jar_free(jar);
    go(ex);
}

void execution_start(struct base *base, enum execution_kind kind, const char *command,
                     const cJSON *input, command_done_fn *done, void *arg)
{
    struct execution *ex = NEW(struct execution);

    ex->base = base;
    ex->kind = kind;
    ex->command = command;
    ex->input = cJSON_Duplicate(input, /* recurse= */ true);
    ex->name = input_text(input, "bizName");
    ex->version = input_text(input, "bizVersion");
    ex->done = done;
    ex->arg = arg;
    list_append(&base->executions, &ex->node);
    if (kind != EXECUTION_INSTALL || !input_blank(input, "bizName")) {
        go(ex);
        return;
    }
    AUTO_FREE char *url = input_text(input, "bizUrl");
    jar_fetch(base->sim->events, url, &ex->fetch, on_identified, ex);
}
