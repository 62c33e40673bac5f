/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "services/agent/engine/eviction.h"

#define FILES_MAX 5

/*
 * A file is a letter, in the order of their use: 'a' was used last, so it goes last. Small letters are kept. Each has ten
 * bytes, 'Z' has fifty.
 */
static void goes_what_was_not_used_for_longest(void **state)
{
    (void)state;
    static const struct {
        const char *files; /* as the directory lists them */
        size_t count_max;
        int64_t bytes_max;
        const char *stay;
    } rows[] = {
        {"", 0, 0, ""},
        {"A", 1, 10, "A"},
        {"A", 0, 10, ""},
        {"A", 1, 9, ""},
        {"CAB", 3, 30, "ABC"},
        {"CAB", 2, 30, "AB"},
        {"CAB", 3, 29, "AB"},
        {"CAB", 3, 10, "A"},
        {"BCA", 0, 0, ""},
        {"ZAB", 9, 70, "ABZ"},
        {"ZAB", 9, 69, "AB"},
        {"EDCBA", 2, 50, "AB"},
        /* what is kept counts, and stays whatever the limits are */
        {"CAb", 2, 30, "Ab"},
        {"cAB", 2, 30, "Ac"},
        {"cAB", 9, 20, "Ac"},
        {"cBA", 1, 30, "c"},
        {"cba", 1, 10, "abc"},
        {"cba", 0, 0, "abc"},
        {"edCBA", 3, 50, "Ade"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct eviction_file files[FILES_MAX];
        char stay[FILES_MAX + 1] = "";
        size_t len = strlen(rows[i].files), stays = 0;
        for (size_t j = 0; j < len; j++) {
            char letter = rows[i].files[j];
            files[j] = (struct eviction_file){.file = (void *)(uintptr_t)&rows[i].files[j],
                                              .used_ns = -(letter | 0x20),
                                              .bytes = letter == 'Z' ? 50 : 10,
                                              .kept = letter >= 'a'};
        }
        eviction_choose(files, len, rows[i].count_max, rows[i].bytes_max);
        for (size_t j = 0; j < len; j++)
            if (!files[j].goes)
                stay[stays++] = *(const char *)files[j].file;
        if (strcmp(stay, rows[i].stay) != 0)
            fail_msg("row %zu: %s instead of %s", i, stay, rows[i].stay);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_what_was_not_used_for_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
