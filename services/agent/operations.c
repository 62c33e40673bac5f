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

#define ID_MAX 128

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

static void copy_module(struct module_spec *to, const struct module_spec *from)
{
    to->name = mem_strdup(from->name);
    to->version = mem_strdup(from->version);
    to->url = mem_strdup(from->url);
    to->md5 = mem_strdup(from->md5);
    to->sha256 = mem_strdup(from->sha256);
}

static struct run *run_new(struct operations *operations, const struct operation_request *request)
{
    struct run *run = NEW(struct run);
    run->operations = operations;
    run->sequence = ++operations->sequence;
    run->operation.type = request->type;
    run->asked_ms = loop_now_ms(operations->options.loop);
    run->operation.start_ms = loop_wall_ms(operations->options.loop);
    run->operation.id = str_empty(request->id)
                            ? mem_printf("agent-%lld-%llu", (long long)run->operation.start_ms,
                                         (unsigned long long)run->sequence)
                            : mem_strdup(request->id);
    run->in_place = request->in_place;
    run->restart = mem_strdup(request->restart);
    copy_module(&run->operation.module, &request->module);
    run->args_len = request->args_len;
    run->args = mem_alloc(request->args_len * sizeof(*run->args));
    for (size_t i = 0; i < request->args_len; i++)
        run->args[i] = mem_strdup(request->args[i]);
    list_init(&run->in_all);
    list_init(&run->in_module);
    list_init(&run->in_ready);
    list_init(&run->waiters);
    loop_timer_init(&run->timer, on_timer);
    execution_init(run);
    return run;
}

static void run_free(struct run *run)
{
    struct module_spec *module = &run->operation.module;
    loop_timer_stop(run->operations->options.loop, &run->timer);
    list_remove(&run->in_all);
    list_remove(&run->in_module);
    list_remove(&run->in_ready);
    mem_free(module->name);
    mem_free(module->version);
    mem_free(module->url);
    mem_free(module->md5);
    mem_free(module->sha256);
    for (size_t i = 0; i < run->args_len; i++)
        mem_free(run->args[i]);
    mem_free(run->args);
    for (size_t i = 0; i < run->removed.len; i++) {
        mem_free(run->removed.items[i].version);
        mem_free(run->removed.items[i].url);
        mem_free(run->removed.items[i].digest);
    }
    VEC_DONE(&run->removed);
    jar_free(run->jar);
    failure_done(&run->last);
    failure_done(&run->original);
    failure_done(&run->operation.failure);
    mem_free(run->uninstalled);
    mem_free(run->draining);
    mem_free(run->restart);
    mem_free(run->no_room);
    mem_free(run->operation.digest);
    mem_free(run->operation.id);
    mem_free(run);
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

static void give_turn(struct operations *operations)
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
    give_turn(run->operations);
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
    give_turn(run->operations);
}

/* -- batches -- */

static void leave_batch(struct run *run)
{
    struct batch *batch = TAKE(run->batch);
    if (batch && --batch->members == 0)
        mem_free(batch);
}

/* The jar of one member is there, or it has failed: the last one opens the gate for all. */
static void member_is_ready(struct run *run)
{
    struct batch *batch = run->batch;
    struct operations *operations = run->operations;
    if (batch && --batch->preparing > 0)
        return;
    LIST_FOR_EACH (it, &operations->all) {
        struct run *member = LIST_ENTRY(it, struct run, in_all);
        bool mine = batch ? member->batch == batch : member == run;
        if (mine && member->prepared && !operation_ended(&member->operation))
            list_append(&operations->ready, &member->in_ready);
    }
    give_turn(operations);
}

/* -- preparation -- */

static void on_stage(void *user, enum jars_stage stage)
{
    struct run *run = user;
    run->operation.state = stage == JARS_DOWNLOADING ? OPERATION_DOWNLOADING : OPERATION_VERIFYING;
}

static void fail(struct run *run, const struct failure *failure)
{
    run->operation.state = OPERATION_FAILED;
    failure_set(&run->operation.failure, failure->kind, "%s", failure->message);
    operations_end(run);
}

static void on_jar(void *user, struct jar *jar, const struct failure *failure)
{
    struct run *run = user;
    run->jar = jar;
    run->prepared = jar != NULL;
    if (jar) {
        run->operation.digest = mem_strdup(jar->facts.sha256);
        run->operation.url_passed_through = jar->url_passed_through;
        run->operation.state = OPERATION_PENDING;
    }
    if (!jar) {
        fail(run, failure);
    } else if (run->operation.type == OPERATION_PREFETCH) {
        run->operation.state = OPERATION_SUCCEEDED;
        operations_end(run);
    } else {
        member_is_ready(run);
    }
}

static void begin(struct run *run)
{
    struct operations *operations = run->operations;
    if (needs_jar(run)) {
        run->operation.state =
            OPERATION_VERIFYING; /* at least: operations_stop() leaves it to jars */
        jars_fetch(operations->options.jars, &run->operation.module, on_stage, on_jar, run);
        return;
    }
    run->prepared = true;
    member_is_ready(run);
}

/* -- the queue of a module: its first operation runs -- */

static void enqueue(struct run *run)
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
    bool first = list_empty(queue);
    list_append(queue, &run->in_module);
    if (first)
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
    if (list_empty(queue))
        mem_free(map_remove(&operations->by_module, run->operation.module.name));
    else if (first)
        begin(LIST_ENTRY(queue->next, struct run, in_module));
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
        map_remove(&operations->by_id, run->operation.id);
        run_free(run);
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

void operations_end(struct run *run)
{
    struct operations *operations = run->operations;
    bool prepared = run->prepared;
    run->operation.end_ms = loop_wall_ms(operations->options.loop);
    operations->running--;
    give_back(run);
    note_end(run);
    if (run->batch && !prepared)
        member_is_ready(run);
    leave_batch(run);
    tell_waiters(run);
    operations->options.on_change(operations->options.user);
    dequeue(run);
    forget_oldest(operations);
    give_turn(operations);
}

/* -- starting -- */

static bool same_request(const struct run *run, const struct operation_request *request)
{
    const struct module_spec *module = &run->operation.module;
    return run->operation.type == request->type && str_eq(module->name, request->module.name) &&
           str_eq(module->version, request->module.version) && run->in_place == request->in_place &&
           str_eq(run->restart, request->restart);
}

int operations_batch_error(size_t i, struct err **err)
{
    if (err && *err && (*err)->field) {
        AUTO_FREE char *field = mem_printf("installs[%zu].%s", i, (*err)->field);
        mem_replace(&(*err)->field, field);
    }
    return err_wrap(err, "installs[%zu]", i);
}

/* Members of a batch wait for each other, those of one module for the one before: both can't be. */
static int check_batch(const struct operation_request *requests, size_t count, struct err **err)
{
    struct map names = {0};
    const char *twice = NULL;
    for (size_t i = 0; i < count && !twice; i++)
        if (map_put(&names, requests[i].module.name, &names))
            twice = requests[i].module.name;
    map_done(&names);
    return twice ? err_field(err, "installs", "module %s is there twice", twice) : 0;
}

/* An id stands for one operation, so the second of a batch would not be begun. */
static int check_ids(const struct operation_request *requests, size_t count, struct err **err)
{
    struct map ids = {0};
    size_t twice = count;
    for (size_t i = 0; i < count && twice == count; i++)
        if (!str_empty(requests[i].id) && map_put(&ids, requests[i].id, &ids))
            twice = i;
    map_done(&ids);
    if (twice == count)
        return 0;
    err_field(err, "operation_id", "\"%s\" is there twice", requests[twice].id);
    return operations_batch_error(twice, err);
}

/* Those that are not known yet must all fit. */
static int check_room(const struct operations *operations, const struct operation_request *requests,
                      size_t count, struct err **err)
{
    size_t fresh = 0;
    for (size_t i = 0; i < count; i++)
        fresh += str_empty(requests[i].id) || !map_get(&operations->by_id, requests[i].id);
    if (fresh && operations->running + fresh > LIMIT_OPERATIONS)
        return err_set(err, ERR_LIMIT, "%zu operations run already, the limit is %d",
                       operations->running, LIMIT_OPERATIONS);
    return 0;
}

static int check_request(const struct operations *operations,
                         const struct operation_request *request, struct err **err)
{
    if (operations->stopped)
        return err_set(err, ERR_UNAVAILABLE, "the agent stops");
    if (request->id && strlen(request->id) > ID_MAX)
        return err_field(err, "operation_id", "is longer than %d characters", ID_MAX);
    const struct run *known =
        str_empty(request->id) ? NULL : map_get(&operations->by_id, request->id);
    if (known && !same_request(known, request))
        return err_field(err, "operation_id", "\"%s\" stands for %s of %s %s", request->id,
                         type_names[known->operation.type], known->operation.module.name,
                         known->operation.module.version);
    return 0;
}

int operations_start(struct operations *operations, const struct operation_request *requests,
                     size_t count, const struct operation **ret, struct err **err)
{
    VEC(struct run *) fresh = {0};
    if (check_batch(requests, count, err) < 0 || check_ids(requests, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (check_request(operations, &requests[i], err) < 0)
            return count > 1 ? operations_batch_error(i, err) : -1;
    if (check_room(operations, requests, count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct run *run =
            str_empty(requests[i].id) ? NULL : map_get(&operations->by_id, requests[i].id);
        if (!run) {
            run = run_new(operations, &requests[i]);
            map_put(&operations->by_id, run->operation.id, run);
            list_append(&operations->all, &run->in_all);
            operations->running++;
            VEC_PUSH(&fresh, run);
        }
        ret[i] = &run->operation;
    }
    if (fresh.len > 1) {
        struct batch *batch = NEW(struct batch);
        *batch = (struct batch){fresh.len, fresh.len};
        for (size_t i = 0; i < fresh.len; i++)
            fresh.items[i]->batch = batch;
    }
    for (size_t i = 0; i < fresh.len; i++)
        enqueue(fresh.items[i]);
    VEC_DONE(&fresh);
    return 0;
}

const struct operation *operations_get(const struct operations *operations, const char *id)
{
    const struct run *run = map_get(&operations->by_id, id);
    return run ? &run->operation : NULL;
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

const char *operations_digest(const struct operations *operations, const char *name,
                              const char *version)
{
    const struct record *record = records_get(operations->records, name, version);
    return record ? record->digest : NULL;
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

struct operations *operations_new(const struct operations_options *options)
{
    struct operations *operations = NEW(struct operations);
    operations->options = *options;
    operations->records = records_new(options->worker, jars_dir(options->jars));
    jars_keep(options->jars, each_digest, operations);
    list_init(&operations->all);
    list_init(&operations->ready);
    add_metrics(operations);
    return operations;
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
        if (operation_ended(&run->operation) || run->executing || fetching)
            continue;
        list_remove(&run->in_ready);
        loop_timer_stop(operations->options.loop, &run->timer);
        fail(run, &failure);
    }
    failure_done(&failure);
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
    records_free(operations->records);
    mem_free(operations);
}
