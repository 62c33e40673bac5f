/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base Deployments in a cluster: the store shows the Pods of those that the cache needs.
 *
 *   cache: needed ─> store_follow_bases() ─> state, on the store's thread ─> loop: on_told()
 *                                                                              │ when the informer of
 *                                                                              v bases has come to its version
 *                                                                      cache_group_state(): planned anew
 *
 * Until then what is on those bases is left alone, for nobody knows which of them are gone.
 */
#include <stdatomic.h>
#include <string.h>

#include "lib/base/str.h"
#include "services/controller/controller_internal.h"

/* One base Deployment, from the moment it is needed until it is not, and nothing is under way for it. */
struct following {
    struct controller *controller;
    char *key, *namespace, *deployment;
    atomic_int under_way; /* states that were told and not taken */
    bool ended;
    struct told *waiting; /* the newest state, whose bases the cache has not seen; or NULL */
};

/* A state, told by the store. */
struct told {
    struct loop_event event;
    struct following *following;
    bool unknown;
    char *problem;
    int64_t version; /* of the Bases */
};

static void free_told(struct told *told)
{
    if (told)
        mem_free(told->problem);
    mem_free(told);
}

static void free_if_over(struct following *following)
{
    if (!following->ended || atomic_load(&following->under_way))
        return;
    free_told(following->waiting);
    mem_free(following->key);
    mem_free(following->namespace);
    mem_free(following->deployment);
    mem_free(following);
}

static void take(struct following *following)
{
    struct controller *controller = following->controller;
    const struct told *told = following->waiting;
    if (!told || (!told->unknown && told->version > controller->bases_seen))
        return;
    cache_group_state(&controller->cache, following->key, told->unknown, told->problem);
    free_told(TAKE(following->waiting));
}

static void on_told(struct loop_event *event)
{
    struct told *told = CONTAINER_OF(event, struct told, event);
    struct following *following = told->following;
    following->controller->cache.now_ms = loop_now_ms(following->controller->loop);
    free_told(following->waiting);
    following->waiting = told;
    if (!following->ended)
        take(following);
    atomic_fetch_sub(&following->under_way, 1);
    free_if_over(following);
}

static void on_state(void *user, const char *namespace, const char *deployment,
                     const struct followed *state)
{
    (void)namespace;
    (void)deployment;
    struct following *following = user;
    struct told *told = NEW(struct told);
    told->event.fn = on_told;
    told->following = following;
    told->unknown = !state->listed;
    told->problem = mem_strdup(state->message);
    (void)str_parse_int64(state->resource_version, 0, INT64_MAX, &told->version);
    atomic_fetch_add(&following->under_way, 1);
    loop_post(following->controller->loop, &told->event);
}

static void end(struct following *following)
{
    struct controller *controller = following->controller;
    store_unfollow_bases(controller->store, following->namespace, following->deployment);
    map_remove(&controller->followed, following->key);
    following->ended = true;
    free_if_over(following);
}

/* The cache is in the middle of a change: nothing is looked up or planned here. */
static void on_group(void *user, const char *key, bool needed)
{
    struct controller *controller = user;
    struct following *following = map_get(&controller->followed, key);
    const char *slash = strchr(key, '/');
    if (following)
        end(following);
    if (!needed || !slash || !slash[1])
        return;
    following = NEW(struct following);
    following->controller = controller;
    following->key = mem_strdup(key);
    following->namespace = mem_strndup(key, (size_t)(slash - key));
    following->deployment = mem_strdup(slash + 1);
    map_put(&controller->followed, key, following);
    store_follow_bases(controller->store, following->namespace, following->deployment, on_state,
                       following);
}

void base_groups_saw(struct controller *controller, const char *resource_version)
{
    int64_t version;
    if (!str_parse_int64(resource_version, 0, INT64_MAX, &version) ||
        version <= controller->bases_seen)
        return;
    controller->bases_seen = version;
    for (size_t i = 0; i < controller->followed.len; i++)
        take(controller->followed.entries[i].value);
}

void base_groups_init(struct controller *controller)
{
    if (store_bases_are_pods(controller->store))
        controller->cache.on_group = on_group;
}

void base_groups_stop(struct controller *controller)
{
    controller->cache.on_group = NULL;
    while (controller->followed.len)
        end(controller->followed.entries[0].value);
    map_done(&controller->followed);
}
