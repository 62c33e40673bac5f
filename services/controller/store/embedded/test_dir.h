/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_EMBEDDED_TEST_DIR_H
#define KOUPLELESS_CONTROLLER_STORE_EMBEDDED_TEST_DIR_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

/* A data directory for one test, under TMPDIR or /tmp. */

/** test_dir_make() - Return: its path, for test_dir_remove(). */
static inline char *test_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = mem_printf("%s/koupleless-store-XXXXXX", base ? base : "/tmp");
    ASSERT(mkdtemp(dir));
    return dir;
}

/** test_dir_remove() - removes it with its files and frees @dir. */
static inline void test_dir_remove(char *dir)
{
    DIR *open_dir = opendir(dir);
    ASSERT(open_dir);
    for (struct dirent *entry; (entry = readdir(open_dir));) {
        AUTO_FREE char *path = mem_printf("%s/%s", dir, entry->d_name);
        (void)unlink(path); /* fails for . and .. */
    }
    (void)closedir(open_dir);
    ASSERT(rmdir(dir) == 0);
    mem_free(dir);
}

#endif
