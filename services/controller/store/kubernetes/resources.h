/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_RESOURCES_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_RESOURCES_H

#include "lib/kube/resource.h"
#include "lib/model/kind.h"

/* As whom we write: field manager, and source of our Events. */
#define KUBERNETES_COMPONENT "koupleless-controller"

/** resource_of() - what the objects of a kind are in the API; static. Not KIND_BASE: bases.h. */
const struct kube_resource *resource_of(enum object_kind kind);

#endif
