/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/api/decide.h"

#include "lib/base/clock.h"
#include "lib/base/json_difference.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "lib/model/module_deployment.h"

static const char *release_text(const cJSON *object, const char *field)
{
    AUTO_FREE char *path = mem_printf("status.releaseStatus.%s", field);
    return json_get_string(object, path);
}

static int32_t current_batch(const cJSON *object)
{
    return (int32_t)json_int64(json_get(object, "status.releaseStatus.currentBatch"), 0, INT32_MAX);
}

static bool is_waiting(const cJSON *object)
{
    return str_eq(release_text(object, "progress"), release_progress_name(PROGRESS_PAUSED)) &&
           str_eq(release_text(object, "reason"), REASON_WAITING_FOR_CONFIRMATION);
}

static cJSON *refuse(struct err **err, const char *reason, char *message_taken)
{
    err_set(err, ERR_PRECONDITION, "%s", message_taken);
    err_reason(err, reason);
    mem_free(message_taken);
    return NULL;
}

static cJSON *spec_patch(const char *field, cJSON *value_taken)
{
    cJSON *patch = cJSON_CreateObject();
    cJSON_AddItemToObject(cJSON_AddObjectToObject(patch, "spec"), field, value_taken);
    return patch;
}

static void set_annotation(cJSON *patch, const char *name, cJSON *value_taken)
{
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(patch, "metadata");
    if (!metadata)
        metadata = cJSON_AddObjectToObject(patch, "metadata");
    cJSON *annotations = cJSON_GetObjectItemCaseSensitive(metadata, "annotations");
    if (!annotations)
        annotations = cJSON_AddObjectToObject(metadata, "annotations");
    cJSON_AddItemToObject(annotations, name, value_taken);
}

static void set_abort(cJSON *patch, cJSON *value_taken)
{
    set_annotation(patch, ANNOTATION_ABORT, value_taken);
}

/* The revision whose release the controller has given up by itself, and nobody else holds up; or NULL. */
static const char *given_up(const cJSON *object)
{
    bool held = cJSON_IsTrue(json_get(object, "spec.pause"));
    const cJSON *annotations = json_get(object, "metadata.annotations");
    held |= cJSON_GetObjectItemCaseSensitive(annotations, ANNOTATION_ABORT) != NULL;
    if (str_eq(release_text(object, "progress"), release_progress_name(PROGRESS_ABORTED)) &&
        str_eq(release_text(object, "reason"), REASON_PROGRESS_DEADLINE_EXCEEDED))
        return release_text(object, "updateRevision");
    return held ? NULL : release_text(object, "failedRevision");
}

cJSON *decide_scale(const cJSON *object, const void *replicas, struct err **err)
{
    (void)object;
    int32_t wanted = *(const int32_t *)replicas;
    if (wanted < REPLICAS_SYMMETRIC || wanted > LIMIT_REPLICAS) {
        err_field(err, "replicas", "must be -1 (one on every base) or 0 to %d, not %d",
                  LIMIT_REPLICAS, wanted);
        return NULL;
    }
    cJSON *patch = spec_patch("replicas", cJSON_CreateNumber(wanted));
    set_abort(patch, cJSON_CreateNull());
    return patch;
}

cJSON *decide_confirm(const cJSON *object, const void *arguments, struct err **err)
{
    const struct confirm_arguments *confirm = arguments;
    const char *revision = release_text(object, "updateRevision");
    const char *progress = release_text(object, "progress");
    int32_t waiting = current_batch(object);
    if (!is_waiting(object))
        return refuse(err, "BATCH_NOT_WAITING",
                      mem_printf("no batch waits for confirmation: the release is %s in batch %d",
                                 progress ? progress : "Init", waiting));
    if (confirm->batch && confirm->batch != waiting)
        return refuse(
            err, "BATCH_MISMATCH",
            mem_printf("batch %d waits for confirmation, not batch %d", waiting, confirm->batch));
    if (!str_empty(confirm->revision) && !str_eq(confirm->revision, revision))
        return refuse(
            err, "REVISION_MISMATCH",
            mem_printf("revision %s waits for confirmation, not %s", revision, confirm->revision));
    return spec_patch("pause", cJSON_CreateBool(false));
}

cJSON *decide_pause(const cJSON *object, const void *unused, struct err **err)
{
    (void)object;
    (void)unused;
    (void)err;
    return spec_patch("pause", cJSON_CreateBool(true));
}

cJSON *decide_resume(const cJSON *object, const void *unused, struct err **err)
{
    (void)unused;
    if (is_waiting(object))
        return refuse(
            err, "WAITING_FOR_CONFIRMATION",
            mem_printf("batch %d waits for confirmation: confirm it", current_batch(object)));
    cJSON *patch = spec_patch("pause", cJSON_CreateBool(false));
    set_abort(patch, cJSON_CreateNull());
    if (given_up(object))
        set_annotation(patch, ANNOTATION_RESUME, cJSON_CreateString(given_up(object)));
    return patch;
}

cJSON *decide_abort(const cJSON *object, const void *unused, struct err **err)
{
    (void)unused;
    const char *progress = release_text(object, "progress");
    bool runs = str_eq(progress, release_progress_name(PROGRESS_EXECUTING)) ||
                str_eq(progress, release_progress_name(PROGRESS_PAUSED));
    if (!runs)
        return refuse(
            err, "NO_RELEASE_RUNNING",
            mem_printf("no release runs: the last one is %s", progress ? progress : "not begun"));
    cJSON *patch = cJSON_CreateObject();
    set_abort(patch, cJSON_CreateString(release_text(object, "updateRevision")));
    return patch;
}

static bool template_is_own(const cJSON *object, struct err **err)
{
    const char *name = json_get_string(object, "spec.templateRef.name");
    if (!name)
        return true;
    refuse(err, "TEMPLATE_REFERENCED",
           mem_printf("the template is ModuleTemplate %s: change that instead", name));
    return false;
}

/* The stamp of a restart now: later than the present one, where that is a time. */
static int64_t restart_stamp_ms(const cJSON *object, int64_t wall_ms)
{
    const cJSON *annotations = json_get(object, "spec.template.metadata.annotations");
    const char *present = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(annotations, ANNOTATION_RESTARTED_AT));
    int64_t present_ms = 0;
    bool later = !present || !time_parse(present, &present_ms) || present_ms < wall_ms;
    return later ? wall_ms : present_ms + 1;
}

cJSON *decide_restart(const cJSON *object, const void *wall_ms, struct err **err)
{
    if (!template_is_own(object, err))
        return NULL;
    const char *failed = release_text(object, "failedRevision");
    if (failed)
        return refuse(err, "RELEASE_FAILED",
                      mem_printf("%s has failed and would be released again, for what runs in its "
                                 "place is another revision: undo first",
                                 failed));
    char text[TIME_TEXT_SIZE];
    int64_t now_ms = json_int64(wall_ms, 0, INT64_MAX);
    cJSON *template = cJSON_CreateObject();
    cJSON *metadata = cJSON_AddObjectToObject(template, "metadata");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(metadata, "annotations"),
                            ANNOTATION_RESTARTED_AT,
                            time_format(restart_stamp_ms(object, now_ms), text));
    cJSON *patch = spec_patch("template", template);
    set_abort(patch, cJSON_CreateNull());
    return patch;
}

cJSON *decide_undo(const cJSON *object, const void *template, struct err **err)
{
    if (!template_is_own(object, err))
        return NULL;
    /* What the present template has besides (md5 of its own jar, ...) goes: a merge alone would keep it. */
    AUTO_JSON cJSON *none = cJSON_CreateObject();
    const cJSON *present = json_get(object, "spec.template");
    cJSON *change = json_difference(present ? present : none, template);
    cJSON *patch = spec_patch("template", change ? change : cJSON_CreateObject());
    set_abort(patch, cJSON_CreateNull());
    return patch;
}
