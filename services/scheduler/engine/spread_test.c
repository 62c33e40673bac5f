/* SPDX-License-Identifier: Apache-2.0 */
/* The heaps of heaps against the rule itself: in each round, look at every item and take the first. */
#include "services/scheduler/engine/spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/base/str.h"

#define ITEMS_MAX 40
#define ROUNDS 3000

/* Names that agree in their first bytes, differ after the eighth, or are part of another one. */
static const char *const stems[] = {"", "base-", "base-dynamic-stock-", "b", "\xc3\xa4-"};

struct question {
    struct spread_item items[ITEMS_MAX];
    char names[ITEMS_MAX][32], zones[ITEMS_MAX][2], nodes[ITEMS_MAX][2];
    size_t count, wanted;
    enum name_order order;
};

static void make_question(struct question *question, struct rand *rand)
{
    *question = (struct question){
        .count = rand_below(rand, ITEMS_MAX + 1),
        .wanted = rand_below(rand, ITEMS_MAX + 5),
        .order = rand_below(rand, 2) ? NAME_ASCENDING : NAME_DESCENDING,
    };
    uint64_t stem_kinds = 1 + rand_below(rand, ARRAY_LEN(stems)), ranks = 1 + rand_below(rand, 4);
    int32_t weight = rand_below(rand, 2) ? 1 : -1;
    for (size_t i = 0; i < question->count; i++) {
        const char *stem = stems[rand_below(rand, stem_kinds)];
        (void)snprintf(question->names[i], sizeof(question->names[i]), "%s%zu", stem, i * 37 % 101);
        question->zones[i][0] = "\0ab"[rand_below(rand, 3)];
        question->nodes[i][0] = "\0xyz"[rand_below(rand, 4)];
        question->items[i] = (struct spread_item){
            .name = question->names[i],
            .zone = question->zones[i],
            .node = question->nodes[i],
            .rank = (int64_t)rand_below(rand, ranks) - 2,
            .weight = rand_below(rand, 2) ? weight : 0,
            .candidate = rand_below(rand, 5) != 0,
        };
    }
}

/* -- the rule -- */

static int load_of(const struct question *question, const int32_t *weights, size_t of, bool node)
{
    int load = 0;
    for (size_t i = 0; i < question->count; i++)
        if (str_eq(question->zones[i], question->zones[of]) &&
            (!node || str_eq(question->nodes[i], question->nodes[of])))
            load += weights[i];
    return load;
}

static bool goes_before(const struct question *question, const int32_t *weights, size_t a, size_t b)
{
    const struct spread_item *x = &question->items[a], *y = &question->items[b];
    if (x->rank != y->rank)
        return x->rank < y->rank;
    for (int node = 0; node < 2; node++) {
        int load_x = load_of(question, weights, a, node),
            load_y = load_of(question, weights, b, node);
        if (load_x != load_y)
            return load_x < load_y;
    }
    int order = strcmp(x->name, y->name);
    return question->order == NAME_ASCENDING ? order < 0 : order > 0;
}

static size_t choose_by_rule(const struct question *question, uint32_t *out)
{
    int32_t weights[ITEMS_MAX];
    bool taken[ITEMS_MAX] = {false};
    for (size_t i = 0; i < question->count; i++)
        weights[i] = question->items[i].weight;
    for (size_t chosen = 0; chosen < question->wanted; chosen++) {
        size_t best = question->count;
        for (size_t i = 0; i < question->count; i++)
            if (question->items[i].candidate && !taken[i] &&
                (best == question->count || goes_before(question, weights, i, best)))
                best = i;
        if (best == question->count)
            return chosen;
        taken[best] = true;
        weights[best]++;
        out[chosen] = (uint32_t)best;
    }
    return question->wanted;
}

static void it_follows_the_rule(void **state)
{
    (void)state;
    struct rand rand;
    rand_seed(&rand, 20);
    for (int round = 0; round < ROUNDS; round++) {
        struct question question;
        uint32_t got[ITEMS_MAX + 5], expected[ITEMS_MAX + 5];
        make_question(&question, &rand);
        size_t len = choose_by_rule(&question, expected);
        assert_int_equal(
            spread_choose(question.items, question.count, question.order, question.wanted, got),
            len);
        assert_memory_equal(got, expected, len * sizeof(*got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_follows_the_rule)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
