/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"

static int values[1000];

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct map map = {0};
    assert_null(map_get(&map, "a"));
    assert_null(map_remove(&map, "a"));
    map_done(&map);
    map_done(&map); /* again is harmless */
    assert_int_equal(map.len, 0);
}

static void put_replaces_and_says_what(void **state)
{
    (void)state;
    struct map map = {0};
    char key[] = "a";
    assert_null(map_put(&map, key, &values[1]));
    key[0] = 'b'; /* the map has a copy */
    assert_ptr_equal(map_get(&map, "a"), &values[1]);
    assert_null(map_get(&map, "b"));
    assert_ptr_equal(map_put(&map, "a", &values[2]), &values[1]);
    assert_ptr_equal(map_get(&map, "a"), &values[2]);
    assert_int_equal(map.len, 1);
    assert_null(map_put(&map, "", &values[3]));
    assert_ptr_equal(map_get(&map, ""), &values[3]);
    assert_null(map_get(&map, NULL));
    assert_null(map_remove(&map, NULL));
    assert_ptr_equal(map_remove(&map, "a"), &values[2]);
    assert_null(map_remove(&map, "a"));
    assert_null(map_get(&map, "a"));
    assert_int_equal(map.len, 1);
    map_done(&map);
}

static void check_order(const struct map *map, const char *keys)
{
    assert_int_equal(map->len, strlen(keys));
    for (size_t i = 0; i < map->len; i++)
        assert_int_equal(map->entries[i].key[0], keys[i]);
}

static void iteration_is_in_order_of_insertion(void **state)
{
    (void)state;
    struct map map = {0};
    const char *const keys[] = {"d", "a", "c", "e", "b"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        map_put(&map, keys[i], &values[i]);
    check_order(&map, "daceb");
    map_put(&map, "a", &values[9]); /* stays in its place */
    check_order(&map, "daceb");
    map_remove(&map, "a"); /* the last moves into the gap */
    check_order(&map, "dbce");
    map_remove(&map, "e"); /* the last itself */
    check_order(&map, "dbc");
    map_put(&map, "a", &values[0]);
    check_order(&map, "dbca");
    map_done(&map);
}

/* Against the plainest model: an array that says which of the keys are there. */
static void behaves_like_an_array_of_flags(void **state)
{
    (void)state;
    struct map map = {0};
    struct rand rand;
    bool there[ARRAY_LEN(values)] = {false};
    size_t count = 0;
    rand_seed(&rand, 1);
    for (int step = 0; step < 50000; step++) {
        /* It grows to almost all keys and shrinks to almost none, twice. */
        bool growing = step / 12500 % 2 == 0;
        size_t n = (size_t)rand_below(&rand, ARRAY_LEN(values));
        AUTO_FREE char *key = mem_printf("key-%zu", n);
        void *expected = there[n] ? &values[n] : NULL;
        if (rand_below(&rand, 10) < (growing ? 9 : 1)) {
            assert_ptr_equal(map_put(&map, key, &values[n]), expected);
            count += !there[n];
            there[n] = true;
        } else {
            assert_ptr_equal(map_remove(&map, key), expected);
            count -= there[n];
            there[n] = false;
        }
        assert_int_equal(map.len, count);
        size_t other = (size_t)rand_below(&rand, ARRAY_LEN(values));
        AUTO_FREE char *other_key = mem_printf("key-%zu", other);
        assert_ptr_equal(map_get(&map, other_key), there[other] ? &values[other] : NULL);
    }
    for (size_t i = 0; i < map.len; i++)
        assert_ptr_equal(map_get(&map, map.entries[i].key), map.entries[i].value);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(put_replaces_and_says_what),
        cmocka_unit_test(iteration_is_in_order_of_insertion),
        cmocka_unit_test(behaves_like_an_array_of_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
