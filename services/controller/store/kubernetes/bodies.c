/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/bodies.h"

#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/kubernetes/resources.h"
#include "services/controller/store/rules.h"

static cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static cJSON *parse(const char *json, struct err **err)
{
    cJSON *tree = json_parse(json, strlen(json), LIMIT_OBJECT, err);
    if (tree && !cJSON_IsObject(tree)) {
        err_set(err, ERR_INVALID, "the document must be an object");
        json_free(tree);
        return NULL;
    }
    return tree;
}

static void default_string(cJSON *object, const char *key, const char *value)
{
    if (!member(object, key))
        (void)cJSON_AddStringToObject(object, key, value);
}

static void set_string(cJSON *object, const char *key, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    (void)cJSON_AddStringToObject(object, key, value);
}

/* In the core API an Event says of which API the object is that it is about, and who tells it. */
static void complete_event(cJSON *event, const char *namespace)
{
    cJSON *involved = member(event, "involvedObject");
    if (cJSON_IsObject(involved)) {
        default_string(involved, "apiVersion", API_VERSION);
        default_string(involved, "namespace", namespace);
    }
    if (!member(event, "source"))
        (void)cJSON_AddStringToObject(cJSON_AddObjectToObject(event, "source"), "component",
                                      KUBERNETES_COMPONENT);
    default_string(event, "reportingComponent", KUBERNETES_COMPONENT);
}

static int complete(enum object_kind kind, cJSON *object, char **ret_namespace, char **ret_name,
                    struct err **err)
{
    cJSON *metadata = member(object, "metadata");
    const char *name = cJSON_GetStringValue(member(metadata, "name"));
    const char *namespace = cJSON_GetStringValue(member(metadata, "namespace"));
    if (str_empty(name))
        return err_field(err, "metadata.name", "is missing");
    if (str_empty(namespace))
        return err_field(err, "metadata.namespace", "is missing");
    /* Of a request the server wants none, be it that a copy of an object has it. */
    cJSON_DeleteItemFromObjectCaseSensitive(metadata, "resourceVersion");
    default_string(object, "kind", resource_of(kind)->kind);
    if (kind == KIND_EVENT) {
        set_string(object, "apiVersion", "v1");
        complete_event(object, namespace);
    } else {
        default_string(object, "apiVersion", kind_api_version(kind));
    }
    *ret_namespace = mem_strdup(namespace);
    *ret_name = mem_strdup(name);
    return 0;
}

char *body_create(enum object_kind kind, const char *json, char **ret_namespace, char **ret_name,
                  struct err **err)
{
    AUTO_JSON cJSON *object = parse(json, err);
    if (!object || complete(kind, object, ret_namespace, ret_name, err) < 0)
        return NULL;
    return json_text(object);
}

static void move_member(cJSON *to, cJSON *from, const char *key)
{
    cJSON *value = member(from, key);
    if (value)
        (void)cJSON_AddItemToObject(to, key, cJSON_DetachItemViaPointer(from, value));
}

char *body_patch(enum store_part part, const char *merge_patch, const char *resource_version,
                 struct err **err)
{
    AUTO_JSON cJSON *patch = parse(merge_patch, err);
    if (!patch)
        return NULL;
    AUTO_JSON cJSON *metadata = cJSON_CreateObject();
    cJSON *given = member(patch, "metadata");
    if (given && !cJSON_IsObject(given)) {
        err_field(err, "metadata", "must be an object");
        return NULL;
    }
    if (part == STORE_MAIN)
        for (size_t i = 0; rules_writers_metadata[i]; i++)
            move_member(metadata, given, rules_writers_metadata[i]);
    move_member(metadata, given, "uid");
    if (resource_version)
        (void)cJSON_AddStringToObject(metadata, "resourceVersion", resource_version);
    cJSON_DeleteItemFromObjectCaseSensitive(patch, "metadata");
    if (part == STORE_STATUS) {
        AUTO_JSON cJSON *all = patch;
        patch = cJSON_CreateObject();
        move_member(patch, all, "status");
    }
    if (metadata->child)
        (void)cJSON_AddItemToObject(patch, "metadata", TAKE(metadata));
    return json_text(patch);
}

char *body_delete(const char *uid, const char *resource_version)
{
    AUTO_JSON cJSON *options = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(options, "apiVersion", "v1");
    (void)cJSON_AddStringToObject(options, "kind", "DeleteOptions");
    (void)cJSON_AddStringToObject(options, "propagationPolicy", "Background");
    cJSON *preconditions = cJSON_AddObjectToObject(options, "preconditions");
    if (uid)
        (void)cJSON_AddStringToObject(preconditions, "uid", uid);
    if (resource_version)
        (void)cJSON_AddStringToObject(preconditions, "resourceVersion", resource_version);
    return json_text(options);
}
