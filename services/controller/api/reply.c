/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/protojson.h"
#include "services/controller/api/api_internal.h"

void reply_json(const struct reply *reply, cJSON *json_taken)
{
    AUTO_JSON cJSON *json = json_taken;
    AUTO_ERR struct err *err = NULL;
    ProtobufCMessage *message = protojson_read(reply->response, json, JSON_UNKNOWN_IGNORE, &err);
    if (!message) {
        err->code = ERR_INTERNAL; /* what is stored does not fit the API: not the caller's fault */
        rpc_call_fail(reply->call, err);
        return;
    }
    reply->closure(message, reply->call);
    protobuf_c_message_free_unpacked(message, NULL);
}

void reply_fail(const struct reply *reply, const struct err *err)
{
    rpc_call_fail(reply->call, err);
}

cJSON *document_json(const struct document *document)
{
    cJSON *json = json_parse(document->json, document->json_len, LIMIT_OBJECT * 2, NULL);
    return json ? json : cJSON_CreateObject();
}

const char *namespace_or_default(const char *namespace)
{
    return str_empty(namespace) ? "default" : namespace;
}
