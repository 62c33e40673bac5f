/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define AGENT "default/stock-1 http://127.0.0.1:1238"

/* A directory, and what an agent has beside its journal. */
struct bench {
    char dir[sizeof("/tmp/journal-XXXXXX")];
    char *path;
    struct loop *loop;
    struct worker *worker;
    struct journal *journal;
    int64_t living; /* lines that count: each is an epoch, the last one first */
    int64_t last;
    bool flushed;
};

static void write_all(void *owner, void (*write)(void *user, const struct journal_line *line),
                      void *user)
{
    const struct bench *bench = owner;
    for (int64_t i = 0; i < bench->living; i++)
        write(user, &(struct journal_line){.what = JOURNAL_EPOCH, .epoch = bench->last - i});
}

static int try_journal(struct bench *bench, const char *agent, struct err **err)
{
    const struct journal_options options = {
        .worker = bench->worker,
        .dir = bench->dir,
        .agent = agent,
        .all = write_all,
        .owner = bench,
    };
    return journal_new(&bench->journal, &options, err);
}

static void open_journal(struct bench *bench, const char *agent)
{
    assert_int_equal(try_journal(bench, agent, NULL), 0);
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
    journal_flush(bench->journal, on_flushed, bench);
    if (!bench->flushed)
        loop_run(bench->loop);
    assert_true(bench->flushed);
}

static void close_journal(struct bench *bench)
{
    flush(bench);
    journal_free(TAKE(bench->journal));
}

static struct bench *bench_new(void)
{
    struct bench *bench = NEW(struct bench);
    *bench = (struct bench){.dir = "/tmp/journal-XXXXXX"};
    assert_non_null(mkdtemp(bench->dir));
    bench->path = mem_printf("%s/operations.journal", bench->dir);
    bench->loop = loop_new(clock_real(), LIMIT_INBOX);
    bench->worker = worker_new(bench->loop);
    open_journal(bench, AGENT);
    return bench;
}

static void bench_free(struct bench *bench)
{
    worker_free(bench->worker);
    loop_free(bench->loop);
    journal_free(bench->journal);
    unlink(bench->path);
    assert_int_equal(rmdir(bench->dir), 0);
    mem_free(bench->path);
    mem_free(bench);
}

static void add(struct bench *bench)
{
    bench->last++;
    journal_add(bench->journal,
                &(struct journal_line){.what = JOURNAL_EPOCH, .epoch = bench->last});
}

static void add_epoch(void *user, const struct journal_line *line)
{
    str_printf(user, "%lld ", (long long)line->epoch);
}

/* What an agent reads that is started anew now. */
static void assert_read(struct bench *bench, const char *agent, const char *wanted)
{
    AUTO_STR struct str text = STR_INIT(LIMIT_KIB(1));
    close_journal(bench);
    open_journal(bench, agent);
    journal_read(bench->journal, add_epoch, &text);
    assert_string_equal(str_text(&text), wanted);
}

static void what_was_added_is_read(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->living = 2;
    journal_read(bench->journal, add_epoch, NULL); /* nothing is there */
    add(bench);
    add(bench);
    add(bench);
    assert_read(bench, AGENT, "0 -1 1 2 3 ");
    assert_read(bench, AGENT, "3 2 ");
    bench_free(bench);
}

static void that_of_another_agent_is_not(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    journal_read(bench->journal, add_epoch, NULL);
    add(bench);
    assert_read(bench, "default/stock-2 http://127.0.0.1:1238", "");
    assert_read(bench, AGENT, ""); /* it has been written anew */
    bench_free(bench);
}

static off_t size_of(const struct bench *bench)
{
    struct stat st;
    assert_int_equal(stat(bench->path, &st), 0);
    return st.st_size;
}

static void it_does_not_grow_for_ever(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    bench->living = 1;
    journal_read(bench->journal, add_epoch, NULL);
    for (int i = 0; i < 30000; i++)
        add(bench);
    flush(bench);
    assert_in_range(size_of(bench), 1, LIMIT_KIB(300));
    bench_free(bench);
}

static void nobody_waits_where_nothing_is_kept(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    journal_free(bench->journal);
    const struct journal_options options = {.worker = bench->worker};
    assert_int_equal(journal_new(&bench->journal, &options, NULL), 0);
    assert_false(journal_keeps(bench->journal));
    journal_read(bench->journal, add_epoch, NULL);
    add(bench);
    journal_flush(bench->journal, on_flushed, bench);
    assert_true(bench->flushed);
    bench_free(bench);
}

static void one_agent_has_it(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    AUTO_ERR struct err *err = NULL;
    assert_true(journal_keeps(bench->journal));
    assert_int_equal(try_journal(bench, AGENT, &err), -1);
    assert_int_equal(err->code, ERR_PRECONDITION);
    journal_free(bench->journal);
    open_journal(bench, AGENT);
    assert_true(journal_keeps(bench->journal));
    bench_free(bench);
}

/* What comes next is written with all that could not be. */
static void what_can_t_be_written_comes_with_the_next_line(void **state)
{
    (void)state;
    struct bench *bench = bench_new();
    AUTO_FREE char *moved = mem_printf("%s-away", bench->dir);
    bench->living = 2;
    assert_int_equal(rename(bench->dir, moved), 0);
    add(bench);
    flush(bench);
    assert_int_equal(rename(moved, bench->dir), 0);
    add(bench);
    assert_read(bench, AGENT, "2 1 ");
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_read),
        cmocka_unit_test(that_of_another_agent_is_not),
        cmocka_unit_test(it_does_not_grow_for_ever),
        cmocka_unit_test(nobody_waits_where_nothing_is_kept),
        cmocka_unit_test(one_agent_has_it),
        cmocka_unit_test(what_can_t_be_written_comes_with_the_next_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
