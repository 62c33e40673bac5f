/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_OBJECTS_H
#define KOUPLELESS_CLI_OBJECTS_H

#include "clients/cli/cli.h"

/* Reading objects of any kind through the calls that there are for it. */

/**
 * objects_list() - all objects of the namespace that @selector (NULL: all) selects, as an array
 * @ret_version: version of the list, to watch from, owned; or NULL
 * Return: owned; NULL with @err.
 */
cJSON *objects_list(struct cli *cli, const struct cli_kind *kind, const char *selector,
                    char **ret_version, struct err **err);

/** objects_get() - the object of that name. Owned; NULL with @err, ERR_NOT_FOUND where there is none. */
cJSON *objects_get(struct cli *cli, const struct cli_kind *kind, const char *name,
                   struct err **err);

/** objects_revisions() - the ModuleReplicaSets of a ModuleDeployment, newest first, as an array. Owned; NULL with @err. */
cJSON *objects_revisions(struct cli *cli, const char *namespace, const char *deployment,
                         struct err **err);

/** objects_events() - what happened to an object, as an array. Owned; NULL with @err. */
cJSON *objects_events(struct cli *cli, const struct cli_kind *kind, const char *name,
                      struct err **err);

#endif
