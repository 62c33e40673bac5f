/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/object.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/model_internal.h"

static const struct json_field owner_reference_fields[] = {
    JSON_FIELD(struct owner_reference, "apiVersion", JSON_STRING, api_version, 0),
    JSON_FIELD(struct owner_reference, "kind", JSON_STRING, kind, 0),
    JSON_FIELD(struct owner_reference, "name", JSON_STRING, name, 0),
    JSON_FIELD(struct owner_reference, "uid", JSON_STRING, uid, 0),
    JSON_FIELD(struct owner_reference, "controller", JSON_BOOL, controller, 0),
    JSON_END,
};

const struct json_field object_meta_fields[] = {
    JSON_FIELD(struct object_meta, "name", JSON_STRING, name, JSON_REQUIRED),
    JSON_FIELD(struct object_meta, "namespace", JSON_STRING, namespace, 0),
    JSON_FIELD(struct object_meta, "uid", JSON_STRING, uid, 0),
    JSON_FIELD(struct object_meta, "resourceVersion", JSON_STRING, resource_version, 0),
    JSON_FIELD(struct object_meta, "generation", JSON_INT64, generation, 0),
    JSON_FIELD(struct object_meta, "creationTimestamp", JSON_TIME, creation_ms, 0),
    JSON_FIELD(struct object_meta, "deletionTimestamp", JSON_TIME, deletion_ms, 0),
    JSON_FIELD(struct object_meta, "labels", JSON_STRING_MAP, labels, 0),
    JSON_FIELD(struct object_meta, "annotations", JSON_STRING_MAP, annotations, 0),
    JSON_FIELD(struct object_meta, "finalizers", JSON_STRINGS, finalizers, 0),
    JSON_FIELD_ARRAY(struct object_meta, "ownerReferences", owners, owner_reference_fields,
                     struct owner_reference),
    JSON_END,
};

const struct json_field condition_fields[] = {
    JSON_FIELD(struct condition, "type", JSON_STRING, type, 0),
    JSON_FIELD(struct condition, "status", JSON_STRING, status, 0),
    JSON_FIELD(struct condition, "reason", JSON_STRING, reason, 0),
    JSON_FIELD(struct condition, "message", JSON_STRING, message, 0),
    JSON_FIELD(struct condition, "lastTransitionTime", JSON_TIME, last_transition_ms, 0),
    JSON_END,
};

bool meta_has_finalizer(const struct object_meta *meta, const char *finalizer)
{
    for (size_t i = 0; i < meta->finalizers.len; i++)
        if (str_eq(meta->finalizers.items[i], finalizer))
            return true;
    return false;
}

const struct owner_reference *meta_owner(const struct object_meta *meta)
{
    const struct owner_reference *owners = meta->owners.items;
    for (size_t i = 0; i < meta->owners.len; i++)
        if (owners[i].controller)
            return &owners[i];
    return NULL;
}

/* -- apiVersion and kind -- */

int object_identify(const cJSON *json, enum object_kind *ret, struct err **err)
{
    if (!cJSON_IsObject(json))
        return err_set(err, ERR_INVALID, "an object with apiVersion and kind is expected");
    const char *version = json_get_string(json, "apiVersion");
    const char *kind = json_get_string(json, "kind");
    enum object_kind found;
    /* Kinds in documents have one spelling; kind_from_name() also takes what people type. */
    bool known = kind_from_name(kind, &found) && strcmp(kind, kind_name(found)) == 0;
    if (known && str_eq(version, kind_api_version(found))) {
        *ret = found;
        return 0;
    }
    if (!str_eq(version, API_VERSION))
        return err_field(err, "apiVersion", "must be %s, is \"%.100s\"", API_VERSION,
                         version ? version : "");
    const char *plural = kind ? kind_nearest(kind) : NULL;
    if (plural && kind_from_name(plural, &found) && str_eq(kind_api_version(found), API_VERSION))
        return err_field(err, "kind", "\"%.100s\" is not known; did you mean %s?", kind,
                         kind_name(found));
    return err_field(err, "kind",
                     "\"%.100s\" is not known; must be ModuleDeployment, "
                     "ModuleReplicaSet, Module, ModuleTemplate, Base or Event",
                     kind ? kind : "");
}

void object_strip(cJSON *json)
{
    static const char *const of_api_server[] = {"managedFields", "selfLink", "generateName",
                                                "deletionGracePeriodSeconds"};
    cJSON_DeleteItemFromObjectCaseSensitive(json, "apiVersion");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "kind");
    cJSON *meta = cJSON_GetObjectItemCaseSensitive(json, "metadata");
    for (size_t i = 0; i < ARRAY_LEN(of_api_server); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(meta, of_api_server[i]);
    cJSON *owner;
    cJSON_ArrayForEach(owner, cJSON_GetObjectItemCaseSensitive(meta, "ownerReferences"))
    {
        cJSON_DeleteItemFromObjectCaseSensitive(owner, "blockOwnerDeletion");
    }
}

/* -- objects of any kind -- */

/* A document need not say what it is (those of gRPC don't), but must not say otherwise. */
static int check_type(const cJSON *json, enum object_kind kind, struct err **err)
{
    if (!cJSON_GetObjectItemCaseSensitive(json, "apiVersion") &&
        !cJSON_GetObjectItemCaseSensitive(json, "kind"))
        return 0;
    enum object_kind found;
    if (object_identify(json, &found, err) < 0)
        return -1;
    if (found != kind)
        return err_field(err, "kind", "must be %s, is %s", kind_name(kind), kind_name(found));
    return 0;
}

static int check_meta(const struct object_meta *meta, struct err **err)
{
    if (!name_is_dns_subdomain(meta->name))
        return err_field(err, "metadata.name",
                         "\"%.100s\" is no DNS-1123 subdomain: at most %d lower case letters, "
                         "digits, '-' and '.', a letter or digit at both ends",
                         meta->name ? meta->name : "", LIMIT_NAME);
    if (!str_empty(meta->namespace) && !name_is_dns_label(meta->namespace))
        return err_field(err, "metadata.namespace",
                         "\"%.100s\" is no DNS-1123 label: at most 63 lower case letters, digits "
                         "and '-', a letter or digit at both ends",
                         meta->namespace);
    return 0;
}

void *object__read(const struct object_layout *layout, const cJSON *json, enum json_unknown unknown,
                   struct err **err)
{
    AUTO_JSON cJSON *stripped = NULL;
    if (check_type(json, layout->kind, err) < 0)
        return NULL;
    if (unknown == JSON_UNKNOWN_REFUSE) {
        stripped = cJSON_Duplicate(json, /* recurse= */ true);
        object_strip(stripped);
        json = stripped;
    }
    void *object = mem_alloc(layout->size);
    if (json_read(layout->fields, json, "", unknown, object, err) < 0) {
        mem_free(object);
        return NULL;
    }
    /* Metadata is the first member of every object. */
    if (check_meta(object, err) < 0) {
        object__free(layout, object);
        return NULL;
    }
    return object;
}

/* Kubernetes requires the API version of an owner; ours are all of one. */
static void complete_owners(cJSON *tree)
{
    cJSON *owner;
    cJSON *meta = cJSON_GetObjectItemCaseSensitive(tree, "metadata");
    cJSON_ArrayForEach(owner, cJSON_GetObjectItemCaseSensitive(meta, "ownerReferences"))
    {
        if (!cJSON_GetObjectItemCaseSensitive(owner, "apiVersion"))
            cJSON_AddStringToObject(owner, "apiVersion", API_VERSION);
    }
}

cJSON *object__write(const struct object_layout *layout, const void *object)
{
    AUTO_JSON cJSON *fields = json_write(layout->fields, object);
    complete_owners(fields);
    cJSON *tree = cJSON_CreateObject();
    cJSON_AddStringToObject(tree, "apiVersion", kind_api_version(layout->kind));
    cJSON_AddStringToObject(tree, "kind", kind_name(layout->kind));
    while (fields->child) {
        cJSON *item = cJSON_DetachItemViaPointer(fields, fields->child);
        cJSON_AddItemToObject(tree, item->string, item);
    }
    return tree;
}

void object__free(const struct object_layout *layout, void *object)
{
    if (!object)
        return;
    json_release(layout->fields, object);
    mem_free(object);
}
