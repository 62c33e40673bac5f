/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/upgrade.h"

/* The two never are on one base together. */
static struct upgrade_choice choose_apart(const struct upgrade_case *one)
{
    if (one->room) {
        bool best = one->policy == UPGRADE_SCALE_UP_THEN_SCALE_DOWN;
        const char *why = one->web_path_in_use ? "WebPathInUse"
                          : one->same_version  ? "SameVersion"
                                               : "MetaspaceFull";
        return (struct upgrade_choice){WAY_OTHER_BASE, best ? "" : why};
    }
    return (struct upgrade_choice){WAY_IN_PLACE, one->web_path_in_use ? "WebPathInUse,NoCapacity"
                                                 : one->same_version  ? "SameVersion,NoCapacity"
                                                                      : "MetaspaceFull,NoCapacity"};
}

struct upgrade_choice upgrade_choose(const struct upgrade_case *one)
{
    if (one->base_unfit)
        return one->room ? (struct upgrade_choice){WAY_OTHER_BASE, "BaseUnfit"}
                         : (struct upgrade_choice){WAY_NONE, "BaseUnfit,NoCapacity"};
    if (one->policy == UPGRADE_UNINSTALL_THEN_INSTALL)
        return (struct upgrade_choice){WAY_IN_PLACE, "UpgradePolicy"};
    if (one->web_path_in_use || one->same_version || one->metaspace_full)
        return choose_apart(one);
    if (one->policy == UPGRADE_INSTALL_THEN_UNINSTALL)
        return (struct upgrade_choice){WAY_SIDE_BY_SIDE, ""};
    return one->room ? (struct upgrade_choice){WAY_OTHER_BASE, ""}
                     : (struct upgrade_choice){WAY_SIDE_BY_SIDE, "NoCapacity"};
}
