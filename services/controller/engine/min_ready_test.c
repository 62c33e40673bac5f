/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/min_ready.h"

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

static void the_rule(void **state)
{
    (void)state;
    static const struct {
        int64_t since_ms, recorded_ms, end_ms;
    } rows[] = {
        {100000, 0, 130000},        /* long ago */
        {990000, 0, 1020000},       /* just now */
        {990000, 1010000, 1020000}, /* again, after what was written down */
        {1000000, 0, 1030000},
        {1000001, 0, 1030000},       /* the clock was set back: a whole period from now */
        {1000001, 1010000, 1010000}, /* as was written down then */
        {9000000, 900000, 900000},   /* which is over by now */
        {9000000, 9030000, 1030000}, /* set back once more */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(min_ready_end_ms(rows[i].since_ms, 30000, rows[i].recorded_ms, KIT_NOW_MS),
                         rows[i].end_ms);
}

static void a_batch(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "all are available, the last one for 10 s of 30",
         .spec = "v1 x5 batches=2 min-ready=30",
         .release = FIRST_OF_TWO,
         .revisions = "v1#1=3 aA=900 bA=990 cA=980",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (1 of 3 available); requeue at 1020000"},
        {.name = "that was said already",
         .spec = "v1 x5 batches=2 min-ready=30",
         .release = FIRST_OF_TWO " until=1020000",
         .revisions = "v1#1=3 aA=900 bA=990 cA=980",
         .bases = "a b c d e",
         .plan = "requeue at 1020000"},
        {.name = "the deadline does not count meanwhile",
         .spec = "v1 x5 batches=2 min-ready=30 deadline=5",
         .release = FIRST_OF_TWO " until=1020000",
         .revisions = "v1#1=3 aA=900 bA=990 cA=980",
         .bases = "a b c d e",
         .plan = "requeue at 1020000"},
        {.name = "long enough: the batch is done",
         .spec = "v1 x5 batches=2 min-ready=30",
         .release = FIRST_OF_TWO " until=1000000",
         .revisions = "v1#1=3 aA=900 bA=970 cA=960",
         .bases = "a b c d e",
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
        {.name = "one was sick meanwhile: counted anew from when it was well again",
         .spec = "v1 x5 batches=2 min-ready=30",
         .release = FIRST_OF_TWO " until=1000000",
         .revisions = "v1#1=3 aA=900 bA=995 cA=960",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available); requeue at 1025000"},
        {.name = "one is sick: nothing is waited for",
         .spec = "v1 x5 batches=2 min-ready=30",
         .release = FIRST_OF_TWO " until=1020000",
         .revisions = "v1#1=3 aA=900 bN=995 cA=960",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchExecuting (2 of 3 available)"},
        {.name = "the last batch waits too",
         .spec = "v1 x3 min-ready=30",
         .release = "Executing 1/1 v1 was=0 changes=3 x3",
         .revisions = "v1#1=3 aA=900 bA=990 cA=960",
         .bases = "a b c",
         .plan = "status Executing 1/1 BatchExecuting (2 of 3 available); requeue at 1020000"},
        {.name = "what goes is not waited for: scaling down",
         .spec = "v1 x2 min-ready=30",
         .release = "Executing 1/1 v1 was=3 changes=1 x2",
         .revisions = "v1#1=2 aA=900 bA=900 cT=990-",
         .bases = "a b c",
         .plan = ""},
        {.name = "behind its gate a batch is done when it has been well again for so long",
         .spec = "v1 x5 batches=2 confirm min-ready=30",
         .release = FIRST_OF_TWO " passed reason=BatchUnhealthy",
         .revisions = "v1#1=3 aA=900 bA=990 cA=960",
         .bases = "a b c d e",
         .plan = "status Executing 1/2 BatchUnhealthy (2 of 3 available); requeue at 1020000"},
        {.name = "one is replaced after the release: it counts when it is time",
         .spec = "v1 x3 min-ready=30",
         .release = "Completed 1/1 v1 was=0 changes=3 x3",
         .revisions = "v1#1=3 aA=900 bA=990 cA=960",
         .bases = "a b c",
         .plan = "requeue at 1020000"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Counters say what has been available for so long, and what is ready. */
static void counters(void **state)
{
    (void)state;
    static const struct kit_row row = {.spec = "v2 x5 min-ready=30",
                                       .release = "Executing 1/1 v2 was=0 changes=5 x5",
                                       .revisions = "v1#1=2 aA=900 bA=990; v2#2=3 cA=970 dA=971 eU",
                                       .bases = "a b c d e"};
    struct kit kit;
    kit_init(&kit, &row);
    struct deployment_view view = kit_view(&kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    const struct module_deployment_status *status = plan.actions.items[0].status;
    assert_non_null(status);
    assert_int_equal(status->ready_replicas, 4);
    assert_int_equal(status->available_replicas, 2);
    assert_int_equal(status->updated_ready_replicas, 2);
    assert_int_equal(status->updated_available_replicas, 1);
    assert_int_equal(status->unavailable_replicas, 3);
    plan_done(&plan);
    kit_done(&kit);
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

/* The clock is set back by a day while the batch waits, and it is looked at often: it is done a period later. */
static void a_clock_that_was_set_back(void **state)
{
    (void)state;
    static const struct kit_row row = {.spec = "v1 x5 batches=2 min-ready=30",
                                       .release = FIRST_OF_TWO,
                                       .revisions = "v1#1=3 aA=172790 bA=172790 cA=172790",
                                       .bases = "a b c d e"};
    const int64_t day_ms = 86400000;
    struct kit kit;
    kit_init(&kit, &row);
    assert_false(goes_on_at(&kit, 2 * day_ms));
    for (int64_t passed_ms = 0; passed_ms < 30000; passed_ms += 1000)
        assert_false(goes_on_at(&kit, day_ms + passed_ms));
    assert_true(goes_on_at(&kit, day_ms + 30000));
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule),
        cmocka_unit_test(a_batch),
        cmocka_unit_test(counters),
        cmocka_unit_test(a_clock_that_was_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
