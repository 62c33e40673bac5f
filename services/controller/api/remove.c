/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/str.h"
#include "services/controller/api/api_internal.h"

struct removal {
    struct api *api;
    struct reply reply;
    const char *member;
    char *request_key;
};

static void on_removed(void *user, const struct document *document, const struct err *err)
{
    struct removal *removal = user;
    if (err) {
        reply_fail(&removal->reply, err);
    } else {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, removal->member, document_json(document));
        request_remember(removal->api, removal->request_key, json);
        reply_json(&removal->reply, json);
    }
    request_end(removal->api, removal->request_key);
    mem_free(removal->request_key);
    mem_free(removal);
}

void remove_object(struct api *api, enum object_kind kind, const char *method,
                   const char *namespace, const char *name, const char *resource_version,
                   const char *request_id, const char *member, const struct reply *reply)
{
    AUTO_ERR struct err *err = NULL;
    if (str_empty(name)) {
        err_field(&err, "name", "is required");
        reply_fail(reply, err);
        return;
    }
    char *key = request_id_key(method, namespace, request_id);
    if (!request_begin(api, key, reply)) {
        mem_free(key);
        return;
    }
    struct removal *removal = NEW(struct removal);
    *removal = (struct removal){api, *reply, member, key};
    struct store_key store_key = {kind, namespace_or_default(namespace), name};
    store_remove(api->store, &store_key, NULL,
                 str_empty(resource_version) ? NULL : resource_version, on_removed, removal);
}
