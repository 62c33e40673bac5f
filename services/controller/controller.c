/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiring and planning. A change in the cache puts keys into the workqueue; one timer, always due while
 * the queue has ready keys, takes them out, builds the view, calls the pure plan function and hands the
 * plan to the executor. Nothing is planned before every kind was listed once, nor while another controller leads.
 */
#include "services/controller/controller.h"

#include <time.h>

#include "lib/base/limits.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/controller_internal.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/plan_module.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/plan_service.h"
#include "services/controller/engine/replicaset_status.h"
#include "services/controller/engine/traffic.h"

#define PLANS_PER_TURN 256 /* then the inbox has its turn again */
/* That are being carried out; then planning waits. When thousands of Modules change at once, with their bases or at
 * the start, each is planned when there is a chance to write what comes of it, and not kept as a request until then. */
#define PLANS_AT_ONCE 512

/* Services of others are not ours to hold: clusters have many. */
static const struct watched {
    enum object_kind kind;
    const char *selector; /* NULL: all */
} watched[WATCHED_KINDS] = {
    {KIND_MODULE_TEMPLATE, NULL},   {KIND_BASE, NULL},   {KIND_MODULE_DEPLOYMENT, NULL},
    {KIND_MODULE_REPLICASET, NULL}, {KIND_MODULE, NULL}, {KIND_SERVICE, LABEL_MODULE_DEPLOYMENT},
};

void controller_log_failure(struct controller *controller, const char *what, const struct err *err)
{
    log_warn(controller->log, "request failed, tried again", LOG_STR("what", what), LOG_ERR(err));
}

/* -- writes nobody waits for -- */

struct loose_write {
    struct loop_event event;
    struct controller *controller;
    enum object_kind kind;
    char *document; /* to be created where the object is gone; owned, may be NULL */
    struct err *err;
};

static void on_loose_written(struct loop_event *event)
{
    struct loose_write *write = CONTAINER_OF(event, struct loose_write, event);
    write->controller->in_flight--;
    bool gone = write->err && write->err->code == ERR_NOT_FOUND;
    if (gone && write->document && !write->controller->stopping)
        controller_create(write->controller, write->kind, TAKE(write->document));
    else if (write->err && !gone && write->err->code != ERR_EXISTS)
        controller_log_failure(write->controller, "write", write->err);
    err_free(write->err);
    mem_free(write->document);
    mem_free(write);
}

static void on_loose_done(void *user, const struct document *document, const struct err *err)
{
    (void)document;
    struct loose_write *write = user;
    write->err = err_copy(err);
    loop_post(write->controller->loop, &write->event);
}

static struct loose_write *loose_write_new(struct controller *controller)
{
    struct loose_write *write = NEW(struct loose_write);
    write->event.fn = on_loose_written;
    write->controller = controller;
    controller->in_flight++;
    metric_add(controller->writes, 1);
    return write;
}

void controller_create(struct controller *controller, enum object_kind kind, char *json_taken)
{
    store_create(controller->store, kind, json_taken, on_loose_done, loose_write_new(controller));
    mem_free(json_taken);
}

static void patch(struct controller *controller, const struct store_key *key, enum store_part part,
                  char *patch_taken, char *document_taken)
{
    struct loose_write *write = loose_write_new(controller);
    write->kind = key->kind;
    write->document = document_taken;
    store_patch(controller->store, key, part, patch_taken, NULL, on_loose_done, write);
    mem_free(patch_taken);
}

void controller_patch(struct controller *controller, enum object_kind kind,
                      const struct object_meta *meta, enum store_part part, char *patch_taken)
{
    struct store_key key = {kind, meta->namespace, meta->name};
    patch(controller, &key, part, patch_taken, NULL);
}

void controller_patch_or_create(struct controller *controller, enum object_kind kind,
                                const struct object_meta *meta, char *patch_taken,
                                char *document_taken)
{
    struct store_key key = {kind, meta->namespace, meta->name};
    patch(controller, &key, STORE_MAIN, patch_taken, document_taken);
}

void controller_remove(struct controller *controller, enum object_kind kind,
                       const struct object_meta *meta)
{
    struct store_key key = {kind, meta->namespace, meta->name};
    store_remove(controller->store, &key, meta->uid, NULL, on_loose_done,
                 loose_write_new(controller));
}

/* -- the queue -- */

static void enqueue(struct controller *controller, char type, const char *key)
{
    AUTO_FREE char *work_key = mem_printf("%c/%s", type, key);
    workqueue_add(controller->queue, work_key);
    controller_plan_soon(controller);
}

static void on_dirty_deployment(void *user, const char *key)
{
    enqueue(user, DEPLOYMENT_KEY, key);
}

static void on_dirty_module(void *user, const char *key)
{
    enqueue(user, MODULE_KEY, key);
}

static void on_dirty_base(void *user, const char *key)
{
    enqueue(user, BASE_KEY, key);
}

static void on_dirty_original(void *user, enum object_kind kind, const char *key)
{
    enqueue(user, kind == KIND_MODULE ? ORIGINAL_MODULE_KEY : ORIGINAL_REPLICASET_KEY, key);
}

bool controller_acts(const struct controller *controller)
{
    return controller->leading && controller->synced == WATCHED_KINDS;
}

bool controller_follows(const struct controller *controller, enum object_kind kind)
{
    for (int i = 0; i < WATCHED_KINDS; i++)
        if (controller->informers[i] && informer_kind(controller->informers[i]) == kind)
            return informer_follows(controller->informers[i]);
    return true;
}

void controller_plan_soon(struct controller *controller)
{
    if (!controller_acts(controller) || controller->stopping ||
        controller->works.len >= PLANS_AT_ONCE) /* the next that ends asks again */
        return;
    int64_t next_ms = workqueue_next_ms(controller->queue);
    if (next_ms != TIME_NEVER)
        loop_timer_start(controller->loop, &controller->turn, next_ms);
}

/* -- planning -- */

static void plan_one_deployment(struct controller *controller, const char *key, struct plan *plan)
{
    struct deployment *deployment = map_get(&controller->cache.deployments, key);
    if (!deployment || originals_hold(controller, deployment, plan))
        return;
    struct deployment_view view =
        cache_view(&controller->cache, deployment, loop_wall_ms(controller->loop));
    plan_deployment(&view, plan);
    if (!plan_changes(plan))
        plan_replicasets(&view, plan);
    plan_replicaset_status(&view, plan);
    plan_service(&view, plan);
    prefetches_begin(controller, deployment, &view);
}

/* Whose @instance is; NULL: nobody's, or it is not known yet. */
static struct deployment *deployment_of(const struct instance *instance)
{
    return instance->revision
               ? CONTAINER_OF(instance->revision, struct cached_revision, view)->deployment
               : NULL;
}

bool controller_is_going(const struct instance *instance)
{
    const struct deployment *deployment = deployment_of(instance);
    return deployment && deployment->md->meta.deletion_ms;
}

static int64_t drain_ms(const struct instance *instance)
{
    const struct deployment *deployment = deployment_of(instance);
    return deployment ? (int64_t)deployment->md->spec.strategy.drain_seconds * 1000 : 0;
}

static int32_t min_ready_seconds(const struct instance *instance)
{
    const struct deployment *deployment = deployment_of(instance);
    return deployment ? deployment->md->spec.min_ready_seconds : 0;
}

/* Whether the revision of @instance is the one that its deployment wants now. */
static bool is_wanted(struct controller *controller, const struct instance *instance)
{
    struct deployment *deployment = deployment_of(instance);
    if (!deployment || deployment->md->meta.deletion_ms)
        return false;
    const char *wanted = cache_wanted(&controller->cache, deployment);
    return wanted && str_eq(wanted, instance->revision->rs->meta.name);
}

/* Until the cache has seen what is being written of the labels of its base, or that is written again. */
static bool labels_written(const struct controller *controller, const struct instance *instance)
{
    if (!instance->base)
        return false;
    const struct cached_base *base = CONTAINER_OF(instance->base, struct cached_base, view);
    AUTO_FREE char *work_key = mem_printf("%c/%s", BASE_KEY, base->key);
    return base->view.doubted.len || map_get(&controller->works, work_key);
}

static void plan_one_module(struct controller *controller, const char *key, struct plan *plan)
{
    struct cached_instance *instance = map_get(&controller->cache.instances, key);
    if (!instance)
        return;
    if (instance->view.base && !instance_deleting(&instance->view) &&
        base_adopts(instance->view.base, instance->module->spec.module.name))
        return;
    struct module_view view = {
        .instance = &instance->view,
        .wanted = is_wanted(controller, &instance->view),
        .going = controller_is_going(&instance->view),
        .drain_ms = drain_ms(&instance->view),
        .min_ready_seconds = min_ready_seconds(&instance->view),
        .bases_unknown = cache_base_unknown(&controller->cache, instance),
        .labels_written = labels_written(controller, &instance->view),
        .now_ms = controller->cache.now_ms,
        .wall_ms = loop_wall_ms(controller->loop),
    };
    plan_module(&view, plan);
}

static void plan_one_base(struct controller *controller, const char *key, struct plan *plan)
{
    const struct cached_base *base = map_get(&controller->cache.bases, key);
    if (base)
        plan_traffic(&base->view, controller->cache.now_ms, plan);
}

static void plan_key(struct controller *controller, const char *work_key)
{
    struct plan plan = {0};
    metric_add(controller->plans, 1);
    if (work_key[0] == DEPLOYMENT_KEY)
        plan_one_deployment(controller, work_key + 2, &plan);
    else if (work_key[0] == MODULE_KEY)
        plan_one_module(controller, work_key + 2, &plan);
    else if (work_key[0] == ORIGINAL_MODULE_KEY)
        originals_plan(controller, KIND_MODULE, work_key + 2, &plan);
    else if (work_key[0] == ORIGINAL_REPLICASET_KEY)
        originals_plan(controller, KIND_MODULE_REPLICASET, work_key + 2, &plan);
    else
        plan_one_base(controller, work_key + 2, &plan);
    executor_run(controller, work_key, &plan);
}

static void on_turn(struct loop_timer *timer)
{
    struct controller *controller = CONTAINER_OF(timer, struct controller, turn);
    controller->cache.now_ms = loop_now_ms(controller->loop);
    for (int i = 0; i < PLANS_PER_TURN && controller->works.len < PLANS_AT_ONCE; i++) {
        const char *key = workqueue_take(controller->queue, controller->cache.now_ms);
        if (!key)
            break;
        int64_t until_ms = setbacks_until_ms(controller, key);
        if (until_ms > controller->cache.now_ms) {
            workqueue_add_at(controller->queue, key, until_ms);
            workqueue_done(controller->queue, key);
        } else {
            plan_key(controller, key);
        }
    }
    controller_plan_soon(controller);
}

/* -- what informers tell -- */

static void on_change(void *user, const struct document *document, bool deleted)
{
    struct controller *controller = user;
    controller->cache.now_ms = loop_now_ms(controller->loop);
    AUTO_ERR struct err *err = NULL;
    if (cache_apply(&controller->cache, document, deleted, &err) < 0)
        log_error(controller->log, "stored object can't be read, ignored", LOG_ERR(err));
    AUTO_FREE char *key = object_key(document->namespace, document->name);
    executor_saw(controller, document->kind, key, deleted ? NULL : document->resource_version);
}

static void begin(struct controller *controller)
{
    controller->cache.planning_since_ms = loop_now_ms(controller->loop);
    liveness_start(controller);
    events_start(controller);
    controller_plan_soon(controller);
    if (controller->options.on_acting)
        controller->options.on_acting(controller->options.user);
}

static void on_synced(void *user)
{
    struct controller *controller = user;
    if (++controller->synced < WATCHED_KINDS)
        return;
    log_info(controller->log, "objects listed",
             LOG_INT("moduledeployments", (int64_t)controller->cache.deployments.len),
             LOG_INT("modules", (int64_t)controller->cache.instances.len),
             LOG_INT("bases", (int64_t)controller->cache.bases.len));
    if (controller_acts(controller))
        begin(controller);
}

void controller_lead(struct controller *controller, int64_t epoch)
{
    controller->leading = true;
    controller->epoch = epoch;
    controller->cache.now_ms = loop_now_ms(controller->loop);
    if (controller_acts(controller))
        begin(controller);
}

static void on_version(void *user, enum object_kind kind, const char *resource_version)
{
    if (kind == KIND_BASE)
        base_groups_saw(user, resource_version);
}

static void on_list_error(void *user, enum object_kind kind, const struct err *err)
{
    struct controller *controller = user;
    log_warn(controller->log, "list failed, tried again", LOG_STR("kind", kind_name(kind)),
             LOG_ERR(err));
}

/* -- life -- */

static void register_metrics(struct controller *controller, struct metrics *metrics)
{
    controller->plans =
        metrics_counter(metrics, "koupleless_controller_plans_total", "Plans made", NULL);
    controller->writes = metrics_counter(metrics, "koupleless_controller_store_writes_total",
                                         "Writes to the store", NULL);
    controller->operations = metrics_counter(metrics, "koupleless_controller_operations_total",
                                             "Operations started on bases", NULL);
    controller->operation_failures = metrics_counter(
        metrics, "koupleless_controller_operation_failures_total", "Operations that failed", NULL);
    for (int succeeded = 0; succeeded < 2; succeeded++)
        controller->prefetched[succeeded] =
            metrics_counter(metrics, "koupleless_controller_prefetches_total",
                            "Jars that agents fetched before their turn",
                            succeeded ? "result=\"succeeded\"" : "result=\"failed\"");
}

static uint64_t random_life(void)
{
    struct rand rand;
    rand_seed_from_system(&rand);
    return rand_next(&rand);
}

int controller_new(struct controller **out, const struct controller_options *options,
                   struct err **err)
{
    struct rpc_channel *scheduler = NULL;
    if (rpc_channel_new(&scheduler, options->rpc, options->scheduler, &options->tls, err) < 0)
        return err_wrap(err, "scheduler");
    struct controller *controller = NEW(struct controller);
    controller->options = *options;
    controller->loop = options->loop;
    controller->store = options->store;
    controller->log = options->log;
    controller->life = options->life ? options->life : random_life();
    controller->scheduler = scheduler;
    controller->leading = !options->standby;
    controller->queue = workqueue_new();
    controller->cache.on_dirty_deployment = on_dirty_deployment;
    controller->cache.on_dirty_module = on_dirty_module;
    controller->cache.on_dirty_base = on_dirty_base;
    controller->cache.on_dirty_original = on_dirty_original;
    controller->cache.user = controller;
    loop_timer_init(&controller->turn, on_turn);
    register_metrics(controller, options->metrics);
    agents_init(controller);
    base_groups_init(controller);
    gateway_init(controller);
    struct informer_handler handler = {on_change, on_synced, on_list_error, on_version, controller};
    for (int i = 0; i < WATCHED_KINDS; i++)
        controller->informers[i] =
            informer_start(options->store, options->loop, watched[i].kind, options->namespace,
                           watched[i].selector, &handler);
    *out = controller;
    return 0;
}

void controller_stop(struct controller *controller)
{
    if (!controller)
        return;
    controller->stopping = true;
    for (int i = 0; i < WATCHED_KINDS; i++)
        informer_stop(controller->informers[i]);
    loop_timer_stop(controller->loop, &controller->turn);
    loop_timer_stop(controller->loop, &controller->liveness);
    events_stop(controller);
    base_groups_stop(controller);
    agents_free(controller);
    rpc_channel_free(TAKE(controller->scheduler));
}

void controller_free(struct controller *controller)
{
    if (!controller)
        return;
    int64_t next_ms = loop_turn(controller->loop);
    for (; controller->in_flight > 0; next_ms = loop_turn(controller->loop))
        loop_wait(controller->loop, next_ms);
    executor_free(controller);
    setbacks_free(controller);
    event_ledger_done(&controller->events);
    map_done(&controller->prefetches_waiting);
    cache_done(&controller->cache);
    workqueue_free(controller->queue);
    mem_free(controller);
}
