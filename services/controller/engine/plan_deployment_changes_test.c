/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/plan_deployment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

static void check(const struct kit_row *rows, size_t count)
{
    AUTO_FREE char *wrong = kit_wrong(plan_deployment, rows, count, /* events_only= */ false);
    assert_string_equal(wrong, "");
}

/* The spec changes in the middle of a release (defects 9, 10, 12). */
static void edits(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "defect 10: 8 -> 3 after 2 of 8: planned anew from what is there",
         .spec = "v1 x3 batches=4",
         .release = "Executing 1/4 v1 was=0 changes=8 x8 batches=4",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b c d e f g h",
         .plan = "status Executing 1/1 BatchExecuting (2 of 2 available)"},
        {.name = "more replicas in batch 1: what is under way counts",
         .spec = "v1 x7 batches=2",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA bU",
         .bases = "a b c d e f g",
         .plan =
             "replicaset v1 replicas 2; status Executing 1/2 BatchExecuting (1 of 2 available)"},
        {.name = "5.1 another batchCount",
         .spec = "v1 x5 batches=3",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA",
         .bases = "a b c d e",
         .plan =
             "replicaset v1 replicas 1; status Executing 1/3 BatchExecuting (1 of 1 available)"},
        {.name = "defect 1: nothing to change, but one is not Available: not Completed",
         .spec = "v1 x3 batches=3",
         .release = "Completed 1/1 v1 was=0 changes=3 x3",
         .revisions = "v1#1=3 aA bA cU",
         .bases = "a b c",
         .plan = "status Executing BatchExecuting (2 of 3 available)"},
        {.name = "nothing to change, and all are Available",
         .spec = "v1 x3 batches=3",
         .release = "Completed 1/1 v1 was=0 changes=3 x3",
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c",
         .plan = "status Completed ReleaseCompleted (3 of 3 available)"},
        {.name = "5.2 beta is asked for",
         .spec = "v1 x5 batches=2 beta",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA",
         .bases = "a b c d e",
         .plan =
             "replicaset v1 replicas 1; status Executing 1/2 BatchExecuting (1 of 1 available)"},
        {.name = "a third version in batch 1 of the second: who was on the way is given up, 5 "
                 "changes, not 8",
         .spec = "v3 x5 batches=5",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aU>sa bP>sb cF>sc; v3#3=0",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 5; replicaset v2 replicas 0; status Executing 1/5 "
                 "BatchExecuting (5 of 8 available)"},
        {.name = "2.2 back to the old one midway: its instances are there, only v2 goes",
         .spec = "v1 x5 batches=5",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#3=2 cA dA eA; v2#2=3 aA bA cF>sc",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3; replicaset v2 replicas 2; status Executing 1/2 "
                 "BatchExecuting (5 of 6 available)"},
        {.name =
             "defect 9: a new version while a confirmation is waited for: the waiting ends first, "
             "since what waits without a pause counts as confirmed",
         .spec = "v2 x5 batches=2 confirm pause confirmed=1",
         .release = WAITING " done",
         .revisions = "v1#1=3 aA bA cA; v2#2=0",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (3 of 3 available)"},
        {.name = "defect 9: then the own pause goes",
         .spec = "v2 x5 batches=2 confirm pause confirmed=1",
         .release = FIRST_OF_TWO " done",
         .revisions = "v1#1=3 aA bA cA; v2#2=0",
         .bases = "a b c d e",
         .plan = "unpause"},
        {.name =
             "the edit is taken back before it began, the controller was started anew: asked again",
         .spec = "v1 x5 batches=2 confirm",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "pause"},
        {.name = "symmetric: bases that are not selected any more are left",
         .spec = "v2^x x-1",
         .release = "Executing 1/1 v2^x was=0 changes=3 x-1",
         .revisions = "v1#1=3 aA bA cA; v2^x#2=0",
         .bases = "a^x b^x c",
         .plan = "replicaset v2^x replicas 2; replicaset v1 replicas 0"},
        {.name = "defect 9: then it begins; the stale number confirms nothing",
         .spec = "v2 x5 batches=2 confirm confirmed=1",
         .release = FIRST_OF_TWO " done",
         .revisions = "v1#1=3 aA bA cA; v2#2=0",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (3 of 3 available)"},
        {.name = "a new version while the user has paused: planned, but nothing moves",
         .spec = "v2 x5 batches=2 pause",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eA; v2#2=0",
         .bases = "a b c d e",
         .plan = "status Paused 1/2 PausedByUser (5 of 5 available)"},
        {.name = "defect 12: v1x5 -> v2x3 ends without v1",
         .spec = "v2 x3 batches=2",
         .release = "Executing 2/2 v2 was=0 changes=5 x3 batches=2",
         .revisions = "v1#1=2 dA eA; v2#2=3 aA bA cA",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 0"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* ... and among that what was to be confirmed. */
static void nothing_to_confirm_any_more(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.3 nobody is to be asked any more, after the batch was done",
         .spec = "v1 x5 batches=2",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "status Executing 2/2 BatchExecuting (3 of 3 available); "
                 "replicaset v1 replicas 5"},
        {.name = "... and one has fallen sick since",
         .spec = "v1 x5 batches=2",
         .release = FIRST_OF_TWO " done",
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 5.10 */
static void symmetric(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.10, defect 13: -1 stays; the bases are counted",
         .spec = "v1 x-1 batches=2",
         .revisions = "v1#1=0",
         .bases = "a b c",
         .plan = "status Executing 1/2 BatchExecuting (0 of 0 available)"},
        {.name = "5.10 a base comes: followed at once",
         .spec = "v1 x-1",
         .release = "Completed 1/1 v1 was=0 changes=2 x-1",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b c",
         .plan = "replicaset v1 replicas 3"},
        {.name = "5.10 a base that goes takes its instance with it",
         .spec = "v1 x-1",
         .release = "Completed 1/1 v1 was=0 changes=3 x-1",
         .revisions = "v1#1=3 aA bA cA-",
         .bases = "a b",
         .plan = "replicaset v1 replicas 2"},
        {.name = "5.10 one that is not ready is not counted before it has an instance",
         .spec = "v1 x-1",
         .release = "Completed 1/1 v1 was=0 changes=2 x-1",
         .revisions = "v1#1=2 aA bN",
         .bases = "a b! c! d~ e:0",
         .plan = ""},
        {.name = "5.10 a base comes while a confirmation is waited for: it gets the new version",
         .spec = "v2 x-1 batches=2 confirm pause",
         .release = "Paused 1/2 v2 was=0 changes=4 x-1 batches=2 reason=WaitingForConfirmation",
         .revisions = "v1#1=2 cA dA; v2#2=2 aA bA",
         .bases = "a b c d e",
         .plan = "replicaset v2 replicas 3"},
        {.name = "5.10 a base with the old version goes in gray time: no other one gets it",
         .spec = "v2 x-1 batches=2 gray=60",
         .release = "Paused 1/2 v2 was=0 changes=4 x-1 batches=2 reason=GrayTime until=1050000",
         .revisions = "v1#1=2 cA; v2#2=2 aA bA",
         .bases = "a b c",
         .plan = "replicaset v1 replicas 1; requeue at 1050000"},
        {.name = "5.10 a base with the old version goes in a pause of the user",
         .spec = "v2 x-1 batches=2 pause",
         .release = "Paused 1/2 v2 was=0 changes=4 x-1 batches=2",
         .revisions = "v1#1=2 cA; v2#2=2 aA bA",
         .bases = "a b c",
         .plan = "replicaset v1 replicas 1"},
        {.name = "5.11 -1 -> 2: a release that removes one",
         .spec = "v1 x2",
         .release = "Completed 1/1 v1 was=0 changes=3 x-1",
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c",
         .plan = "status Executing 1/1 BatchExecuting (3 of 3 available)"},
        {.name = "5.10 no base at all",
         .spec = "v1 x-1",
         .revisions = "v1#1=0",
         .plan = "status Completed ReleaseCompleted (0 of 0 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* 1.2 */
static void deletion(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "1.2 what is to go is recorded first",
         .spec = "v1 x5 batches=2 deleting",
         .release = "Completed 2/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eA",
         .bases = "a b c d e",
         .plan = "status Terminating 1/2 Deleting (5 of 5 available)"},
        {.name = "1.2 batch 1 of 2: 3 of 5 go",
         .spec = "v1 x5 batches=2 deleting",
         .release = "Terminating 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eA",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 2"},
        {.name = "1.2 as long as one of them is still there nothing follows",
         .spec = "v1 x5 batches=2 deleting",
         .release = "Terminating 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA cT-",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "1.2 batch 2",
         .spec = "v1 x5 batches=2 deleting",
         .release = "Terminating 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b c d e",
         .plan = "status Terminating 2/2 Deleting (2 of 2 available); replicaset v1 replicas 0"},
        {.name = "defect 14: a pause or a confirmation does not hold it",
         .spec = "v1 x5 batches=2 confirm pause deleting",
         .release = WAITING,
         DONE_1,
         .plan = "status Terminating 1/2 Deleting (3 of 3 available)"},
        {.name = "1.2, 5.2 beta",
         .spec = "v1 x3 batches=2 beta deleting",
         .release = "Terminating 1/2 v1 was=0 changes=3 x3 batches=2 beta",
         DONE_1,
         .plan = "replicaset v1 replicas 2"},
        {.name = "defect 14: in the middle of an upgrade: who was on the way is given up",
         .spec = "v2 x5 batches=2 deleting",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aU>sa bP>sb cF>sc",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 5; replicaset v2 replicas 0; status Terminating 1/2 "
                 "Deleting (5 of 8 available)"},
        {.name = "defect 14: its batch 1",
         .spec = "v2 x5 batches=2 deleting",
         .release = "Terminating 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 bA cA; v2#2=3 aA dA eA",
         .bases = "a b c d e",
         .plan = "replicaset v2 replicas 2; replicaset v1 replicas 0"},
        {.name = "two revisions have one number: both go",
         .spec = "v1 x2 deleting",
         .release = "Terminating 1/1 v1 was=0 changes=2 x2",
         .revisions = "v1#1=1 aA; v2#1=1 bA",
         .bases = "a b",
         .plan = "replicaset v2 replicas 0; replicaset v1 replicas 0"},
        {.name = "1.2 all are gone",
         .spec = "v1 x5 deleting",
         .release = "Terminating 1/1 v1 was=0 changes=5 x5",
         .revisions = "v1#1=0",
         .bases = "a b c d e",
         .plan = "remove finalizer"},
        {.name = "1.2 there never was anything",
         .spec = "v1 x5 deleting",
         .plan = "remove finalizer"},
        {.name = "defect 13: a -1 one whose bases are gone",
         .spec = "v1 x-1 deleting",
         .release = "Completed 1/1 v1 was=0 changes=1 x-1",
         .revisions = "v1#1=1",
         .plan = "remove finalizer"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Revisions that nobody needs any more. */
static void history(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "beyond the limit the oldest go",
         .spec = "v4 x1 history=1",
         .release = "Completed 1/1 v4 was=0 changes=1 x1",
         .revisions = "v1#1=0; v3#3=0; v2#2=0; v4#4=1 aA",
         .bases = "a",
         .plan = "delete replicaset v2; delete replicaset v1"},
        {.name = "none with an instance goes",
         .spec = "v2 x1 history=0",
         .release = "Executing 1/1 v2 was=0 changes=1 x1",
         .revisions = "v1#1=0 aT-; v2#2=1 bA",
         .bases = "a b",
         .plan = ""},
    };
    check(rows, ARRAY_LEN(rows));
}

/* baseDeploymentName edited: a revision of its own, which is released in batches as any other. */
static void another_base_deployment(void **state)
{
    (void)state;
    struct kit kit;
    static const struct kit_row world = {.spec = "v1 x1", .revisions = "v1#1=1 aA", .bases = "a"};
    kit_init(&kit, &world);
    AUTO_FREE char *here = update_revision_name(kit.md, &kit.md->spec.template);
    kit.md->spec.base_deployment_name = mem_strdup("shelf");
    AUTO_FREE char *there = update_revision_name(kit.md, &kit.md->spec.template);
    assert_string_not_equal(here, there);
    struct deployment_view view = kit_view(&kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    assert_int_equal(plan.actions.len, 1);
    assert_int_equal(plan.actions.items[0].type, ACTION_CREATE_REPLICASET);
    assert_string_equal(plan.actions.items[0].name, there);
    assert_int_equal(plan.actions.items[0].number, 2);
    plan_done(&plan);
    mem_replace(&kit.md->spec.base_deployment_name, NULL);
    kit_done(&kit);

    static const struct kit_row rows[] = {
        {.name = "symmetric: as many as there are bases of the new one",
         .spec = "v2 x-1",
         .release = "Executing 1/1 v2 was=0 changes=2 x-1",
         .revisions = "v1#1=1 aA; v2#2=0",
         .bases = "d e a@",
         .plan = "replicaset v2 replicas 2; replicaset v1 replicas 0"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* A label that somebody has set to whatever. */
static void numbers_of_revisions_end(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "the next one of the last is none",
         .spec = "v2 x1",
         .release = "Completed 1/1 v1 was=0 changes=1 x1",
         .revisions = "v1#2147483647=1 aA",
         .bases = "a",
         .plan = "create replicaset v2 revision 2147483647"},
        {.name = "it is as new as the other: not renewed again and again",
         .spec = "v2 x1",
         .release = "Completed 1/1 v2 was=0 changes=1 x1",
         .revisions = "v1#2147483647=0; v2#2147483647=1 aA",
         .bases = "a"},
        {.name = "a return",
         .spec = "v1 x1",
         .release = "Completed 1/1 v2 was=0 changes=1 x1",
         .revisions = "v1#1=0; v2#2147483647=1 aA",
         .bases = "a",
         .plan = "renew replicaset v1 revision 2147483647"},
        {.name = "one before it is as ever",
         .spec = "v2 x1",
         .release = "Completed 1/1 v1 was=0 changes=1 x1",
         .revisions = "v1#2147483646=1 aA",
         .bases = "a",
         .plan = "create replicaset v2 revision 2147483647"},
    };
    check(rows, ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits),
        cmocka_unit_test(nothing_to_confirm_any_more),
        cmocka_unit_test(symmetric),
        cmocka_unit_test(deletion),
        cmocka_unit_test(history),
        cmocka_unit_test(another_base_deployment),
        cmocka_unit_test(numbers_of_revisions_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
