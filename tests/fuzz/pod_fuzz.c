/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Pod and a Deployment as an API server tells them. What a Pod says makes a Base that reads again, and whose address is
 * one where the Pod has an IP.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/limits.h"
#include "services/controller/store/kubernetes/deployment.h"
#include "services/controller/store/kubernetes/overlay.h"
#include "services/controller/store/kubernetes/pod.h"
#include "tests/fuzz/fuzz.h"

static void read_pod(const cJSON *json)
{
    const struct pod_context context = {.deployment = "stock"};
    struct pod pod;
    AUTO_ERR struct err *err = NULL;
    if (pod_read(json, &context, &pod, &err) < 0) {
        ASSERT(err);
        return;
    }
    ASSERT(!pod.base->spec.ip == !pod.base->spec.agent_address);
    struct overlay overlay = {0};
    AUTO_JSON cJSON *shown = overlay_document(&overlay, pod.base);
    struct base *again = base_read(shown, &err);
    ASSERT(again);
    base_free(again);
    overlay_done(&overlay);
    pod_done(&pod);
}

static void read_deployment(const cJSON *json)
{
    struct deployment_read read;
    AUTO_ERR struct err *err = NULL;
    if (deployment_read(json, &read, &err) < 0) {
        ASSERT(err);
        return;
    }
    ASSERT(*read.selector);
    deployment_read_done(&read);
}

static void patch(const cJSON *json)
{
    struct overlay overlay = {0};
    (void)overlay_patch(&overlay, STORE_STATUS, json, NULL);
    (void)overlay_patch(&overlay, STORE_MAIN, json, NULL);
    overlay_done(&overlay);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_JSON cJSON *json = json_parse((const char *)data, size, LIMIT_OBJECT, NULL);
    if (!json)
        return 0;
    read_pod(json);
    read_deployment(json);
    patch(json);
    return 0;
}
