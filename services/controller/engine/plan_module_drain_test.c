/* SPDX-License-Identifier: Apache-2.0 */
/* Requirement 7.2: what leaves a base has operationStrategy.drainSeconds for the requests that are under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/plan_module.h"

/* The last revision's instance is planned; the label went from base a so long before now. */
static const struct row {
    const char *name, *revisions;
    int64_t drain_ms, ago_ms;
    bool labelled; /* the label is there, and v1@a was deleted so long ago */
    const char *plan;
} rows[] = {
    {"removal: it waits", "v1#1=0 aA-", 5000, 1000, false, "requeue at 1004000"},
    {"removal: it is over", "v1#1=0 aA-", 5000, 5000, false, "uninstall v1@a"},
    {"removal: no time is given", "v1#1=0 aA-", 0, 0, false, "uninstall v1@a"},
    {"removal: long ones are shown", "v1#1=0 aA-", 30000, 1000, false,
     "requeue at 1029000; module v1@a is Terminating Draining"},
    {"removal: once", "v1#1=0 aT-", 5000, 1000, false, "requeue at 1004000"},
    {"removal: it never served", "v1#1=0 aP-", 5000, 1000, false, "uninstall v1@a"},
    {"removal: in traffic still, nothing is counted yet", "v1#1=0 aA-", 5000, 9000, true, ""},
    {"side by side: the other has the traffic, it waits", "v2#2=1 aA; v1#1=0 aA-", 5000, 1000, true,
     "requeue at 1004000"},
    {"side by side: it is over", "v2#2=1 aA; v1#1=0 aA-", 5000, 5000, true, "uninstall v1@a"},
    {"in place: it waits", "v1#1=0 aA; v2#2=1 aP>pa", 5000, 1000, false, "requeue at 1004000"},
    {"in place: it is over", "v1#1=0 aA; v2#2=1 aP>pa", 5000, 5000, false, "install v2@a InPlace"},
    {"in place: the old one was sick for long", "v1#1=0 aN; v2#2=1 aP>pa", 5000, 60000, false,
     "install v2@a InPlace"},
    {"in place: the old one never served", "v1#1=0 aF; v2#2=1 aP>pa", 5000, 1000, false,
     "install v2@a InPlace"},
    {"in place of a restart that was not begun: the old one has its time",
     "v1b#1=0 aP; v1#2=0 aA; v2#3=1 aP>pa", 5000, 1000, false, "requeue at 1004000"},
    {"a restart that is given up would take the old one off: it waits", "v1#1=1 aA; v1b#2=0 aP->pa",
     5000, 1000, false, "requeue at 1004000"},
    {"a restart that is given up: it is over", "v1#1=1 aA; v1b#2=0 aP->pa", 5000, 5000, false,
     "uninstall v1b@a"},
    {"a restart that is given up: the old one never served", "v1#1=1 aF; v1b#2=0 aP->pa", 5000,
     1000, false, "uninstall v1b@a"},
    {"another version that is given up takes nothing off", "v1#1=1 aA; v2#2=0 aP->pa", 5000, 1000,
     false, "uninstall v2@a"},
    {"beside the old one there is nothing to wait for", "v1#1=0 aA; v2#2=1 aP>sa", 5000, 1000, true,
     "install v2@a SideBySide"},
};

static char *plan_of(const struct row *row)
{
    struct kit kit;
    const struct kit_row world = {.spec = "v1 x1", .revisions = row->revisions, .bases = "a"};
    kit_init(&kit, &world);
    struct base *base = (struct base *)(uintptr_t)kit_base(&kit, "a")->base;
    if (row->labelled)
        json_map_set(&base->meta.labels, LABEL_TRAFFIC_PREFIX "web", "true");
    struct instance *old = kit_instance(&kit, "v1@a");
    if (old) /* the analyser does not know that it is there */
        old->going_ms = row->labelled ? KIT_NOW_MS - row->ago_ms : 0;
    for (size_t i = 0; i < kit_base(&kit, "a")->instances.len; i++)
        kit_base(&kit, "a")->instances.items[i]->unlabelled_ms =
            row->labelled ? 0 : KIT_NOW_MS - row->ago_ms;
    struct module_view view = {
        .instance = kit.revisions[kit.revision_count - 1]->instances.items[0],
        .wanted = true,
        .drain_ms = row->drain_ms,
        .now_ms = KIT_NOW_MS,
        .wall_ms = KIT_NOW_MS,
    };
    struct plan plan = {0};
    plan_module(&view, &plan);
    char *text = kit_plan_text(&plan, false);
    plan_done(&plan);
    kit_done(&kit);
    return text;
}

static void requests_have_their_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = plan_of(&rows[i]);
        if (!str_eq(got, rows[i].plan))
            fail_msg("%s\n  want: %s\n  got:  %s", rows[i].name, rows[i].plan, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests_have_their_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
