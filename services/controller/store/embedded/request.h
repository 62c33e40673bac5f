/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_REQUEST_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_REQUEST_H

#include "lib/base/list.h"
#include "services/controller/store/query.h"

enum request_op {
    REQUEST_CREATE,
    REQUEST_PATCH,
    REQUEST_REMOVE,
    REQUEST_WRITES_END_, /* those before it write */
    REQUEST_GET = REQUEST_WRITES_END_,
    REQUEST_LIST,
};

/*
 * One call on its way through the store thread. It owns copies of the arguments. What needs no look
 * at the database is done on the caller's thread, as the store thread has enough to do: parsing, and
 * for a create the whole document. What that refused stands in `err`: then nothing is executed.
 */
struct request {
    struct list node;
    enum request_op op;
    enum object_kind kind;
    char *namespace, *name;
    enum store_part part;
    cJSON *body;         /* create: the new object, where it has owners; patch: merge patch */
    struct record *made; /* create: the same as a record */
    char *uid, *resource_version; /* preconditions, or NULL */
    struct query query;           /* list */
    store_done_fn done;
    store_list_fn list_done;
    void *user;

    struct record *result;
    struct err *err;
};

static inline bool request_writes(const struct request *request)
{
    return request->op < REQUEST_WRITES_END_;
}

#define UID_SIZE 37

/** request_create() - @uid, @now_ms (wall): of the object that it makes. */
struct request *request_create(enum object_kind kind, const char *json, const char uid[UID_SIZE],
                               int64_t now_ms, store_done_fn done, void *user);
struct request *request_get(const struct store_key *key, store_done_fn done, void *user);
struct request *request_patch(const struct store_key *key, enum store_part part,
                              const char *merge_patch, const char *resource_version,
                              store_done_fn done, void *user);
struct request *request_remove(const struct store_key *key, const char *uid,
                               const char *resource_version, store_done_fn done, void *user);
struct request *request_list(const struct store_query *query, store_list_fn done, void *user);
void request_free(struct request *request);

struct store_key request_key(const struct request *request); /* borrowed */

/** request_refuse() - @err becomes the outcome; a result is dropped. @err is copied. */
void request_refuse(struct request *request, const struct err *err);

/** request_finish() - calls the callback of a get or a write with the outcome and frees @request. */
void request_finish(struct request *request);

#endif
