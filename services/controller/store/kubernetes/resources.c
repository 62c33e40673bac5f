/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/resources.h"

#include "lib/base/assert.h"
#include "lib/base/mem.h"

#define CUSTOM_VERSION "v1alpha1"
#define CUSTOM(plural, kind) API_GROUP, CUSTOM_VERSION, plural, kind, false
#define CORE(plural, kind) "", "v1", plural, kind, false

static const struct kube_resource resources[] = {
    [KIND_MODULE_DEPLOYMENT] = {CUSTOM("moduledeployments", "ModuleDeployment")},
    [KIND_MODULE_REPLICASET] = {CUSTOM("modulereplicasets", "ModuleReplicaSet")},
    [KIND_MODULE] = {CUSTOM("modules", "Module")},
    [KIND_MODULE_TEMPLATE] = {CUSTOM("moduletemplates", "ModuleTemplate")},
    [KIND_EVENT] = {CORE("events", "Event")},
    [KIND_SERVICE] = {CORE("services", "Service")},
};

const struct kube_resource *resource_of(enum object_kind kind)
{
    ASSERT((size_t)kind < ARRAY_LEN(resources) && resources[kind].plural);
    return &resources[kind];
}
