/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_RESOURCE_H
#define KOUPLELESS_KUBE_RESOURCE_H

#include <stdbool.h>

/* A resource of the Kubernetes API, as its URLs name it. */
struct kube_resource {
    const char *group; /* "" = the core group */
    const char *version;
    const char *plural; /* "pods" */
    const char *kind;   /* "Pod" */
    bool cluster_scoped;
};

/* Which object, or which collection, and what of it. */
struct kube_path {
    const struct kube_resource *resource;
    const char *namespace;   /* NULL = all; not looked at where the resource is cluster-scoped */
    const char *name;        /* NULL = the collection */
    const char *subresource; /* "status", "scale"; NULL = the object */
};

/** kube_path_url() - "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB"; every part is escaped. Owned. */
char *kube_path_url(const struct kube_path *path);

/** kube_path_describe() - for messages: `modules/status "provider-5f-x" in namespace "shop"`. Owned. */
char *kube_path_describe(const struct kube_path *path);

#endif
