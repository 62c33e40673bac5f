/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an API server's refusal, with the HTTP status in the first byte: "S{...}" is 400 + 'S'. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/kube/client.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    AUTO_ERR struct err *err = kube_status_error(400 + data[0], (const char *)data + 1, size - 1);
    ASSERT(err && err->message && *err->message);
    ASSERT(err->code < ERR_CODE_MAX_);
    ASSERT(!err->field || *err->field);
    return 0;
}
