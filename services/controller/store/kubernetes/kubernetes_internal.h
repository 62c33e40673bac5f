/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_KUBERNETES_INTERNAL_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_KUBERNETES_INTERNAL_H

#include <pthread.h>

#include "lib/base/map.h"
#include "services/controller/store/kubernetes/bases.h"
#include "services/controller/store/kubernetes/kubernetes.h"
#include "services/controller/store/kubernetes/outbox.h"

struct kubernetes_store {
    struct store store;
    struct kube_client *client;
    char *namespace; /* the only one, or NULL */
    struct log *log;
    struct outbox *outbox;
    struct bases *bases;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t idle;
    size_t under_way;  /* calls without an outcome */
    struct map chains; /* "Kind/namespace/name" -> struct chain: objects that are being written */
};

/** kubernetes_begin() / kubernetes_end() - around each call: store_free() waits until all have ended. */
void kubernetes_begin(struct kubernetes_store *kubernetes);
void kubernetes_end(struct kubernetes_store *kubernetes);

/* objects.c, lists.c, watching.c: the operations of store.h, on all kinds but KIND_BASE. */
void objects_create(struct kubernetes_store *kubernetes, enum object_kind kind, const char *json,
                    store_done_fn done, void *user);
void objects_get(struct kubernetes_store *kubernetes, const struct store_key *key,
                 store_done_fn done, void *user);
void objects_patch(struct kubernetes_store *kubernetes, const struct store_key *key,
                   enum store_part part, const char *merge_patch, const char *resource_version,
                   store_done_fn done, void *user);
void objects_remove(struct kubernetes_store *kubernetes, const struct store_key *key,
                    const char *uid, const char *resource_version, store_done_fn done, void *user);

void lists_list(struct kubernetes_store *kubernetes, const struct store_query *query,
                store_list_fn done, void *user);

struct store_watch *watching_start(struct kubernetes_store *kubernetes,
                                   const struct store_query *query, const char *resource_version,
                                   store_event_fn on_store_event, void *user);
void watching_stop(struct kubernetes_store *kubernetes, struct store_watch *watch);

#endif
