/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/evict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

/* An instance of a table: healthy on a ready base where nothing else is said. */
struct row_instance {
    const char *name, *zone, *node;
    int32_t modules;
    bool unhealthy, unready;
};

#define NAME(n) .name = (n)
#define AT(n, z, on) .name = (n), .zone = (z), .node = (on)
#define ROW_INSTANCES_MAX 8

struct row {
    enum place_policy policy;
    size_t wanted;
    struct row_instance instances[ROW_INSTANCES_MAX]; /* to the first without a name */
    const char *gone;                                 /* names, the first to go first */
};

static size_t instances_of(const struct row *row, struct evict_instance out[ROW_INSTANCES_MAX])
{
    size_t count = 0;
    for (; count < ROW_INSTANCES_MAX && row->instances[count].name; count++) {
        const struct row_instance *one = &row->instances[count];
        out[count] = (struct evict_instance){
            .name = one->name,
            .zone = one->zone,
            .node = one->node,
            .module_count = one->modules,
            .healthy = !one->unhealthy,
            .base_ready = !one->unready,
        };
    }
    return count;
}

static char *answer_of(const struct evict_instance *instances, size_t count,
                       enum place_policy policy, size_t wanted)
{
    uint32_t chosen[ROW_INSTANCES_MAX];
    size_t len = evict(instances, count, policy, wanted, chosen);
    struct str text = STR_INIT(4096);
    for (size_t i = 0; i < len; i++)
        str_printf(&text, "%s%s", i ? " " : "", instances[chosen[i]].name);
    return str_take(&text);
}

static void shuffle(struct evict_instance *instances, size_t count, struct rand *rand)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = rand_below(rand, i);
        struct evict_instance moved = instances[i - 1];
        instances[i - 1] = instances[other];
        instances[other] = moved;
    }
}

/* Each row is asked in many orders: the answer must not depend on it. */
static void check_rows(const struct row *rows, size_t count)
{
    struct rand rand;
    rand_seed(&rand, 1);
    for (size_t i = 0; i < count; i++) {
        struct evict_instance instances[ROW_INSTANCES_MAX];
        size_t len = instances_of(&rows[i], instances);
        for (int order = 0; order < 50; order++) {
            AUTO_FREE char *answer = answer_of(instances, len, rows[i].policy, rows[i].wanted);
            assert_string_equal(answer, rows[i].gone);
            shuffle(instances, len, &rand);
        }
    }
}

static void the_unwell_go_first(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_SCATTER,
         2,
         {{NAME("a"), .unready = true}, {NAME("b"), .unhealthy = true}, {NAME("c"), .modules = 9}},
         "b a"},
        {PLACE_STACKING,
         2,
         {{NAME("a"), .unready = true}, {NAME("b"), .unhealthy = true}, {NAME("c")}},
         "b a"},
        /* Both before either. */
        {PLACE_SCATTER,
         3,
         {{NAME("a"), .unhealthy = true, .unready = true},
          {NAME("b"), .unhealthy = true},
          {NAME("c"), .unready = true}},
         "a b c"},
        /* No number of modules outweighs health. */
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .unhealthy = true}, {NAME("b"), .modules = INT32_MAX}},
         "a"},
        {PLACE_STACKING,
         1,
         {{NAME("a"), .unhealthy = true, .modules = INT32_MAX}, {NAME("b")}},
         "a"},
        {PLACE_STACKING, 1, {{NAME("a"), .unready = true, .modules = INT32_MAX}, {NAME("b")}}, "a"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void scatter_empties_the_fullest(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_SCATTER,
         2,
         {{NAME("a"), .modules = 2}, {NAME("b"), .modules = 3}, {NAME("c"), .modules = 1}},
         "b a"},
        {PLACE_SCATTER, 2, {{NAME("a")}, {NAME("b")}, {NAME("c")}}, "c b"},
        {PLACE_SCATTER, 0, {{NAME("a")}}, ""},
        {PLACE_SCATTER, 3, {{NAME("a")}, {NAME("b")}}, "b a"},
        {PLACE_SCATTER, 1, {{.name = NULL}}, ""},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void stacking_empties_the_emptiest(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_STACKING,
         2,
         {{NAME("a"), .modules = 2}, {NAME("b"), .modules = 3}, {NAME("c"), .modules = 1}},
         "c a"},
        {PLACE_STACKING, 2, {{NAME("a")}, {NAME("b")}, {NAME("c")}}, "c b"},
        {PLACE_STACKING,
         2,
         {{AT("a", "z1", "n1")},
          {AT("b", "z1", "n1")},
          {AT("c", "z2", "n2")},
          {AT("d", "z3", "n3")}},
         "d c"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void what_remains_is_spread(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* From the fullest zone, until zones are even; then by name, the last one first. */
        {PLACE_SCATTER,
         3,
         {{AT("a", "z1", "n1")},
          {AT("b", "z1", "n2")},
          {AT("c", "z1", "n3")},
          {AT("d", "z2", "n4")}},
         "c b d"},
        /* Within a zone from the fullest node. */
        {PLACE_SCATTER,
         2,
         {{AT("a", "z1", "n1")},
          {AT("b", "z1", "n1")},
          {AT("c", "z1", "n2")},
          {AT("d", "z2", "n3")}},
         "b c"},
        /* One on its way out for another reason does not count as remaining. */
        {PLACE_SCATTER,
         2,
         {{AT("a", "z1", "n1")},
          {AT("b", "z1", "n2"), .unhealthy = true},
          {AT("c", "z2", "n3")},
          {AT("d", "z2", "n4")}},
         "b d"},
        /* More modules on the base weigh more than the spread. */
        {PLACE_SCATTER,
         1,
         {{AT("a", "z1", "n1")}, {AT("b", "z1", "n1")}, {AT("c", "z2", "n2"), .modules = 1}},
         "c"},
        /* One in the fullest zone that stays all the same: its zone counts it. */
        {PLACE_SCATTER,
         1,
         {{AT("a", "z1", "n1"), .modules = 1},
          {AT("b", "z1", "n2")},
          {AT("c", "z2", "n3"), .modules = 1}},
         "a"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

/* -- 10,000 instances: 10 zones of 100 nodes of 10 -- */

#define FLEET 10000

static void a_fleet_shrinks_evenly(void **state)
{
    (void)state;
    struct evict_instance *instances = mem_alloc(FLEET * sizeof(*instances));
    char(*texts)[3][16] = mem_alloc(FLEET * sizeof(*texts));
    uint32_t *chosen = mem_alloc(7500 * sizeof(*chosen));
    int zones[10] = {0}, nodes[1000] = {0};
    for (int i = 0; i < FLEET; i++) {
        (void)snprintf(texts[i][0], sizeof(texts[i][0]), "i-%05d", i);
        (void)snprintf(texts[i][1], sizeof(texts[i][1]), "zone-%d", i % 10);
        (void)snprintf(texts[i][2], sizeof(texts[i][2]), "node-%d", i / 10 % 100);
        instances[i] = (struct evict_instance){
            .name = texts[i][0],
            .zone = texts[i][1],
            .node = texts[i][2],
            .healthy = true,
            .base_ready = true,
        };
    }
    assert_int_equal(evict(instances, FLEET, PLACE_SCATTER, 7500, chosen), 7500);
    for (int i = 0; i < 7500; i++) {
        assert_non_null(instances[chosen[i]].name);
        instances[chosen[i]].name = NULL; /* goes once */
    }
    for (int i = 0; i < FLEET; i++) {
        zones[i % 10] += instances[i].name != NULL;
        nodes[i % 1000] += instances[i].name != NULL;
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(zones[i], 250);
    for (int i = 0; i < 1000; i++)
        assert_in_range(nodes[i], 2, 3);
    mem_free(chosen);
    mem_free(texts);
    mem_free(instances);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unwell_go_first),
        cmocka_unit_test(scatter_empties_the_fullest),
        cmocka_unit_test(stacking_empties_the_emptiest),
        cmocka_unit_test(what_remains_is_spread),
        cmocka_unit_test(a_fleet_shrinks_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
