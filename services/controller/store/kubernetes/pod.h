/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_POD_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_POD_H

#include "lib/base/json.h"
#include "lib/model/module.h"

#define AGENT_PORT_DEFAULT 1239
#define AGENT_CONTAINER "koupleless-agent" /* name of the agent's container in a base Pod */

/* What is known of the base Deployment when its Pods are read. */
struct pod_context {
    const char *deployment;            /* its name */
    const struct json_map *its_labels; /* its labels; NULL = none */
    int32_t agent_port;                /* where the Pod names none; 0 = AGENT_PORT_DEFAULT */
};

/* What a Pod says; pod_done(). */
struct pod {
    struct base *base; /* the Base that it is, before its agent has reported */
    char *version;     /* resourceVersion of the Pod */
    int64_t restarts;  /* of its containers but the agent's */
    uint64_t started; /* changes when one of those is started anew; 0 = not all have been started */
    bool ended; /* Failed or Succeeded, and out of traffic: nothing runs there, nor will again */
    char *note; /* what was ignored, and why; NULL = nothing */
};

/**
 * pod_read() - the Base that a Pod is; pure
 * @json: v1 Pod
 * @out:  filled on success
 *
 * name, namespace, uid, labels and times are the Pod's. agentAddress is podIP:port, the port that of the
 * annotation koupleless.alipay.com/agent-port, else of the context. maxModuleCount is the label of that name of the
 * Pod, else of the Deployment; 0 means none, what is no number is ignored with a note. The base is Ready when the Pod
 * is Running and Ready, is not terminating, and has an IP (design.md section 6).
 *
 * Return: 0, or -1 with ERR_INVALID and err->field.
 */
int pod_read(const cJSON *json, const struct pod_context *context, struct pod *out,
             struct err **err);
void pod_done(struct pod *pod);

/** pod_restarted() - whether the JVM of @after is another one than that of @before, of the same Pod. */
bool pod_restarted(const struct pod *before, const struct pod *after);

#endif
