/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_KUBE_WIRE_H
#define KOUPLELESS_KUBE_WIRE_H

#include "lib/kube/client.h"

/* A request as HTTP; all of it owned. Pure: it has no identity yet and knows no connection. Inside lib/kube only. */
struct kube_wire {
    const char *method, *content_type; /* literals; content_type NULL where there is no body */
    char *url;
    char *body; /* or NULL */
    char *what; /* for messages: `patch modules/status "m" in namespace "shop"` */
    bool is_read;
    int64_t timeout_ms;
};

/** kube_wire_request() - @server: as in struct kube_config. */
struct kube_wire kube_wire_request(const char *server, const struct kube_request *request);

/** kube_wire_watch() - a watch, without where it begins and ends. */
struct kube_wire kube_wire_watch(const char *server, const struct kube_watch_request *request);

/**
 * kube_wire_watch_url() - one connection of it: after @resource_version (NULL: a streaming list first), ended by the
 * server after @timeout_s. Owned.
 */
char *kube_wire_watch_url(const char *watch_url, const char *resource_version, int64_t timeout_s);

void kube_wire_done(struct kube_wire *wire);

#endif
