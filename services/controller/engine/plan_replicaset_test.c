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

static void placing(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "1.1 what is missing is asked for",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA",
         .bases = "a b c",
         .plan = "place for v1: 2"},
        {.name = "1.1 asked already",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA",
         .bases = "a b c",
         .answers = "place v1 asked",
         .plan = ""},
        {.name = "1.1 placed",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA",
         .bases = "a b c",
         .answers = "place v1 b c",
         .plan = "create module of v1 on b; create module of v1 on c; forget place v1"},
        {.name = "a base that has gone, is full or does not answer any more is not taken",
         .spec = "v1 x4",
         .revisions = "v1#1=4",
         .bases = "a b! c:0 d~ e",
         .answers = "place v1 x b c d a e",
         .plan = "create module of v1 on a; create module of v1 on e; forget place v1"},
        {.name = "two revisions that were offered the same base: one takes it",
         .spec = "v2 x2",
         .revisions = "v1#1=1; v2#2=1",
         .bases = "a b",
         .answers = "place v1 a; place v2 a",
         .plan = "create module of v1 on a; forget place v1; forget place v2; requeue at 1000000"},
        {.name = "an answer that was used before, and whose end was not written: asked anew",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA bA",
         .bases = "a b c",
         .answers = "place v1 a b",
         .plan = "forget place v1; requeue at 1000000"},
        {.name = "a base with another version that is just leaving is not taken",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aT-; v2#2=1",
         .bases = "a b",
         .answers = "place v2 a b",
         .plan = "create module of v2 on b; forget place v2"},
        {.name = "no more than is missing by now",
         .spec = "v1 x2",
         .revisions = "v1#1=2 aA",
         .bases = "a b c",
         .answers = "place v1 b c",
         .plan = "create module of v1 on b; forget place v1"},
        {.name = "defect 4: too little room: asked again later",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA",
         .bases = "a b c",
         .answers = "place v1 spent",
         .plan = "requeue at 1004000"},
        {.name = "the scheduler does not answer: asked again later",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA",
         .bases = "a b c",
         .answers = "place v1 failed",
         .plan = "requeue at 1004000"},
        {.name = "defect 4: and later it is",
         .spec = "v1 x3",
         .revisions = "v1#1=3 aA",
         .bases = "a b c",
         .answers = "place v1 long-spent",
         .plan = "place for v1: 2"},
        {.name = "4.2 an instance that a user deletes is replaced while it goes",
         .spec = "v1 x2",
         .release = "Completed 1/1 v1 was=0 changes=2 x2",
         .revisions = "v1#1=2 aA bA-",
         .bases = "a b c",
         .plan = "place for v1: 1"},
        {.name = "an answer that came too late is forgotten",
         .spec = "v1 x1",
         .revisions = "v1#1=1 aA",
         .bases = "a b",
         .answers = "place v1 b",
         .plan = "forget place v1"},
        {.name = "defect 11: nothing moves for the second owner",
         .spec = "v1 x2 taken-by=other",
         .revisions = "v1#1=2",
         .bases = "a b",
         .plan = ""},
    };
    check(rows, ARRAY_LEN(rows));
}

static void removing(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "4.1 what is too much is asked for",
         .spec = "v1 x1",
         .revisions = "v1#1=1 aA bA cA",
         .bases = "a b c",
         .plan = "evict from v1: 2"},
        {.name = "4.1 and goes",
         .spec = "v1 x1",
         .revisions = "v1#1=1 aA bA cA",
         .bases = "a b c",
         .answers = "evict v1 c a",
         .plan = "delete module v1@c; delete module v1@a; forget evict v1"},
        {.name = "one that goes already is not taken twice, and no more than is too much",
         .spec = "v1 x1",
         .revisions = "v1#1=1 aA bA cT-",
         .bases = "a b c",
         .answers = "evict v1 c a b",
         .plan = "delete module v1@a; forget evict v1"},
        {.name = "an answer that nobody needs is forgotten",
         .spec = "v1 x2",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b",
         .answers = "evict v1 a",
         .plan = "forget evict v1"},
        {.name = "1.2 deletion: all revisions go, without successors",
         .spec = "v2 x2 deleting",
         .release = "Terminating 1/1 v2 changes=2",
         .revisions = "v1#1=0 aA; v2#2=0 bA",
         .bases = "a b",
         .plan = "evict from v1: 1; evict from v2: 1"},
        {.name = "1.2 ... and one that has lost an instance gets none",
         .spec = "v1 x3 deleting",
         .release = "Terminating 1/2 v1 changes=3",
         .revisions = "v1#1=2 aA",
         .bases = "a b c",
         .answers = "place v1 b",
         .plan = ""},
        {.name = "who has got a successor since goes with that",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aA bA cA; v2#2=1 aU>sa",
         .bases = "a b c",
         .answers = "evict v1 a b c",
         .plan = "delete module v1@b; delete module v1@c; forget evict v1"},
        {.name = "... and where nobody else was named, it is asked again",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aA bA cA; v2#2=1 aU>sa",
         .bases = "a b c",
         .answers = "evict v1 a",
         .plan = "forget evict v1; requeue at 1000000"},
        {.name = "1.2 the second owner can be deleted",
         .spec = "v1 x1 taken-by=other deleting",
         .release = "Terminating 1/1 v1 changes=1",
         .revisions = "v1#1=0 aA",
         .bases = "a",
         .plan = "evict from v1: 1"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 2.1, 5.5: new instances take the place of old ones. */
static void successors(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "2.1 who is replaced is asked for",
         .spec = "v2 x3 batches=3",
         .revisions = "v1#1=2 aA bA cA; v2#2=1",
         .bases = "a b c",
         .plan = "evict from v1: 1"},
        {.name = "2.1, defects 2 and 3: installThenUninstall: beside the old one, which stays",
         .spec = "v2 x3 batches=3",
         .revisions = "v1#1=2 aA bA cA; v2#2=1",
         .bases = "a b c",
         .answers = "evict v1 b",
         .plan = "create module of v2 on b replaces v1@b SideBySide; forget evict v1"},
        {.name = "2.1 the old one that has a successor is neither removed nor replaced again",
         .spec = "v2 x3 batches=3",
         .revisions = "v1#1=2 aA bA cA; v2#2=1 bU>sb",
         .bases = "a b c",
         .plan = ""},
        {.name = "5.5 uninstallThenInstall: in place",
         .spec = "v2 x3 batches=3 uninstallThenInstall",
         .revisions = "v1#1=2 aA bA cA; v2#2=1",
         .bases = "a b c",
         .answers = "evict v1 b",
         .plan = "create module of v2 on b replaces v1@b InPlace (UpgradePolicy); forget evict v1"},
        {.name = "5.5 scaleUpThenScaleDown: room is asked for",
         .spec = "v2 x2 batches=2 scaleUpThenScaleDown",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a b c",
         .answers = "evict v1 b",
         .plan = "place for v2: 1"},
        {.name = "5.5 scaleUpThenScaleDown: on another base",
         .spec = "v2 x2 batches=2 scaleUpThenScaleDown",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a b c",
         .answers = "evict v1 b; place v2 c",
         .plan =
             "create module of v2 on c replaces v1@b OtherBase; forget evict v1; forget place v2"},
        {.name = "5.5 one answer is used once: what else is missing is placed by the next",
         .spec = "v2 x3 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA; v2#2=2",
         .bases = "a b c",
         .answers = "evict v1 a; place v2 b",
         .plan =
             "create module of v2 on b replaces v1@a OtherBase; forget evict v1; forget place v2"},
        {.name = "5.5 scaleUpThenScaleDown without room: beside the old one, with the reason",
         .spec = "v2 x2 batches=2 scaleUpThenScaleDown",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a b",
         .answers = "evict v1 b; place v2 none",
         .plan = "create module of v2 on b replaces v1@b SideBySide (NoCapacity); forget evict v1; "
                 "forget place v2"},
        {.name = "5.5 its next wave waits for the bases that this one frees",
         .spec = "v2 x3 scaleUpThenScaleDown",
         .revisions = "v1#1=0 aA bA cA; v2#2=3 dU>oa",
         .bases = "a b c d",
         .plan = ""},
        {.name = "5.5 one web path, one free base: one by one through it, rather than with a gap",
         .spec = "v2 x3",
         .revisions = "v1#1=0 aA bA cA; v2#2=3 web",
         .bases = "a b c d",
         .answers = "evict v1 a b c; place v2 d",
         .plan =
             "create module of v2 on d replaces v1@a OtherBase (WebPathInUse); forget evict v1; "
             "forget place v2"},
        {.name = "5.5 one web path, no free base: in place, with the reason",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 web",
         .bases = "a b",
         .answers = "evict v1 b; place v2 none",
         .plan = "create module of v2 on b replaces v1@b InPlace (WebPathInUse,NoCapacity); "
                 "forget evict v1; forget place v2"},
        {.name = "5.5 one web path, and the base that was offered was taken meanwhile: asked anew",
         .spec = "v2 x3",
         .revisions = "v1#1=0 aA bA cA; v2#2=3 web",
         .bases = "a b c d:0",
         .answers = "evict v1 a b c; place v2 d",
         .plan = "forget evict v1; forget place v2; requeue at 1005000"},
        {.name = "those that were chosen have a successor or are gone: asked anew",
         .spec = "v2 x3",
         .revisions = "v1#1=0 aA bA cA; v2#2=3 aU>sa",
         .bases = "a b c",
         .answers = "evict v1 a x",
         .plan = "forget evict v1; requeue at 1005000"},
        {.name = "2.1 more new than old: the rest is placed on free bases",
         .spec = "v2 x3",
         .revisions = "v1#1=0 aA; v2#2=3",
         .bases = "a b c",
         .plan = "evict from v1: 1; place for v2: 2"},
        {.name = "defect 12: more old than new: the rest is removed",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aA bA cA; v2#2=1 aU>sa",
         .bases = "a b c",
         .plan = "evict from v1: 2"},
        {.name = "one whose base is gone needs no successor",
         .spec = "v2 x2",
         .revisions = "v1#1=0 aA xN; v2#2=2",
         .bases = "a b",
         .answers = "evict v1 x a",
         .plan = "create module of v2 on a replaces v1@a SideBySide; forget evict v1"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* One version with another digest: never beside, since the base has one module of that name and version. */
static void same_version(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "another digest: room is asked for",
         .spec = "v1b x2 batches=2",
         .revisions = "v1#1=1 aA bA; v1b#2=1",
         .bases = "a b c",
         .answers = "evict v1 b",
         .plan = "place for v1b: 1"},
        {.name = "another digest, room: on another base",
         .spec = "v1b x2 batches=2",
         .revisions = "v1#1=1 aA bA; v1b#2=1",
         .bases = "a b c",
         .answers = "evict v1 b; place v1b c",
         .plan =
             "create module of v1b on c replaces v1@b OtherBase (SameVersion); forget evict v1; "
             "forget place v1b"},
        {.name = "another digest, no room: in place",
         .spec = "v1b x2 batches=2",
         .revisions = "v1#1=1 aA bA; v1b#2=1",
         .bases = "a b",
         .answers = "evict v1 b; place v1b none",
         .plan = "create module of v1b on b replaces v1@b InPlace (SameVersion,NoCapacity); "
                 "forget evict v1; forget place v1b"},
        {.name = "the digest taken back: the same",
         .spec = "v1 x2 batches=2",
         .revisions = "v1b#2=1 aA bA; v1#3=1",
         .bases = "a b",
         .answers = "evict v1b b; place v1 none",
         .plan = "create module of v1 on b replaces v1b@b InPlace (SameVersion,NoCapacity); "
                 "forget evict v1b; forget place v1"},
        {.name = "a digest that a policy puts in place",
         .spec = "v1b x1 uninstallThenInstall",
         .revisions = "v1#1=0 aA; v1b#2=1",
         .bases = "a b",
         .answers = "evict v1 a",
         .plan =
             "create module of v1b on a replaces v1@a InPlace (UpgradePolicy); forget evict v1"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.6: a new version never lands on a base that its selector excludes, or that can't take it. */
static void unfit_bases(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.6 the old one's base is not selected: room is asked for",
         .spec = "v2^x x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2^x#2=1",
         .bases = "a b c^x",
         .answers = "evict v1 a",
         .plan = "place for v2^x: 1"},
        {.name = "5.6 and taken",
         .spec = "v2^x x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2^x#2=1",
         .bases = "a b c^x",
         .answers = "evict v1 a; place v2^x c",
         .plan = "create module of v2^x on c replaces v1@a OtherBase (BaseUnfit); forget evict v1; "
                 "forget place v2^x"},
        {.name = "5.6 whatever the policy",
         .spec = "v2^x x1 uninstallThenInstall",
         .revisions = "v1#1=0 aA; v2^x#2=1",
         .bases = "a b^x",
         .answers = "evict v1 a; place v2^x b",
         .plan = "create module of v2^x on b replaces v1@a OtherBase (BaseUnfit); forget evict v1; "
                 "forget place v2^x"},
        {.name = "5.6 no room: it waits",
         .spec = "v2^x x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2^x#2=1",
         .bases = "a b",
         .answers = "evict v1 a; place v2^x none",
         .plan = "forget evict v1; forget place v2^x; requeue at 1005000"},
        {.name = "5.6 no room, but another old one is on a base that is selected: that one first",
         .spec = "v2^x x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2^x#2=1",
         .bases = "a b^x",
         .answers = "evict v1 a; place v2^x none",
         .plan = "create module of v2^x on b replaces v1@b SideBySide; forget evict v1; "
                 "forget place v2^x"},
        {.name =
             "5.6 no room, and none of those that are too many makes any: others give way early",
         .spec = "v2^x x2 batches=2",
         .revisions = "v1#1=0 aA; v3#2=1 bA; v2^x#3=1",
         .bases = "a b^x",
         .answers = "place v2^x spent; evict v3 b",
         .plan = "evict from v1: 1; requeue at 1009000; create module of v2^x on b replaces v3@b "
                 "SideBySide; forget evict v3"},
        {.name = "5.6 ... who is asked for first",
         .spec = "v2 x3 batches=3",
         .revisions = "v1#1=2 aA bA; v2#2=1",
         .bases = "a b",
         .answers = "place v2 spent",
         .plan = "requeue at 1004000; evict from v1: 1"},
        {.name = "5.6 ... what is missing of the old ones comes back where there is room again",
         .spec = "v2 x3 batches=3",
         .revisions = "v1#1=2 aA; v2#2=1 bA",
         .bases = "a b c",
         .answers = "place v1 c; place v2 spent",
         .plan = "create module of v1 on c; forget place v1"},
        {.name = "5.6 selected: beside the old one",
         .spec = "v2^x x1",
         .revisions = "v1#1=0 aA; v2^x#2=1",
         .bases = "a^x",
         .answers = "evict v1 a",
         .plan = "create module of v2^x on a replaces v1@a SideBySide; forget evict v1"},
        {.name = "5.6 only the selector is another: moved",
         .spec = "v1^x x1",
         .revisions = "v1#1=0 aA; v1^x#2=1",
         .bases = "a b^x",
         .answers = "evict v1 a; place v1^x b",
         .plan = "create module of v1^x on b replaces v1@a OtherBase (BaseUnfit); forget evict v1; "
                 "forget place v1^x"},
        {.name = "another base Deployment: the new ones come there, then the old ones go",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aA; v2#2=1",
         .bases = "b a@",
         .answers = "evict v1 a; place v2 b",
         .plan = "create module of v2 on b replaces v1@a OtherBase (BaseUnfit); forget evict v1; "
                 "forget place v2"},
        {.name = "another base Deployment, no room there: the old ones stay, whatever the policy",
         .spec = "v2 x1 uninstallThenInstall",
         .revisions = "v1#1=0 aA; v2#2=1",
         .bases = "a@",
         .answers = "evict v1 a; place v2 none",
         .plan = "forget evict v1; forget place v2; requeue at 1005000"},
        {.name = "a base that does not answer is left for another one",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aN; v2#2=1",
         .bases = "a! b",
         .answers = "evict v1 a; place v2 b",
         .plan = "create module of v2 on b replaces v1@a OtherBase (BaseUnfit); forget evict v1; "
                 "forget place v2"},
        {.name = "a full base takes the successor of what is on it",
         .spec = "v2 x1",
         .revisions = "v1#1=0 aA; v2#2=1",
         .bases = "a:1",
         .answers = "evict v1 a",
         .plan = "create module of v2 on a replaces v1@a SideBySide; forget evict v1"},
        {.name = "refused for its web path, and its base is not selected any more: it waits",
         .spec = "v2^x x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2^x#2=1 web bP>sb?",
         .bases = "a b",
         .answers = "place v2^x none",
         .plan = "forget place v2^x; requeue at 1005000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.5: refused beside the old one since both want one web path. */
static void web_path_in_use(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "room is asked for",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 web bP>sb?",
         .bases = "a b c",
         .plan = "place for v2: 1"},
        {.name = "room: made anew on the other base",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 web bP>sb?",
         .bases = "a b c",
         .answers = "place v2 c",
         .plan =
             "delete module v2@b; create module of v2 on c replaces v1@b OtherBase (WebPathInUse); "
             "forget place v2"},
        {.name = "no room: in place",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 web bP>sb?",
         .bases = "a b",
         .answers = "place v2 none",
         .plan = "way of v2@b: InPlace (WebPathInUse,NoCapacity); forget place v2"},
        {.name = "5.5 ... which was written, but not that the refused one goes: it goes now",
         .spec = "v2 x2",
         .release = "Executing 1/2 v2 was=0 changes=2 x2",
         .revisions = "v1#1=1 aA bA; v2#2=1 web bP>sb? cP",
         .bases = "a b c",
         .answers = "place v2 none",
         .plan = "delete module v2@b; forget place v2"},
        {.name = "no room is needed where it is replaced in place anyway",
         .spec = "v2 x2 batches=2 uninstallThenInstall",
         .revisions = "v1#1=1 aA bA; v2#2=1 web bP>sb?",
         .bases = "a b c",
         .plan = "way of v2@b: InPlace (UpgradePolicy)"},
        {.name = "... also where the numbers count both; the other one that waits stays",
         .spec = "v2 x3",
         .release = "Executing 1/1 v2 was=0 changes=3 x3",
         .revisions = "v1#1=0 aA bA; v2#2=3 web aP>sa? bP>sb? cP>ob",
         .bases = "a b c",
         .answers = "place v2 none",
         .plan = "way of v2@a: InPlace (WebPathInUse,NoCapacity); delete module v2@b; "
                 "forget place v2"},
        {.name = "before the revision knows of it nothing is decided",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 bP>sb?",
         .bases = "a b",
         .plan = ""},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.6: the base has no metaspace for the new one beside the old one. */
static void metaspace_full(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "room is asked for",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a% b% c",
         .answers = "evict v1 b",
         .plan = "place for v2: 1"},
        {.name = "room: on the other base",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a% b% c",
         .answers = "evict v1 b; place v2 c",
         .plan = "create module of v2 on c replaces v1@b OtherBase (MetaspaceFull); "
                 "forget evict v1; forget place v2"},
        {.name = "no room: in place",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a% b%",
         .answers = "evict v1 b; place v2 none",
         .plan = "create module of v2 on b replaces v1@b InPlace (MetaspaceFull,NoCapacity); "
                 "forget evict v1; forget place v2"},
        {.name = "the scheduler named a base that has none any more",
         .spec = "v1 x1",
         .revisions = "v1#1=1",
         .bases = "a%",
         .answers = "place v1 a",
         .plan = "forget place v1; requeue at 1000000"},
        {.name = "refused before the base has told: room is asked for, once more",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 bP>sb%",
         .bases = "a b c",
         .plan = "place for v2: 1"},
        {.name = "... room: made anew on the other base",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 bP>sb%",
         .bases = "a b c",
         .answers = "place v2 c",
         .plan = "delete module v2@b; create module of v2 on c replaces v1@b OtherBase "
                 "(MetaspaceFull); forget place v2"},
        {.name = "... no room: in place",
         .spec = "v2 x2 batches=2",
         .revisions = "v1#1=1 aA bA; v2#2=1 bP>sb%",
         .bases = "a b",
         .answers = "place v2 none",
         .plan = "way of v2@b: InPlace (MetaspaceFull,NoCapacity); forget place v2"},
        {.name = "... another one was refused for a web path that is not learnt yet: it waits",
         .spec = "v2 x2",
         .release = "Executing 1/1 v2 was=0 changes=2 x2",
         .revisions = "v1#1=0 aA bA; v2#2=2 aP>sa? bP>sb%",
         .bases = "a b",
         .answers = "place v2 none",
         .plan = "way of v2@b: InPlace (MetaspaceFull,NoCapacity); forget place v2"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* A third version, a rollback or a deletion in the middle of an upgrade. */
static void former_release(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "successors on their way are given up; one that serves takes the place of the old",
         .spec = "v3 x3",
         .revisions = "v1#1=1 aA bA cA; v2#2=1 aU>sa bA>sb cF>pc; v3#3=1",
         .bases = "a b c",
         .plan = "delete module v2@a; delete module v1@b; delete module v2@c"},
        {.name = "2.2 rollback: what serves of the old stays",
         .spec = "v1 x2",
         .revisions = "v1#3=2 aA bA; v2#2=1 aU>sa bA>sb",
         .bases = "a b",
         .plan = "delete module v2@a"},
        {.name = "2.2 rollback, but the old one was lost and can't be installed beside the new one",
         .spec = "v1 x2",
         .revisions = "v1#3=2 aA bF; v2#2=0 aA>sa bA>sb",
         .bases = "a b",
         .plan = "delete module v2@b"},
        {.name = "2.2 rollback of an upgrade in place, or on another base",
         .spec = "v1 x2",
         .revisions = "v1#3=2 aN bA; v2#2=0 aA>pa cA>ob",
         .bases = "a b c",
         .plan = "delete module v2@a; delete module v2@c"},
        {.name = "2.2 rollback: no new one is made beside the old one that takes its traffic back",
         .spec = "v1 x3",
         .revisions = "v1#3=3 aA bA; v2#2=0 aA>sa cA",
         .bases = "a b c",
         .plan = "evict from v2: 1"},
        {.name = "1.2 deletion",
         .spec = "v2 x2 deleting",
         .release = "Terminating 1/1 v2 changes=2",
         .revisions = "v1#1=0 aA bA; v2#2=0 aU>sa bA>sb",
         .bases = "a b",
         .plan = "delete module v2@a; delete module v1@b"},
        {.name = "those of the release itself stay, paused or not",
         .spec = "v2 x2 pause",
         .revisions = "v1#1=0 aA bA; v2#2=2 aU>sa bF>sb",
         .bases = "a b",
         .plan = ""},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Without its ModuleTemplate nobody knows what is wanted: that is no reason to give up what is there. */
static void template_missing(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "in a batch: successors on their way stay",
         .spec = "v2 x3 batches=3 template-missing",
         .revisions = "v1#1=2 aA bA cA; v2#2=1 bU>sb",
         .bases = "a b c",
         .plan = ""},
        {.name = "in a batch: nobody is removed or placed for its numbers",
         .spec = "v2 x3 batches=3 template-missing",
         .revisions = "v1#1=2 aA bA cA; v2#2=1",
         .bases = "a b c d",
         .plan = ""},
        {.name = "what was answered before moves nothing either",
         .spec = "v2 x3 batches=3 template-missing",
         .revisions = "v1#1=2 aA bA cA; v2#2=1",
         .bases = "a b c d",
         .answers = "evict v1 a; place v2 d",
         .plan = ""},
        {.name = "the same where nobody knows the bases",
         .spec = "v2 x3 batches=3 bases-unknown",
         .revisions = "v1#1=2 aA bA cA; v2#2=1",
         .bases = "a b c d",
         .answers = "evict v1 a; place v2 d",
         .plan = ""},
        {.name = "1.2 deletion wins",
         .spec = "v2 x2 deleting template-missing",
         .release = "Terminating 1/1 v2 changes=2",
         .revisions = "v1#1=0 aA; v2#2=0 bA",
         .bases = "a b",
         .plan = "evict from v1: 1; evict from v2: 1"},
    };
    check(rows, ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placing),          cmocka_unit_test(removing),
        cmocka_unit_test(successors),       cmocka_unit_test(same_version),
        cmocka_unit_test(unfit_bases),      cmocka_unit_test(web_path_in_use),
        cmocka_unit_test(metaspace_full),   cmocka_unit_test(former_release),
        cmocka_unit_test(template_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
