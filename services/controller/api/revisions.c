/* SPDX-License-Identifier: Apache-2.0 */
/* The revisions of a ModuleDeployment: its ModuleReplicaSets, newest first; and the way back to one. */
#include <stdlib.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/api/api_internal.h"
#include "services/controller/api/decide.h"

struct revision_document {
    cJSON *json;
    int64_t number;
};

typedef void (*revisions_fn)(void *user, struct revision_document *revisions, size_t count,
                             const struct err *err);

struct revisions_request {
    revisions_fn done;
    void *user;
    char *owner; /* name of the ModuleDeployment */
};

static int newest_first(const void *a, const void *b)
{
    const struct revision_document *x = a, *y = b;
    return x->number < y->number ? 1 : x->number > y->number ? -1 : 0;
}

static int64_t number_of(const cJSON *json)
{
    const cJSON *labels = json_get(json, "metadata.labels");
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(labels, LABEL_REVISION);
    int64_t number = 0;
    str_parse_int64(cJSON_GetStringValue(label), 0, LIMIT_REVISION, &number);
    return number;
}

static bool owned_by(const cJSON *json, const char *owner)
{
    const cJSON *references = json_get(json, "metadata.ownerReferences"), *reference;
    cJSON_ArrayForEach(reference, references)
    {
        if (str_eq(json_get_string(reference, "name"), owner))
            return true;
    }
    return false;
}

static void on_listed(void *user, const struct store_list *list, const struct err *err)
{
    struct revisions_request *request = user;
    size_t count = 0, len = err ? 0 : list->len;
    AUTO_FREE struct revision_document *revisions = mem_alloc(len * sizeof(*revisions));
    for (size_t i = 0; i < len; i++) {
        cJSON *json = document_json(&list->items[i]);
        if (owned_by(json, request->owner))
            revisions[count++] = (struct revision_document){json, number_of(json)};
        else
            json_free(json);
    }
    qsort(revisions, count, sizeof(*revisions), newest_first);
    request->done(request->user, revisions, count, err);
    for (size_t i = 0; i < count; i++)
        json_free(revisions[i].json);
    mem_free(request->owner);
    mem_free(request);
}

static void ask_revisions(struct api *api, const char *namespace, const char *owner,
                          revisions_fn done, void *user)
{
    struct revisions_request *request = NEW(struct revisions_request);
    *request = (struct revisions_request){done, user, mem_strdup(owner)};
    struct store_query query = {.kind = KIND_MODULE_REPLICASET,
                                .namespace = namespace_or_default(namespace)};
    store_list(api->store, &query, on_listed, request);
}

/* -- ListRevisions -- */

static void on_revisions(void *user, struct revision_document *revisions, size_t count,
                         const struct err *err)
{
    struct reply *reply = user;
    if (err) {
        reply_fail(reply, err);
    } else {
        cJSON *json = cJSON_CreateObject(), *items = cJSON_AddArrayToObject(json, "revisions");
        for (size_t i = 0; i < count; i++)
            cJSON_AddItemToArray(items, cJSON_Duplicate(revisions[i].json, true));
        reply_json(reply, json);
    }
    mem_free(reply);
}

void list_revisions(struct api *api,
                    const Koupleless__Controller__V1__ListRevisionsRequest *request,
                    const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (str_empty(request->name)) {
        err_field(&err, "name", "is required");
        reply_fail(reply, err);
        return;
    }
    struct reply *copy = NEW(struct reply);
    *copy = *reply;
    ask_revisions(api, request->namespace_, request->name, on_revisions, copy);
}

/* -- UndoRelease -- */

struct undo {
    struct api *api;
    struct reply reply;
    const Koupleless__Controller__V1__UndoReleaseRequest *request;
};

/* Whether its release was given up for that of the newest one, which is not what the spec asks for then. */
static bool has_failed(const cJSON *revision)
{
    return cJSON_GetObjectItemCaseSensitive(json_get(revision, "metadata.annotations"),
                                            ANNOTATION_FAILED) != NULL;
}

/* The revision to return to: the one of that number, or the one before what the spec asks for. */
static const cJSON *choose(const struct revision_document *revisions, size_t count, int64_t number)
{
    for (size_t i = 0; i < count && number; i++)
        if (revisions[i].number == number)
            return revisions[i].json;
    if (number || count < 2)
        return NULL;
    return has_failed(revisions[1].json) ? revisions[0].json : revisions[1].json;
}

static void refuse_undo(const Koupleless__Controller__V1__UndoReleaseRequest *request, size_t count,
                        struct err **err)
{
    if (count == 0) { /* each ModuleDeployment has a revision, but for its first moment */
        err_set(err, ERR_NOT_FOUND, "ModuleDeployment \"%s/%s\": not found",
                namespace_or_default(request->namespace_), request->name);
        return;
    }
    if (request->to_revision)
        err_set(err, ERR_NOT_FOUND, "revision %lld of %s is not kept",
                (long long)request->to_revision, request->name);
    else
        err_set(err, ERR_NOT_FOUND, "%s has no earlier revision to return to", request->name);
    err_reason(err, "REVISION_NOT_FOUND");
}

static void on_undo_revisions(void *user, struct revision_document *revisions, size_t count,
                              const struct err *err)
{
    struct undo *undo = user;
    AUTO_ERR struct err *refusal = err_copy(err);
    const cJSON *chosen = err ? NULL : choose(revisions, count, undo->request->to_revision);
    const cJSON *template = json_get(chosen, "spec.template");
    if (!template && !refusal)
        refuse_undo(undo->request, count, &refusal);
    if (refusal) {
        reply_fail(&undo->reply, refusal);
        mem_free(undo);
        return;
    }
    struct mutation_request mutation = {
        .method = "Undo",
        .namespace = undo->request->namespace_,
        .name = undo->request->name,
        .resource_version = undo->request->resource_version,
        .request_id = undo->request->request_id,
        .decide = decide_undo,
        .arguments = cJSON_Duplicate(template, true),
        .free_arguments = true,
    };
    mutate(undo->api, &mutation, &undo->reply);
    mem_free(undo);
}

void undo_release(struct api *api, const Koupleless__Controller__V1__UndoReleaseRequest *request,
                  const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (str_empty(request->name))
        err_field(&err, "name", "is required");
    else if (request->to_revision < 0)
        err_field(&err, "to_revision", "must be at least 0");
    if (err) {
        reply_fail(reply, err);
        return;
    }
    struct undo *undo = NEW(struct undo);
    *undo = (struct undo){api, *reply, request};
    ask_revisions(api, request->namespace_, request->name, on_undo_revisions, undo);
}
