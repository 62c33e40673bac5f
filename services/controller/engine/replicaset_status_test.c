/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/replicaset_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/release_status.h"

static const struct row {
    const char *name;
    const char *revisions;
    int64_t written_ago_ms;
    const char *plan;
    int64_t deployment_written_ago_ms; /* 0: long ago */
    bool going;                        /* it is being deleted */
    const char *spec;                  /* NULL: "v1 x1" */
} rows[] = {
    {"what is stored is right", "v1#1=0", 10000, "", .going = false},
    {"instances that are there, and those that are available", "v1#1=2 aA bU", 10000,
     "status of replicaset v1: 1 of 2 available", .going = false},
    {"each revision has its own", "v1#1=1 aA; v2#2=1 bA", 10000,
     "status of replicaset v1: 1 of 1 available; status of replicaset v2: 1 of 1 available",
     .going = false},
    {"what is being deleted does not count", "v1#1=1 aA bA-", 10000,
     "status of replicaset v1: 1 of 1 available", .going = false},
    {"at most every so often", "v1#1=1 aA", STATUS_WRITE_EVERY_MS - 1, "requeue at 1000001",
     .going = false},
    {"... and then", "v1#1=1 aA", STATUS_WRITE_EVERY_MS,
     "status of replicaset v1: 1 of 1 available", .going = false},
    {"moving, it waits for the end of the batch", "v1#1=2 aA bU", 10000, "requeue at 1000001",
     .deployment_written_ago_ms = STATUS_WRITE_EVERY_MS - 1},
    {"... as some are missing", "v1#1=2 aA", 10000, "requeue at 1000001",
     .deployment_written_ago_ms = STATUS_WRITE_EVERY_MS - 1},
    {"... which comes", "v1#1=2 aA bA", 10000, "status of replicaset v1: 2 of 2 available",
     .deployment_written_ago_ms = STATUS_WRITE_EVERY_MS - 1},
    {"... or takes too long", "v1#1=2 aA bU", 10000, "status of replicaset v1: 1 of 2 available",
     .deployment_written_ago_ms = STATUS_WRITE_EVERY_MS},
    {"one that goes is told nothing any more", "v1#1=0 aA-", 10000, "", .going = true},
    {"... whatever is left of it", "v1#1=1 aA", 10000, "", .going = true},
    {"5.9 who has not been well for minReadySeconds does not count yet", "v1#1=2 aA=940 bA=990",
     10000, "requeue at 1050000; status of replicaset v1: 1 of 2 available",
     .spec = "v1 x2 min-ready=60"},
    {"... and then does", "v1#1=2 aA=940 bA=930", 10000,
     "status of replicaset v1: 2 of 2 available", .spec = "v1 x2 min-ready=60"},
};

static void status_follows_the_instances(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kit kit;
        const struct kit_row world = {.spec = rows[i].spec ? rows[i].spec : "v1 x1",
                                      .revisions = rows[i].revisions,
                                      .bases = "a b"};
        kit_init(&kit, &world);
        for (size_t r = 0; r < kit.revision_count; r++) {
            kit_rs(kit.revisions[r])->meta.deletion_ms = rows[i].going;
            kit.revisions[r]->status_written_ms = KIT_NOW_MS - rows[i].written_ago_ms;
        }
        struct deployment_view view = kit_view(&kit);
        if (rows[i].deployment_written_ago_ms)
            view.status_written_ms = KIT_NOW_MS - rows[i].deployment_written_ago_ms;
        struct plan plan = {0};
        plan_replicaset_status(&view, &plan);
        AUTO_FREE char *text = kit_plan_text(&plan, false);
        assert_string_equal(text, rows[i].plan);
        plan_done(&plan);
        kit_done(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(status_follows_the_instances)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
