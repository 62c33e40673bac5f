/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/cache_internal.h"

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/min.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/links.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/rollback.h"

char *object_key(const char *namespace, const char *name)
{
    return mem_printf("%s/%s", str_empty(namespace) ? "default" : namespace, name);
}

static struct deployment *deployment_of(struct revision *revision)
{
    return revision ? CONTAINER_OF(revision, struct cached_revision, view)->deployment : NULL;
}

static bool takes_place(const struct module *module)
{
    return module->spec.replaces && module->spec.upgrade_way == WAY_IN_PLACE;
}

void cache_recount(struct cache *cache, struct cached_instance *instance)
{
    instance_recount(&instance->view, true);
    if (takes_place(instance->module)) /* who was to go serves again where that has failed */
        cache_dirty_traffic(cache, &instance->view);
    cache__dirty_deployment(cache, deployment_of(instance->view.revision));
}

/* -- links between an instance and the one it replaces -- */

static void dirty_module(struct cache *cache, struct instance *instance)
{
    if (instance)
        cache->on_dirty_module(cache->user, cache__instance(instance)->key);
}

static void link_successor(struct cache *cache, const char *key);

/* Gives back what @instance replaces, or ends its waiting for that. */
static void unlink_replacement(struct cache *cache, struct instance *instance)
{
    struct instance *old = instance->replaces;
    const struct module *module = instance->module;
    if (!str_empty(module->spec.replaces)) {
        AUTO_FREE char *key = object_key(module->meta.namespace, module->spec.replaces);
        if (map_get(&cache->successors, key) == instance)
            map_remove(&cache->successors, key);
    }
    instance->replaces = NULL;
    if (old) {
        old->replaced_by = NULL;
        instance_recount(old, true);
        dirty_module(cache, old);
        link_successor(cache, cache__instance(old)->key);
    }
}

/* A live instance claims the one it replaces, as soon as that is seen and nobody else claims it; a deleted one
 * gives it back. */
static void link_replacement(struct cache *cache, struct instance *instance)
{
    const struct module *module = instance->module;
    bool claims = !str_empty(module->spec.replaces) && !instance_deleting(instance);
    AUTO_FREE char *key = claims ? object_key(module->meta.namespace, module->spec.replaces) : NULL;
    struct cached_instance *old = key ? map_get(&cache->instances, key) : NULL;
    bool meant = old && old->view.replaces != instance && replaces_meant(module, old->module);
    if (meant && old->view.replaced_by == instance)
        return;
    unlink_replacement(cache, instance);
    if (meant && !old->view.replaced_by) {
        instance->replaces = &old->view;
        old->view.replaced_by = instance;
        instance_recount(&old->view, true);
    } else if (claims && (!old || meant)) {
        map_put(&cache->successors, key, instance);
    }
}

/* The successor that waits for the instance of @key. */
static void link_successor(struct cache *cache, const char *key)
{
    struct instance *successor = map_remove(&cache->successors, key);
    if (!successor)
        return;
    link_replacement(cache, successor);
    dirty_module(cache, successor);
}

/* -- modules -- */

static void attach_revision(struct cache *cache, struct cached_instance *c,
                            struct cached_revision *revision)
{
    instance_join_revision(&c->view, &revision->view);
    cache__group_of_revision(cache, revision);
    cache__leave_group(cache, c);
}

static void detach_revision(struct cache *cache, struct cached_instance *c)
{
    struct revision *revision = c->view.revision;
    if (!revision)
        return;
    instance_leave_revision(&c->view);
    cache__group_of_revision(cache, CONTAINER_OF(revision, struct cached_revision, view));
}

/* @deployment: the base Deployment, as far as its labels tell. */
static void attach_instance(struct cache *cache, struct cached_instance *c, const char *deployment)
{
    const struct owner_reference *owner = meta_owner(&c->module->meta);
    AUTO_FREE char *rs_key = object_key(c->module->meta.namespace, owner ? owner->name : "");
    struct cached_revision *revision = map_get(&cache->revisions, rs_key);
    if (revision && owner && str_eq(revision->rs->meta.uid, owner->uid))
        attach_revision(cache, c, revision);
    else if (deployment)
        cache__hold_group(cache, c, deployment);
    AUTO_FREE char *base_key = object_key(c->module->meta.namespace, c->module->spec.base_name);
    struct cached_base *base = map_get(&cache->bases, base_key);
    if (base && str_eq(base->base->meta.uid, c->module->spec.base_uid)) {
        instance_join_base(&c->view, &base->view, cache->now_ms);
        if (base->assumed)
            cache_forget(base);
    }
}

static void operation_done(struct operation *operation)
{
    mem_free(operation->code);
    mem_free(operation->reason);
    mem_free(operation->message);
    mem_free(operation->digest);
}

static void free_instance(struct cached_instance *c)
{
    operation_done(&c->view.operation);
    mem_free(c->view.unhealthy_message);
    mem_free(c->view.reported_digest);
    module_free(c->module);
    mem_free(c->key);
    mem_free(c);
}

/* Those of the same module on @base, which may have waited for @gone to leave. */
static void dirty_same_module(struct cache *cache, const struct cached_base *base,
                              const struct cached_instance *gone)
{
    for (size_t i = 0; i < base->view.instances.len; i++) {
        struct instance *instance = base->view.instances.items[i];
        if (str_eq(instance->module->spec.module.name, gone->module->spec.module.name))
            dirty_module(cache, instance);
    }
}

static void remove_instance(struct cache *cache, struct cached_instance *c)
{
    struct deployment *deployment = deployment_of(c->view.revision);
    struct instance *successor = c->view.replaced_by;
    unlink_replacement(cache, &c->view);
    if (successor) {
        successor->replaces = NULL;
        dirty_module(cache, successor);
    }
    detach_revision(cache, c);
    cache__leave_group(cache, c);
    instance_recount(&c->view, false);
    /* Nobody has asked for that; or who was there before may have the traffic back. */
    if (!instance_deleting(&c->view) || c->module->spec.upgrade_way == WAY_IN_PLACE)
        cache_dirty_traffic(cache, &c->view);
    if (c->view.base) {
        struct cached_base *base = CONTAINER_OF(c->view.base, struct cached_base, view);
        VEC_DROP(&base->view.instances, &c->view);
        dirty_same_module(cache, base, c);
        cache_dirty_group(cache, base->group); /* there is room again */
    }
    cache__dirty_deployment(cache, deployment);
    map_remove(&cache->instances, c->key);
    free_instance(c);
    if (successor)
        link_replacement(cache, successor);
}

/* Whether the base has to be planned for what became of @before (NULL: it is new): it came or ceased to serve,
 * or who is to take its place came or took another way. */
static bool matters_to_traffic(const struct module *before, const struct module *now)
{
    bool is_available = now->status.phase == MODULE_AVAILABLE;
    if (!before)
        return is_available || takes_place(now);
    return is_available != (before->status.phase == MODULE_AVAILABLE) ||
           now->spec.upgrade_way != before->spec.upgrade_way ||
           (now->meta.deletion_ms != 0) != (before->meta.deletion_ms != 0);
}

static void keep_only(cJSON *object, const char *name)
{
    for (cJSON *member = object ? object->child : NULL, *next; member; member = next) {
        next = member->next;
        if (!str_eq(member->string, name))
            cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
    }
}

/*
 * Labels and annotations of Modules are for people and selectors, but for one, the owners beside the controlling
 * one for the garbage collector: nobody looks at them here, and they are many.
 * Return: what one of them tells that a Module without its revision does not say otherwise: the base Deployment.
 * Owned; NULL: it is not there.
 */
static char *drop_unread(cJSON *json)
{
    cJSON *meta = cJSON_GetObjectItemCaseSensitive(json, "metadata");
    cJSON *labels = cJSON_DetachItemFromObjectCaseSensitive(meta, "labels");
    char *deployment = mem_strdup(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels, LABEL_DEPLOYMENT_NAME)));
    cJSON_Delete(labels);
    keep_only(cJSON_GetObjectItemCaseSensitive(meta, "annotations"), ANNOTATION_REPLACES_UID);
    cJSON *owners = cJSON_GetObjectItemCaseSensitive(meta, "ownerReferences");
    for (cJSON *owner = owners ? owners->child : NULL, *next; owner; owner = next) {
        next = owner->next;
        if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(owner, "controller")))
            cJSON_Delete(cJSON_DetachItemViaPointer(owners, owner));
        else
            cJSON_DeleteItemFromObjectCaseSensitive(owner, "apiVersion");
    }
    return deployment;
}

static int apply_module(struct cache *cache, const char *key, cJSON *json, bool deleted,
                        struct err **err)
{
    struct cached_instance *c = map_get(&cache->instances, key);
    if (deleted) {
        if (c)
            remove_instance(cache, c);
        return 0;
    }
    AUTO_FREE char *deployment = drop_unread(json);
    struct module *module = module_read(json, err);
    if (!module)
        return -1;
    bool traffic = matters_to_traffic(c ? c->module : NULL, module);
    bool was_deleting = c && instance_deleting(&c->view);
    if (c) {
        if (c->module->spec.upgrade_way != module->spec.upgrade_way)
            c->view.operation.state = OPERATION_NONE; /* what was refused was the way before */
        if (!str_eq(c->module->spec.replaces, module->spec.replaces))
            unlink_replacement(cache, &c->view); /* by what it said before */
        module_free(c->module);
        c->view.module = c->module = module;
    } else {
        c = NEW(struct cached_instance);
        c->key = mem_strdup(key);
        c->view.module = c->module = module;
        c->view.operation.failures = min32(max32(module->status.attempts, 0), LIMIT_ATTEMPTS);
        map_put(&cache->instances, key, c);
        attach_instance(cache, c, deployment);
    }
    if (instance_deleting(&c->view) && !was_deleting)
        c->view.going_ms = cache->now_ms;
    link_replacement(cache, &c->view);
    link_successor(cache, key);
    instance_recount(&c->view, true);
    if (traffic)
        cache_dirty_traffic(cache, &c->view);
    dirty_module(cache, &c->view);
    dirty_module(cache, c->view.replaces);
    dirty_module(cache, c->view.replaced_by);
    cache__dirty_originals_on(cache, c->view.base);
    cache__dirty_deployment(cache, deployment_of(c->view.revision));
    return 0;
}

/* -- revisions -- */

static void attach_deployment(struct cache *cache, struct cached_revision *c)
{
    const struct owner_reference *owner = meta_owner(&c->rs->meta);
    AUTO_FREE char *key = object_key(c->rs->meta.namespace, owner ? owner->name : "");
    struct deployment *deployment = map_get(&cache->deployments, key);
    if (!deployment || !owner || !str_eq(deployment->md->meta.uid, owner->uid))
        return;
    c->deployment = deployment;
    VEC_PUSH(&deployment->revisions, &c->view);
}

/* Modules that were seen before their ModuleReplicaSet. */
static void adopt_instances(struct cache *cache, struct cached_revision *revision)
{
    for (size_t i = 0; i < cache->instances.len; i++) {
        struct cached_instance *c = cache->instances.entries[i].value;
        const struct owner_reference *owner = meta_owner(&c->module->meta);
        if (!c->view.revision && owner && str_eq(owner->uid, revision->rs->meta.uid)) {
            attach_revision(cache, c, revision);
            instance_recount(&c->view, true);
            cache->on_dirty_module(cache->user, c->key);
        }
    }
}

static void placement_done(struct placement *placement)
{
    for (size_t i = 0; i < placement->names.len; i++)
        mem_free(placement->names.items[i]);
    mem_free(placement->names.items);
    mem_free(placement->explanation);
}

static void free_revision(struct cached_revision *c)
{
    placement_done(&c->view.place);
    placement_done(&c->view.evict);
    VEC_DONE(&c->view.instances);
    module_replicaset_free(c->rs);
    mem_free(c->key);
    mem_free(c);
}

/* Each instance acts on which revision is wanted. */
static void dirty_instances(struct cache *cache, const struct deployment *deployment)
{
    for (size_t r = 0; r < deployment->revisions.len; r++) {
        const struct revision *revision = deployment->revisions.items[r];
        for (size_t i = 0; i < revision->instances.len; i++)
            cache->on_dirty_module(cache->user, cache__instance(revision->instances.items[i])->key);
    }
}

/* Where one was marked as failed, or is not any more, or is gone, another one may be wanted. */
static void on_marks_changed(struct cache *cache, struct deployment *deployment)
{
    if (!deployment)
        return;
    mem_replace(&deployment->wanted, NULL);
    dirty_instances(cache, deployment);
}

static void remove_revision(struct cache *cache, struct cached_revision *c)
{
    for (size_t i = 0; i < c->view.instances.len; i++) {
        struct cached_instance *instance = cache__instance(c->view.instances.items[i]);
        instance->view.revision = NULL;
        cache__hold_group(cache, instance, c->rs->spec.base_deployment_name);
        instance->view.counted =
            (struct instance_counted){.on_base = instance->view.counted.on_base};
        dirty_module(cache, &instance->view);
    }
    c->view.instances.len = 0;
    cache__group_of_revision(cache, c);
    if (c->deployment)
        VEC_DROP(&c->deployment->revisions, &c->view);
    if (c->deployment && c->deployment->md->spec.strategy.rollback_on_failure)
        on_marks_changed(cache, c->deployment);
    cache__dirty_deployment(cache, c->deployment);
    map_remove(&cache->revisions, c->key);
    free_revision(c);
}

static int apply_replicaset(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                            struct err **err)
{
    struct cached_revision *c = map_get(&cache->revisions, key);
    if (deleted) {
        if (c)
            remove_revision(cache, c);
        return 0;
    }
    struct module_replicaset *rs = module_replicaset_read(json, err);
    if (!rs)
        return -1;
    bool added = !c;
    const char *mark = json_map_get(&rs->meta.annotations, ANNOTATION_FAILED);
    bool marked_anew = c ? !str_eq(mark, rollback_marked(&c->view)) : mark != NULL;
    if (c) {
        module_replicaset_free(c->rs);
    } else {
        c = NEW(struct cached_revision);
        c->key = mem_strdup(key);
        map_put(&cache->revisions, key, c);
    }
    c->view.rs = c->rs = rs;
    if (added) {
        attach_deployment(cache, c);
        adopt_instances(cache, c);
        if (c->deployment)
            cache__dirty_originals_of(cache, c->deployment->key);
    }
    if (marked_anew)
        on_marks_changed(cache, c->deployment);
    cache__dirty_deployment(cache, c->deployment);
    return 0;
}

/* -- deployments and templates -- */

static void move_to_group(struct cache *cache, struct deployment *deployment)
{
    struct base_group *group = cache__group(cache, deployment->md->meta.namespace,
                                            deployment->md->spec.base_deployment_name);
    if (group == deployment->bases)
        return;
    if (deployment->bases) {
        VEC_DROP(&deployment->bases->deployments, deployment);
        cache_dirty_group(cache, deployment->bases);
        cache__group_settle(cache, deployment->bases);
    }
    deployment->bases = group;
    VEC_PUSH(&group->deployments, deployment);
    cache__group_settle(cache, group);
}

static void adopt_revisions(struct cache *cache, struct deployment *deployment)
{
    for (size_t i = 0; i < cache->revisions.len; i++) {
        struct cached_revision *c = cache->revisions.entries[i].value;
        const struct owner_reference *owner = meta_owner(&c->rs->meta);
        if (!c->deployment && owner && str_eq(owner->uid, deployment->md->meta.uid)) {
            c->deployment = deployment;
            VEC_PUSH(&deployment->revisions, &c->view);
        }
    }
}

static void free_deployment(struct deployment *deployment)
{
    cache__leave_services(deployment);
    VEC_DONE(&deployment->revisions);
    module_deployment_free(deployment->md);
    cache__write_refusal_done(deployment);
    prefetch_done(&deployment->prefetch);
    mem_free(deployment->wanted);
    mem_free(deployment->key);
    mem_free(deployment);
}

static void remove_deployment(struct cache *cache, struct deployment *deployment)
{
    for (size_t i = 0; i < deployment->revisions.len; i++)
        CONTAINER_OF(deployment->revisions.items[i], struct cached_revision, view)->deployment =
            NULL;
    VEC_DROP(&deployment->bases->deployments, deployment);
    cache_dirty_group(cache,
                      deployment->bases); /* another one may have waited for the module's name */
    cache__group_settle(cache, deployment->bases);
    map_remove(&cache->deployments, deployment->key);
    free_deployment(deployment);
}

static int apply_deployment(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                            struct err **err)
{
    struct deployment *deployment = map_get(&cache->deployments, key);
    if (deleted) {
        if (deployment)
            remove_deployment(cache, deployment);
        cache__dirty_originals_of(cache, key);
        return 0;
    }
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_IGNORE, err);
    if (!md)
        return -1;
    bool spec_changed = !deployment || deployment->md->meta.generation != md->meta.generation;
    if (deployment) {
        module_deployment_free(deployment->md);
        deployment->md = md;
        mem_replace(&deployment->wanted, NULL);
    } else {
        deployment = NEW(struct deployment);
        deployment->key = mem_strdup(key);
        deployment->md = md;
        deployment->status_written_ms = -60000;
        map_put(&cache->deployments, key, deployment);
        adopt_revisions(cache, deployment);
        cache__adopt_services(cache, deployment);
    }
    move_to_group(cache, deployment);
    if (spec_changed) {
        dirty_instances(cache, deployment);
        cache_dirty_group(cache, deployment->bases); /* whose module is whose may have changed */
    }
    cache__dirty_originals_of(cache, key);
    cache__dirty_deployment(cache, deployment);
    return 0;
}

static int apply_template(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                          struct err **err)
{
    struct module_template *template =
        deleted ? NULL : module_template_read(json, JSON_UNKNOWN_IGNORE, err);
    if (!deleted && !template)
        return -1;
    module_template_free(template ? map_put(&cache->templates, key, template)
                                  : map_remove(&cache->templates, key));
    for (size_t i = 0; i < cache->deployments.len; i++) {
        struct deployment *deployment = cache->deployments.entries[i].value;
        if (!deployment->md->spec.template_ref)
            continue;
        mem_replace(&deployment->wanted, NULL);
        dirty_instances(cache, deployment);
        cache_dirty_group(cache, deployment->bases);
    }
    return 0;
}

/* -- the whole -- */

/* The metadata of what is there under @key, or NULL. */
static const struct object_meta *meta_of(const struct cache *cache, enum object_kind kind,
                                         const char *key)
{
    const struct deployment *deployment;
    const struct cached_revision *revision;
    const struct cached_instance *instance;
    const struct cached_base *base;
    const struct cached_service *service;
    const struct original *original = cache_original(cache, kind, key);
    if (original)
        return original->meta;
    switch (kind) {
    case KIND_MODULE_DEPLOYMENT:
        deployment = map_get(&cache->deployments, key);
        return deployment ? &deployment->md->meta : NULL;
    case KIND_MODULE_REPLICASET:
        revision = map_get(&cache->revisions, key);
        return revision ? &revision->rs->meta : NULL;
    case KIND_MODULE:
        instance = map_get(&cache->instances, key);
        return instance ? &instance->module->meta : NULL;
    case KIND_BASE:
        base = map_get(&cache->bases, key);
        return base ? &base->base->meta : NULL;
    case KIND_SERVICE:
        service = map_get(&cache->services, key);
        return service ? &service->service->meta : NULL;
    default:
        return NULL;
    }
}

/* An object of the same name that came after the one that is there: that one went unseen. */
static void replace_object(struct cache *cache, enum object_kind kind, const char *key,
                           const cJSON *json)
{
    const struct object_meta *meta = meta_of(cache, kind, key);
    const char *uid = json_get_string(json, "metadata.uid");
    if (!meta || !uid || str_eq(meta->uid, uid))
        return;
    if (kind == KIND_MODULE_DEPLOYMENT)
        apply_deployment(cache, key, json, true, NULL);
    else if (kind == KIND_MODULE_REPLICASET)
        apply_replicaset(cache, key, json, true, NULL);
    else if (kind == KIND_MODULE)
        apply_module(cache, key, /* json= */ NULL, true, NULL);
    else if (kind == KIND_BASE)
        cache__apply_base(cache, key, json, true, NULL);
    else
        cache__apply_service(cache, key, json, true, NULL);
}

int cache_apply(struct cache *cache, const struct document *document, bool deleted,
                struct err **err)
{
    AUTO_FREE char *key = object_key(document->namespace, document->name);
    /* Its size, nesting and keys were checked when the store took it. */
    AUTO_JSON cJSON *json = cJSON_ParseWithLength(document->json, document->json_len);
    if (!json)
        return err_set(err, ERR_INVALID, "%s %s: not JSON", kind_name(document->kind), key);
    if (!deleted)
        replace_object(cache, document->kind, key, json);
    if (cache__apply_original(cache, document->kind, key, json, deleted))
        return 0;
    int result = 0;
    switch (document->kind) {
    case KIND_MODULE_DEPLOYMENT:
        result = apply_deployment(cache, key, json, deleted, err);
        break;
    case KIND_MODULE_REPLICASET:
        result = apply_replicaset(cache, key, json, deleted, err);
        break;
    case KIND_MODULE:
        result = apply_module(cache, key, json, deleted, err);
        break;
    case KIND_MODULE_TEMPLATE:
        result = apply_template(cache, key, json, deleted, err);
        break;
    case KIND_BASE:
        result = cache__apply_base(cache, key, json, deleted, err);
        break;
    case KIND_SERVICE:
        result = cache__apply_service(cache, key, json, deleted, err);
        break;
    case KIND_EVENT:
    case KIND_MAX_:
        UNREACHABLE("events are not cached");
    }
    return result < 0 ? err_wrap(err, "%s %s", kind_name(document->kind), key) : 0;
}

const char *cache_resource_version(const struct cache *cache, enum object_kind kind,
                                   const char *key)
{
    const struct object_meta *meta = meta_of(cache, kind, key);
    return meta ? meta->resource_version : NULL;
}

void cache_done(struct cache *cache)
{
    cache__originals_done(cache);
    for (size_t i = 0; i < cache->instances.len; i++)
        free_instance(cache->instances.entries[i].value);
    for (size_t i = 0; i < cache->revisions.len; i++)
        free_revision(cache->revisions.entries[i].value);
    for (size_t i = 0; i < cache->deployments.len; i++)
        free_deployment(cache->deployments.entries[i].value);
    for (size_t i = 0; i < cache->services.len; i++)
        cache__service_free(cache->services.entries[i].value);
    for (size_t i = 0; i < cache->bases.len; i++)
        cache__base_free(cache->bases.entries[i].value);
    for (size_t i = 0; i < cache->templates.len; i++)
        module_template_free(cache->templates.entries[i].value);
    for (size_t i = 0; i < cache->groups.len; i++) {
        cache__group_free(cache->groups.entries[i].value);
    }
    map_done(&cache->instances);
    map_done(&cache->successors);
    map_done(&cache->revisions);
    map_done(&cache->deployments);
    map_done(&cache->bases);
    map_done(&cache->services);
    map_done(&cache->templates);
    map_done(&cache->groups);
}
