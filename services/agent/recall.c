/* SPDX-License-Identifier: Apache-2.0 */
/* Operations in the journal: what is written of them, and what an agent that is started anew makes of it. */
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/operations_internal.h"

/*
 * What a controller that does not lead any more has sent is under way for minutes at most. For ever would be wrong: the
 * store may have been restored from a backup, where epochs begin lower.
 */
#define EPOCH_KEPT_MS (60 * 60 * 1000)

/* -- written -- */

static struct journal_line accepted_line(const struct run *run)
{
    const struct operation *operation = &run->operation;
    const struct module_spec *module = &operation->module;
    return (struct journal_line){
        .what = JOURNAL_ACCEPTED,
        .id = operation->id,
        .time_ms = operation->start_ms,
        .type = (char *)(uintptr_t)operation_type_name(operation->type),
        .name = module->name,
        .version = module->version,
        .url = module->url,
        .md5 = module->md5,
        .sha256 = module->sha256,
        .in_place = run->in_place,
        .restart = run->restart,
        .args = run->args,
        .batch = run->batch_id,
    };
}

static struct journal_line ended_line(const struct run *run)
{
    const struct operation *operation = &run->operation;
    const struct failure *failure = &operation->failure;
    struct journal_line line = {
        .what = JOURNAL_ENDED,
        .id = operation->id,
        .time_ms = operation->end_ms,
        .execution_ms = operation->execution_ms,
        .digest = operation->digest,
        .metaspace_bytes = operation->metaspace_bytes,
        .url_passed_through = operation->url_passed_through,
    };
    if (run->outcome == OPERATION_FAILED) {
        line.code = (char *)(uintptr_t)failure_code(failure->kind);
        line.reason = (char *)(uintptr_t)failure_reason(failure->kind);
        line.message = failure->message;
        line.restored = operation->restored;
    }
    return line;
}

static struct journal_line epoch_line(const struct operations *operations)
{
    return (struct journal_line){
        .what = JOURNAL_EPOCH, .epoch = operations->epoch, .time_ms = operations->epoch_ms};
}

/* What is put back when a JVM was started anew is found out again by each agent. */
static bool is_kept(const struct run *run)
{
    return !run->replay;
}

void recall_accepted(const struct run *run)
{
    if (!is_kept(run))
        return;
    struct journal_line line = accepted_line(run);
    journal_add(run->operations->journal, &line);
}

void recall_ended(const struct run *run)
{
    if (!is_kept(run))
        return;
    struct journal_line line = ended_line(run);
    journal_add(run->operations->journal, &line);
}

void recall_epoch(const struct operations *operations)
{
    struct journal_line line = epoch_line(operations);
    journal_add(operations->journal, &line);
}

static void write_all(void *owner, void (*write)(void *user, const struct journal_line *line),
                      void *user)
{
    const struct operations *operations = owner;
    struct journal_line line = epoch_line(operations);
    if (operations->epoch)
        write(user, &line);
    LIST_FOR_EACH (it, &operations->all) {
        const struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (!is_kept(run))
            continue;
        line = accepted_line(run);
        write(user, &line);
        if (run->ending) {
            line = ended_line(run);
            write(user, &line);
        }
    }
}

/* -- read -- */

static bool read_type(const char *name, enum operation_type *ret)
{
    for (int type = OPERATION_INSTALL; type <= OPERATION_PREFETCH; type++) {
        if (!str_eq(name, operation_type_name((enum operation_type)type)))
            continue;
        *ret = (enum operation_type)type;
        return true;
    }
    return false;
}

/* An id that is there twice: the first had ended and was forgotten before it was given again. */
static void add_accepted(struct operations *operations, const struct journal_line *line)
{
    struct operation_request request = {
        .id = line->id,
        .module = {line->name, line->version, line->url, line->md5, line->sha256, NULL},
        .in_place = line->in_place,
        .restart = line->restart,
        .args = line->args,
    };
    struct run *before = map_get(&operations->by_id, line->id);
    if (!read_type(line->type, &request.type) || (before && !before->ending))
        return;
    if (before)
        operations_remove(before);
    struct run *run = operations_add(operations, &request);
    run->operation.start_ms = line->time_ms;
    run->batch_id = mem_strdup(line->batch);
}

static void add_ended(struct operations *operations, const struct journal_line *line)
{
    struct run *run = map_get(&operations->by_id, line->id);
    if (!run || run->ending)
        return;
    struct operation *operation = &run->operation;
    run->ending = true;
    run->outcome = line->failure ? OPERATION_FAILED : OPERATION_SUCCEEDED;
    operation->state = run->outcome;
    operation->end_ms = line->time_ms;
    operation->execution_ms = line->execution_ms;
    operation->digest = mem_strdup(line->digest);
    operation->metaspace_bytes = line->metaspace_bytes;
    operation->url_passed_through = line->url_passed_through;
    operation->restored = line->restored;
    if (line->failure)
        failure_set(&operation->failure, line->failure, "%s", line->message ? line->message : "");
    operations->running--;
}

static void set_epoch(struct operations *operations, const struct journal_line *line)
{
    int64_t age_ms = loop_wall_ms(operations->options.loop) - line->time_ms;
    if (line->epoch < operations->epoch || age_ms < 0 || age_ms > EPOCH_KEPT_MS)
        return;
    operations->epoch = line->epoch;
    operations->epoch_ms = line->time_ms;
}

static void on_line(void *user, const struct journal_line *line)
{
    struct operations *operations = user;
    switch (line->what) {
    case JOURNAL_ACCEPTED:
        add_accepted(operations, line);
        break;
    case JOURNAL_ENDED:
        add_ended(operations, line);
        break;
    case JOURNAL_EPOCH:
        set_epoch(operations, line);
        break;
    case JOURNAL_AGENT:
        break;
    }
}

int recall_open(struct operations *operations, struct err **err)
{
    const struct operations_options *options = &operations->options;
    struct journal_options journal = {
        .worker = options->worker,
        .log = options->log,
        .dir = jars_dir(options->jars),
        .agent = options->agent,
        .all = write_all,
        .owner = operations,
    };
    if (journal_new(&operations->journal, &journal, err) < 0)
        return -1;
    journal_read(operations->journal, on_line, operations);
    return 0;
}

/* -- going on -- */

/* The members of its batch that have not ended either are in it already, where they came before it. */
static void join_batch(struct operations *operations, struct run *run)
{
    struct batch *batch = NULL;
    for (struct list *it = operations->all.next; it != &run->in_all && !batch; it = it->next) {
        struct run *other = LIST_ENTRY(it, struct run, in_all);
        if (!other->ending && str_eq(other->batch_id, run->batch_id))
            batch = other->batch;
    }
    batch_join(batch ? batch : batch_new(operations, true), run);
}

void operations_resume(struct operations *operations)
{
    size_t resumed = 0;
    LIST_FOR_EACH (it, &operations->all) {
        struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (!run->ending && run->batch_id)
            join_batch(operations, run);
    }
    LIST_FOR_EACH (it, &operations->all) {
        struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (run->ending)
            continue;
        run->resumed = true;
        operations_enqueue(run);
        resumed++;
    }
    if (resumed)
        log_info(operations->options.log, "operations of the agent before go on",
                 LOG_INT("operations", (int64_t)resumed));
}
