/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of the disk and of the people: what can't be written, what was damaged, who came second.
 * Disk faults are made by hooks in SQLite's own file functions, so the code under test is what ships.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "services/controller/store/conformance/cases.h"
#include "services/controller/store/embedded/embedded.h"
#include "services/controller/store/embedded/test_dir.h"

/* -- hooks -- */

static atomic_int syncs;        /* so far */
static atomic_bool fail_syncs;  /* as a disk that breaks */
static atomic_bool fail_writes; /* as a disk that is full */
static sqlite3_vfs hooked_vfs;
static sqlite3_vfs *real_vfs;

/* SQLite has a method table for each way of locking; each gets a hooked double. */
struct hooked {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *real;
};
static struct hooked hooked[4];

static const sqlite3_io_methods *real_methods(sqlite3_file *file)
{
    const struct hooked *h = (const struct hooked *)file->pMethods; /* its first member */
    return h->real;
}

static int hooked_sync(sqlite3_file *file, int flags)
{
    atomic_fetch_add(&syncs, 1);
    return atomic_load(&fail_syncs) ? SQLITE_IOERR_FSYNC : real_methods(file)->xSync(file, flags);
}

static int hooked_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    return atomic_load(&fail_writes) ? SQLITE_FULL
                                     : real_methods(file)->xWrite(file, bytes, len, offset);
}

static int hooked_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    int result = real_vfs->xOpen(real_vfs, name, file, flags, out);
    if (result != SQLITE_OK || !file->pMethods)
        return result;
    struct hooked *h = hooked;
    while (h->real && h->real != file->pMethods)
        ASSERT(++h < hooked + ARRAY_LEN(hooked));
    if (!h->real) {
        *h = (struct hooked){*file->pMethods, file->pMethods};
        h->methods.xSync = hooked_sync;
        h->methods.xWrite = hooked_write;
    }
    file->pMethods = &h->methods;
    return result;
}

static void install_hooks(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    hooked_vfs = *real_vfs;
    hooked_vfs.zName = "hooked";
    hooked_vfs.xOpen = hooked_open;
    ASSERT(sqlite3_vfs_register(&hooked_vfs, /* makeDflt= */ 1) == SQLITE_OK);
}

/* -- a store in a directory -- */

struct fixture {
    struct conformance c; /* for the helpers of the cases */
    char *dir;
};

static void open_store(struct fixture *f)
{
    AUTO_ERR struct err *err = NULL;
    if (embedded_store_open(&f->c.store, f->dir, clock_real(), &err) < 0)
        fail_msg("%s", err->message);
}

static void close_store(struct fixture *f)
{
    store_free(f->c.store);
    f->c.store = NULL;
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.c = {.namespace = "default"}, .dir = test_dir_make()};
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fail_syncs = fail_writes = false;
    close_store(f);
    test_dir_remove(f->dir);
    return 0;
}

static struct answer try_make(struct fixture *f, const char *name)
{
    AUTO_FREE char *json = case_template(f->c.namespace, name, "");
    return call_create(f->c.store, KIND_MODULE_TEMPLATE, json);
}

/* Opening must fail with @code and a message that has @word in it. */
static void expect_refusal(const char *dir, enum err_code code, const char *word)
{
    struct store *store = NULL;
    AUTO_ERR struct err *err = NULL;
    assert_int_equal(embedded_store_open(&store, dir, clock_real(), &err), -1);
    assert_null(store);
    if (err->code != code || !strstr(err->message, word))
        fail_msg("%s: %s, not %s with \"%s\"", err_code_name(err->code), err->message,
                 err_code_name(code), word);
}

/* -- durability -- */

static void test_a_write_answers_after_its_sync(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    for (int i = 0; i < 20; i++) {
        int before = atomic_load(&syncs);
        AUTO_FREE char *name = mem_printf("t%d", i);
        AUTO_ANSWER struct answer made = case_make(&f->c, name, "");
        assert_true(atomic_load(&syncs) > before);
    }
    /* What changes nothing needs none. */
    struct store_key key = case_key(&f->c, "t0");
    int before = atomic_load(&syncs);
    AUTO_ANSWER struct answer same = call_patch(f->c.store, &key, STORE_MAIN, "{}", NULL);
    assert_null(same.err);
    assert_int_equal(atomic_load(&syncs), before);
}

static void test_a_full_disk_refuses_writes_until_there_is_room(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    AUTO_ANSWER struct answer before = case_make(&f->c, "before", "");
    AUTO_WATCHER struct watcher watcher;
    struct store_query query = {.kind = KIND_MODULE_TEMPLATE};
    watcher_start(&watcher, f->c.store, &query, before.resource_version);

    fail_writes = true;
    AUTO_ANSWER struct answer refused = try_make(f, "refused");
    assert_true(answer_is(&refused, ERR_UNAVAILABLE));
    assert_non_null(strstr(refused.err->message, "full"));
    assert_true(case_exists(&f->c, "before")); /* reading goes on */
    assert_false(case_exists(&f->c, "refused"));

    fail_writes = false;
    AUTO_ANSWER struct answer after = case_make(&f->c, "after", "");
    AUTO_FREE char *events = watcher_wait(&watcher, 1);
    assert_string_equal(events, "ADDED after"); /* of what was refused nobody hears */
    watcher_stop(&watcher);
    close_store(f);
    open_store(f);
    assert_true(case_exists(&f->c, "before"));
    assert_true(case_exists(&f->c, "after"));
    assert_false(case_exists(&f->c, "refused"));
}

static void test_a_failed_sync_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    AUTO_ANSWER struct answer before = case_make(&f->c, "before", "");
    fail_syncs = true;
    AUTO_ANSWER struct answer first = try_make(f, "first");
    assert_true(answer_is(&first, ERR_UNAVAILABLE));
    /* The next sync would report success for pages that the kernel has dropped. */
    fail_syncs = false;
    AUTO_ANSWER struct answer second = try_make(f, "second");
    assert_true(answer_is(&second, ERR_UNAVAILABLE));
    assert_non_null(strstr(second.err->message, "until a restart"));
    assert_true(case_exists(&f->c, "before"));
    close_store(f);
    open_store(f);
    assert_true(case_exists(&f->c, "before"));
    assert_false(case_exists(&f->c, "second"));
    AUTO_ANSWER struct answer third = case_make(&f->c, "third", "");
}

/* In a process of its own, as the limit is the process's; exits 0 where all was as it should be. */
static void fill_up_to_the_limit(struct fixture *f)
{
    open_store(f);
    struct rlimit limit = {.rlim_cur = 300000, .rlim_max = RLIM_INFINITY};
    ASSERT(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &limit) == 0);
    int made = 0;
    for (;; made++) {
        AUTO_FREE char *name = mem_printf("t%d", made);
        AUTO_ANSWER struct answer a = try_make(f, name);
        if (!a.err)
            continue;
        ASSERT(answer_is(&a, ERR_UNAVAILABLE));
        break;
    }
    ASSERT(made > 1);
    limit.rlim_cur = RLIM_INFINITY;
    ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    close_store(f);
    open_store(f);
    for (int i = 0; i < made; i++) {
        AUTO_FREE char *name = mem_printf("t%d", i);
        ASSERT(case_exists(&f->c, name));
    }
    AUTO_ANSWER struct answer next = try_make(f, "next");
    ASSERT(!next.err);
    close_store(f);
}

static void test_a_file_size_limit_loses_nothing(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fill_up_to_the_limit(f);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* -- damage -- */

static char *store_file(const struct fixture *f)
{
    return mem_printf("%s/store.db", f->dir);
}

static void make_store_with(struct fixture *f, int objects)
{
    open_store(f);
    for (int i = 0; i < objects; i++) {
        AUTO_FREE char *name = mem_printf("t%d", i);
        AUTO_ANSWER struct answer made = case_make(&f->c, name, "");
    }
    close_store(f);
}

/* Overwrites @len bytes at @offset with garbage. */
static void scribble(const struct fixture *f, off_t offset, size_t len)
{
    AUTO_FREE char *path = store_file(f);
    AUTO_FREE char *garbage = mem_alloc(len);
    memset(garbage, 0xa5, len);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, garbage, len, offset), len);
    (void)close(fd);
}

static void test_a_file_that_is_no_database_is_refused(void **state)
{
    struct fixture *f = *state;
    make_store_with(f, 1);
    scribble(f, 0, 100);
    expect_refusal(f->dir, ERR_DATA_LOSS, f->dir);
}

static void test_a_damaged_page_is_found_at_open(void **state)
{
    struct fixture *f = *state;
    make_store_with(f, 100);
    scribble(f, 4096 * 3, 4096 * 5);
    expect_refusal(f->dir, ERR_DATA_LOSS, f->dir);
}

static void test_a_truncated_file_is_found_at_open(void **state)
{
    struct fixture *f = *state;
    make_store_with(f, 100);
    AUTO_FREE char *path = store_file(f);
    assert_int_equal(truncate(path, 4096 * 6), 0);
    expect_refusal(f->dir, ERR_DATA_LOSS, f->dir);
}

static void run_sql(const struct fixture *f, const char *sql)
{
    AUTO_FREE char *path = store_file(f);
    sqlite3 *sqlite = NULL;
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}

static void test_foreign_and_future_files_are_refused(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "CREATE TABLE t (x)");
    expect_refusal(f->dir, ERR_DATA_LOSS, "no store");
    run_sql(f, "DROP TABLE t");
    make_store_with(f, 1);
    run_sql(f, "PRAGMA user_version = 1000");
    expect_refusal(f->dir, ERR_PRECONDITION, "newer version");
    run_sql(f, "PRAGMA user_version = 2; DROP TABLE owners");
    expect_refusal(f->dir, ERR_DATA_LOSS, "owners");
}

static void test_a_damaged_document_is_told(void **state)
{
    struct fixture *f = *state;
    make_store_with(f, 2);
    run_sql(f, "UPDATE objects SET json = '{' WHERE name = 't1'");
    open_store(f);
    struct store_key key = case_key(&f->c, "t1");
    AUTO_ANSWER struct answer patched = call_patch(f->c.store, &key, STORE_MAIN, "{}", NULL);
    assert_true(answer_is(&patched, ERR_DATA_LOSS));
    assert_non_null(strstr(patched.err->message, "t1"));
    AUTO_ANSWER struct answer other = try_make(f, "t2"); /* what is whole goes on */
    assert_null(other.err);
}

/* -- the directory -- */

static void test_a_second_controller_is_refused(void **state)
{
    struct fixture *f = *state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t first = fork();
    assert_true(first >= 0);
    if (first == 0) {
        open_store(f);
        ASSERT(write(ready[1], "x", 1) == 1);
        (void)pause();
        _exit(1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    AUTO_FREE char *pid = mem_printf("process %ld", (long)first);
    expect_refusal(f->dir, ERR_UNAVAILABLE, pid);
    expect_refusal(f->dir, ERR_UNAVAILABLE, f->dir);
    assert_int_equal(kill(first, SIGKILL), 0);
    assert_int_equal(waitpid(first, NULL, 0), first);
    open_store(f);                                     /* the lock went with its holder */
    expect_refusal(f->dir, ERR_UNAVAILABLE, "in use"); /* also within one process */
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void test_a_missing_directory_is_made(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *inner = mem_printf("%s/a", f->dir);
    AUTO_FREE char *deep = mem_printf("%s/b", inner);
    struct store *store = NULL;
    assert_int_equal(embedded_store_open(&store, deep, clock_real(), NULL), 0);
    store_free(store);
    test_dir_remove(mem_strdup(deep));
    assert_int_equal(rmdir(inner), 0);
}

static void test_a_directory_that_cannot_be_is_refused(void **state)
{
    struct fixture *f = *state;
    AUTO_FREE char *file = mem_printf("%s/file", f->dir);
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    expect_refusal(file, ERR_UNAVAILABLE, file);
    AUTO_FREE char *below = mem_printf("%s/x", file);
    expect_refusal(below, ERR_UNAVAILABLE, below);
    expect_refusal("", ERR_UNAVAILABLE, "no name");
}

/* In a process of its own: root may write everything, so it becomes nobody. */
static void open_without_rights(struct fixture *f)
{
    const uid_t nobody = 65534;
    ASSERT(geteuid() != 0 ||
           (chown(f->dir, nobody, nobody) == 0 && setgid(nobody) == 0 && setuid(nobody) == 0));
    struct store *store = NULL;
    ASSERT(chmod(f->dir, 0500) == 0);
    AUTO_ERR struct err *err = NULL;
    ASSERT(embedded_store_open(&store, f->dir, clock_real(), &err) == -1);
    ASSERT(err->code == ERR_UNAVAILABLE && strstr(err->message, "Permission denied"));
    ASSERT(chmod(f->dir, 0700) == 0);
}

static void test_a_read_only_directory_is_refused(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        open_without_rights(f);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    install_hooks();
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_write_answers_after_its_sync),
        TEST(test_a_full_disk_refuses_writes_until_there_is_room),
        TEST(test_a_failed_sync_ends_all_writing),
        TEST(test_a_file_size_limit_loses_nothing),
        TEST(test_a_file_that_is_no_database_is_refused),
        TEST(test_a_damaged_page_is_found_at_open),
        TEST(test_a_truncated_file_is_found_at_open),
        TEST(test_foreign_and_future_files_are_refused),
        TEST(test_a_damaged_document_is_told),
        TEST(test_a_second_controller_is_refused),
        TEST(test_a_missing_directory_is_made),
        TEST(test_a_directory_that_cannot_be_is_refused),
        TEST(test_a_read_only_directory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
