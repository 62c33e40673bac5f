/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define ITU UPGRADE_INSTALL_THEN_UNINSTALL
#define UTI UPGRADE_UNINSTALL_THEN_INSTALL
#define SUD UPGRADE_SCALE_UP_THEN_SCALE_DOWN

static const struct row {
    const char *name;
    struct upgrade_case one;
    enum upgrade_way way;
    const char *reason;
} rows[] = {
    {"5.5 installThenUninstall: side by side", {.policy = ITU}, WAY_SIDE_BY_SIDE, ""},
    {"5.5 ... also where there is room", {.policy = ITU, .room = true}, WAY_SIDE_BY_SIDE, ""},
    {"5.5 ... one web path, room: another base",
     {.policy = ITU, .web_path_in_use = true, .room = true},
     WAY_OTHER_BASE,
     "WebPathInUse"},
    {"5.5 ... one web path, no room: in place",
     {.policy = ITU, .web_path_in_use = true},
     WAY_IN_PLACE,
     "WebPathInUse,NoCapacity"},
    {"5.5 ... one version, room: another base",
     {.policy = ITU, .same_version = true, .room = true},
     WAY_OTHER_BASE,
     "SameVersion"},
    {"5.5 ... one version, no room: in place",
     {.policy = ITU, .same_version = true},
     WAY_IN_PLACE,
     "SameVersion,NoCapacity"},
    {"5.5 uninstallThenInstall: in place", {.policy = UTI}, WAY_IN_PLACE, "UpgradePolicy"},
    {"5.5 ... also where there is room",
     {.policy = UTI, .room = true},
     WAY_IN_PLACE,
     "UpgradePolicy"},
    {"5.5 ... whatever else is known",
     {.policy = UTI, .web_path_in_use = true, .same_version = true, .room = true},
     WAY_IN_PLACE,
     "UpgradePolicy"},
    {"5.5 scaleUpThenScaleDown: another base", {.policy = SUD, .room = true}, WAY_OTHER_BASE, ""},
    {"5.5 ... no room: side by side", {.policy = SUD}, WAY_SIDE_BY_SIDE, "NoCapacity"},
    {"5.5 ... one web path, room: another base, as always",
     {.policy = SUD, .web_path_in_use = true, .room = true},
     WAY_OTHER_BASE,
     ""},
    {"5.5 ... one web path, no room: in place",
     {.policy = SUD, .web_path_in_use = true},
     WAY_IN_PLACE,
     "WebPathInUse,NoCapacity"},
    {"5.5 ... one version, no room: in place",
     {.policy = SUD, .same_version = true},
     WAY_IN_PLACE,
     "SameVersion,NoCapacity"},
    {"5.6 no metaspace for both, room: another base",
     {.policy = ITU, .metaspace_full = true, .room = true},
     WAY_OTHER_BASE,
     "MetaspaceFull"},
    {"5.6 ... which is the best way anyhow",
     {.policy = SUD, .metaspace_full = true, .room = true},
     WAY_OTHER_BASE,
     ""},
    {"5.6 ... no room: in place",
     {.policy = ITU, .metaspace_full = true},
     WAY_IN_PLACE,
     "MetaspaceFull,NoCapacity"},
    {"5.6 ... no room: in place, though side by side were next",
     {.policy = SUD, .metaspace_full = true},
     WAY_IN_PLACE,
     "MetaspaceFull,NoCapacity"},
    {"5.6 ... in place needs none",
     {.policy = UTI, .metaspace_full = true, .room = true},
     WAY_IN_PLACE,
     "UpgradePolicy"},
    {"5.6 an unfit base is left, whatever the policy",
     {.policy = UTI, .base_unfit = true, .room = true},
     WAY_OTHER_BASE,
     "BaseUnfit"},
    {"5.6 ... without room not at all",
     {.policy = ITU, .base_unfit = true},
     WAY_NONE,
     "BaseUnfit,NoCapacity"},
};

static void the_first_way_that_is_possible(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct upgrade_choice choice = upgrade_choose(&rows[i].one);
        if (choice.way != rows[i].way || !str_eq(choice.reason, rows[i].reason))
            fail_msg("%s\n  want: %s (%s)\n  got:  %s (%s)", rows[i].name,
                     upgrade_way_name(rows[i].way), rows[i].reason, upgrade_way_name(choice.way),
                     choice.reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_way_that_is_possible)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
