/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_STORE_KUBERNETES_OVERLAY_H
#define KOUPLELESS_CONTROLLER_STORE_KUBERNETES_OVERLAY_H

#include "lib/base/json.h"
#include "lib/model/module.h"
#include "services/controller/store/store.h"

/*
 * What was written to a Base that is a Pod: the status that its agent reported, and its zone. It stays in
 * memory; the rest of a Base is the Pod's. Pure. Zeroed: nothing was written yet.
 */
struct overlay {
    struct base_status status; /* phase NULL: nothing was reported */
    char *zone;
    int awaiting;     /* reports that may still be older than the start of the JVM */
    bool boot_is_new; /* the report told of a JVM that the Pod has not told of */
};

void overlay_done(struct overlay *overlay);

/**
 * overlay_patch() - a merge patch of the Base, as far as it is not the Pod's
 *
 * Of STORE_STATUS: all fields; of STORE_MAIN: spec.zone.
 * Return: 0, or -1 with ERR_INVALID and err->field.
 */
int overlay_patch(struct overlay *overlay, enum store_part part, const cJSON *patch,
                  struct err **err);

/**
 * overlay_restarted() - the Pod says that the JVM is a new one
 *
 * What was reported of the old one counts no more: the base is not ready (BaseRestarted) until a report tells of the
 * new one, by its boot id; the second report counts in any case. Unless the report was quicker than the Pod.
 */
void overlay_restarted(struct overlay *overlay);

/** overlay_document() - the Base: @pod under what was written. Owned. */
cJSON *overlay_document(const struct overlay *overlay, const struct base *pod);

#endif
