/* SPDX-License-Identifier: Apache-2.0 */
/* When a release is given up. What is done then: give_up_test.c. */
#include "services/controller/engine/progress_deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define SECONDS(n) ((int64_t)(n)*1000)

static void when_it_is_given_up(void **state)
{
    (void)state;
    static const struct {
        const char *name, *spec;
        int64_t since_ms, made_ms, went_ms, available_ms; /* the release; v2@a was; v1@a; v2@a */
        int64_t deadline_ms;
    } rows[] = {
        {"never, where nobody asks for it", "v2 x1", SECONDS(900), 0, 0, 0, INT64_MAX},
        {"that long after the batch began", "v2 x1 deadline=600", SECONDS(900), 0, 0, 0,
         SECONDS(1500)},
        {"... and the time to drain", "v2 x1 deadline=600 drain=30", SECONDS(900), 0, 0, 0,
         SECONDS(1530)},
        {"after an instance was made", "v2 x1 deadline=60", SECONDS(900), SECONDS(950), 0, 0,
         SECONDS(1010)},
        {"... or became Available", "v2 x1 deadline=60", SECONDS(900), SECONDS(950), 0,
         SECONDS(960), SECONDS(1020)},
        {"... or an old one was told to go", "v2 x1 deadline=60", SECONDS(900), SECONDS(950),
         SECONDS(970), SECONDS(960), SECONDS(1030)},
        {"what is in the future was before the clock was set back", "v2 x1 deadline=60",
         SECONDS(900), SECONDS(1950), SECONDS(1970), SECONDS(1960), SECONDS(960)},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {.spec = rows[i].spec,
                                      .release = "Executing 1/1 v2 was=0 changes=1 x1",
                                      .revisions = "v2#2=1 aA; v1#1=0 aA",
                                      .bases = "a",
                                      .now_ms = SECONDS(1000)};
        struct kit kit;
        kit_init(&kit, &world);
        kit.md->status.release.last_transition_ms = rows[i].since_ms;
        struct module *made = kit_module(kit_instance(&kit, "v2@a"));
        made->meta.creation_ms = rows[i].made_ms;
        made->status.last_transition_ms = rows[i].available_ms;
        kit_module(kit_instance(&kit, "v1@a"))->meta.deletion_ms = rows[i].went_ms;
        struct deployment_view view = kit_view(&kit);
        int64_t got = progress_deadline_ms(&view, kit.revisions[0], &kit.md->status.release);
        if (got != rows[i].deadline_ms)
            fail_msg("%s: %lld", rows[i].name, (long long)got);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(when_it_is_given_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
