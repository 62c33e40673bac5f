/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the journal of an agent: one that is read is written and read again as the same. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "services/agent/engine/journal_line.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_ERR struct err *err = NULL;
    struct journal_line line, again = {0};
    AUTO_FREE char *bytes = mem_strndup((const char *)data, size);
    if (journal_line_read(bytes, size, &line, &err) == 0) {
        AUTO_FREE char *text = journal_line_write(&line);
        ASSERT(!strchr(text, '\n'));
        ASSERT(journal_line_read(text, strlen(text), &again, &err) == 0);
        ASSERT(again.what == line.what && again.failure == line.failure &&
               str_eq(again.id, line.id));
    } else {
        ASSERT(err);
    }
    journal_line_done(&line);
    journal_line_done(&again);
    return 0;
}
