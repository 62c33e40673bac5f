/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_SERVICE_H
#define KOUPLELESS_MODEL_SERVICE_H

#include "lib/model/object.h"

/* What the controller looks at of a Service of Kubernetes: the one in front of a module's instances. */
struct service_port {
    char *name, *protocol;
    int32_t port;
    char *target_port; /* JSON text: 8080, or the name of a port: "http" */
    int32_t node_port; /* given by the server; 0 = none yet */
};

struct service_spec {
    char *type; /* NodePort, ClusterIP, ... */
    struct json_map selector;
    struct json_array ports; /* struct service_port */
};

struct service {
    struct object_meta meta;
    struct service_spec spec;
};

/** service_read() - other fields are ignored. Return: owned, service_free(); NULL with ERR_INVALID and err->field. */
struct service *service_read(const cJSON *json, struct err **err);
cJSON *service_write(const struct service *service);
void service_free(struct service *service);

#endif
