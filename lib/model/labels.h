/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_LABELS_H
#define KOUPLELESS_MODEL_LABELS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/json.h"

/* Names of labels, annotations and finalizers that users and scripts rely on. */
#define LABEL_PREFIX "koupleless.alipay.com/"
#define LABEL_MODULE_NAME LABEL_PREFIX "module-name"
#define LABEL_MODULE_VERSION LABEL_PREFIX "module-version"
#define LABEL_MODULE_DEPLOYMENT LABEL_PREFIX "module-deployment"
#define LABEL_MODULE_REPLICASET LABEL_PREFIX "module-replicaset"
#define LABEL_DEPLOYMENT_NAME LABEL_PREFIX "deployment-name"
#define LABEL_BASE_INSTANCE_IP LABEL_PREFIX "base-instance-ip"
#define LABEL_BASE_INSTANCE_NAME LABEL_PREFIX "base-instance-name"
#define LABEL_REVISION LABEL_PREFIX "module-replicaset-revision"
#define LABEL_MAX_MODULE_COUNT LABEL_PREFIX "max-module-count"
#define LABEL_TRAFFIC_PREFIX "module.koupleless.alipay.com/"

/* Annotations. */
#define ANNOTATION_ABORT                                                                           \
    LABEL_PREFIX                                                                                   \
    "abort" /* on a ModuleDeployment: name of the ModuleReplicaSet whose release is given up */
#define ANNOTATION_RESUME                                                                          \
    LABEL_PREFIX                                                                                   \
    "resume" /* on a ModuleDeployment: name of the ModuleReplicaSet whose release, which the controller \
                             has given up, is to go on; taken off when it does */
#define ANNOTATION_FAILED                                                                          \
    LABEL_PREFIX                                                                                   \
    "failed" /* on a ModuleReplicaSet: why its release was given up for the last good one */
#define ANNOTATION_WEB_PATH_IN_USE                                                                 \
    LABEL_PREFIX "web-path-in-use" /* on a ModuleReplicaSet: can't run beside its predecessor */

#define ANNOTATION_SCALED                                                                          \
    LABEL_PREFIX                                                                                   \
    "scaled" /* on a ModuleDeployment: what replicas and scaleReplicas were when they \
                             were last made equal */
#define ANNOTATION_RESTARTED_AT                                                                    \
    LABEL_PREFIX                                                                                   \
    "restarted-at" /* on a template: any text; another one is another revision of the same version */
#define ANNOTATION_REPLACES_UID                                                                    \
    LABEL_PREFIX "replaces-uid" /* on a Module: the uid of the one that spec.replaces names */
#define ANNOTATION_AGENT_PORT LABEL_PREFIX "agent-port" /* on a Pod: where its agent listens */

#define FINALIZER_MODULE LABEL_PREFIX "module-installed" /* on Module: still on its base */
#define FINALIZER_DEPLOYMENT                                                                       \
    LABEL_PREFIX "modules-existed" /* on ModuleDeployment: batched offline first */

/**
 * label_value() - @value as a valid label value: unchanged where it is one, else encoded with a short hash; owned.
 * "1.0+x" -> "1.0-x-5f3a2c".
 */
char *label_value(const char *value);

/** label_value_is_valid() / label_key_is_valid() - as Kubernetes checks labels; a key may have a prefix, "example.com/name". */
bool label_value_is_valid(const char *value);
bool label_key_is_valid(const char *key);

/** labels_check() - keys and values of @labels. @path: "metadata.labels". Return: 0, or -1 with ERR_INVALID and err->field. */
int labels_check(const struct json_map *labels, const char *path, struct err **err);

/**
 * labels_parse() - "zone=z1,disk=ssd" as labels
 * @path: "--base-labels", for messages
 * @out:  empty before; json_map_done()
 */
int labels_parse(const char *text, const char *path, struct json_map *out, struct err **err);

/* One requirement of a selector. */
struct selector_term {
    char *key;
    enum { SELECT_IN, SELECT_NOT_IN, SELECT_EXISTS, SELECT_NOT_EXISTS } op;
    struct json_strings values;
};

/* All terms must hold; no term selects everything. */
struct selector {
    struct selector_term *items;
    size_t len;
};

/**
 * selector_parse() - kubectl's syntax: a=b,c!=d,e in (x,y),f notin (z),g,!h
 * @text: NULL or "" selects everything
 * @out:  filled on success; selector_done()
 *
 * A value that is no label value (an IPv6 address, a version "1.0+x") is looked for in the form that label_value() gives it.
 * Return: 0, or -1 with ERR_INVALID.
 */
int selector_parse(const char *text, struct selector *out, struct err **err);

/** selector_matches() - whether @labels meet all terms; a missing key meets != and notin, as in Kubernetes. */
bool selector_matches(const struct selector *selector, const struct json_map *labels);
void selector_done(struct selector *selector);

/** name_is_dns_label() / name_is_dns_subdomain() - RFC 1123, as Kubernetes checks names. */
bool name_is_dns_label(const char *name);
bool name_is_dns_subdomain(const char *name);

#endif
