/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/embedded/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"

static int fail(struct err **err, const char *what, const char *path)
{
    return err_set(err, ERR_UNAVAILABLE, "%s %s: %s", what, path, strerror(errno));
}

/* Like mkdir -p; all that is missing becomes 0700. */
static int make_dirs(const char *path, struct err **err)
{
    AUTO_FREE char *partial = mem_strdup(path);
    for (char *p = partial + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(partial, 0700) < 0 && errno != EEXIST)
            return fail(err, "make directory", partial);
        *p = end;
        if (!end)
            return 0;
    }
}

static int refuse_locked(int fd, const char *dir, struct err **err)
{
    char pid[24] = "";
    ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[len > 0 ? len : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return err_set(err, ERR_UNAVAILABLE,
                   "data directory %s is in use by another controller, process %s", dir,
                   *pid ? pid : "(unknown)");
}

/* The pid is only for the message to a second controller: the lock itself is the kernel's. */
static int write_pid(int fd, const char *path, struct err **err)
{
    AUTO_FREE char *pid = mem_printf("%ld\n", (long)getpid());
    ssize_t len = (ssize_t)strlen(pid);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) != len)
        return fail(err, "write", path);
    return 0;
}

int data_dir_lock(const char *dir, int *ret_fd, struct err **err)
{
    if (!*dir)
        return err_set(err, ERR_UNAVAILABLE, "the data directory has no name");
    if (make_dirs(dir, err) < 0)
        return -1;
    AUTO_FREE char *path = mem_printf("%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, "open", path);
    int r = flock(fd, LOCK_EX | LOCK_NB);
    if (r < 0)
        r = errno == EWOULDBLOCK ? refuse_locked(fd, dir, err) : fail(err, "lock", path);
    else
        r = write_pid(fd, path, err);
    if (r < 0) {
        (void)close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}

int data_dir_sync(const char *path, struct err **err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(err, "open", path);
    int r = fsync(fd) < 0 ? fail(err, "sync", path) : 0;
    (void)close(fd);
    return r;
}

int data_dir_make_file(const char *path, struct err **err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(err, "open", path);
    (void)close(fd);
    return 0;
}
