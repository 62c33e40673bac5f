/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"

#define PAGE_SIZE_DEFAULT 500
#define PAGE_SIZE_MAX 5000

/* -- get -- */

struct get {
    struct reply reply;
    const char *member;
};

static void on_got(void *user, const struct document *document, const struct err *err)
{
    struct get *get = user;
    if (err) {
        reply_fail(&get->reply, err);
    } else {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, get->member, document_json(document));
        reply_json(&get->reply, json);
    }
    mem_free(get);
}

void read_get(struct api *api, enum object_kind kind, const char *namespace, const char *name,
              const char *member, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (str_empty(name)) {
        err_field(&err, "name", "is required");
        reply_fail(reply, err);
        return;
    }
    struct get *get = NEW(struct get);
    *get = (struct get){*reply, member};
    struct store_key key = {kind, namespace_or_default(namespace), name};
    store_get(api->store, &key, on_got, get);
}

/* -- list -- */

static const char *namespace_filter(const char *namespace)
{
    return str_eq(namespace, "*") ? NULL : namespace_or_default(namespace);
}

static void on_listed(void *user, const struct store_list *list, const struct err *err)
{
    struct get *get = user;
    if (err) {
        reply_fail(&get->reply, err);
        mem_free(get);
        return;
    }
    cJSON *json = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(json, get->member);
    for (size_t i = 0; i < list->len; i++)
        cJSON_AddItemToArray(items, document_json(&list->items[i]));
    if (list->continue_token)
        cJSON_AddStringToObject(json, "nextPageToken", list->continue_token);
    cJSON_AddStringToObject(json, "resourceVersion", list->resource_version);
    reply_json(&get->reply, json);
    mem_free(get);
}

void read_list(struct api *api, const struct read_query *query, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    struct selector selector = {0};
    if (query->page_size < 0 || query->page_size > PAGE_SIZE_MAX)
        err_field(&err, "page_size", "must be 0 to %d", PAGE_SIZE_MAX);
    else if (selector_parse(query->label_selector, &selector, &err) < 0)
        mem_replace(&err->field, "label_selector");
    if (err) {
        reply_fail(reply, err);
        return;
    }
    struct get *get = NEW(struct get);
    *get = (struct get){*reply, query->member};
    struct store_query store_query = {
        .kind = query->kind,
        .namespace = namespace_filter(query->namespace),
        .selector = selector.len ? &selector : NULL,
        .limit = query->page_size ? query->page_size : PAGE_SIZE_DEFAULT,
        .continue_token = str_empty(query->page_token) ? NULL : query->page_token,
    };
    store_list(api->store, &store_query, on_listed, get);
    selector_done(&selector);
}

/* -- watch -- */

/*
 * A stream of changes. It lives until the loop has ended it: the client leaving, the server stopping
 * and the store giving up all only ask for that, for a store's watch can't be stopped from its callback.
 */
struct stream {
    struct reply reply;
    struct api *api;
    char *namespace, *name, *member;
    enum object_kind kind;
    struct selector selector;
    struct store_watch *watch;
    struct loop_event begin, end;
    char *from;       /* version to watch from */
    size_t queue_max; /* unsent messages; what is listed first comes on top */
    bool end_asked;   /* atomic */
    struct err *err;  /* why it ends; NULL = without error */
};

static void ask_end(struct stream *stream)
{
    if (!__atomic_exchange_n(&stream->end_asked, true, __ATOMIC_ACQ_REL))
        loop_post(stream->api->loop, &stream->end);
}

static void on_cancel(void *user)
{
    ask_end(user);
}

static void on_end(struct loop_event *event)
{
    struct stream *stream = CONTAINER_OF(event, struct stream, end);
    if (stream->watch)
        store_watch_stop(stream->api->store, stream->watch);
    if (stream->err)
        rpc_call_fail(stream->reply.call, stream->err);
    else
        rpc_call_end(stream->reply.call);
    selector_done(&stream->selector);
    err_free(stream->err);
    mem_free(stream->namespace);
    mem_free(stream->name);
    mem_free(stream->member);
    mem_free(stream->from);
    mem_free(stream);
}

static void send_change(struct stream *stream, const char *type, const struct document *document,
                        const char *resource_version)
{
    if (rpc_call_queue_len(stream->reply.call) >= stream->queue_max && !stream->err) {
        err_set(&stream->err, ERR_LIMIT, "the client reads too slowly");
        ask_end(stream);
    }
    if (stream->err)
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", type);
    if (document)
        cJSON_AddItemToObject(json, stream->member, document_json(document));
    cJSON_AddStringToObject(json, "resourceVersion", resource_version);
    reply_json(&stream->reply, json);
}

static void on_store_event(void *user, enum store_event_type type, const struct document *document)
{
    static const char *const names[] = {
        [STORE_ADDED] = "CHANGE_TYPE_ADDED",
        [STORE_MODIFIED] = "CHANGE_TYPE_MODIFIED",
        [STORE_DELETED] = "CHANGE_TYPE_DELETED",
        [STORE_BOOKMARK] = "CHANGE_TYPE_BOOKMARK",
    };
    struct stream *stream = user;
    if (type == STORE_EXPIRED) {
        if (!stream->err)
            err_set(&stream->err, ERR_EXPIRED, "resource_version is too old; list again");
        ask_end(stream);
    } else {
        send_change(stream, names[type], type == STORE_BOOKMARK ? NULL : document,
                    document->resource_version);
    }
}

static struct store_query stream_query(const struct stream *stream)
{
    return (struct store_query){
        .kind = stream->kind,
        .namespace = stream->namespace,
        .name = stream->name,
        .selector = stream->selector.len ? &stream->selector : NULL,
    };
}

/* On the loop: so that the watch is known before anything can ask for its end. */
static void on_begin(struct loop_event *event)
{
    struct stream *stream = CONTAINER_OF(event, struct stream, begin);
    struct store_query query = stream_query(stream);
    bool failed = stream->err != NULL; /* once the watch runs, its thread sets that */
    if (!failed)
        stream->watch =
            store_watch(stream->api->store, &query, stream->from, on_store_event, stream);
    rpc_call_on_cancel(stream->reply.call, on_cancel, stream);
    if (failed || rpc_call_cancelled(stream->reply.call))
        ask_end(stream);
}

static void on_stream_listed(void *user, const struct store_list *list, const struct err *err)
{
    struct stream *stream = user;
    if (err) {
        stream->err = err_copy(err);
    } else {
        stream->from = mem_strdup(list->resource_version);
        stream->queue_max += list->len;
        for (size_t i = 0; i < list->len; i++)
            send_change(stream, "CHANGE_TYPE_ADDED", &list->items[i],
                        list->items[i].resource_version);
        send_change(stream, "CHANGE_TYPE_BOOKMARK", NULL, list->resource_version);
    }
    loop_post(stream->api->loop, &stream->begin);
}

void read_watch(struct api *api, const struct read_query *query, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    struct selector selector = {0};
    if (selector_parse(query->label_selector, &selector, &err) < 0) {
        mem_replace(&err->field, "label_selector");
        reply_fail(reply, err);
        return;
    }
    struct stream *stream = NEW(struct stream);
    stream->reply = *reply;
    stream->api = api;
    stream->kind = query->kind;
    stream->selector = selector;
    stream->namespace = mem_strdup(namespace_filter(query->namespace));
    stream->name = str_empty(query->name) ? NULL : mem_strdup(query->name);
    stream->member = mem_strdup(query->member);
    stream->queue_max = LIMIT_RPC_STREAM_QUEUE;
    stream->begin.fn = on_begin;
    stream->end.fn = on_end;
    if (!str_empty(query->resource_version)) {
        stream->from = mem_strdup(query->resource_version);
        loop_post(api->loop, &stream->begin);
        return;
    }
    struct store_query store_query = stream_query(stream);
    store_list(api->store, &store_query, on_stream_listed, stream);
}
