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

/* What has to be there before anything moves (1.1), and what is in the way. */
static void preparation(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "1.1 the finalizer comes first", .spec = "v1 x5 new", .plan = "add finalizer"},
        {.name = "1.1 then the revision",
         .spec = "v1 x5",
         .plan = "create replicaset v1 revision 1"},
        {.name = "2.1 a new version makes a new revision",
         .spec = "v2 x1",
         .release = "Completed v1 x1",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .plan = "create replicaset v2 revision 2"},
        {.name = "2.2 an old version comes back: its revision becomes the newest",
         .spec = "v1 x1",
         .release = "Completed v2 x1",
         .revisions = "v1#1=0; v2#2=1 aA",
         .bases = "a",
         .plan = "renew replicaset v1 revision 3"},
        {.name = "3.1 a new url alone: the template of the revision follows, nothing is released",
         .spec = "v1 x1 url=http://other/v1.jar",
         .release = "Completed v1 x1",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .plan = "renew replicaset v1 revision 1"},
        {.name = "a ModuleTemplate that is missing is said",
         .spec = "v1 x1 template-missing",
         .release = "Completed v1 x1",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .plan = "status Init TemplateNotFound (1 of 1 available)"},
        {.name = "defect 11: the second ModuleDeployment of a module waits for the first",
         .spec = "v1 x1 taken-by=other",
         .bases = "a",
         .plan = "status Init OwnedByAnother (0 of 0 available)"},
        {.name = "no base Deployment: it is said, and nothing moves",
         .spec = "v1 x1 base-missing",
         .plan = "status Init BaseDeploymentNotFound (0 of 0 available)"},
        {.name =
             "the base Deployment goes: what is there stays, the release is not complete any more",
         .spec = "v1 x2 base-missing",
         .release = "Completed v1 x2",
         .revisions = "v1#1=2 aA",
         .bases = "a",
         .plan = "status Init BaseDeploymentNotFound (1 of 1 available)"},
        {.name = "a batch that is under way stops where it is",
         .spec = "v2 x2 batches=2 base-missing",
         .release = "Executing 1/2 v2 was=0 changes=2 x2 batches=2 reason=BaseDeploymentNotFound",
         .revisions = "v1#1=1 aA bA; v2#2=1",
         .bases = "a b",
         .plan = ""},
        {.name = "the base Deployment is there again: it goes on by itself",
         .spec = "v2 x2 batches=2",
         .release = "Executing 1/2 v2 was=0 changes=2 x2 batches=2 reason=BaseDeploymentNotFound",
         .revisions = "v1#1=2 aA bA; v2#2=0",
         .bases = "a b",
         .plan =
             "status Executing 1/2 BatchExecuting (2 of 2 available); replicaset v2 replicas 1; "
             "replicaset v1 replicas 1"},
        {.name = "bases that nobody has listed yet: nothing is decided",
         .spec = "v2 x-1 bases-unknown",
         .release = "Completed v1 x-1",
         .revisions = "v1#1=2 aA bA"},
        {.name = "... but that nothing is known of them is said",
         .spec = "v1 x1 bases-unknown base-missing",
         .bases = "a",
         .plan = "status Init BasesUnknown (0 of 0 available)"},
        {.name = "... and a deletion goes on",
         .spec = "v1 x1 bases-unknown deleting",
         .release = "Terminating 1/1 v1 changes=1 x1",
         .revisions = "v1#1=1 aA",
         .plan = "replicaset v1 replicas 0"},
        {.name = "5.9 its bases are gone and so is their Deployment: it can be deleted",
         .spec = "v1 x-1 base-missing deleting",
         .release = "Completed v1 x-1",
         .revisions = "v1#1=2",
         .plan = "remove finalizer"},
        {.name = "deletion goes on without the base Deployment",
         .spec = "v1 x1 base-missing deleting",
         .release = "Terminating 1/1 v1 changes=1 x1",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .plan = "replicaset v1 replicas 0"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void beginning(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "1.1 what is to change is recorded before anything moves",
         .spec = "v1 x5 batches=2",
         .revisions = "v1#1=0",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (0 of 0 available)"},
        {.name = "1.1 then batch 1: 3 of 5 in 2",
         .spec = "v1 x5 batches=2",
         .release = "Executing 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=0",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3"},
        {.name = "5.2 beta: 1 of 5",
         .spec = "v1 x5 batches=2 beta",
         .release = "Executing 1/2 v1 was=0 changes=5 x5 batches=2 beta",
         .revisions = "v1#1=0",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 1"},
        {.name = "5.1 batchCount 0 is 1",
         .spec = "v1 x5",
         .release = "Executing 1/1 v1 was=0 changes=5 x5",
         .revisions = "v1#1=0",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 5"},
        {.name = "1.1 0 replicas are released at once",
         .spec = "v1 x0",
         .revisions = "v1#1=0",
         .plan = "status Completed ReleaseCompleted (0 of 0 available)"},
        {.name = "2.1 upgrade of 5 in 2",
         .spec = "v2 x5 batches=2",
         .release = "Completed 2/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eA; v2#2=0",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (5 of 5 available)"},
        {.name = "2.1 its batch 1 takes 3 from the old revision, and keeps 2",
         .spec = "v2 x5 batches=2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eA; v2#2=0",
         .bases = "a b c d e",
         .plan = "replicaset v2 replicas 3; replicaset v1 replicas 2"},
        {.name = "4.1 scale down 5 -> 2 in 2, batch 1 removes 2",
         .spec = "v1 x2 batches=2",
         .release = "Executing 1/2 v1 was=5 changes=3 x2 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eA",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3"},
        {.name = "4.1 batch 2 removes 1",
         .spec = "v1 x2 batches=2",
         .release = "Executing 2/2 v1 was=5 changes=3 x2 batches=2",
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 2"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* A problem does not lose where the release was. */
static void problems(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "while a confirmation is waited for: it still is, afterwards",
         .spec = "v1 x5 batches=2 confirm pause template-missing",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2 reason=WaitingForConfirmation",
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "in gray time",
         .spec = "v1 x5 batches=2 gray=60 taken-by=other",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2 reason=GrayTime until=1050000",
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "in a batch: the reason says so",
         .spec = "v1 x5 batches=2 template-missing",
         .release = "Executing 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=3 aA bA cU",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 TemplateNotFound (2 of 3 available)"},
        {.name = "and does not say so any more when it is over",
         .spec = "v1 x5 batches=2",
         .release = "Executing 1/2 v1 was=0 changes=5 x5 batches=2 reason=TemplateNotFound",
         .revisions = "v1#1=3 aA bA cU",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* From batch to batch: gates, confirmation, gray time. */
static void batches_go_on(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.1 the batch runs as long as one instance is on its way",
         .spec = "v1 x5 batches=2",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA bA cU",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "5.1 the batch is done",
         .spec = "v1 x5 batches=2",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c d e",
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "defect 1: one that fails keeps the last batch open",
         .spec = "v1 x5 batches=2",
         .release = LAST_OF_TWO,
         .revisions = "v1#1=5 aA bA cA dA eF",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "defect 1: so does one that is not there",
         .spec = "v1 x5 batches=2 confirm",
         .release = LAST_OF_TWO,
         .revisions = "v1#1=5 aA bA cA dA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "and one that is not Available any more",
         .spec = "v1 x5 batches=2",
         .release = LAST_OF_TWO,
         .revisions = "v1#1=5 aA bA cN dA eA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "5.1 the last batch is done",
         .spec = "v1 x5 batches=2 confirm",
         .release = LAST_OF_TWO,
         .revisions = "v1#1=5 aA bA cA dA eA",
         .bases = "a b c d e",
         .plan = "status Completed 2/2 ReleaseCompleted (5 of 5 available)"},
        {.name = "2.1 a batch is not done before what it replaces is off its base",
         .spec = "v2 x5 batches=2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 cT- dA eA; v2#2=3 aA bA cA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "defect 2: the old revision at its reduced size does not open the gate",
         .spec = "v2 x5 batches=2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 dA eA; v2#2=3 aF bA cA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "4.1 scaling down waits until what goes is gone",
         .spec = "v1 x2 batches=2",
         .release = "Executing 1/2 v1 was=5 changes=3 x2 batches=2",
         .revisions = "v1#1=3 aA bA cA dT- eT-",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "4.1 and goes on",
         .spec = "v1 x2 batches=2",
         .release = "Executing 1/2 v1 was=5 changes=3 x2 batches=2",
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c d e",
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 2"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void confirmation(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.3 that the batch is done is written first",
         .spec = "v1 x5 batches=2 confirm",
         .release = FIRST_OF_TWO,
         DONE_1,
         .plan = "status Executing 1/2 BatchExecuting (3 of 3 available)"},
        {.name = "5.3 then spec.pause",
         .spec = "v1 x5 batches=2 confirm",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "pause"},
        {.name = "5.3 then the status waits",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "status Paused 1/2 WaitingForConfirmation (3 of 3 available)"},
        {.name = "5.3 even if an instance has fallen sick by then: the pause is not the user's",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = FIRST_OF_TWO " done",
         .revisions = "v1#1=3 aA bN cA",
         .bases = "a b c d e",
         .plan = "status Paused 1/2 WaitingForConfirmation (2 of 3 available)"},
        {.name = "defect 8: a number that was set in advance is cleared, with spec.pause",
         .spec = "v1 x5 batches=2 confirm confirmed=1",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "pause"},
        {.name = "defect 8: also where the user had paused already",
         .spec = "v1 x5 batches=2 confirm confirmed=1 pause",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "pause"},
        {.name = "5.3 it waits",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = WAITING,
         DONE_1,
         .plan = ""},
        {.name = "5.3 pause = false confirms",
         .spec = "v1 x5 batches=2 confirm",
         .release = WAITING,
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "5.3 the number of the batch confirms: pause goes first",
         .spec = "v1 x5 batches=2 confirm pause confirmed=1",
         .release = WAITING,
         DONE_1,
         .plan = "unpause"},
        {.name = "5.3, defect 8: the number of another batch confirms nothing",
         .spec = "v1 x5 batches=2 confirm pause confirmed=2",
         .release = WAITING,
         DONE_1,
         .plan = ""},
        {.name = "5.3 needConfirm taken back: nobody is waited for",
         .spec = "v1 x5 batches=2 pause",
         .release = WAITING,
         DONE_1,
         .plan = "unpause"},
        {.name = "5.3 without needConfirm nothing pauses for a person",
         .spec = "v1 x5 batches=2 beta",
         .release = "Executing 1/2 v1 was=0 changes=5 x5 batches=2 beta",
         .revisions = "v1#1=1 aA",
         .bases = "a b c d e",
         .plan =
             "status Executing 2/2 BatchExecuting (1 of 1 available); replicaset v1 replicas 5"},
        {.name = "5.2, 5.3 beta's batch waits too",
         .spec = "v1 x5 batches=2 beta confirm",
         .release = "Executing 1/2 v1 was=0 changes=5 x5 batches=2 beta done",
         .revisions = "v1#1=1 aA",
         .bases = "a b c d e",
         .plan = "pause"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void gray_time(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "5.4 it begins when the batch is done",
         .spec = "v1 x5 batches=2 gray=60",
         .release = FIRST_OF_TWO,
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1060000"},
        {.name = "5.4 not over yet",
         .spec = "v1 x5 batches=2 gray=60",
         .release = GRAY,
         DONE_1,
         .plan = "requeue at 1050000"},
        {.name = "5.4 not over, but switched off",
         .spec = "v1 x5 batches=2",
         .release = GRAY,
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "5.4, defect 7: over, it goes on by itself",
         .spec = "v1 x5 batches=2 gray=60",
         .release = GRAY,
         DONE_1,
         .now_ms = 1050000,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "5.4 over, but an instance is sick: it does not go on",
         .spec = "v1 x5 batches=2 gray=60",
         .release = GRAY,
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .now_ms = 1050000,
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 3 available)"},
        {.name = "5.4 the last batch has no gray time",
         .spec = "v1 x5 batches=2 gray=60",
         .release = LAST_OF_TWO,
         .revisions = "v1#1=5 aA bA cA dA eA",
         .bases = "a b c d e",
         .plan = "status Completed 2/2 ReleaseCompleted (5 of 5 available)"},
        {.name = "5.3, 5.4 confirmed before it is over: counted from the end of the batch",
         .spec = "v1 x5 batches=2 gray=60 confirm",
         .release = WAITING " until=1050000",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1050000"},
        {.name = "5.3, 5.4 confirmed after it",
         .spec = "v1 x5 batches=2 gray=60 confirm",
         .release = WAITING " until=1050000",
         DONE_1,
         .now_ms = 1050000,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "5.4 the user pauses in it",
         .spec = "v1 x5 batches=2 gray=60 pause",
         .release = GRAY,
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* The end of gray time was written by a clock that is another one now. */
static void gray_time_by_another_clock(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "set back by a day: a whole gray time from now",
         .spec = "v1 x5 batches=2 gray=60",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2 reason=GrayTime until=87450000",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1060000"},
        {.name = "set back by a second",
         .spec = "v1 x5 batches=2 gray=60",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2 reason=GrayTime until=1061000",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1060000"},
        {.name = "set ahead: over",
         .spec = "v1 x5 batches=2 gray=60",
         .release = GRAY,
         DONE_1,
         .now_ms = 87400000,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "made shorter meanwhile: so short from now",
         .spec = "v1 x5 batches=2 gray=10",
         .release = GRAY,
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1010000"},
        {.name = "set back while a confirmation was waited for",
         .spec = "v1 x5 batches=2 gray=60 confirm",
         .release = WAITING " until=87450000",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1060000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* A batch that was done, and is not healthy any more when the next could begin. */
static void unhealthy_at_the_gate(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "confirmed, but an instance is sick: the next batch does not begin",
         .spec = "v1 x5 batches=2 confirm",
         .release = WAITING " done",
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 3 available)"},
        {.name = "confirmed, but its base is gone",
         .spec = "v1 x5 batches=2 confirm",
         .release = WAITING " done",
         .revisions = "v1#1=3 aA bA",
         .bases = "a b d e",
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 2 available)"},
        {.name = "it holds there",
         .spec = "v1 x5 batches=2 confirm",
         .release = FIRST_OF_TWO " passed reason=BatchUnhealthy",
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "healthy again: it goes on, and nobody is asked once more",
         .spec = "v1 x5 batches=2 confirm gray=60",
         .release = FIRST_OF_TWO " passed reason=BatchUnhealthy",
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "a pause there is the user's",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = FIRST_OF_TWO " passed reason=BatchUnhealthy",
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .plan = "status Paused 1/2 PausedByUser (2 of 3 available)"},
        {.name = "sick while a person is asked: they still are",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = WAITING " done",
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "sick in gray time, healthy at its end",
         .spec = "v1 x5 batches=2 gray=60",
         .release = GRAY " done",
         .revisions = "v1#1=3 aA bA cN",
         .bases = "a b c d e",
         .plan = "requeue at 1050000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Plans at @wall_ms and keeps the status that is written. Return: whether the second batch is executed. */
static bool goes_on_at(struct kit *kit, int64_t wall_ms)
{
    struct plan plan = {0};
    struct deployment_view view = kit_view(kit);
    view.wall_ms = wall_ms;
    plan_deployment(&view, &plan);
    for (size_t i = 0; i < plan.actions.len; i++)
        if (plan.actions.items[i].type == ACTION_WRITE_STATUS)
            kit_write_status(kit, &plan.actions.items[i]);
    plan_done(&plan);
    return kit->md->status.release.current_batch == 2;
}

/* Looked at often, by whatever clock: it ends a gray time after the clock was set back. */
static void gray_time_that_was_put_off_ends(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v1 x5 batches=2 gray=60", .release = FIRST_OF_TWO, DONE_1};
    const int64_t day_ms = 86400000, start_ms = 20 * day_ms;
    struct kit kit;
    kit_init(&kit, &row);
    assert_false(goes_on_at(&kit, start_ms));
    for (int64_t passed_ms = 0; passed_ms < 60000; passed_ms += 5000)
        assert_false(goes_on_at(&kit, start_ms - day_ms + passed_ms));
    assert_true(goes_on_at(&kit, start_ms - day_ms + 60000));
    kit_done(&kit);
}

/* Pause, resume and abort by the user. */
static void user_stops(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name =
             "one that was refused beside the old one has a substitute, and does not count twice",
         .spec = "v2 x1 pause",
         .release = "Executing 1/1 v2 was=0 changes=1 x1",
         .revisions = "v1#1=0 aA; v2#2=1 web aP>sa? bP>oa",
         .bases = "a b",
         .plan = "status Paused 1/1 PausedByUser (1 of 3 available)"},
        {.name = "a pause freezes the numbers before it is said",
         .spec = "v1 x5 batches=2 pause",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA bU",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 2; status Paused 1/2 PausedByUser (1 of 2 available)"},
        {.name = "a pause in the middle of an upgrade: pairs of old and new count as one",
         .spec = "v2 x5 batches=2 pause",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aU>sa bP>sb",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3; replicaset v2 replicas 2; status Paused 1/2 "
                 "PausedByUser (5 of 7 available)"},
        {.name = "paused",
         .spec = "v1 x5 batches=2 pause",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "resumed",
         .spec = "v1 x5 batches=2",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b c d e",
         .plan =
             "status Executing 1/2 BatchExecuting (2 of 2 available); replicaset v1 replicas 3"},
        {.name = "a pause after the release holds nothing",
         .spec = "v1 x2 pause",
         .release = "Completed 1/1 v1 was=0 changes=2 x2",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b",
         .plan = ""},
        {.name = "abort",
         .spec = "v2 x5 batches=2 abort=v2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 bA cA dA eA; v2#2=3 aA bU>sb",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3; replicaset v2 replicas 2; status Aborted 1/2 "
                 "AbortedByUser (5 of 6 available)"},
        {.name = "an abort of another revision does nothing",
         .spec = "v2 x5 batches=2 abort=v1",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 dA eA; v2#2=3 aA bA cU",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "an abort while a confirmation is waited for: the waiting ends",
         .spec = "v2 x5 batches=2 confirm pause abort=v2",
         .release = "Paused 1/2 v2 was=0 changes=5 x5 batches=2 reason=WaitingForConfirmation done",
         .revisions = "v1#1=2 dA eA; v2#2=3 aA bA cA",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (5 of 5 available)"},
        {.name = "the own pause goes with it",
         .spec = "v2 x5 batches=2 confirm pause abort=v2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2 done",
         .revisions = "v1#1=2 dA eA; v2#2=3 aA bA cA",
         .bases = "a b c d e",
         .plan = "unpause"},
        {.name = "the user's stays: in gray time nobody is asked",
         .spec = "v2 x5 batches=2 confirm gray=60 pause abort=v2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2 done until=1050000",
         .revisions = "v1#1=2 dA eA; v2#2=3 aA bA cA",
         .bases = "a b c d e",
         .plan = "status Aborted 1/2 AbortedByUser (5 of 5 available)"},
        {.name = "aborted, not confirmed, once it is gone",
         .spec = "v2 x5 batches=2 confirm abort=v2",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2 done",
         .revisions = "v1#1=2 dA eA; v2#2=3 aA bA cA",
         .bases = "a b c d e",
         .plan = "status Aborted 1/2 AbortedByUser (5 of 5 available)"},
        {.name = "aborted it stays",
         .spec = "v2 x5 batches=2 abort=v2",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=3 bA cA dA eA; v2#2=2 aA bU",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "the annotation goes: the release goes on",
         .spec = "v2 x5 batches=2",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=3 bA cA dA; v2#2=2 aA bA",
         .bases = "a b c d e",
         .plan =
             "status Executing 1/2 BatchExecuting (5 of 5 available); replicaset v2 replicas 3; "
             "replicaset v1 replicas 2"},
        {.name = "2.2 a rollback after an abort",
         .spec = "v1 x5 batches=2 abort=v2",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#3=3 cA dA eA; v2#2=2 aA bF",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (4 of 5 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preparation),
        cmocka_unit_test(problems),
        cmocka_unit_test(beginning),
        cmocka_unit_test(batches_go_on),
        cmocka_unit_test(confirmation),
        cmocka_unit_test(gray_time),
        cmocka_unit_test(gray_time_by_another_clock),
        cmocka_unit_test(gray_time_that_was_put_off_ends),
        cmocka_unit_test(unhealthy_at_the_gate),
        cmocka_unit_test(user_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
