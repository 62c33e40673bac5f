/* SPDX-License-Identifier: Apache-2.0 */
/* A jar, which may be no zip, or one made to be read for ever. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "services/agent/jar_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("jar", MFD_CLOEXEC);
    ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    AUTO_FREE char *path = mem_printf("/proc/self/fd/%d", fd);
    struct jar_facts facts = {0};
    struct failure failure = {0};
    if (jar_file_inspect(path, size % 2, &facts, &failure) == 0) {
        ASSERT(facts.name[0] && facts.version[0] && facts.web_context_path);
        ASSERT(strlen(facts.sha256) == 64 && (!facts.md5 || strlen(facts.md5) == 32));
    } else {
        ASSERT(failure.kind == FAILED_NOT_A_MODULE);
    }
    jar_facts_done(&facts);
    failure_done(&failure);
    close(fd);
    return 0;
}
