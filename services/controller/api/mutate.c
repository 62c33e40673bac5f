/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"

#define ATTEMPTS_MAX 8

struct mutation {
    struct api *api;
    struct reply reply;
    struct mutation_request request;
    char *request_key;
    int attempts;
};

static void free_arguments(const struct mutation_request *request)
{
    if (request->free_arguments)
        json_free((cJSON *)(uintptr_t)request->arguments);
}

static void finish(struct mutation *mutation)
{
    free_arguments(&mutation->request);
    request_end(mutation->api, mutation->request_key);
    mem_free(mutation->request_key);
    mem_free(mutation);
}

static void succeed(struct mutation *mutation, const struct document *document)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "moduleDeployment", document_json(document));
    request_remember(mutation->api, mutation->request_key, json);
    reply_json(&mutation->reply, json);
    finish(mutation);
}

static void fail(struct mutation *mutation, const struct err *err)
{
    reply_fail(&mutation->reply, err);
    finish(mutation);
}

static void attempt(struct mutation *mutation);

static void on_patched(void *user, const struct document *document, const struct err *err)
{
    struct mutation *mutation = user;
    bool again = err && err->code == ERR_CONFLICT &&
                 str_empty(mutation->request.resource_version) && mutation->attempts < ATTEMPTS_MAX;
    if (again)
        attempt(mutation);
    else if (err)
        fail(mutation, err);
    else
        succeed(mutation, document);
}

static void on_read(void *user, const struct document *document, const struct err *err)
{
    struct mutation *mutation = user;
    const struct mutation_request *request = &mutation->request;
    if (err) {
        fail(mutation, err);
        return;
    }
    AUTO_ERR struct err *refusal = NULL;
    AUTO_JSON cJSON *object = document_json(document);
    AUTO_JSON cJSON *patch = request->decide(object, request->arguments, &refusal);
    if (refusal) {
        fail(mutation, refusal);
        return;
    }
    AUTO_FREE char *text = patch ? json_text(patch) : mem_strdup("{}");
    struct store_key key = {KIND_MODULE_DEPLOYMENT, namespace_or_default(request->namespace),
                            request->name};
    const char *version = str_empty(request->resource_version) ? document->resource_version
                                                               : request->resource_version;
    store_patch(mutation->api->store, &key, STORE_MAIN, text, version, on_patched, mutation);
}

static void attempt(struct mutation *mutation)
{
    const struct mutation_request *request = &mutation->request;
    mutation->attempts++;
    struct store_key key = {KIND_MODULE_DEPLOYMENT, namespace_or_default(request->namespace),
                            request->name};
    store_get(mutation->api->store, &key, on_read, mutation);
}

void mutate(struct api *api, const struct mutation_request *request, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (str_empty(request->name)) {
        err_field(&err, "name", "is required");
        reply_fail(reply, err);
        free_arguments(request);
        return;
    }
    char *key = request_id_key(request->method, request->namespace, request->request_id);
    if (!request_begin(api, key, reply)) {
        free_arguments(request);
        mem_free(key);
        return;
    }
    struct mutation *mutation = NEW(struct mutation);
    mutation->api = api;
    mutation->reply = *reply;
    mutation->request = *request;
    mutation->request_key = key;
    attempt(mutation);
}
