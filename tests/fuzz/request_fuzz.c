/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as bytes: the first one chooses the method, the rest is the message. What is accepted has a JSON
 * form, which is read or refused; an apply goes on to the rules of the object.
 */
#include <string.h>

#include "koupleless/agent/v1/agent.pb-c.h"
#include "koupleless/controller/v1/agent_gateway.pb-c.h"
#include "koupleless/controller/v1/inventory.pb-c.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/model/module_deployment.h"
#include "lib/model/protojson.h"
#include "lib/rpc/rpc.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCServiceDescriptor *const services[] = {
    &koupleless__controller__v1__release_service__descriptor,
    &koupleless__controller__v1__inventory_service__descriptor,
    &koupleless__controller__v1__agent_gateway_service__descriptor,
    &koupleless__agent__v1__agent_service__descriptor,
};

static const ProtobufCMessageDescriptor *request_type(size_t number)
{
    for (size_t i = 0; i < ARRAY_LEN(services); number -= services[i++]->n_methods)
        if (number < services[i]->n_methods)
            return services[i]->methods[number].input;
    return NULL;
}

/* What apply does before it asks the store. */
static void check_apply(const cJSON *request)
{
    AUTO_ERR struct err *err = NULL;
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(request, "moduleDeployment");
    if (!object)
        return;
    struct module_deployment *md = module_deployment_read(object, JSON_UNKNOWN_REFUSE, &err);
    ASSERT(!md == !!err);
    if (!md)
        return;
    AUTO_JSON cJSON *written = module_deployment_write(md);
    module_deployment_free(md);
    struct module_deployment *again = module_deployment_read(written, JSON_UNKNOWN_REFUSE, NULL);
    ASSERT(again);
    module_deployment_free(again);
}

static void check(const ProtobufCMessageDescriptor *type, const ProtobufCMessage *message)
{
    AUTO_JSON cJSON *json = protojson_write(message);
    AUTO_FREE char *text = json_text(json);
    AUTO_JSON cJSON *parsed = json_parse(text, strlen(text), LIMIT_RPC_MESSAGE, NULL);
    ASSERT(parsed);
    if (type == &koupleless__controller__v1__apply_module_deployment_request__descriptor)
        check_apply(json);
    AUTO_ERR struct err *err = NULL;
    ProtobufCMessage *again = protojson_read(type, parsed, JSON_UNKNOWN_REFUSE, &err);
    ASSERT(!again ==
           !!err); /* refused: a percentage over the limit, an enum's number without name */
    protobuf_c_message_free_unpacked(again, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *type = size ? request_type(data[0]) : NULL;
    if (!type)
        return 0;
    AUTO_ERR struct err *err = NULL;
    ProtobufCMessage *message = rpc_unpack(type, data + 1, size - 1, &err);
    ASSERT(!message == !!err);
    if (message)
        check(type, message);
    protobuf_c_message_free_unpacked(message, NULL);
    return 0;
}
