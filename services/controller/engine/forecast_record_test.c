/* SPDX-License-Identifier: Apache-2.0 */
/* What a forecast tells afterwards: batches, writes, and what holds it up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/forecast_test_kit.h"
#include "services/controller/engine/release_status.h"

/* -- batches -- */

static void set_release(struct forecast *f, enum release_progress progress, int32_t batch,
                        const char *reason)
{
    struct release_status *release = &f->md->status.release;
    release->progress = progress;
    release->current_batch = batch;
    release->real_batch_count = 3;
    release->planned_batch_count = 3;
    release->original_delta_replicas = 7;
    mem_replace(&release->reason, reason);
    forecast__record_release(f);
}

/* A confirmation is the gate of both, also where gray time comes after it. */
static void batches_begin_and_end(void **state)
{
    (void)state;
    struct forecast *f = copy_new(7);
    f->update_name = kit_revision_name("v1");
    set_release(f, PROGRESS_INIT, 0, "");
    assert_int_equal(forecast_result(f)->batches.len, 0);
    set_release(f, PROGRESS_EXECUTING, 1, "BatchExecuting");
    f->now_ms += 1000;
    set_release(f, PROGRESS_PAUSED, 1, REASON_PAUSED_BY_USER);
    assert_int_equal(forecast_result(f)->batches.items[0].gate, FORECAST_GATE_NONE);
    f->now_ms += 1000;
    set_release(f, PROGRESS_PAUSED, 1, REASON_WAITING_FOR_CONFIRMATION);
    f->now_ms += 1000;
    set_release(f, PROGRESS_PAUSED, 1, REASON_GRAY_TIME);
    f->now_ms += 1000;
    set_release(f, PROGRESS_EXECUTING, 2, "BatchExecuting");
    set_release(f, PROGRESS_PAUSED, 2, REASON_GRAY_TIME);
    const struct forecast_batch *batches = forecast_result(f)->batches.items;
    assert_int_equal(forecast_result(f)->batches.len, 2);
    assert_int_equal(batches[0].size, 3);
    assert_int_equal(batches[0].begins_ms, 0);
    assert_int_equal(batches[0].ends_ms, 2000);
    assert_int_equal(batches[0].gate, FORECAST_GATE_CONFIRMATION);
    assert_int_equal(batches[1].size, 2);
    assert_int_equal(batches[1].begins_ms, 4000);
    assert_int_equal(batches[1].gate, FORECAST_GATE_GRAY_TIME);
    forecast_free(f);
}

/* As an edit brings it: the next release begins with its first batch, and it alone is told of. */
static void another_release_takes_its_place(void **state)
{
    (void)state;
    struct forecast *f = copy_new(7);
    f->update_name = kit_revision_name("v1");
    set_release(f, PROGRESS_EXECUTING, 1, "BatchExecuting");
    set_release(f, PROGRESS_EXECUTING, 3, "BatchExecuting");
    assert_int_equal(forecast_result(f)->batches.len, 2);
    set_release(f, PROGRESS_EXECUTING, 1, "BatchExecuting");
    assert_int_equal(forecast_result(f)->batches.len, 1);
    assert_int_equal(forecast_result(f)->batches.items[0].number, 1);
    forecast_free(f);
}

/* Nothing is to be changed, but something is brought in order: batch 0, of no size. */
static void steps_before_any_batch(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    assert_true(copy_do(f, ACTION_UNINSTALL, "v1@a", 0));
    const struct forecast_result *result = forecast_result(f);
    assert_int_equal(result->steps.len, 1);
    assert_int_equal(result->steps.items[0].batch, 0);
    assert_int_equal(result->steps.items[0].action, FORECAST_UNINSTALL);
    assert_int_equal(result->batches.len, 1);
    assert_int_equal(result->batches.items[0].size, 0);
    forecast_free(f);
}

/* Of what is wanted now, and once. */
static void when_it_is_completed(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revision;
        enum release_progress progress;
        int32_t replicas, batches;
        bool beta, given_up, completed;
    } rows[] = {
        {"as it is asked for", "v1", PROGRESS_COMPLETED, 7, 3, .completed = true},
        {"not yet", "v1", PROGRESS_EXECUTING, 7, 3, .beta = false},
        {"another revision", "v2", PROGRESS_COMPLETED, 7, 3, .beta = false},
        {"another number of instances", "v1", PROGRESS_COMPLETED, 6, 3, .beta = false},
        {"other batches", "v1", PROGRESS_COMPLETED, 7, 2, .beta = false},
        {"or with beta", "v1", PROGRESS_COMPLETED, 7, 3, .beta = true},
        {"... in place of one that failed", "v1", PROGRESS_COMPLETED, 7, 3, .given_up = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(rows[i].replicas);
        f->update_name = kit_revision_name("v1");
        f->md->spec.strategy.batch_count = rows[i].batches;
        f->md->spec.strategy.use_beta = rows[i].beta;
        f->md->status.release.target_replicas = 7;
        f->md->status.release.update_revision = kit_revision_name(rows[i].revision);
        f->given_up = rows[i].given_up;
        f->now_ms += 5000;
        set_release(f, rows[i].progress, 3, "");
        f->now_ms += 5000;
        set_release(f, rows[i].progress, 3, "");
        if (forecast__is_completed(f) != rows[i].completed ||
            f->completed_ms != (rows[i].completed ? COPY_NOW_MS + 5000 : 0))
            fail_msg("%s", rows[i].name);
        forecast_free(f);
    }
}

/* -- others on the bases -- */

static void those_that_go_are_no_co_tenants(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct revision *revision = copy_add_revision(f, "v1");
    copy_add_base(f, "a");
    copy_add(f, revision, copy_module("v1", "a", MODULE_AVAILABLE));
    for (int going = 0; going < 2; going++) {
        struct module *module = copy_module(going ? "v8" : "v9", "a", MODULE_AVAILABLE);
        mem_replace(&module->spec.module.name, going ? "former" : "cart");
        module->meta.deletion_ms = going;
        copy_add(f, NULL, module);
    }
    assert_true(copy_do(f, ACTION_UNINSTALL, "v1@a", 0));
    assert_int_equal(forecast_result(f)->co_tenants.len, 1);
    assert_string_equal(forecast_result(f)->co_tenants.items[0].module, "cart");
    forecast_free(f);
}

/* -- writes -- */

/* What is counted for an action: kind and which of its numbers; other_patches stand for what is none of the rest. */
enum write { NONE, CREATE, STATUS, LABEL, OTHER, DELETE };

static int32_t number_of(const struct forecast_writes *writes, enum write write)
{
    return write == CREATE   ? writes->creates
           : write == STATUS ? writes->status_patches
           : write == LABEL  ? writes->label_patches
           : write == OTHER  ? writes->other_patches
                             : writes->deletes;
}

static void each_action_is_so_many_writes(void **state)
{
    (void)state;
    static const struct {
        enum action_type type;
        enum object_kind kind;
        enum write write;
    } rows[] = {
        {ACTION_CREATE_REPLICASET, KIND_MODULE_REPLICASET, CREATE},
        {ACTION_SET_REPLICAS, KIND_MODULE_REPLICASET, OTHER},
        {ACTION_RENEW_REPLICASET, KIND_MODULE_REPLICASET, OTHER},
        {ACTION_SET_FAILED, KIND_MODULE_REPLICASET, OTHER},
        {ACTION_LEARN_WEB_PATH, KIND_MODULE_REPLICASET, OTHER},
        {ACTION_DELETE_REPLICASET, KIND_MODULE_REPLICASET, DELETE},
        {ACTION_WRITE_REPLICASET_STATUS, KIND_MODULE_REPLICASET, STATUS},
        {ACTION_SET_PAUSE, KIND_MODULE_DEPLOYMENT, OTHER},
        {ACTION_SET_SCALE, KIND_MODULE_DEPLOYMENT, OTHER},
        {ACTION_END_RESUME, KIND_MODULE_DEPLOYMENT, OTHER},
        {ACTION_ADD_FINALIZER, KIND_MODULE_DEPLOYMENT, OTHER},
        {ACTION_REMOVE_FINALIZER, KIND_MODULE_DEPLOYMENT, OTHER},
        {ACTION_WRITE_STATUS, KIND_MODULE_DEPLOYMENT, STATUS},
        {ACTION_CREATE_MODULE, KIND_MODULE, CREATE},
        {ACTION_SET_WAY, KIND_MODULE, OTHER},
        {ACTION_RELEASE_MODULE, KIND_MODULE, OTHER},
        {ACTION_DELETE_MODULE, KIND_MODULE, DELETE},
        {ACTION_WRITE_MODULE_STATUS, KIND_MODULE, STATUS},
        {ACTION_LABEL_BASE, KIND_BASE, LABEL},
        {ACTION_END_TRAFFIC, KIND_BASE, LABEL},
        {ACTION_CREATE_SERVICE, KIND_SERVICE, CREATE},
        {ACTION_UPDATE_SERVICE, KIND_SERVICE, OTHER},
        {ACTION_DELETE_SERVICE, KIND_SERVICE, DELETE},
        {ACTION_EVENT, KIND_EVENT, CREATE},
        {ACTION_PLACE, KIND_MODULE_REPLICASET, NONE},
        {ACTION_FORGET_EVICT, KIND_MODULE_REPLICASET, NONE},
        {ACTION_INSTALL, KIND_MODULE, NONE},
        {ACTION_REQUEUE, KIND_MODULE, NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        char name[] = "it", reason[] = "Because";
        const struct action action = {.type = rows[i].type, .name = name, .reason = reason};
        forecast__count_write(f, &action);
        int32_t sum = 0;
        for (int kind = 0; kind < KIND_MAX_; kind++)
            for (int write = CREATE; write <= DELETE; write++)
                sum += number_of(&forecast_result(f)->writes[kind], write);
        int32_t expect = rows[i].write != NONE;
        if (sum != expect ||
            (expect && number_of(&forecast_result(f)->writes[rows[i].kind], rows[i].write) != 1))
            fail_msg("row %zu", i);
        forecast_free(f);
    }
}

static void an_event_that_was_told_is_only_counted(void **state)
{
    (void)state;
    static char name[] = "it", installed[] = "Installed", gone[] = "Uninstalled", why[] = "on a";
    const struct action first = {.type = ACTION_EVENT, .name = name, .reason = installed};
    struct action other = first, more = first;
    struct forecast *f = copy_new(1);
    other.reason = gone;
    more.message = why;
    forecast__count_write(f, &first);
    forecast__count_write(f, &first);
    assert_int_equal(forecast_result(f)->writes[KIND_EVENT].creates, 1);
    forecast__count_write(f, &other);
    forecast__count_write(f, &more);
    assert_int_equal(forecast_result(f)->writes[KIND_EVENT].creates, 3);
    more.name = gone; /* of another instance */
    forecast__count_write(f, &more);
    forecast__count_write(f, &first);
    assert_int_equal(forecast_result(f)->writes[KIND_EVENT].creates, 4);
    forecast_free(f);
}

/* -- holds -- */

static char *holds_of(const struct forecast *f)
{
    struct str out = STR_INIT(1u << 16);
    for (size_t i = 0; i < forecast_result(f)->holds.len; i++)
        str_printf(&out, "%s%s: %s", i ? "; " : "", forecast_result(f)->holds.items[i].reason,
                   forecast_result(f)->holds.items[i].message);
    return str_take(&out);
}

static void each_hold_is_told_once(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    forecast__record_hold(f, "NoCapacity", "1 of 3 placed");
    forecast__record_hold(f, "NoCapacity", "1 of 3 placed");
    forecast__record_hold(f, "NoCapacity", "2 of 3 placed");
    forecast__record_hold(f, "Unknown", NULL);
    AUTO_FREE char *holds = holds_of(f);
    assert_string_equal(holds, "NoCapacity: 1 of 3 placed; NoCapacity: 2 of 3 placed; Unknown: ");
    forecast_free(f);
}

/* Nothing moves any more: why. */
static void what_holds_it_up_at_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum release_progress progress;
        const char *reason, *message;
        const char *condition; /* and whether it holds; NULL: there is none */
        bool holds;
        enum module_phase phase; /* of the instance on base a */
        const char *instance_reason, *instance_message;
        bool going; /* it is being deleted */
        const char *told;
    } rows[] = {
        {"nothing else is known than where it is", PROGRESS_EXECUTING, "BatchExecuting",
         "batch 1 of 3", NULL, false, MODULE_AVAILABLE, NULL, NULL, false,
         "BatchExecuting: batch 1 of 3"},
        {"it is not executed at all", PROGRESS_ABORTED, "AbortedByUser", "given up", NULL, false,
         MODULE_AVAILABLE, NULL, NULL, false, "AbortedByUser: given up"},
        {"it is, and says for what it waits", PROGRESS_EXECUTING, "BatchUnhealthy", "sick", NULL,
         false, MODULE_AVAILABLE, NULL, NULL, false, "BatchUnhealthy: sick"},
        {"a deletion", PROGRESS_TERMINATING, "Deleting", "going offline", NULL, false,
         MODULE_AVAILABLE, NULL, NULL, false, "Deleting: going offline"},
        {"something is degraded", PROGRESS_EXECUTING, "BatchExecuting", "", "Degraded", true,
         MODULE_AVAILABLE, NULL, NULL, false, "Because: why"},
        {"... or is not", PROGRESS_EXECUTING, "BatchExecuting", "", "Degraded", false,
         MODULE_AVAILABLE, NULL, NULL, false, "BatchExecuting: "},
        {"it does not progress", PROGRESS_EXECUTING, "BatchExecuting", "", "Progressing", false,
         MODULE_AVAILABLE, NULL, NULL, false, "Because: why"},
        {"an instance waits", PROGRESS_EXECUTING, "BatchExecuting", "", NULL, false, MODULE_PENDING,
         "BaseNotReady", "base a does not answer", false,
         "BaseNotReady: v1@a on a: base a does not answer"},
        {"... and says no more", PROGRESS_EXECUTING, "BatchExecuting", "", NULL, false,
         MODULE_PENDING, "BaseNotReady", NULL, false, "BaseNotReady: v1@a on a: "},
        {"what is Available is not waited for", PROGRESS_EXECUTING, "BatchExecuting", "", NULL,
         false, MODULE_AVAILABLE, "UpgradePolicy", NULL, false, "BatchExecuting: "},
        {"... but where it is to go", PROGRESS_EXECUTING, "BatchExecuting", "", NULL, false,
         MODULE_AVAILABLE, "BaseNotReady", "uninstalled when the base answers", true,
         "BaseNotReady: v1@a on a: uninstalled when the base answers"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct forecast *f = copy_new(1);
        struct revision *revision = copy_add_revision(f, "v1");
        copy_add_base(f, "a");
        struct module *module = copy_module("v1", "a", rows[i].phase);
        module->status.reason = mem_strdup(rows[i].instance_reason);
        module->status.message = mem_strdup(rows[i].instance_message);
        module->meta.deletion_ms = rows[i].going;
        copy_add(f, revision, module);
        struct release_status *release = &f->md->status.release;
        release->progress = rows[i].progress;
        release->reason = mem_strdup(rows[i].reason);
        release->message = mem_strdup(rows[i].message);
        if (rows[i].condition)
            status_set_condition(&f->md->status, rows[i].condition, rows[i].holds, "Because", "why",
                                 0);
        forecast__record_end(f, /* stuck= */ true);
        AUTO_FREE char *told = holds_of(f);
        if (!str_eq(told, rows[i].told))
            fail_msg("%s\n  want: %s\n  got:  %s", rows[i].name, rows[i].told, told);
        forecast_free(f);
    }
}

static void one_instance_tells_for_all_of_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *base, *reason;
        bool others; /* of another ModuleDeployment */
    } rows[] = {{"a", "BaseNotReady", true},
                {"b", "BaseNotReady", false},
                {"c", "BaseNotReady", false},
                {"d", "WebPathInUse", false}};
    struct forecast *f = copy_new(4);
    struct revision *revision = copy_add_revision(f, "v1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        copy_add_base(f, rows[i].base);
        struct module *module = copy_module("v1", rows[i].base, MODULE_PENDING);
        module->status.reason = mem_strdup(rows[i].reason);
        copy_add(f, rows[i].others ? NULL : revision, module);
    }
    f->md->status.release.progress = PROGRESS_EXECUTING;
    f->md->status.release.reason = mem_strdup("BatchExecuting");
    forecast__record_end(f, /* stuck= */ true);
    AUTO_FREE char *told = holds_of(f);
    assert_string_equal(told, "BaseNotReady: v1@b on b: ; WebPathInUse: v1@d on d: ");
    forecast_free(f);
}

/* What was wrong while nothing ran is told at the end, when the status says something else by then. */
static void what_was_degraded_is_remembered(void **state)
{
    (void)state;
    struct forecast *f = copy_new(1);
    struct release_status *release = &f->md->status.release;
    release->progress = PROGRESS_EXECUTING;
    forecast__record_instant(f); /* no status yet */
    assert_null(f->degraded_reason);
    status_set_condition(&f->md->status, "Degraded", true, "MaxUnavailable", "none may go", 0);
    f->running = 1;
    forecast__record_instant(f); /* it may be better when that is over */
    assert_null(f->degraded_reason);
    f->running = 0;
    forecast__record_instant(f);
    release->progress = PROGRESS_ABORTED;
    release->reason = mem_strdup("ProgressDeadlineExceeded");
    status_set_condition(&f->md->status, "Degraded", false, "AsExpected", "", 0);
    forecast__record_instant(f);
    forecast__record_end(f, /* stuck= */ true);
    AUTO_FREE char *told = holds_of(f);
    assert_string_equal(told, "MaxUnavailable: none may go; ProgressDeadlineExceeded: ");
    forecast_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_begin_and_end),
        cmocka_unit_test(another_release_takes_its_place),
        cmocka_unit_test(steps_before_any_batch),
        cmocka_unit_test(when_it_is_completed),
        cmocka_unit_test(those_that_go_are_no_co_tenants),
        cmocka_unit_test(each_action_is_so_many_writes),
        cmocka_unit_test(an_event_that_was_told_is_only_counted),
        cmocka_unit_test(each_hold_is_told_once),
        cmocka_unit_test(what_holds_it_up_at_the_end),
        cmocka_unit_test(one_instance_tells_for_all_of_a_reason),
        cmocka_unit_test(what_was_degraded_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
