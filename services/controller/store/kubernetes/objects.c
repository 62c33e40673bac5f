/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Create, get, patch, remove.
 *
 * Requests overtake each other on their way to the server, and inside it. So the writes of one object are a chain:
 * the next one is sent when the one before has its outcome. Writes of different objects go side by side.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/bodies.h"
#include "services/controller/store/kubernetes/kubernetes_internal.h"
#include "services/controller/store/kubernetes/resources.h"
#include "services/controller/store/kubernetes/schema.h"
#include "services/controller/store/kubernetes/texts.h"

/* Writes of one object that wait for the one that is under way. */
struct chain {
    struct list waiting;
};

/* One call. */
struct object_call {
    struct list node;        /* of its chain */
    struct outbox_item item; /* where it is refused before it is sent */
    struct kubernetes_store *kubernetes;
    enum kube_verb verb;
    enum object_kind kind;
    char *namespace, *name;
    const char *subresource;
    char *body;
    struct err *refused;
    store_done_fn done;
    void *user;
};

static void free_call(struct object_call *call)
{
    mem_free(call->namespace);
    mem_free(call->name);
    mem_free(call->body);
    err_free(call->refused);
    mem_free(call);
}

static char *chain_key(const struct object_call *call)
{
    return mem_printf("%s/%s/%s", kind_name(call->kind), call->namespace, call->name);
}

static void send(struct object_call *call);

/* The write after @call may go now. */
static struct object_call *take_next(const struct object_call *call)
{
    struct kubernetes_store *kubernetes = call->kubernetes;
    AUTO_FREE char *key = chain_key(call);
    struct object_call *next = NULL;
    pthread_mutex_lock(&kubernetes->mutex);
    struct chain *chain = map_get(&kubernetes->chains, key);
    if (list_empty(&chain->waiting)) {
        mem_free(map_remove(&kubernetes->chains, key));
    } else {
        next = LIST_ENTRY(chain->waiting.next, struct object_call, node);
        list_remove(&next->node);
    }
    pthread_mutex_unlock(&kubernetes->mutex);
    return next;
}

/* -- outcomes -- */

static void tell(struct object_call *call, const struct document *document, const struct err *err)
{
    call->done(call->user, document, err);
}

/* Of a create the name is in the body. */
static struct kube_path path_of(const struct object_call *call)
{
    return (struct kube_path){.resource = resource_of(call->kind),
                              .namespace = call->namespace,
                              .name = call->verb == KUBE_CREATE ? NULL : call->name,
                              .subresource = call->subresource};
}

static void tell_error(struct object_call *call, const struct err *err)
{
    AUTO_ERR struct err *told = err_copy(err);
    struct kube_path path = path_of(call);
    schema_explain(&path, told);
    tell(call, NULL, told);
}

/* A delete answers with the object while it is still there, else with a Status. */
static int read_answer(const struct object_call *call, const struct kube_answer *answer,
                       struct document *out, char **ret_memory, struct err **err)
{
    struct span body = {answer->body, answer->body_bytes}, uid;
    if (call->verb != KUBE_DELETE || !text_status_uid(body, &uid))
        return text_read(call->kind, body, out, ret_memory, err);
    const struct store_key key = {call->kind, call->namespace, call->name};
    text_read_key(&key, uid, out, ret_memory);
    return 0;
}

/* What the server left out of what it took is an error: the same would be written again and again. */
static int check_written(const struct object_call *call, const struct kube_answer *answer,
                         struct err **err)
{
    bool creates = call->verb == KUBE_CREATE;
    if (!creates && call->verb != KUBE_MERGE_PATCH)
        return 0;
    struct kube_path path = path_of(call);
    struct span sent = {call->body, strlen(call->body)}, body = {answer->body, answer->body_bytes};
    if (schema_check(&path, sent, body, err) == 0)
        return 0;
    AUTO_FREE char *what = kube_path_describe(&path);
    return err_wrap(err, "%s %s", creates ? "create" : "patch", what);
}

static void on_answer(void *user, const struct kube_answer *answer, const struct err *err)
{
    struct object_call *call = user;
    struct kubernetes_store *kubernetes = call->kubernetes;
    AUTO_ERR struct err *wrong = NULL;
    AUTO_FREE char *memory = NULL;
    struct document document;
    if (err)
        tell_error(call, err);
    else if (read_answer(call, answer, &document, &memory, &wrong) < 0 ||
             check_written(call, answer, &wrong) < 0)
        tell(call, NULL, wrong);
    else
        tell(call, &document, NULL);
    struct object_call *next = call->verb == KUBE_GET ? NULL : take_next(call);
    if (next)
        send(next);
    free_call(call);
    kubernetes_end(kubernetes);
}

static void on_refused(struct outbox_item *item)
{
    struct object_call *call = CONTAINER_OF(item, struct object_call, item);
    struct kubernetes_store *kubernetes = call->kubernetes;
    tell(call, NULL, call->refused);
    free_call(call);
    kubernetes_end(kubernetes);
}

/* -- calls -- */

static void send(struct object_call *call)
{
    bool creates = call->verb == KUBE_CREATE;
    struct kube_request request = {
        .verb = call->verb,
        .path = path_of(call),
        .body = call->body,
        .field_manager = creates || call->verb == KUBE_MERGE_PATCH ? KUBERNETES_COMPONENT : NULL,
    };
    kube_send(call->kubernetes->client, &request, on_answer, call);
}

/* Whether @call may be sent at once: no write of its object is under way. */
static bool enter_chain(struct object_call *call)
{
    struct kubernetes_store *kubernetes = call->kubernetes;
    AUTO_FREE char *key = chain_key(call);
    pthread_mutex_lock(&kubernetes->mutex);
    struct chain *chain = map_get(&kubernetes->chains, key);
    bool first = !chain;
    if (first) {
        chain = NEW(struct chain);
        list_init(&chain->waiting);
        map_put(&kubernetes->chains, key, chain);
    } else {
        list_append(&chain->waiting, &call->node);
    }
    pthread_mutex_unlock(&kubernetes->mutex);
    return first;
}

static struct object_call *call_new(struct kubernetes_store *kubernetes, enum kube_verb verb,
                                    enum object_kind kind, store_done_fn done, void *user)
{
    struct object_call *call = NEW(struct object_call);
    list_init(&call->node);
    call->item.fn = on_refused;
    call->kubernetes = kubernetes;
    call->verb = verb;
    call->kind = kind;
    call->done = done;
    call->user = user;
    kubernetes_begin(kubernetes);
    return call;
}

static struct object_call *call_of(struct kubernetes_store *kubernetes, enum kube_verb verb,
                                   const struct store_key *key, store_done_fn done, void *user)
{
    struct object_call *call = call_new(kubernetes, verb, key->kind, done, user);
    call->namespace = mem_strdup(key->namespace);
    call->name = mem_strdup(key->name);
    /* Without a name the path would be that of all objects. */
    if (str_empty(key->namespace) || str_empty(key->name))
        err_field(&call->refused, str_empty(key->name) ? "metadata.name" : "metadata.namespace",
                  "is missing");
    return call;
}

static void submit(struct object_call *call)
{
    if (call->refused)
        outbox_post(call->kubernetes->outbox, &call->item);
    else if (call->verb == KUBE_GET || enter_chain(call))
        send(call);
}

void objects_create(struct kubernetes_store *kubernetes, enum object_kind kind, const char *json,
                    store_done_fn done, void *user)
{
    struct object_call *call = call_new(kubernetes, KUBE_CREATE, kind, done, user);
    if (kind == KIND_BASE)
        err_set(&call->refused, ERR_PRECONDITION, "a base of a cluster is made by its Deployment");
    else
        call->body = body_create(kind, json, &call->namespace, &call->name, &call->refused);
    submit(call);
}

void objects_get(struct kubernetes_store *kubernetes, const struct store_key *key,
                 store_done_fn done, void *user)
{
    submit(call_of(kubernetes, KUBE_GET, key, done, user));
}

void objects_patch(struct kubernetes_store *kubernetes, const struct store_key *key,
                   enum store_part part, const char *merge_patch, const char *resource_version,
                   store_done_fn done, void *user)
{
    struct object_call *call = call_of(kubernetes, KUBE_MERGE_PATCH, key, done, user);
    call->subresource = part == STORE_STATUS ? "status" : NULL;
    if (!call->refused)
        call->body = body_patch(part, merge_patch, resource_version, &call->refused);
    submit(call);
}

void objects_remove(struct kubernetes_store *kubernetes, const struct store_key *key,
                    const char *uid, const char *resource_version, store_done_fn done, void *user)
{
    struct object_call *call = call_of(kubernetes, KUBE_DELETE, key, done, user);
    call->body = body_delete(uid, resource_version);
    submit(call);
}
