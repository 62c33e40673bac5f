/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_UPGRADE_H
#define KOUPLELESS_CONTROLLER_ENGINE_UPGRADE_H

#include <stdbool.h>

#include "lib/model/module.h"

/*
 * How one instance takes the place of an old one (requirement 5.5). Two versions that serve no web
 * path run side by side and switch without a lost call; two versions with the same web path never run
 * in one base ("Child name [..] is not unique"), and neither does one version twice, with another
 * digest. So, first what is possible:
 *
 *   installThenUninstall:  side by side; on another base; in place (old out, new in: a short gap)
 *   uninstallThenInstall:  in place
 *   scaleUpThenScaleDown:  on another base; side by side; in place
 *
 * A base whose metaspace is nearly used up takes nothing beside what is there, but in the place of it.
 * Where the base of the old one can't take the new one, only another base is left.
 */
struct upgrade_case {
    enum upgrade_policy policy;
    bool web_path_in_use; /* the old and the new version are known to want the same web path */
    bool same_version;    /* name and version are the same, the digest or the selector is not */
    bool metaspace_full;  /* the old one's base has no metaspace for another module beside it */
    bool base_unfit;      /* the old one's base can't take the new one (base_fits) */
    bool room;            /* another base could take the new instance now */
};

struct upgrade_choice {
    enum upgrade_way way; /* WAY_NONE: none is possible now */
    /* Why no better way: WebPathInUse, SameVersion, MetaspaceFull, BaseUnfit, NoCapacity, UpgradePolicy; "" = it is
     * the best. */
    const char *reason;
};

/** upgrade_choose() - the way for one instance */
struct upgrade_choice upgrade_choose(const struct upgrade_case *one);

#endif
