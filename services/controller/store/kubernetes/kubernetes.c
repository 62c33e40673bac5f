/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on the Kubernetes API: the calls of store.h as requests.
 *
 *   kubernetes.c  the interface, by kind      objects.c   create, get, patch, remove, in order per object
 *   lists.c       lists in pages              watching.c  watches
 *   bodies.c      what requests say           texts.c     what answers say, taken from their text (scan.c)
 *   query.c       selectors                   resources.c kinds in the API
 *   outbox.c      outcomes without a server   bases.c     bases: Pods of Deployments that are followed
 */
#include "services/controller/store/kubernetes/kubernetes_internal.h"

void kubernetes_begin(struct kubernetes_store *kubernetes)
{
    pthread_mutex_lock(&kubernetes->mutex);
    kubernetes->under_way++;
    pthread_mutex_unlock(&kubernetes->mutex);
}

void kubernetes_end(struct kubernetes_store *kubernetes)
{
    pthread_mutex_lock(&kubernetes->mutex);
    if (!--kubernetes->under_way)
        pthread_cond_signal(&kubernetes->idle);
    pthread_mutex_unlock(&kubernetes->mutex);
}

static struct kubernetes_store *kubernetes_of(struct store *store)
{
    return CONTAINER_OF(store, struct kubernetes_store, store);
}

static void on_create(struct store *store, enum object_kind kind, const char *json,
                      store_done_fn done, void *user)
{
    objects_create(kubernetes_of(store), kind, json, done, user);
}

static void on_get(struct store *store, const struct store_key *key, store_done_fn done, void *user)
{
    if (key->kind == KIND_BASE)
        bases_get(kubernetes_of(store)->bases, key, done, user);
    else
        objects_get(kubernetes_of(store), key, done, user);
}

static void on_patch(struct store *store, const struct store_key *key, enum store_part part,
                     const char *merge_patch, const char *resource_version, store_done_fn done,
                     void *user)
{
    if (key->kind == KIND_BASE)
        bases_patch(kubernetes_of(store)->bases, key, part, merge_patch, resource_version, done,
                    user);
    else
        objects_patch(kubernetes_of(store), key, part, merge_patch, resource_version, done, user);
}

static void on_remove(struct store *store, const struct store_key *key, const char *uid,
                      const char *resource_version, store_done_fn done, void *user)
{
    if (key->kind == KIND_BASE)
        bases_remove(kubernetes_of(store)->bases, key, uid, resource_version, done, user);
    else
        objects_remove(kubernetes_of(store), key, uid, resource_version, done, user);
}

static void on_list(struct store *store, const struct store_query *query, store_list_fn done,
                    void *user)
{
    if (query->kind == KIND_BASE)
        bases_list(kubernetes_of(store)->bases, query, done, user);
    else
        lists_list(kubernetes_of(store), query, done, user);
}

static struct store_watch *on_watch(struct store *store, const struct store_query *query,
                                    const char *resource_version, store_event_fn on_event,
                                    void *user)
{
    return watching_start(kubernetes_of(store), query, resource_version, on_event, user);
}

static void on_watch_stop(struct store *store, struct store_watch *watch)
{
    watching_stop(kubernetes_of(store), watch);
}

static void on_follow(struct store *store, const char *namespace, const char *deployment,
                      store_follow_fn on_state, void *user)
{
    bases_follow(kubernetes_of(store)->bases, namespace, deployment, on_state, user);
}

static void on_unfollow(struct store *store, const char *namespace, const char *deployment)
{
    bases_unfollow(kubernetes_of(store)->bases, namespace, deployment);
}

static void on_free(struct store *store)
{
    struct kubernetes_store *kubernetes = kubernetes_of(store);
    pthread_mutex_lock(&kubernetes->mutex);
    while (kubernetes->under_way)
        pthread_cond_wait(&kubernetes->idle, &kubernetes->mutex);
    pthread_mutex_unlock(&kubernetes->mutex);
    bases_free(kubernetes->bases);
    outbox_free(kubernetes->outbox);
    map_done(&kubernetes->chains);
    pthread_cond_destroy(&kubernetes->idle);
    pthread_mutex_destroy(&kubernetes->mutex);
    mem_free(kubernetes->namespace);
    mem_free(kubernetes);
}

static const struct store_ops ops = {
    .create = on_create,
    .get = on_get,
    .patch = on_patch,
    .remove = on_remove,
    .list = on_list,
    .watch = on_watch,
    .watch_stop = on_watch_stop,
    .follow_bases = on_follow,
    .unfollow_bases = on_unfollow,
    .free = on_free,
    .events_expire = true, /* kube-apiserver --event-ttl */
};

struct store *kubernetes_store_new(const struct kubernetes_options *options)
{
    struct kubernetes_store *kubernetes = NEW(struct kubernetes_store);
    kubernetes->store.ops = &ops;
    kubernetes->client = options->client;
    kubernetes->namespace = mem_strdup(options->namespace);
    kubernetes->log = options->log;
    kubernetes->outbox = outbox_new();
    kubernetes->bases = bases_new(options);
    pthread_mutex_init(&kubernetes->mutex, NULL);
    pthread_cond_init(&kubernetes->idle, NULL);
    return &kubernetes->store;
}
