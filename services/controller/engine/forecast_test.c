/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a release would do, as a table. The present is written in the literals of engine_test_kit.h; what comes of it as
 *
 *   [1 x3 confirm: install a, install b] [2 x2: ...] Completed 10.0s unavailable=1; why it is held up
 *
 * a batch with its size, the gate after it, and the steps, of which those in another way than the best have it
 * in brackets. An install takes 5 s, a switch 0.1 s, an uninstall 1 s.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/forecast_internal.h"

#define TEXT_MAX (1u << 16)

/* -- from the kit to a forecast -- */

static void hand_over_base(struct forecast *f, struct base_state *state)
{
    struct base *base = (struct base *)(uintptr_t)state->base;
    mem_replace(&base->status.phase, state->ready ? "Ready" : "NotReady");
    base->meta.deletion_ms = state->terminating;
    forecast_add_base(f, base);
    state->base = NULL;
}

static void hand_over_instance(struct forecast *f, struct instance *instance, const char *revision)
{
    struct module *module = kit_module(instance);
    module->spec.base_uid = mem_printf("uid-%s", module->spec.base_name);
    forecast_add_module(f, module, revision);
    instance->module = NULL;
}

/* @kit is done afterwards. */
static struct forecast *hand_over(struct kit *kit)
{
    struct forecast_times times = {
        .install_ms = 5000, .switch_ms = 100, .uninstall_ms = 1000, .base_start_ms = 30000};
    struct module_template_spec *template = &kit->md->spec.template;
    struct forecast *f =
        forecast_new(kit->md, kit->template_missing ? NULL : template, &times, kit->now_ms);
    kit->md = NULL;
    forecast_set_owner(f, kit->owner_conflict);
    forecast_set_bases_problem(f, kit->bases_problem, kit->bases_unknown);
    for (size_t i = 0; i < kit->base_count; i++)
        hand_over_base(f, kit->bases[i]);
    for (size_t r = 0; r < kit->revision_count; r++) {
        struct revision *revision = kit->revisions[r];
        forecast_add_revision(f, kit_rs(revision));
        for (size_t i = 0; i < revision->instances.len; i++)
            hand_over_instance(f, revision->instances.items[i], revision->rs->meta.name);
        revision->rs = NULL;
    }
    kit_done(kit);
    return f;
}

/* -- the scheduler: by name -- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t choose_bases(const struct scheduling_question *question, char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < question->base_count; i++) {
        const struct base_state *base = question->bases[i];
        if (base_eligible(base, &question->revision->rs->spec.template) &&
            scheduling_is_asked(base, question->revision) &&
            !scheduling_has_revision(base, question->revision))
            names[count++] = base->base->meta.name;
    }
    return count;
}

static size_t choose_instances(const struct scheduling_question *question, char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < question->revision->instances.len; i++)
        if (scheduling_may_go(question->revision->instances.items[i]))
            names[count++] = question->revision->instances.items[i]->module->meta.name;
    return count;
}

static void answer(struct forecast *f)
{
    char *names[KIT_MAX * 2];
    const struct scheduling_question *question = forecast_question(f);
    size_t count = question->type == ACTION_PLACE ? choose_bases(question, names)
                                                  : choose_instances(question, names);
    qsort(names, count, sizeof(*names), by_text);
    AUTO_FREE char *why = mem_printf("NoCapacity: %zu of %d placed", count, question->count);
    if (count > (size_t)question->count)
        count = (size_t)question->count;
    forecast_answer(f, names, count, why);
}

static enum forecast_state run_by(struct forecast *f, int64_t effort)
{
    for (;;) {
        enum forecast_state state = forecast_run(f, effort);
        if (state == FORECAST_ASKS)
            answer(f);
        else if (state != FORECAST_GOES_ON)
            return state;
    }
}

static enum forecast_state run(struct forecast *f)
{
    return run_by(f, INT64_MAX);
}

/* -- what came of it, as text -- */

static void describe_step(const struct forecast_step *step, struct str *out)
{
    str_printf(out, "%s %s", forecast_action_name(step->action), step->base);
    if (*step->reason)
        str_printf(out, "(%s)", step->reason);
}

static void describe_batch(const struct forecast_result *result, const struct forecast_batch *batch,
                           struct str *out)
{
    static const char *const gates[] = {"", " confirm", " gray"};
    str_printf(out, "[%d x%d%s:", batch->number, batch->size, gates[batch->gate]);
    const char *between = " ";
    for (size_t i = 0; i < result->steps.len; i++) {
        if (result->steps.items[i].batch != batch->number)
            continue;
        str_add(out, between);
        describe_step(&result->steps.items[i], out);
        between = ", ";
    }
    str_add(out, "] ");
}

/* Owned. */
static char *describe(const struct forecast *f, enum forecast_state state)
{
    const struct forecast_result *result = forecast_result(f);
    struct str out = STR_INIT(TEXT_MAX);
    for (size_t i = 0; i < result->batches.len; i++)
        describe_batch(result, &result->batches.items[i], &out);
    str_printf(&out, "%s %lld.%llds", state == FORECAST_COMPLETED ? "Completed" : "Stuck",
               (long long)(result->duration_ms / 1000),
               (long long)(result->duration_ms % 1000 / 100));
    if (result->most_unavailable)
        str_printf(&out, " unavailable=%d", result->most_unavailable);
    for (size_t i = 0; i < result->holds.len; i++)
        str_printf(&out, "; %s: %s", result->holds.items[i].reason, result->holds.items[i].message);
    return str_take(&out);
}

#define ALL_OF_V1 "v1#1=5 aA bA cA dA eA"
#define FIVE "a b c d e"

static const struct kit_row rows[] = {
    {"a first install: beta is one, the rest comes with the next batch",
     .spec = "v1 x5 batches=2 beta new", .bases = FIVE,
     .plan = "[1 x1: install a] [2 x4: install b, install c, install d, install e] "
             "Completed 10.0s"},
    {"a gate is confirmed at once, the last batch has none", .spec = "v1 x3 batches=3 confirm new",
     .bases = FIVE,
     .plan = "[1 x1 confirm: install a] [2 x1 confirm: install b] [3 x1: install c] "
             "Completed 15.0s"},
    {"gray time passes", .spec = "v1 x2 batches=2 gray=60 new", .bases = FIVE,
     .plan = "[1 x1 gray: install a] [2 x1: install b] Completed 70.0s"},
    {"an upgrade side by side: installed, switched, the old one goes; nobody misses it",
     .spec = "v2 x2 batches=2", .revisions = "v1#1=2 aA bA", .bases = "a b",
     .plan = "[1 x1: install a, switch a, uninstall a] [2 x1: install b, switch b, uninstall b] "
             "Completed 12.2s"},
    {"an upgrade to more than there is room for: as far as it gets", .spec = "v2 x4 batches=2",
     .revisions = "v1#1=2 aA bA", .bases = "a b",
     .plan = "[1 x2: install a, install b, switch a, switch b, uninstall a, uninstall b] "
             "[2 x2:] Stuck 6.1s; NoCapacity: 0 of 2 placed"},
    {"in place there is a gap, as wide as the batch",
     .spec = "v2 x5 batches=2 uninstallThenInstall", .revisions = ALL_OF_V1, .bases = FIVE,
     .plan = "[1 x3: replace a(UpgradePolicy), replace b(UpgradePolicy), replace c(UpgradePolicy)] "
             "[2 x2: replace d(UpgradePolicy), replace e(UpgradePolicy)] "
             "Completed 10.0s unavailable=3"},
    {"maxUnavailable: in waves", .spec = "v2 x3 uninstallThenInstall max=1",
     .revisions = "v1#1=3 aA bA cA", .bases = "a b c",
     .plan = "[1 x3: replace a(UpgradePolicy), replace b(UpgradePolicy), replace c(UpgradePolicy)] "
             "Completed 15.0s unavailable=1"},
    {"maxUnavailable 0 and no way without a gap", .spec = "v2 x2 max=0 deadline=60",
     .revisions = "v1#1=2 aA bA; v2#2=0 web", .bases = "a b",
     .plan =
         "[1 x2:] Stuck 0.0s; NoCapacity: 0 of 2 placed; MaxUnavailable: 2 instances can only be "
         "replaced with a gap (WebPathInUse,NoCapacity), but maxUnavailable is 0: a higher one "
         "would help, or room on another base; ProgressDeadlineExceeded: no progress for 60 s "
         "in batch 1 of 1"},
    {"with a known web path one by one through the free base", .spec = "v2 x2",
     .revisions = "v1#1=2 aA bA; v2#2=0 web", .bases = "a b c",
     .plan = "[1 x2: install c(WebPathInUse), uninstall a, install a(WebPathInUse), uninstall b] "
             "Completed 12.0s"},
    {"with a known web path and no free base in place", .spec = "v2 x2",
     .revisions = "v1#1=2 aA bA; v2#2=0 web", .bases = "a b",
     .plan = "[1 x2: replace a(WebPathInUse,NoCapacity), replace b(WebPathInUse,NoCapacity)] "
             "Completed 5.0s unavailable=2"},
    {"up first, then down", .spec = "v2 x1 scaleUpThenScaleDown", .revisions = "v1#1=1 aA",
     .bases = "a b", .plan = "[1 x1: install b, uninstall a] Completed 6.0s"},
    {"no room: what can be placed is", .spec = "v1 x3 new", .bases = "a b:0 c!",
     .plan = "[1 x3: install a] Stuck 5.0s; NoCapacity: 0 of 2 placed"},
    {"scale down in batches", .spec = "v1 x2 batches=2", .revisions = ALL_OF_V1, .bases = FIVE,
     .plan = "[1 x2: uninstall a, uninstall b] [2 x1: uninstall c] Completed 2.0s"},
    {"scale up", .spec = "v1 x3", .release = "Completed 1/1 v1 was=0 changes=1 x1",
     .revisions = "v1#1=1 aA", .bases = FIVE,
     .plan = "[1 x2: install b, install c] Completed 5.0s"},
    {"nothing to do", .spec = "v1 x1", .release = "Completed 1/1 v1 was=0 changes=1 x1",
     .revisions = "v1#1=1 aA", .bases = FIVE, .plan = "Completed 0.0s"},
    {"on every base", .spec = "v1 x-1 new", .bases = "a b! c",
     .plan = "[1 x2: install a, install c] Completed 5.0s"},
    {"what is left of a release that waits for a person", .spec = "v1 x5 batches=2 confirm pause",
     .release = WAITING " done", .revisions = "v1#1=3 aA bA cA", .bases = FIVE,
     .plan = "[2 x2: install d, install e] Completed 5.0s"},
    {"what is left of a batch", .spec = "v1 x5 batches=2", .release = FIRST_OF_TWO,
     .revisions = "v1#1=3 aA bU", .bases = FIVE,
     .plan = "[1 x3: install b, install c] [2 x2: install d, install e] Completed 10.0s"},
    {"paused by the user: said, and then as if it were not", .spec = "v1 x1 pause new",
     .bases = "a",
     .plan = "[1 x1: install a] Completed 5.0s; "
             "PausedByUser: paused by spec.pause in batch 1 of 1"},
    {"given up", .spec = "v1 x5 batches=2 abort=v1", .release = FIRST_OF_TWO,
     .revisions = "v1#1=3 aA bA", .bases = FIVE,
     .plan = "Stuck 0.0s; AbortedByUser: given up in batch 1 of 2"},
    {"taken by another", .spec = "v1 x1 taken-by=other new", .bases = "a",
     .plan = "Stuck 0.0s; OwnedByAnother: module web on (null) belongs to ModuleDeployment other"},
    {"its template is missing", .spec = "v1 x1 template-missing new", .bases = "a",
     .plan = "Stuck 0.0s; TemplateNotFound: ModuleTemplate (null) is not there"},
    {"paused, and nothing to do", .spec = "v1 x1 pause",
     .release = "Completed 1/1 v1 was=0 changes=1 x1", .revisions = "v1#1=1 aA", .bases = FIVE,
     .plan = "Completed 0.0s"},
    {"what is asked for has failed before", .spec = "v2 x1 rollback",
     .release = "Completed 1/1 v1 was=0 changes=1 x1", .revisions = "v1#1=1 aA; v2#2=0 failed",
     .bases = FIVE, .plan = "Completed 0.0s; RolledBack: no luck"},
    {"no base Deployment", .spec = "v1 x1 base-missing new",
     .plan = "Stuck 0.0s; BaseDeploymentNotFound: Deployment stock is not there"},
    {"an old one on a base that does not answer holds the batch up", .spec = "v2 x1",
     .revisions = "v1#1=1 aA", .bases = "a!",
     .plan = "[1 x1:] Stuck 0.0s; NoCapacity: 0 of 1 placed; "
             "BaseNotReady: v1@a on a: base a does not answer"},
    {"done long before its deadline", .spec = "v1 x1 deadline=600 new", .bases = "a",
     .plan = "[1 x1: install a] Completed 5.0s"},
    {"no room, until the deadline gives it up", .spec = "v1 x2 deadline=60 new", .bases = "a",
     .plan = "[1 x2: install a] Stuck 5.0s; NoCapacity: 0 of 1 placed; "
             "ProgressDeadlineExceeded: no progress for 60 s in batch 1 of 1"},
    {"... for the last good one", .spec = "v2 x2 deadline=60 rollback",
     .release = "Completed 1/1 v1 was=0 changes=2 x2", .revisions = "v1#1=2 aA bA", .bases = "a b~",
     .plan = "[1 x2: install a, switch a, uninstall a] Stuck 6.1s; NoCapacity: 0 of 1 placed; "
             "RolledBack: no progress for 60 s in batch 1 of 1"},
    {"over already, and nobody tells that no controller was there",
     .spec = "v1 x5 batches=2 deadline=60", .release = FIRST_OF_TWO " since=900000",
     .revisions = "v1#1=3 aA=900 bA=900 cN=900", .bases = FIVE,
     .plan = "[1 x3: install c] Stuck 5.0s; "
             "ProgressDeadlineExceeded: no progress for 60 s in batch 1 of 2"},
    {"well for a while before it counts", .spec = "v1 x2 batches=2 min-ready=30 new",
     .bases = "a b", .plan = "[1 x1: install a] [2 x1: install b] Completed 70.0s"},
    {"a deletion goes in batches too", .spec = "v1 x2 batches=2 deleting",
     .revisions = "v1#1=2 aA bA", .bases = "a b",
     .plan = "[1 x1: uninstall a] [2 x1: uninstall b] Completed 2.0s"},
};

static void check_table(int64_t effort)
{
    struct str wrong = STR_INIT(1u << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit kit;
        kit_init(&kit, &rows[i]);
        struct forecast *f = hand_over(&kit);
        enum forecast_state end = run_by(f, effort);
        AUTO_FREE char *got = describe(f, end);
        kit_expect(&rows[i], got, &wrong);
        forecast_free(f);
    }
    if (wrong.len)
        fail_msg("%s", str_text(&wrong));
    str_done(&wrong);
}

static void test_table(void **state)
{
    (void)state;
    check_table(INT64_MAX);
}

/* Nothing depends on where it was stopped. */
static void test_in_turns(void **state)
{
    (void)state;
    check_table(1);
    check_table(7);
}

/* However many instances become due at once. */
static void test_a_turn_is_short(void **state)
{
    (void)state;
    const struct kit_row row = {.spec = "v1 x5 new", .bases = FIVE};
    struct kit kit;
    kit_init(&kit, &row);
    struct forecast *f = hand_over(&kit);
    int turns = 0;
    for (enum forecast_state now = FORECAST_GOES_ON; now < FORECAST_COMPLETED; turns++) {
        int64_t before = f->effort;
        now = forecast_run(f, 1);
        assert_in_range(f->effort - before, 0, 1);
        if (now == FORECAST_ASKS)
            answer(f);
    }
    assert_true(turns > 5 * 4); /* an operation that ends, and three plans of each */
    forecast_free(f);
}

/* -- writes: as the budget has it (design, section 10) -- */

static struct forecast *forecast_of(const struct kit_row *row)
{
    struct kit kit;
    kit_init(&kit, row);
    struct forecast *f = hand_over(&kit);
    assert_int_equal(run(f), FORECAST_COMPLETED);
    return f;
}

static int32_t all(const struct forecast_writes *writes)
{
    return writes->creates + writes->status_patches + writes->label_patches +
           writes->other_patches + writes->deletes;
}

static void test_writes_of_a_first_install(void **state)
{
    (void)state;
    const struct kit_row row = {.spec = "v1 x5 batches=2 new", .bases = FIVE};
    struct forecast *f = forecast_of(&row);
    const struct forecast_writes *writes = forecast_result(f)->writes;
    assert_int_equal(writes[KIND_MODULE].creates, 5);
    assert_int_equal(writes[KIND_MODULE].deletes, 0);
    assert_int_equal(writes[KIND_MODULE].status_patches, 10); /* it lasts: Upgrading, Available */
    assert_int_equal(writes[KIND_BASE].label_patches, 5);
    assert_int_equal(all(&writes[KIND_BASE]), 5);
    assert_int_equal(writes[KIND_MODULE_REPLICASET].creates, 1);
    assert_int_equal(writes[KIND_SERVICE].creates, 0);
    assert_true(writes[KIND_MODULE_DEPLOYMENT].status_patches >= 3);
    forecast_free(f);
}

static void test_writes_of_an_upgrade_side_by_side(void **state)
{
    (void)state;
    const struct kit_row row = {.spec = "v2 x2", .revisions = "v1#1=2 aA bA", .bases = "a b"};
    struct forecast *f = forecast_of(&row);
    const struct forecast_writes *writes = forecast_result(f)->writes;
    assert_int_equal(writes[KIND_MODULE].creates, 2);
    assert_int_equal(writes[KIND_MODULE].deletes, 2);
    assert_int_equal(writes[KIND_MODULE].other_patches, 2); /* finalizers of the old ones */
    forecast_free(f);
}

/* -- bases that restart -- */

struct restart_case {
    struct kit_row row;      /* what is expected is its plan */
    const char *base_reason; /* of base a, for ... */
    int64_t not_ready_ms;
    const char *instance_reason; /* of the first instance of the first revision */
};

#define STARTS_A "BaseStarting: base a is starting, and taken to be ready after 30 s"
#define UNDER_WAY "Executing 1/1 v1 was=0 changes=1 x1"

static const struct restart_case restarts[] = {
    {.row = {"the base is back, and nobody has said what is there", .spec = "v1 x1",
             .release = UNDER_WAY, .revisions = "v1#1=1 aN", .bases = "a",
             .plan = "[1 x1:] Completed 0.0s"},
     .instance_reason = "BaseNotReady"},
    {.row = {"it is being installed again", .spec = "v2 x1", .revisions = "v1#1=1 aN", .bases = "a",
             .plan = "[1 x1: install a, install a, switch a, uninstall a] Completed 11.1s"},
     .instance_reason = "ModuleLost"},
    {.row = {"the base starts", .spec = "v1 x1", .release = UNDER_WAY, .revisions = "v1#1=1 aN",
             .bases = "a!", .plan = "[1 x1:] Completed 30.0s; " STARTS_A},
     .base_reason = "BaseStarting",
     .not_ready_ms = 20000,
     .instance_reason = "BaseNotReady"},
    {.row = {"the base has only just gone, and its instance counts still", .spec = "v2 x2",
             .revisions = "v1#1=2 aA bA", .bases = "a! b",
             .plan = "[1 x2: install b, switch b, uninstall b, install a, switch a, uninstall a] "
                     "Completed 36.1s; " STARTS_A},
     .base_reason = "ArkletUnreachable",
     .not_ready_ms = 1000},
    {.row = {"the only room is on bases that start", .spec = "v1 x2 new", .bases = "a! b",
             .plan = "[1 x2: install b, install a] Completed 35.0s; " STARTS_A},
     .base_reason = "PodPending",
     .not_ready_ms = 1000},
    {.row = {"it is not ready for too long", .spec = "v1 x2 new", .bases = "a! b",
             .plan = "[1 x2: install b] Stuck 5.0s; NoCapacity: 0 of 1 placed"},
     .base_reason = "BaseStarting",
     .not_ready_ms = 120001},
    {.row = {"its agent is silent: nobody knows", .spec = "v1 x2 new", .bases = "a! b",
             .plan = "[1 x2: install b] Stuck 5.0s; NoCapacity: 0 of 1 placed"},
     .base_reason = "AgentSilent",
     .not_ready_ms = 1000},
    {.row = {"an instance that is not well does not get well by itself", .spec = "v1 x1",
             .release = UNDER_WAY, .revisions = "v1#1=1 aN", .bases = "a",
             .plan = "[1 x1:] Stuck 0.0s; Unhealthy: v1@a on a: "},
     .instance_reason = "Unhealthy"},
};

static void test_bases_that_restart(void **state)
{
    (void)state;
    struct str wrong = STR_INIT(1u << 20);
    for (size_t i = 0; i < ARRAY_LEN(restarts); i++) {
        const struct restart_case *one = &restarts[i];
        struct kit kit;
        kit_init(&kit, &one->row);
        struct base *base = (struct base *)(uintptr_t)kit.bases[0]->base;
        base->status.reason = mem_strdup(one->base_reason);
        base->status.last_transition_ms = kit.now_ms - one->not_ready_ms;
        if (one->instance_reason)
            mem_replace(&kit_module(kit.revisions[0]->instances.items[0])->status.reason,
                        one->instance_reason);
        struct forecast *f = hand_over(&kit);
        enum forecast_state end = run(f);
        AUTO_FREE char *got = describe(f, end);
        kit_expect(&one->row, got, &wrong);
        forecast_free(f);
    }
    if (wrong.len)
        fail_msg("%s", str_text(&wrong));
    str_done(&wrong);
}

/* -- what is told stays as it was -- */

static void test_a_step_keeps_the_reason_that_it_had(void **state)
{
    (void)state;
    const struct kit_row row = {
        .spec = "v2 x1 uninstallThenInstall", .revisions = "v1#1=1 aA", .bases = "a b"};
    struct forecast *f = forecast_of(&row);
    const struct forecast_step *step = &forecast_result(f)->steps.items[0];
    assert_string_equal(step->reason, "UpgradePolicy");
    struct action action = {.type = ACTION_SET_WAY,
                            .name = (char *)(uintptr_t)step->instance,
                            .way = WAY_OTHER_BASE,
                            .reason = mem_strdup("WebPathInUse")};
    struct forecast_instance *instance = map_get(&f->instances, step->instance);
    assert_true(forecast__apply(f, &action, instance));
    assert_string_equal(instance->module->spec.upgrade_way_reason, "WebPathInUse");
    assert_string_equal(step->reason, "UpgradePolicy");
    forecast_free(f);
}

/* -- traffic -- */

static void test_traffic_ends_and_drains_before_one_is_replaced(void **state)
{
    (void)state;
    const struct kit_row row = {
        .spec = "v2 x1 uninstallThenInstall", .revisions = "v1#1=1 aA", .bases = "a"};
    struct kit kit;
    kit_init(&kit, &row);
    kit.md->spec.strategy.drain_seconds = 7;
    struct base *base = (struct base *)(uintptr_t)kit.bases[0]->base;
    json_map_set(&base->meta.labels, LABEL_TRAFFIC_PREFIX "web", "true");
    struct forecast *f = hand_over(&kit);
    assert_int_equal(run(f), FORECAST_COMPLETED);
    const struct forecast_result *result = forecast_result(f);
    assert_int_equal(result->steps.items[0].begins_ms, 7000);
    assert_int_equal(result->writes[KIND_BASE].label_patches, 2); /* off, and on again */
    forecast_free(f);
}

/* -- times -- */

/* As long as was measured; and what was to be looked at meanwhile is not looked at twice. */
static void test_an_install_that_is_quick(void **state)
{
    (void)state;
    const struct kit_row row = {
        .spec = "v2 x1 min-ready=30", .revisions = "v1#1=1 aA", .bases = "a"};
    struct kit kit;
    kit_init(&kit, &row);
    struct forecast *f = hand_over(&kit);
    forecast_set_install_ms(f, 500);
    enum forecast_state end = run(f);
    AUTO_FREE char *got = describe(f, end);
    assert_string_equal(got, "[1 x1: install a, switch a, uninstall a] Completed 31.6s");
    forecast_free(f);
}

/* -- others on the bases -- */

static struct module *other_module(const char *base)
{
    struct module *module = NEW(struct module);
    module->meta.name = mem_printf("cart@%s", base);
    module->spec.module.name = mem_strdup("cart");
    module->spec.base_name = mem_strdup(base);
    module->spec.base_uid = mem_printf("uid-%s", base);
    module->status.phase = MODULE_AVAILABLE;
    return module;
}

static void test_co_tenants_are_told_of(void **state)
{
    (void)state;
    const struct kit_row row = {.spec = "v1 x3 batches=2 new", .bases = "a b c d"};
    struct kit kit;
    kit_init(&kit, &row);
    struct forecast *f = hand_over(&kit);
    static const char *const bases[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        forecast_add_module(f, other_module(bases[i]), NULL);
    assert_int_equal(run(f), FORECAST_COMPLETED);
    const struct forecast_result *result = forecast_result(f);
    assert_int_equal(result->co_tenants.len, 1);
    assert_string_equal(result->co_tenants.items[0].module, "cart");
    assert_int_equal(result->co_tenants.items[0].instances, 3); /* of four: d is left alone */
    assert_int_equal(result->co_tenants.items[0].most_touched, 2);
    assert_int_equal(result->most_unavailable, 0);
    forecast_free(f);
}

/* A base that is full of others takes nothing. */
static void test_co_tenants_take_room(void **state)
{
    (void)state;
    const struct kit_row row = {.spec = "v1 x2 new", .bases = "a:1 b:1"};
    struct kit kit;
    kit_init(&kit, &row);
    struct forecast *f = hand_over(&kit);
    forecast_add_module(f, other_module("a"), NULL);
    enum forecast_state end = run(f);
    AUTO_FREE char *got = describe(f, end);
    assert_string_equal(got, "[1 x2: install b] Stuck 5.0s; NoCapacity: 0 of 1 placed");
    forecast_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_in_turns),
        cmocka_unit_test(test_a_turn_is_short),
        cmocka_unit_test(test_writes_of_a_first_install),
        cmocka_unit_test(test_writes_of_an_upgrade_side_by_side),
        cmocka_unit_test(test_bases_that_restart),
        cmocka_unit_test(test_a_step_keeps_the_reason_that_it_had),
        cmocka_unit_test(test_traffic_ends_and_drains_before_one_is_replaced),
        cmocka_unit_test(test_an_install_that_is_quick),
        cmocka_unit_test(test_co_tenants_are_told_of),
        cmocka_unit_test(test_co_tenants_take_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
