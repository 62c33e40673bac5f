/* SPDX-License-Identifier: Apache-2.0 */
/* An instance whose ModuleReplicaSet is not there. */
#include "services/controller/engine/plan_module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_revision)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
