/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/records_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"

char *records_file_read(const char *path)
{
    return file_read(path, LIMIT_RECORDS, NULL, NULL);
}

static bool write_text(int fd, const char *text)
{
    ssize_t len = (ssize_t)strlen(text);
    bool whole = fd >= 0 && write(fd, text, (size_t)len) == len;
    return (fd < 0 || close(fd) == 0) && whole;
}

bool records_file_append(const char *path, const char *text)
{
    return write_text(open(path, O_WRONLY | O_APPEND | O_CLOEXEC), text);
}

bool records_file_replace(const char *path, const char *text)
{
    AUTO_FREE char *part = mem_printf("%s.part", path);
    int fd =
        open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); /* urls may hold passwords */
    if (write_text(fd, text) && rename(part, path) == 0)
        return true;
    unlink(part);
    return false;
}
