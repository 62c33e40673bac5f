/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BASES_INTERNAL_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BASES_INTERNAL_H

#include <pthread.h>

#include "lib/base/map.h"
#include "lib/ctl/loop.h"
#include "services/controller/store/kubernetes/bases.h"
#include "services/controller/store/kubernetes/overlay.h"
#include "services/controller/store/kubernetes/pod.h"
#include "services/controller/store/watches.h"

/*
 * One thread owns the bases: calls and what the client tells are events of its loop. Everything here is for
 * that thread, where nothing else is said.
 */
struct bases {
    struct kube_client *client;
    struct clock *clock;
    struct log *log;
    int32_t agent_port;
    struct loop *loop;
    pthread_t thread;
    struct watches *watches;
    int64_t version;    /* of the newest change */
    struct map entries; /* "namespace/name" -> struct base_entry */
    struct map follows; /* "namespace/deployment" -> struct follow */
    struct map labels;  /* "namespace/name" -> struct label_queue: Pods that are being patched */
    int requests;       /* sent, without an answer */
    bool stopping;
    pthread_mutex_t mutex; /* of what follows: any thread */
    struct map followers;  /* "namespace/deployment" -> struct follower */
    uint64_t follower_id;
};

/* Who is told the state of a Deployment. */
struct follower {
    uint64_t id; /* of its bases_follow() */
    store_follow_fn on_state;
    void *user;
};

struct follow;

/* A Pod that is a base. */
struct base_entry {
    char *key;
    const struct follow *follow; /* whose Pod it is */
    struct pod pod;
    struct overlay overlay;
    struct record *record; /* as it is shown; NULL: removed, until there is news of it */
    bool listed;           /* in the list of Pods that is being read */
};

/* -- entries.c: the documents -- */

/** entries_apply() - a Pod of @follow as the API tells it now; @json may be what is no base any more */
void entries_apply(struct bases *bases, const struct follow *follow,
                   const struct pod_context *context, const cJSON *json);

/** entries_drop() - the Pod is gone, or is not one of @follow any more: then it is taken out of traffic. */
void entries_drop(struct bases *bases, const struct follow *follow, const char *namespace,
                  const char *name);

/**
 * entries_begin_list() / entries_end_list() - Pods of @follow that entries_apply() was not told between are dropped,
 * as entries_drop() does.
 */
void entries_begin_list(struct bases *bases, const struct follow *follow);
void entries_end_list(struct bases *bases, const struct follow *follow);

/** entries_forget() - @follow ends: its Pods are as they were, and not shown any more. */
void entries_forget(struct bases *bases, const struct follow *follow);

/** entries_show() - tells watchers where @entry differs from what is shown, and shows it again where it was removed. */
void entries_show(struct bases *bases, struct base_entry *entry);

/** entries_hide() - bases_remove() of it. */
void entries_hide(struct bases *bases, struct base_entry *entry);
void entries_done(struct bases *bases);

/* -- follow.c -- */
void follow_start(struct bases *bases, const char *namespace, const char *deployment, uint64_t id);
void follow_stop(struct bases *bases, const char *namespace, const char *deployment);
void follow_stop_all(struct bases *bases);

/** follow_took_pod() - the API told of a Pod outside of a watch: the answer to a patch. */
void follow_took_pod(struct bases *bases, const struct base_entry *entry, const cJSON *json);

/* -- pod_labels.c: labels of Pods -- */

struct pod_key {
    const char *namespace, *name, *uid;
};

static inline struct pod_key pod_key_of(const struct base_entry *entry)
{
    const struct object_meta *meta = &entry->pod.base->meta;
    return (struct pod_key){meta->namespace, meta->name, meta->uid};
}

/** pod_labels_patch() - @labels: the patch of metadata.labels of that Pod, be it a base or not. @done as of bases_patch(). */
void pod_labels_patch(struct bases *bases, const struct pod_key *pod, const cJSON *labels,
                      store_done_fn done, void *user);

/* -- bases.c -- */

/** bases_request() / bases_answered() - around each request: bases_free() waits for the answers. */
void bases_request(struct bases *bases);
void bases_answered(struct bases *bases);

#endif
