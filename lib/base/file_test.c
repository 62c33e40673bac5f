/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"

/* A new file of @len bytes; its name is in @path. */
static void make_file(char path[32], const char *bytes, size_t len)
{
    memcpy(path, "/tmp/koupleless-file-XXXXXX", sizeof("/tmp/koupleless-file-XXXXXX"));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void reads_up_to_its_maximum(void **state)
{
    (void)state;
    char path[32], bytes[5000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i % 251);
    make_file(path, bytes, sizeof(bytes));
    size_t len = 0;
    AUTO_FREE char *text = file_read(path, sizeof(bytes), &len, NULL);
    assert_int_equal(len, sizeof(bytes));
    assert_memory_equal(text, bytes, len);
    assert_int_equal(text[len], 0);

    AUTO_ERR struct err *err = NULL;
    len = 7;
    assert_null(file_read(path, sizeof(bytes) - 1, &len, &err));
    assert_int_equal(err->code, ERR_LIMIT);
    assert_string_equal(err->message, "larger than 4999 bytes");
    assert_int_equal(len, 7);
    assert_int_equal(unlink(path), 0);
}

static void an_empty_file_is_an_empty_text(void **state)
{
    (void)state;
    char path[32];
    make_file(path, "", 0);
    AUTO_FREE char *text = file_read(path, 10, NULL, NULL);
    assert_string_equal(text, "");
    assert_int_equal(unlink(path), 0);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum err_code code;
        const char *message;
    } rows[] = {
        {"/no/such/file", ERR_NOT_FOUND, "No such file or directory"},
        {"/dev/null/file", ERR_NOT_FOUND, "Not a directory"},
        {"/", ERR_INVALID, "Is a directory"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_ERR struct err *err = NULL;
        assert_null(file_read(rows[i].path, 10, NULL, &err));
        assert_int_equal(err->code, rows[i].code);
        assert_string_equal(err->message, rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_up_to_its_maximum),
        cmocka_unit_test(an_empty_file_is_an_empty_text),
        cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
