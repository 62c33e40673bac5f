/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/embedded/request.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "services/controller/store/rules.h"

static struct request *request_new(enum request_op op, enum object_kind kind)
{
    ASSERT((unsigned)kind < KIND_MAX_);
    struct request *request = NEW(struct request);
    list_init(&request->node);
    request->op = op;
    request->kind = kind;
    return request;
}

static struct request *request_for(enum request_op op, const struct store_key *key,
                                   store_done_fn done, void *user)
{
    struct request *request = request_new(op, key->kind);
    request->namespace = mem_strdup(key->namespace ? key->namespace : "");
    request->name = mem_strdup(key->name ? key->name : "");
    request->done = done;
    request->user = user;
    return request;
}

static void parse_body(struct request *request, const char *json)
{
    request->body = json_parse(json, strlen(json), LIMIT_OBJECT, &request->err);
}

static int make_object(struct request *request, const char *uid, int64_t now_ms, struct err **err)
{
    AUTO_JSON cJSON *given = TAKE(request->body);
    request->body = rules_create(request->kind, given, uid, now_ms, err);
    if (!request->body)
        return -1;
    request->namespace = mem_strdup(rules_metadata(request->body, "namespace"));
    request->name = mem_strdup(rules_metadata(request->body, "name"));
    request->made = record_new(request->kind, request->body);
    if (!rules_owners(request->body)) { /* then nobody looks at the tree again */
        json_free(request->body);
        request->body = NULL;
    }
    return record_check_size(request->made, err);
}

struct request *request_create(enum object_kind kind, const char *json, const char uid[UID_SIZE],
                               int64_t now_ms, store_done_fn done, void *user)
{
    struct request *request = request_new(REQUEST_CREATE, kind);
    request->done = done;
    request->user = user;
    parse_body(request, json);
    if (!request->err)
        (void)make_object(request, uid, now_ms, &request->err);
    return request;
}

struct request *request_get(const struct store_key *key, store_done_fn done, void *user)
{
    return request_for(REQUEST_GET, key, done, user);
}

struct request *request_patch(const struct store_key *key, enum store_part part,
                              const char *merge_patch, const char *resource_version,
                              store_done_fn done, void *user)
{
    struct request *request = request_for(REQUEST_PATCH, key, done, user);
    request->part = part;
    request->resource_version = mem_strdup(resource_version);
    parse_body(request, merge_patch);
    return request;
}

struct request *request_remove(const struct store_key *key, const char *uid,
                               const char *resource_version, store_done_fn done, void *user)
{
    struct request *request = request_for(REQUEST_REMOVE, key, done, user);
    request->uid = mem_strdup(uid);
    request->resource_version = mem_strdup(resource_version);
    return request;
}

struct request *request_list(const struct store_query *query, store_list_fn done, void *user)
{
    struct request *request = request_new(REQUEST_LIST, query->kind);
    query_copy(&request->query, query);
    request->list_done = done;
    request->user = user;
    return request;
}

void request_free(struct request *request)
{
    mem_free(request->namespace);
    mem_free(request->name);
    json_free(request->body);
    record_unref(request->made);
    mem_free(request->uid);
    mem_free(request->resource_version);
    query_done(&request->query);
    record_unref(request->result);
    err_free(request->err);
    mem_free(request);
}

struct store_key request_key(const struct request *request)
{
    return (struct store_key){request->kind, request->namespace, request->name};
}

void request_refuse(struct request *request, const struct err *err)
{
    err_clear(&request->err);
    request->err = err_copy(err);
    record_unref(request->result);
    request->result = NULL;
}

void request_finish(struct request *request)
{
    ASSERT(!request->result != !request->err);
    struct document document = {0};
    if (request->result)
        document = record_document(request->result);
    request->done(request->user, request->result ? &document : NULL, request->err);
    request_free(request);
}
