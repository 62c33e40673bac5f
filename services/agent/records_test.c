/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/records.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define AGENT "default/stock-1 http://127.0.0.1:1238"
#define CANT_WRITE "where modules came from can't be written down"

/* A directory, and what an agent has beside its records. */
struct bench {
    char dir[sizeof("/tmp/records-XXXXXX")];
    char *path, *part;
    struct loop *loop;
    struct worker *worker;
    struct log *log;
    int log_ends[2];
    struct records *records;
    bool flushed;
};

static void open_records(struct bench *bench)
{
    const struct records_options options = {bench->worker, bench->log, bench->dir, AGENT};
    bench->records = records_new(&options);
}

static void on_flushed(void *user)
{
    struct bench *bench = user;
    bench->flushed = true;
    loop_stop(bench->loop);
}

static void flush(struct bench *bench)
{
    bench->flushed = false;
    records_flush(bench->records, on_flushed, bench);
    while (!bench->flushed)
        loop_run(bench->loop);
}

/* The agent is started anew. */
static void reopen(struct bench *bench)
{
    flush(bench);
    records_free(bench->records);
    open_records(bench);
}

static struct bench *bench_new(void)
{
    struct bench *bench = NEW(struct bench);
    *bench = (struct bench){.dir = "/tmp/records-XXXXXX"};
    assert_non_null(mkdtemp(bench->dir));
    bench->path = mem_printf("%s/modules.json", bench->dir);
    bench->part = mem_printf("%s.part", bench->path);
    bench->loop = loop_new(clock_real(), LIMIT_INBOX);
    bench->worker = worker_new(bench->loop);
    assert_int_equal(pipe2(bench->log_ends, O_CLOEXEC | O_NONBLOCK), 0);
    bench->log = log_new(bench->log_ends[1], LOG_INFO, LOG_TEXT, clock_real());
    open_records(bench);
    return bench;
}

static void bench_free(struct bench *bench)
{
    worker_free(bench->worker);
    loop_free(bench->loop);
    records_free(bench->records);
    log_free(bench->log);
    close(bench->log_ends[0]);
    close(bench->log_ends[1]);
    unlink(bench->path);
    assert_int_equal(rmdir(bench->dir), 0);
    mem_free(bench->path);
    mem_free(bench->part);
    mem_free(bench);
}

static void put(struct bench *bench, const char *version, const char *url)
{
    const struct record record = {.url = (char *)(uintptr_t)url};
    records_put(bench->records, "pay", version, &record);
}

static void assert_url(const struct bench *bench, const char *version, const char *url)
{
    const struct record *record = records_get(bench->records, "pay", version);
    assert_non_null(record);
    assert_string_equal(record->url, url);
}

/* How often what can't be written was told since the last time. */
static int count_told(struct bench *bench)
{
    char text[LIMIT_KIB(16)] = {0};
    int count = 0;
    (void)!read(bench->log_ends[0], text, sizeof(text) - 1);
    for (const char *at = strstr(text, CANT_WRITE); at; at = strstr(at + 1, CANT_WRITE))
        count++;
    return count;
}

static void the_last_line_counts(void **state)
{
    struct bench *bench = bench_new();
    (void)state;
    put(bench, "1", "file:///a.jar");
    put(bench, "1", "file:///b.jar");
    put(bench, "2", "file:///c.jar");
    records_remove(bench->records, "pay", "2");
    reopen(bench);
    assert_url(bench, "1", "file:///b.jar");
    assert_null(records_get(bench->records, "pay", "2"));
    bench_free(bench);
}

static void half_a_line_does_not_count(void **state)
{
    struct bench *bench = bench_new();
    (void)state;
    put(bench, "1", "file:///a.jar");
    flush(bench);
    FILE *file = fopen(bench->path, "ae");
    assert_non_null(file);
    assert_true(fputs("{\"pay:1\":{\"url\":\"file:///b.j", file) >= 0);
    assert_int_equal(fclose(file), 0);
    reopen(bench);
    assert_url(bench, "1", "file:///a.jar");
    put(bench, "2", "file:///c.jar"); /* not behind the half one */
    reopen(bench);
    assert_url(bench, "1", "file:///a.jar");
    assert_url(bench, "2", "file:///c.jar");
    bench_free(bench);
}

static void the_file_stays_small(void **state)
{
    struct bench *bench = bench_new();
    struct stat st;
    char url[LIMIT_KIB(16)] = {0};
    (void)state;
    memset(url, 'x', sizeof(url) - 1);
    for (int i = 0; i < 200; i++)
        put(bench, "1", url);
    put(bench, "1", "file:///last.jar");
    flush(bench);
    assert_int_equal(stat(bench->path, &st), 0);
    assert_in_range(st.st_size, 0, LIMIT_MIB(1) + LIMIT_KIB(32));
    reopen(bench);
    assert_url(bench, "1", "file:///last.jar");
    bench_free(bench);
}

/* Neither a file to append to nor one in its place. */
static void break_the_file(struct bench *bench)
{
    flush(bench);
    unlink(bench->path);
    assert_int_equal(mkdir(bench->part, 0700), 0);
}

static void what_cant_be_written_is_told_once(void **state)
{
    struct bench *bench = bench_new();
    (void)state;
    put(bench, "1", "file:///a.jar");
    break_the_file(bench);
    assert_int_equal(count_told(bench), 0);
    put(bench, "1", "file:///b.jar");
    put(bench, "1", "file:///c.jar");
    flush(bench);
    assert_int_equal(count_told(bench), 1);

    assert_int_equal(rmdir(bench->part), 0);
    put(bench, "2", "file:///d.jar");
    break_the_file(bench);
    put(bench, "2", "file:///e.jar");
    flush(bench);
    assert_int_equal(count_told(bench), 1);

    assert_int_equal(rmdir(bench->part), 0);
    put(bench, "3", "file:///f.jar");
    reopen(bench);
    assert_url(bench, "1", "file:///c.jar");
    assert_url(bench, "2", "file:///e.jar");
    assert_url(bench, "3", "file:///f.jar");
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_counts),
        cmocka_unit_test(half_a_line_does_not_count),
        cmocka_unit_test(the_file_stays_small),
        cmocka_unit_test(what_cant_be_written_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
