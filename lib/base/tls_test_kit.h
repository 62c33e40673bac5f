/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_TLS_TEST_KIT_H
#define KOUPLELESS_BASE_TLS_TEST_KIT_H

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

/* Certificates for a test, made by the openssl command line in a folder of their own. */

/** certificates_run() - runs @script with sh in @dir; it must succeed. What it complains of is in openssl.log there. */
static inline void certificates_run(const char *dir, const char *script)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)script,
                    NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, dir);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "openssl.log",
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT(posix_spawn(&child, "/bin/sh", &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ASSERT(waitpid(child, &status, 0) == child);
    ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/** certificates_make() - Return: the path of a new folder in which @script has run, for certificates_remove(). */
static inline char *certificates_make(const char *script)
{
    const char *base = getenv("TMPDIR");
    char *dir = mem_printf("%s/koupleless-tls-XXXXXX", base ? base : "/tmp");
    ASSERT(mkdtemp(dir));
    certificates_run(dir, script);
    return dir;
}

/** certificates_remove() - removes the folder with all that openssl makes, and frees @dir. */
static inline void certificates_remove(char *dir)
{
    certificates_run(dir, "rm -f *.pem *.key *.csr *.ext *.srl openssl.log");
    ASSERT(rmdir(dir) == 0);
    mem_free(dir);
}

#endif
