/* SPDX-License-Identifier: Apache-2.0 */
/* What yaml_parse() accepts comes back as the same JSON after yaml_text(). */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/yaml.h"
#include "tests/fuzz/fuzz.h"

static void check_document(const cJSON *json)
{
    AUTO_FREE char *yaml = yaml_text(json);
    AUTO_JSON cJSON *again = NULL;
    AUTO_ERR struct err *err = NULL;
    ASSERT(yaml_parse(yaml, strlen(yaml), &again, &err) == 0);
    ASSERT(cJSON_GetArraySize(again) == 1);
    AUTO_FREE char *text = json_text(json);
    AUTO_FREE char *text_again = json_text(again->child);
    ASSERT(strcmp(text, text_again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *documents = NULL;
    if (yaml_parse((const char *)data, size, &documents, &err) < 0) {
        ASSERT(err && !documents);
        return 0;
    }
    for (const cJSON *json = documents->child; json; json = json->next)
        check_document(json);
    return 0;
}
