/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_H

#include "lib/base/clock.h"
#include "lib/kube/client.h"
#include "services/controller/store/store.h"

/*
 * The store on the Kubernetes API. Our four kinds are custom resources of the same shape; Events and Services are
 * those of the core API; a Base is a Pod of a base Deployment that somebody follows, put together with what its
 * agent reported (bases.h): the report is kept in memory, nothing of it is written to the Pod.
 */
struct kubernetes_options {
    struct kube_client *client; /* must outlive the store */
    const char *namespace;      /* the only one that is looked at; NULL = all */
    struct clock *clock;
    int32_t agent_port; /* of bases whose Pod names none; 0 = AGENT_PORT_DEFAULT (pod.h) */
    struct log *log;
};

struct store *kubernetes_store_new(const struct kubernetes_options *options);

#endif
