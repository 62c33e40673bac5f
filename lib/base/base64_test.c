/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"

static void every_length_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37);
    for (size_t len = 0; len < sizeof(bytes); len++) {
        AUTO_FREE char *text = base64_text(bytes, len);
        uint8_t *back = NULL;
        size_t back_len = 0;
        assert_int_equal(strlen(text), (len + 2) / 3 * 4);
        assert_true(base64_bytes(text, &back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
        assert_int_equal(back[len], 0);
        mem_free(back);
    }
}

static void what_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes; /* NULL: refused */
    } rows[] = {{"", ""},         {"YQ==", "a"},     {"YQ=", "a"},       {"YQ", "a"},
                {"YWI=", "ab"},   {"fn4+", "~~>"},   {"fn4-", "~~>"},    {"fn4_", "~~?"},
                {"Y", NULL},      {"Y===", NULL},    {"YQ===", NULL},    {"Y*==", NULL},
                {"YW\nI=", NULL}, {"=", ""},         {"YQ==YQ==", NULL}, {" YWI=", NULL},
                {"YWI= ", NULL},  {"\xc3\xa9", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t *bytes = NULL;
        size_t len = 0;
        assert_int_equal(base64_bytes(rows[i].text, &bytes, &len), rows[i].bytes != NULL);
        if (rows[i].bytes)
            assert_string_equal((char *)bytes, rows[i].bytes);
        else
            assert_null(bytes);
        mem_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(what_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
