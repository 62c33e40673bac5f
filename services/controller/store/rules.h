/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_RULES_H
#define KOUPLELESS_CONTROLLER_STORE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/json.h"
#include "services/controller/store/store.h"

/*
 * What a write does to a document: the part of the Kubernetes API's behaviour that needs no disk.
 * Pure, on cJSON trees, for every store that keeps documents itself. An object here is a whole
 * document: apiVersion, kind, metadata, the rest as its writer ordered it.
 */

/* The members of metadata that a writer says, NULL at the end; the others are the store's. */
extern const char *const rules_writers_metadata[];

/**
 * rules_create() - the object that a create makes
 * @given: the writer's document; its members are moved out of it
 * @uid:   of the new object
 *
 * Of the metadata given, name, namespace, labels, annotations, finalizers and ownerReferences count;
 * a status is dropped. metadata begins with name, namespace, uid and an empty resourceVersion, in this
 * order, for the store to fill in.
 * Return: owned; NULL with ERR_INVALID and err->field.
 */
cJSON *rules_create(enum object_kind kind, cJSON *given, const char *uid, int64_t now_ms,
                    struct err **err);

enum rules_change { RULES_SAME, RULES_CHANGED };

/**
 * rules_patch() - apply a merge patch to one part of @object
 * @ret: whether it changed anything
 *
 * STORE_MAIN ignores status and the store's own metadata; STORE_STATUS ignores all but status. While
 * the object is being deleted finalizers may only be removed. On failure @object is of no use.
 * Return: 0, or -1 with ERR_INVALID and err->field.
 */
int rules_patch(cJSON *object, enum object_kind kind, enum store_part part, const cJSON *patch,
                enum rules_change *ret, struct err **err);

/** rules_metadata() - a member of the metadata that is a string, or NULL; borrowed. */
const char *rules_metadata(const cJSON *object, const char *key);

/** rules_labels() - metadata.labels, or NULL; borrowed. */
const cJSON *rules_labels(const cJSON *object);

/** rules_owners() - metadata.ownerReferences (array), or NULL; borrowed. */
cJSON *rules_owners(const cJSON *object);

bool rules_being_deleted(const cJSON *object); /* has a deletionTimestamp */
bool rules_has_finalizers(const cJSON *object);

void rules_mark_deleted(cJSON *object,
                        int64_t now_ms); /* deletion is asked for: a change of what is wanted */

#endif
