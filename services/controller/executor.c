/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying plans out.
 *
 * The actions of a plan run in order. A write to the store is waited for before the next action is
 * begun, for the order of writes is what a crash leaves behind; only creations and deletions of
 * Modules next to each other go out together. A write that fails ends the plan: the key is planned
 * anew from what is there then. When all is written and the cache has seen the newest version of
 * what was written, the key may be planned again (sights.h).
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/model/labels.h"
#include "services/controller/controller_internal.h"
#include "services/controller/documents.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/plan_service.h"

#define WRITES_AT_ONCE 256
#define SEEN_TIMEOUT_MS 10000
#define SEEN_ROUNDS_MAX 6 /* of it: a list that never ends well */

/* A key whose plan is being carried out. */
struct work {
    struct controller *controller;
    char *key; /* "d/ns/name", "m/ns/name", "b/ns/name", "o/ns/name", "r/ns/name" */
    struct plan plan;
    size_t next;     /* action to begin */
    int writes;      /* without outcome */
    int events;      /* written so far */
    struct err *why; /* the last write that failed; NULL with `failed`: the controller stops */
    bool failed;
    bool advancing;
    struct list unseen; /* struct sight: versions that were written and the cache has not */
    struct loop_timer timeout;
    int rounds; /* timeouts while what is awaited is being listed */
};

/* One write. */
struct write {
    struct loop_event event;
    struct work *work;
    enum object_kind kind;
    char *key, *resource_version;
    struct sight *sight;
    bool removal; /* the object goes by it */
    bool creation;
    char
        *assumed_base; /* key of the base on which the Module that it creates is assumed, or NULL */
    struct err *err;
};

static void advance(struct work *work);

/* What is to go from a base has waited for its labels. */
static void plan_waiting(struct controller *controller, const char *work_key)
{
    struct cached_base *base =
        work_key[0] == BASE_KEY ? map_get(&controller->cache.bases, work_key + 2) : NULL;
    if (base)
        cache_dirty_waiting(&controller->cache, base);
}

static void finish(struct work *work)
{
    struct controller *controller = work->controller;
    loop_timer_stop(controller->loop, &work->timeout);
    map_remove(&controller->works, work->key);
    assumptions_end(controller, work->key, &work->plan, work->next);
    plan_waiting(controller, work->key);
    workqueue_done(controller->queue, work->key);
    if (work->why)
        workqueue_add_at(controller->queue, work->key,
                         setbacks_add(controller, work->key, work->why));
    else
        setbacks_end(controller, work->key);
    err_free(work->why);
    plan_done(&work->plan);
    mem_free(work->key);
    mem_free(work);
    controller_plan_soon(controller);
}

static void finish_if_done(struct work *work)
{
    bool begun = work->failed || work->next >= work->plan.actions.len;
    if (begun && !work->writes && list_empty(&work->unseen) && !work->advancing)
        finish(work);
}

/* Whether what is awaited may be in a list that is being read, or has to be asked for again. */
static bool is_listed(const struct work *work)
{
    LIST_FOR_EACH (node, &work->unseen) {
        if (!controller_follows(work->controller, LIST_ENTRY(node, struct sight, of_work)->kind))
            return true;
    }
    return false;
}

static void forget_assumed(struct controller *controller, const char *base_key)
{
    struct cached_base *base = base_key ? map_get(&controller->cache.bases, base_key) : NULL;
    if (base && base->assumed)
        cache_forget(base);
}

static void give_up_sights(struct work *work)
{
    LIST_FOR_EACH (node, &work->unseen) {
        forget_assumed(work->controller, LIST_ENTRY(node, struct sight, of_work)->assumed_base);
    }
    sights_end(&work->controller->awaited, &work->unseen);
    finish_if_done(work);
}

static void await_sights(struct work *work)
{
    loop_timer_start(work->controller->loop, &work->timeout,
                     loop_now_ms(work->controller->loop) + SEEN_TIMEOUT_MS);
}

/* A version that never shows up (overtaken by a newer one between list and watch) must not hold a key for ever, nor must
 * a kind that can't be listed. */
static void on_seen_timeout(struct loop_timer *timer)
{
    struct work *work = CONTAINER_OF(timer, struct work, timeout);
    if (is_listed(work) && ++work->rounds < SEEN_ROUNDS_MAX)
        await_sights(work);
    else
        give_up_sights(work);
}

static void on_seen(void *user)
{
    finish_if_done(user);
}

void executor_saw(struct controller *controller, enum object_kind kind, const char *key,
                  const char *resource_version)
{
    sights_saw(&controller->awaited, kind, key, resource_version, on_seen);
}

/* What goes while it is created is the one before it; of what goes by the write no version tells that it went. */
static bool was_seen(const struct write *write)
{
    const struct controller *controller = write->work->controller;
    const struct sight *sight = write->sight;
    if (write->removal)
        return sight->gone || !cache_resource_version(&controller->cache, write->kind, write->key);
    if (sight_had(sight, write->resource_version))
        return true;
    const char *cached = cache_resource_version(&controller->cache, write->kind, write->key);
    return (sight->gone && !write->creation) || str_eq(cached, write->resource_version);
}

/* @held: a Module that may be there counts on its base until it is seen. */
static void await(struct work *work, struct write *write, bool held)
{
    struct controller *controller = work->controller;
    bool nothing = !write->removal && str_empty(write->resource_version);
    if (held) {
        write->sight->any = true;
        write->sight->assumed_base = TAKE(write->assumed_base);
    } else if (write->err || nothing || was_seen(write)) {
        sight_end(&controller->awaited, write->key, write->sight);
        return;
    } else {
        write->sight->awaited = write->removal ? mem_strdup("") : TAKE(write->resource_version);
    }
    list_append(&work->unseen, &write->sight->of_work);
    if (work->timeout.due_ms != TIME_NEVER)
        return;
    work->rounds = 0;
    await_sights(work);
}

/* The rest of the release does not wait for a Service that can't be made. */
static bool service_refused(struct work *work, const struct write *write)
{
    return services_refused(work->controller, work->key + 2, strchr(write->key, '/') + 1,
                            write->err);
}

/*
 * A ModuleReplicaSet that can't be created since there is one: it is ours, or what is left of a ModuleDeployment
 * of the same name that was deleted. That one goes, before the garbage collector comes to it.
 * Return: whether it is ours.
 */
static bool claim_existing(struct controller *controller, const struct write *write)
{
    if (write->kind != KIND_MODULE_REPLICASET)
        return true;
    const struct cached_revision *revision = map_get(&controller->cache.revisions, write->key);
    if (revision && !revision->deployment)
        controller_remove(controller, KIND_MODULE_REPLICASET, &revision->rs->meta);
    return revision && revision->deployment;
}

/* Labels that may have been written are written again, whatever the cache sees meanwhile; nothing goes before. */
static void note_labels(struct work *work, const struct err *err)
{
    struct cached_base *base =
        work->key[0] == BASE_KEY ? map_get(&work->controller->cache.bases, work->key + 2) : NULL;
    if (base && !err)
        cache_settle_doubts(base, loop_now_ms(work->controller->loop));
    for (size_t i = 0; base && err && err_outcome_unknown(err) && i < work->plan.actions.len; i++) {
        const struct json_map *labels = &work->plan.actions.items[i].labels;
        for (size_t k = 0; k < labels->len; k++)
            json_map_set(&base->view.doubted, labels->items[k].key, labels->items[k].value);
    }
}

static void on_written(struct loop_event *event)
{
    struct write *write = CONTAINER_OF(event, struct write, event);
    struct work *work = write->work;
    struct controller *controller = work->controller;
    controller->in_flight--;
    work->writes--;
    bool gone = write->err && write->err->code == ERR_NOT_FOUND && !write->creation;
    /* Names are deterministic: it is the object that was to be made. */
    bool exists = write->err && write->err->code == ERR_EXISTS && write->creation &&
                  claim_existing(controller, write);
    bool assumed = write->err && write->assumed_base &&
                   !map_get(&controller->cache.instances, write->key); /* who sees it forgets it */
    bool held = assumed && (exists || err_outcome_unknown(write->err));
    if (assumed && !held)
        forget_assumed(controller, write->assumed_base);
    bool refused =
        write->err && write->kind == KIND_SERVICE && !gone && service_refused(work, write);
    if (write->err && !gone && !exists && !refused) {
        work->failed = true;
        err_free(work->why);
        work->why = err_copy(write->err);
    }
    note_labels(work, write->err);
    await(work, write, held);
    err_free(write->err);
    mem_free(write->key);
    mem_free(write->resource_version);
    mem_free(write->assumed_base);
    mem_free(write);
    advance(work);
}

static void on_store_done(void *user, const struct document *document, const struct err *err)
{
    struct write *write = user;
    write->err = err_copy(err);
    if (document)
        write->resource_version = mem_strdup(document->resource_version);
    loop_post(write->work->controller->loop, &write->event);
}

static struct write *write_new(struct work *work, enum object_kind kind, const char *namespace,
                               const char *name)
{
    struct write *write = NEW(struct write);
    write->event.fn = on_written;
    write->work = work;
    write->kind = kind;
    write->key = object_key(namespace, name);
    write->sight = sight_new(&work->controller->awaited, kind, write->key, work);
    work->writes++;
    work->controller->in_flight++;
    metric_add(work->controller->writes, 1);
    return write;
}

static void patch(struct work *work, enum object_kind kind, const struct object_meta *meta,
                  enum store_part part, char *patch_taken, bool exact)
{
    struct store_key key = {kind, meta->namespace, meta->name};
    struct write *write = write_new(work, kind, meta->namespace, meta->name);
    store_patch(work->controller->store, &key, part, patch_taken,
                exact ? meta->resource_version : NULL, on_store_done, write);
    mem_free(patch_taken);
}

/* With the last one an object that is being deleted goes. */
static void remove_finalizer(struct work *work, enum object_kind kind,
                             const struct object_meta *meta, const char *finalizer, bool exact)
{
    struct store_key key = {kind, meta->namespace, meta->name};
    struct write *write = write_new(work, kind, meta->namespace, meta->name);
    AUTO_FREE char *patch_text = patch_finalizers(meta, NULL, finalizer);
    write->removal = meta->deletion_ms && meta->finalizers.len == 1;
    store_patch(work->controller->store, &key, STORE_MAIN, patch_text,
                exact ? meta->resource_version : NULL, on_store_done, write);
}

static void create(struct work *work, enum object_kind kind, const char *namespace,
                   const char *name, char *json_taken, const char *assumed_base)
{
    struct write *write = write_new(work, kind, namespace, name);
    write->creation = true;
    write->assumed_base = mem_strdup(assumed_base);
    store_create(work->controller->store, kind, json_taken, on_store_done, write);
    mem_free(json_taken);
}

static void delete_object(struct work *work, enum object_kind kind, const struct object_meta *meta)
{
    struct store_key key = {kind, meta->namespace, meta->name};
    struct write *write = write_new(work, kind, meta->namespace, meta->name);
    write->removal = meta->finalizers.len == 0;
    store_remove(work->controller->store, &key, meta->uid, NULL, on_store_done, write);
}

/* -- actions -- */

char *executor_sibling(const char *work_key, const char *name)
{
    const char *namespace = work_key + 2;
    return mem_printf("%.*s/%s", (int)strcspn(namespace, "/"), namespace, name);
}

static struct cached_revision *revision_named(const struct work *work, const char *name)
{
    AUTO_FREE char *key = executor_sibling(work->key, name);
    return map_get(&work->controller->cache.revisions, key);
}

static struct cached_instance *instance_named(const struct work *work, const char *name)
{
    AUTO_FREE char *key = executor_sibling(work->key, name);
    return map_get(&work->controller->cache.instances, key);
}

static bool create_module(struct work *work, const struct action *action)
{
    struct cached_revision *revision = revision_named(work, action->name);
    struct cached_base *base = assumptions_base(work->controller, work->key, action);
    bool assumed = assumptions_counts(work->controller, work->key, action);
    if (assumed && !revision)
        cache_forget(base);
    if (!revision || !base)
        return false;
    AUTO_FREE char *name = module_instance_name(revision->rs->meta.name, base->base->meta.uid);
    create(work, KIND_MODULE, revision->rs->meta.namespace, name,
           document_module(revision->rs, base->base, store_bases_are_pods(work->controller->store),
                           action),
           assumed ? base->key : NULL);
    return true;
}

/* The object of the original ModuleController that @work_key is about; NULL: it is gone, or another key. */
static const struct original *original_concerned(const struct cache *cache, const char *work_key)
{
    if (work_key[0] == ORIGINAL_MODULE_KEY)
        return cache_original(cache, KIND_MODULE, work_key + 2);
    return work_key[0] == ORIGINAL_REPLICASET_KEY
               ? cache_original(cache, KIND_MODULE_REPLICASET, work_key + 2)
               : NULL;
}

struct deployment *executor_deployment(const struct controller *controller, const char *work_key)
{
    const struct cache *cache = &controller->cache;
    const struct original *original = original_concerned(cache, work_key);
    if (original)
        return map_get(&cache->deployments, original->deployment_key);
    if (work_key[0] == DEPLOYMENT_KEY)
        return map_get(&cache->deployments, work_key + 2);
    if (work_key[0] != MODULE_KEY)
        return NULL;
    const struct cached_instance *instance = map_get(&cache->instances, work_key + 2);
    struct revision *revision = instance ? instance->view.revision : NULL;
    return revision ? CONTAINER_OF(revision, struct cached_revision, view)->deployment : NULL;
}

static bool write_event(struct work *work, const struct action *action)
{
    struct controller *controller = work->controller;
    const struct deployment *deployment = executor_deployment(controller, work->key);
    struct cached_instance *instance = *action->name ? instance_named(work, action->name) : NULL;
    if (instance)
        events_write(controller, KIND_MODULE, &instance->module->meta, action, work->events++);
    else if (!*action->name && deployment)
        events_write(controller, KIND_MODULE_DEPLOYMENT, &deployment->md->meta, action,
                     work->events++);
    return instance || (!*action->name && deployment);
}

static bool run_for_deployment(struct work *work, struct deployment *deployment,
                               const struct action *action)
{
    struct controller *controller = work->controller;
    const struct module_deployment *md = deployment->md;
    const struct module_template_spec *template =
        cache_template(&controller->cache, deployment, action->name);
    switch (action->type) {
    case ACTION_CREATE_REPLICASET:
        if (!template)
            return false;
        create(work, KIND_MODULE_REPLICASET, md->meta.namespace, action->name,
               document_replicaset(md, template, action->name, action->number), NULL);
        break;
    case ACTION_SET_PAUSE:
        patch(work, KIND_MODULE_DEPLOYMENT, &md->meta, STORE_MAIN, patch_pause(md, action->number),
              true);
        break;
    case ACTION_SET_SCALE:
        patch(work, KIND_MODULE_DEPLOYMENT, &md->meta, STORE_MAIN, patch_scale(action->number),
              true);
        break;
    case ACTION_WRITE_STATUS:
        deployment->status_written_ms = controller->cache.now_ms;
        patch(work, KIND_MODULE_DEPLOYMENT, &md->meta, STORE_STATUS,
              patch_deployment_status(md, action->status), true);
        break;
    case ACTION_END_RESUME:
        patch(work, KIND_MODULE_DEPLOYMENT, &md->meta, STORE_MAIN,
              patch_annotation(ANNOTATION_RESUME, NULL), true);
        break;
    case ACTION_ADD_FINALIZER:
        patch(work, KIND_MODULE_DEPLOYMENT, &md->meta, STORE_MAIN, patch_claim(md), true);
        break;
    case ACTION_CLEAR_DEPLOYMENT:
        patch(work, KIND_MODULE_DEPLOYMENT, &md->meta, STORE_MAIN, patch_cleared(&md->meta), true);
        break;
    case ACTION_REMOVE_FINALIZER:
        remove_finalizer(work, KIND_MODULE_DEPLOYMENT, &md->meta, FINALIZER_DEPLOYMENT, true);
        break;
    default:
        return false;
    }
    return true;
}

/* What is to be released, if the Service of that name is its module's still; else NULL. */
static const struct module_template_spec *
service_template(const struct work *work, struct deployment *deployment, const char *name)
{
    struct deployment_view view = cache_view(&work->controller->cache, deployment, 0);
    AUTO_FREE char *own = view.template ? service_name(view.template->module.name) : NULL;
    return str_eq(own, name) ? view.template : NULL;
}

static bool run_for_service(struct work *work, struct deployment *deployment,
                            const struct action *action)
{
    struct controller *controller = work->controller;
    AUTO_FREE char *key = executor_sibling(work->key, action->name);
    const struct cached_service *found = map_get(&controller->cache.services, key);
    const struct module_deployment *md = deployment->md;
    const struct module_template_spec *template = service_template(work, deployment, action->name);
    if (action->type == ACTION_CREATE_SERVICE && template)
        create(work, KIND_SERVICE, md->meta.namespace, action->name, document_service(md, template),
               NULL);
    else if (action->type == ACTION_UPDATE_SERVICE && template && found)
        patch(work, KIND_SERVICE, &found->service->meta, STORE_MAIN,
              patch_service(md, template, found->service), false);
    else if (action->type == ACTION_DELETE_SERVICE && found)
        delete_object(work, KIND_SERVICE, &found->service->meta);
    else
        return false;
    return true;
}

static bool is_about_service(enum action_type type)
{
    return type == ACTION_CREATE_SERVICE || type == ACTION_UPDATE_SERVICE ||
           type == ACTION_DELETE_SERVICE;
}

static bool run_for_replicaset(struct work *work, struct deployment *deployment,
                               struct cached_revision *revision, const struct action *action)
{
    const struct object_meta *meta = &revision->rs->meta;
    const struct module_template_spec *template =
        cache_template(&work->controller->cache, deployment, action->name);
    switch (action->type) {
    case ACTION_SET_REPLICAS:
        patch(work, KIND_MODULE_REPLICASET, meta, STORE_MAIN, patch_replicas(action->number),
              false);
        break;
    case ACTION_RENEW_REPLICASET:
        if (!template)
            return false;
        patch(work, KIND_MODULE_REPLICASET, meta, STORE_MAIN,
              patch_renewal(template, action->number), false);
        break;
    case ACTION_SET_FAILED:
        patch(work, KIND_MODULE_REPLICASET, meta, STORE_MAIN,
              patch_annotation(ANNOTATION_FAILED, action->message), false);
        break;
    case ACTION_WRITE_REPLICASET_STATUS:
        revision->view.status_written_ms = work->controller->cache.now_ms;
        patch(work, KIND_MODULE_REPLICASET, meta, STORE_STATUS,
              patch_replicaset_status(&action->replicaset_status), false);
        break;
    case ACTION_DELETE_REPLICASET:
        delete_object(work, KIND_MODULE_REPLICASET, meta);
        break;
    case ACTION_PLACE:
    case ACTION_EVICT:
        placement_ask(work->controller, deployment, revision, action->type, action->number);
        break;
    case ACTION_FORGET_PLACE:
        placement_forget(&revision->view.place);
        break;
    case ACTION_FORGET_EVICT:
        placement_forget(&revision->view.evict);
        break;
    default:
        return false;
    }
    return true;
}

/* Where bases register themselves, one that is gone has no labels any more. */
static void end_traffic(struct work *work, const struct module *module,
                        const struct json_map *labels)
{
    const struct object_meta base = {.namespace = module->meta.namespace,
                                     .name = module->spec.base_name,
                                     .uid = module->spec.base_uid};
    if (store_bases_are_pods(work->controller->store))
        patch(work, KIND_BASE, &base, STORE_MAIN, patch_labels(&base, labels), false);
}

static bool run_for_instance(struct work *work, struct cached_instance *instance,
                             const struct action *action)
{
    struct controller *controller = work->controller;
    const struct object_meta *meta = &instance->module->meta;
    switch (action->type) {
    case ACTION_SET_WAY:
        patch(work, KIND_MODULE, meta, STORE_MAIN, patch_way(action->way, action->reason), false);
        break;
    case ACTION_DELETE_MODULE:
        delete_object(work, KIND_MODULE, meta);
        break;
    case ACTION_INSTALL:
        agents_start(controller, instance, OPERATION_INSTALL);
        break;
    case ACTION_UNINSTALL:
        agents_start(controller, instance, OPERATION_UNINSTALL);
        break;
    case ACTION_SWITCH:
        agents_start(controller, instance, OPERATION_SWITCH);
        break;
    case ACTION_WRITE_MODULE_STATUS:
        patch(work, KIND_MODULE, meta, STORE_STATUS,
              patch_module_status(instance->module, action->module_status), false);
        break;
    case ACTION_END_TRAFFIC:
        end_traffic(work, instance->module, &action->labels);
        break;
    case ACTION_RELEASE_MODULE:
        remove_finalizer(work, KIND_MODULE, meta, FINALIZER_MODULE, false);
        break;
    default:
        return false;
    }
    return true;
}

static bool label_base(struct work *work, const struct action *action)
{
    const struct cached_base *base = map_get(&work->controller->cache.bases, work->key + 2);
    if (!base)
        return false;
    patch(work, KIND_BASE, &base->base->meta, STORE_MAIN,
          patch_labels(&base->base->meta, &action->labels), false);
    return true;
}

static bool run_for_original(struct work *work, const struct action *action)
{
    struct controller *controller = work->controller;
    const struct original *original = original_concerned(&controller->cache, work->key);
    if (!original)
        return false;
    if (action->type == ACTION_CLEAR_ORIGINAL) {
        remove_finalizer(work, original->kind, original->meta, NULL, false);
    } else if (action->type == ACTION_DELETE_ORIGINAL) {
        delete_object(work, original->kind, original->meta);
    } else {
        struct adoption_view view = originals_view(controller, original);
        struct module_template_spec template = adopted_template(&view);
        create(work, KIND_MODULE_REPLICASET, view.md->meta.namespace, action->name,
               document_replicaset(view.md, &template, action->name, action->number), NULL);
    }
    return true;
}

static bool is_about_original(enum action_type type)
{
    return type == ACTION_ADOPT_REVISION || type == ACTION_CLEAR_ORIGINAL ||
           type == ACTION_DELETE_ORIGINAL;
}

/*
 * What @action is about may have gone since it was planned. Then nothing comes of it: with the object its key, and those of
 * whoever it was linked to, came into the queue (cache.c), so that what is to happen instead is planned next.
 */
static void run_action(struct work *work, const struct action *action)
{
    struct controller *controller = work->controller;
    struct deployment *deployment = work->key[0] == DEPLOYMENT_KEY
                                        ? map_get(&controller->cache.deployments, work->key + 2)
                                        : NULL;
    struct cached_revision *revision = *action->name ? revision_named(work, action->name) : NULL;
    if (revision && deployment && revision->deployment != deployment)
        revision = NULL; /* of the one before, whose name this one has */
    struct cached_instance *instance = *action->name ? instance_named(work, action->name) : NULL;
    bool found = true;
    if (action->type == ACTION_REQUEUE)
        workqueue_add_at(controller->queue, work->key, action->at_ms);
    else if (action->type == ACTION_EVENT)
        found = write_event(work, action);
    else if (is_about_original(action->type))
        found = run_for_original(work, action);
    else if (action->type == ACTION_CREATE_MODULE)
        found = create_module(work, action);
    else if (action->type == ACTION_LABEL_BASE)
        found = label_base(work, action);
    else if (deployment && is_about_service(action->type))
        found = run_for_service(work, deployment, action);
    else if (action->type == ACTION_LEARN_WEB_PATH && revision)
        patch(work, KIND_MODULE_REPLICASET, &revision->rs->meta, STORE_MAIN,
              patch_annotation(ANNOTATION_WEB_PATH_IN_USE, "true"), false);
    else if (deployment && revision)
        found = run_for_replicaset(work, deployment, revision, action);
    else if (deployment && !instance)
        found = run_for_deployment(work, deployment, action);
    else
        found = instance && run_for_instance(work, instance, action);
    AUTO_FREE char *gone = found ? NULL : action_describe(action);
    if (gone)
        log_debug(controller->log, "nothing is done: what it was about has gone",
                  LOG_STR("key", work->key), LOG_STR("action", gone));
}

static bool goes_out_together(enum action_type type)
{
    return type == ACTION_CREATE_MODULE || type == ACTION_DELETE_MODULE || type == ACTION_EVENT;
}

/* Begins actions until one has to be waited for. */
static void advance(struct work *work)
{
    if (work->advancing)
        return;
    if (work->controller->stopping) /* what actions need goes away; the next start plans anew */
        work->failed = true;
    work->advancing = true;
    while (!work->failed && work->next < work->plan.actions.len) {
        const struct action *action = &work->plan.actions.items[work->next];
        bool together =
            goes_out_together(action->type) && work->writes < WRITES_AT_ONCE &&
            (!work->writes || goes_out_together(work->plan.actions.items[work->next - 1].type));
        if (work->writes && !together)
            break;
        work->next++;
        run_action(work, action);
    }
    work->advancing = false;
    finish_if_done(work);
}

void executor_run(struct controller *controller, const char *work_key, struct plan *plan_taken)
{
    if (!plan_taken->actions.len) { /* most plans: nothing is to be done */
        plan_done(plan_taken);
        setbacks_end(controller, work_key);
        workqueue_done(controller->queue, work_key);
        return;
    }
    struct work *work = NEW(struct work);
    work->controller = controller;
    work->key = mem_strdup(work_key);
    work->plan = *plan_taken;
    list_init(&work->unseen);
    loop_timer_init(&work->timeout, on_seen_timeout);
    map_put(&controller->works, work_key, work);
    assumptions_begin(controller, work_key, &work->plan);
    advance(work);
}

void executor_free(struct controller *controller)
{
    while (controller->works.len) {
        struct work *work = controller->works.entries[0].value;
        work->failed = true;
        work->writes = 0;
        give_up_sights(work);
    }
    map_done(&controller->works);
    sights_done(&controller->awaited);
}
