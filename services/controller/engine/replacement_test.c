/* SPDX-License-Identifier: Apache-2.0 */
/* Who may be replaced, and how. What is made of it: plan_replicaset_test.c. */
#include "services/controller/engine/replacement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define BASES "a b c"

static void who_may_get_a_successor(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions, *old;
        bool may;
    } rows[] = {
        {"one of an old revision", "v2#2=1; v1#1=0 aA", "v1@a", true},
        {"... be it Available or not", "v2#2=1; v1#1=0 aF", "v1@a", true},
        {"... which goes", "v2#2=1; v1#1=0 aA-", "v1@a", false},
        {"... which has one", "v2#2=1 aU>sa; v1#1=0 aA", "v1@a", false},
        {"... whose base is gone", "v2#2=1; v1#1=0 xA", "v1@x", false},
        {"... that never came to serve in the place of another", "v2#2=1; v3#3=0 aU>sa; v1#1=0 aA",
         "v3@a", false},
        {"nobody", "v2#2=1; v1#1=0", "v1@a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {
            .spec = "v2 x1", .revisions = rows[i].revisions, .bases = BASES};
        struct kit kit;
        kit_init(&kit, &world);
        if (can_be_replaced(kit_instance(&kit, rows[i].old), kit.revisions[0]) != rows[i].may)
            fail_msg("%s", rows[i].name);
        kit_done(&kit);
    }
}

static void who_waits_for_another_way(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions, *instance;
        bool waits;
    } rows[] = {
        {"refused beside the old one", "v2#2=1 aF>sa?; v1#1=0 aA", "v2@a", true},
        {"... for its metaspace", "v2#2=1 aF>sa%; v1#1=0 aA", "v2@a", true},
        {"... which is off its base", "v2#2=1 aF>sx?; v1#1=0 xA", "v2@a", false},
        {"... and goes itself", "v2#2=1 aF>sa?-; v1#1=0 aA", "v2@a", false},
        {"not refused", "v2#2=1 aU>sa; v1#1=0 aA", "v2@a", false},
        {"in place", "v2#2=1 aF>pa?; v1#1=0 aA", "v2@a", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {
            .spec = "v2 x1", .revisions = rows[i].revisions, .bases = BASES};
        struct kit kit;
        kit_init(&kit, &world);
        if (waits_for_way(kit_instance(&kit, rows[i].instance)) != rows[i].waits)
            fail_msg("%s", rows[i].name);
        kit_done(&kit);
    }
}

/* One version twice never runs in one base; the same number of another module is another version. */
static void the_way_of_all(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions;
        bool renamed; /* the old one is of module "order" */
        enum upgrade_way way;
    } rows[] = {
        {"another version", "v2#2=1; v1#1=0", false, WAY_SIDE_BY_SIDE},
        {"the same one with another digest", "v1b#2=1; v1#1=0", false, WAY_OTHER_BASE},
        {"the same one of another module", "v1b#2=1; v1#1=0", true, WAY_SIDE_BY_SIDE},
        {"with a known web path", "v2#2=1 web; v1#1=0", false, WAY_OTHER_BASE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {.spec = "v2 x1", .revisions = rows[i].revisions};
        struct kit kit;
        kit_init(&kit, &world);
        if (rows[i].renamed)
            mem_replace(&kit_rs(kit.revisions[1])->spec.template.module.name, "order");
        struct deployment_view view = kit_view(&kit);
        if (replacement_way_of_all(&view, kit.revisions[0], kit.revisions[1]) != rows[i].way)
            fail_msg("%s", rows[i].name);
        kit_done(&kit);
    }
}

/* What is given up goes by itself: it is neither too many nor counted where it goes already. */
static void how_many_are_too_many(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions; /* of the first one, for a release of the last one */
        int32_t surplus, lack;
    } rows[] = {
        {"as many as are wanted", "v2#2=1 aA; v1#3=1 bA", 0, 0},
        {"more", "v2#2=1 aA bA; v1#3=1 cA", 1, 0},
        {"those that go are none", "v2#2=0 aA bA-; v1#3=1 cA", 1, 0},
        {"nor those that have a successor", "v2#2=0 aA bA; v1#3=1 aU>sa", 1, 0},
        {"nor those that are given up", "v2#2=0 aU>sa bA; v1#3=1 aA", 1, 0},
        {"... be there one that goes, too", "v2#2=0 aU>sa bU- cA; v1#3=1 aA", 1, 0},
        {"fewer", "v2#2=3 aA bA-; v1#3=1 cA", 0, 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {
            .spec = "v1 x1", .revisions = rows[i].revisions, .bases = BASES};
        struct kit kit;
        kit_init(&kit, &world);
        ASSERT(kit.revision_count == 2);
        if (revision_surplus(kit.revisions[0], kit.revisions[1]) != rows[i].surplus ||
            revision_lack(kit.revisions[0]) != rows[i].lack)
            fail_msg("%s", rows[i].name);
        kit_done(&kit);
    }
}

/* Who makes room before its batch, where a base was lost, or is not selected, or is still to come. */
static void who_gives_way_early(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions, *bases, *answers; /* of the first one, for the last one */
        int32_t early;
    } rows[] = {
        {"there is room", "v1#1=2 aA bA cA dA; v2^x#2=3", "a^x b^x c^x d^x", "", 0},
        {"as many as find none, and who is too many is less", "v1#1=2 aA bA cA dA; v2^x#2=3",
         "a^x b^x c^x d^x", "place v2^x spent", 1},
        {"an answer with nothing counts at once", "v1#1=2 aA bA cA dA; v2^x#2=3", "a^x b^x c^x d^x",
         "place v2^x none", 1},
        {"some were found: they come first", "v1#1=2 aA bA cA dA; v2^x#2=3", "a^x b^x c^x d^x",
         "place v2^x e", 0},
        {"it is being asked", "v1#1=2 aA bA cA dA; v2^x#2=3", "a^x b^x c^x d^x", "place v2^x asked",
         0},
        {"that was long ago", "v1#1=2 aA bA cA dA; v2^x#2=3", "a^x b^x c^x d^x",
         "place v2^x long-spent", 0},
        {"who is too many covers all", "v1#1=1 aA bA cA dA; v2^x#2=3", "a^x b^x c^x d^x",
         "place v2^x spent", 0},
        {"all of it is there", "v1#1=2 aA bA; v2^x#2=2 cA dA", "a^x b^x c^x d^x",
         "place v2^x spent", 0},
        {"those that have a successor don't", "v1#1=2 aA bA cA; v2^x#2=3 aU>sa", "a^x b^x c^x",
         "place v2^x spent", 2},
        {"bases that are not selected give none", "v1#1=2 aA bA cA dA; v2^x#2=3", "a b c^x d",
         "place v2^x spent", 0},
        {"... so that another one does", "v1#1=1 aA bA; v3#2=1 cA; v2^x#3=2", "a^x b c^x",
         "place v2^x spent", 0},
        {"bases of another Deployment give none", "v1#1=2 aA bA cA dA; v2^x#2=3", "a@ b@ c@ d@",
         "place v2^x spent", 0},
        {"the oldest gives first", "v1#1=1 aA; v3#2=1 bA; v2^x#3=1", "a^x b^x", "place v2^x spent",
         1},
        {"... the newer one not", "v3#2=1 bA; v1#1=1 aA; v2^x#3=1", "a^x b^x", "place v2^x spent",
         0},
        {"... but for the rest", "v3#2=1 bA; v1#1=1 aA; v2^x#3=2", "a^x b^x", "place v2^x spent",
         1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {.spec = "v2^x x5",
                                      .revisions = rows[i].revisions,
                                      .bases = rows[i].bases,
                                      .answers = rows[i].answers};
        struct kit kit;
        kit_init(&kit, &world);
        struct deployment_view view = kit_view(&kit);
        const struct revision *update = kit.revisions[kit.revision_count - 1];
        int32_t early = gives_way_early(&view, kit.revisions[0], update);
        if (early != rows[i].early)
            fail_msg("%s: %d", rows[i].name, early);
        assert_int_equal(gives_way_early(&view, update, update), 0);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_get_a_successor), cmocka_unit_test(who_waits_for_another_way),
        cmocka_unit_test(the_way_of_all),          cmocka_unit_test(how_many_are_too_many),
        cmocka_unit_test(who_gives_way_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
