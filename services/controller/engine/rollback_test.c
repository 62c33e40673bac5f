/* SPDX-License-Identifier: Apache-2.0 */
/* Which revision a release that fails returns to. When one fails: give_up_test.c. */
#include "services/controller/engine/rollback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"

#define RELEASED_2 "Executing 1/1 v2 was=0 changes=2 x2 stable=v1"

static const struct row {
    const char *name, *spec, *release, *revisions;
    bool going;         /* the first revision is being deleted */
    bool edited;        /* ... or its template is not the one that its name was made of */
    const char *target; /* NULL: none */
} rows[] = {
    {"to the last good one", "v2 x2 rollback", RELEASED_2, .revisions = "v1#1=0; v2#2=2",
     .target = "v1"},
    {"not where nobody asks for it", "v2 x2", RELEASED_2, .revisions = "v1#1=0; v2#2=2"},
    {"nor where none was good", "v2 x2 rollback", "Executing 1/1 v2 was=0 changes=2 x2",
     .revisions = "v1#1=0; v2#2=2"},
    {"nor where that is not there any more", "v2 x2 rollback", RELEASED_2,
     .revisions = "v3#1=0; v2#2=2"},
    {"... or goes", "v2 x2 rollback", RELEASED_2, .revisions = "v1#1=0; v2#2=2", .going = true},
    {"... or has failed itself", "v2 x2 rollback", RELEASED_2,
     .revisions = "v1#1=0 failed; v2#2=2"},
    {"... or would be released under another name", "v2 x2 rollback", RELEASED_2, "v1#1=0; v2#2=2",
     .edited = true},
    {"nor to itself", "v2 x2 rollback", "Completed 1/1 v2 was=0 changes=2 x2 stable=v1",
     .revisions = "v1#1=0; v2#2=2"},
    {"what is Completed is the last good one", "v3 x2 rollback",
     "Completed 1/1 v1 was=0 changes=2 x2 stable=v2", .revisions = "v1#1=0; v2#2=2",
     .target = "v1"},
};

static void where_it_returns_to(void **state)
{
    (void)state;
    AUTO_FREE char *name = kit_revision_name("v2");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct kit_row world = {
            .spec = rows[i].spec, .release = rows[i].release, .revisions = rows[i].revisions};
        struct kit kit;
        kit_init(&kit, &world);
        ASSERT(kit.revisions[0]);
        struct module_replicaset *first = kit_rs(kit.revisions[0]);
        first->meta.deletion_ms = rows[i].going;
        if (rows[i].edited)
            mem_replace(&first->spec.template.module.version, "v9");
        const struct revision *target =
            rollback_target(kit.md, kit.revisions, kit.revision_count, name);
        const struct revision *want = rows[i].target ? kit_revision(&kit, rows[i].target) : NULL;
        if (target != want)
            fail_msg("%s", rows[i].name);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(where_it_returns_to)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
