/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

#define NOTHING INT32_MIN
#define ABSENT INT32_MIN

/* The number that both are set to. @before: when they were last equal, or ABSENT. */
static int32_t decided(bool claimed, int32_t before, int32_t replicas, int32_t scale)
{
    static char finalizer[] = FINALIZER_DEPLOYMENT;
    char *finalizers[] = {finalizer};
    struct module_deployment md = {
        .meta.finalizers = {finalizers, claimed ? 1 : 0},
        .spec = {.replicas = replicas,
                 .scale_replicas = scale == ABSENT ? 0 : scale,
                 .scale_replicas_set = scale != ABSENT},
    };
    AUTO_FREE char *number = mem_printf("%d", before);
    json_map_set(&md.meta.annotations, ANNOTATION_SCALED, before == ABSENT ? NULL : number);
    struct deployment_view view = {.md = &md};
    struct plan plan = {0};
    bool acts = plan_scale(&view, &plan);
    assert_int_equal(plan.actions.len, acts ? 1 : 0);
    int32_t result = acts ? plan.actions.items[0].number : NOTHING;
    if (acts)
        assert_int_equal(plan.actions.items[0].type, ACTION_SET_SCALE);
    plan_done(&plan);
    json_map_set(&md.meta.annotations, ANNOTATION_SCALED, NULL);
    mem_free(md.meta.annotations.items);
    return result;
}

static void what_was_changed_is_what_is_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int32_t before, replicas, scale, expected;
    } rows[] = {
        {"in step", 2, 2, 2, NOTHING},
        {"scaled", 2, 2, 5, 5},
        {"scaled to nothing", 2, 2, 0, 0},
        {"replicas edited", 5, 7, 5, 7},
        {"both edited", 5, 7, 9, 7},
        {"both edited alike", 5, 7, 7, 7},
        {"symmetric from now on", 5, -1, 5, -1},
        {"symmetric, in step", -1, -1, ABSENT, NOTHING},
        {"symmetric, scaled", -1, -1, 4, 4},
        {"symmetric no more", -1, 5, ABSENT, 5},
        {"taken away", 2, 2, ABSENT, 2},
        {"taken away at nothing", 0, 0, ABSENT, 0},
        {"taken away, replicas edited", 2, 5, ABSENT, 5},
        {"equal, but nobody said so", ABSENT, 2, 2, 2},
        {"scaled before the first release", ABSENT, 2, 3, 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int32_t number = decided(true, rows[i].before, rows[i].replicas, rows[i].scale);
        if (number != rows[i].expected)
            fail_msg("%s: %d", rows[i].what, number);
    }
}

static void the_first_number_comes_with_the_finalizer(void **state)
{
    (void)state;
    assert_int_equal(decided(false, ABSENT, 2, ABSENT), NOTHING);
    assert_int_equal(decided(true, ABSENT, 2, ABSENT), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_changed_is_what_is_wanted),
        cmocka_unit_test(the_first_number_comes_with_the_finalizer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
