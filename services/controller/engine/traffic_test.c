/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/traffic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/plan_module.h"

/* What is planned for base a. */
struct row {
    const char *name;
    const char *revisions;
    const char
        *labels; /* "key=value" of the base, blanks between; + stands for the prefix of ours */
    const char *doubted; /* as labels: what a write may have changed or not */
    bool adopts;         /* the original has left module "web" there */
    bool orders;         /* the instances of the second revision are of the module "order" */
    enum operation_state install; /* of the successor of the first instance, just over */
    int32_t failures, unanswered;
    bool restored;
    int64_t
        reported_after_ms; /* the first instance is reported active so long after that; -1: never */
    const char *plan;
};

static void set_words(struct json_map *map, const char *at)
{
    char word[KIT_MAX];
    while (kit_word(&at, word)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        AUTO_FREE char *key =
            word[0] == '+' ? mem_printf(LABEL_TRAFFIC_PREFIX "%s", word + 1) : mem_strdup(word);
        json_map_set(map, key, value);
    }
}

static void set_labels(struct base_state *state, const char *at)
{
    struct base *base = (struct base *)(uintptr_t)state->base;
    set_words(&base->meta.labels, at);
}

static void set_operation(struct kit *kit, const struct row *row)
{
    struct instance *first = kit->revisions[0]->instances.items[0];
    if (!row->install)
        return;
    struct instance *successor = kit->revisions[1]->instances.items[0];
    successor->operation = (struct operation){.type = OPERATION_INSTALL,
                                              .state = row->install,
                                              .failures = row->failures,
                                              .unanswered = row->unanswered,
                                              .restored = row->restored,
                                              .ended_ms = KIT_NOW_MS};
    first->reported = row->reported_after_ms < 0 ? REPORTED_NOTHING : REPORTED_ACTIVE;
    first->reported_ms = KIT_NOW_MS + row->reported_after_ms;
}

static char *plan_of(const struct row *row)
{
    struct kit kit;
    const struct kit_row world = {.spec = "v1 x1", .revisions = row->revisions, .bases = "a b"};
    kit_init(&kit, &world);
    for (size_t i = 0; row->orders && i < kit.revisions[1]->instances.len; i++)
        mem_replace(&kit_module(kit.revisions[1]->instances.items[i])->spec.module.name, "order");
    set_labels(kit.bases[0], row->labels ? row->labels : "");
    set_words(&kit.bases[0]->doubted, row->doubted ? row->doubted : "");
    set_operation(&kit, row);
    struct module left = {0};
    struct original original = {.module = &left}, *originals[] = {&original};
    struct original_list list = {originals, 1, 1};
    left.spec.module.name = mem_strdup("web");
    kit.bases[0]->originals = row->adopts ? &list : NULL;
    struct plan plan = {0};
    plan_traffic(kit.bases[0], KIT_NOW_MS, &plan);
    mem_free(left.spec.module.name);
    char *text = kit_plan_text(&plan, false);
    plan_done(&plan);
    json_map_done(&kit.bases[0]->doubted);
    kit_done(&kit);
    return text;
}

static const struct row rows[] = {
    {.name = "7.2: Available", .revisions = "v1#1=1 aA", .plan = "label base a: +web"},
    {.name = "7.2: it has it", .revisions = "v1#1=1 aA", .labels = "+web=true", .plan = ""},
    {.name = "another value selects nothing",
     .revisions = "v1#1=1 aA",
     .labels = "+web=false",
     .plan = "label base a: +web"},
    {.name = "7.2: not before it is Available", .revisions = "v1#1=1 aU", .plan = ""},
    {.name = "installed is not healthy yet", .revisions = "v1#1=1 aC", .plan = ""},
    {.name = "7.2: Unavailable",
     .revisions = "v1#1=1 aN",
     .labels = "+web=true",
     .plan = "label base a: -web"},
    {.name = "Failed",
     .revisions = "v1#1=1 aF",
     .labels = "+web=true",
     .plan = "label base a: -web"},
    {.name = "being deleted: before it is uninstalled",
     .revisions = "v1#1=0 aA-",
     .labels = "+web=true",
     .plan = "label base a: -web"},
    {.name = "nothing of it is there any more",
     .revisions = "v1#1=1 bA",
     .labels = "+web=true",
     .plan = "label base a: -web"},
    {.name = "labels of others stay",
     .revisions = "v1#1=1 aN",
     .labels = "zone=x example.com/web=true koupleless.alipay.com/module-name=web",
     .plan = ""},
    {.name = "what the original counted there goes",
     .revisions = "v1#1=1 aN",
     .labels = "koupleless.alipay.com/module-instance-count=3 zone=x",
     .plan = "label base a: -module-instance-count"},
    {.name = "... after all of its instances are taken over",
     .revisions = "v1#1=1 aN",
     .labels = "koupleless.alipay.com/module-instance-count=3",
     .adopts = true,
     .plan = ""},
    {.name = "traffic of what is not taken over yet stays",
     .revisions = "v1#1=1 bA",
     .labels = "+web=true +gone=true",
     .adopts = true,
     .plan = "label base a: -gone"},
    {.name = "... also where a write of it may have been lost",
     .revisions = "v1#1=1 bA",
     .doubted = "+web=true +gone=true",
     .adopts = true,
     .plan = "label base a: -gone"},
    {.name = "what the original counted there may have come back",
     .revisions = "v1#1=1 bA",
     .doubted = "koupleless.alipay.com/module-instance-count=3",
     .plan = "label base a: -module-instance-count"},
    {.name = "one patch for all modules",
     .revisions = "v1#1=1 aN; v2#1=1 aA",
     .labels = "+web=true +gone=true zone=x",
     .orders = true,
     .plan = "label base a: -web -gone +order"},
    {.name = "5.5: side by side the old one serves until the new one does",
     .revisions = "v1#1=0 aA; v2#2=1 aU>sa",
     .labels = "+web=true",
     .plan = ""},
    {.name = "5.5: then the label stays while the old one goes",
     .revisions = "v1#1=0 aA-; v2#2=1 aA>sa",
     .labels = "+web=true",
     .plan = ""},
    {.name = "a new one that is not there yet does not keep it",
     .revisions = "v1#1=0 aA-; v2#2=1 aU",
     .labels = "+web=true",
     .plan = "label base a: -web"},
    {.name = "5.5: on another base the old one serves until it goes",
     .revisions = "v1#1=0 aA; v2#2=1 bA>oa",
     .labels = "+web=true",
     .plan = ""},
    {.name = "5.5: in place, before anything is done",
     .revisions = "v1#1=0 aA; v2#2=1 aP>pa",
     .labels = "+web=true",
     .plan = "label base a: -web"},
    {.name = "in place, while it runs",
     .revisions = "v1#1=0 aA; v2#2=1 aP>pa",
     .install = OPERATION_RUNNING,
     .plan = ""},
    {.name = "in place, done and healthy",
     .revisions = "v1#1=0 aN; v2#2=1 aA>pa",
     .install = OPERATION_SUCCEEDED,
     .plan = "label base a: +web"},
    {.name = "in place failed, the old one was put back: it serves until the next attempt",
     .revisions = "v1#1=0 aA; v2#2=1 aF>pa",
     .install = OPERATION_FAILED,
     .failures = 2,
     .restored = true,
     .reported_after_ms = -1,
     .plan = "requeue at 1002000; label base a: +web"},
    {.name = "in place failed, and a later report says that the old one was not touched",
     .revisions = "v1#1=0 aA; v2#2=1 aF>pa",
     .install = OPERATION_FAILED,
     .failures = 1,
     .reported_after_ms = REPORT_SETTLE_MS,
     .plan = "requeue at 1001000; label base a: +web"},
    {.name = "in place failed, and only what was reported before is known",
     .revisions = "v1#1=0 aA; v2#2=1 aF>pa",
     .install = OPERATION_FAILED,
     .failures = 1,
     .reported_after_ms = 0,
     .plan = ""},
    {.name = "in place, done, and given up: what the old one says of itself is of before",
     .revisions = "v1#1=1 aA; v2#2=0 aA->pa",
     .labels = "+web=true",
     .install = OPERATION_SUCCEEDED,
     .plan = "label base a: -web"},
    {.name = "... also when the next one is there already",
     .revisions = "v1#1=1 aA; v2#2=0 aA->pa; v3#3=1 aP>sa",
     .labels = "+web=true",
     .install = OPERATION_RUNNING,
     .plan = "label base a: -web"},
    {.name = "in place, given up, and the old one was put back",
     .revisions = "v1#1=1 aA; v2#2=0 aF->pa",
     .install = OPERATION_FAILED,
     .failures = 1,
     .restored = true,
     .reported_after_ms = -1,
     .plan = "label base a: +web"},
    {.name = "nobody knows whether it was labelled before it was to go",
     .revisions = "v1#1=0 aA-",
     .doubted = "+web=true",
     .plan = "label base a: -web"},
    {.name = "it is seen, and what was written before may come yet",
     .revisions = "v1#1=1 aA",
     .labels = "+web=true",
     .doubted = "+web=",
     .plan = "label base a: +web"},
    {.name = "what is not doubted is not written with it",
     .revisions = "v1#1=1 aA",
     .labels = "+web=true",
     .doubted = "+gone=true",
     .plan = "label base a: -gone"},
    {.name = "nobody knows what became of the install in place",
     .revisions = "v1#1=0 aA; v2#2=1 aP>pa",
     .labels = "+web=true",
     .install = OPERATION_FAILED,
     .unanswered = 1,
     .restored = true,
     .plan = "label base a: -web"},
};

static void labels_follow_availability(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *got = plan_of(&rows[i]);
        if (!str_eq(got, rows[i].plan))
            fail_msg("%s\n  want: %s\n  got:  %s", rows[i].name, rows[i].plan, got);
    }
}

/* What is to be done on the base waits only for a label that is to go. */
static void only_a_label_that_goes_is_waited_for(void **state)
{
    (void)state;
    static const struct {
        const char *revisions, *labels;
        bool leaving;
    } cases[] = {
        {"v1#1=0 aA-", "+web=true", true},
        {"v1#1=0 aA-", "+web=false", true},
        {"v1#1=0 aA-", "", false},
        {"v1#1=0 aA-; v2#2=1 aA>sa", "+web=true", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit kit;
        const struct kit_row world = {
            .spec = "v1 x1", .revisions = cases[i].revisions, .bases = "a b"};
        kit_init(&kit, &world);
        set_labels(kit.bases[0], cases[i].labels);
        assert_int_equal(traffic_leaving(kit.bases[0], "web", KIT_NOW_MS), cases[i].leaving);
        kit_done(&kit);
    }
}

/* Each module of a base has its own label. */
static void modules_of_a_base_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct kit kit;
    const struct kit_row world = {
        .spec = "v1 x1", .revisions = "v1#1=0 aA-; v2#2=1 aA", .bases = "a"};
    kit_init(&kit, &world);
    struct instance *other = kit_revision(&kit, "v2")->instances.items[0];
    mem_replace(&kit_module(other)->spec.module.name, "order");
    set_labels(kit.bases[0], "+web=true +order=true");
    assert_true(traffic_leaving(kit.bases[0], "web", KIT_NOW_MS));
    assert_false(traffic_wanted(kit.bases[0], "web", KIT_NOW_MS));
    assert_false(traffic_leaving(kit.bases[0], "order", KIT_NOW_MS));
    assert_true(traffic_wanted(kit.bases[0], "order", KIT_NOW_MS));
    kit_done(&kit);
}

/* Requirement 7.2: from when traffic ended requests have so long; v1@a is what leaves. */
static void requests_have_their_time(void **state)
{
    (void)state;
    static const struct {
        const char *name, *revisions, *labels;
        int64_t drain_ms, at_ms;
    } cases[] = {
        {"no time is given", "v1#1=0 aA-", "", 0, 0},
        {"from when the label went", "v1#1=0 aA-", "", 5000, 105000},
        {"sick, and then deleted", "v1#1=0 aN-", "", 5000, 105000},
        {"replaced in place", "v1#1=0 aA; v2#2=1 aP>pa", "", 5000, 105000},
        {"the label is another version's: from when it was to go", "v1#1=0 aA-; v2#2=1 aA",
         "+web=true", 5000, 205000},
        {"of another module", "v1#1=0 aA-", "+order=true", 5000, 105000},
        {"what it was before is not known", "v1#1=0 aT-", "", 5000, 105000},
        {"it never was Available", "v1#1=0 aP-", "", 5000, 0},
        {"it failed", "v1#1=0 aF-", "", 5000, 0},
        {"its base is gone", "v1#1=0 xA-", "", 5000, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit kit;
        const struct kit_row world = {
            .spec = "v1 x1", .revisions = cases[i].revisions, .bases = "a b"};
        kit_init(&kit, &world);
        set_labels(kit.bases[0], cases[i].labels);
        struct instance *instance = kit.revisions[0]->instances.items[0];
        instance->unlabelled_ms = 100000;
        instance->going_ms = 200000;
        int64_t got = traffic_drained_at(instance, cases[i].drain_ms);
        if (got != cases[i].at_ms)
            fail_msg("%s: want %lld, got %lld", cases[i].name, (long long)cases[i].at_ms,
                     (long long)got);
        kit_done(&kit);
    }
}

/* Modules that people wrote may have any name. */
static void a_name_that_makes_no_label_gets_none(void **state)
{
    (void)state;
    struct kit kit;
    const struct kit_row world = {.spec = "v1 x1", .revisions = "v1#1=1 aA", .bases = "a"};
    kit_init(&kit, &world);
    struct instance *instance = kit_instance(&kit, "v1@a");
    assert_non_null(instance);
    if (instance) /* the analyser does not know that assertions end */
        mem_replace(&kit_module(instance)->spec.module.name, "a b");
    struct plan plan = {0};
    plan_traffic(kit.bases[0], KIT_NOW_MS, &plan);
    assert_int_equal(plan.actions.len, 0);
    kit_done(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_follow_availability),
        cmocka_unit_test(only_a_label_that_goes_is_waited_for),
        cmocka_unit_test(modules_of_a_base_do_not_wait_for_each_other),
        cmocka_unit_test(requests_have_their_time),
        cmocka_unit_test(a_name_that_makes_no_label_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
