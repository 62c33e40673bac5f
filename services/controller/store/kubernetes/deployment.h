/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_DEPLOYMENT_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_DEPLOYMENT_H

#include "lib/base/json.h"

/* What is read of a base Deployment; deployment_read_done(). */
struct deployment_read {
    char *selector;         /* of its Pods, as a labelSelector of the API */
    struct json_map labels; /* of the Deployment: those that count for its Pods (pod.h) */
};

/**
 * deployment_read() - pure
 * @json: apps/v1 Deployment
 * @out:  filled on success
 *
 * Return: 0, or -1 with ERR_INVALID and err->field; so also where the selector selects everything.
 */
int deployment_read(const cJSON *json, struct deployment_read *out, struct err **err);
void deployment_read_done(struct deployment_read *read);

/** deployment_reads_equal() - whether the Pods, and what is said of them, are the same. */
bool deployment_reads_equal(const struct deployment_read *a, const struct deployment_read *b);

#endif
