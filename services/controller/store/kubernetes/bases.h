/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BASES_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BASES_H

#include "services/controller/store/kubernetes/kubernetes.h"

/*
 * Bases in a cluster: the Pods of the base Deployments that somebody follows, and of no others.
 *
 * A followed Deployment is watched, and the Pods that its selector matches; each is a Base document (pod.h), put
 * together with what was written to its status and zone by the reports of its agent, which stays in memory
 * (overlay.h). Writes of labels go to the Pod; of anything else in it nothing is written. The documents have versions
 * of their own, counted here. Any thread may call; callbacks as store.h says.
 */
struct bases;
struct bases_watch;

struct bases *bases_new(const struct kubernetes_options *options);

/** bases_free() - waits for requests that are under way; watches must be stopped before. */
void bases_free(struct bases *bases);

/** bases_follow() - as store_follow_bases(); a Deployment is followed once at a time. */
void bases_follow(struct bases *bases, const char *namespace, const char *deployment,
                  store_follow_fn on_state, void *user);

/** bases_unfollow() - as store_unfollow_bases(). Not from on_state. */
void bases_unfollow(struct bases *bases, const char *namespace, const char *deployment);

/* The operations of store.h on KIND_BASE. A create is refused: a Pod is made by its Deployment. */
void bases_get(struct bases *bases, const struct store_key *key, store_done_fn done, void *user);

/**
 * bases_patch() - of STORE_STATUS all, of STORE_MAIN spec.zone and metadata.labels count; what else a patch says is the Pod's
 *
 * Labels are one merge patch of the Pod with its uid as precondition; patches of one Pod are sent one after
 * the other. A patch of the status also brings back a base that was removed; labels go to its Pod all the same, and the
 * call ends with ERR_NOT_FOUND. So does one that names the uid of a Pod that is no base and only takes labels off it,
 * be the Pod there or not; other errors mean that nobody knows.
 */
void bases_patch(struct bases *bases, const struct store_key *key, enum store_part part,
                 const char *merge_patch, const char *resource_version, store_done_fn done,
                 void *user);

/** bases_remove() - the base counts as gone until its agent reports again or its Pod is ready anew; the Pod is left alone. */
void bases_remove(struct bases *bases, const struct store_key *key, const char *uid,
                  const char *resource_version, store_done_fn done, void *user);
void bases_list(struct bases *bases, const struct store_query *query, store_list_fn done,
                void *user);
struct bases_watch *bases_watch(struct bases *bases, const struct store_query *query,
                                const char *resource_version, store_event_fn on_event, void *user);
void bases_watch_stop(struct bases *bases, struct bases_watch *watch);

#endif
