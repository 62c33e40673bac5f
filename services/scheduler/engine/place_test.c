/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

/* What is wrong with a base, in the order in which reasons count. */
enum flaw {
    NOT_READY = 1 << REFUSED_NOT_READY,
    TERMINATING = 1 << REFUSED_TERMINATING,
    NO_IP = 1 << REFUSED_NO_IP,
    UNREACHABLE = 1 << REFUSED_AGENT_UNREACHABLE,
    PRESENT = 1 << REFUSED_MODULE_PRESENT,
    MISMATCH = 1 << REFUSED_SELECTOR_MISMATCH,
    NO_METASPACE = 1 << REFUSED_METASPACE_FULL,
};

/* A base of a table: without flaws and limits where nothing else is said. */
struct row_base {
    const char *name, *zone, *node;
    int32_t modules;
    bool limited;
    int32_t max;
    int flaws;
};

#define NAME(n) .name = (n)
#define AT(n, z, on) .name = (n), .zone = (z), .node = (on)
#define MAX(n) .limited = true, .max = (n)
#define ROW_BASES_MAX 8

struct row {
    enum place_policy policy;
    size_t wanted;
    struct row_base bases[ROW_BASES_MAX]; /* to the first without a name */
    const char *answer;                   /* "names of the chosen, best first | explanation" */
};

static struct place_base base_of(const struct row_base *row)
{
    return (struct place_base){
        .name = row->name,
        .zone = row->zone,
        .node = row->node,
        .module_count = row->modules,
        .max_module_count = row->limited ? row->max : PLACE_UNLIMITED,
        .ready = !(row->flaws & NOT_READY),
        .terminating = row->flaws & TERMINATING,
        .has_ip = !(row->flaws & NO_IP),
        .agent_reachable = !(row->flaws & UNREACHABLE),
        .has_module = row->flaws & PRESENT,
        .metaspace_full = row->flaws & NO_METASPACE,
        .selector_matches = !(row->flaws & MISMATCH),
    };
}

static size_t bases_of(const struct row *row, struct place_base bases[ROW_BASES_MAX])
{
    size_t count = 0;
    for (; count < ROW_BASES_MAX && row->bases[count].name; count++)
        bases[count] = base_of(&row->bases[count]);
    return count;
}

static char *answer_of(const struct place_base *bases, size_t count, enum place_policy policy,
                       size_t wanted)
{
    AUTO(place_answer_done) struct place_answer answer;
    place(bases, count, policy, wanted, &answer);
    struct str text = STR_INIT(4096);
    for (size_t i = 0; i < answer.chosen_len; i++)
        str_printf(&text, "%s ", bases[answer.chosen[i]].name);
    AUTO_FREE char *explanation = place_explain(&answer, wanted);
    str_printf(&text, "| %s", explanation);
    return str_take(&text);
}

static void shuffle(struct place_base *bases, size_t count, struct rand *rand)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = rand_below(rand, i);
        struct place_base moved = bases[i - 1];
        bases[i - 1] = bases[other];
        bases[other] = moved;
    }
}

/* Each row is asked in many orders: the answer must not depend on it. */
static void check_rows(const struct row *rows, size_t count)
{
    struct rand rand;
    rand_seed(&rand, 1);
    for (size_t i = 0; i < count; i++) {
        struct place_base bases[ROW_BASES_MAX];
        size_t len = bases_of(&rows[i], bases);
        for (int order = 0; order < 50; order++) {
            AUTO_FREE char *answer = answer_of(bases, len, rows[i].policy, rows[i].wanted);
            assert_string_equal(answer, rows[i].answer);
            shuffle(bases, len, &rand);
        }
    }
}

static void scatter_takes_the_emptiest(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_SCATTER,
         2,
         {{NAME("a"), .modules = 2}, {NAME("b")}, {NAME("c"), .modules = 1}},
         "b c | 2 of 2 placed"},
        {PLACE_SCATTER, 2, {{NAME("c")}, {NAME("a")}, {NAME("b")}}, "a b | 2 of 2 placed"},
        {PLACE_SCATTER,
         1,
         {{NAME("base-10")}, {NAME("base-9")}, {NAME("base-100")}},
         "base-10 | 1 of 1 placed"},
        {PLACE_SCATTER, 0, {{NAME("a")}}, "| 0 of 0 placed"},
        {PLACE_SCATTER, 1, {{.name = NULL}}, "| 0 of 1 placed; there are no bases"},
        {PLACE_SCATTER,
         3,
         {{NAME("a")}, {NAME("b")}},
         "a b | 2 of 3 placed; there are no more bases"},
        /* Of counts the difference decides, not the room that is left. */
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .modules = 4, MAX(100)}, {NAME("b"), .modules = 3, MAX(4)}},
         "b | 1 of 1 placed"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void stacking_takes_the_fullest(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_STACKING,
         3,
         {{NAME("a"), .modules = 2}, {NAME("b")}, {NAME("c"), .modules = 1}},
         "a c b | 3 of 3 placed"},
        {PLACE_STACKING,
         1,
         {{NAME("b"), .modules = 7}, {NAME("a"), .modules = 7}},
         "a | 1 of 1 placed"},
        {PLACE_STACKING,
         2,
         {{NAME("a"), .modules = 3, MAX(3)},
          {NAME("b"), .modules = 2, MAX(3)},
          {NAME("c"), .modules = 9, MAX(9)}},
         "b | 1 of 2 placed; 2 bases refused: 2 Full"},
        /* It does not spread: zones and nodes don't matter. */
        {PLACE_STACKING,
         3,
         {{AT("a", "z1", "n1")}, {AT("b", "z1", "n1")}, {AT("c", "z2", "n2")}},
         "a b c | 3 of 3 placed"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void limits_are_kept(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_SCATTER, 1, {{NAME("a"), MAX(0)}}, "| 0 of 1 placed; 1 base refused: 1 Full"},
        {PLACE_STACKING, 1, {{NAME("a"), MAX(0)}}, "| 0 of 1 placed; 1 base refused: 1 Full"},
        {PLACE_SCATTER, 1, {{NAME("a"), .modules = 1, MAX(2)}}, "a | 1 of 1 placed"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .modules = 2, MAX(2)}},
         "| 0 of 1 placed; 1 base refused: 1 Full"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .modules = 3, MAX(2)}},
         "| 0 of 1 placed; 1 base refused: 1 Full"},
        {PLACE_SCATTER, 1, {{NAME("a"), .modules = INT32_MAX}}, "a | 1 of 1 placed"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .modules = INT32_MAX, MAX(INT32_MAX)}},
         "| 0 of 1 placed; 1 base refused: 1 Full"},
        /* A base is chosen once, however much room it has. */
        {PLACE_SCATTER, 2, {{NAME("a"), MAX(5)}}, "a | 1 of 2 placed; there are no more bases"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void scatter_spreads_over_zones_then_nodes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_SCATTER,
         3,
         {{AT("a", "z1", "n1")},
          {AT("b", "z1", "n2")},
          {AT("c", "z2", "n3")},
          {AT("d", "z3", "n4")}},
         "a c d | 3 of 3 placed"},
        {PLACE_SCATTER,
         3,
         {{AT("a", "z1", "n1")}, {AT("b", "z1", "n1")}, {AT("c", "z1", "n2")}},
         "a c b | 3 of 3 placed"},
        /* Instances that are there already count for their zone ... */
        {PLACE_SCATTER,
         1,
         {{AT("a", "z1", "n1"), .flaws = PRESENT}, {AT("b", "z1", "n2")}, {AT("c", "z2", "n3")}},
         "c | 1 of 1 placed; 1 base refused: 1 ModulePresent"},
        /* ... and for their node, also where their base is gone. */
        {PLACE_SCATTER,
         1,
         {{AT("a", "z1", "n1"), .flaws = PRESENT | NOT_READY},
          {AT("b", "z1", "n1")},
          {AT("c", "z1", "n2")}},
         "c | 1 of 1 placed; 1 base refused: 1 NotReady"},
        /* A zone weighs more than a node, fewer modules weigh more than both. */
        {PLACE_SCATTER,
         1,
         {{AT("a", "z1", "n1"), .flaws = PRESENT},
          {AT("b", "z1", "n2")},
          {AT("c", "z2", "n3"), .flaws = PRESENT},
          {AT("d", "z2", "n3")},
          {AT("e", "z2", "n4"), .flaws = PRESENT},
          {AT("f", "z1", "n1"), .modules = 1}},
         "b | 1 of 1 placed; 3 bases refused: 3 ModulePresent"},
        {PLACE_SCATTER,
         1,
         {{AT("a", "z1", "n1"), .flaws = PRESENT},
          {AT("b", "z1", "n1")},
          {AT("c", "z2", "n2"), .modules = 1}},
         "b | 1 of 1 placed; 1 base refused: 1 ModulePresent"},
        /* Nodes of the same name in two zones are two nodes. */
        {PLACE_SCATTER,
         4,
         {{AT("a", "z1", "n1")},
          {AT("b", "z1", "n2")},
          {AT("c", "z2", "n1")},
          {AT("d", "z2", "n3")}},
         "a c b d | 4 of 4 placed"},
        /* What is not known is a zone of its own, NULL or empty. */
        {PLACE_SCATTER,
         2,
         {{AT("a", "", "n1")}, {AT("b", NULL, "n2")}, {AT("c", "z1", "n3")}},
         "a c | 2 of 2 placed"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void each_refusal_has_its_name(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = NOT_READY}},
         "| 0 of 1 placed; 1 base refused: 1 NotReady"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = TERMINATING}},
         "| 0 of 1 placed; 1 base refused: 1 Terminating"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = NO_IP}},
         "| 0 of 1 placed; 1 base refused: 1 NoIP"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = UNREACHABLE}},
         "| 0 of 1 placed; 1 base refused: 1 AgentUnreachable"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = PRESENT}},
         "| 0 of 1 placed; 1 base refused: 1 ModulePresent"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = MISMATCH}},
         "| 0 of 1 placed; 1 base refused: 1 SelectorMismatch"},
        {PLACE_SCATTER,
         1,
         {{NAME("a"), .flaws = NO_METASPACE}},
         "| 0 of 1 placed; 1 base refused: 1 MetaspaceFull"},
        {PLACE_STACKING,
         5,
         {{NAME("a"), MAX(0)},
          {NAME("b")},
          {NAME("c")},
          {NAME("d"), .flaws = NOT_READY},
          {NAME("e"), MAX(0)}},
         "b c | 2 of 5 placed; 3 bases refused: 2 Full, 1 NotReady"},
        /* Equally frequent ones in the order in which they count. */
        {PLACE_SCATTER,
         0,
         {{NAME("a"), MAX(0)}, {NAME("b"), .flaws = NO_IP}, {NAME("c"), .flaws = TERMINATING}},
         "| 0 of 0 placed; 3 bases refused: 1 Terminating, 1 NoIP, 1 Full"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

/* A base with all flaws but the first few: the first that is left counts, and only that. */
static void the_first_reason_counts(void **state)
{
    (void)state;
    for (int first = 0; first < REFUSALS; first++) {
        struct row_base flawed = {.name = "a", MAX(0), .flaws = 0xff & ~((1 << first) - 1)};
        struct place_base base = base_of(&flawed);
        AUTO(place_answer_done) struct place_answer answer;
        place(&base, 1, PLACE_SCATTER, 1, &answer);
        assert_int_equal(answer.chosen_len, 0);
        for (int reason = 0; reason < REFUSALS; reason++)
            assert_int_equal(answer.refused[reason], reason == first);
    }
}

/* -- 10,000 bases: 10 zones of 100 nodes of 10 bases -- */

#define FLEET 10000

static struct place_base *fleet_new(void)
{
    struct place_base *bases = mem_alloc(FLEET * sizeof(*bases));
    for (int i = 0; i < FLEET; i++) {
        int n = (int)((int64_t)i * 7919 % FLEET); /* in an order that names don't have */
        bases[i] = (struct place_base){
            .name = mem_printf("base-%05d", n),
            .zone = mem_printf("zone-%d", n % 10),
            .node = mem_printf("node-%d", n / 10 % 100),
            .max_module_count = PLACE_UNLIMITED,
            .ready = true,
            .has_ip = true,
            .agent_reachable = true,
            .selector_matches = true,
        };
    }
    return bases;
}

static void fleet_free(struct place_base *bases)
{
    for (int i = 0; i < FLEET; i++) {
        mem_free((char *)(uintptr_t)bases[i].name);
        mem_free((char *)(uintptr_t)bases[i].zone);
        mem_free((char *)(uintptr_t)bases[i].node);
    }
    mem_free(bases);
}

static int number_of(const struct place_base *base)
{
    int64_t number = -1;
    assert_true(str_parse_int64(base->name + strlen("base-"), 0, FLEET, &number));
    return (int)number;
}

/* 2,500 instances: 250 in each zone, 2 or 3 on each node. */
static void scatter_is_even_on_a_fleet(void **state)
{
    (void)state;
    struct place_base *bases = fleet_new();
    AUTO(place_answer_done) struct place_answer answer;
    int zones[10] = {0}, nodes[1000] = {0};
    place(bases, FLEET, PLACE_SCATTER, 2500, &answer);
    assert_int_equal(answer.chosen_len, 2500);
    AUTO_FREE bool *taken = mem_alloc(FLEET * sizeof(*taken));
    for (size_t i = 0; i < answer.chosen_len; i++) {
        int number = number_of(&bases[answer.chosen[i]]);
        assert_false(taken[number]);
        taken[number] = true;
        zones[number % 10]++;
        nodes[number % 1000]++;
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(zones[i], 250);
    for (int i = 0; i < 1000; i++)
        assert_in_range(nodes[i], 2, 3);
    fleet_free(bases);
}

static void stacking_fills_a_fleet_from_the_top(void **state)
{
    (void)state;
    struct place_base *bases = fleet_new();
    for (int i = 0; i < FLEET; i++) {
        bases[i].module_count = number_of(&bases[i]);
        bases[i].max_module_count = 9000; /* the upper 1,000 are full */
    }
    AUTO(place_answer_done) struct place_answer answer;
    place(bases, FLEET, PLACE_STACKING, FLEET, &answer);
    assert_int_equal(answer.chosen_len, 9000);
    assert_int_equal(answer.refused[REFUSED_FULL], 1000);
    for (int i = 0; i < 9000; i++)
        assert_int_equal(number_of(&bases[answer.chosen[i]]), 8999 - i);
    fleet_free(bases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scatter_takes_the_emptiest),
        cmocka_unit_test(stacking_takes_the_fullest),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(scatter_spreads_over_zones_then_nodes),
        cmocka_unit_test(each_refusal_has_its_name),
        cmocka_unit_test(the_first_reason_counts),
        cmocka_unit_test(scatter_is_even_on_a_fleet),
        cmocka_unit_test(stacking_fills_a_fleet_from_the_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
