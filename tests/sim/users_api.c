/* SPDX-License-Identifier: Apache-2.0 */
/* Users of a simulated world at the public API: requests as JSON, over its network, to the handlers as they are. */
#include <string.h>

#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/protojson.h"
#include "services/controller/store/merge_patch.h"
#include "tests/sim/users.h"

#define DEADLINE_MS 10000
#define RELEASE (&koupleless__controller__v1__release_service__descriptor)

static void on_answered(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct world *world = user;
    (void)response;
    if (err)
        history_note(&world->history, "user: %s", err->message);
}

static void send(struct world *world, const char *method, cJSON *json)
{
    AUTO_FREE char *id = mem_printf("request-%lld", (long long)++world->requests);
    cJSON_AddStringToObject(json, "requestId", id);
    const ProtobufCMethodDescriptor *found =
        protobuf_c_service_descriptor_get_method_by_name(RELEASE, method);
    ASSERT(found);
    ProtobufCMessage *message = protojson_read(found->input, json, JSON_UNKNOWN_IGNORE, NULL);
    ASSERT(message);
    const struct rpc_options options = {.deadline_ms = DEADLINE_MS};
    sim_net_call(world->net, world->users_api, RELEASE, method, message, &options, on_answered,
                 world);
    protobuf_c_message_free_unpacked(message, NULL);
}

void users_call(struct world *world, const char *method, const char *name, const char *more)
{
    AUTO_FREE char *text = mem_printf("{\"name\":\"%s\"%s}", name, more);
    history_note(&world->history, "user: %s %s", method, text);
    AUTO_JSON cJSON *json = json_parse(text, strlen(text), LIMIT_OBJECT, NULL);
    ASSERT(json);
    send(world, method, json);
}

void users_apply_object(struct world *world, const cJSON *json)
{
    AUTO_JSON cJSON *request = cJSON_CreateObject();
    AUTO_FREE char *text = json_text(json_get(json, "spec"));
    history_note(&world->history, "user: apply %s %s", json_get_string(json, "metadata.name"),
                 text);
    cJSON_AddItemToObject(request, "moduleDeployment", cJSON_Duplicate(json, true));
    send(world, "ApplyModuleDeployment", request);
}

void users_apply(struct world *world, const char *name, const char *patch)
{
    static const char *const of_others[] = {"replicas", "scaleReplicas", "pause",
                                            "confirmBatchNum"};
    const struct record *record =
        sim_server_get(world->server, KIND_MODULE_DEPLOYMENT, "default", name);
    if (!record)
        return;
    AUTO_JSON cJSON *stored = record_tree(record, NULL);
    AUTO_JSON cJSON *json = cJSON_CreateObject();
    AUTO_JSON cJSON *changes = json_parse(patch, strlen(patch), LIMIT_OBJECT, NULL);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "metadata"), "name", name);
    cJSON *spec = cJSON_Duplicate(json_get(stored, "spec"), true);
    for (size_t i = 0; i < ARRAY_LEN(of_others); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(spec, of_others[i]);
    cJSON_AddItemToObject(json, "spec", spec);
    (void)merge_patch_member(json, "spec", json_get(changes, "spec"));
    users_apply_object(world, json);
}
