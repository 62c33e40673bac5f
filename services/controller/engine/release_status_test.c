/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/release_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/plan_service.h"

static void check(const struct kit_row *rows, size_t count)
{
    AUTO_FREE char *wrong = kit_wrong(plan_deployment, rows, count, /* events_only= */ true);
    assert_string_equal(wrong, "");
}

/* What users are told, once. */
static void events(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "a release begins",
         .spec = "v1 x5 batches=2",
         .revisions = "v1#1=0",
         .bases = "a",
         .plan = "event BatchStarted"},
        {.name = "a batch is done, the next begins",
         .spec = "v1 x5 batches=2",
         .release = FIRST_OF_TWO,
         DONE_1,
         .plan = "event BatchCompleted; event BatchStarted"},
        {.name = "the last is done",
         .spec = "v1 x5 batches=2",
         .release = LAST_OF_TWO,
         .revisions = "v1#1=5 aA bA cA dA eA",
         .bases = "a b c d e",
         .plan = "event BatchCompleted; event ReleaseCompleted"},
        {.name = "Completed says nothing more",
         .spec = "v1 x5 batches=2",
         .release = "Completed 2/2 v1 was=0 changes=5 x5 batches=2",
         .revisions = "v1#1=5 aA bA cA dA eN",
         .bases = "a b c d e",
         .plan = ""},
        {.name = "5.3 a confirmation is waited for",
         .spec = "v1 x5 batches=2 confirm pause",
         .release = FIRST_OF_TWO " done",
         DONE_1,
         .plan = "event BatchCompleted; event WaitingForConfirmation"},
        {.name = "5.3 a confirmation of another batch is refused",
         .spec = "v1 x5 batches=2 confirm pause confirmed=2",
         .release = WAITING,
         DONE_1,
         .plan = "event ConfirmationRefused"},
        {.name = "an abort",
         .spec = "v1 x5 batches=2 abort=v1",
         .release = FIRST_OF_TWO,
         DONE_1,
         .plan = "event ReleaseAborted"},
        {.name = "defect 11: the second owner",
         .spec = "v1 x1 taken-by=other",
         .plan = "event OwnedByAnother"},
    };
    check(rows, ARRAY_LEN(rows));
}

/* Plans twice, the second time with the status that the first wrote: nothing is said again. */
static void said_once(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "refused confirmation",
         .spec = "v1 x5 batches=2 confirm pause confirmed=2",
         .release = WAITING,
         DONE_1},
        {.name = "second owner", .spec = "v1 x1 taken-by=other"},
        {.name = "missing template in gray time",
         .spec = "v1 x5 batches=2 gray=60 template-missing",
         .release = GRAY,
         DONE_1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit kit;
        kit_init(&kit, &rows[i]);
        size_t said = 0;
        for (int round = 0; round < 2; round++) {
            struct deployment_view view = kit_view(&kit);
            struct plan plan = {0};
            plan_deployment(&view, &plan);
            for (size_t a = 0; a < plan.actions.len; a++) {
                said += plan.actions.items[a].type == ACTION_EVENT;
                if (plan.actions.items[a].type == ACTION_WRITE_STATUS)
                    kit_write_status(&kit, &plan.actions.items[a]);
            }
            plan_done(&plan);
        }
        assert_int_equal(said, 1);
        kit_done(&kit);
    }
}

/* The status that @row's plan writes; kit_done() frees it. */
static struct module_deployment_status *status_of(struct kit *kit, const struct kit_row *row)
{
    kit_init(kit, row);
    struct deployment_view view = kit_view(kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    for (size_t a = 0; a < plan.actions.len; a++)
        if (plan.actions.items[a].type == ACTION_WRITE_STATUS)
            kit_write_status(kit, &plan.actions.items[a]);
    plan_done(&plan);
    return &kit->md->status;
}

static const struct condition *condition_of(const struct module_deployment_status *status,
                                            const char *type)
{
    const struct condition *conditions = status->conditions.items;
    for (size_t i = 0; i < status->conditions.len; i++)
        if (str_eq(conditions[i].type, type))
            return &conditions[i];
    fail_msg("no condition %s", type);
    return NULL;
}

static void status_counts(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v2 x5 batches=2",
        .release = "Executing 1/2 v2 was=0 changes=5 x5 batches=2",
        .revisions = "v1#1=2 bA dA eN cT-; v2#2=3 aA bF>sb cU",
        .bases = "a b c d e",
    };
    struct kit kit;
    const struct module_deployment_status *status = status_of(&kit, &row);
    assert_int_equal(status->observed_generation, 1);
    assert_int_equal(status->replicas, 6);
    assert_int_equal(status->available_replicas, 3);
    assert_int_equal(status->ready_replicas, 3);
    assert_int_equal(status->unavailable_replicas, 2);
    assert_int_equal(status->updated_replicas, 3);
    assert_int_equal(status->updated_available_replicas, 1);
    assert_int_equal(status->updated_ready_replicas, 1);
    assert_string_equal(status->label_selector, LABEL_MODULE_DEPLOYMENT "=web");
    assert_string_equal(condition_of(status, "Available")->status, "False");
    assert_string_equal(condition_of(status, "Progressing")->status, "True");
    assert_string_equal(condition_of(status, "Degraded")->status, "True");
    assert_non_null(strstr(condition_of(status, "Degraded")->message, "v2@b"));
    kit_done(&kit);
}

/* A label has 63 characters, a name up to 253: who scales by the selector must find the instances, and can parse it. */
static void a_long_name_is_selected_as_its_label(void **state)
{
    (void)state;
    static const struct kit_row row = {.spec = "v1 x1 template-missing"};
    struct kit kit;
    kit_init(&kit, &row);
    AUTO_FREE char *name = mem_printf("%0*d", LIMIT_LABEL_VALUE + 1, 1);
    mem_replace(&kit.md->meta.name, name);
    struct deployment_view view = kit_view(&kit);
    struct module_deployment_status *status = NEW(struct module_deployment_status);
    status_count(&view, NULL, 1, status);
    AUTO_FREE char *label = label_value(name);
    AUTO_FREE char *selector = mem_printf(LABEL_MODULE_DEPLOYMENT "=%s", label);
    assert_string_equal(status->label_selector, selector);
    assert_true(label_value_is_valid(label));
    module_deployment_status_free(status);
    kit_done(&kit);
}

/* Defect 32, requirement 5.6: that there is no room is said. */
static void lack_of_room_is_said(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v1 x3",
        .release = "Executing 1/1 v1 was=0 changes=3 x3",
        .revisions = "v1#1=3 aA",
        .bases = "a b:0 c:0",
        .answers = "place v1 spent",
    };
    struct kit kit;
    const struct module_deployment_status *status = status_of(&kit, &row);
    const struct condition *degraded = condition_of(status, "Degraded");
    assert_string_equal(degraded->status, "True");
    assert_string_equal(degraded->reason, "NoCapacity");
    assert_string_equal(degraded->message, "1 of 3 placed");
    kit_done(&kit);
}

/* Requirement 5.9: why nothing moves is said; 5.5: and in which way, where that is not the best. */
static void what_holds_a_batch_up_is_said(void **state)
{
    (void)state;
    static const struct kit_row row = {
        .spec = "v2 x2 uninstallThenInstall max=0",
        .release = "Executing 1/1 v2 was=0 changes=2 x2",
        .revisions = "v1#1=0 aA; v2#2=2 bA",
        .bases = "a b",
    };
    struct kit kit;
    kit_init(&kit, &row);
    mem_replace(&kit_module(kit.revisions[1]->instances.items[0])->spec.upgrade_way_reason,
                "UpgradePolicy");
    kit_module(kit.revisions[1]->instances.items[0])->spec.upgrade_way = WAY_IN_PLACE;
    struct deployment_view view = kit_view(&kit);
    struct module_deployment_status *status = NEW(struct module_deployment_status);
    status_count(&view, kit.revisions[1], 2, status);
    const struct condition *degraded = condition_of(status, "Degraded");
    assert_string_equal(degraded->status, "True");
    assert_string_equal(degraded->reason, "MaxUnavailable");
    assert_non_null(strstr(degraded->message, "maxUnavailable is 0"));
    assert_string_equal(condition_of(status, "Progressing")->message,
                        "way of replacement: InPlace (UpgradePolicy)");
    module_deployment_status_free(status);
    kit_done(&kit);
}

/* Counters alone are written at most every STATUS_WRITE_EVERY_MS; a change of the release at once. */
static void counters_wait(void **state)
{
    (void)state;
    static const struct kit_row rows[] = {
        {.name = "a counter", .revisions = "v1#1=3 aA bU cU", .plan = "requeue at 1000600"},
        {.name = "the batch",
         .revisions = "v1#1=3 aA bA cA",
         .plan =
             "status Executing 2/2 BatchExecuting (3 of 3 available); replicaset v1 replicas 5"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit_row row = rows[i];
        row.spec = "v1 x5 batches=2";
        row.release = FIRST_OF_TWO;
        row.bases = "a b c d e";
        struct kit kit;
        kit_init(&kit, &row);
        kit_settle(&kit);
        kit.md->status.available_replicas = 0;
        kit.status_written_ms = KIT_NOW_MS - STATUS_WRITE_EVERY_MS + 600;
        struct deployment_view view = kit_view(&kit);
        struct plan plan = {0};
        plan_deployment(&view, &plan);
        AUTO_FREE char *got = kit_plan_text(&plan, false);
        assert_string_equal(got, row.plan);
        plan_done(&plan);
        kit_done(&kit);
    }
}

/* One plan at @now_ms: what is to be stored is. Return: the plan, owned. */
static char *plan_and_store(struct kit *kit, const struct write_refusal *refusal, int64_t now_ms)
{
    kit->now_ms = now_ms;
    struct deployment_view view = kit_view(kit);
    view.write_refusal = refusal;
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    char *got = kit_plan_text(&plan, false);
    for (size_t a = 0; a < plan.actions.len; a++)
        if (plan.actions.items[a].type == ACTION_WRITE_STATUS) {
            kit_write_status(kit, &plan.actions.items[a]);
            kit->status_written_ms = now_ms;
        }
    plan_done(&plan);
    return got;
}

/* What the store does not take holds up all that comes behind it: said at once, kept, taken back. */
static void a_refused_write_is_said(void **state)
{
    (void)state;
#define STATUS "status Executing 1/2 BatchExecuting (2 of 2 available)"
#define REFUSED(words) "create Module web-x: " words
    char denied[] = REFUSED("forbidden"), full[] = REFUSED("quota exceeded");
    const struct {
        const char *name;
        char *refused;                                /* NULL: nothing was, so far */
        int64_t at_ms, now_ms;                        /* from KIT_NOW_MS on */
        const char *plan, *status, *reason, *message; /* of Degraded */
    } rows[] = {
        {"told at once, and first of all", denied, 1100, 1200, STATUS "; requeue at 1091100",
         "True", "WriteRefused", REFUSED("forbidden")},
        {"... and once", denied, 1200, 1300, "requeue at 1091200", "True", "WriteRefused",
         REFUSED("forbidden")},
        {"another one is news", full, 1300, 1400, STATUS "; requeue at 1091300", "True",
         "WriteRefused", REFUSED("quota exceeded")},
        {"until it is old", full, 1300, 1300 + WRITE_REFUSAL_KEPT_MS, STATUS, "False", "AsExpected",
         ""},
        {"nothing is refused", NULL, 0, 100000, "", "False", "AsExpected", ""},
        {"again", denied, 100000, 100100, STATUS "; requeue at 1190000", "True", "WriteRefused",
         REFUSED("forbidden")},
        {"and no more", NULL, 0, 100200 + STATUS_WRITE_EVERY_MS, STATUS, "False", "AsExpected", ""},
    };
    struct kit kit;
    kit_init(&kit, &(struct kit_row){.spec = "v1 x5 batches=2",
                                     .release = FIRST_OF_TWO,
                                     .revisions = "v1#1=3 aA bA",
                                     .bases = "a b c d e"});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct write_refusal refusal = {.message = rows[i].refused,
                                        .at_ms = KIT_NOW_MS + rows[i].at_ms};
        AUTO_FREE char *got =
            plan_and_store(&kit, rows[i].refused ? &refusal : NULL, KIT_NOW_MS + rows[i].now_ms);
        const struct condition *degraded = condition_of(&kit.md->status, "Degraded");
        if (!str_eq(got, rows[i].plan) || !str_eq(degraded->status, rows[i].status) ||
            !str_eq(degraded->reason, rows[i].reason) ||
            !str_eq(degraded->message, rows[i].message))
            fail_msg("%s\n  want: %s\n  got:  %s\n  Degraded: %s %s %s", rows[i].name, rows[i].plan,
                     got, degraded->status, degraded->reason, degraded->message);
    }
    kit_done(&kit);
#undef STATUS
#undef REFUSED
}

/* Since when it is so: from the last change of progress or reason on, and where nothing is known yet. */
static void a_release_moves(void **state)
{
    (void)state;
    static const struct {
        enum release_progress before, progress;
        const char *reason_before, *reason;
        int64_t since_ms, expect_ms;
    } rows[] = {
        {PROGRESS_EXECUTING, PROGRESS_EXECUTING, "A", "A", 500, 500},
        {PROGRESS_EXECUTING, PROGRESS_EXECUTING, "A", "A", 0, 1000},
        {PROGRESS_EXECUTING, PROGRESS_EXECUTING, "A", "B", 500, 1000},
        {PROGRESS_EXECUTING, PROGRESS_PAUSED, "A", "A", 500, 1000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module_deployment_status *status = NEW(struct module_deployment_status);
        struct release_status *release = &status->release;
        release->progress = rows[i].before;
        release->reason = mem_strdup(rows[i].reason_before);
        release->last_transition_ms = rows[i].since_ms;
        release_move(release, rows[i].progress, rows[i].reason, mem_strdup("why"), 1000);
        assert_int_equal(release->last_transition_ms, rows[i].expect_ms);
        assert_int_equal(release->progress, rows[i].progress);
        assert_string_equal(release->progress_name, release_progress_name(rows[i].progress));
        assert_string_equal(release->reason, rows[i].reason);
        assert_string_equal(release->message, "why");
        module_deployment_status_free(status);
    }
}

#define AT(field) #field, offsetof(struct module_deployment_status, field)
enum { TEXT, INT32, INT64, BOOL };
static const struct {
    const char *name;
    size_t offset;
    int kind;
    bool urgent; /* at once; or when its time has come */
} fields[] = {
    {AT(release.progress), INT32, true},
    {AT(release.progress_name), TEXT, true},
    {AT(release.reason), TEXT, true},
    {AT(release.update_revision), TEXT, true},
    {AT(release.stable_revision), TEXT, true},
    {AT(release.failed_revision), TEXT, true},
    {AT(release.current_batch), INT32, true},
    {AT(release.real_batch_count), INT32, true},
    {AT(release.batch_progress), TEXT, true},
    {AT(release.original_delta_replicas), INT32, true},
    {AT(release.original_updated_replicas), INT32, true},
    {AT(release.target_replicas), INT32, true},
    {AT(release.planned_batch_count), INT32, true},
    {AT(release.planned_use_beta), BOOL, true},
    {AT(release.last_transition_ms), INT64, true},
    {AT(release.next_reconcile_ms), INT64, true},
    {AT(observed_generation), INT64, true},
    {AT(replicas), INT32, false},
    {AT(updated_replicas), INT32, false},
    {AT(ready_replicas), INT32, false},
    {AT(updated_ready_replicas), INT32, false},
    {AT(available_replicas), INT32, false},
    {AT(unavailable_replicas), INT32, false},
    {AT(updated_available_replicas), INT32, false},
    {AT(label_selector), TEXT, false},
    {AT(release.message), TEXT, false},
};
#undef AT

/* A field that is compared nowhere would never be written. */
static void what_has_changed_is_written(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit, &(struct kit_row){.spec = "v1 x5"});
    kit.status_written_ms = kit.now_ms;
    struct deployment_view view = kit_view(&kit);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct module_deployment_status *status = module_deployment_status_copy(&kit.md->status);
        char *at = (char *)status + fields[i].offset;
        if (fields[i].kind == TEXT)
            mem_replace((char **)(void *)at, "another");
        else if (fields[i].kind == INT32)
            *(int32_t *)(void *)at += 1;
        else if (fields[i].kind == INT64)
            *(int64_t *)(void *)at += 1;
        else
            *(bool *)at = true;
        struct plan plan = {0};
        status_write(&view, status, &plan);
        if (plan.actions.len != 1 ||
            plan.actions.items[0].type != (fields[i].urgent ? ACTION_WRITE_STATUS : ACTION_REQUEUE))
            fail_msg("%s", fields[i].name);
        plan_done(&plan);
    }
    kit_done(&kit);
}

/* ... and so is each field of a condition, and one more of them; that of the Service is told at once. */
static void conditions_that_have_changed_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool instead; /* of the one that is there */
        bool holds;
        const char *reason, *message;
        enum action_type planned;
        size_t actions;
    } rows[] = {
        {"Available", false, true, "Because", "why", ACTION_REQUEUE, 0},
        {"Available", false, false, "Because", "why", ACTION_REQUEUE, 1},
        {"Available", false, true, "Since", "why", ACTION_REQUEUE, 1},
        {"Available", false, true, "Because", "what for", ACTION_REQUEUE, 1},
        {"Degraded", false, true, "Because", "why", ACTION_REQUEUE, 1},
        {"Degraded", true, true, "Because", "why", ACTION_REQUEUE, 1},
        {CONDITION_SERVICE_READY, false, true, "Because", "why", ACTION_WRITE_STATUS, 1},
    };
    struct kit kit;
    kit_init(&kit, &(struct kit_row){.spec = "v1 x5"});
    kit.status_written_ms = kit.now_ms;
    status_set_condition(&kit.md->status, "Available", true, "Because", "why", 1000);
    struct deployment_view view = kit_view(&kit);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module_deployment_status *status = module_deployment_status_copy(&kit.md->status);
        if (rows[i].instead)
            status_drop_condition(status, "Available");
        status_set_condition(status, rows[i].type, rows[i].holds, rows[i].reason, rows[i].message,
                             1000);
        struct plan plan = {0};
        status_write(&view, status, &plan);
        if (plan.actions.len != rows[i].actions ||
            (rows[i].actions && plan.actions.items[0].type != rows[i].planned))
            fail_msg("row %zu", i);
        plan_done(&plan);
    }
    kit_done(&kit);
}

static void a_condition_goes_and_the_others_stay(void **state)
{
    (void)state;
    static const char *const types[] = {"Available", "ServiceReady", "Degraded", "Progressing"};
    struct module_deployment_status *status = NEW(struct module_deployment_status);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        status_set_condition(status, types[i], true, "Because", types[i], 1000);
    status_drop_condition(status, "ServiceReady");
    status_drop_condition(status, "ServiceReady"); /* it is gone already */
    assert_int_equal(status->conditions.len, 3);
    assert_null(status_condition(status, "ServiceReady"));
    assert_string_equal(condition_of(status, "Available")->message, "Available");
    assert_string_equal(condition_of(status, "Degraded")->message, "Degraded");
    assert_string_equal(condition_of(status, "Progressing")->message, "Progressing");
    module_deployment_status_free(status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),
        cmocka_unit_test(said_once),
        cmocka_unit_test(status_counts),
        cmocka_unit_test(what_holds_a_batch_up_is_said),
        cmocka_unit_test(lack_of_room_is_said),
        cmocka_unit_test(counters_wait),
        cmocka_unit_test(a_refused_write_is_said),
        cmocka_unit_test(a_release_moves),
        cmocka_unit_test(what_has_changed_is_written),
        cmocka_unit_test(conditions_that_have_changed_are_written),
        cmocka_unit_test(a_condition_goes_and_the_others_stay),
        cmocka_unit_test(a_long_name_is_selected_as_its_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
