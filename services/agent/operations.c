/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which operation may run: by id, by module, by Arklet's turn. An operation passes
 *
 *     its module's queue  ->  its jar (side by side with others)  ->  its batch  ->  Arklet's turn
 *
 * (a prefetch is in no queue: it needs its jar alone, for which others may wait; jars.c sees to it that it is fetched once)
 * and is then execution.c's. What has ended stays to be asked for until LIMIT_OPERATIONS are remembered.
 */
#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/operations_internal.h"

static const char *const type_names[] = {
    [OPERATION_INSTALL] = "install",
    [OPERATION_UNINSTALL] = "uninstall",
    [OPERATION_SWITCH] = "switch",
    [OPERATION_PREFETCH] = "prefetch",
};

const char *operation_type_name(enum operation_type type)
{
    return type_names[type];
}

bool operation_ended(const struct operation *operation)
{
    return operation->state >= OPERATION_SUCCEEDED;
}

static struct run *run_of(const struct operation *operation)
{
    return CONTAINER_OF((struct operation *)(uintptr_t)operation, struct run, operation);
}

static bool needs_jar(const struct run *run)
{
    return run->operation.type == OPERATION_INSTALL || run->operation.type == OPERATION_PREFETCH;
}

/* -- life of one -- */

static void on_timer(struct loop_timer *timer);

static char *new_id(const struct operations *operations, const struct run *run)
{
    for (uint64_t number = run->sequence;; number++) {
        AUTO_FREE char *id = mem_printf("agent-%lld-%llu", (long long)run->operation.start_ms,
                                        (unsigned long long)number);
        if (!map_get(&operations->by_id, id)) /* clocks may be set back */
            return TAKE(id);
    }
}

static struct run *run_new(struct operations *operations, const struct operation_request *request)
{
    struct run *run = NEW(struct run);
    run->operations = operations;
    run->sequence = ++operations->sequence;
    run->operation.type = request->type;
    run->asked_ms = loop_now_ms(operations->options.loop);
    run->operation.start_ms = loop_wall_ms(operations->options.loop);
    run->operation.id = str_empty(request->id) ? new_id(operations, run) : mem_strdup(request->id);
    run->in_place = request->in_place;
    run->replay = request->replay;
    run->restart = mem_strdup(request->restart);
    module_spec_copy(&run->operation.module, &request->module);
    json_strings_copy(&run->args, &request->args);
    list_init(&run->in_all);
    list_init(&run->in_module);
    list_init(&run->in_ready);
    list_init(&run->in_changed);
    list_init(&run->waiters);
    loop_timer_init(&run->timer, on_timer);
    execution_init(run);
    return run;
}

static void run_free(struct run *run)
{
    loop_timer_stop(run->operations->options.loop, &run->timer);
    list_remove(&run->in_all);
    list_remove(&run->in_module);
    list_remove(&run->in_ready);
    list_remove(&run->in_changed);
    json_release(module_spec_fields, &run->operation.module);
    json_strings_done(&run->args);
    for (size_t i = 0; i < run->removed.len; i++) {
        mem_free(run->removed.items[i].version);
        record_free(run->removed.items[i].record);
    }
    VEC_DONE(&run->removed);
    jar_free(run->jar);
    biz_list_done(&run->modules);
    err_free(run->unlisted);
    failure_done(&run->last);
    failure_done(&run->original);
    failure_done(&run->operation.failure);
    mem_free(run->uninstalled);
    mem_free(run->draining);
    mem_free(run->restart);
    mem_free(run->no_room);
    mem_free(run->batch_id);
    mem_free(run->operation.digest);
    mem_free(run->operation.id);
    mem_free(run);
}

struct run *operations_add(struct operations *operations, const struct operation_request *request)
{
    struct run *run = run_new(operations, request);
    map_put(&operations->by_id, run->operation.id, run);
    list_append(&operations->all, &run->in_all);
    operations->running++;
    return run;
}

void operations_remove(struct run *run)
{
    map_remove(&run->operations->by_id, run->operation.id);
    run_free(run);
}

/* -- whoever watches: told of what has changed in a turn of the loop by the next one -- */

static void on_tell(struct loop_timer *timer)
{
    struct operations *operations = CONTAINER_OF(timer, struct operations, tell);
    AUTO_FREE const struct operation **list =
        mem_alloc((operations->by_id.len + 1) * sizeof(const struct operation *));
    size_t count = 0;
    LIST_FOR_EACH (it, &operations->changed) {
        list_remove(it);
        list[count++] = &LIST_ENTRY(it, struct run, in_changed)->operation;
    }
    operations->options.on_operations(operations->options.user, list, count);
}

static void changed(struct run *run)
{
    struct operations *operations = run->operations;
    struct loop *loop = operations->options.loop;
    if (!list_empty(&run->in_changed))
        return;
    if (list_empty(&operations->changed))
        loop_timer_start(loop, &operations->tell, loop_now_ms(loop));
    list_append(&operations->changed, &run->in_changed);
}

void operations_set_state(struct run *run, enum operation_state state)
{
    if (run->operation.state == state)
        return;
    run->operation.state = state;
    changed(run);
}

/* -- Arklet's turn: lower priority numbers first, then who came first -- */

static bool goes_before(const struct run *a, const struct run *b)
{
    int64_t left = a->batch && a->jar ? a->jar->facts.priority : JAR_PRIORITY_DEFAULT;
    int64_t right = b->batch && b->jar ? b->jar->facts.priority : JAR_PRIORITY_DEFAULT;
    return left != right ? left < right : a->sequence < b->sequence;
}

void operations_give_time(struct run *run)
{
    const struct operations_options *options = &run->operations->options;
    run->overdue_ms = loop_now_ms(options->loop) + 2 * options->install_ms;
}

void operations_give_turn(struct operations *operations)
{
    struct run *next = NULL;
    if (operations->executing || operations->stopped)
        return;
    LIST_FOR_EACH (it, &operations->ready) {
        struct run *run = LIST_ENTRY(it, struct run, in_ready);
        if (!next || goes_before(run, next))
            next = run;
    }
    if (!next)
        return;
    list_remove(&next->in_ready);
    operations->executing = next;
    next->executing = true;
    if (!next->overdue_ms)
        operations_give_time(next);
    operations->options.on_change(operations->options.user);
    execution_continue(next);
}

static void give_back(struct run *run)
{
    if (run->operations->executing != run)
        return;
    run->operations->executing = NULL;
    run->executing = false;
}

static void ask_for_turn(struct run *run)
{
    list_append(&run->operations->ready, &run->in_ready);
    operations_give_turn(run->operations);
}

static void on_timer(struct loop_timer *timer)
{
    ask_for_turn(CONTAINER_OF(timer, struct run, timer));
}

void operations_yield(struct run *run, int64_t ms)
{
    struct loop *loop = run->operations->options.loop;
    give_back(run);
    loop_timer_start(loop, &run->timer, loop_now_ms(loop) + ms);
    operations_give_turn(run->operations);
}

/* -- preparation -- */

static void on_stage(void *user, enum jars_stage stage)
{
    struct run *run = user;
    operations_set_state(run,
                         stage == JARS_DOWNLOADING ? OPERATION_DOWNLOADING : OPERATION_VERIFYING);
}

static void fail(struct run *run, const struct failure *failure)
{
    failure_set(&run->operation.failure, failure->kind, "%s", failure->message);
    operations_end(run, OPERATION_FAILED);
}

/* What has not ended is left to an agent that is started anew. */
static bool is_left(const struct operations *operations)
{
    return operations->closed || (operations->stopped && journal_keeps(operations->journal));
}

static void on_jar(void *user, struct jar *jar, const struct failure *failure)
{
    struct run *run = user;
    run->jar = jar;
    if (run->operations->closed)
        return;
    run->prepared = jar != NULL;
    if (jar) {
        run->operation.digest = mem_strdup(jar->facts.sha256);
        run->operation.url_passed_through = jar->url_passed_through;
        operations_set_state(run, OPERATION_PENDING);
    }
    if (!jar) {
        if (!is_left(run->operations)) /* else maybe it has failed since the agent stops */
            fail(run, failure);
    } else if (run->operation.type == OPERATION_PREFETCH) {
        operations_end(run, OPERATION_SUCCEEDED);
    } else {
        batch_member_ready(run);
    }
}

static void begin(struct run *run)
{
    struct operations *operations = run->operations;
    if (is_left(operations))
        return;
    if (needs_jar(run)) {
        /* At least: operations_stop() leaves it to jars. */
        operations_set_state(run, OPERATION_VERIFYING);
        jars_fetch(operations->options.jars, &run->operation.module, &run->operation.progress,
                   on_stage, on_jar, run);
        return;
    }
    run->prepared = true;
    batch_member_ready(run);
}

/*
 * -- the queue of a module: its first operation runs. What a replay puts back was there before all that has not begun on the
 * base, and readiness waits for it alone: it goes before an operation that waits for jars, which may take minutes --
 */

/* Whom it goes before, or NULL. */
static struct run *find_passed(const struct run *replayed, const struct list *queue)
{
    LIST_FOR_EACH (it, queue) {
        struct run *run = LIST_ENTRY(it, struct run, in_module);
        if (run->replay)
            continue;
        bool passed = run->passed || (it == queue->next && batch_waits(run) && !run->ending);
        return replayed->replay && passed ? run : NULL;
    }
    return NULL;
}

void operations_enqueue(struct run *run)
{
    struct operations *operations = run->operations;
    if (run->operation.type == OPERATION_PREFETCH) {
        begin(run);
        return;
    }
    struct list *queue = map_get(&operations->by_module, run->operation.module.name);
    if (!queue) {
        queue = NEW(struct list);
        list_init(queue);
        map_put(&operations->by_module, run->operation.module.name, queue);
    }
    struct run *passed = find_passed(run, queue);
    if (passed)
        passed->passed = true;
    list_append(passed ? &passed->in_module : queue, &run->in_module);
    if (queue->next == &run->in_module)
        begin(run);
}

static void dequeue(struct run *run)
{
    struct operations *operations = run->operations;
    if (run->operation.type == OPERATION_PREFETCH)
        return;
    struct list *queue = map_get(&operations->by_module, run->operation.module.name);
    bool first = queue->next == &run->in_module; /* else the first runs already */
    list_remove(&run->in_module);
    struct run *next = list_empty(queue) ? NULL : LIST_ENTRY(queue->next, struct run, in_module);
    if (!next)
        mem_free(map_remove(&operations->by_module, run->operation.module.name));
    else if (first && next->passed)
        batch_member_first(next);
    else if (first)
        begin(next);
}

/* -- the end -- */

static void tell_waiters(struct run *run)
{
    while (!list_empty(&run->waiters)) {
        struct operation_waiter *waiter =
            LIST_ENTRY(run->waiters.next, struct operation_waiter, node);
        list_remove(&waiter->node);
        loop_timer_stop(run->operations->options.loop, &waiter->timer);
        waiter->fn(waiter, &run->operation);
    }
}

static void forget_oldest(struct operations *operations)
{
    if (operations->stopped) /* operations_stop() walks through them all */
        return;
    LIST_FOR_EACH (it, &operations->all) {
        struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (operations->by_id.len <= LIMIT_OPERATIONS)
            return;
        if (!operation_ended(&run->operation) || run->holds)
            continue;
        operations_remove(run);
    }
}

static void note_end(struct run *run)
{
    struct operations *operations = run->operations;
    struct operation *operation = &run->operation;
    bool succeeded = operation->state == OPERATION_SUCCEEDED;
    int64_t took_ms = loop_now_ms(operations->options.loop) - run->asked_ms;
    metric_add(operations->ended[succeeded][operation->type], 1);
    metric_observe(operations->durations, (double)took_ms / 1000.0);
    if (succeeded)
        log_info(operations->options.log, "operation succeeded",
                 LOG_STR("operation", type_names[operation->type]),
                 LOG_STR("module", operation->module.name),
                 LOG_STR("version", operation->module.version), LOG_STR("id", operation->id),
                 LOG_INT("ms", took_ms), LOG_INT("metaspace_bytes", operation->metaspace_bytes));
    else
        log_warn(operations->options.log, "operation failed",
                 LOG_STR("operation", type_names[operation->type]),
                 LOG_STR("module", operation->module.name),
                 LOG_STR("version", operation->module.version), LOG_STR("id", operation->id),
                 LOG_STR("code", failure_code(operation->failure.kind)),
                 LOG_BOOL("restored", operation->restored),
                 LOG_STR("error", operation->failure.message));
}

static void on_end_kept(void *user)
{
    struct run *run = user;
    struct operations *operations = run->operations;
    bool prepared = run->prepared;
    if (operations->closed)
        return;
    operations_set_state(run, run->outcome);
    operations->running--;
    give_back(run);
    note_end(run);
    if (run->batch && !prepared)
        batch_member_ready(run);
    batch_leave(run);
    tell_waiters(run);
    operations->options.on_change(operations->options.user);
    dequeue(run);
    forget_oldest(operations);
    operations_give_turn(operations);
}

void operations_end(struct run *run, enum operation_state outcome)
{
    struct operations *operations = run->operations;
    run->ending = true;
    run->outcome = outcome;
    run->operation.end_ms = loop_wall_ms(operations->options.loop);
    run->operation.ended_mono_ms = loop_now_ms(operations->options.loop);
    str_shorten(run->operation.failure.message, LIMIT_MESSAGE);
    recall_ended(run);
    journal_flush(operations->journal, on_end_kept, run);
}

/* -- starting -- */

int operations_start(struct operations *operations, const struct operation_request *requests,
                     size_t count, const struct operation **ret, struct err **err)
{
    VEC(struct run *) fresh = {0};
    if (operations_check(operations, requests, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct run *run =
            str_empty(requests[i].id) ? NULL : map_get(&operations->by_id, requests[i].id);
        if (!run) {
            run = operations_add(operations, &requests[i]);
            changed(run);
            VEC_PUSH(&fresh, run);
        }
        ret[i] = &run->operation;
    }
    if (fresh.len > 1)
        batch_make(fresh.items, fresh.len);
    for (size_t i = 0; i < fresh.len; i++)
        recall_accepted(fresh.items[i]);
    /* Before it is in the file it may begin, but no command goes out: records_flush(). */
    for (size_t i = 0; i < fresh.len; i++)
        operations_enqueue(fresh.items[i]);
    VEC_DONE(&fresh);
    return 0;
}

const struct operation *operations_get(const struct operations *operations, const char *id)
{
    const struct run *run = map_get(&operations->by_id, id);
    return run ? &run->operation : NULL;
}

const struct operation *operations_next(const struct operations *operations,
                                        const struct operation *before)
{
    struct list *it = before ? run_of(before)->in_all.next : operations->all.next;
    return it == &operations->all ? NULL : &LIST_ENTRY(it, struct run, in_all)->operation;
}

void operations_flush(struct operations *operations, void (*fn)(void *user), void *user)
{
    journal_flush(operations->journal, fn, user);
}

void operations_hold(const struct operation *operation)
{
    run_of(operation)->holds++;
}

void operations_release(const struct operation *operation)
{
    run_of(operation)->holds--; /* forgotten when the next one ends */
}

/* -- waiting -- */

static void on_wait_over(struct loop_timer *timer)
{
    struct operation_waiter *waiter = CONTAINER_OF(timer, struct operation_waiter, timer);
    list_remove(&waiter->node);
    waiter->fn(waiter, waiter->operation);
}

void operations_wait(struct operations *operations, const struct operation *operation,
                     int64_t wait_ms, operation_wait_fn fn, struct operation_waiter *waiter)
{
    struct loop *loop = operations->options.loop;
    waiter->fn = fn;
    waiter->operation = operation;
    loop_timer_init(&waiter->timer, on_wait_over);
    if (operation_ended(operation) || wait_ms <= 0) {
        list_init(&waiter->node);
        waiter->fn(waiter, operation);
        return;
    }
    list_append(&run_of(operation)->waiters, &waiter->node);
    if (wait_ms < TIME_NEVER - loop_now_ms(loop))
        loop_timer_start(loop, &waiter->timer, loop_now_ms(loop) + wait_ms);
}

/* -- all of them -- */

bool operations_busy(const struct operations *operations)
{
    return operations->executing != NULL;
}

int64_t operations_epoch(const struct operations *operations)
{
    return operations->epoch;
}

void operations_set_epoch(struct operations *operations, int64_t epoch)
{
    if (epoch == operations->epoch)
        return;
    operations->epoch = epoch;
    operations->epoch_ms = loop_wall_ms(operations->options.loop);
    recall_epoch(operations);
}

const struct operation *operations_executing(const struct operations *operations)
{
    return operations->executing ? &operations->executing->operation : NULL;
}

const char *operations_digest(const struct operations *operations, const char *name,
                              const char *version)
{
    const struct record *record = records_get(operations->records, name, version);
    return record ? record->digest : NULL;
}

struct records *operations_records(struct operations *operations)
{
    return operations->records;
}

uint64_t operations_sequence(const struct operations *operations)
{
    return operations->sequence;
}

bool operations_idle(const struct operations *operations)
{
    return operations->running == 0;
}

static bool takes_off(const struct run *run, const char *name, const char *version)
{
    const struct operation *operation = &run->operation;
    bool same = str_eq(operation->module.version, version);
    bool goes = operation->type == OPERATION_UNINSTALL ? same : run->in_place && !same;
    return goes && str_eq(operation->module.name, name) && operation->state != OPERATION_FAILED;
}

bool operations_took_off(const struct operations *operations, uint64_t sequence, const char *name,
                         const char *version)
{
    LIST_FOR_EACH (it, &operations->all) {
        const struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (run->sequence > sequence && takes_off(run, name, version))
            return true;
    }
    return false;
}

bool operations_takes_off(const struct operations *operations, const char *name,
                          const char *version)
{
    LIST_FOR_EACH (it, &operations->all) {
        const struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (!run->ending && takes_off(run, name, version))
            return true;
    }
    return false;
}

/* Jars that Arklet may be told of yet: of modules that may come back, and of operations that run. */
static void each_digest(void *owner, void (*fn)(void *user, const char *digest), void *user)
{
    struct operations *operations = owner;
    records_each_digest(operations->records, fn, user);
    LIST_FOR_EACH (it, &operations->all) {
        struct run *run = LIST_ENTRY(it, struct run, in_all);
        if (run->jar && !operation_ended(&run->operation))
            fn(user, run->jar->facts.sha256);
    }
}

static void add_metrics(struct operations *operations)
{
    static const double bounds[] = {0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300};
    static const double metaspace_bounds[] = {65536,   262144,   1048576, 4194304,
                                              8388608, 16777216, 33554432};
    struct metrics *metrics = operations->options.metrics;
    for (size_t type = 0; type < ARRAY_LEN(type_names); type++)
        for (int succeeded = 0; succeeded < 2; succeeded++) {
            AUTO_FREE char *labels = mem_printf("type=\"%s\",result=\"%s\"", type_names[type],
                                                succeeded ? "succeeded" : "failed");
            operations->ended[succeeded][type] = metrics_counter(
                metrics, "koupleless_agent_operations_total", "Operations that ended.", labels);
        }
    operations->durations =
        metrics_histogram(metrics, "koupleless_agent_operation_duration_seconds",
                          "From request to end.", NULL, bounds, ARRAY_LEN(bounds));
    operations->metaspace =
        metrics_histogram(metrics, "koupleless_agent_install_metaspace_bytes",
                          "Metaspace that an install took; 0 where classes went meanwhile.", NULL,
                          metaspace_bounds, ARRAY_LEN(metaspace_bounds));
}

int operations_new(struct operations **out, const struct operations_options *options,
                   struct err **err)
{
    struct operations *operations = NEW(struct operations);
    *out = operations;
    operations->options = *options;
    jars_keep(options->jars, each_digest, operations);
    list_init(&operations->all);
    list_init(&operations->ready);
    list_init(&operations->changed);
    loop_timer_init(&operations->tell, on_tell);
    add_metrics(operations);
    if (recall_open(operations, err) < 0)
        return -1;
    const char *dir = journal_keeps(operations->journal) ? jars_dir(options->jars) : NULL;
    const struct records_options records = {options->worker, options->log, dir, options->agent};
    operations->records = records_new(&records);
    return 0;
}

void operations_stop(struct operations *operations)
{
    struct failure failure = {FAILED_OTHER, mem_strdup("the agent stopped")};
    operations->stopped = true;
    /* Newest first, so that the end of one does not begin the next of its module. */
    for (struct list *it = operations->all.prev, *previous; it != &operations->all; it = previous) {
        struct run *run = LIST_ENTRY(it, struct run, in_all);
        previous = it->prev;
        bool fetching = run->operation.state == OPERATION_DOWNLOADING ||
                        run->operation.state == OPERATION_VERIFYING;
        if (operation_ended(&run->operation) || run->ending || run->executing || fetching)
            continue;
        list_remove(&run->in_ready);
        loop_timer_stop(operations->options.loop, &run->timer);
        if (!is_left(operations))
            fail(run, &failure);
    }
    failure_done(&failure);
}

void operations_close(struct operations *operations)
{
    operations->closed = true;
}

void operations_free(struct operations *operations)
{
    if (!operations)
        return;
    LIST_FOR_EACH (it, &operations->all)
        run_free(LIST_ENTRY(it, struct run, in_all));
    for (size_t i = 0; i < operations->by_module.len; i++)
        mem_free(operations->by_module.entries[i].value);
    map_done(&operations->by_module);
    map_done(&operations->by_id);
    loop_timer_stop(operations->options.loop, &operations->tell);
    journal_free(operations->journal);
    records_free(operations->records);
    mem_free(operations);
}
