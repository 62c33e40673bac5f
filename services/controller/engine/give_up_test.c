/* SPDX-License-Identifier: Apache-2.0 */
/* Releases that fail: progressDeadlineSeconds, rollbackOnFailure, and how they go on (give_up.c, rollback.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/progress_deadline.h"

/* Five of v1 in two batches with 60 s to go on, one of the first three not there yet. */
#define DEADLINE .spec = "v1 x5 batches=2 deadline=60"
#define TWO_OF_THREE .revisions = "v1#1=3 aA=930 bA=930 cU", .bases = "a b c d e"
#define STOPPED                                                                                    \
    "Aborted 1/2 v1 was=0 changes=5 x5 batches=2 reason=ProgressDeadlineExceeded since=990000"

/* An upgrade of five to v2 that v1 would take back. */
#define UPGRADE "Executing 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1"
#define PAUSED_UPGRADE "Paused 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1"
#define FAILED_5                                                                                   \
    .revisions = "v1#1=5 aA bA cA dA eA; v2#2=3 aF*5>sa bF*2>sb cU>sc", .bases = "a b c d e"
#define FAILED_4                                                                                   \
    .revisions = "v1#1=5 aA bA cA dA eA; v2#2=3 aF*4>sa bF*2>sb cU>sc", .bases = "a b c d e"
#define MARKED .revisions = "v1#3=5 aA bA cA dA eA; v2#2=0 failed", .bases = "a b c d e"

static void check(const struct kit_row *rows, size_t count)
{
    AUTO_FREE char *wrong = kit_wrong(plan_deployment, rows, count, /* events_only= */ false);
    assert_string_equal(wrong, "");
}

static void deadline(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "not over: it is looked at again then",
         DEADLINE,
         .release = FIRST_OF_TWO " since=950000",
         TWO_OF_THREE,
         .plan = "requeue at 1010000"},
        {.name = "over",
         DEADLINE,
         .release = FIRST_OF_TWO " since=940000",
         TWO_OF_THREE,
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
        {.name = "time to drain is not counted",
         .spec = "v1 x5 batches=2 deadline=60 drain=30",
         .release = FIRST_OF_TWO " since=940000",
         TWO_OF_THREE,
         .plan = "requeue at 1030000"},
        {.name = "over: numbers are frozen, old ones stay where new ones are not there",
         .spec = "v2 x5 batches=2 deadline=60",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aA>sa bU>sb",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3; replicaset v2 replicas 2; status Aborted 1/2 "
                 "ProgressDeadlineExceeded (6 of 7 available)"},
        {.name = "counted from the last progress: one became Available",
         DEADLINE,
         .release = FIRST_OF_TWO " since=900000",
         .revisions = "v1#1=3 aA=970 bA=930 cU",
         .bases = "a b c d e",
         .plan = "requeue at 1030000"},
        {.name = "no controller was there: a whole period from when one began to plan",
         .spec = "v1 x5 batches=2 deadline=60 started=1000",
         .release = FIRST_OF_TWO " since=100000",
         TWO_OF_THREE,
         .plan = "requeue at 1060000"},
        {.name = "it was there soon after: from then on",
         .spec = "v1 x5 batches=2 deadline=60 started=955",
         .release = FIRST_OF_TWO " since=950000",
         TWO_OF_THREE,
         .plan = "requeue at 1015000"},
        {.name = "it has been there for long, and there was no progress",
         .spec = "v1 x5 batches=2 deadline=60 started=940",
         .release = FIRST_OF_TWO " since=100000",
         TWO_OF_THREE,
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
        {.name = "nor does it return for that",
         .spec = "v2 x5 batches=2 rollback deadline=60 started=1000",
         .release = UPGRADE,
         FAILED_4,
         .plan = "replicaset v1 replicas 2; requeue at 1060000"},
        {.name = "of an old one that is no progress",
         .spec = "v2 x5 batches=2 deadline=60",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=2 aA=930 bA=970 cA dA eA; v2#2=3 aU>sa bU>sb cU>sc",
         .bases = "a b c d e",
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (5 of 8 available)"},
        {.name = "no room is no progress either",
         DEADLINE,
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA=930 bA=930",
         .bases = "a b",
         .plan = "replicaset v1 replicas 2; status Aborted 1/2 ProgressDeadlineExceeded (2 of 2 "
                 "available)"},
        {.name = "the batch is done just then",
         DEADLINE,
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA=930 bA=930 cA=930",
         .bases = "a b c d e",
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "0 is never", .spec = "v1 x5 batches=2", .release = FIRST_OF_TWO, TWO_OF_THREE},
    };
    check(rows, ARRAY_LEN(rows));
}

static void deadline_does_not_count(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "while a person is asked",
         .spec = "v1 x5 batches=2 confirm pause deadline=60",
         .release = WAITING,
         TWO_OF_THREE},
        {.name = "in gray time",
         .spec = "v1 x5 batches=2 gray=100 deadline=60",
         .release = GRAY,
         TWO_OF_THREE,
         .plan = "requeue at 1050000"},
        {.name = "while the user pauses",
         .spec = "v1 x5 batches=2 pause deadline=60",
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2",
         TWO_OF_THREE},
        {.name = "where the user pauses just then",
         .spec = "v1 x5 batches=2 pause deadline=60",
         .release = FIRST_OF_TWO,
         TWO_OF_THREE,
         .plan = "status Paused 1/2 PausedByUser (2 of 3 available)"},
        {.name = "after a pause it counts from there",
         DEADLINE,
         .release = "Paused 1/2 v1 was=0 changes=5 x5 batches=2",
         TWO_OF_THREE,
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
        {.name = "for what is Completed",
         DEADLINE,
         .release = "Completed 2/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eF",
         .bases = "a b c d e"},
        {.name = "behind the gate it does",
         DEADLINE,
         .release = FIRST_OF_TWO " passed reason=BatchUnhealthy",
         TWO_OF_THREE,
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* What was written down by a clock that was set back since. */
static void deadline_by_another_clock(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "the batch began tomorrow: a whole period from now, written down",
         DEADLINE,
         .release = FIRST_OF_TWO " since=87400000",
         TWO_OF_THREE,
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available); requeue at 1060000"},
        {.name = "an instance is Available since tomorrow: that counts for nothing",
         DEADLINE,
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA=87400 bA=930 cU",
         .bases = "a b c d e",
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void progress_is_told_by_objects(void **state)
{
    (void)state;
    static const struct kit_row row = {DEADLINE, .release = FIRST_OF_TWO,
                                       .revisions = "v1#1=3 aA=910 bU; v2#2=1 cA"};
    struct kit kit;
    kit_init(&kit, &row);
    struct deployment_view view = kit_view(&kit);
    struct revision *v1 = kit_revision(&kit, "v1");
    const struct release_status *release = &kit.md->status.release;
    assert_int_equal(last_progress_ms(&view, v1, release), 910000);
    kit_module(kit_instance(&kit, "v1@b"))->meta.creation_ms = 920000;
    assert_int_equal(last_progress_ms(&view, v1, release), 920000);
    kit_module(kit_instance(&kit, "v2@c"))->meta.deletion_ms = 930000; /* told to go */
    assert_int_equal(last_progress_ms(&view, v1, release), 930000);
    kit_module(kit_instance(&kit, "v2@c"))->meta.deletion_ms = 1000001; /* of another clock */
    assert_int_equal(last_progress_ms(&view, v1, release), 920000);
    kit_done(&kit);
}

static void aborted_goes_on(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "aborted it stays", DEADLINE, .release = STOPPED, TWO_OF_THREE},
        {.name = "also when all are there",
         DEADLINE,
         .release = STOPPED,
         .revisions = "v1#1=3 aA bA cA",
         .bases = "a b c d e"},
        {.name = "resumed",
         .spec = "v1 x5 batches=2 deadline=60 resume=v1",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
        {.name = "then what asked for it goes",
         .spec = "v1 x5 batches=2 deadline=60 resume=v1",
         .release = FIRST_OF_TWO " since=1000000",
         TWO_OF_THREE,
         .plan = "end resume"},
        {.name = "another revision was to go on: nothing does",
         .spec = "v1 x5 batches=2 deadline=60 resume=v2",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "end resume"},
        {.name = "an edit of the spec, whichever",
         .spec = "v1 x5 batches=2 deadline=120 edited",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
        {.name = "but one that pauses it",
         .spec = "v1 x5 batches=2 deadline=60 pause edited",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
        {.name = "the pause is taken back: that is one",
         .spec = "v1 x5 batches=2 deadline=60 edited",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
        {.name = "a problem, and it is paused: it stays stopped",
         .spec = "v1 x5 batches=2 deadline=60 template-missing pause edited",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
        {.name = "given up by a person besides: an edit is not enough",
         .spec = "v1 x5 batches=2 deadline=120 edited abort=v1",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (2 of 3 available)"},
        {.name = "a problem does not lose that it is stopped",
         .spec = "v1 x5 batches=2 deadline=60 template-missing",
         .release = STOPPED,
         TWO_OF_THREE},
        {.name = "an edit that is one itself is not lost",
         .spec = "v1 x5 batches=2 deadline=60 template-missing edited",
         .release = STOPPED,
         TWO_OF_THREE,
         .plan = "status Executing 1/2 TemplateNotFound (2 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* When it is decided that a release returns. */
static void failure(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "an instance has failed for good: that is marked, nothing else",
         .spec = "v2 x5 batches=2 rollback",
         .release = UPGRADE,
         FAILED_5,
         .plan = "mark failed v2"},
        {.name = "four attempts are not enough",
         .spec = "v2 x5 batches=2 rollback",
         .release = UPGRADE,
         FAILED_4,
         .plan = "replicaset v1 replicas 2"},
        {.name = "nobody has asked for it",
         .spec = "v2 x5 batches=2",
         .release = UPGRADE,
         FAILED_5,
         .plan = "replicaset v1 replicas 2"},
        {.name = "while the user pauses",
         .spec = "v2 x5 batches=2 pause rollback",
         .release = PAUSED_UPGRADE,
         FAILED_5,
         .plan = "mark failed v2"},
        {.name = "while a person is asked",
         .spec = "v2 x5 batches=2 confirm pause rollback",
         .release = PAUSED_UPGRADE " done reason=WaitingForConfirmation",
         FAILED_5,
         .plan = "mark failed v2"},
        {.name = "in gray time",
         .spec = "v2 x5 batches=2 gray=60 rollback",
         .release = PAUSED_UPGRADE " done reason=GrayTime until=1050000",
         FAILED_5,
         .plan = "mark failed v2"},
        {.name = "there is no progress",
         .spec = "v2 x5 batches=2 rollback deadline=60",
         .release = UPGRADE,
         FAILED_4,
         .plan = "mark failed v2"},
        {.name = "nothing was Completed before: it is stopped",
         .spec = "v2 x5 batches=2 rollback deadline=60",
         .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
         .revisions = "v2#1=3 aF*9 bU cU",
         .bases = "a b c",
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (0 of 3 available)"},
        {.name = "what was Completed is the same: more of it were wanted",
         .spec = "v2 x5 rollback deadline=60",
         .release = "Executing 1/1 v2 was=3 changes=2 x5 stable=v2",
         .revisions = "v1#1=0; v2#2=5 aA bA cA dF*9 eF*9",
         .bases = "a b c d e",
         .plan = "status Aborted 1/1 ProgressDeadlineExceeded (3 of 5 available)"},
        {.name = "its ModuleReplicaSet is gone",
         .spec = "v2 x5 batches=2 rollback deadline=60",
         .release = UPGRADE,
         .revisions = "v2#2=3 aF*9 bU cU",
         .bases = "a b c",
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (0 of 3 available)"},
        {.name = "what a person gave up stays as it is",
         .spec = "v2 x5 batches=2 rollback abort=v2",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         FAILED_5},
        {.name = "after the release nothing returns",
         .spec = "v2 x5 batches=2 rollback",
         .release = "Completed 2/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         .revisions = "v1#1=0; v2#2=5 aA bA cA dA eF*9",
         .bases = "a b c d e"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* What follows from the mark. */
static void the_way_back(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "the last good revision becomes the newest",
         .spec = "v2 x5 batches=2 rollback",
         .release = UPGRADE,
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 failed aF*5>sa bU>sb cU>sc",
         .bases = "a b c d e",
         .plan = "renew replicaset v1 revision 3"},
        {.name = "its release begins, as any other, in the middle of a batch",
         .spec = "v2 x5 batches=2 rollback",
         .release = UPGRADE,
         .revisions = "v1#3=2 cA dA eA; v2#2=3 failed aA bA cU>sc",
         .bases = "a b c d e",
         .plan = "replicaset v1 replicas 3; replicaset v2 replicas 2; status Executing 1/2 "
                 "BatchExecuting (5 of 6 available)"},
        {.name = "a person is not asked any more, so the question goes first",
         .spec = "v2 x5 batches=2 confirm pause rollback",
         .release = PAUSED_UPGRADE " done reason=WaitingForConfirmation",
         .revisions = "v1#3=2 dA eA; v2#2=3 failed aA bF*5 cA",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (4 of 5 available)"},
        {.name = "batches gate, and nobody is asked between them",
         .spec = "v2 x5 batches=2 confirm rollback",
         .release = "Executing 1/2 v1 was=2 changes=3 x5 batches=2 stable=v1 instead-of=v2",
         .revisions = "v1#3=4 aA bA dA eA; v2#2=1 failed cA",
         .bases = "a b c d e",
         .plan = "status Executing 2/2 BatchExecuting (5 of 5 available); replicaset v1 replicas "
                 "5; replicaset v2 replicas 0"},
        {.name = "the user's pause holds it",
         .spec = "v2 x5 batches=2 pause rollback",
         .release = "Executing 1/2 v1 was=2 changes=3 x5 batches=2 stable=v1 instead-of=v2",
         .revisions = "v1#3=2 dA eA; v2#2=3 failed aA bA cA",
         .bases = "a b c d e",
         .plan = "status Paused 1/2 PausedByUser (5 of 5 available)"},
        {.name = "its end says what it was",
         .spec = "v2 x5 rollback",
         .release = "Executing 1/1 v1 was=2 changes=3 x5 stable=v1 instead-of=v2",
         MARKED,
         .plan = "status Completed 1/1 RolledBack (5 of 5 available)"},
        {.name = "no progress on the way back: there is no other way",
         .spec = "v2 x5 batches=2 rollback deadline=60",
         .release = "Executing 1/2 v1 was=2 changes=3 x5 batches=2 stable=v1 instead-of=v2",
         .revisions = "v1#3=4 aF*9>sa bA dA eA; v2#2=1 failed aA cA",
         .bases = "a b c d e",
         .plan = "status Aborted 1/2 ProgressDeadlineExceeded (5 of 6 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* It never goes there and back; and when it is tried again. */
static void the_mark_stays(void **state)
{
    (void)state;
    static const char completed[] =
        "Completed 1/1 v1 was=2 changes=3 x5 stable=v1 instead-of=v2 reason=RolledBack";
    static const struct kit_row rows[] = {
        {.name = "until then", .spec = "v2 x5 rollback", .release = completed, MARKED},
        {.name = "other edits: more of what runs",
         .spec = "v2 x6 rollback edited",
         .release = completed,
         .revisions = "v1#3=5 aA bA cA dA eA; v2#2=0 failed",
         .bases = "a b c d e f",
         .plan = "status Executing 1/1 BatchExecuting (5 of 5 available)"},
        {.name = "history=0: what the mark is on is kept, and what is returned to",
         .spec = "v2 x5 rollback history=0",
         .release = completed,
         MARKED},
        {.name = "another revision is asked for: it goes",
         .spec = "v3 x5 rollback",
         .release = completed,
         .revisions = "v1#3=5 aA bA cA dA eA; v2#2=0 failed; v3#4=0",
         .bases = "a b c d e",
         .plan = "unmark failed v2"},
        {.name = "the one that runs is asked for: it goes",
         .spec = "v1 x5 rollback",
         .release = completed,
         MARKED,
         .plan = "unmark failed v2"},
        {.name = "then it is a release like another",
         .spec = "v1 x5 rollback",
         .release = completed,
         .revisions = "v1#3=5 aA bA cA dA eA; v2#2=0",
         .bases = "a b c d e",
         .plan = "status Completed 1/1 ReleaseCompleted (5 of 5 available)"},
        {.name = "it is asked for again: it goes",
         .spec = "v2 x5 rollback resume=v2",
         .release = completed,
         MARKED,
         .plan = "unmark failed v2"},
        {.name = "both have failed: the one that is asked for is as good, and both marks go",
         .spec = "v2 x5 rollback",
         .release = completed,
         .revisions = "v1#3=5 aA bA cA dA eA failed; v2#4=0 failed",
         .bases = "a b c d e",
         .plan = "unmark failed v1; unmark failed v2"},
        {.name = "rollbackOnFailure is switched off: it goes",
         .spec = "v2 x5",
         .release = completed,
         .revisions = "v1#1=5 aA bA cA dA eA; v2#2=0 failed",
         .bases = "a b c d e",
         .plan = "unmark failed v2"},
        {.name = "and the release begins anew",
         .spec = "v2 x5",
         .release = completed,
         .revisions = "v1#1=5 aA bA cA dA eA; v2#2=0",
         .bases = "a b c d e",
         .plan = "status Executing 1/1 BatchExecuting (5 of 5 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Who has finally failed would end at once what is tried again. */
static void tried_again_with_all_attempts(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "resumed before the way back has begun",
         .spec = "v2 x5 batches=2 rollback resume=v2",
         .release = UPGRADE,
         .revisions = "v1#3=2 aA bA cA dA eA; v2#2=3 failed aF*5>sa bF*2>sb cF*6>sc",
         .bases = "a b c d e",
         .plan = "delete module v2@a; delete module v2@c; unmark failed v2"},
        {.name = "resumed on the way back, where one is held",
         .spec = "v2 x5 batches=2 rollback pause resume=v2",
         .release = "Paused 1/2 v1 was=2 changes=3 x5 batches=2 stable=v1 instead-of=v2",
         .revisions = "v1#3=2 dA eA; v2#2=3 failed aA bF*5 cA",
         .bases = "a b c d e",
         .plan = "delete module v2@b; unmark failed v2"},
        {.name = "in the middle of a further attempt: it would be the last one",
         .spec = "v2 x5 batches=2 rollback resume=v2",
         .release = UPGRADE,
         .revisions = "v1#3=2 aA bA cA dA eA; v2#2=3 failed aU*5>sa bU*4>sb cP*5>sc",
         .bases = "a b c d e",
         .plan = "delete module v2@a; delete module v2@c; unmark failed v2"},
        {.name = "a person goes on in the middle of it",
         .spec = "v2 x5 batches=2 rollback",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aU*5>sa bF*2>sb cU>sc",
         .bases = "a b c d e",
         .plan = "delete module v2@a; status Executing 1/2 BatchExecuting (5 of 8 available)"},
        {.name = "the last one succeeded, or it goes: it is left",
         .spec = "v2 x5 batches=2 rollback resume=v2",
         .release = UPGRADE,
         .revisions = "v1#3=2 aA bA cA dA eA; v2#2=3 failed aA*5>sa bU*5->sb cU>sc",
         .bases = "a b c d e",
         .plan = "unmark failed v2"},
        {.name = "who goes already does not count",
         .spec = "v2 x5 batches=2 rollback resume=v2",
         .release = UPGRADE " since=1000000",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aF*5-",
         .bases = "a b c d e",
         .plan = "end resume"},
        {.name = "a person gave it up, and goes on",
         .spec = "v2 x5 batches=2 rollback",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aF*5>sa bF*2>sb cU>sc",
         .bases = "a b c d e",
         .plan = "delete module v2@a; status Executing 1/2 BatchExecuting (5 of 8 available)"},
        {.name = "another number of them was asked for",
         .spec = "v2 x4 batches=2 rollback",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aF*5>sa bF*2>sb cU>sc",
         .bases = "a b c d e",
         .plan = "delete module v2@a; status Executing 1/2 BatchExecuting (5 of 8 available)"},
        {.name = "nothing would be taken back: they are tried on as they are",
         .spec = "v2 x5 batches=2",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aF*5>sa bF*2>sb cU>sc",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (5 of 8 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* What a release returns to is not forgotten while it runs. */
static void the_way_back_is_kept(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "without history, until the new one is Completed",
         .spec = "v2 x2 history=0",
         .release = "Executing 1/1 v2 was=0 changes=2 x2 stable=v1",
         .revisions = "v1#1=0; v2#2=2 aA bU",
         .bases = "a b"},
        {.name = "then it goes",
         .spec = "v2 x2 history=0",
         .release = "Completed 1/1 v2 was=0 changes=2 x2 stable=v1",
         .revisions = "v1#1=0; v2#2=2 aA bA",
         .bases = "a b",
         .plan = "delete replicaset v1"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void people_are_told(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "of a deadline",
         DEADLINE,
         .release = FIRST_OF_TWO,
         TWO_OF_THREE,
         .plan = "event ProgressDeadlineExceeded"},
        {.name = "of a way back, when it begins",
         .spec = "v2 x5 batches=2 rollback",
         .release = UPGRADE,
         .revisions = "v1#3=2 cA dA eA; v2#2=3 failed aA bA cU>sc",
         .bases = "a b c d e",
         .plan = "event RolledBack; event BatchStarted"},
        {.name = "not again when it is planned anew",
         .spec = "v2 x6 batches=2 rollback",
         .release = "Executing 1/2 v1 was=2 changes=3 x5 batches=2 stable=v1 instead-of=v2",
         .revisions = "v1#3=5 aA bA cA dA eA; v2#2=0 failed",
         .bases = "a b c d e f",
         .plan = "event BatchStarted"},
    };
    AUTO_FREE char *wrong = kit_wrong(plan_deployment, rows, ARRAY_LEN(rows), true);
    assert_string_equal(wrong, "");
}

/* Condition @type of the status that is written, "Status Reason: message"; owned. */
static char *condition_after(const struct kit_row *row, const char *type)
{
    struct kit kit;
    kit_init(&kit, row);
    struct deployment_view view = kit_view(&kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    char *text = NULL;
    for (size_t i = 0; i < plan.actions.len; i++) {
        const struct module_deployment_status *status = plan.actions.items[i].status;
        const struct condition *items = status ? status->conditions.items : NULL;
        for (size_t c = 0; status && c < status->conditions.len; c++)
            if (str_eq(items[c].type, type))
                text = mem_printf("%s %s: %s", items[c].status, items[c].reason, items[c].message);
    }
    plan_done(&plan);
    kit_done(&kit);
    return text;
}

static void conditions(void **state)
{
    (void)state;
    static const struct kit_row over = {DEADLINE, .release = FIRST_OF_TWO, TWO_OF_THREE};
    AUTO_FREE char *progressing = condition_after(&over, "Progressing");
    assert_string_equal(progressing,
                        "False ProgressDeadlineExceeded: no progress for 60 s in batch 1 of 2");
    static const struct kit_row back = {
        .spec = "v2 x5 rollback",
        .release = "Executing 1/1 v1 was=2 changes=3 x5 stable=v1 instead-of=v2",
        MARKED};
    AUTO_FREE char *degraded = condition_after(&back, "Degraded");
    AUTO_FREE char *text = kit_short_names(degraded);
    assert_string_equal(text, "True RolledBack: v2, version v2, has failed: no luck; version v1 is "
                              "released in its place");
}

/* What the mark says: who failed, where, how often, and why, not too long, in whole characters. */
static void the_mark_says_why(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v2 x5 batches=2 rollback", .release = UPGRADE, FAILED_5};
    struct kit kit;
    kit_init(&kit, &row);
    struct module *module = kit_module(kit_instance(&kit, "v2@a"));
    AUTO_STR struct str message = STR_INIT(1u << 20);
    str_add(&message, "x");
    for (int i = 0; i < 400; i++)
        str_add(&message, "\xc3\xa9");
    module->status.message = mem_strdup(str_text(&message));
    struct deployment_view view = kit_view(&kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    const char *text = NULL;
    for (size_t i = 0; i < plan.actions.len; i++)
        if (plan.actions.items[i].type == ACTION_SET_FAILED)
            text = plan.actions.items[i].message;
    assert_non_null(text);
    const char head[] = "v2@a on a: 5 attempts failed: x\xc3\xa9";
    assert_memory_equal(text, head, strlen(head));
    assert_int_equal(strlen(text), strlen("v2@a on a: 5 attempts failed: ") + 511);
    plan_done(&plan);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadline),
        cmocka_unit_test(deadline_does_not_count),
        cmocka_unit_test(deadline_by_another_clock),
        cmocka_unit_test(progress_is_told_by_objects),
        cmocka_unit_test(aborted_goes_on),
        cmocka_unit_test(failure),
        cmocka_unit_test(the_way_back),
        cmocka_unit_test(the_mark_stays),
        cmocka_unit_test(tried_again_with_all_attempts),
        cmocka_unit_test(the_way_back_is_kept),
        cmocka_unit_test(people_are_told),
        cmocka_unit_test(conditions),
        cmocka_unit_test(the_mark_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
