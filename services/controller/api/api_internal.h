/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_API_API_INTERNAL_H
#define KOUPLELESS_CONTROLLER_API_API_INTERNAL_H

#include <pthread.h>

#include "koupleless/controller/v1/inventory.pb-c.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/json.h"
#include "lib/base/map.h"
#include "lib/model/module_deployment.h"
#include "services/controller/api/api.h"
#include "services/controller/engine/forecast.h"

/* Results of mutations by request_id: the oldest is forgotten first. */
struct request_memory {
    pthread_mutex_t lock;
    struct map running; /* keys without an answer yet */
    struct map answers; /* "Method/namespace/request_id" -> JSON text of the response (owned) */
    char **order;       /* ring of keys, LIMIT_REQUEST_IDS long */
    size_t next;
};

struct release_service {
    Koupleless__Controller__V1__ReleaseService_Service service;
    struct api *api;
};

struct inventory_service {
    Koupleless__Controller__V1__InventoryService_Service service;
    struct api *api;
};

/*
 * Previews (PlanRelease) that are being made, on a thread of their own: it takes longer than a thread of the store or of
 * gRPC has. Each works on a copy of all that is in a namespace, so LIMIT_PREVIEW_COPIES of these are in memory at once;
 * the others wait, and have nothing but their request.
 */
struct previews {
    struct loop *loop;
    pthread_t thread;
    int64_t effort_per_turn; /* of forecast_run() */
    /* of its thread: */
    struct list waiting; /* for a place, first come first */
    int32_t asked;       /* and not answered yet: LIMIT_PREVIEWS at most */
    int32_t copies;      /* that have a place */
};

struct api {
    struct store *store;
    struct loop *loop;
    struct clock *clock; /* asked on any thread */
    struct api_scheduler scheduler;
    struct previews previews;
    struct release_service release;
    struct inventory_service inventory;
    struct request_memory requests;
};

/* Where the answer of a call goes. */
struct reply {
    struct rpc_call *call;
    ProtobufCClosure closure;
    const ProtobufCMessageDescriptor *response; /* type of the answer */
};

void release_service_init(struct api *api);
void inventory_service_init(struct api *api);

/* -- reply.c -- */

/** reply_json() - answers with the message that @json_taken is the JSON form of. */
void reply_json(const struct reply *reply, cJSON *json_taken);

/** reply_fail() - fails with an error of the store, made fit for the outside. */
void reply_fail(const struct reply *reply, const struct err *err);

/** document_json() - the object of a document as a tree, owned. */
cJSON *document_json(const struct document *document);

/** namespace_or_default() - "default" for an empty one. */
const char *namespace_or_default(const char *namespace);

/* -- requests.c -- */

void request_memory_init(struct request_memory *memory);
void request_memory_done(struct request_memory *memory);

/** request_id_key() - "Method/namespace/id", or NULL without an id; owned. */
char *request_id_key(const char *method, const char *namespace, const char *request_id);

/**
 * request_begin() - whether the caller is to carry the request out, and to end it by request_end()
 *
 * A repeated one is answered here: with the first one's result, or with ERR_CONFLICT (REQUEST_RUNNING)
 * while that is under way. @key may be NULL: then it is carried out.
 */
bool request_begin(struct api *api, const char *key, const struct reply *reply);

/** request_end() - it may be begun again, but for what request_remember() holds. */
void request_end(struct api *api, const char *key);

/** request_remember() - @json: the response; borrowed. @key may be NULL. */
void request_remember(struct api *api, const char *key, const cJSON *json);

/* -- reads.c: the same for all kinds -- */

/** read_get() - answers { @member: object }. */
void read_get(struct api *api, enum object_kind kind, const char *namespace, const char *name,
              const char *member, const struct reply *reply);

struct read_query {
    enum object_kind kind;
    const char *namespace, *name, *label_selector, *resource_version, *page_token;
    int32_t page_size;
    const char
        *member; /* field of the response that holds the objects (list) or the object (watch) */
};

void read_list(struct api *api, const struct read_query *query, const struct reply *reply);
void read_watch(struct api *api, const struct read_query *query, const struct reply *reply);

/* -- mutate.c: read, decide, write if it is still the same -- */

/**
 * decide_fn - what to write of one part of an object that was just read
 * @object: the stored object
 * Return:  a merge patch, owned; NULL with @err = refused; NULL without = nothing to change.
 */
typedef cJSON *(*decide_fn)(const cJSON *object, const void *arguments, struct err **err);

struct mutation_request {
    const char *method; /* for the request id */
    const char *namespace, *name, *resource_version, *request_id;
    decide_fn decide;
    const void *arguments; /* lives as long as the request of the call ... */
    bool free_arguments;   /* ... or is a tree that mutate() takes */
};

/**
 * mutate() - reads the ModuleDeployment, decides, patches; again from the start where another write came between.
 * Answers { moduleDeployment: object }.
 */
void mutate(struct api *api, const struct mutation_request *request, const struct reply *reply);

/* -- apply.c, revisions.c -- */
void apply_deployment(struct api *api,
                      const Koupleless__Controller__V1__ApplyModuleDeploymentRequest *request,
                      const struct reply *reply);

/**
 * apply_result() - the object that applying @message makes of @stored (NULL: there is none), all rules checked.
 * Owned; NULL with @err.
 */
cJSON *apply_result(const Koupleless__Module__V1__ModuleDeployment *message, const cJSON *stored,
                    struct err **err);

void undo_release(struct api *api, const Koupleless__Controller__V1__UndoReleaseRequest *request,
                  const struct reply *reply);
void list_revisions(struct api *api,
                    const Koupleless__Controller__V1__ListRevisionsRequest *request,
                    const struct reply *reply);

/* -- preview.c -- */
void previews_init(struct api *api);

/** previews_done() - after the server has stopped: no call is left. */
void previews_done(struct api *api);

/** preview_release() - PlanRelease. */
void preview_release(struct api *api, const Koupleless__Controller__V1__PlanReleaseRequest *request,
                     const struct reply *reply);

/* -- remove.c -- */
void remove_object(struct api *api, enum object_kind kind, const char *method,
                   const char *namespace, const char *name, const char *resource_version,
                   const char *request_id, const char *member, const struct reply *reply);

#endif
