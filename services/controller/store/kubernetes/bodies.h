/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BODIES_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_BODIES_H

#include "lib/base/err.h"
#include "services/controller/store/store.h"

/* What requests say: the calls of store.h as bodies of the Kubernetes API. Pure; texts are owned. */

/**
 * body_create() - the object that a create sends
 * @ret_namespace, @ret_name: of it, owned
 *
 * apiVersion and kind are put in where they are left out; what is not the writer's (status, uid) is for the server
 * to drop. An Event gets what the core API asks for: namespace and apiVersion of the object it is about, and who reports.
 * Return: NULL with ERR_INVALID and err->field where there is no name or namespace, or ERR_LIMIT.
 */
char *body_create(enum object_kind kind, const char *json, char **ret_namespace, char **ret_name,
                  struct err **err);

/**
 * body_patch() - the merge patch of one part, with its precondition
 * @resource_version: put into the patch: the server then refuses another; NULL = any
 *
 * Of the metadata only what store_patch() names is sent: the server refuses changes of the rest.
 * Return: NULL with ERR_INVALID or ERR_LIMIT.
 */
char *body_patch(enum store_part part, const char *merge_patch, const char *resource_version,
                 struct err **err);

/** body_delete() - DeleteOptions: what is owned goes after it (propagationPolicy Background). */
char *body_delete(const char *uid, const char *resource_version);

#endif
