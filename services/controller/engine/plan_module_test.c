/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

/*
 * Each row is about the instance that stands first. Its operation: type and state, times in ms
 * before now.
 */
struct row {
    const char *name;
    const char *revisions, *bases; /* as in the kit */
    bool unwanted;                 /* its revision is not the one being released */
    bool going;                    /* its deployment is being deleted */
    enum operation_type type;
    enum operation_state state;
    int32_t failures, unanswered;
    int64_t ago_ms; /* began and ended */
    enum reported reported;
    int64_t reported_ago_ms;
    bool sick;                      /* that report says DOWN */
    bool restored;                  /* its install failed, and put back what was there */
    enum operation_state successor; /* of the install of who takes its place */
    bool unknown;                   /* its base Deployment's bases are not listed yet */
    bool traffic;                   /* its base has the label of its module */
    bool labels_written;            /* whether it has, is being written */
    const char *plan;
};

static char *plan_of(const struct row *row, bool events)
{
    struct kit kit;
    const struct kit_row world = {
        .spec = "v1 x1", .revisions = row->revisions, .bases = row->bases};
    kit_init(&kit, &world);
    struct instance *instance = kit.revisions[0]->instances.items[0];
    if (!instance->operation.state)
        instance->operation = (struct operation){.type = row->type,
                                                 .state = row->state,
                                                 .failures = row->failures,
                                                 .unanswered = row->unanswered,
                                                 .restored = row->restored};
    instance->operation.started_ms = instance->operation.ended_ms = KIT_NOW_MS - row->ago_ms;
    if (row->state == OPERATION_FAILED) {
        mem_replace(&instance->operation.code, "Arklet.InstallBizFailed");
        mem_replace(&instance->operation.message, "out of metaspace");
    }
    instance->reported = row->reported;
    instance->unhealthy |= row->sick;
    instance->reported_ms = KIT_NOW_MS - row->reported_ago_ms;
    if (row->successor) {
        instance->replaced_by->operation.state = row->successor;
        instance->replaced_by->operation.started_ms = KIT_NOW_MS - row->ago_ms;
    }
    struct base *base = kit.base_count ? (struct base *)(uintptr_t)kit.bases[0]->base : NULL;
    if (row->traffic)
        json_map_set(&base->meta.labels, LABEL_TRAFFIC_PREFIX "web", "true");
    struct module_view view = {
        .instance = instance,
        .bases_unknown = row->unknown,
        .labels_written = row->labels_written,
        .wanted = !row->unwanted && !row->going,
        .going = row->going,
        .now_ms = KIT_NOW_MS,
        .wall_ms = KIT_NOW_MS,
    };
    struct plan plan = {0};
    plan_module(&view, &plan);
    char *text = kit_plan_text(&plan, events);
    plan_done(&plan);
    kit_done(&kit);
    return text;
}

static void check(const struct row *rows, size_t count, bool events)
{
    struct str wrong = STR_INIT(1u << 16);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *got = plan_of(&rows[i], events);
        if (!str_eq(got, rows[i].plan))
            str_printf(&wrong, "%s\n  want: %s\n  got:  %s\n", rows[i].name, rows[i].plan, got);
    }
    AUTO_FREE char *text = str_take(&wrong);
    assert_string_equal(text, "");
}

static void installing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "1.1 a new one is installed",
         .revisions = "v1#1=1 aP",
         .bases = "a",
         .plan = "install v1@a"},
        {.name = "2.1 with its way",
         .revisions = "v2#2=1 aP>pa; v1#1=0 aA",
         .bases = "a",
         .plan = "install v2@a InPlace"},
        {.name = "7.2 in place of one that has traffic still: it waits",
         .revisions = "v2#2=1 aP>pa; v1#1=0 aA",
         .bases = "a",
         .traffic = true,
         .plan = ""},
        {.name = "7.2 ... also with a further attempt",
         .revisions = "v2#2=1 aF>pa; v1#1=0 aA",
         .bases = "a",
         .traffic = true,
         .state = OPERATION_FAILED,
         .failures = 1,
         .ago_ms = INSTALL_RETRY_FIRST_MS,
         .plan = ""},
        {.name = "7.2 ... and of one whose label is on its way to the store",
         .revisions = "v2#2=1 aP>pa; v1#1=0 aA",
         .bases = "a",
         .labels_written = true,
         .plan = ""},
        {.name = "beside one that has traffic",
         .revisions = "v2#2=1 aP>sa; v1#1=0 aA",
         .bases = "a",
         .traffic = true,
         .plan = "install v2@a SideBySide"},
        {.name = "defects 26 and 27: not on a base that does not answer",
         .revisions = "v1#1=1 aP",
         .bases = "a!",
         .plan = "module v1@a is Pending BaseNotReady"},
        {.name = "while it runs nothing is done twice",
         .revisions = "v1#1=1 aP",
         .bases = "a",
         .state = OPERATION_RUNNING,
         .plan = "requeue at 1001000"},
        {.name = "what lasts is shown",
         .revisions = "v1#1=1 aP",
         .bases = "a",
         .state = OPERATION_RUNNING,
         .ago_ms = MODULE_STATUS_QUIET_MS,
         .plan = "module v1@a is Upgrading Installing"},
        {.name = "1.1 installed, and a report says that it is there and well",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .reported = REPORTED_ACTIVE,
         .plan = "module v1@a is Available"},
        {.name = "design 5: installed, its health is not known yet",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .plan = "requeue at 1001000"},
        {.name = "... and that is shown where it lasts",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .ago_ms = MODULE_STATUS_QUIET_MS,
         .plan = "module v1@a is Completing AwaitingHealth"},
        {.name = "design 5: installed, and sick",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .reported = REPORTED_ACTIVE,
         .sick = true,
         .plan = "module v1@a is Completing Unhealthy"},
        {.name = "defect 19: installed, but the status was lost and the controller started anew: "
                 "the report counts",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .reported = REPORTED_ACTIVE,
         .plan = "module v1@a is Available"},
        {.name = "defect 19: no report either: installed again, which the agent answers with what "
                 "it has",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .plan = "install v1@a"},
        {.name = "installed, but its health says DOWN",
         .revisions = "v1#1=1 aU!",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .plan = "module v1@a is Completing Unhealthy"},
        {.name = "Available stays Available without a write",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .plan = ""},
    };
    check(rows, ARRAY_LEN(rows), false);
}

static void failing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "defect 23: a failure is said, and tried again",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 1,
         .plan = "module v1@a is Failed Arklet.InstallBizFailed; requeue at 1001000"},
        {.name = "defect 28: the second time after 2 s",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 2,
         .plan = "module v1@a is Failed Arklet.InstallBizFailed; requeue at 1002000"},
        {.name = "defect 28: never later than after 5 minutes",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 40,
         .plan = "module v1@a is Failed Arklet.InstallBizFailed; requeue at 1300000"},
        {.name = "defect 23: it is said before it is tried again",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 1,
         .ago_ms = 1000,
         .plan = "module v1@a is Failed Arklet.InstallBizFailed; requeue at 1000000"},
        {.name = "tried again",
         .revisions = "v1#1=1 aF",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 1,
         .ago_ms = 1000,
         .plan = "install v1@a"},
        {.name = "no answer is no failure: the install may be going on",
         .revisions = "v1#1=1 aP",
         .bases = "a",
         .state = OPERATION_FAILED,
         .unanswered = 2,
         .plan = "module v1@a is Upgrading AgentNotAnswering; requeue at 1002000"},
        {.name = "no answer after a failure: neither is that said again",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 1,
         .unanswered = 1,
         .plan = "module v1@a is Upgrading AgentNotAnswering; requeue at 1002000"},
        {.name = "no answer to a reinstall: what was lost stays Unavailable",
         .revisions = "v1#1=1 aN",
         .bases = "a",
         .state = OPERATION_FAILED,
         .unanswered = 1,
         .plan = "requeue at 1001000"},
        {.name = "no answer: asked again after the pause",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .unanswered = 2,
         .ago_ms = 2000,
         .plan = "install v1@a"},
    };
    check(rows, ARRAY_LEN(rows), false);
}

/* 3.2: what happens to what is there. */
static void healing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "defect 25, 3.2: the base was started anew, the module is not on it",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .ago_ms = 60000,
         .reported = REPORTED_ABSENT,
         .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
        {.name = "3.2 after a restart of the controller too",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .reported = REPORTED_ABSENT,
         .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
        {.name = "not in a deletion, which it is waiting for",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .going = true,
         .reported = REPORTED_ABSENT,
         .plan = "module v1@a is Unavailable ModuleLost"},
        {.name = "nor what never was there",
         .revisions = "v1#1=1 aP",
         .bases = "a",
         .going = true,
         .plan = ""},
        {.name = "3.2 broken",
         .revisions = "v1#1=1 aA",
         .bases = "a",
         .reported = REPORTED_BROKEN,
         .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
        {.name = "a report from before the end of the install does not count",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .ago_ms = 500,
         .reported = REPORTED_ABSENT,
         .plan = "requeue at 1000500"},
        {.name = "its base does not answer: Unavailable, and nothing is moved",
         .revisions = "v1#1=1 aA",
         .bases = "a!",
         .state = OPERATION_SUCCEEDED,
         .plan = "module v1@a is Unavailable BaseNotReady"},
        {.name = "whether its base is gone is not known yet: nothing",
         .revisions = "v1#1=1 aA",
         .unknown = true,
         .plan = ""},
        {.name = "defect 26: its base is gone: it goes",
         .revisions = "v1#1=1 aN",
         .bases = "b",
         .plan = "delete module v1@a"},
        {.name = "9.3 sick",
         .revisions = "v1#1=1 aA!",
         .bases = "a",
         .reported = REPORTED_ACTIVE,
         .plan = "module v1@a is Unavailable Unhealthy"},
        {.name = "7.2 its label goes first",
         .revisions = "v1#1=0 aA-",
         .bases = "a",
         .traffic = true,
         .plan = ""},
        {.name = "5.5 the label is that of its successor already",
         .revisions = "v1#1=0 aA-; v2#2=1 aA>sa",
         .bases = "a",
         .traffic = true,
         .plan = "uninstall v1@a"},
        {.name = "and well again",
         .revisions = "v1#1=1 aN",
         .bases = "a",
         .reported = REPORTED_ACTIVE,
         .plan = "module v1@a is Available"},
    };
    check(rows, ARRAY_LEN(rows), false);
}

/* 2.1, 5.5: beside the old one, and after it. */
static const struct row replacing_rows[] = {
    {.name = "5.5 installed beside the old one: the traffic is switched",
     .revisions = "v2#2=1 aU>sa; v1#1=0 aA",
     .bases = "a",
     .state = OPERATION_SUCCEEDED,
     .reported = REPORTED_INACTIVE,
     .plan = "switch v2@a"},
    {.name = "5.5 ... not before its health is known",
     .revisions = "v2#2=1 aU>sa; v1#1=0 aA",
     .bases = "a",
     .state = OPERATION_SUCCEEDED,
     .plan = "requeue at 1001000"},
    {.name = "5.5 ... and not to a sick one: the old one keeps the traffic",
     .revisions = "v2#2=1 aU>sa; v1#1=0 aA",
     .bases = "a",
     .state = OPERATION_SUCCEEDED,
     .reported = REPORTED_INACTIVE,
     .sick = true,
     .plan = "module v2@a is Completing Unhealthy"},
    {.name = "defects 3 and 35: Available is said before the old one goes",
     .revisions = "v2#2=1 aU>sa; v1#1=0 aA",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_SUCCEEDED,
     .reported = REPORTED_ACTIVE,
     .plan = "module v2@a is Available"},
    {.name = "2.1 then it goes",
     .revisions = "v2#2=1 aA>sa; v1#1=0 aA",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_SUCCEEDED,
     .plan = "delete module v1@a"},
    {.name = "2.1 once",
     .revisions = "v2#2=1 aA>sa; v1#1=0 aT-",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_SUCCEEDED,
     .plan = ""},
    {.name = "one whose revision is not wanted any more takes nothing away",
     .revisions = "v2#2=1 aA>sa; v1#1=0 aA",
     .bases = "a",
     .unwanted = true,
     .type = OPERATION_SWITCH,
     .state = OPERATION_SUCCEEDED,
     .plan = ""},
    {.name = "not healthy: the old one stays",
     .revisions = "v2#2=1 aC>sa!; v1#1=0 aA",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_SUCCEEDED,
     .plan = "module v2@a is Completing Unhealthy"},
    {.name = "a switch that fails is said, and tried again later",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_FAILED,
     .failures = 1,
     .plan = "module v2@a is Completing Arklet.InstallBizFailed; requeue at 1001000"},
    {.name = "tried again",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_FAILED,
     .failures = 1,
     .ago_ms = 1000,
     .plan = "switch v2@a"},
    {.name = "a switch that fails since the module is lost: installed again, not tried for ever",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_FAILED,
     .failures = 9,
     .ago_ms = 10000,
     .reported = REPORTED_ABSENT,
     .plan = "install v2@a SideBySide"},
    {.name = "the controller was started anew before the switch",
     .revisions = "v2#2=1 aC>sa; v1#1=0 aA",
     .bases = "a",
     .reported = REPORTED_INACTIVE,
     .plan = "switch v2@a"},
    {.name = "the old one, inactive beside its successor, is left alone",
     .revisions = "v1#1=0 aA; v2#2=1 aA>sa",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_INACTIVE,
     .plan = ""},
    {.name = "installed beside the old one, but not wanted any more: it never serves",
     .revisions = "v2#2=1 aU>sa; v1#1=0 aA",
     .bases = "a",
     .unwanted = true,
     .state = OPERATION_SUCCEEDED,
     .plan = ""},
    {.name = "2.2 taken back: the new one, inactive now, does not fight for the traffic",
     .revisions = "v2#2=0 aA>sa; v1#3=1 aA",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_INACTIVE,
     .plan = ""},
    {.name = "its successor was given up after the switch: the traffic comes back",
     .revisions = "v1#1=1 aA; v2#2=0 aC-",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_INACTIVE,
     .plan = "switch v1@a"},
    {.name = "in place: while the successor is installed the old one is not healed",
     .revisions = "v1#1=0 aA; v2#2=1 aU>pa",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_ABSENT,
     .ago_ms = MODULE_STATUS_QUIET_MS,
     .successor = OPERATION_RUNNING,
     .plan = "module v1@a is Unavailable BeingReplaced"},
    {.name = "in place: nor when it has been installed, before the old one is deleted",
     .revisions = "v1#1=0 aA; v2#2=1 aA>pa",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_ABSENT,
     .ago_ms = 10 * REPORT_SETTLE_MS,
     .successor = OPERATION_SUCCEEDED,
     .plan = "module v1@a is Unavailable BeingReplaced"},
    {.name = "in place: nor when that is not known, after a restart of the controller",
     .revisions = "v1#1=0 aA; v2#2=1 aP>pa",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_ABSENT,
     .ago_ms = MODULE_STATUS_QUIET_MS,
     .plan = "module v1@a is Unavailable BeingReplaced"},
    {.name = "in place: an install that failed and put the old one back",
     .revisions = "v1#1=0 aA; v2#2=1 aF>pa",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_ACTIVE,
     .successor = OPERATION_FAILED,
     .plan = ""},
    {.name = "in place: an install that failed, and then the base restarted without the old one",
     .revisions = "v1#1=0 aA; v2#2=1 aF>pa",
     .bases = "a",
     .unwanted = true,
     .reported = REPORTED_ABSENT,
     .ago_ms = 10 * REPORT_SETTLE_MS,
     .successor = OPERATION_FAILED,
     .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
    {.name = "2.2 taken back when the new one serves: the old one gets its traffic back first",
     .revisions = "v1#3=1 aA; v2#2=0 aA>sa",
     .bases = "a",
     .reported = REPORTED_INACTIVE,
     .plan = "switch v1@a"},
    {.name = "2.2 then the new one goes",
     .revisions = "v1#3=1 aA; v2#2=0 aA>sa",
     .bases = "a",
     .type = OPERATION_SWITCH,
     .state = OPERATION_SUCCEEDED,
     .plan = "delete module v2@a"},
    {.name = "2.2 the old one is not there any more: installed first",
     .revisions = "v1#3=1 aN; v2#2=0 aA>sa",
     .bases = "a",
     .reported = REPORTED_ABSENT,
     .plan = "module v1@a is Unavailable ModuleLost; install v1@a"},
};

static void replacing(void **state)
{
    (void)state;
    check(replacing_rows, ARRAY_LEN(replacing_rows), false);
}

/* In place of the same version with another digest: no report tells whose jar runs. */
static const struct row overwriting_rows[] = {
    {.name = "the old jar is reported: installed all the same",
     .revisions = "v1b#2=1 aP>pa; v1#1=0 aA",
     .bases = "a",
     .reported = REPORTED_ACTIVE,
     .plan = "install v1b@a InPlace"},
    {.name = "nor is the old one switched on in its name",
     .revisions = "v1b#2=1 aP>pa; v1#1=0 aA",
     .bases = "a",
     .reported = REPORTED_INACTIVE,
     .plan = "install v1b@a InPlace"},
    {.name =
         "the controller was started anew: installed again, which the agent answers by the digest",
     .revisions = "v1b#2=1 aU>pa; v1#1=0 aN",
     .bases = "a",
     .reported = REPORTED_ACTIVE,
     .plan = "install v1b@a InPlace"},
    {.name = "installed",
     .revisions = "v1b#2=1 aU>pa; v1#1=0 aN",
     .bases = "a",
     .state = OPERATION_SUCCEEDED,
     .reported = REPORTED_ACTIVE,
     .plan = "module v1b@a is Available"},
    {.name = "Available it stays after a restart of the controller",
     .revisions = "v1b#2=1 aA>pa; v1#1=0 aT-",
     .bases = "a",
     .reported = REPORTED_ACTIVE,
     .plan = ""},
    {.name = "the old one goes without being uninstalled",
     .revisions = "v1#1=0 aN-; v1b#2=1 aA>pa",
     .bases = "a",
     .unwanted = true,
     .plan = "release module v1@a"},
    {.name = "also where the base does not answer",
     .revisions = "v1#1=0 aN-; v1b#2=1 aN>pa",
     .bases = "a!",
     .unwanted = true,
     .plan = "release module v1@a"},
    {.name = "the digest taken back: the same",
     .revisions = "v1b#2=0 aN-; v1#3=1 aA>pa",
     .bases = "a",
     .unwanted = true,
     .plan = "release module v1b@a"},
    {.name = "deleted by a user before its successor is installed: it waits for that",
     .revisions = "v1#1=0 aA-; v1b#2=1 aU>pa",
     .bases = "a",
     .unwanted = true,
     .plan = "module v1@a is Terminating BeingReplaced"},
    {.name = "the successor of the same version is on another base: uninstalled",
     .revisions = "v1#1=0 aA-; v1b#2=1 bA>oa",
     .bases = "a b",
     .unwanted = true,
     .plan = "uninstall v1@a"},
    {.name = "another version in place: uninstalled",
     .revisions = "v1#1=0 aN-; v2#2=1 aA>pa",
     .bases = "a",
     .unwanted = true,
     .plan = "uninstall v1@a"},
    {.name =
         "2.2 the successor that was installed is given up: uninstalled, the old one comes back",
     .revisions = "v1b#2=0 aU>pa-; v1#3=1 aN",
     .bases = "a",
     .unwanted = true,
     .state = OPERATION_SUCCEEDED,
     .plan = "uninstall v1b@a"},
    {.name = "2.2 the successor failed and the old jar was put back: that stays",
     .revisions = "v1b#2=0 aF>pa-; v1#3=1 aA",
     .bases = "a",
     .unwanted = true,
     .state = OPERATION_FAILED,
     .failures = 1,
     .restored = true,
     .plan = "release module v1b@a"},
};

static void overwriting(void **state)
{
    (void)state;
    check(overwriting_rows, ARRAY_LEN(overwriting_rows), false);
}

/* 1.2 */
static void removal(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "1.2 uninstalled",
         .revisions = "v1#1=0 aA-",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .plan = "uninstall v1@a"},
        {.name = "1.2 not before what runs on it has ended",
         .revisions = "v1#1=0 aA-",
         .bases = "a",
         .state = OPERATION_RUNNING,
         .plan = "requeue at 1001000"},
        {.name = "1.2 what lasts is shown",
         .revisions = "v1#1=0 aA-",
         .bases = "a",
         .type = OPERATION_UNINSTALL,
         .state = OPERATION_RUNNING,
         .ago_ms = MODULE_STATUS_QUIET_MS,
         .plan = "module v1@a is Terminating Uninstalling"},
        {.name = "defect 20: off its base, its finalizer goes",
         .revisions = "v1#1=0 aT-",
         .bases = "a",
         .type = OPERATION_UNINSTALL,
         .state = OPERATION_SUCCEEDED,
         .plan = "release module v1@a"},
        {.name = "defect 24: an uninstall that fails is no success: said, and tried again",
         .revisions = "v1#1=0 aT-",
         .bases = "a",
         .type = OPERATION_UNINSTALL,
         .state = OPERATION_FAILED,
         .failures = 1,
         .plan = "module v1@a is Terminating Arklet.InstallBizFailed; requeue at 1001000"},
        {.name = "defect 24: tried again",
         .revisions = "v1#1=0 aT-",
         .bases = "a",
         .type = OPERATION_UNINSTALL,
         .state = OPERATION_FAILED,
         .failures = 1,
         .ago_ms = 1000,
         .plan = "uninstall v1@a"},
        {.name =
             "the controller was started anew: asked again, which the agent answers with what was",
         .revisions = "v1#1=0 aT-",
         .bases = "a",
         .plan = "uninstall v1@a"},
        {.name = "whether its base is gone is not known yet: it stays",
         .revisions = "v1#1=0 aT-",
         .unknown = true,
         .plan = ""},
        {.name = "its base is gone, and it with the base",
         .revisions = "v1#1=0 aT-",
         .bases = "b",
         .plan = "release module v1@a"},
        {.name = "its base does not answer: it waits, for it may still be there",
         .revisions = "v1#1=0 aA-",
         .bases = "a!",
         .plan = "module v1@a is Terminating BaseNotReady"},
        {.name = "its install failed: uninstalled all the same, nobody knows what is left of it",
         .revisions = "v1#1=0 aF-",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 3,
         .plan = "uninstall v1@a"},
    };
    check(rows, ARRAY_LEN(rows), false);
}

static void events(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {.name = "installed",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_SUCCEEDED,
         .reported = REPORTED_ACTIVE,
         .plan = "event Installed"},
        {.name = "not said again", .revisions = "v1#1=1 aA", .bases = "a", .plan = ""},
        {.name = "defect 44: a failure",
         .revisions = "v1#1=1 aU",
         .bases = "a",
         .state = OPERATION_FAILED,
         .failures = 1,
         .plan = "event InstallFailed of v1@a"},
        {.name = "defect 44: an uninstall that fails",
         .revisions = "v1#1=0 aT-",
         .bases = "a",
         .type = OPERATION_UNINSTALL,
         .state = OPERATION_FAILED,
         .failures = 1,
         .plan = "event UninstallFailed of v1@a"},
        {.name = "off its base",
         .revisions = "v1#1=0 aT-",
         .bases = "a",
         .type = OPERATION_UNINSTALL,
         .state = OPERATION_SUCCEEDED,
         .plan = "event Uninstalled"},
    };
    check(rows, ARRAY_LEN(rows), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(installing), cmocka_unit_test(failing),     cmocka_unit_test(healing),
        cmocka_unit_test(replacing),  cmocka_unit_test(overwriting), cmocka_unit_test(removal),
        cmocka_unit_test(events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
