/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/schema.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/kube/client.h"
#include "lib/model/kind.h"

static bool is_custom(const struct kube_path *path)
{
    return str_eq(path->resource->group, API_GROUP);
}

static bool opens(struct span value, char bracket)
{
    return value.len && value.text[0] == bracket;
}

static bool find_member(struct span object, struct span name, struct span *ret)
{
    struct scan scan = scan_begin(object, '{');
    struct span key;
    while (scan_member(&scan, &key, ret))
        if (key.len == name.len && memcmp(key.text, name.text, name.len) == 0)
            return true;
    return false;
}

/* Whether there is anything in @value that could get lost. */
static bool holds_something(struct span value)
{
    if (!opens(value, '{'))
        return !span_is(value, "null") && !span_is(value, "[]");
    struct scan scan = scan_begin(value, '{');
    struct span key, member;
    while (scan_member(&scan, &key, &member))
        if (holds_something(member))
            return true;
    return false;
}

/* The first of @sent that @answered lacks, as ".module.md5" or "[2].reason"; owned. NULL: all is there. */
static char *lost(struct span sent, struct span answered);

static char *lost_member(struct span key, struct span sent, struct span answered)
{
    struct span found;
    if (!holds_something(sent))
        return NULL;
    if (!find_member(answered, key, &found))
        return mem_printf(".%.*s", (int)key.len, key.text);
    AUTO_FREE char *inside = lost(sent, found);
    return inside ? mem_printf(".%.*s%s", (int)key.len, key.text, inside) : NULL;
}

/* Item by item: a list is written as a whole. */
static char *lost_item(struct span sent, struct span answered)
{
    struct scan wanted = scan_begin(sent, '['), there = scan_begin(answered, '[');
    struct span item, found;
    for (int i = 0; scan_item(&wanted, &item) && scan_item(&there, &found); i++) {
        AUTO_FREE char *inside = lost(item, found);
        if (inside)
            return mem_printf("[%d]%s", i, inside);
    }
    return NULL;
}

static char *lost(struct span sent, struct span answered)
{
    if (opens(sent, '[') && opens(answered, '['))
        return lost_item(sent, answered);
    if (!opens(sent, '{') || !opens(answered, '{'))
        return NULL;
    struct scan scan = scan_begin(sent, '{');
    struct span key, value;
    char *found = NULL;
    while (!found && scan_member(&scan, &key, &value))
        found = lost_member(key, value, answered);
    return found;
}

/* Metadata is the same in all schemas, and the server takes the status apart from the rest. */
static bool is_written(const struct kube_path *path, struct span key)
{
    if (str_eq(path->subresource, "status"))
        return span_is(key, "status");
    return !span_is(key, "status") && !span_is(key, "metadata") && !span_is(key, "apiVersion") &&
           !span_is(key, "kind");
}

/* What to do about a field that is not known. */
static char *remedy(const struct kube_path *path)
{
    return mem_printf(
        "the CustomResourceDefinition %s.%s is of another version: apply deploy/manifests again",
        path->resource->plural, path->resource->group);
}

int schema_check(const struct kube_path *path, struct span sent, struct span answered,
                 struct err **err)
{
    if (!is_custom(path))
        return 0;
    struct scan scan = scan_begin(sent, '{');
    struct span key, value;
    AUTO_FREE char *field = NULL;
    while (!field && scan_member(&scan, &key, &value))
        field = is_written(path, key) ? lost_member(key, value, answered) : NULL;
    if (!field)
        return 0;
    AUTO_FREE char *what = remedy(path);
    return err_set(err, ERR_PRECONDITION, "the API server drops %s: %s", field + 1, what);
}

static void explain(struct err *err, const char *why)
{
    char *message = mem_printf("%s: %s", err->message, why);
    mem_free(err->message);
    err->message = message;
    err->code = ERR_PRECONDITION;
}

void schema_explain(const struct kube_path *path, struct err *err)
{
    if (!is_custom(path))
        return;
    if (err->code == ERR_UNIMPLEMENTED) {
        AUTO_FREE char *why = mem_printf(
            "the API server does not serve %s of %s.%s: is its CustomResourceDefinition there?",
            path->resource->version, path->resource->plural, path->resource->group);
        explain(err, why);
    } else if (err->code == ERR_INVALID && strstr(err->message, KUBE_STRICT)) {
        AUTO_FREE char *why = remedy(path);
        explain(err, why);
    }
}
