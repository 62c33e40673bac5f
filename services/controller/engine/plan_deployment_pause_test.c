/* SPDX-License-Identifier: Apache-2.0 */
/* What was confirmed before somebody paused, or gave up, stays confirmed; and whose pause it is (plan_deployment.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define PAUSED "Paused 1/2 v1 was=0 changes=5 x5 batches=2"
#define ABORTED "Aborted 1/2 v1 was=0 changes=5 x5 batches=2"
#define SICK_1 .revisions = "v1#1=3 aA bA cN", .bases = "a b c d e"

static void check(const struct kit_row *rows, size_t count)
{
    AUTO_FREE char *wrong = kit_wrong(plan_deployment, rows, count, /* events_only= */ false);
    assert_string_equal(wrong, "");
}

static void resumed_behind_the_gate(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "still sick: it holds there",
         .spec = "v1 x5 batches=2 confirm",
         .release = PAUSED " passed",
         SICK_1,
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 3 available)"},
        {.name = "well by then: the next batch",
         .spec = "v1 x5 batches=2 confirm gray=60",
         .release = PAUSED " passed",
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "what the pause froze comes back",
         .spec = "v1 x5 batches=2 confirm",
         .release = PAUSED " passed",
         .revisions = "v1#1=2 aA bA",
         .bases = "a b d e",
         .plan =
             "status Executing 1/2 BatchUnhealthy (2 of 2 available); replicaset v1 replicas 3"},
        {.name = "stopped there at the deadline, and resumed",
         .spec = "v1 x5 batches=2 confirm deadline=60 resume=v1",
         .release = ABORTED " passed reason=ProgressDeadlineExceeded",
         SICK_1,
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 3 available)"},
        {.name = "well again just when it is paused: the next batch does not begin",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = FIRST_OF_TWO " passed reason=BatchUnhealthy",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "before the gate a person is asked, as ever",
         .spec = "v1 x5 batches=2 confirm",
         .release = PAUSED,
         DONE_1,
         .plan = "status Executing 1/2 BatchExecuting (3 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

static void resumed_in_gray_time(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "it goes on, and ends when it would have",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = PAUSED " done until=1050000",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1050000"},
        {.name = "it was over meanwhile: the next batch, and nobody is asked",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = PAUSED " done until=1000000",
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "and one is sick",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = PAUSED " done until=1000000",
         SICK_1,
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 3 available)"},
        {.name = "given up in it",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = ABORTED " done until=1050000",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1050000"},
        {.name = "given up while a person was asked: they are asked again",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = ABORTED " done",
         DONE_1,
         .plan = "status Executing 1/2 BatchExecuting (3 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* What was given up goes on while somebody pauses: that holds it first, and then it goes on as after any pause. */
static void resumed_while_paused(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "gray time is over: the next batch does not begin",
         .spec = "v1 x5 batches=2 gray=100 pause",
         .release = ABORTED " done until=1000000",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "it is not",
         .spec = "v1 x5 batches=2 confirm gray=100 pause",
         .release = ABORTED " done until=1050000",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "in the middle of a batch",
         .spec = "v1 x5 batches=2 pause",
         .release = ABORTED,
         .revisions = "v1#1=1 aA",
         .bases = "a b c d e",
         .plan = "status Paused 1/2 PausedByUser (1 of 1 available)"},
        {.name = "behind the gate",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = ABORTED " passed",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "nobody had confirmed: the pause of a person is no gate",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = ABORTED " done",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "then they are asked",
         .spec = "v1 x5 batches=2 confirm",
         .release = PAUSED " done",
         DONE_1,
         .plan = "status Executing 1/2 BatchExecuting (3 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* What was given up is to go on while its template is missing, and then that is there. */
static void resumed_while_something_is_missing(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "who has no attempt left is made anew",
         .spec = "v2 x5 batches=2 rollback template-missing",
         .release = "Aborted 1/2 v2 was=0 changes=5 x5 batches=2 stable=v1",
         .revisions = "v1#1=2 aA bA cA dA eA; v2#2=3 aF*5>sa bF*2>sb cU*5>sc",
         .bases = "a b c d e",
         .plan = "delete module v2@a; delete module v2@c; status Executing 1/2 TemplateNotFound "
                 "(5 of 8 available)"},
        {.name = "its revision is gone: it begins anew then",
         .spec = "v1 x5 batches=2 template-missing",
         .release = ABORTED,
         .bases = "a b c d e",
         .plan = "status Executing 1/2 TemplateNotFound (0 of 0 available)"},
        {.name = "somebody pauses: that holds it",
         .spec = "v1 x5 batches=2 pause template-missing",
         .release = ABORTED,
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "it is there: gray time goes on, and nobody is asked again",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = FIRST_OF_TWO " done until=1050000 reason=TemplateNotFound",
         DONE_1,
         .plan = "status Paused 1/2 GrayTime (3 of 3 available); requeue at 1050000"},
        {.name = "gray time was over by then: the next batch",
         .spec = "v1 x5 batches=2 confirm gray=100",
         .release = FIRST_OF_TWO " done until=1000000 reason=TemplateNotFound",
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "somebody pauses by then: that is no gate of ours",
         .spec = "v1 x5 batches=2 confirm gray=100 pause",
         .release = FIRST_OF_TWO " done until=1000000 reason=TemplateNotFound",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "neither is it where nobody is to confirm any more",
         .spec = "v1 x5 batches=2 gray=100 pause",
         .release = FIRST_OF_TWO " done until=1000000 reason=TemplateNotFound",
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
        {.name = "it was missing for longer than the deadline: that counts from now",
         .spec = "v1 x5 batches=2 deadline=60",
         .release = FIRST_OF_TWO " reason=TemplateNotFound since=100000",
         .revisions = "v1#1=3 aA=200 bA=200 cN=200",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available); requeue at 1060000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* needConfirm is switched off while spec.pause is on its way to a confirmation: nobody would resume that. */
static void own_pause_goes_by_itself(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "between pause and WaitingForConfirmation",
         .spec = "v1 x5 batches=2 pause",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "unpause"},
        {.name = "also where one is sick by then",
         .spec = "v1 x5 batches=2 pause",
         .release = FIRST_OF_TWO " done",
         SICK_1,
         .plan = "unpause"},
        {.name = "then it goes on",
         .spec = "v1 x5 batches=2",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "the user's pause stays",
         .spec = "v1 x5 batches=2 pause",
         .release = FIRST_OF_TWO,
         DONE_1,
         .plan = "status Paused 1/2 PausedByUser (3 of 3 available)"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* -- one after the other -- */

/* Plans until nothing is to be done, and keeps what is written of status and pause. */
static void settle(struct kit *kit)
{
    for (int i = 0; i < 10; i++) {
        struct plan plan = {0};
        struct deployment_view view = kit_view(kit);
        plan_deployment(&view, &plan);
        bool settled = true;
        for (size_t a = 0; a < plan.actions.len; a++) {
            enum action_type type = plan.actions.items[a].type;
            if (type == ACTION_WRITE_STATUS)
                kit_write_status(kit, &plan.actions.items[a]);
            else if (type == ACTION_SET_PAUSE)
                kit->md->spec.pause = plan.actions.items[a].number;
            settled &= type != ACTION_WRITE_STATUS && type != ACTION_SET_PAUSE;
        }
        plan_done(&plan);
        if (settled)
            return;
    }
    fail_msg("it never settles");
}

static void expect(struct kit *kit, int32_t batch, const char *reason)
{
    settle(kit);
    assert_string_equal(kit->md->status.release.reason, reason);
    assert_int_equal(kit->md->status.release.current_batch, batch);
}

static void set_sick(struct kit *kit, bool sick)
{
    kit_set_phase(kit_instance(kit, "v1@c"), sick ? MODULE_UNAVAILABLE : MODULE_AVAILABLE);
    kit_recount(kit);
}

static void nobody_is_asked_twice(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v1 x5 batches=2 confirm gray=60", .release = FIRST_OF_TWO, DONE_1};
    struct kit kit;
    kit_init(&kit, &row);
    expect(&kit, 1, "WaitingForConfirmation");
    kit.md->spec.pause = false; /* confirmed */
    expect(&kit, 1, "GrayTime");
    kit.md->spec.pause = true; /* a person's */
    expect(&kit, 1, "PausedByUser");
    kit.md->spec.pause = false;
    expect(&kit, 1, "GrayTime");
    set_sick(&kit, true);
    kit.now_ms += 60000;
    expect(&kit, 1, "BatchUnhealthy");
    kit.md->spec.pause = true;
    expect(&kit, 1, "PausedByUser");
    set_sick(&kit, false);
    expect(&kit, 1, "PausedByUser");
    kit.md->spec.pause = false;
    expect(&kit, 2, "BatchExecuting");
    kit_done(&kit);
}

/* It goes on while its template is missing: what was confirmed stays so, and what was not is asked when that is there. */
static void a_missing_template_asks_nobody_twice(void **state)
{
    (void)state;
    static const struct {
        const char *release, *missing, *then;
    } rows[] = {
        {ABORTED " done until=1050000", "Completed", "GrayTime"},
        {ABORTED " passed", "Passed", "BatchExecuting"}, /* of the next batch */
        {ABORTED " done", "Executing", "WaitingForConfirmation"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row row = {
            .spec = "v1 x5 batches=2 confirm gray=100", .release = rows[i].release, DONE_1};
        struct kit kit;
        kit_init(&kit, &row);
        kit.template_missing = true;
        expect(&kit, 1, "TemplateNotFound");
        assert_string_equal(kit.md->status.release.batch_progress, rows[i].missing);
        kit.template_missing = false;
        settle(&kit);
        assert_string_equal(kit.md->status.release.reason, rows[i].then);
        kit_done(&kit);
    }
}

/* An abort that is taken back before it was seen through: what was not confirmed is asked again. */
static void an_abort_confirms_nothing(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v1 x5 batches=2 confirm gray=60", .release = FIRST_OF_TWO, DONE_1};
    struct kit kit;
    kit_init(&kit, &row);
    expect(&kit, 1, "WaitingForConfirmation");
    kit_ask_for(&kit, ANNOTATION_ABORT, "v1");
    expect(&kit, 1, "AbortedByUser");
    assert_false(kit.md->spec.pause);
    json_map_set(&kit.md->meta.annotations, ANNOTATION_ABORT, NULL);
    expect(&kit, 1, "WaitingForConfirmation");
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_behind_the_gate),
        cmocka_unit_test(resumed_in_gray_time),
        cmocka_unit_test(resumed_while_paused),
        cmocka_unit_test(resumed_while_something_is_missing),
        cmocka_unit_test(a_missing_template_asks_nobody_twice),
        cmocka_unit_test(own_pause_goes_by_itself),
        cmocka_unit_test(nobody_is_asked_twice),
        cmocka_unit_test(an_abort_confirms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
