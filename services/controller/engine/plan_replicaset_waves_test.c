/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/plan_replicaset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

static void check(const struct kit_row *rows, size_t count)
{
    AUTO_FREE char *wrong = kit_wrong(plan_replicasets, rows, count, /* events_only= */ false);
    assert_string_equal(wrong, "");
}

/* 5.9: no more gaps at a time than maxUnavailable leaves. */
static void max_unavailable(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.9 as many are chosen as may go",
         .spec = "v2 x4 uninstallThenInstall max=1",
         .revisions = "v1#1=0 aA bA cA dA; v2#2=4",
         .bases = "a b c d",
         .plan = "evict from v1: 1"},
        {.name = "5.9 half of four",
         .spec = "v2 x4 uninstallThenInstall max=50%",
         .revisions = "v1#1=0 aA bA cA dA; v2#2=4",
         .bases = "a b c d",
         .plan = "evict from v1: 2"},
        {.name = "5.9 and replaced",
         .spec = "v2 x4 uninstallThenInstall max=1",
         .revisions = "v1#1=0 aA bA cA dA; v2#2=4",
         .bases = "a b c d",
         .answers = "evict v1 c a",
         .plan = "create module of v2 on c replaces v1@c InPlace (UpgradePolicy); forget evict v1"},
        {.name = "5.9 then that one is waited for: nothing is asked, removed or placed",
         .spec = "v2 x4 uninstallThenInstall max=1",
         .revisions = "v1#1=0 aA bA cA dA; v2#2=4 cP>pc",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "5.9 until it serves",
         .spec = "v2 x4 uninstallThenInstall max=1",
         .revisions = "v1#1=0 aA bA cN- dA; v2#2=4 cA>pc",
         .bases = "a b c d",
         .plan = "evict from v1: 1"},
        {.name = "5.9 one of them falls sick after the answer: none goes",
         .spec = "v2 x4 uninstallThenInstall max=1",
         .revisions = "v1#1=0 aA bA cA dN; v2#2=4",
         .bases = "a b c d",
         .answers = "evict v1 c",
         .plan = "create module of v2 on d replaces v1@d InPlace (UpgradePolicy); forget evict v1"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.9: with 0 only ways without a gap are left. */
static void zero(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.9 0: nothing moves",
         .spec = "v2 x4 uninstallThenInstall max=0",
         .revisions = "v1#1=0 aA bA cA dA; v2#2=4",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "5.9 0: but who serves nobody is replaced",
         .spec = "v2 x4 uninstallThenInstall max=0",
         .revisions = "v1#1=0 aA bN cA dA; v2#2=4",
         .bases = "a b c d",
         .answers = "evict v1 b a c d",
         .plan = "create module of v2 on b replaces v1@b InPlace (UpgradePolicy); forget evict v1"},
        {.name = "5.9 0: side by side has no gap",
         .spec = "v2 x3 max=0",
         .revisions = "v1#1=0 aA bA cA; v2#2=3",
         .bases = "a b c",
         .answers = "evict v1 a b c",
         .plan = "create module of v2 on a replaces v1@a SideBySide; create module of v2 on b "
                 "replaces v1@b SideBySide; create module of v2 on c replaces v1@c SideBySide; "
                 "forget evict v1"},
        {.name = "5.9 0: nor has another base",
         .spec = "v2 x2 max=0",
         .revisions = "v1#1=0 aA bA; v2#2=2 web",
         .bases = "a b c d",
         .answers = "evict v1 a b; place v2 c d",
         .plan = "create module of v2 on c replaces v1@a OtherBase (WebPathInUse); create module "
                 "of v2 on d replaces v1@b OtherBase (WebPathInUse); forget evict v1; "
                 "forget place v2"},
        {.name = "5.9 0: one web path and no room: nothing moves, and room is asked for again",
         .spec = "v2 x2 max=0",
         .revisions = "v1#1=0 aA bA; v2#2=2 web",
         .bases = "a b",
         .answers = "evict v1 a b; place v2 none",
         .plan = "forget evict v1; forget place v2; requeue at 1005000"},
        {.name = "5.9 0: ... not before",
         .spec = "v2 x2 max=0",
         .revisions = "v1#1=0 aA bA; v2#2=2 web",
         .bases = "a b",
         .answers = "place v2 spent",
         .plan = "requeue at 1004000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.9: where two versions can't run side by side. */
static void one_web_path(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.9 1: one web path and no room: one goes in place",
         .spec = "v2 x2 max=1",
         .revisions = "v1#1=0 aA bA; v2#2=2 web",
         .bases = "a b",
         .answers = "evict v1 a b; place v2 none",
         .plan = "create module of v2 on a replaces v1@a InPlace (WebPathInUse,NoCapacity); "
                 "forget evict v1; forget place v2"},
        {.name = "5.9 1: and the next does not ask for room again",
         .spec = "v2 x2 max=1",
         .revisions = "v1#1=0 bA; v2#2=2 web aA",
         .bases = "a b",
         .answers = "evict v1 b; place v2 spent",
         .plan = "create module of v2 on b replaces v1@b InPlace (WebPathInUse,NoCapacity); "
                 "forget evict v1"},
        {.name = "5.9 1: but where there was some it does",
         .spec = "v2 x2 max=1",
         .revisions = "v1#1=0 bA; v2#2=2 web aA",
         .bases = "a b",
         .answers = "evict v1 b; place v2 used",
         .plan = "requeue at 1004000"},
        {.name = "5.9 1: of those that wait beside the old ones, one",
         .spec = "v2 x3 max=1",
         .revisions = "v1#1=0 aA bA cA; v2#2=3 web aP>sa? bP>sb? cP>sc?",
         .bases = "a b c",
         .answers = "place v2 none",
         .plan = "way of v2@a: InPlace (WebPathInUse,NoCapacity); forget place v2"},
        {.name =
             "5.9 1: none while another one is not Available for long enough; then it is looked at",
         .spec = "v2 x2 max=1 min-ready=30",
         .revisions = "v1#1=0 aA; v2#2=2 web aP>sa? bA=990",
         .bases = "a b",
         .answers = "place v2 none",
         .plan = "forget place v2; requeue at 1020000; requeue at 1005000"},
        {.name = "5.9 0: none of them",
         .spec = "v2 x2 max=0",
         .revisions = "v1#1=0 aA bA; v2#2=2 web aP>sa? bP>sb?",
         .bases = "a b",
         .answers = "place v2 none",
         .plan = "forget place v2; requeue at 1005000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.9: who is removed. */
static void removal(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "4.1 scale down: on purpose",
         .spec = "v1 x1 max=0",
         .revisions = "v1#1=1 aA bA cA",
         .bases = "a b c",
         .answers = "evict v1 a b",
         .plan = "delete module v1@a; delete module v1@b; forget evict v1"},
        {.name = "4.1 ... but not so many that fewer serve than are wanted",
         .spec = "v1 x2 max=0",
         .revisions = "v1#1=2 aA bA cN dN",
         .bases = "a b c d",
         .answers = "evict v1 a b c d",
         .plan = "delete module v1@c; delete module v1@d; forget evict v1"},
        {.name = "4.1 ... nor for one that is not Available for long enough: then it is looked at",
         .spec = "v1 x1 max=0 min-ready=30",
         .revisions = "v1#1=1 aA=990 bA=990",
         .bases = "a b",
         .plan = "requeue at 1020000"},
        {.name = "4.1 ... who serves is refused, be it named alone: asked again later",
         .spec = "v1 x2 max=0",
         .revisions = "v1#1=2 aA bA cN",
         .bases = "a b c",
         .answers = "evict v1 a",
         .plan = "forget evict v1; requeue at 1005000"},
        {.name = "old ones don't give way where the new ones don't serve yet",
         .spec = "v2 x2 max=1",
         .revisions = "v1#1=0 aA bA; v2#2=2 cU dU",
         .bases = "a b c d",
         .plan = "evict from v1: 1"},
        {.name = "2.2 rollback: what serves in place of the old ones is given up one by one",
         .spec = "v1 x3 max=1",
         .revisions = "v1#3=3 aN bN cA; v2#2=0 aA>pa bA>pb",
         .bases = "a b c",
         .plan = "delete module v2@a"},
        {.name = "2.2 rollback: what does not serve is given up at once",
         .spec = "v1 x3 max=0",
         .revisions = "v1#3=3 aA bN cA; v2#2=0 aP>pa bF>pb",
         .bases = "a b c",
         .plan = "delete module v2@a; delete module v2@b"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.5, scaleUpThenScaleDown: all new ones of a batch first, on other bases; then the old ones go. */
static void scale_up_then_scale_down(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.5 one new one serves, the other does not yet: no old one goes",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA>oa dU>ob",
         .bases = "a b c d",
         .plan = ""},
        {.name = "5.9 they have not been well for minReadySeconds yet",
         .spec = "v2 x2 scaleUpThenScaleDown min-ready=60",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA=990>oa dA=940>ob",
         .bases = "a b c d",
         .plan = "requeue at 1050000"},
        {.name = "5.5 all serve: the old ones go",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA>oa dA>ob",
         .bases = "a b c d",
         .plan = "delete module v1@a; delete module v1@b"},
        {.name = "5.5 of the batch: the others stay",
         .spec = "v2 x2 batches=2 scaleUpThenScaleDown",
         .revisions = "v1#1=1 aA bA; v2#2=1 cA>oa",
         .bases = "a b c",
         .plan = "delete module v1@a"},
        {.name = "5.5 those that are only added belong to the batch",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA; v2#2=2 cA>oa dU",
         .bases = "a c d",
         .plan = ""},
        {.name = "5.5 one is sick again: the old ones stay",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA>oa dN>ob",
         .bases = "a b c d",
         .plan = ""},
        {.name = "5.5 part of a batch is there, and whether more can be is not known: it is asked",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA>oa",
         .bases = "a b c",
         .plan = "place for v2: 1"},
        {.name = "5.5 ... more can: those first",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA>oa",
         .bases = "a b c d",
         .answers = "place v2 d; evict v1 b",
         .plan = "create module of v2 on d replaces v1@b OtherBase; forget evict v1; "
                 "forget place v2"},
        {.name = "5.5 ... no more can: the old one frees its base",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2 cA>oa",
         .bases = "a b c",
         .answers = "place v2 none",
         .plan = "delete module v1@a; forget place v2"},
        {.name = "5.5 ... for one, too, that was refused beside the old one",
         .spec = "v2 x2 scaleUpThenScaleDown max=0",
         .revisions = "v1#1=0 aA bA; v2#2=2 web cA>oa bP>sb?",
         .bases = "a b c",
         .answers = "place v2 spent",
         .plan = "delete module v1@a; requeue at 1005000"},
        {.name = "5.5 other policies: each old one goes when its successor serves",
         .spec = "v2 x2",
         .revisions = "v1#1=0 aA bA; v2#2=2 web cA>oa dU>ob",
         .bases = "a b c d",
         .plan = "delete module v1@a"},
        {.name = "... but not one whose successor is said to be sick, or does not answer",
         .spec = "v2 x2",
         .revisions = "v1#1=0 aA bA; v2#2=2 web cA!>oa dA>ob",
         .bases = "a b c d!",
         .plan = ""},
        {.name = "5.5 no room: beside the old ones, with the reason",
         .spec = "v2 x2 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA; v2#2=2",
         .bases = "a b c",
         .answers = "evict v1 a b; place v2 c none",
         .plan = "create module of v2 on c replaces v1@a OtherBase; create module of v2 on b "
                 "replaces v1@b SideBySide (NoCapacity); forget evict v1; forget place v2"},
        {.name = "5.5 no room and one web path: in place, within maxUnavailable",
         .spec = "v2 x2 scaleUpThenScaleDown max=1",
         .revisions = "v1#1=0 aA bA; v2#2=2 web",
         .bases = "a b",
         .answers = "evict v1 a b; place v2 none",
         .plan = "create module of v2 on a replaces v1@a InPlace (WebPathInUse,NoCapacity); "
                 "forget evict v1; forget place v2"},
    };
    check(rows, ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_unavailable),
        cmocka_unit_test(zero),
        cmocka_unit_test(one_web_path),
        cmocka_unit_test(removal),
        cmocka_unit_test(scale_up_then_scale_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
