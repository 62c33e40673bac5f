/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

static void memory_is_zeroed(void **state)
{
    (void)state;
    AUTO_FREE char *bytes = mem_alloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(bytes[i], 0);
    AUTO_FREE void *nothing = mem_alloc(0);
    assert_non_null(nothing);
    AUTO_FREE void *none = mem_resize(NULL, 0, 8);
    assert_non_null(none);
    mem_free(NULL);
}

static void resizing_keeps_the_content(void **state)
{
    (void)state;
    AUTO_FREE int *numbers = mem_resize(NULL, 2, sizeof(*numbers));
    numbers[0] = 1;
    numbers[1] = 2;
    numbers = mem_resize(numbers, 10000, sizeof(*numbers));
    assert_int_equal(numbers[1], 2);
    numbers = mem_resize(numbers, 1, sizeof(*numbers));
    assert_int_equal(numbers[0], 1);
}

static void strings_are_copied(void **state)
{
    (void)state;
    assert_null(mem_strdup(NULL));
    AUTO_FREE char *whole = mem_strdup("abc"), *part = mem_strndup("abc", 2),
                   *empty = mem_strndup("abc", 0), *printed = mem_printf("%s-%d", "a", 1);
    assert_string_equal(whole, "abc");
    assert_string_equal(part, "ab");
    assert_string_equal(empty, "");
    assert_string_equal(printed, "a-1");
}

static void a_slot_is_replaced_by_whatever(void **state)
{
    (void)state;
    AUTO_FREE char *slot = NULL;
    mem_replace(&slot, "abc");
    assert_string_equal(slot, "abc");
    mem_replace(&slot, slot + 1); /* even by a part of itself */
    assert_string_equal(slot, "bc");
    mem_replace(&slot, NULL);
    assert_null(slot);
    mem_replace(&slot, "x");
    char *taken = TAKE(slot);
    assert_null(slot);
    assert_string_equal(taken, "x");
    mem_free(taken);
}

/* The signal that ends a process that calls @fn; 0 where it lives on. */
static int signal_of(void (*fn)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr); /* its last words are expected */
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static volatile size_t half = SIZE_MAX / 2;

static void overflow(void)
{
    mem_free(mem_resize(NULL, half, 3));
}

static void assertion(void)
{
    ASSERT(half == 0);
}

static void truth(void)
{
    ASSERT(half > 0);
}

static void what_cannot_go_on_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(signal_of(overflow), SIGABRT);
    assert_int_equal(signal_of(assertion), SIGABRT);
    assert_int_equal(signal_of(truth), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(resizing_keeps_the_content),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(a_slot_is_replaced_by_whatever),
        cmocka_unit_test(what_cannot_go_on_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
