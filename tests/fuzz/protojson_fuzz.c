/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as a request of the public API: what is accepted is the same message after writing and reading. */
#include <string.h>

#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/model/protojson.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const type =
    &koupleless__controller__v1__apply_module_deployment_request__descriptor;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSON cJSON *json = json_parse((const char *)data, size, LIMIT_OBJECT, NULL);
    if (!json)
        return 0;
    AUTO_ERR struct err *err = NULL;
    ProtobufCMessage *message = protojson_read(type, json, JSON_UNKNOWN_REFUSE, &err);
    ASSERT(!message == !!err);
    if (!message)
        return 0;
    AUTO_JSON cJSON *written = protojson_write(message);
    AUTO_FREE char *text = json_text(written);
    AUTO_ERR struct err *again_err = NULL;
    ProtobufCMessage *again = protojson_read(type, written, JSON_UNKNOWN_REFUSE, &again_err);
    ASSERT(again);
    AUTO_JSON cJSON *written_again = protojson_write(again);
    AUTO_FREE char *text_again = json_text(written_again);
    ASSERT(strcmp(text, text_again) == 0);
    protobuf_c_message_free_unpacked(message, NULL);
    protobuf_c_message_free_unpacked(again, NULL);
    return 0;
}
