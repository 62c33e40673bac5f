/* SPDX-License-Identifier: Apache-2.0 */
/* What json_parse() accepts comes back the same after printing: same text, printed again. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ERR struct err *err = NULL;
    AUTO_JSON cJSON *json = json_parse((const char *)data, size, LIMIT_OBJECT, &err);
    ASSERT(!json == !!err);
    if (!json)
        return 0;
    AUTO_FREE char *text = json_text(json);
    AUTO_JSON cJSON *again = json_parse(text, strlen(text), 8 * LIMIT_OBJECT, NULL);
    ASSERT(again);
    AUTO_FREE char *text_again = json_text(again);
    ASSERT(strcmp(text, text_again) == 0);
    return 0;
}
