/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document that a user gives, as a ModuleDeployment: read strictly, what is accepted is written in its
 * canonical form, which reads again and is written the same.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "lib/model/module_deployment.h"
#include "lib/model/object.h"
#include "tests/fuzz/fuzz.h"

static char *canonical(cJSON *json)
{
    object_strip(json);
    AUTO_ERR struct err *err = NULL;
    struct module_deployment *md = module_deployment_read(json, JSON_UNKNOWN_REFUSE, &err);
    ASSERT(!md == !!err);
    if (!md)
        return NULL;
    AUTO_JSON cJSON *written = module_deployment_write(md);
    module_deployment_free(md);
    return json_text(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSON cJSON *json = json_parse((const char *)data, size, LIMIT_OBJECT, NULL);
    if (!json)
        return 0;
    AUTO_FREE char *text = canonical(json);
    if (!text)
        return 0;
    AUTO_JSON cJSON *again = json_parse(text, strlen(text), 8 * LIMIT_OBJECT, NULL);
    ASSERT(again);
    AUTO_FREE char *text_again = canonical(again);
    ASSERT(text_again && strcmp(text, text_again) == 0);
    return 0;
}
