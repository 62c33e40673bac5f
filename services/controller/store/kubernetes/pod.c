/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/pod.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

#define MESSAGE_BYTES 256 /* of what the kubelet has to say; an event of it is kept anyway */
#define LABEL_ZONE "topology.kubernetes.io/zone"

/* -- the members of a Pod that are read -- */

struct container_status {
    char *name, *id;
    int64_t restarts;
};

struct pod_document {
    struct object_meta meta;
    struct {
        char *node;
    } spec;
    struct {
        char *phase, *reason, *message, *ip;
        struct json_array conditions; /* struct condition */
        struct json_array containers; /* struct container_status */
    } status;
};

static const struct json_field container_fields[] = {
    JSON_FIELD(struct container_status, "name", JSON_STRING, name, 0),
    JSON_FIELD(struct container_status, "containerID", JSON_STRING, id, 0),
    JSON_FIELD(struct container_status, "restartCount", JSON_INT64, restarts, 0),
    JSON_END,
};

static const struct json_field spec_fields[] = {
    JSON_FIELD(struct pod_document, "nodeName", JSON_STRING, spec.node, 0),
    JSON_END,
};

static const struct json_field status_fields[] = {
    JSON_FIELD(struct pod_document, "phase", JSON_STRING, status.phase, 0),
    JSON_FIELD(struct pod_document, "reason", JSON_STRING, status.reason, 0),
    JSON_FIELD(struct pod_document, "message", JSON_STRING, status.message, 0),
    JSON_FIELD(struct pod_document, "podIP", JSON_STRING, status.ip, 0),
    JSON_FIELD_ARRAY(struct pod_document, "conditions", status.conditions, condition_fields,
                     struct condition),
    JSON_FIELD_ARRAY(struct pod_document, "containerStatuses", status.containers, container_fields,
                     struct container_status),
    JSON_END,
};

static const struct json_field pod_fields[] = {
    JSON_FIELD_OBJECT(struct pod_document, "metadata", meta, object_meta_fields, JSON_REQUIRED),
    {.key = "spec", .type = JSON_OBJECT, .offset = 0, .table = spec_fields},
    {.key = "status", .type = JSON_OBJECT, .offset = 0, .table = status_fields},
    JSON_END,
};

/* -- numbers that people set -- */

static void add_note(char **note, const char *what, const char *value)
{
    char *text = mem_printf("%s%s%s is no such number: \"%.64s\"", *note ? *note : "",
                            *note ? "; " : "", what, value);
    mem_free(*note);
    *note = text;
}

/* Return: false where it is not given, or no such number. */
static bool read_number(const struct json_map *map, const char *key, int64_t min, int64_t max,
                        int32_t *ret, char **note)
{
    const char *text = map ? json_map_get(map, key) : NULL;
    int64_t number;
    if (!text)
        return false;
    if (!str_parse_int64(text, min, max, &number)) {
        add_note(note, key, text);
        return false;
    }
    *ret = (int32_t)number;
    return true;
}

static void read_limit(const struct pod_document *document, const struct pod_context *context,
                       struct pod *out)
{
    struct base_spec *spec = &out->base->spec;
    spec->max_module_count_set = read_number(&document->meta.labels, LABEL_MAX_MODULE_COUNT, 0,
                                             INT32_MAX, &spec->max_module_count, &out->note) ||
                                 read_number(context->its_labels, LABEL_MAX_MODULE_COUNT, 0,
                                             INT32_MAX, &spec->max_module_count, &out->note);
}

static void read_address(const struct pod_document *document, const struct pod_context *context,
                         struct pod *out)
{
    const char *ip = document->status.ip;
    int32_t port = context->agent_port ? context->agent_port : AGENT_PORT_DEFAULT;
    (void)read_number(&document->meta.annotations, ANNOTATION_AGENT_PORT, 1, UINT16_MAX, &port,
                      &out->note);
    if (str_empty(ip))
        return;
    out->base->spec.ip = mem_strdup(ip);
    out->base->spec.agent_address =
        strchr(ip, ':') ? mem_printf("[%s]:%d", ip, port) : mem_printf("%s:%d", ip, port);
}

/* -- whether it is ready -- */

static const struct condition *find_condition(const struct pod_document *document, const char *type)
{
    const struct condition *items = document->status.conditions.items;
    for (size_t i = 0; i < document->status.conditions.len; i++)
        if (str_eq(items[i].type, type))
            return &items[i];
    return NULL;
}

/* Its beginning, not within a character. */
static char *short_text(const char *text)
{
    size_t len = 0, bytes;
    while (text && (bytes = str_utf8(text + len)) && len + bytes <= MESSAGE_BYTES)
        len += bytes;
    return len ? mem_strndup(text, len) : NULL;
}

static void not_ready(struct base_status *status, const char *reason, const char *message)
{
    status->phase = mem_strdup("NotReady");
    status->reason = mem_strdup(reason);
    status->message = short_text(message);
}

/* Why it waits: what its status says, else why it has no node. */
static const char *why_pending(const struct pod_document *document)
{
    const struct condition *scheduled = find_condition(document, "PodScheduled");
    if (!str_empty(document->status.message))
        return document->status.message;
    return scheduled && !str_eq(scheduled->status, "True") ? scheduled->message
                                                           : "its containers are not running yet";
}

static bool has_ended(const struct pod_document *document)
{
    return str_eq(document->status.phase, "Failed") || str_eq(document->status.phase, "Succeeded");
}

static bool has_traffic_label(const struct json_map *labels)
{
    for (size_t i = 0; i < labels->len; i++)
        if (str_starts_with(labels->items[i].key, LABEL_TRAFFIC_PREFIX))
            return true;
    return false;
}

static void read_status(const struct pod_document *document, struct base_status *status)
{
    const struct condition *ready = find_condition(document, "Ready");
    bool lost =
        str_eq(document->status.reason, "NodeLost") || (ready && str_eq(ready->status, "Unknown"));
    status->last_transition_ms =
        ready && ready->last_transition_ms ? ready->last_transition_ms : document->meta.creation_ms;
    if (has_ended(document))
        not_ready(status, "PodFailed", document->status.message);
    else if (lost)
        not_ready(status, "NodeLost", "its node does not answer");
    else if (document->meta.deletion_ms)
        not_ready(status, "Terminating", "the Pod is being deleted");
    else if (!str_eq(document->status.phase, "Running"))
        not_ready(status, "PodPending", why_pending(document));
    else if (str_empty(document->status.ip))
        not_ready(status, "NoIP", "the Pod has no IP address");
    else if (!ready || !str_eq(ready->status, "True"))
        not_ready(status, "PodNotReady", ready ? ready->message : "its condition is not known yet");
    else
        status->phase = mem_strdup("Ready");
}

/* -- its JVM -- */

static void read_containers(const struct pod_document *document, struct pod *out)
{
    const struct container_status *items = document->status.containers.items;
    bool all_started = document->status.containers.len > 0;
    for (size_t i = 0; i < document->status.containers.len; i++) {
        if (str_eq(items[i].name, AGENT_CONTAINER))
            continue;
        const char *id = items[i].id ? items[i].id : "";
        all_started &= !str_empty(id);
        out->started ^= str_hash(id, strlen(id));
        if (items[i].restarts > 0 && items[i].restarts < INT32_MAX)
            out->restarts += items[i].restarts;
    }
    if (!all_started)
        out->started = 0;
}

bool pod_restarted(const struct pod *before, const struct pod *after)
{
    bool others = before->started && after->started && before->started != after->started;
    return others || after->restarts > before->restarts;
}

/* -- the whole -- */

static int check_meta(const struct object_meta *meta, struct err **err)
{
    if (!name_is_dns_subdomain(meta->name))
        return err_field(err, "metadata.name", "is no name");
    if (!name_is_dns_label(meta->namespace))
        return err_field(err, "metadata.namespace", "is no namespace");
    return str_empty(meta->uid) ? err_field(err, "metadata.uid", "is required") : 0;
}

static void take_meta(struct object_meta *to, struct object_meta *from)
{
    *to = (struct object_meta){
        .name = TAKE(from->name),
        .namespace = TAKE(from->namespace),
        .uid = TAKE(from->uid),
        .creation_ms = from->creation_ms,
        .deletion_ms = from->deletion_ms,
        .labels = from->labels,
    };
    from->labels = (struct json_map){0};
}

int pod_read(const cJSON *json, const struct pod_context *context, struct pod *out,
             struct err **err)
{
    struct pod_document document = {0};
    if (json_read(pod_fields, json, "", JSON_UNKNOWN_IGNORE, &document, err) < 0)
        return -1;
    if (check_meta(&document.meta, err) < 0) {
        json_release(pod_fields, &document);
        return -1;
    }
    *out = (struct pod){.base = NEW(struct base)};
    struct base_spec *spec = &out->base->spec;
    read_limit(&document, context, out);
    read_address(&document, context, out);
    read_status(&document, &out->base->status);
    read_containers(&document, out);
    spec->deployment = mem_strdup(context->deployment);
    spec->node = TAKE(document.spec.node);
    spec->zone = mem_strdup(json_map_get(&document.meta.labels, LABEL_ZONE));
    out->version = TAKE(document.meta.resource_version);
    out->ended = has_ended(&document) && !has_traffic_label(&document.meta.labels);
    take_meta(&out->base->meta, &document.meta);
    json_release(pod_fields, &document);
    return 0;
}

void pod_done(struct pod *pod)
{
    base_free(pod->base);
    mem_free(pod->version);
    mem_free(pod->note);
    *pod = (struct pod){0};
}
