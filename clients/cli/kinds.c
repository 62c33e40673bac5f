/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/kinds.h"

#include "clients/cli/cli.h"
#include "clients/cli/columns.h"
#include "koupleless/controller/v1/inventory.pb-c.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/str.h"

static const struct cli_kind kinds[] = {
    {
        .kind = KIND_MODULE_DEPLOYMENT,
        .singular = "moduledeployment",
        .service = &koupleless__controller__v1__release_service__descriptor,
        .list = "ListModuleDeployments",
        .list_member = "moduleDeployments",
        .get = "GetModuleDeployment",
        .get_member = "moduleDeployment",
        .watch = "WatchModuleDeployments",
        .watch_member = "moduleDeployment",
        .remove = "DeleteModuleDeployment",
        .columns = deployment_columns,
    },
    {
        .kind = KIND_MODULE_REPLICASET,
        .singular = "modulereplicaset",
        .columns = replicaset_columns,
    },
    {
        .kind = KIND_MODULE,
        .singular = "module",
        .service = &koupleless__controller__v1__inventory_service__descriptor,
        .list = "ListModules",
        .list_member = "modules",
        .get = "GetModule",
        .get_member = "module",
        .watch = "WatchModules",
        .watch_member = "module",
        .remove = "ReplaceModule",
        .columns = module_columns,
    },
    {
        .kind = KIND_BASE,
        .singular = "base",
        .service = &koupleless__controller__v1__inventory_service__descriptor,
        .list = "ListBases",
        .list_member = "bases",
        .watch = "WatchBases",
        .watch_member = "changedBase",
        .columns = base_columns,
    },
};

const struct cli_kind *kind_all(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(kinds);
    return kinds;
}

const struct cli_kind *kind_of(enum object_kind kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

/* The plural that a mistyped @name most likely meant, of what the API serves; or NULL. */
static const char *nearest_served(const char *name)
{
    enum object_kind kind;
    const char *nearest = kind_nearest(name);
    return nearest && kind_from_name(nearest, &kind) && kind_of(kind) ? nearest : NULL;
}

const struct cli_kind *kind_parse(const char *name, struct err **err)
{
    enum object_kind kind;
    bool known = kind_from_name(name, &kind);
    const struct cli_kind *found = known ? kind_of(kind) : NULL;
    if (found)
        return found;
    if (known)
        cli_usage(err, "%s are not served by the controller's API; use kubectl", kind_plural(kind));
    else if (nearest_served(name))
        cli_usage(err, "kind \"%.100s\" is not known; did you mean %s?", name,
                  nearest_served(name));
    else
        cli_usage(err,
                  "kind \"%.100s\" is not known; it is moduledeployments (mddeploy), "
                  "modulereplicasets (mdrs), modules (md) or bases",
                  name);
    return NULL;
}
