/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_STORE_H
#define KOUPLELESS_CONTROLLER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/model/kind.h"
#include "lib/model/labels.h"

/*
 * Where the declared state lives: one interface, two implementations (embedded, kubernetes).
 *
 * The store speaks documents: whole objects as JSON text, of which it reads only metadata and the
 * split into spec and status. It behaves as the Kubernetes API does:
 * - uid, resourceVersion, generation and creationTimestamp are the store's; generation counts changes
 *   of anything outside metadata and status, and that deletion is asked for;
 * - a write to STORE_MAIN never touches status, a write to STORE_STATUS touches nothing else;
 * - a write that would change nothing succeeds and changes nothing, resourceVersion included;
 * - a deleted object with finalizers stays, with deletionTimestamp, until the last one is removed;
 *   then (or at once, without finalizers) it goes, and so do the objects that it owns: each loses its
 *   reference to what went, and is deleted where it has no owner left;
 * - a watch from a version delivers every later change once, in order. What a watch or an answer
 *   shows is durable.
 *
 * All calls are asynchronous and may be made from any thread; each callback runs exactly once, on a
 * thread of the store: post to a loop, don't work there. Arguments are borrowed for the call. Writes of
 * one object are executed in the order of the calls; the done callback of a write runs before
 * its event is delivered by the embedded store, in either order by others.
 */
struct store;
struct store_watch;

struct store_key {
    enum object_kind kind;
    const char *namespace, *name;
};

/* An object as the store has it; borrowed for the callback. */
struct document {
    enum object_kind kind;
    const char *namespace, *name, *uid, *resource_version;
    const char *json; /* the whole object, compact, with apiVersion and kind */
    size_t json_len;
};

enum store_part { STORE_MAIN, STORE_STATUS };

/** store_done_fn - @document: as it is after the call (deleted: see store_remove()); NULL where @err is set. */
typedef void (*store_done_fn)(void *user, const struct document *document, const struct err *err);

struct store_query {
    enum object_kind kind;
    const char *namespace;           /* NULL = all */
    const char *name;                /* NULL = all */
    const struct selector *selector; /* NULL = all */
    int32_t limit;                   /* objects in one answer; 0 = all */
    const char *continue_token;      /* of the answer before; NULL = from the start */
};

struct store_list {
    /* In order of the bytes of "namespace/name", as etcd has it: those of shop-2 are before those of shop. */
    const struct document *items;
    size_t len;
    const char *resource_version; /* version of the list, to watch from */
    const char *continue_token;   /* NULL = that was all */
};

typedef void (*store_list_fn)(void *user, const struct store_list *list, const struct err *err);

enum store_event_type {
    STORE_ADDED, /* or came to match the query */
    STORE_MODIFIED,
    STORE_DELETED,  /* or no longer matches; document: as it last was */
    STORE_BOOKMARK, /* nothing changed; document has only resource_version */
    STORE_LISTED,   /* a bookmark: all that was there has been told; see store_watch() */
    STORE_EXPIRED, /* the version is no longer kept, or the watcher was too slow: list again; the last event */
};

/** store_event_fn - @document: see store_event_type; NULL with STORE_EXPIRED. */
typedef void (*store_event_fn)(void *user, enum store_event_type type,
                               const struct document *document);

/* What is known of a base Deployment that is followed, and of its bases. Borrowed for the callback. */
struct followed {
    bool
        listed; /* all its Bases are shown; false: they could not be listed yet, nobody knows what is there */
    bool
        found; /* the Deployment is there; where it is not, Bases that it left behind are shown until they go */
    const char *message; /* why not one or the other, for people; NULL where both hold */
    const char *
        resource_version; /* lists and watches of Bases at this version, a number, or a later one show them */
};

typedef void (*store_follow_fn)(void *user, const char *namespace, const char *deployment,
                                const struct followed *state);

struct store_ops {
    void (*create)(struct store *store, enum object_kind kind, const char *json, store_done_fn done,
                   void *user);
    void (*get)(struct store *store, const struct store_key *key, store_done_fn done, void *user);
    void (*patch)(struct store *store, const struct store_key *key, enum store_part part,
                  const char *merge_patch, const char *resource_version, store_done_fn done,
                  void *user);
    void (*remove)(struct store *store, const struct store_key *key, const char *uid,
                   const char *resource_version, store_done_fn done, void *user);
    void (*list)(struct store *store, const struct store_query *query, store_list_fn done,
                 void *user);
    struct store_watch *(*watch)(struct store *store, const struct store_query *query,
                                 const char *resource_version, store_event_fn on_event, void *user);
    void (*watch_stop)(struct store *store, struct store_watch *watch);
    void (*follow_bases)(struct store *store, const char *namespace, const char *deployment,
                         store_follow_fn on_state, void *user); /* NULL: knows all bases anyway */
    void (*unfollow_bases)(struct store *store, const char *namespace, const char *deployment);
    void (*free)(struct store *store);
    bool events_expire; /* see store_events_expire() */
};

/* First member of every implementation. */
struct store {
    const struct store_ops *ops;
};

/**
 * store_create() - new object from @json
 *
 * Of its metadata name and namespace (both needed; generateName is not known), labels, annotations,
 * finalizers and ownerReferences count; a status is dropped, apiVersion and kind may be left out.
 * Errors: ERR_EXISTS, ERR_INVALID (err->field), ERR_LIMIT, ERR_UNAVAILABLE (disk), ERR_DATA_LOSS.
 */
static inline void store_create(struct store *store, enum object_kind kind, const char *json,
                                store_done_fn done, void *user)
{
    store->ops->create(store, kind, json, done, user);
}

/** store_get() - ERR_NOT_FOUND. */
static inline void store_get(struct store *store, const struct store_key *key, store_done_fn done,
                             void *user)
{
    store->ops->get(store, key, done, user);
}

/**
 * store_patch() - RFC 7396 merge patch of one part
 * @merge_patch: JSON text; metadata.labels, annotations, finalizers, ownerReferences may be patched by
 *               STORE_MAIN, other metadata is ignored, but for a metadata.uid that must be the object's
 *               (ERR_INVALID). While the object is being deleted finalizers can't be added
 * @resource_version: fail with ERR_CONFLICT where the object has another one; NULL = any
 *
 * Errors: also ERR_NOT_FOUND, and those of store_create().
 */
static inline void store_patch(struct store *store, const struct store_key *key,
                               enum store_part part, const char *merge_patch,
                               const char *resource_version, store_done_fn done, void *user)
{
    store->ops->patch(store, key, part, merge_patch, resource_version, done, user);
}

/**
 * store_remove() - ask for deletion
 * @uid, @resource_version: preconditions, NULL = any (ERR_CONFLICT)
 *
 * Deleting what is being deleted succeeds. The answer shows the object as it is after that: gone where
 * it has no deletionTimestamp; of what is gone it may show no more than kind, namespace, name and uid, with an
 * empty resource_version. Errors: also ERR_NOT_FOUND.
 */
static inline void store_remove(struct store *store, const struct store_key *key, const char *uid,
                                const char *resource_version, store_done_fn done, void *user)
{
    store->ops->remove(store, key, uid, resource_version, done, user);
}

/**
 * store_list() - objects that match, one page or all
 *
 * All pages carry the version of the first; a watch from it tells all that changed since, be it that a
 * later page shows it already. ERR_EXPIRED for a continue token that is too old, ERR_INVALID for none.
 */
static inline void store_list(struct store *store, const struct store_query *query,
                              store_list_fn done, void *user)
{
    store->ops->list(store, query, done, user);
}

/**
 * store_watch() - changes after @resource_version, until store_watch_stop() or STORE_EXPIRED
 * @resource_version: of a list, an object or a bookmark; one that the store can't begin at (too old,
 *                    never given) makes STORE_EXPIRED the first and last event. NULL: begin with what there is,
 *                    where the store can do that: each object as STORE_ADDED, in no order, with what changes meanwhile,
 *                    then STORE_LISTED. STORE_EXPIRED before that: by store_list()
 *
 * Never NULL.
 */
static inline struct store_watch *store_watch(struct store *store, const struct store_query *query,
                                              const char *resource_version, store_event_fn on_event,
                                              void *user)
{
    return store->ops->watch(store, query, resource_version, on_event, user);
}

/** store_watch_stop() - no callback runs after it returned (call it not from within one); also after STORE_EXPIRED. */
static inline void store_watch_stop(struct store *store, struct store_watch *watch)
{
    store->ops->watch_stop(store, watch);
}

/**
 * store_follow_bases() - from now on the Bases of a base Deployment are needed: lists and watches show them
 * @on_state: whether the Deployment is there, when that is learnt and whenever it changes; on a thread of the store
 *
 * A store whose bases register themselves shows all of them always and never calls @on_state.
 */
static inline void store_follow_bases(struct store *store, const char *namespace,
                                      const char *deployment, store_follow_fn on_state, void *user)
{
    if (store->ops->follow_bases)
        store->ops->follow_bases(store, namespace, deployment, on_state, user);
}

/** store_bases_are_pods() - whether Bases are Pods, which are shown where they are followed, and which nobody creates here. */
static inline bool store_bases_are_pods(const struct store *store)
{
    return store->ops->follow_bases != NULL;
}

/**
 * store_unfollow_bases() - they are not needed any more: they vanish from lists and watches. @on_state is not called
 * after it returned.
 */
static inline void store_unfollow_bases(struct store *store, const char *namespace,
                                        const char *deployment)
{
    if (store->ops->unfollow_bases)
        store->ops->unfollow_bases(store, namespace, deployment);
}

/** store_events_expire() - whether old Events go by themselves, so that nobody needs to remove them. */
static inline bool store_events_expire(const struct store *store)
{
    return store->ops->events_expire;
}

/** store_free() - waits for what runs; watches must be stopped before. */
static inline void store_free(struct store *store)
{
    if (store)
        store->ops->free(store);
}

#endif
