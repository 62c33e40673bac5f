/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_MODEL_OBJECT_H
#define KOUPLELESS_MODEL_OBJECT_H

#include "lib/base/json.h"
#include "lib/model/kind.h"

/* What all objects have: metadata, as in Kubernetes. */
struct owner_reference {
    char *kind, *name, *uid;
    bool controller;
    char *api_version; /* NULL is written as API_VERSION */
};

struct object_meta {
    char *name, *namespace, *uid;
    char *resource_version; /* opaque, compared for equality */
    int64_t generation;     /* counts changes of the spec */
    int64_t creation_ms;    /* wall ms */
    int64_t deletion_ms;    /* wall ms; 0 = not being deleted */
    struct json_map labels, annotations;
    struct json_strings finalizers;
    struct json_array owners; /* struct owner_reference */
};

extern const struct json_field object_meta_fields[];

bool meta_has_finalizer(const struct object_meta *meta, const char *finalizer);

/** meta_owner() - the owner that controls the object, or NULL. */
const struct owner_reference *meta_owner(const struct object_meta *meta);

/**
 * object_identify() - which kind of object a document is, by its apiVersion and kind
 * Return: 0, or -1 with ERR_INVALID, err->field and the nearest known kind in the message.
 */
int object_identify(const cJSON *json, enum object_kind *ret, struct err **err);

/**
 * object_strip() - makes a document that a user gives ready for strict reading: removes apiVersion and
 * kind (see object_identify()), and what only the Kubernetes API server writes into metadata
 * (managedFields and the like), so that the output of `kubectl get -o yaml` can be applied again
 */
void object_strip(cJSON *json);

struct condition {
    char *type;   /* Available, Progressing, Degraded */
    char *status; /* True, False, Unknown */
    char *reason, *message;
    int64_t last_transition_ms; /* of status */
};

extern const struct json_field condition_fields[];

#endif
