/* SPDX-License-Identifier: Apache-2.0 */
/* Watches. The client keeps them up (lib/kube/client.h); here its events become those of the store. */
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/kubernetes_internal.h"
#include "services/controller/store/kubernetes/query.h"
#include "services/controller/store/kubernetes/resources.h"
#include "services/controller/store/kubernetes/schema.h"
#include "services/controller/store/kubernetes/texts.h"

struct store_watch {
    struct kubernetes_store *kubernetes;
    enum object_kind kind;
    store_event_fn on_event;
    void *user;
    struct kube_watch *watch;   /* or: */
    struct bases_watch *bases;  /* or: */
    struct outbox_item expired; /* it can't begin */
    bool troubled;              /* said in the log */
};

static void on_object(struct store_watch *watch, enum store_event_type type,
                      const struct kube_event *event)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_FREE char *memory = NULL;
    struct document document;
    struct span object = {event->object, event->object_bytes};
    if (text_read(watch->kind, object, &document, &memory, &err) < 0)
        log_error(watch->kubernetes->log, "a watch brought what can't be read, ignored",
                  LOG_STR("kind", kind_name(watch->kind)), LOG_ERR(err));
    else
        watch->on_event(watch->user, type, &document);
}

static void on_bookmark(struct store_watch *watch, enum store_event_type type,
                        const struct kube_event *event)
{
    struct span version;
    if (!text_version((struct span){event->object, event->object_bytes}, &version))
        return;
    AUTO_FREE char *text = mem_strndup(version.text, version.len);
    const struct document document = {.kind = watch->kind, .resource_version = text};
    watch->on_event(watch->user, type, &document);
}

/* Trouble lasts: it is said once when it begins, and once when it is over. */
static void on_trouble(struct store_watch *watch, const struct err *err)
{
    if (!watch->troubled) {
        AUTO_ERR struct err *told = err_copy(err);
        const struct kube_path path = {.resource = resource_of(watch->kind)};
        schema_explain(&path, told);
        log_warn(watch->kubernetes->log, "watch lost, tried again",
                 LOG_STR("kind", kind_name(watch->kind)), LOG_ERR(told));
    }
    watch->troubled = true;
}

static void on_watching(struct store_watch *watch)
{
    if (watch->troubled)
        log_info(watch->kubernetes->log, "watch is back", LOG_STR("kind", kind_name(watch->kind)));
    watch->troubled = false;
}

static void on_event(void *user, const struct kube_event *event)
{
    struct store_watch *watch = user;
    switch (event->type) {
    case KUBE_ADDED:
        on_object(watch, STORE_ADDED, event);
        break;
    case KUBE_MODIFIED:
        on_object(watch, STORE_MODIFIED, event);
        break;
    case KUBE_DELETED:
        on_object(watch, STORE_DELETED, event);
        break;
    case KUBE_BOOKMARK:
        on_bookmark(watch, STORE_BOOKMARK, event);
        break;
    case KUBE_LISTED:
        on_bookmark(watch, STORE_LISTED, event);
        break;
    case KUBE_EXPIRED:
        watch->on_event(watch->user, STORE_EXPIRED, NULL);
        break;
    case KUBE_TROUBLE:
        on_trouble(watch, event->err);
        break;
    case KUBE_WATCHING:
        on_watching(watch);
        break;
    }
}

static void on_expired(struct outbox_item *item)
{
    struct store_watch *watch = CONTAINER_OF(item, struct store_watch, expired);
    watch->on_event(watch->user, STORE_EXPIRED, NULL);
}

/*
 * Whether a watch can begin there. To the API server 0 means "anywhere, and begin with what there is": not what
 * store_watch() says.
 */
static bool is_version(const char *resource_version)
{
    int64_t number;
    return !resource_version || str_parse_int64(resource_version, 1, INT64_MAX, &number);
}

static void watch_objects(struct store_watch *watch, const struct store_query *query,
                          const char *resource_version)
{
    struct kubernetes_store *kubernetes = watch->kubernetes;
    AUTO_FREE char *labels = query_labels(query->selector);
    AUTO_FREE char *fields = query_fields(query);
    struct kube_watch_request request = {
        .path = {.resource = resource_of(query->kind),
                 .namespace = query->namespace ? query->namespace : kubernetes->namespace},
        .label_selector = labels,
        .field_selector = fields,
        .resource_version = resource_version,
    };
    watch->watch = kube_watch(kubernetes->client, &request, on_event, watch);
}

struct store_watch *watching_start(struct kubernetes_store *kubernetes,
                                   const struct store_query *query, const char *resource_version,
                                   store_event_fn on_store_event, void *user)
{
    struct store_watch *watch = NEW(struct store_watch);
    watch->kubernetes = kubernetes;
    watch->kind = query->kind;
    watch->on_event = on_store_event;
    watch->user = user;
    watch->expired.fn = on_expired;
    list_init(&watch->expired.node);
    if (query->kind == KIND_BASE)
        watch->bases =
            bases_watch(kubernetes->bases, query, resource_version, on_store_event, user);
    else if (is_version(resource_version))
        watch_objects(watch, query, resource_version);
    else
        outbox_post(kubernetes->outbox, &watch->expired);
    return watch;
}

void watching_stop(struct kubernetes_store *kubernetes, struct store_watch *watch)
{
    if (watch->bases)
        bases_watch_stop(kubernetes->bases, watch->bases);
    else if (watch->watch)
        kube_watch_stop(kubernetes->client, watch->watch);
    else
        outbox_cancel(kubernetes->outbox, &watch->expired);
    mem_free(watch);
}
