/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/disruption.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define NUMBER(n)                                                                                  \
    {                                                                                              \
        INT_OR_PERCENT_INT, n                                                                      \
    }
#define PERCENT(n)                                                                                 \
    {                                                                                              \
        INT_OR_PERCENT_PERCENT, n                                                                  \
    }

/* 5.9: a number, or a part of all, rounded down as in Deployments. */
static void limits(void **state)
{
    (void)state;
    static const struct {
        struct int_or_percent max;
        int32_t target;
        bool gap_always;
        int32_t limit;
    } rows[] = {
        {{0}, 3, false, INT32_MAX},
        {{0}, 3, true, INT32_MAX},
        {NUMBER(0), 3, false, 0},
        {NUMBER(0), 3, true, 0}, /* said plainly: nothing is taken out of service */
        {NUMBER(2), 3, false, 2},
        {NUMBER(7), 3, false, 7},
        {PERCENT(50), 3, false, 1},
        {PERCENT(50), 4, false, 2},
        {PERCENT(25), 4, false, 1},
        {PERCENT(25), 7, false, 1},
        {PERCENT(34), 3, false, 1},
        {PERCENT(33), 3, false, 0},
        {PERCENT(33), 3, true, 1}, /* no other way to move at all */
        {PERCENT(1), 1, true, 1},
        {PERCENT(0), 3, true, 0},
        {PERCENT(100), 3, false, 3},
        {PERCENT(50), 0, false, 0},
        {PERCENT(100), 1000000, false, 1000000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int32_t got = disruption_limit(&rows[i].max, rows[i].target, rows[i].gap_always);
        if (got != rows[i].limit)
            fail_msg("row %zu: want %d, got %d", i, rows[i].limit, got);
    }
}

/* How many may go, where the revision that is first is released; then whether @going may. */
static const struct row {
    const char *name, *spec, *revisions, *bases;
    int32_t left;
    const char *going; /* NULL: nobody is asked for */
    bool may;
} rows[] = {
    {.name = "5.9 no bound",
     .spec = "v2 x4",
     .revisions = "v2#2=4; v1#1=0 aA",
     .left = INT32_MAX,
     .going = "v1@a",
     .may = true},
    {.name = "5.9 all serve: one may go",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aA bA cA dA",
     .left = 1,
     .going = "v1@a",
     .may = true},
    {.name = "5.9 none may",
     .spec = "v2 x4 max=0",
     .revisions = "v2#2=4; v1#1=0 aA bA cA dA",
     .left = 0,
     .going = "v1@a"},
    {.name = "5.9 half of three is one",
     .spec = "v2 x3 max=50%",
     .revisions = "v2#2=3; v1#1=0 aA bA cA",
     .left = 1},
    {.name = "5.9 one is replaced in place: not in service from then on",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4 aP>pa; v1#1=0 aA bA cA dA",
     .left = 0,
     .going = "v1@b"},
    {.name = "... nor where that failed and the old one was put back, for it is tried again",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4 aF>pa; v1#1=0 aA bA cA dA",
     .left = 0},
    {.name = "... until the successor is Available",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4 aA>pa; v1#1=0 aN bA cA dA",
     .left = 1},
    {.name = "5.9 side by side, or on another base: in service all the time, and one, not two",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4 aU>sa bA>sb eA>oc; v1#1=0 aA bA cA dA",
     .bases = "a b c d e",
     .left = 1},
    {.name = "5.9 others count too: one is sick",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aN bA cA dA",
     .left = 0,
     .going = "v1@b"},
    {.name = "... says its report",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aA! bA cA dA",
     .left = 0},
    {.name = "... its base does not answer",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aA bA cA dA",
     .bases = "a! b c d",
     .left = 0},
    {.name = "... its base is gone",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 xA bA cA dA",
     .left = 0},
    {.name = "... it has failed",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aF bA cA dA",
     .left = 0},
    {.name = "... one is not there yet",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aA bA cA",
     .left = 0},
    {.name = "... more than it allows",
     .spec = "v2 x4 max=1",
     .revisions = "v2#2=4; v1#1=0 aN bN cA dA",
     .left = -1},
    {.name = "5.9 who serves nobody may go always",
     .spec = "v2 x4 max=0",
     .revisions = "v2#2=4; v1#1=0 aN bA cA dA",
     .left = -1,
     .going = "v1@a",
     .may = true},
    {.name = "4.1 what is removed on purpose is not unavailable: fewer are wanted",
     .spec = "v1 x2 max=0",
     .revisions = "v1#1=2 aA bA cA dA",
     .left = 2,
     .going = "v1@a",
     .may = true},
    {.name = "4.1 ... while it goes",
     .spec = "v1 x2 max=0",
     .revisions = "v1#1=2 aA- bA- cA dA",
     .left = 0,
     .going = "v1@c"},
    {.name = "4.2 an instance that a user deletes is unavailable until another is",
     .spec = "v1 x4 max=1",
     .revisions = "v1#1=4 aA- bA cA dA",
     .left = 0},
    {.name = "1.2 deletion has no bound",
     .spec = "v1 x4 max=0 deleting",
     .revisions = "v1#1=0 aA",
     .left = INT32_MAX,
     .going = "v1@a",
     .may = true},
    {.name = "2.2 a new version beside the old one that serves is not missed",
     .spec = "v1 x2 max=0",
     .revisions = "v1#3=2 aA bA; v2#2=0 aA>sa",
     .left = 0,
     .going = "v2@a",
     .may = true},
    {.name = "2.2 a new version in place of the old one is",
     .spec = "v1 x2 max=0",
     .revisions = "v1#3=2 aN bA; v2#2=0 aA>pa",
     .left = 0,
     .going = "v2@a"},
    {.name = "2.2 a successor in place is given up: who knows whether the old one is still there",
     .spec = "v1 x2 max=1",
     .revisions = "v1#3=2 aA bA; v2#2=0 aU>pa-",
     .left = 0,
     .going = "v1@b"},
    {.name = "... beside it: it is",
     .spec = "v1 x2 max=1",
     .revisions = "v1#3=2 aA bA; v2#2=0 aU>sa-",
     .left = 1},
    {.name = "two came in the place of one: the second serves as any other",
     .spec = "v2 x2 max=0",
     .revisions = "v2#2=2 aA>sa bA>oa; v1#1=0 aA",
     .left = -1,
     .going = "v2@b"},
    {.name = "5.10 symmetric: of the bases that are there",
     .spec = "v2 x-1 max=50%",
     .revisions = "v2#2=4; v1#1=0 aA bA cA dA",
     .left = 2},
};

static void what_may_go(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const struct kit_row world = {.spec = row->spec,
                                      .revisions = row->revisions,
                                      .bases = row->bases ? row->bases : "a b c d"};
        struct kit kit;
        kit_init(&kit, &world);
        struct deployment_view view = kit_view(&kit);
        struct disruption disruption = disruption_of(&view, kit.revisions[0]);
        int32_t left = disruption_left(&disruption);
        bool may = row->going && disruption_take(&disruption, kit_instance(&kit, row->going));
        if (left != row->left || may != row->may)
            fail_msg("%s: want %d %d, got %d %d", row->name, row->left, row->may, left, may);
        kit_done(&kit);
    }
}

/* Before anything is released there is nothing to hold to the bound. */
static void without_a_revision(void **state)
{
    (void)state;
    const struct kit_row world = {
        .spec = "v2 x4 max=0", .revisions = "v1#1=0 aA bA", .bases = "a b"};
    struct kit kit;
    kit_init(&kit, &world);
    struct deployment_view view = kit_view(&kit);
    struct disruption disruption = disruption_of(&view, NULL);
    assert_int_equal(disruption_left(&disruption), INT32_MAX);
    assert_true(disruption_take(&disruption, kit_instance(&kit, "v1@a")));
    assert_null(disruption_told(&view, NULL));
    kit_done(&kit);
}

/* What one takes is gone for the next. */
static void taken_once(void **state)
{
    (void)state;
    const struct kit_row world = {
        .spec = "v2 x4 max=2", .revisions = "v2#2=4; v1#1=0 aA bA cN dA", .bases = "a b c d"};
    struct kit kit;
    kit_init(&kit, &world);
    struct deployment_view view = kit_view(&kit);
    struct disruption disruption = disruption_of(&view, kit.revisions[0]);
    assert_true(disruption_take(&disruption, kit_instance(&kit, "v1@a")));
    assert_false(disruption_take(&disruption, kit_instance(&kit, "v1@b")));
    assert_true(disruption_take(&disruption, kit_instance(&kit, "v1@c")));
    assert_int_equal(disruption_left(&disruption), 0);
    kit_done(&kit);
}

/* What the last report does not find, or not active, is looked at again before another one goes. */
static void not_found_by_the_last_report(void **state)
{
    (void)state;
    static const struct {
        enum reported reported;
        int32_t left;
    } cases[] = {
        {REPORTED_ACTIVE, 1}, {REPORTED_NOTHING, 1}, /* nothing was heard yet: as its status says */
        {REPORTED_ABSENT, 0}, {REPORTED_INACTIVE, 0}, {REPORTED_BROKEN, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct kit_row world = {
            .spec = "v2 x2 max=1", .revisions = "v2#2=2; v1#1=0 aA bA", .bases = "a b"};
        struct kit kit;
        kit_init(&kit, &world);
        kit.revisions[1]->instances.items[0]->reported = cases[i].reported;
        struct deployment_view view = kit_view(&kit);
        struct disruption disruption = disruption_of(&view, kit.revisions[0]);
        assert_int_equal(disruption_left(&disruption), cases[i].left);
        assert_int_equal(disruption_more_at(&disruption) != 0, cases[i].left == 0);
        kit_done(&kit);
    }
}

/* As in Deployments, an instance is available once it has been so for minReadySeconds: then the next may go. */
static void ready_for_long_enough(void **state)
{
    (void)state;
    static const struct {
        int64_t since_ms;
        int32_t left;
        int64_t more_ms;
    } cases[] = {
        {KIT_NOW_MS - 30000, 1, 0},
        {KIT_NOW_MS - 29000, 0, KIT_NOW_MS + 1000},
        {KIT_NOW_MS + 1, 1, 0}, /* the clock was set back: it was so before */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct kit_row world = {.spec = "v2 x2 max=1 min-ready=30",
                                      .revisions = "v2#2=2 aA; v1#1=0 bA",
                                      .bases = "a b"};
        struct kit kit;
        kit_init(&kit, &world);
        kit_module(kit.revisions[0]->instances.items[0])->status.last_transition_ms =
            cases[i].since_ms;
        struct deployment_view view = kit_view(&kit);
        struct disruption disruption = disruption_of(&view, kit.revisions[0]);
        assert_int_equal(disruption_left(&disruption), cases[i].left);
        assert_int_equal(disruption_more_at(&disruption), cases[i].more_ms);
        assert_int_equal(disruption_take(&disruption, kit.revisions[1]->instances.items[0]),
                         cases[i].left > 0);
        kit_done(&kit);
    }
}

/* Why nothing moves, and what would help. The revision that is first is released. */
static void told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *spec, *revisions, *answers, *told;
    } cases[] = {
        {"no bound", "v2 x2 uninstallThenInstall", "v2#2=2; v1#1=0 aA bA", "", NULL},
        {"5.9 the policy has no other way", "v2 x2 uninstallThenInstall max=0",
         "v2#2=2; v1#1=0 aA bA", "",
         "2 instances can only be replaced with a gap (UpgradePolicy), but maxUnavailable is 0: a "
         "higher one would help, or another upgradePolicy"},
        {"only those of the batch", "v2 x2 uninstallThenInstall batches=2 max=0",
         "v2#2=1; v1#1=1 aA bA", "",
         "1 instance can only be replaced with a gap (UpgradePolicy), but maxUnavailable is 0: a "
         "higher one would help, or another upgradePolicy"},
        {"5.9 a wave can begin", "v2 x2 uninstallThenInstall max=1", "v2#2=2; v1#1=0 aA bA", "",
         NULL},
        {"5.9 a wave is on its way", "v2 x2 uninstallThenInstall max=1",
         "v2#2=2 aP>pa; v1#1=0 aA bA", "", NULL},
        {"5.9 others are unavailable already", "v2 x2 uninstallThenInstall max=50%",
         "v2#2=2 bN; v1#1=0 aA", "",
         "1 instance can only be replaced with a gap (UpgradePolicy), but maxUnavailable is 50%, "
         "which is 1 of 2 and 1 of 2 are unavailable already: a higher one would help, or another "
         "upgradePolicy"},
        {"one that serves nobody is not held up", "v2 x1 uninstallThenInstall max=0",
         "v2#2=1; v1#1=0 aN", "", NULL},
        {"5.9 one web path and no room", "v2 x2 max=0", "v2#2=2 web; v1#1=0 aA bA",
         "place v2 spent",
         "2 instances can only be replaced with a gap (WebPathInUse,NoCapacity), but "
         "maxUnavailable is 0: a higher one would help, or room on another base"},
        {"5.9 ... whose successors wait beside them", "v2 x2 max=0",
         "v2#2=2 web aP>sa? bP>sb?; v1#1=0 aA bA", "place v2 spent",
         "2 instances can only be replaced with a gap (WebPathInUse,NoCapacity), but "
         "maxUnavailable is 0: a higher one would help, or room on another base"},
        {"whether there is room is not known", "v2 x2 max=0", "v2#2=2 web; v1#1=0 aA bA", "", NULL},
        {"5.5 side by side has no gap", "v2 x2 max=0", "v2#2=2; v1#1=0 aA bA", "", NULL},
        {"2.2 a new version in place can't be given up", "v1 x2 max=0",
         "v1#3=2 aN bA; v2#2=0 aA>pa", "",
         "1 instance can only be replaced with a gap (InPlace), but maxUnavailable is 0: a higher "
         "one would help, or room on another base"},
        {"old ones would have to make room", "v2^x x2 max=0", "v2^x#2=2; v1#1=0 aA bA",
         "place v2^x spent", NULL},
        {"old ones are to be removed, and too few others serve", "v2 x4 max=0",
         "v2#2=2 cA dA; v1#1=0 aA bA", "",
         "2 instances can only be removed with a gap (NoCapacity), but maxUnavailable is 0: a "
         "higher one would help, or room on another base"},
        {"... which are on their way", "v2 x4 max=0", "v2#2=2 cU dU; v1#1=0 aA bA", "", NULL},
        {"4.1 of those that are too many some serve nobody", "v1 x1 max=0", "v1#1=1 aA bN cN", "",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct kit_row world = {.spec = cases[i].spec,
                                      .revisions = cases[i].revisions,
                                      .bases = "a b c d",
                                      .answers = cases[i].answers};
        struct kit kit;
        kit_init(&kit, &world);
        struct deployment_view view = kit_view(&kit);
        AUTO_FREE char *text = disruption_told(&view, kit.revisions[0]);
        if (!str_eq(text, cases[i].told))
            fail_msg("%s\n  want: %s\n  got:  %s", cases[i].name,
                     cases[i].told ? cases[i].told : "", text ? text : "");
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(what_may_go),
        cmocka_unit_test(without_a_revision),
        cmocka_unit_test(taken_once),
        cmocka_unit_test(ready_for_long_enough),
        cmocka_unit_test(not_found_by_the_last_report),
        cmocka_unit_test(told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
