/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/texts.h"

#include <string.h>

#include "lib/base/assert.h"

/* What is looked for in an object. */
struct parts {
    struct span metadata;
    struct span namespace, name, uid, resource_version;
};

static int malformed(struct err **err)
{
    return err_set(err, ERR_DATA_LOSS, "the API server sent what is no object");
}

static bool find_member(struct span object, const char *name, struct span *ret)
{
    struct scan scan = scan_begin(object, '{');
    struct span key, value;
    while (scan_member(&scan, &key, &value))
        if (span_is(key, name)) {
            *ret = value;
            return true;
        }
    return false;
}

static bool find_string(struct span object, const char *name, struct span *ret)
{
    struct span value;
    return find_member(object, name, &value) && span_string(value, ret);
}

static bool read_metadata(struct parts *parts)
{
    struct scan scan = scan_begin(parts->metadata, '{');
    struct span key, value;
    while (scan_member(&scan, &key, &value)) {
        struct span *wanted = span_is(key, "name")              ? &parts->name
                              : span_is(key, "namespace")       ? &parts->namespace
                              : span_is(key, "uid")             ? &parts->uid
                              : span_is(key, "resourceVersion") ? &parts->resource_version
                                                                : NULL;
        if (wanted && !span_string(value, wanted))
            return false;
    }
    return !scan.malformed && parts->name.len && parts->resource_version.len;
}

/* -- writing; the memory was measured before -- */

static char *add(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

static char *add_text(char *at, const char *text)
{
    return add(at, text, strlen(text));
}

static char *add_member(char *at, struct span key, struct span value)
{
    at = add(add_text(at, ",\""), key.text, key.len);
    return add(add_text(at, "\":"), value.text, value.len);
}

static const char *add_string(char **at, struct span text)
{
    const char *copy = *at;
    *at = text.len ? add(*at, text.text, text.len) : *at;
    *(*at)++ = '\0';
    return copy;
}

/* metadata without managedFields: each member is written with a comma in front, the first one becomes the brace. */
static char *add_metadata(char *at, struct span metadata)
{
    at = add_text(at, ",\"metadata\":");
    char *start = at;
    struct scan scan = scan_begin(metadata, '{');
    struct span key, value;
    while (scan_member(&scan, &key, &value))
        if (!span_is(key, "managedFields"))
            at = add_member(at, key, value);
    ASSERT(at > start); /* it has a name */
    *start = '{';
    return add_text(at, "}");
}

static char *add_object(char *at, enum object_kind kind, struct span object)
{
    at = add_text(add_text(at, "{\"apiVersion\":\""), kind_api_version(kind));
    at = add_text(add_text(at, "\",\"kind\":\""), kind_name(kind));
    at = add_text(at, "\"");
    struct scan scan = scan_begin(object, '{');
    struct span key, value;
    while (scan_member(&scan, &key, &value)) {
        if (span_is(key, "apiVersion") || span_is(key, "kind"))
            continue;
        at = span_is(key, "metadata") ? add_metadata(at, value) : add_member(at, key, value);
    }
    return add_text(at, "}");
}

/* Members shrink or stay; what is added is the type, and an end to each string. */
static size_t bytes_needed(enum object_kind kind, struct span object, const struct parts *parts)
{
    return strlen("{\"apiVersion\":\"\",\"kind\":\"\"}") + strlen(kind_api_version(kind)) +
           strlen(kind_name(kind)) + object.len + parts->namespace.len + parts->name.len +
           parts->uid.len + parts->resource_version.len + 5;
}

int text_read(enum object_kind kind, struct span object, struct document *out, char **ret_memory,
              struct err **err)
{
    struct parts parts = {{0}, {0}, {0}, {0}, {0}};
    struct scan scan = scan_begin(object, '{');
    struct span key, value;
    while (scan_member(&scan, &key, &value)) {
        if (!span_is(key, "metadata"))
            continue;
        if (parts.metadata.len) /* twice: it would be written twice */
            return malformed(err);
        parts.metadata = value;
    }
    if (scan.malformed || !parts.metadata.len || !read_metadata(&parts))
        return malformed(err);
    size_t bytes = bytes_needed(kind, object, &parts);
    char *memory = mem_alloc(bytes), *at = memory;
    *out = (struct document){
        .kind = kind,
        .namespace = add_string(&at, parts.namespace),
        .name = add_string(&at, parts.name),
        .uid = add_string(&at, parts.uid),
        .resource_version = add_string(&at, parts.resource_version),
        .json = at,
    };
    at = add_object(at, kind, object);
    out->json_len = (size_t)(at - out->json);
    ASSERT((size_t)(at - memory) < bytes); /* its end is there: the memory was zeroed */
    *ret_memory = memory;
    return 0;
}

void text_read_key(const struct store_key *key, struct span uid, struct document *out,
                   char **ret_memory)
{
    AUTO_FREE char *uid_text = mem_strndup(uid.text, uid.len);
    /* Names and uids are such as the server accepted: nothing in them needs an escape. */
    AUTO_FREE char *json = mem_printf(
        "{\"apiVersion\":\"%s\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%s\","
        "\"namespace\":\"%s\",\"uid\":\"%s\"}}",
        kind_api_version(key->kind), kind_name(key->kind), key->name, key->namespace, uid_text);
    char *memory = mem_printf("%s%c%s", uid_text, '\0', json);
    *out = (struct document){
        .kind = key->kind,
        .namespace = key->namespace,
        .name = key->name,
        .uid = memory,
        .resource_version = "",
        .json = memory + strlen(uid_text) + 1,
        .json_len = strlen(json),
    };
    *ret_memory = memory;
}

int text_read_list(struct span text, struct text_list *out, struct err **err)
{
    *out = (struct text_list){{0}, {0}, {0}};
    struct span metadata;
    if (!find_member(text, "metadata", &metadata) || !find_member(text, "items", &out->items) ||
        !find_string(metadata, "resourceVersion", &out->resource_version))
        return malformed(err);
    if (out->items.text[0] != '[') /* null: an empty list of Go */
        out->items = (struct span){"[]", 2};
    (void)find_string(metadata, "continue", &out->continue_token);
    return 0;
}

bool text_version(struct span object, struct span *ret)
{
    struct span metadata;
    return find_member(object, "metadata", &metadata) &&
           find_string(metadata, "resourceVersion", ret);
}

bool text_status_uid(struct span answer, struct span *ret)
{
    struct span kind, details;
    if (!find_string(answer, "kind", &kind) || !span_is(kind, "Status"))
        return false;
    *ret = (struct span){"", 0};
    if (find_member(answer, "details", &details))
        (void)find_string(details, "uid", ret);
    return true;
}
