/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_KIND_H
#define KOUPLELESS_MODEL_KIND_H

#include <stdbool.h>

/*
 * The kinds of objects. Base stands for the pod that hosts modules where there is no Kubernetes API;
 * Event is the record of something that happened; Service is that of Kubernetes, in front of a module.
 */
#define API_GROUP "koupleless.alipay.com"
#define API_VERSION "koupleless.alipay.com/v1alpha1"

/* id, API version, kind, plural, short name */
#define OBJECT_KIND_MAP(X)                                                                         \
    X(KIND_MODULE_DEPLOYMENT, API_VERSION, "ModuleDeployment", "moduledeployments", "mddeploy")    \
    X(KIND_MODULE_REPLICASET, API_VERSION, "ModuleReplicaSet", "modulereplicasets", "mdrs")        \
    X(KIND_MODULE, API_VERSION, "Module", "modules", "md")                                         \
    X(KIND_MODULE_TEMPLATE, API_VERSION, "ModuleTemplate", "moduletemplates", "mdtemplate")        \
    X(KIND_BASE, API_VERSION, "Base", "bases", "base")                                             \
    X(KIND_EVENT, API_VERSION, "Event", "events", "ev")                                            \
    X(KIND_SERVICE, "v1", "Service", "services", "svc")

enum object_kind {
#define X(id, version, kind, plural, brief) id,
    OBJECT_KIND_MAP(X)
#undef X
        KIND_MAX_
};

const char *kind_api_version(enum object_kind kind); /* "koupleless.alipay.com/v1alpha1" */
const char *kind_name(enum object_kind kind);        /* "ModuleDeployment" */
const char *kind_plural(enum object_kind kind);      /* "moduledeployments" */
const char *kind_short_name(enum object_kind kind);  /* "mddeploy" */

/** kind_from_name() - Kind, plural, singular or short name, any case. Return: false where it is none. */
bool kind_from_name(const char *name, enum object_kind *ret);

/** kind_nearest() - the plural that a mistyped name most likely meant, or NULL. */
const char *kind_nearest(const char *name);

#endif
