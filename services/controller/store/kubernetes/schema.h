/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_SCHEMA_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_SCHEMA_H

#include "lib/base/err.h"
#include "lib/base/json_scan.h"
#include "lib/kube/resource.h"

/*
 * CustomResourceDefinitions that are missing, or not those of this version. Of the fields that a schema does not have
 * a server from 1.25 on says so and refuses the write. One before it drops them and says nothing: the answer lacks
 * them, and the same would be written for ever. Pure.
 */

/**
 * schema_check() - whether what was written is there
 * @path:     of the write; what is no custom resource passes
 * @sent:     the object of a create, or the merge patch
 * @answered: the object as the server has it now
 *
 * Looked at is the status where it is what @path names, else all but status and metadata. Null, and what holds nothing
 * but null, need not be there; of a value only that there is one counts: how it is spelt is the server's affair.
 * Return: 0, or -1 with ERR_PRECONDITION and a message that names the field and the definition.
 */
int schema_check(const struct kube_path *path, struct span sent, struct span answered,
                 struct err **err);

/**
 * schema_explain() - adds to what the server says of a request at @path how a definition may be the cause
 *
 * ERR_PRECONDITION where the kind, or a field that was written, is not known there; else @err stays as it is.
 */
void schema_explain(const struct kube_path *path, struct err *err);

#endif
