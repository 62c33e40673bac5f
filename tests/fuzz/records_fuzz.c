/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's file of where modules came from, which anybody may have written who shares the directory: what is read of
 * it is written again, and then reads the same.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "services/agent/records.h"
#include "tests/fuzz/fuzz.h"

#define FILE_NAME "modules.json"

static char dir[] = "/tmp/koupleless-records-fuzz-XXXXXX";

static void remove_dir(void)
{
    AUTO_FREE char *path = mem_printf("%s/" FILE_NAME, dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void make_dir_once(void)
{
    static bool made;
    if (made)
        return;
    ASSERT(mkdtemp(dir));
    made = true;
    (void)atexit(remove_dir);
}

/* The worker that writes the file: at once. */
void worker_start(struct worker *worker, struct worker_job *job)
{
    (void)worker;
    job->work(job);
    job->done(job);
}

static void count(void *user, const char *digest)
{
    ASSERT(digest);
    ++*(size_t *)user;
}

static size_t count_digests(const struct records *records)
{
    size_t digests = 0;
    records_each_digest(records, count, &digests);
    return digests;
}

static void check_removed(const struct records *records)
{
    const char *version = NULL;
    size_t at = 0;
    const struct record *record;
    while ((record = records_next_removed(records, "m", &at, &version)))
        ASSERT(record->url && version);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_dir_once();
    AUTO_FREE char *path = mem_printf("%s/" FILE_NAME, dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)close(fd);

    const struct records_options options = {.dir = dir, .agent = "a"};
    struct records *records = records_new(&options);
    check_removed(records);
    struct record record = {.url = (char[]){"file:///m.jar"}};
    records_put(records, "m", "1", &record);
    struct records *again = records_new(&options);
    const struct record *found = records_get(again, "m", "1");
    ASSERT(found && str_eq(found->url, record.url) && !found->digest);
    ASSERT(count_digests(again) == count_digests(records));
    records_free(again);
    records_free(records);
    return 0;
}
