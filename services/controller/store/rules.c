/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/rules.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/store/merge_patch.h"

const char *const rules_writers_metadata[] = {"labels", "annotations", "finalizers",
                                              "ownerReferences", NULL};

static cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static cJSON *metadata_member(const cJSON *object, const char *key)
{
    return member(member(object, "metadata"), key);
}

static void set_string(cJSON *object, const char *key, const char *value)
{
    if (member(object, key))
        (void)cJSON_ReplaceItemInObjectCaseSensitive(object, key, cJSON_CreateString(value));
    else
        (void)cJSON_AddStringToObject(object, key, value);
}

static void set_time(cJSON *metadata, const char *key, int64_t wall_ms)
{
    char text[TIME_TEXT_SIZE];
    /* Whole seconds, as the Kubernetes API stamps. */
    set_string(metadata, key, time_format(wall_ms / 1000 * 1000, text));
}

const char *rules_metadata(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(metadata_member(object, key));
}

const cJSON *rules_labels(const cJSON *object)
{
    return metadata_member(object, "labels");
}

cJSON *rules_owners(const cJSON *object)
{
    return metadata_member(object, "ownerReferences");
}

bool rules_being_deleted(const cJSON *object)
{
    return metadata_member(object, "deletionTimestamp") != NULL;
}

bool rules_has_finalizers(const cJSON *object)
{
    return cJSON_GetArraySize(metadata_member(object, "finalizers")) > 0;
}

static void count_generation(cJSON *object)
{
    cJSON *generation = metadata_member(object, "generation");
    cJSON_SetNumberValue(generation, cJSON_GetNumberValue(generation) + 1);
}

void rules_mark_deleted(cJSON *object, int64_t now_ms)
{
    set_time(member(object, "metadata"), "deletionTimestamp", now_ms);
    count_generation(object); /* it is another thing that is wanted now */
}

/* -- validation -- */

static int check_string_map(const cJSON *map, const char *path, bool label_values, struct err **err)
{
    if (map && !cJSON_IsObject(map))
        return err_field(err, path, "must be an object of strings");
    for (const cJSON *pair = map ? map->child : NULL; pair; pair = pair->next) {
        if (!label_key_is_valid(pair->string))
            return err_field(err, path, "\"%s\" is no valid key", pair->string);
        const char *value = cJSON_GetStringValue(pair);
        if (!value)
            return err_field(err, path, "the value of \"%s\" must be a string", pair->string);
        if (label_values && !label_value_is_valid(value))
            return err_field(err, path, "\"%s\" is no valid value", value);
    }
    return 0;
}

static int check_finalizers(const cJSON *finalizers, struct err **err)
{
    static const char path[] = "metadata.finalizers";
    if (finalizers && !cJSON_IsArray(finalizers))
        return err_field(err, path, "must be a list of strings");
    for (const cJSON *item = finalizers ? finalizers->child : NULL; item; item = item->next) {
        const char *name = cJSON_GetStringValue(item);
        if (!label_key_is_valid(name))
            return err_field(err, path, "\"%s\" is no valid name", name ? name : "");
    }
    return 0;
}

static int check_owners(const cJSON *owners, struct err **err)
{
    static const char path[] = "metadata.ownerReferences";
    static const char *const required[] = {"kind", "name", "uid"};
    if (owners && !cJSON_IsArray(owners))
        return err_field(err, path, "must be a list");
    for (const cJSON *owner = owners ? owners->child : NULL; owner; owner = owner->next)
        for (size_t i = 0; i < ARRAY_LEN(required); i++)
            if (str_empty(cJSON_GetStringValue(member(owner, required[i]))))
                return err_field(err, path, "each needs a %s", required[i]);
    return 0;
}

static int check_writers_metadata(const cJSON *metadata, struct err **err)
{
    if (check_string_map(member(metadata, "labels"), "metadata.labels", /* label_values= */ true,
                         err) < 0 ||
        check_string_map(member(metadata, "annotations"), "metadata.annotations",
                         /* label_values= */ false, err) < 0 ||
        check_finalizers(member(metadata, "finalizers"), err) < 0)
        return -1;
    return check_owners(member(metadata, "ownerReferences"), err);
}

static int check_type(const cJSON *object, enum object_kind kind, struct err **err)
{
    const cJSON *given_kind = member(object, "kind"), *given_version = member(object, "apiVersion");
    if (given_kind && !str_eq(cJSON_GetStringValue(given_kind), kind_name(kind)))
        return err_field(err, "kind", "must be %s", kind_name(kind));
    if (given_version && !str_eq(cJSON_GetStringValue(given_version), kind_api_version(kind)))
        return err_field(err, "apiVersion", "must be %s", kind_api_version(kind));
    return 0;
}

static int check_identity(const cJSON *metadata, struct err **err)
{
    const char *name = cJSON_GetStringValue(member(metadata, "name"));
    const char *namespace = cJSON_GetStringValue(member(metadata, "namespace"));
    if (str_empty(name))
        return err_field(err, "metadata.name", "is missing");
    if (!name_is_dns_subdomain(name))
        return err_field(err, "metadata.name", "\"%s\" is no DNS-1123 subdomain", name);
    if (str_empty(namespace))
        return err_field(err, "metadata.namespace", "is missing");
    if (!name_is_dns_label(namespace))
        return err_field(err, "metadata.namespace", "\"%s\" is no DNS-1123 label", namespace);
    return 0;
}

/* -- create -- */

static void move_member(cJSON *to, cJSON *from, const char *key)
{
    cJSON *value = member(from, key);
    if (value && !cJSON_IsNull(value))
        (void)cJSON_AddItemToObject(to, key, cJSON_DetachItemViaPointer(from, value));
}

static void add_metadata(cJSON *object, cJSON *given, const char *uid, int64_t now_ms)
{
    cJSON *metadata = cJSON_AddObjectToObject(object, "metadata");
    move_member(metadata, given, "name");
    move_member(metadata, given, "namespace");
    (void)cJSON_AddStringToObject(metadata, "uid", uid);
    (void)cJSON_AddStringToObject(metadata, "resourceVersion", "");
    (void)cJSON_AddNumberToObject(metadata, "generation", 1);
    set_time(metadata, "creationTimestamp", now_ms);
    for (size_t i = 0; rules_writers_metadata[i]; i++)
        move_member(metadata, given, rules_writers_metadata[i]);
}

/* null stands for "absent" here as it does in a patch. */
static void drop_null_metadata(cJSON *metadata)
{
    for (size_t i = 0; rules_writers_metadata[i]; i++)
        if (cJSON_IsNull(member(metadata, rules_writers_metadata[i])))
            cJSON_DeleteItemFromObjectCaseSensitive(metadata, rules_writers_metadata[i]);
}

static bool is_stores_member(const char *key)
{
    return str_eq(key, "apiVersion") || str_eq(key, "kind") || str_eq(key, "metadata") ||
           str_eq(key, "status");
}

cJSON *rules_create(enum object_kind kind, cJSON *given, const char *uid, int64_t now_ms,
                    struct err **err)
{
    cJSON *given_metadata = member(given, "metadata");
    if (!cJSON_IsObject(given)) {
        err_set(err, ERR_INVALID, "the document must be an object");
        return NULL;
    }
    if (!cJSON_IsObject(given_metadata)) {
        err_field(err, "metadata", "is missing");
        return NULL;
    }
    drop_null_metadata(given_metadata);
    if (check_type(given, kind, err) < 0 || check_identity(given_metadata, err) < 0 ||
        check_writers_metadata(given_metadata, err) < 0)
        return NULL;

    cJSON *object = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(object, "apiVersion", kind_api_version(kind));
    (void)cJSON_AddStringToObject(object, "kind", kind_name(kind));
    add_metadata(object, given_metadata, uid, now_ms);
    for (cJSON *it = given->child, *next; it; it = next) {
        next = it->next;
        if (!is_stores_member(it->string))
            move_member(object, given, it->string);
    }
    return object;
}

/* -- patch -- */

static bool contains_string(const cJSON *list, const char *text)
{
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next)
        if (str_eq(cJSON_GetStringValue(item), text))
            return true;
    return false;
}

/* A finalizer added to what is going would be waited for by nobody who knows of it. */
static int check_no_finalizer_added(const cJSON *object, const cJSON *wanted, struct err **err)
{
    const cJSON *present = metadata_member(object, "finalizers");
    for (const cJSON *item = wanted ? wanted->child : NULL; item; item = item->next)
        if (!contains_string(present, cJSON_GetStringValue(item)))
            return err_field(err, "metadata.finalizers",
                             "none can be added while the object is being deleted");
    return 0;
}

static int patch_metadata(cJSON *object, const cJSON *patch, bool *changed, struct err **err)
{
    if (!cJSON_IsObject(patch))
        return err_field(err, "metadata", "must be an object");
    if (rules_being_deleted(object) &&
        check_no_finalizer_added(object, member(patch, "finalizers"), err) < 0)
        return -1;
    const char *uid = cJSON_GetStringValue(member(patch, "uid"));
    if (uid && !str_eq(uid, rules_metadata(object, "uid")))
        return err_field(err, "metadata.uid", "another object has this name now");
    cJSON *metadata = member(object, "metadata");
    for (size_t i = 0; rules_writers_metadata[i]; i++) {
        const cJSON *value = member(patch, rules_writers_metadata[i]);
        if (value)
            *changed |= merge_patch_member(metadata, rules_writers_metadata[i], value);
    }
    return check_writers_metadata(metadata, err);
}

static int patch_main(cJSON *object, enum object_kind kind, const cJSON *patch, bool *changed,
                      struct err **err)
{
    const cJSON *metadata = member(patch, "metadata");
    if (check_type(patch, kind, err) < 0 ||
        (metadata && patch_metadata(object, metadata, changed, err) < 0))
        return -1;
    bool wanted_changed = false;
    for (const cJSON *it = patch->child; it; it = it->next)
        if (!is_stores_member(it->string))
            wanted_changed |= merge_patch_member(object, it->string, it);
    if (wanted_changed)
        count_generation(object);
    *changed |= wanted_changed;
    return 0;
}

static int patch_status(cJSON *object, const cJSON *patch, bool *changed, struct err **err)
{
    const cJSON *status = member(patch, "status");
    if (status && !cJSON_IsObject(status) && !cJSON_IsNull(status))
        return err_field(err, "status", "must be an object");
    if (status)
        *changed |= merge_patch_member(object, "status", status);
    return 0;
}

int rules_patch(cJSON *object, enum object_kind kind, enum store_part part, const cJSON *patch,
                enum rules_change *ret, struct err **err)
{
    if (!cJSON_IsObject(patch))
        return err_set(err, ERR_INVALID, "the patch must be an object");
    bool changed = false;
    int r = part == STORE_STATUS ? patch_status(object, patch, &changed, err)
                                 : patch_main(object, kind, patch, &changed, err);
    if (r == 0)
        *ret = changed ? RULES_CHANGED : RULES_SAME;
    return r;
}
