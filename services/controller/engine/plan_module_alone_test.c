/* SPDX-License-Identifier: Apache-2.0 */
/* An instance whose ModuleReplicaSet, or base, is not there. */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/action_test_kit.h"

static void without_a_revision(void **state)
{
    (void)state;
    char name[] = "pay-1", finalizer[] = FINALIZER_MODULE, *finalizers[] = {finalizer};
    struct owner_reference pod = {.controller = false}, replicaset = {.controller = true};
    const struct {
        const char *what;
        struct owner_reference *owner;
        size_t finalizers;
        bool goes;
    } rows[] = {
        {"not seen yet", &replicaset, 1, false},
        {"deleted: the Pod alone owns it", &pod, 1, true},
        {"deleted: nobody owns it", NULL, 1, true},
        {"written by people", NULL, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module module = {
            .meta = {.name = name,
                     .owners = {rows[i].owner, rows[i].owner ? 1 : 0},
                     .finalizers = {rows[i].finalizers ? finalizers : NULL, rows[i].finalizers}}};
        struct instance instance = {.module = &module};
        const struct module_view view = {.instance = &instance, .bases_unknown = true};
        struct plan plan = {0};
        plan_module(&view, &plan);
        if (plan.actions.len != rows[i].goes)
            fail_msg("%s: %zu actions", rows[i].what, plan.actions.len);
        if (rows[i].goes) {
            assert_int_equal(plan.actions.items[0].type, ACTION_DELETE_MODULE);
            assert_string_equal(plan.actions.items[0].name, name);
        }
        plan_done(&plan);
    }
}

/* What its base was may be a Pod that runs on: no traffic comes to it any more, and what is installed there stays. */
static void without_a_base(void **state)
{
    (void)state;
    char name[] = "pay-1", pay[] = "pay", pod[] = "p-1", uid[] = "u-1", nothing[] = "";
    const struct {
        const char *what;
        char *base_name, *base_uid;
        bool ended, unknown;
        const char *plan;
    } rows[] = {
        {"nobody knows what is there", pod, uid, false, true, ""},
        {"a Pod that may be there", pod, uid, false, false,
         "end traffic of pay-1\nrelease module pay-1\n"},
        {"one that was seen to end", pod, uid, true, false, "release module pay-1\n"},
        {"written by people: no name", nothing, uid, false, false, "release module pay-1\n"},
        {"written by people: no uid", pod, NULL, false, false, "release module pay-1\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct module module = {.meta = {.name = name, .deletion_ms = 1},
                                .spec = {.module = {.name = pay},
                                         .base_name = rows[i].base_name,
                                         .base_uid = rows[i].base_uid}};
        struct instance instance = {.module = &module, .base_ended = rows[i].ended};
        const struct module_view view = {.instance = &instance, .bases_unknown = rows[i].unknown};
        struct plan plan = {0};
        plan_module(&view, &plan);
        AUTO_FREE char *text = plan_describe(&plan);
        if (!str_eq(text, rows[i].plan))
            fail_msg("%s: %s", rows[i].what, text);
        if (plan.actions.len > 1)
            assert_string_equal(
                json_map_get(&plan.actions.items[0].labels, LABEL_TRAFFIC_PREFIX "pay"), "");
        plan_done(&plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_revision),
                                       cmocka_unit_test(without_a_base)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
