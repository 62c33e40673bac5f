/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/rollout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "services/controller/engine/batches.h"
#include "services/controller/engine/upgrade.h"

/* What all batches want, as "3/2 5/0": instances of the update revision / of all others. */
static char *batches(const struct rollout *rollout, int32_t others)
{
    struct str text = STR_INIT(1024);
    int32_t updated = rollout->updated_before;
    int32_t count = batches_count(rollout->changes, rollout->batch_count, rollout->beta);
    for (int32_t k = 1; k <= count; k++) {
        struct rollout_numbers wanted = rollout_wanted(rollout, k, updated, others);
        str_printf(&text, "%s%d/%d", k > 1 ? " " : "", wanted.updated, wanted.others);
        updated = wanted.updated;
        others = wanted.others;
    }
    return str_take(&text);
}

static void each_batch_wants_its_share(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t target, updated, others, batch_count;
        bool beta;
        const char *want;
    } rows[] = {
        {"5.1 install 5 in 2", 5, 0, 0, 2, false, "3/0 5/0"},
        {"5.2 install 5 in 2, beta: the original made 1, 3, 5", 5, 0, 0, 2, true, "1/0 5/0"},
        {"5.1 install 5 in 4: the original went 2, 4, 6, 5", 5, 0, 0, 4, false, "2/0 3/0 4/0 5/0"},
        {"5.1 install 4 in 3: the original made two batches", 4, 0, 0, 3, false, "2/0 3/0 4/0"},
        {"5.2 install 10 in 4, beta", 10, 0, 0, 4, true, "1/0 4/0 7/0 10/0"},
        {"2.1 upgrade 5 in 2", 5, 0, 5, 2, false, "3/2 5/0"},
        {"2.1 upgrade 5 in 2, beta", 5, 0, 5, 2, true, "1/4 5/0"},
        {"4.1 scale up 2 -> 5 in 2", 5, 2, 0, 2, false, "4/0 5/0"},
        {"4.1 scale up 2 -> 5, beta: the original shrank to 1", 5, 2, 0, 2, true, "3/0 5/0"},
        {"4.1 scale down 5 -> 2 in 2 removes 2, then 1", 2, 5, 0, 2, false, "3/0 2/0"},
        {"4.1 scale down 5 -> 0, beta: the original took 4 at once", 0, 5, 0, 2, true, "4/0 0/0"},
        {"2.1 v1x5 -> v2x3: the original left two v1 for ever", 3, 0, 5, 2, false, "3/2 3/0"},
        {"2.1 v1x3 -> v2x5", 5, 0, 3, 2, false, "3/2 5/0"},
        {"2.2 rollback midway: v1 2, v2 3", 5, 2, 3, 2, false, "4/1 5/0"},
        {"4.1 fewer in the middle: v2 3, v1 2 -> v2 2", 2, 3, 2, 2, false, "2/1 2/0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rollout rollout = {
            .target = rows[i].target,
            .updated_before = rows[i].updated,
            .changes = rollout_changes(rows[i].target, rows[i].updated, rows[i].others),
            .batch_count = rows[i].batch_count,
            .beta = rows[i].beta,
        };
        AUTO_FREE char *got = batches(&rollout, rows[i].others);
        if (!str_eq(got, rows[i].want))
            fail_msg("%s: want %s, got %s", rows[i].name, rows[i].want, got);
    }
}

/* 5.10: the number of bases is the target, and changes under the release. */
static void symmetric_follows_bases(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t target, changes, batch, updated, others; /* 2 batches */
        int32_t want_updated, want_others;
    } rows[] = {
        {"first install of 4 in 2", 4, 4, 1, 0, 0, 2, 0},
        {"upgrade of 4 in 2", 4, 4, 1, 0, 4, 2, 2},
        {"a base comes in batch 1: it gets the new version at once", 5, 4, 1, 2, 2, 3, 2},
        {"a base with the new version goes: nothing moves elsewhere", 3, 4, 1, 1, 2, 1, 2},
        {"a base with the old version goes", 3, 4, 1, 2, 1, 2, 1},
        {"last batch", 5, 4, 2, 3, 2, 5, 0},
        {"more are updated than the batch asks for: none goes back", 4, 4, 1, 3, 1, 3, 1},
        {"all bases go", 0, 4, 1, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rollout rollout = {.target = rows[i].target,
                                  .changes = rows[i].changes,
                                  .batch_count = 2,
                                  .symmetric = true};
        struct rollout_numbers got =
            rollout_wanted(&rollout, rows[i].batch, rows[i].updated, rows[i].others);
        if (got.updated != rows[i].want_updated || got.others != rows[i].want_others)
            fail_msg("%s: got %d/%d", rows[i].name, got.updated, got.others);
    }
}

/* 4.1: 5 -> 2 in 2: batch 1 wants 3, but adds none where more were lost. */
static void way_down_adds_none(void **state)
{
    (void)state;
    struct rollout rollout = {.target = 2, .updated_before = 5, .changes = 3, .batch_count = 2};
    static const struct {
        int32_t updated, want;
    } rows[] = {{5, 3}, {4, 3}, {3, 3}, {2, 2}, {1, 2}, {0, 2}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(rollout_wanted(&rollout, 1, rows[i].updated, 0).updated, rows[i].want);
}

/* Whatever is changed to whatever: each batch changes at least one, none overshoots, the last ends it. */
static void every_rollout_ends_at_its_target(void **state)
{
    (void)state;
    for (int32_t n = 0; n < 9 * 9 * 9 * 5 * 2; n++) {
        struct rollout rollout = {
            .target = n % 9,
            .updated_before = n / 9 % 9,
            .batch_count = n / 729 % 5,
            .beta = n / 3645 % 2,
        };
        int32_t others = n / 81 % 9, updated = rollout.updated_before;
        rollout.changes = rollout_changes(rollout.target, updated, others);
        int32_t count = batches_count(rollout.changes, rollout.batch_count, rollout.beta);
        int32_t total_before = updated + others;
        for (int32_t k = 1; k <= count; k++) {
            struct rollout_numbers wanted = rollout_wanted(&rollout, k, updated, others);
            int32_t least = rollout.target < total_before ? rollout.target : total_before;
            assert_true(wanted.updated != updated || wanted.others != others);
            assert_true(wanted.others <= others);
            assert_true(wanted.updated + wanted.others >= least);
            updated = wanted.updated;
            others = wanted.others;
        }
        assert_int_equal(updated, rollout.target);
        assert_int_equal(others, 0);
    }
}

/* 5.5: the first way that is possible, and why no better one. */
static void upgrades_go_the_best_way(void **state)
{
    (void)state;
    enum { WEB = 1, SAME = 2, UNFIT = 4, ROOM = 8 };
    static const struct {
        enum upgrade_policy policy;
        int what;
        enum upgrade_way way;
        const char *reason;
    } rows[] = {
        {UPGRADE_INSTALL_THEN_UNINSTALL, 0, WAY_SIDE_BY_SIDE, ""},
        {UPGRADE_INSTALL_THEN_UNINSTALL, ROOM, WAY_SIDE_BY_SIDE, ""},
        {UPGRADE_INSTALL_THEN_UNINSTALL, WEB | ROOM, WAY_OTHER_BASE, "WebPathInUse"},
        {UPGRADE_INSTALL_THEN_UNINSTALL, WEB, WAY_IN_PLACE, "WebPathInUse,NoCapacity"},
        {UPGRADE_INSTALL_THEN_UNINSTALL, SAME | ROOM, WAY_OTHER_BASE, "SameVersion"},
        {UPGRADE_INSTALL_THEN_UNINSTALL, SAME, WAY_IN_PLACE, "SameVersion,NoCapacity"},
        {UPGRADE_INSTALL_THEN_UNINSTALL, UNFIT | ROOM, WAY_OTHER_BASE, "BaseUnfit"},
        {UPGRADE_INSTALL_THEN_UNINSTALL, UNFIT, WAY_NONE, "BaseUnfit,NoCapacity"},
        {UPGRADE_UNINSTALL_THEN_INSTALL, 0, WAY_IN_PLACE, "UpgradePolicy"},
        {UPGRADE_UNINSTALL_THEN_INSTALL, WEB | ROOM, WAY_IN_PLACE, "UpgradePolicy"},
        {UPGRADE_UNINSTALL_THEN_INSTALL, SAME | ROOM, WAY_IN_PLACE, "UpgradePolicy"},
        {UPGRADE_UNINSTALL_THEN_INSTALL, UNFIT | ROOM, WAY_OTHER_BASE, "BaseUnfit"},
        {UPGRADE_UNINSTALL_THEN_INSTALL, UNFIT, WAY_NONE, "BaseUnfit,NoCapacity"},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, ROOM, WAY_OTHER_BASE, ""},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, WEB | ROOM, WAY_OTHER_BASE, ""},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, SAME | ROOM, WAY_OTHER_BASE, ""},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, 0, WAY_SIDE_BY_SIDE, "NoCapacity"},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, WEB, WAY_IN_PLACE, "WebPathInUse,NoCapacity"},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, SAME, WAY_IN_PLACE, "SameVersion,NoCapacity"},
        {UPGRADE_SCALE_UP_THEN_SCALE_DOWN, UNFIT | SAME, WAY_NONE, "BaseUnfit,NoCapacity"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upgrade_case one = {
            .policy = rows[i].policy,
            .web_path_in_use = rows[i].what & WEB,
            .same_version = rows[i].what & SAME,
            .base_unfit = rows[i].what & UNFIT,
            .room = rows[i].what & ROOM,
        };
        struct upgrade_choice got = upgrade_choose(&one);
        assert_int_equal(got.way, rows[i].way);
        assert_string_equal(got.reason, rows[i].reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_batch_wants_its_share),
        cmocka_unit_test(symmetric_follows_bases),
        cmocka_unit_test(way_down_adds_none),
        cmocka_unit_test(every_rollout_ends_at_its_target),
        cmocka_unit_test(upgrades_go_the_best_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
