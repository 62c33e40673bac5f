/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operation does on the base: asks what is there, takes the next step (engine/next_step.h), and
 * again, until it ends. Only here are commands sent that change a base.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "services/agent/operations_internal.h"

#define WAIT_MS 200
/* Questions in a row without an answer: one may have met the loop that an install holds. */
#define SILENT_MAX 2
#define REFUSED_MAX 3 /* closed ports in a row: the JVM is gone, and what it did with it */

static void ask(struct run *run);

/* -- the end of it -- */

static void end_failed(struct run *run, struct failure *failure_taken)
{
    failure_done(&run->operation.failure);
    run->operation.failure = *failure_taken;
    *failure_taken = (struct failure){0};
    operations_end(run, OPERATION_FAILED);
}

/* What an install in place took away comes back before it ends; it keeps its own failure. */
static bool restore_next(struct run *run)
{
    while (run->restoring < run->removed.len) {
        const struct removed *removed = &run->removed.items[run->restoring++];
        if (removed->record) {
            run->sent = false;
            failure_done(&run->last);
            ask(run);
            return true;
        }
    }
    return false;
}

/* All that could come back is there. Where some did not, the next install in place tries again. */
static void end_restored(struct run *run)
{
    if (run->operation.restored)
        records_forget_removed(run->operations->records, run->operation.module.name);
    end_failed(run, &run->original);
}

static size_t count_restorable(const struct run *run)
{
    size_t count = 0;
    for (size_t i = 0; i < run->removed.len; i++)
        count += run->removed.items[i].record != NULL;
    return count;
}

static void fail(struct run *run, struct failure *failure_taken)
{
    if (run->restoring) { /* this one does not come back */
        failure_done(failure_taken);
        run->operation.restored = false;
        if (!restore_next(run))
            end_restored(run);
        return;
    }
    bool base_there = run->refused < REFUSED_MAX;
    size_t restorable = count_restorable(run);
    if (base_there && restorable) {
        run->original = *failure_taken;
        *failure_taken = (struct failure){0};
        run->operation.restored = restorable == run->removed.len; /* until one does not */
        operations_give_time(run);
        restore_next(run);
        return;
    }
    end_failed(run, failure_taken);
}

static void fail_with(struct run *run, enum failure_kind kind, const char *message)
{
    struct failure failure = {kind, mem_strdup(message)};
    fail(run, &failure);
}

/* Other versions go first, also those that are gone already, with the JVM. */
static bool is_other_version(void *user, const char *identity)
{
    const struct module_spec *module = user;
    const char *version = record_version(identity, module->name);
    return version && !str_eq(version, module->version);
}

/* The record of what was sent is there already; of what was found there the jar may be another. */
static void note_installed(struct run *run)
{
    struct records *records = run->operations->records;
    struct module_spec *module = &run->operation.module;
    records_forget_removed(records, module->name);
    if (run->in_place)
        records_forget_lost(records, is_other_version, module);
    if (!records_get(records, module->name, module->version))
        records_put(records, module->name, module->version,
                    &(struct record){.url = run->jar->url, .source = module->url});
}

/* The next install in place would else put back what was not wanted any more. */
static void note_uninstalled(struct run *run)
{
    const struct module_spec *module = &run->operation.module;
    records_remove(run->operations->records, module->name, module->version);
    records_forget_removed(run->operations->records, module->name);
    records_forgive(run->operations->records, module->name, module->version);
}

static void succeed(struct run *run)
{
    if (run->restoring) {
        if (!restore_next(run))
            end_restored(run);
        return;
    }
    if (run->operation.type == OPERATION_INSTALL)
        note_installed(run);
    if (run->operation.type == OPERATION_UNINSTALL)
        note_uninstalled(run);
    operations_end(run, OPERATION_SUCCEEDED);
}

/* -- commands -- */

static void send_command(struct run *run, const char *command, cJSON *body_taken,
                         arklet_done_fn done)
{
    const struct operations_options *options = &run->operations->options;
    operations_set_state(run, OPERATION_EXECUTING);
    run->command_ms = loop_now_ms(options->loop);
    arklet_call(options->arklet, command, body_taken, options->install_ms, done, run);
}

static cJSON *module_body(const struct run *run, const char *version)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "bizName", run->operation.module.name);
    cJSON_AddStringToObject(body, "bizVersion", version);
    return body;
}

static void note_time(struct run *run)
{
    run->operation.execution_ms += loop_now_ms(run->operations->options.loop) - run->command_ms;
    operations_set_state(run, OPERATION_CHECKING);
}

/*
 * The answer to a command. Whatever it was, the base is asked next, but for a plain success.
 * Return: true for a success.
 */
static bool read_command_answer(struct run *run, const char *body, size_t len,
                                const struct err *err, enum failure_kind otherwise,
                                struct arklet_answer *answer)
{
    note_time(run);
    failure_done(&run->last);
    if (err || arklet_answer_parse(body, len, answer, NULL) < 0) {
        if (err && err->code == ERR_UNAVAILABLE)
            run->sent = false; /* nothing went out */
        return false;
    }
    if (answer->code == ARKLET_SUCCESS)
        return true;
    bool repeated = str_eq(answer->data_code, "REPEAT_BIZ");
    if (!repeated)
        failure_of_answer(answer, otherwise, &run->last);
    return false;
}

/* An uninstall or switch may be repeated, unlike an install. */
static void note_lost(struct run *run, const struct arklet_answer *answer, const struct err *err)
{
    if (!answer->message)
        failure_set(&run->last, FAILED_LOST, "%s", err ? err->message : "Arklet sent no answer");
}

static const char *target_version(const struct run *run)
{
    if (!run->restoring)
        return run->operation.module.version;
    ASSERT(run->removed.items); /* what is restored was removed before */
    return run->removed.items[run->restoring - 1].version;
}

static void on_wrong_one_removed(void *user, const char *body, size_t len, const struct err *err)
{
    struct run *run = user;
    struct arklet_answer answer = {0};
    bool parsed = !err && arklet_answer_parse(body, len, &answer, NULL) == 0;
    note_time(run);
    if (!parsed || answer.code != ARKLET_SUCCESS) {
        AUTO_FREE char *so_far = TAKE(run->last.message);
        const char *why = parsed && !str_empty(answer.message) ? answer.message : "no answer";
        failure_set(&run->last, run->last.kind, "%s; it may still be there, uninstalling it: %s",
                    so_far, err ? err->message : why);
    }
    arklet_answer_done(&answer);
    records_remove(run->operations->records, run->operation.module.name, target_version(run));
    fail(run, &run->last);
}

/* The url was passed through and gave another jar than the one that was checked. */
static void remove_wrong_one(struct run *run, const char *identity)
{
    failure_set(&run->last, FAILED_IDENTITY_MISMATCH,
                "%s changed meanwhile: the base got %s from it", run->operation.module.url,
                identity);
    cJSON *body = cJSON_CreateObject();
    size_t name_len = strcspn(identity, ":");
    AUTO_FREE char *name = mem_strndup(identity, name_len);
    cJSON_AddStringToObject(body, "bizName", name);
    cJSON_AddStringToObject(body, "bizVersion", identity[name_len] ? identity + name_len + 1 : "");
    send_command(run, "uninstallBiz", body, on_wrong_one_removed);
}

static void on_installed(void *user, const char *body, size_t len, const struct err *err)
{
    struct run *run = user;
    struct arklet_answer answer = {0};
    bool installed = read_command_answer(run, body, len, err, FAILED_INSTALL, &answer);
    if (answer.message) /* else the base may have died of it: who watches that decides */
        records_tried(run->operations->records, run->operation.module.name, target_version(run),
                      loop_now_ms(run->operations->options.loop));
    AUTO_FREE char *wanted = mem_printf("%s:%s", run->operation.module.name, target_version(run));
    if (str_eq(answer.data_code, "REPEAT_BIZ")) /* somebody else's, so the record is wrong */
        records_remove(run->operations->records, run->operation.module.name, target_version(run));
    if (installed && !run->restoring) {
        run->operation.metaspace_bytes = answer.metaspace_bytes;
        metric_observe(run->operations->metaspace,
                       answer.metaspace_bytes > 0 ? (double)answer.metaspace_bytes : 0);
    }
    if (!installed || !answer.identity) /* which module it was: the list says */
        ask(run);
    else if (!str_eq(answer.identity, wanted))
        remove_wrong_one(run, answer.identity);
    else
        succeed(run);
    arklet_answer_done(&answer);
}

/* NULL: nothing is put back, the module of the operation is installed. */
static const struct record *what_comes_back(const struct run *run)
{
    return run->restoring ? run->removed.items[run->restoring - 1].record : NULL;
}

static void send_install(void *user)
{
    struct run *run = user;
    const struct record *old = what_comes_back(run);
    const struct json_strings *args = old ? &old->args : &run->args;
    cJSON *body = module_body(run, target_version(run));
    cJSON_AddStringToObject(body, "bizUrl", old ? old->url : run->jar->url);
    cJSON_AddStringToObject(body, "installStrategy", "installOnly");
    if (args->len) {
        cJSON *array = cJSON_AddArrayToObject(body, "args");
        for (size_t i = 0; i < args->len; i++)
            cJSON_AddItemToArray(array, cJSON_CreateString(args->items[i]));
    }
    run->sent = true;
    send_command(run, "installBiz", body, on_installed);
}

/* Of the module of the operation. Strings are borrowed. */
static struct record new_record(const struct run *run)
{
    const struct module_spec *module = &run->operation.module;
    const struct record *before =
        records_get(run->operations->records, module->name, module->version);
    return (struct record){
        .url = run->jar->url,
        .digest = run->jar->facts.sha256,
        .restart = run->restart,
        .source = module->url,
        .md5 = module->md5,
        .args = run->args,
        /* Of a replay, that another version has the traffic: the JVM may die again before it is seen. */
        .inactive = run->replay && before && before->inactive,
    };
}

/* Written down first: if this agent dies now, the next one knows the jar of what it finds, and, where the base dies too,
 * what it may have died of. */
static void install(struct run *run)
{
    const struct record *old = what_comes_back(run);
    struct records *records = run->operations->records;
    const char *name = run->operation.module.name, *version = target_version(run);
    const struct record record = old ? *old : new_record(run);
    records_try(records, name, version, &record);
    operations_set_state(run, OPERATION_EXECUTING);
    run->touched = true;
    records_flush(records, send_install, run);
}

static void on_uninstalled(void *user, const char *body, size_t len, const struct err *err)
{
    struct run *run = user;
    struct arklet_answer answer = {0};
    bool done = read_command_answer(run, body, len, err, FAILED_UNINSTALL, &answer);
    note_lost(run, &answer, err);
    arklet_answer_done(&answer);
    if (done && run->operation.type == OPERATION_UNINSTALL)
        succeed(run);
    else
        ask(run);
}

static void add_removed(struct run *run, const char *version, const struct record *record)
{
    for (size_t i = 0; i < run->removed.len; i++)
        if (str_eq(run->removed.items[i].version, version))
            return;
    VEC_PUSH(&run->removed,
             (struct removed){mem_strdup(version), record ? record_copy(record) : NULL});
}

static void note_removed(struct run *run, const struct biz *target)
{
    struct records *records = run->operations->records;
    const struct record *record = records_get(records, target->name, target->version);
    add_removed(run, target->version, record);
    if (record)
        records_put_removed(records, target->name, target->version, record);
}

/* What installs in place before this one took away, and neither replaced nor put back. */
static void recall_removed(struct run *run)
{
    const struct record *record;
    const char *version;
    size_t at = 0;
    if (!run->in_place || run->recalled)
        return;
    run->recalled = true;
    while ((record = records_next_removed(run->operations->records, run->operation.module.name, &at,
                                          &version)))
        if (!str_eq(version, run->operation.module.version) ||
            !str_eq(record->digest, run->jar->facts.sha256)) /* else the same would come back */
            add_removed(run, version, record);
}

static void send_uninstall(void *user)
{
    struct run *run = user;
    send_command(run, "uninstallBiz", module_body(run, run->uninstalled), on_uninstalled);
}

/* -- requests under way: what is uninstalled closes its beans, and Tomcat waits no longer than 2 s for them -- */

static void on_requests(void *user, const char *body, size_t len, const struct err *err)
{
    struct run *run = user;
    int64_t requests = -1;
    bool counted = !err && biz_requests_parse(body, len, &requests, NULL) == 0 && requests >= 0;
    run->drain.told = counted ? DRAIN_COUNTED : DRAIN_NOT_COUNTED;
    run->drain.requests = requests;
    ask(run); /* what is there may have changed meanwhile */
}

static void begin_drain(struct run *run, const char *version)
{
    const struct operations_options *options = &run->operations->options;
    if (str_eq(run->draining, version))
        return;
    mem_replace(&run->draining, version);
    run->drain =
        (struct drain){.began_ms = loop_now_ms(options->loop), .max_wait_ms = options->requests_ms};
}

/* Return: whether @target, which is to go, has requests to end, or the base is asked about them. */
static bool drains(struct run *run, const struct biz *target)
{
    const struct operations_options *options = &run->operations->options;
    int64_t now_ms = loop_now_ms(options->loop), until_ms = 0;
    if (!options->requests_ms || !biz_runs(target))
        return false;
    begin_drain(run, target->version);
    switch (drain_next(&run->drain, now_ms, &until_ms)) {
    case DRAIN_WAIT:
        run->drain.told = DRAIN_NOT_TOLD;
        operations_yield(run, until_ms - now_ms);
        return true;
    case DRAIN_ASK:
        arklet_ask_requests(options->arklet, target->name, target->version, options->query_ms,
                            on_requests, run);
        return true;
    case DRAIN_OVER:
        return false;
    }
    return false;
}

/* What an install in place replaces: written down first, for an agent that dies in between. */
static void uninstall(struct run *run, const struct biz *target)
{
    if (drains(run, target))
        return;
    bool own = str_eq(target->version, run->operation.module.version);
    bool replaced = !own || target->state != BIZ_BROKEN; /* else it is what failed before */
    if (replaced && run->operation.type == OPERATION_INSTALL && !run->restoring)
        note_removed(run, target);
    mem_replace(&run->uninstalled, target->version);
    run->touched = true;
    operations_set_state(run, OPERATION_EXECUTING);
    records_flush(run->operations->records, send_uninstall, run);
}

static void on_switched(void *user, const char *body, size_t len, const struct err *err)
{
    struct run *run = user;
    struct arklet_answer answer = {0};
    bool done = read_command_answer(run, body, len, err, FAILED_OTHER, &answer);
    note_lost(run, &answer, err);
    arklet_answer_done(&answer);
    if (done)
        succeed(run);
    else
        ask(run);
}

static void send_switch(void *user)
{
    struct run *run = user;
    send_command(run, "switchBiz", module_body(run, run->operation.module.version), on_switched);
}

/*
 * -- room: an install that would begin to change the base asks first: in its first look beside the list, since mostly nothing
 * is there yet; where it waited for something, once the list says that it may begin --
 */

static bool asks_for_room(const struct run *run)
{
    return run->operation.type == OPERATION_INSTALL && !run->restoring && !run->touched &&
           jvm_is_limited(run->operations->options.jvm);
}

static void ask_for_room(struct run *run)
{
    run->room_open = true;
    jvm_ask(run->operations->options.jvm, &run->room);
}

static void go_on(struct run *run);

static void on_room(struct jvm_question *question, bool answered)
{
    struct run *run = CONTAINER_OF(question, struct run, room);
    mem_free(run->no_room);
    run->no_room = answered ? mem_strdup(jvm_refusal(run->operations->options.jvm)) : NULL;
    run->room_asked = true;
    run->room_open = false;
    if (run->listed)
        go_on(run);
    else if (!run->list_open)
        ask(run); /* what is there may have changed meanwhile */
}

void execution_init(struct run *run)
{
    run->room.fn = on_room;
}

static bool room_is_due(const struct run *run, enum step step)
{
    return asks_for_room(run) && !run->room_asked &&
           (step == STEP_INSTALL || step == STEP_UNINSTALL);
}

/* -- the next step -- */

static struct operation_facts facts_of(const struct run *run)
{
    int64_t now_ms = loop_now_ms(run->operations->options.loop);
    const struct record *old = what_comes_back(run);
    const char *digest = run->jar ? run->jar->facts.sha256 : NULL;
    const struct records *records = run->operations->records;
    const char *name = run->operation.module.name, *version = run->operation.module.version;
    const struct record *there = records_get(records, name, target_version(run));
    AUTO_FREE char *identity = mem_printf("%s:%s", name, version);
    return (struct operation_facts){
        .name = name,
        .version = version,
        .web_context_path = run->jar ? run->jar->facts.web_context_path : "",
        .own_port = args_name_port((const char *const *)run->args.items, run->args.len),
        .digest = old ? old->digest : digest,
        .installed_digest = there ? there->digest : NULL,
        .restart = run->restart,
        .installed_restart = there ? there->restart : NULL,
        .crashes = trials_crashes(records_trials(records), identity, digest),
        .in_place = run->in_place,
        .sent = run->sent,
        .no_room = run->touched || run->removed.len ? NULL : run->no_room,
        .overdue = now_ms >= run->overdue_ms,
        .last = &run->last,
    };
}

static struct next_step decide(const struct run *run, const struct biz_list *modules)
{
    struct operation_facts facts = facts_of(run);
    if (run->restoring) {
        struct operation_facts old = facts;
        old.version = target_version(run);
        return next_of_restore(&facts, &old, modules);
    }
    switch (run->operation.type) {
    case OPERATION_UNINSTALL:
        return next_of_uninstall(&facts, modules);
    case OPERATION_SWITCH:
        return next_of_switch(&facts, modules);
    default:
        return next_of_install(&facts, modules);
    }
}

/* Arklet's lock was held by another, or an answer was lost: the next try is a first one again. */
static void wait_a_moment(struct run *run)
{
    if (run->last.kind == FAILED_BUSY)
        run->sent = false;
    if (run->last.kind == FAILED_BUSY || run->last.kind == FAILED_LOST)
        failure_done(&run->last);
    operations_set_state(run, OPERATION_CHECKING);
    operations_yield(run, WAIT_MS);
}

/* An uninstall that failed and whose module is gone did what it was to do. */
static void forget_uninstalled(struct run *run, const struct biz_list *modules)
{
    if (!run->uninstalled || biz_list_find(modules, run->operation.module.name, run->uninstalled))
        return;
    records_remove(run->operations->records, run->operation.module.name, run->uninstalled);
    mem_free(TAKE(run->uninstalled));
    failure_done(&run->last);
}

/* The record was written when it was sent. What is lost may still be on its way. */
static void forget_not_installed(struct run *run, const struct biz_list *modules,
                                 enum failure_kind kind)
{
    bool lost = kind == FAILED_LOST || kind == FAILED_TIMED_OUT;
    const char *version = target_version(run);
    if (run->operation.type != OPERATION_INSTALL || !run->sent || lost ||
        biz_list_find(modules, run->operation.module.name, version))
        return;
    if (run->replay)
        records_lose(run->operations->records, run->operation.module.name, version);
    else
        records_remove(run->operations->records, run->operation.module.name, version);
}

static void take_step(struct run *run, const struct biz_list *modules)
{
    forget_uninstalled(run, modules);
    recall_removed(run);
    struct next_step next = decide(run, modules);
    if (room_is_due(run, next.step)) {
        ask_for_room(run);
        return;
    }
    run->room_asked = false;
    if (next.step == STEP_FAIL)
        forget_not_installed(run, modules, next.failure.kind);
    switch (next.step) {
    case STEP_SUCCEED:
        succeed(run);
        break;
    case STEP_FAIL:
        fail(run, &next.failure);
        break;
    case STEP_WAIT:
        wait_a_moment(run);
        break;
    case STEP_INSTALL:
        install(run);
        break;
    case STEP_UNINSTALL:
        uninstall(run, next.target);
        break;
    case STEP_SWITCH:
        records_flush(run->operations->records, send_switch, run);
        break;
    }
}

/* -- asking -- */

static void not_answered(struct run *run, const struct err *err)
{
    bool overdue = loop_now_ms(run->operations->options.loop) >= run->overdue_ms;
    bool refused = err->code == ERR_UNAVAILABLE;
    run->silent += !refused;
    run->refused = refused ? run->refused + 1 : 0;
    bool awaited = run->resumed && !overdue; /* agent and JVM may have been started together */
    if (run->refused >= REFUSED_MAX && !awaited)
        fail_with(run, run->sent ? FAILED_LOST : FAILED_UNREACHABLE, err->message);
    else if (run->silent >= SILENT_MAX && (overdue || !run->sent))
        fail_with(run, FAILED_LOST, err->message);
    else
        wait_a_moment(run);
}

/* By what was told. */
static void go_on(struct run *run)
{
    AUTO_ERR struct err *unlisted = TAKE(run->unlisted);
    struct biz_list modules = run->modules;
    run->modules = (struct biz_list){0};
    run->listed = false;
    if (unlisted) {
        run->room_asked = false; /* and maybe not answered either */
        not_answered(run, unlisted);
    } else {
        run->silent = run->refused = 0;
        run->resumed = false;
        take_step(run, &modules);
    }
    biz_list_done(&modules);
}

static void on_modules(void *user, const char *body, size_t len, const struct err *err)
{
    struct run *run = user;
    run->list_open = false;
    run->listed = true;
    if (err)
        run->unlisted = err_copy(err);
    else
        (void)biz_list_parse(body, len, &run->modules, &run->unlisted);
    if (!run->room_open)
        go_on(run);
}

static void ask(struct run *run)
{
    const struct operations_options *options = &run->operations->options;
    run->list_open = true;
    arklet_ask(options->arklet, "queryAllBiz", NULL, options->query_ms, on_modules, run);
}

void execution_continue(struct run *run)
{
    if (!run->looked && asks_for_room(run))
        ask_for_room(run);
    run->looked = true;
    ask(run);
}
