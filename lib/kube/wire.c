/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/wire.h"

#include <inttypes.h>

#include "lib/base/assert.h"
#include "lib/kube/url.h"

#define TIMEOUT_MS 30000

static const struct {
    const char *name, *method, *content_type;
} verbs[] = {
    [KUBE_GET] = {"get", "GET", NULL},
    [KUBE_LIST] = {"list", "GET", NULL},
    [KUBE_CREATE] = {"create", "POST", "application/json"},
    [KUBE_UPDATE] = {"update", "PUT", "application/json"},
    [KUBE_MERGE_PATCH] = {"patch", "PATCH", "application/merge-patch+json"},
    [KUBE_JSON_PATCH] = {"patch", "PATCH", "application/json-patch+json"},
    [KUBE_APPLY] = {"apply", "PATCH", "application/apply-patch+yaml"}, /* of which JSON is a part */
    [KUBE_DELETE] = {"delete", "DELETE", "application/json"},
};

static void add_number(struct str *url, const char *key, int64_t value, const char *unit)
{
    AUTO_FREE char *text = mem_printf("%" PRId64 "%s", value, unit);
    kube_url_param(url, key, text);
}

static struct str collection_url(const char *server, const struct kube_path *path)
{
    struct str url = STR_INIT(SIZE_MAX / 2);
    AUTO_FREE char *path_text = kube_path_url(path);
    str_add(&url, server);
    str_add(&url, path_text);
    return url;
}

static char *describe(const char *verb, const struct kube_path *path)
{
    AUTO_FREE char *object = kube_path_describe(path);
    return mem_printf("%s %s", verb, object);
}

/* An unknown field that we write is our bug, or a resource of another version: it is told, not dropped. */
static void add_write_params(struct str *url, const struct kube_request *request)
{
    if (request->verb != KUBE_DELETE) {
        kube_url_param(url, "fieldManager", request->field_manager);
        kube_url_param(url, "fieldValidation", "Strict");
    }
    if (request->verb == KUBE_APPLY && request->force)
        kube_url_param(url, "force", "true");
    if (request->dry_run)
        kube_url_param(url, "dryRun", "All");
}

struct kube_wire kube_wire_request(const char *server, const struct kube_request *request)
{
    ASSERT(request->verb != KUBE_APPLY || request->field_manager);
    struct kube_wire wire = {.method = verbs[request->verb].method,
                             .is_read = request->verb == KUBE_GET || request->verb == KUBE_LIST,
                             .timeout_ms = request->timeout_ms ? request->timeout_ms : TIMEOUT_MS};
    struct str url = collection_url(server, &request->path);
    kube_url_param(&url, "labelSelector", request->label_selector);
    kube_url_param(&url, "fieldSelector", request->field_selector);
    if (request->limit)
        add_number(&url, "limit", request->limit, "");
    kube_url_param(&url, "continue", request->continue_token);
    kube_url_param(&url, "resourceVersion", request->resource_version);
    kube_url_param(&url, "resourceVersionMatch", request->resource_version_match);
    if (!wire.is_read)
        add_write_params(&url, request);
    if (wire.timeout_ms >= 1000) /* nothing goes on there for a client that has left */
        add_number(&url, "timeout", wire.timeout_ms / 1000, "s");
    wire.url = str_take(&url);
    wire.body = mem_strdup(request->body);
    wire.content_type = wire.body ? verbs[request->verb].content_type : NULL;
    wire.what = describe(verbs[request->verb].name, &request->path);
    return wire;
}

struct kube_wire kube_wire_watch(const char *server, const struct kube_watch_request *request)
{
    struct kube_wire wire = {.method = "GET", .is_read = true};
    struct str url = collection_url(server, &request->path);
    kube_url_param(&url, "watch", "true");
    kube_url_param(&url, "allowWatchBookmarks", "true");
    kube_url_param(&url, "labelSelector", request->label_selector);
    kube_url_param(&url, "fieldSelector", request->field_selector);
    wire.url = str_take(&url);
    wire.what = describe("watch", &request->path);
    return wire;
}

char *kube_wire_watch_url(const char *watch_url, const char *resource_version, int64_t timeout_s)
{
    struct str url = STR_INIT(SIZE_MAX / 2);
    str_add(&url, watch_url);
    kube_url_param(&url, "resourceVersion", resource_version);
    if (!resource_version) {
        kube_url_param(&url, "sendInitialEvents", "true");
        kube_url_param(&url, "resourceVersionMatch", "NotOlderThan");
    }
    add_number(&url, "timeoutSeconds", timeout_s, "");
    return str_take(&url);
}

void kube_wire_done(struct kube_wire *wire)
{
    mem_free(wire->url);
    mem_free(wire->body);
    mem_free(wire->what);
}
