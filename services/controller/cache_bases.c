/* SPDX-License-Identifier: Apache-2.0 */
/* Bases in the cache, and the groups that they stand in. */
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/cache_internal.h"
#include "services/controller/engine/links.h"
#include "services/controller/engine/plan_replicaset.h"

void cache_dirty_group(struct cache *cache, struct base_group *group)
{
    for (size_t i = 0; i < group->deployments.len; i++) {
        struct deployment *deployment = group->deployments.items[i];
        for (size_t r = 0; r < deployment->revisions.len; r++)
            deployment->revisions.items[r]->place.answered_ms = cache->now_ms - PLACE_RETRY_MS;
        cache__dirty_deployment(cache, deployment);
    }
}

struct base_group *cache__group(struct cache *cache, const char *namespace, const char *deployment)
{
    AUTO_FREE char *key = object_key(namespace, deployment ? deployment : "");
    struct base_group *group = map_get(&cache->groups, key);
    if (!group) {
        group = NEW(struct base_group);
        group->key = mem_strdup(key);
        group->unknown = cache->on_group != NULL;
        map_put(&cache->groups, key, group);
    }
    return group;
}

void cache__group_free(struct base_group *group)
{
    VEC_DONE(&group->bases);
    VEC_DONE(&group->deployments);
    VEC_DONE(&group->revisions);
    mem_free(group->problem);
    mem_free(group->key);
    mem_free(group);
}

static bool has_traffic(const struct base_group *group)
{
    for (size_t b = 0; b < group->bases.len; b++) {
        const struct json_map *labels = &group->bases.items[b]->base->meta.labels;
        for (size_t i = 0; i < labels->len; i++)
            if (str_starts_with(labels->items[i].key, LABEL_TRAFFIC_PREFIX))
                return true;
    }
    return false;
}

void cache__group_settle(struct cache *cache, struct base_group *group)
{
    bool needed = group->deployments.len || group->revisions.len || group->orphans ||
                  (cache->on_group && has_traffic(group));
    if (needed != group->needed) {
        group->needed = needed;
        group->unknown = cache->on_group != NULL;
        mem_replace(&group->problem, NULL);
        if (cache->on_group)
            cache->on_group(cache->user, group->key, needed);
    }
    if (needed || group->bases.len)
        return;
    map_remove(&cache->groups, group->key);
    cache__group_free(group);
}

void cache_dirty_traffic(struct cache *cache, const struct instance *instance)
{
    if (instance->base)
        cache->on_dirty_base(cache->user,
                             CONTAINER_OF(instance->base, struct cached_base, view)->key);
}

void cache__group_of_revision(struct cache *cache, struct cached_revision *revision)
{
    bool has_instances = revision->view.instances.len > 0;
    struct base_group *group = revision->group;
    if (has_instances && !group) {
        revision->group = group = cache__group(cache, revision->rs->meta.namespace,
                                               revision->rs->spec.base_deployment_name);
        VEC_PUSH(&group->revisions, revision);
    } else if (!has_instances && group) {
        VEC_DROP(&group->revisions, revision);
        revision->group = NULL;
    } else {
        return;
    }
    cache__group_settle(cache, group);
}

void cache__hold_group(struct cache *cache, struct cached_instance *c, const char *deployment)
{
    c->group = cache__group(cache, c->module->meta.namespace, deployment);
    c->group->orphans++;
    cache__group_settle(cache, c->group);
}

void cache__leave_group(struct cache *cache, struct cached_instance *c)
{
    struct base_group *group = TAKE(c->group);
    if (!group)
        return;
    group->orphans--;
    cache__group_settle(cache, group);
}

static void dirty_orphans(struct cache *cache, const struct base_group *group)
{
    for (size_t i = 0; group->orphans && i < cache->instances.len; i++) {
        const struct cached_instance *c = cache->instances.entries[i].value;
        if (c->group == group)
            cache->on_dirty_module(cache->user, c->key);
    }
}

void cache_group_state(struct cache *cache, const char *key, bool unknown, const char *problem)
{
    struct base_group *group = map_get(&cache->groups, key);
    if (!group || !group->needed || (group->unknown == unknown && str_eq(group->problem, problem)))
        return;
    group->unknown = unknown;
    mem_replace(&group->problem, problem);
    cache_dirty_group(cache, group);
    dirty_orphans(cache, group);
    for (size_t r = 0; r < group->revisions.len; r++) {
        const struct revision *revision = &group->revisions.items[r]->view;
        for (size_t i = 0; i < revision->instances.len; i++)
            cache->on_dirty_module(cache->user, cache__instance(revision->instances.items[i])->key);
    }
    for (size_t d = 0; d < group->deployments.len; d++)
        cache__dirty_originals_of(cache, group->deployments.items[d]->key);
}

bool cache_bases_unknown(const struct cache *cache, const char *namespace)
{
    AUTO_FREE char *prefix = object_key(namespace, "");
    for (size_t i = 0; i < cache->groups.len; i++) {
        const struct base_group *group = cache->groups.entries[i].value;
        if (group->needed && group->unknown && str_starts_with(group->key, prefix))
            return true;
    }
    return false;
}

bool cache_base_unknown(const struct cache *cache, const struct cached_instance *instance)
{
    struct revision *revision = instance->view.revision;
    const struct base_group *group =
        revision ? CONTAINER_OF(revision, struct cached_revision, view)->group : NULL;
    if (!revision)
        return cache_bases_unknown(cache, instance->module->meta.namespace);
    return group && group->unknown;
}

/* All that is planned with @base in view. */
static void dirty_all(struct cache *cache, struct cached_base *base)
{
    for (size_t i = 0; i < base->view.instances.len; i++)
        cache->on_dirty_module(cache->user, cache__instance(base->view.instances.items[i])->key);
    cache_dirty_group(cache, base->group);
}

void cache_dirty_waiting(struct cache *cache, struct cached_base *base)
{
    for (size_t i = 0; i < base->view.instances.len; i++) {
        struct instance *instance = base->view.instances.items[i];
        if (instance_deleting(instance) || instance->replaces)
            cache->on_dirty_module(cache->user, cache__instance(instance)->key);
    }
}

static const char *of_module(const struct json_map *labels, const struct instance *instance)
{
    AUTO_FREE char *label =
        mem_printf(LABEL_TRAFFIC_PREFIX "%s", instance->module->spec.module.name);
    return json_map_get(labels, label);
}

static bool has_label(const struct base *base, const struct instance *instance)
{
    return of_module(&base->meta.labels, instance) != NULL;
}

/* From when their label goes instances have their time to drain. */
static void note_labels(struct cache *cache, struct cached_base *c, const struct base *now)
{
    for (size_t i = 0; i < c->view.instances.len; i++) {
        struct instance *instance = c->view.instances.items[i];
        if (has_label(c->base, instance) && !has_label(now, instance))
            instance->unlabelled_ms = cache->now_ms;
    }
}

void cache_settle_doubts(struct cached_base *base, int64_t now_ms)
{
    for (size_t i = 0; i < base->view.instances.len; i++) {
        struct instance *instance = base->view.instances.items[i];
        if (of_module(&base->view.doubted, instance))
            instance->unlabelled_ms = now_ms;
    }
    json_map_done(&base->view.doubted);
}

static void adopt_base_instances(struct cache *cache, struct cached_base *base)
{
    for (size_t i = 0; i < cache->instances.len; i++) {
        struct cached_instance *c = cache->instances.entries[i].value;
        if (!c->view.base && str_eq(c->module->spec.base_uid, base->base->meta.uid)) {
            instance_join_base(&c->view, &base->view, cache->now_ms);
            instance_recount(&c->view, true);
        }
    }
}

void cache__base_free(struct cached_base *c)
{
    VEC_DONE(&c->view.instances);
    json_map_done(&c->view.doubted);
    base_free(c->base);
    mem_free(c->key);
    mem_free(c);
}

static void remove_base(struct cache *cache, struct cached_base *c)
{
    dirty_all(cache, c);
    for (size_t i = 0; i < c->view.instances.len; i++) {
        struct cached_instance *instance = cache__instance(c->view.instances.items[i]);
        instance->view.base = NULL;
        instance->view.base_ended = c->view.terminating;
        instance->view.counted.on_base = false;
    }
    VEC_DROP(&c->group->bases, &c->view);
    cache__group_settle(cache, c->group);
    map_remove(&cache->bases, c->key);
    cache__base_free(c);
}

static bool labels_differ(const struct json_map *a, const struct json_map *b)
{
    for (size_t i = 0; i < a->len; i++)
        if (!str_starts_with(a->items[i].key, LABEL_TRAFFIC_PREFIX) &&
            !str_eq(json_map_get(b, a->items[i].key), a->items[i].value))
            return true;
    return false;
}

/* Whether more has changed than who gets traffic, which is our own doing and happens with every install. */
static bool differs(const struct base *a, const struct base *b)
{
    const struct base_spec *x = &a->spec, *y = &b->spec;
    return !str_eq(x->deployment, y->deployment) || !str_eq(x->ip, y->ip) ||
           !str_eq(x->agent_address, y->agent_address) || !str_eq(x->node, y->node) ||
           !str_eq(x->zone, y->zone) || x->max_module_count != y->max_module_count ||
           x->max_module_count_set != y->max_module_count_set ||
           !str_eq(a->status.phase, b->status.phase) ||
           !str_eq(a->status.boot_id, b->status.boot_id) ||
           a->status.metaspace_full != b->status.metaspace_full ||
           (a->meta.deletion_ms != 0) != (b->meta.deletion_ms != 0) ||
           labels_differ(&a->meta.labels, &b->meta.labels) ||
           labels_differ(&b->meta.labels, &a->meta.labels);
}

int cache__apply_base(struct cache *cache, const char *key, const cJSON *json, bool deleted,
                      struct err **err)
{
    struct cached_base *c = map_get(&cache->bases, key);
    if (deleted) {
        if (c)
            remove_base(cache, c);
        return 0;
    }
    struct base *base = base_read(json, err);
    if (!base)
        return -1;
    bool added = !c;
    bool changed = c && differs(c->base, base);
    if (c) {
        if (!str_eq(c->base->spec.agent_address, base->spec.agent_address))
            c->unreached = false;
        note_labels(cache, c, base);
        base_free(c->base);
    } else {
        c = NEW(struct cached_base);
        c->key = mem_strdup(key);
        c->last_report_ms = cache->now_ms;
        map_put(&cache->bases, key, c);
    }
    c->view.base = c->base = base;
    c->view.ready = str_eq(base->status.phase, "Ready");
    c->view.terminating = base->meta.deletion_ms != 0;
    struct base_group *group = cache__group(cache, base->meta.namespace, base->spec.deployment);
    if (group != c->group) {
        if (c->group) {
            VEC_DROP(&c->group->bases, &c->view);
            cache_dirty_group(cache, c->group);
            cache__group_settle(cache, c->group);
        }
        c->group = group;
        VEC_PUSH(&group->bases, &c->view);
    }
    if (added) {
        adopt_base_instances(cache, c);
        cache__link_originals(cache, c);
    }
    if (added || changed)
        dirty_all(cache, c);
    else
        cache_dirty_waiting(cache, c);
    cache->on_dirty_base(cache->user, c->key);
    cache__group_settle(cache, group);
    return 0;
}
