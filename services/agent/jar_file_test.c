/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <minizip/zip.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/agent/jar_file.h"

#define MANIFEST "META-INF/MANIFEST.MF"
#define GOOD                                                                                       \
    "Manifest-Version: 1.0\r\nArk-Biz-Name: order\r\nArk-Biz-Version: 1.0.0\r\n"                   \
    "web-context-path: /shop/\r\npriority: 50\r\n\r\n"

/* -- the manifest as text -- */

static void finds_attributes(void **state)
{
    (void)state;
    static const struct {
        const char *manifest, *key, *value;
    } rows[] = {
        {GOOD, "Ark-Biz-Name", "order"},
        {GOOD, "ark-biz-name", "order"}, /* names don't know case, values do */
        {GOOD, "web-context-path", "/shop/"},
        {GOOD, "Start-Class", NULL},
        {GOOD, "Ark-Biz", NULL},
        {GOOD, "iz-Name", NULL},
        /* ends of lines: CR LF, LF, CR; the last may lack one */
        {"A: 1\nB: 2\n", "B", "2"},
        {"A: 1\rB: 2\r", "B", "2"},
        {"A: 1\r\nB: 2", "B", "2"},
        /* a line goes on behind a blank, which does not belong to the value */
        {"A: on\r\n e\r\nB: 2\r\n", "A", "one"},
        {"A: on\r\n e\r\nB: 2\r\n", "B", "2"},
        {"A: a\n b\n c\n d\n", "A", "abcd"},
        {"A: a\n  b\n", "A", "a b"},
        {"A: a\r b\r", "A", "ab"},
        {"A: \r\n one\r\n", "A", "one"},
        {"A: 1\r\n B: 2\r\n", "B", NULL},
        {"A: 1\r\n B: 2\r\n", "A", "1B: 2"},
        /* only the main section */
        {"A: 1\r\n\r\nName: x\r\nB: 2\r\n", "B", NULL},
        {"A: 1\n\nB: 2\n", "B", NULL},
        {"\r\nA: 1\r\n", "A", NULL},
        {"", "A", NULL},
        /* the first counts; colons and blanks stay */
        {"A: 1\r\nA: 2\r\n", "A", "1"},
        {"A: http://x:1/y z\r\n", "A", "http://x:1/y z"},
        {"A:1\r\n", "A", "1"},
        {"A1\r\n", "A", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *value = jar_manifest_attribute(rows[i].manifest, rows[i].key);
        if (!str_eq(value, rows[i].value))
            fail_msg("row %zu: \"%s\"", i, value);
    }
}

/* -- jars on disk -- */

struct files {
    char dir[128];
    char *path; /* the jar of the test, in it */
};

static int make_dir(void **state)
{
    struct files *files = NEW(struct files);
    const char *base = getenv("TMPDIR");
    AUTO_FREE char *pattern = mem_printf("%s/koupleless-jar-XXXXXX", base ? base : "/tmp");
    assert_true(strlen(pattern) < sizeof(files->dir));
    memcpy(files->dir, pattern, strlen(pattern) + 1);
    assert_non_null(mkdtemp(files->dir));
    files->path = mem_printf("%s/m.jar", files->dir);
    *state = files;
    return 0;
}

static int remove_dir(void **state)
{
    struct files *files = *state;
    AUTO_FREE char *copy = mem_printf("%s/copy.jar", files->dir);
    unlink(files->path);
    unlink(copy);
    rmdir(files->dir);
    mem_free(files->path);
    mem_free(files);
    return 0;
}

static void add_entry(zipFile zip, const char *name, const void *bytes, size_t len)
{
    static const zip_fileinfo info;
    assert_int_equal(zipOpenNewFileInZip(zip, name, &info, NULL, 0, NULL, 0, NULL, Z_DEFLATED, 1),
                     ZIP_OK);
    assert_int_equal(zipWriteInFileInZip(zip, bytes, (unsigned)len), ZIP_OK);
    assert_int_equal(zipCloseFileInZip(zip), ZIP_OK);
}

static void write_jar(const struct files *files, const char *entry, const char *manifest)
{
    zipFile zip = zipOpen64(files->path, APPEND_STATUS_CREATE);
    assert_non_null(zip);
    add_entry(zip, "demo/Order.class", "\xca\xfe\xba\xbe", 4);
    add_entry(zip, entry, manifest, strlen(manifest));
    assert_int_equal(zipClose(zip, NULL), ZIP_OK);
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(close(fd), 0);
}

/* What is wrong with the jar, in the words of the failure; the text before ": " is left out. */
static void assert_refused(const struct files *files, enum failure_kind kind, const char *why)
{
    struct jar_facts facts = {0};
    struct failure failure = {0};
    if (jar_file_inspect(files->path, true, &facts, &failure) == 0)
        fail_msg("it is taken: %s", why);
    if (failure.kind != kind || !strstr(failure.message, why))
        fail_msg("%s: %s instead of %s", failure_reason(failure.kind), failure.message, why);
    assert_non_null(strstr(failure.message, files->path));
    jar_facts_done(&facts);
    failure_done(&failure);
}

static struct jar_facts inspect(const struct files *files)
{
    struct jar_facts facts = {0};
    struct failure failure = {0};
    if (jar_file_inspect(files->path, true, &facts, &failure) < 0)
        fail_msg("%s", failure.message);
    return facts;
}

static void tells_what_a_jar_is(void **state)
{
    struct files *files = *state;
    write_jar(files, MANIFEST, GOOD);
    struct jar_facts facts = inspect(files);
    assert_string_equal(facts.name, "order");
    assert_string_equal(facts.version, "1.0.0");
    assert_string_equal(facts.web_context_path, "shop");
    assert_int_equal(facts.priority, 50);
    assert_int_equal(strlen(facts.md5), 32);
    assert_int_equal(strlen(facts.sha256), 64);
    jar_facts_done(&facts);
    assert_null(facts.name);
}

#define IDENTITY "Ark-Biz-Name: m\nArk-Biz-Version: 1\n"

static void what_is_not_said_has_a_default(void **state)
{
    struct files *files = *state;
    static const struct {
        const char *manifest, *path;
        int64_t priority;
    } rows[] = {
        {IDENTITY, "", 100},
        {IDENTITY "web-context-path: /\npriority: \n", "", 100},
        {IDENTITY "web-context-path: a/b\npriority: soon\n", "a/b", 100},
        {IDENTITY "priority: -7\n", "", -7},
        {IDENTITY "priority: 2147483647\n", "", INT32_MAX},
        {IDENTITY "priority: 2147483648\n", "", 100},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_jar(files, MANIFEST, rows[i].manifest);
        struct jar_facts facts = inspect(files);
        if (!str_eq(facts.web_context_path, rows[i].path) || facts.priority != rows[i].priority)
            fail_msg("row %zu: %s, %lld", i, facts.web_context_path, (long long)facts.priority);
        jar_facts_done(&facts);
    }
}

static void a_jar_without_identity_is_no_module(void **state)
{
    struct files *files = *state;
    static const char *const manifests[] = {
        "Manifest-Version: 1.0\n",
        "Ark-Biz-Name: m\n",
        "Ark-Biz-Version: 1\n",
        "Ark-Biz-Name: \nArk-Biz-Version: 1\n",
        "Ark-Biz-Name: m\nArk-Biz-Version: \n",
        ("A: 1\n\n" IDENTITY), /* of a section of its own */
    };
    for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
        write_jar(files, MANIFEST, manifests[i]);
        assert_refused(files, FAILED_NOT_A_MODULE,
                       "its manifest has no Ark-Biz-Name and Ark-Biz-Version");
    }
}

static void a_zip_without_manifest_is_no_module(void **state)
{
    struct files *files = *state;
    static const char *const entries[] = {"MANIFEST.MF", "META-INF/MANIFEST.MF/x",
                                          "lib/META-INF/MANIFEST.MF"};
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        write_jar(files, entries[i], GOOD);
        assert_refused(files, FAILED_NOT_A_MODULE, "it has no META-INF/MANIFEST.MF");
    }
}

static void a_manifest_over_the_limit_is_not_read(void **state)
{
    struct files *files = *state;
    AUTO_FREE char *manifest = mem_alloc(LIMIT_JAR_MANIFEST + 2);
    memset(manifest, 'x', LIMIT_JAR_MANIFEST + 1);
    memcpy(manifest, IDENTITY, strlen(IDENTITY));
    write_jar(files, MANIFEST, manifest);
    assert_refused(files, FAILED_NOT_A_MODULE, "it has no META-INF/MANIFEST.MF");
    manifest[LIMIT_JAR_MANIFEST] = '\0';
    write_jar(files, MANIFEST, manifest);
    struct jar_facts facts = inspect(files);
    assert_string_equal(facts.name, "m");
    jar_facts_done(&facts);
}

static void a_manifest_with_nul_is_not_read(void **state)
{
    struct files *files = *state;
    static const char manifest[] = "Ark-Biz-Name: m\0x\nArk-Biz-Version: 1\n";
    zipFile zip = zipOpen64(files->path, APPEND_STATUS_CREATE);
    add_entry(zip, MANIFEST, manifest, sizeof(manifest) - 1);
    assert_int_equal(zipClose(zip, NULL), ZIP_OK);
    assert_refused(files, FAILED_NOT_A_MODULE, "it has no META-INF/MANIFEST.MF");
}

static void what_is_no_zip_is_no_module(void **state)
{
    struct files *files = *state;
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {{"", 0}, {"not found\n", 10}, {"PK\3\4", 4}, {"\0\0\0\0", 4}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        write_bytes(files->path, rows[i].bytes, rows[i].len);
        assert_refused(files, FAILED_NOT_A_MODULE, "it is no zip file");
    }
}

static void a_zip_cut_anywhere_is_no_module(void **state)
{
    struct files *files = *state;
    struct stat st;
    write_jar(files, MANIFEST, GOOD);
    assert_int_equal(stat(files->path, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size--) {
        struct jar_facts facts = {0};
        struct failure failure = {0};
        assert_int_equal(truncate(files->path, size), 0);
        if (jar_file_inspect(files->path, true, &facts, &failure) == 0 ||
            failure.kind != FAILED_NOT_A_MODULE)
            fail_msg("cut to %lld bytes: %s", (long long)size, failure_reason(failure.kind));
        jar_facts_done(&facts);
        failure_done(&failure);
    }
}

static void a_damaged_manifest_is_not_read(void **state)
{
    struct files *files = *state;
    zipFile zip = zipOpen64(files->path, APPEND_STATUS_CREATE);
    static const zip_fileinfo info;
    assert_int_equal(
        zipOpenNewFileInZip(zip, MANIFEST, &info, NULL, 0, NULL, 0, NULL, 0 /* stored */, 0),
        ZIP_OK);
    assert_int_equal(zipWriteInFileInZip(zip, GOOD, strlen(GOOD)), ZIP_OK);
    assert_int_equal(zipCloseFileInZip(zip), ZIP_OK);
    assert_int_equal(zipClose(zip, NULL), ZIP_OK);
    int fd = open(files->path, O_RDWR | O_CLOEXEC);
    char byte = 0;
    off_t inside = 30 + (off_t)strlen(MANIFEST) + 40; /* behind the local header */
    assert_int_equal(pread(fd, &byte, 1, inside), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, inside), 1);
    close(fd);
    assert_refused(files, FAILED_NOT_A_MODULE, "it has no META-INF/MANIFEST.MF");
}

static void digests_are_the_known_ones(void **state)
{
    struct files *files = *state;
    static const struct {
        const char *text, *md5, *sha256;
    } rows[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct jar_facts facts = {0};
        struct failure failure = {0};
        write_bytes(files->path, rows[i].text, strlen(rows[i].text));
        jar_file_inspect(files->path, true, &facts,
                         &failure); /* digests are told of what is no zip too */
        assert_string_equal(facts.md5, rows[i].md5);
        assert_string_equal(facts.sha256, rows[i].sha256);
        jar_facts_done(&facts);
        failure_done(&failure);
    }
}

static void digests_are_of_all_the_bytes(void **state)
{
    struct files *files = *state;
    struct jar_facts facts = {0};
    struct failure failure = {0};
    size_t len = 1000000;
    AUTO_FREE char *bytes = mem_alloc(len);
    memset(bytes, 'a', len);
    write_bytes(files->path, bytes, len);
    jar_file_inspect(files->path, true, &facts, &failure);
    assert_string_equal(facts.md5, "7707d6ae4e027c70eea2a935c2296f21");
    assert_string_equal(facts.sha256,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    jar_facts_done(&facts);
    failure_done(&failure);
}

static void what_can_not_be_read_is_not_pulled(void **state)
{
    struct files *files = *state;
    assert_refused(files, FAILED_PULL, "No such file or directory");
    char *jar = files->path;
    files->path = files->dir;
    assert_refused(files, FAILED_NOT_A_MODULE, "it is no regular file");
    files->path = jar;
}

static void a_jar_over_the_limit_is_refused(void **state)
{
    struct files *files = *state;
    write_bytes(files->path, "", 0);
    assert_int_equal(truncate(files->path, (off_t)LIMIT_JAR + 1), 0); /* holds no bytes on disk */
    assert_refused(files, FAILED_NOT_A_MODULE, "of at most 1 GiB");
}

static void copies(void **state)
{
    struct files *files = *state;
    struct failure failure = {0};
    AUTO_FREE char *to = mem_printf("%s/copy.jar", files->dir);
    write_jar(files, MANIFEST, GOOD);
    write_bytes(to, "what was there before goes, however long it is, for a copy is a new file", 72);
    struct jar_facts one = inspect(files);
    assert_int_equal(jar_file_copy(files->path, to, &failure), 0);
    mem_replace(&files->path, to);
    struct jar_facts two = inspect(files);
    assert_string_equal(one.sha256, two.sha256);
    jar_facts_done(&one);
    jar_facts_done(&two);
    AUTO_FREE char *nowhere = mem_printf("%s/no/where.jar", files->dir);
    assert_int_equal(jar_file_copy(files->path, nowhere, &failure), -1);
    assert_int_equal(failure.kind, FAILED_PULL);
    assert_int_equal(jar_file_copy(nowhere, to, &failure), -1);
    assert_int_equal(failure.kind, FAILED_PULL);
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(jar_file_copy(files->path, "/dev/full", &failure), -1);
        assert_int_equal(failure.kind, FAILED_DISK_FULL);
    }
    failure_done(&failure);
    AUTO_FREE char *jar = mem_printf("%s/m.jar", files->dir);
    unlink(jar);
}

/* Nobody writes into it: who opened it to read would wait for ever. */
static void a_pipe_is_no_jar(void **state)
{
    struct files *files = *state;
    struct failure failure = {0};
    AUTO_FREE char *pipe = mem_printf("%s/pipe", files->dir);
    AUTO_FREE char *to = mem_printf("%s/copy.jar", files->dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    alarm(60);
    assert_int_equal(jar_file_copy(pipe, to, &failure), -1);
    alarm(0);
    assert_int_equal(failure.kind, FAILED_NOT_A_MODULE);
    failure_done(&failure);
    unlink(pipe);
}

/* As of a disk that is full in the middle; what errno says is of something else. */
static void a_part_of_a_copy_is_a_full_disk(void **state)
{
    struct files *files = *state;
    struct failure failure = {0};
    struct rlimit before, few = {10, 10};
    AUTO_FREE char *to = mem_printf("%s/copy.jar", files->dir);
    write_jar(files, MANIFEST, GOOD);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    few.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
    errno = ENOENT;
    assert_int_equal(jar_file_copy(files->path, to, &failure), -1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(failure.kind, FAILED_DISK_FULL);
    failure_done(&failure);
    unlink(to);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_attributes),
        WITH_FILES(tells_what_a_jar_is),
        WITH_FILES(what_is_not_said_has_a_default),
        WITH_FILES(a_jar_without_identity_is_no_module),
        WITH_FILES(a_zip_without_manifest_is_no_module),
        WITH_FILES(a_manifest_over_the_limit_is_not_read),
        WITH_FILES(a_manifest_with_nul_is_not_read),
        WITH_FILES(what_is_no_zip_is_no_module),
        WITH_FILES(a_zip_cut_anywhere_is_no_module),
        WITH_FILES(a_damaged_manifest_is_not_read),
        WITH_FILES(digests_are_the_known_ones),
        WITH_FILES(digests_are_of_all_the_bytes),
        WITH_FILES(what_can_not_be_read_is_not_pulled),
        WITH_FILES(a_jar_over_the_limit_is_refused),
        WITH_FILES(copies),
        WITH_FILES(a_pipe_is_no_jar),
        WITH_FILES(a_part_of_a_copy_is_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
