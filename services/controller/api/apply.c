/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Create or replace. Fields that are not given get their defaults, but for those that others set too:
 * replicas and scaleReplicas (a scale), pause and confirmBatchNum (a person or the controller), and the restart
 * stamp of the template (a restart); they stay as they are. Labels and annotations that are given are set, others stay.
 */
#include <string.h>

#include "lib/base/json_difference.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/protojson.h"
#include "services/controller/api/api_internal.h"
#include "services/controller/store/merge_patch.h"

#define ATTEMPTS_MAX 8

struct apply {
    struct api *api;
    struct reply reply;
    cJSON *wanted; /* canonical object */
    bool replicas_given, scale_given, pause_given, confirm_given;
    char *namespace, *name, *resource_version, *request_key;
    char *read_version; /* of the object that the patch was made for */
    int attempts;
};

static void finish(struct apply *apply)
{
    json_free(apply->wanted);
    mem_free(apply->namespace);
    mem_free(apply->name);
    mem_free(apply->resource_version);
    request_end(apply->api, apply->request_key);
    mem_free(apply->request_key);
    mem_free(apply->read_version);
    mem_free(apply);
}

static void fail(struct apply *apply, const struct err *err)
{
    reply_fail(&apply->reply, err);
    finish(apply);
}

static void succeed(struct apply *apply, const struct document *document, const char *result)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "moduleDeployment", document_json(document));
    cJSON_AddStringToObject(json, "result", result);
    request_remember(apply->api, apply->request_key, json);
    reply_json(&apply->reply, json);
    finish(apply);
}

/* What the stored object has and the request left open. */
static void keep(cJSON *spec, const cJSON *stored_spec, const char *field, bool given)
{
    if (given)
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(spec, field);
    const cJSON *stored = cJSON_GetObjectItemCaseSensitive(stored_spec, field);
    if (stored)
        cJSON_AddItemToObject(spec, field, cJSON_Duplicate(stored, true));
}

static cJSON *member_made(cJSON *object, const char *name)
{
    cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return member ? member : cJSON_AddObjectToObject(object, name);
}

/* A file that knows of no restart does not take one back: that would install all of it once more. */
static void keep_restart(cJSON *spec, const cJSON *stored_spec)
{
    const cJSON *stamp = cJSON_GetObjectItemCaseSensitive(
        json_get(stored_spec, "template.metadata.annotations"), ANNOTATION_RESTARTED_AT);
    cJSON *template = cJSON_GetObjectItemCaseSensitive(spec, "template");
    if (!stamp || !template)
        return;
    cJSON *annotations = member_made(member_made(template, "metadata"), "annotations");
    if (!cJSON_GetObjectItemCaseSensitive(annotations, ANNOTATION_RESTARTED_AT))
        cJSON_AddItemToObject(annotations, ANNOTATION_RESTARTED_AT, cJSON_Duplicate(stamp, true));
}

static void set_metadata(cJSON *patch, const cJSON *stored, const cJSON *wanted)
{
    static const char *const maps[] = {"labels", "annotations"};
    cJSON *metadata = cJSON_AddObjectToObject(patch, "metadata");
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        const cJSON *given = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(wanted, "metadata"), maps[i]);
        if (given)
            cJSON_AddItemToObject(metadata, maps[i], cJSON_Duplicate(given, true));
    }
    /* An abort spoke of the release that this one ends. */
    const cJSON *annotations = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(stored, "metadata"), "annotations");
    if (cJSON_GetObjectItemCaseSensitive(annotations, ANNOTATION_ABORT) &&
        cJSON_GetObjectItemCaseSensitive(patch, "spec")) {
        cJSON_AddItemToObject(member_made(metadata, "annotations"), ANNOTATION_ABORT,
                              cJSON_CreateNull());
    }
}

static cJSON *make_patch(const struct apply *apply, const cJSON *stored)
{
    const cJSON *stored_spec = cJSON_GetObjectItemCaseSensitive(stored, "spec");
    AUTO_JSON cJSON *spec =
        cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(apply->wanted, "spec"), true);
    keep(spec, stored_spec, "replicas", apply->replicas_given);
    keep(spec, stored_spec, "scaleReplicas", apply->scale_given);
    keep(spec, stored_spec, "pause", apply->pause_given);
    keep(spec, stored_spec, "confirmBatchNum", apply->confirm_given);
    keep_restart(spec, stored_spec);
    cJSON *patch = cJSON_CreateObject();
    cJSON *change = json_difference(stored_spec, spec);
    if (change)
        cJSON_AddItemToObject(patch, "spec", change);
    set_metadata(patch, stored, apply->wanted);
    return patch;
}

static void attempt(struct apply *apply);

static void on_patched(void *user, const struct document *document, const struct err *err)
{
    struct apply *apply = user;
    bool again = err && err->code == ERR_CONFLICT && !apply->resource_version &&
                 apply->attempts < ATTEMPTS_MAX;
    if (again)
        attempt(apply);
    else if (err)
        fail(apply, err);
    else if (str_eq(document->resource_version, apply->read_version))
        succeed(apply, document, "APPLY_RESULT_UNCHANGED");
    else
        succeed(apply, document, "APPLY_RESULT_CONFIGURED");
}

static void on_created(void *user, const struct document *document, const struct err *err)
{
    struct apply *apply = user;
    if (err && err->code == ERR_EXISTS && apply->attempts < ATTEMPTS_MAX)
        attempt(apply); /* somebody else was faster: change theirs */
    else if (err)
        fail(apply, err);
    else
        succeed(apply, document, "APPLY_RESULT_CREATED");
}

static void create(struct apply *apply)
{
    AUTO_ERR struct err *err = NULL;
    if (apply->resource_version) {
        err_set(&err, ERR_CONFLICT, "moduledeployment %s is not there any more", apply->name);
        fail(apply, err);
        return;
    }
    AUTO_FREE char *text = json_text(apply->wanted);
    store_create(apply->api->store, KIND_MODULE_DEPLOYMENT, text, on_created, apply);
}

static void on_read(void *user, const struct document *document, const struct err *err)
{
    struct apply *apply = user;
    if (err && err->code == ERR_NOT_FOUND) {
        create(apply);
        return;
    }
    if (err) {
        fail(apply, err);
        return;
    }
    AUTO_JSON cJSON *stored = document_json(document);
    AUTO_JSON cJSON *patch = make_patch(apply, stored);
    AUTO_FREE char *text = json_text(patch);
    mem_replace(&apply->read_version, document->resource_version);
    struct store_key key = {KIND_MODULE_DEPLOYMENT, apply->namespace, apply->name};
    const char *version =
        apply->resource_version ? apply->resource_version : document->resource_version;
    store_patch(apply->api->store, &key, STORE_MAIN, text, version, on_patched, apply);
}

static void attempt(struct apply *apply)
{
    apply->attempts++;
    struct store_key key = {KIND_MODULE_DEPLOYMENT, apply->namespace, apply->name};
    store_get(apply->api->store, &key, on_read, apply);
}

/* The request as a canonical object, all its rules checked; NULL with @err. */
static cJSON *canonical(const Koupleless__Module__V1__ModuleDeployment *message, struct err **err)
{
    if (!message || !message->metadata || str_empty(message->metadata->name)) {
        err_field(err, "metadata.name", "is required");
        return NULL;
    }
    if (!message->spec) {
        err_field(err, "spec", "is required");
        return NULL;
    }
    AUTO_JSON cJSON *json = protojson_write(&message->base);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "status");
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_REFUSE, err);
    if (!md)
        return NULL;
    mem_replace(&md->meta.namespace, namespace_or_default(md->meta.namespace));
    mem_replace(&md->meta.uid, NULL);
    mem_replace(&md->meta.resource_version, NULL);
    cJSON *result = module_deployment_write(md);
    cJSON_DeleteItemFromObjectCaseSensitive(result, "status");
    module_deployment_free(md);
    return result;
}

/* What the request leaves open is told by its fields that say whether they were given. */
static void note_given(struct apply *apply,
                       const Koupleless__Module__V1__ModuleDeploymentSpec *spec)
{
    apply->replicas_given = spec->_replicas_case != 0;
    apply->scale_given = spec->_scale_replicas_case != 0;
    apply->pause_given = spec->_pause_case != 0;
    apply->confirm_given = spec->confirm_batch_num != 0;
}

cJSON *apply_result(const Koupleless__Module__V1__ModuleDeployment *message, const cJSON *stored,
                    struct err **err)
{
    struct apply apply = {.wanted = canonical(message, err)};
    if (!apply.wanted || !stored)
        return apply.wanted;
    note_given(&apply, message->spec);
    AUTO_JSON cJSON *patch = make_patch(&apply, stored);
    cJSON *result = cJSON_Duplicate(stored, true);
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(patch, "spec");
    if (spec)
        (void)merge_patch_member(result, "spec", spec);
    (void)merge_patch_member(result, "metadata",
                             cJSON_GetObjectItemCaseSensitive(patch, "metadata"));
    json_free(apply.wanted);
    return result;
}

void apply_deployment(struct api *api,
                      const Koupleless__Controller__V1__ApplyModuleDeploymentRequest *request,
                      const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    const Koupleless__Module__V1__ModuleDeployment *message = request->module_deployment;
    cJSON *wanted = canonical(message, &err);
    if (!wanted) {
        reply_fail(reply, err);
        return;
    }
    char *key = request_id_key("Apply", message->metadata->namespace_, request->request_id);
    if (!request_begin(api, key, reply)) {
        json_free(wanted);
        mem_free(key);
        return;
    }
    struct apply *apply = NEW(struct apply);
    apply->api = api;
    apply->reply = *reply;
    apply->wanted = wanted;
    apply->request_key = key;
    note_given(apply, message->spec);
    apply->namespace = mem_strdup(namespace_or_default(message->metadata->namespace_));
    apply->name = mem_strdup(message->metadata->name);
    if (!str_empty(message->metadata->resource_version))
        apply->resource_version = mem_strdup(message->metadata->resource_version);
    attempt(apply);
}
