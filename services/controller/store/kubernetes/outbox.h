/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_OUTBOX_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_OUTBOX_H

#include "lib/base/list.h"

/*
 * Outcomes that need no server, such as of a call whose arguments are wrong: their callbacks too run on a thread
 * of the store, never inside the call. Any thread.
 */
struct outbox;

struct outbox_item {
    struct list node;
    void (*fn)(struct outbox_item *item); /* may free the item, and post others */
};

struct outbox *outbox_new(void);
void outbox_free(struct outbox *outbox); /* runs what is in it first */

void outbox_post(struct outbox *outbox, struct outbox_item *item);

/**
 * outbox_cancel() - @item (posted, or with an initialised node) does not run any more when it returns. Not from a
 * callback; not where fn frees the item.
 */
void outbox_cancel(struct outbox *outbox, struct outbox_item *item);

#endif
