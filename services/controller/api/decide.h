/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_API_DECIDE_H
#define KOUPLELESS_CONTROLLER_API_DECIDE_H

#include <stdint.h>

#include "lib/base/json.h"

/*
 * What each steering call writes, and when it is refused. Pure; see decide_fn in api_internal.h. The
 * reasons of refusals are listed in docs/errors.md.
 */

cJSON *decide_scale(const cJSON *object, const void *replicas,
                    struct err **err); /* const int32_t * */

struct confirm_arguments {
    int32_t batch;        /* 0 = the one that waits */
    const char *revision; /* NULL or "" = the one that is released */
};

/**
 * decide_confirm() - refused (BATCH_NOT_WAITING, BATCH_MISMATCH, REVISION_MISMATCH) unless that batch of that
 * revision waits for a person.
 */
cJSON *decide_confirm(const cJSON *object, const void *arguments, struct err **err);

cJSON *decide_pause(const cJSON *object, const void *unused, struct err **err);

/**
 * decide_resume() - refused (WAITING_FOR_CONFIRMATION) where a batch waits: that is confirmed, not resumed. Takes
 * back an abort too.
 */
cJSON *decide_resume(const cJSON *object, const void *unused, struct err **err);

/** decide_abort() - refused (NO_RELEASE_RUNNING) where no release runs. */
cJSON *decide_abort(const cJSON *object, const void *unused, struct err **err);

/**
 * decide_restart() - stamps the template with the time, so that it is another revision of the same version
 * @wall_ms: JSON number
 *
 * A stamp is later than the one before it whatever the clock says: each call is a restart. Refused
 * (TEMPLATE_REFERENCED) where the template is a ModuleTemplate, which others may share, and (RELEASE_FAILED) where it is
 * not what runs, since its release has failed.
 */
cJSON *decide_restart(const cJSON *object, const void *wall_ms, struct err **err);

/**
 * decide_undo() - @template: the template of the revision to return to (JSON of spec.template). Refused
 * (TEMPLATE_REFERENCED) where the present one is a ModuleTemplate.
 */
cJSON *decide_undo(const cJSON *object, const void *template, struct err **err);

#endif
