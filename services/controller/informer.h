/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_INFORMER_H
#define KOUPLELESS_CONTROLLER_INFORMER_H

#include "lib/ctl/loop.h"
#include "services/controller/store/store.h"

/*
 * Follows all objects of one kind: list, by the watch itself where the store can do that, then watch from the list's
 * version; when the version is no longer kept, list again and report what went in between. Callbacks run on the loop's thread.
 */
struct informer;

struct informer_handler {
    /* An object was added or changed, or is gone (@deleted; the document as it last was). */
    void (*on_change)(void *user, const struct document *document, bool deleted);
    /* The first list is complete. */
    void (*on_synced)(void *user);
    /* A list failed; it is tried again. */
    void (*on_error)(void *user, enum object_kind kind, const struct err *err);
    /* All up to @resource_version has been told; NULL: nobody wants to know. */
    void (*on_version)(void *user, enum object_kind kind, const char *resource_version);
    void *user;
};

/**
 * informer_start() - @namespace: NULL = all. @selector: as selector_parse() takes it, must be right; NULL = all
 */
struct informer *informer_start(struct store *store, struct loop *loop, enum object_kind kind,
                                const char *namespace, const char *selector,
                                const struct informer_handler *handler);

/** informer_kind() - of what it follows. */
enum object_kind informer_kind(const struct informer *informer);

/** informer_follows() - it watches, and has listed before; false: what has changed may only be told by the list to come. */
bool informer_follows(const struct informer *informer);

/** informer_stop() - no callback runs any more; frees it once its last request has ended. Loop thread. */
void informer_stop(struct informer *informer);

#endif
