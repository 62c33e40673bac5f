/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_WRITES_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_WRITES_H

#include "services/controller/store/embedded/database.h"
#include "services/controller/store/embedded/request.h"
#include "services/controller/store/watches.h"

/* What the writes of one transaction share. Store thread. */
struct writes {
    struct database *database;
    int64_t now_ms;  /* wall; of deletion timestamps */
    int64_t version; /* the last that was given to a change */
    struct {
        struct change *items;
        size_t len, cap;
    } changes;
    struct {
        char **items;
        size_t len, cap;
    } gone;             /* uids of objects that went, whose dependents are not looked at yet */
    struct err *failed; /* the database failed: the transaction is of no use */
};

/**
 * writes_run() - execute one create, patch or remove
 *
 * Puts result or err into @request, what changed into @writes->changes. A request is checked in full
 * before it changes a row, so one that is refused leaves the transaction as it was. Where the database
 * fails, @writes->failed is set instead.
 */
void writes_run(struct writes *writes, struct request *request);

void writes_done(struct writes *writes); /* frees what it owns, changes included */

#endif
