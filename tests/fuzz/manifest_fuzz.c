/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest of a jar: lines that go on in the next one, sections, any line end. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "services/agent/jar_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"Ark-Biz-Name", "Ark-Biz-Version", "web-context-path",
                                       "priority", "A"};
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        AUTO_FREE char *value = jar_manifest_attribute(text, keys[i]);
        if (value)
            ASSERT(strlen(value) <= strlen(text) && !strpbrk(value, "\r\n"));
    }
    return 0;
}
