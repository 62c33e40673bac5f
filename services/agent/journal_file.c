/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/mem.h"

#define FILE_NAME "operations.journal"

struct journal_file {
    int dir; /* locked: a file that is replaced can't be */
    int fd;  /* appends; -1 = not open */
    char *path, *part;
};

int journal_file_open(struct journal_file **out, const char *dir, struct err **err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", dir, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int number = errno;
        close(fd);
        if (number == EWOULDBLOCK)
            return err_set(err, ERR_PRECONDITION,
                           "%s: another agent has it; each needs one of its own", dir);
        return err_set(err, ERR_UNAVAILABLE, "%s: %s", dir, strerror(number));
    }
    struct journal_file *file = NEW(struct journal_file);
    file->dir = fd;
    file->fd = -1;
    file->path = mem_printf("%s/" FILE_NAME, dir);
    file->part = mem_printf("%s.part", file->path);
    *out = file;
    return 0;
}

void journal_file_close(struct journal_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    close(file->dir);
    mem_free(file->path);
    mem_free(file->part);
    mem_free(file);
}

char *journal_file_read(const struct journal_file *file, size_t *ret_len, struct err **err)
{
    return file_read(file->path, LIMIT_JOURNAL, ret_len, err);
}

static bool write_all(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = write(fd, text, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

static void take_away(struct journal_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    unlink(file->path);
}

bool journal_file_append(struct journal_file *file, const char *text)
{
    if (file->fd < 0)
        file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd >= 0 && write_all(file->fd, text))
        return true;
    take_away(file);
    return false;
}

bool journal_file_replace(struct journal_file *file, const char *text)
{
    int fd = open(file->part, O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || !write_all(fd, text) || rename(file->part, file->path) < 0) {
        if (fd >= 0)
            close(fd);
        unlink(file->part);
        take_away(file);
        return false;
    }
    if (file->fd >= 0)
        close(file->fd);
    file->fd = fd;
    return true;
}
