/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void a_name_below_a_parent_is_one_group(void **state)
{
    (void)state;
    static const struct {
        uint32_t parent;
        const char *name;
    } rows[] = {
        {0, ""},         {0, "a"},         {1, "a"},         {0, "zone-a-1"},
        {1, "zone-a-1"}, {0, "zone-a-10"}, {0, "zone-a-11"}, {0, "zone-a-1.rack-7.node-12"},
        {0, "b"},
    };
    struct groups groups = {0};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            const struct group *group = groups_find(&groups, rows[i].parent, rows[i].name);
            assert_ptr_equal(group, &groups.items[i]);
            assert_string_equal(group->name, rows[i].name);
            assert_int_equal(group->parent, rows[i].parent);
        }
    assert_int_equal(groups.len, ARRAY_LEN(rows));
    groups_done(&groups);
}

static void many_are_found_again(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    char *names[MANY];
    struct groups groups = {0};
    for (size_t i = 0; i < MANY; i++) {
        names[i] = mem_printf("base-deployment-%zu", i);
        (void)groups_find(&groups, 0, names[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        const struct group *group = groups_find(&groups, 0, names[i]);
        assert_ptr_equal(group, &groups.items[i]);
    }
    assert_int_equal(groups.len, MANY);
    groups_done(&groups);
    for (size_t i = 0; i < MANY; i++)
        mem_free(names[i]);
}

/* -- names with one hash -- */

#define MIX                                                                                        \
    UINT64_C(0x9e3779b97f4a7c15) /* as groups.c has it; that they do have one hash is looked at */

static uint64_t step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * MIX;
    return hash ^ hash >> 32;
}

static void put_word(char *name, uint64_t word)
{
    memcpy(name, &word, sizeof(word));
}

/* Words without a zero byte, which would end the name. */
static bool is_text(uint64_t word)
{
    for (int i = 0; i < 8; i++)
        if (!(word >> (8 * i) & 0xff))
            return false;
    return true;
}

/* Of eight bytes: below parent 0 and below parent 1. */
static void make_names_of_two_parents(char below_0[9], char below_1[9])
{
    uint64_t difference = (UINT64_C(8) * MIX) ^ ((1 ^ UINT64_C(8)) * MIX);
    uint64_t word = UINT64_C(0x6161616161616161);
    while (!is_text(word) || !is_text(word ^ difference))
        word += UINT64_C(0x0101010101010101);
    put_word(below_0, word);
    put_word(below_1, word ^ difference);
}

/* Of sixteen bytes, below one parent. */
static void make_names_of_one_parent(char first[17], char second[17])
{
    uint64_t begin = UINT64_C(16) * MIX, a = UINT64_C(0x6161616161616161), b = a + 1;
    uint64_t word = a;
    while (!is_text(word ^ step(begin, a) ^ step(begin, b)))
        word += UINT64_C(0x0101010101010101);
    put_word(first, a);
    put_word(first + 8, word);
    put_word(second, b);
    put_word(second + 8, word ^ step(begin, a) ^ step(begin, b));
}

static void one_hash_is_not_one_group(void **state)
{
    (void)state;
    char below_0[9] = "", below_1[9] = "", first[17] = "", second[17] = "";
    make_names_of_two_parents(below_0, below_1);
    make_names_of_one_parent(first, second);
    const struct {
        uint32_t parent;
        const char *name;
    } rows[] = {{0, below_0}, {1, below_1}, {0, first}, {0, second}};
    struct groups groups = {0};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            const struct group *group = groups_find(&groups, rows[i].parent, rows[i].name);
            assert_ptr_equal(group, &groups.items[i]);
        }
    assert_int_equal(groups.len, 4);
    assert_true(groups.items[0].hash == groups.items[1].hash);
    assert_true(groups.items[2].hash == groups.items[3].hash);
    groups_done(&groups);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_below_a_parent_is_one_group),
        cmocka_unit_test(many_are_found_again),
        cmocka_unit_test(one_hash_is_not_one_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
