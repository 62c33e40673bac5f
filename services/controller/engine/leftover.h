/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_LEFTOVER_H
#define KOUPLELESS_CONTROLLER_ENGINE_LEFTOVER_H

#include "services/controller/engine/view.h"

/*
 * A module that runs on a base though no Module says so: a base that was gone brings back what it had,
 * while its instances were placed elsewhere.
 */
struct leftover_view {
    const char *name, *version;        /* as the base reports it */
    struct instance *const *instances; /* all on the base, those being deleted included */
    size_t instance_count;
    bool
        adopts; /* the original ModuleController's instances of the module here are not taken over yet */
    const struct module_deployment *owner; /* that has the module on these bases; NULL: none */
};

/**
 * leftover_goes() - whether it is to be uninstalled now
 *
 * What no ModuleDeployment has is left to people. The rest goes when its owner needs nobody: its release is
 * Completed with all instances available, or it is being deleted; or when the web path that it holds
 * keeps the declared version out. It stays while an instance of the module is being worked on here.
 */
bool leftover_goes(const struct leftover_view *view);

#endif
