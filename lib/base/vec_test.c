/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/vec.h"

struct point {
    int x, y;
};

static void grows_as_it_is_filled(void **state)
{
    (void)state;
    VEC(struct point) points = {0};
    for (int i = 0; i < 1000; i++)
        VEC_PUSH(&points, (struct point){i, -i}); /* commas and all */
    assert_int_equal(points.len, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(points.items[i].x, i);
        assert_int_equal(points.items[i].y, -i);
    }
    VEC_DONE(&points);
    assert_null(points.items);
    assert_int_equal(points.len, 0);
    VEC_PUSH(&points, (struct point){1, 2}); /* usable again */
    assert_int_equal(points.items[0].y, 2);
    VEC_DONE(&points);
}

static void reserved_room_does_not_move(void **state)
{
    (void)state;
    VEC(int) numbers = {0};
    VEC_RESERVE(&numbers, 100);
    assert_true(numbers.cap >= 100);
    assert_int_equal(numbers.len, 0);
    const int *before = numbers.items;
    for (int i = 0; i < 100; i++)
        VEC_PUSH(&numbers, i);
    VEC_RESERVE(&numbers, 10);
    assert_ptr_equal(numbers.items, before);
    VEC_DONE(&numbers);
}

static void the_last_takes_the_place_of_the_removed(void **state)
{
    (void)state;
    VEC(int) numbers = {0};
    for (int i = 0; i < 4; i++)
        VEC_PUSH(&numbers, i);
    VEC_REMOVE_SWAP(&numbers, 1);
    assert_int_equal(numbers.len, 3);
    assert_int_equal(numbers.items[1], 3);
    VEC_REMOVE_SWAP(&numbers, 2);
    assert_int_equal(numbers.len, 2);
    assert_int_equal(numbers.items[0], 0);
    assert_int_equal(numbers.items[1], 3);
    VEC_DONE(&numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_as_it_is_filled),
        cmocka_unit_test(reserved_room_does_not_move),
        cmocka_unit_test(the_last_takes_the_place_of_the_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
