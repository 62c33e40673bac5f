/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/kubernetes/overlay.h"

#include "lib/base/str.h"

#define REPORTS_AWAITED 2 /* the first may have been under way */

/* A Base of which only these members are read: their names are those of the model. */
static const struct json_field zone_fields[] = {
    JSON_FIELD(struct overlay, "zone", JSON_STRING, zone, 0),
    JSON_END,
};

static const struct json_field status_fields[] = {
    JSON_FIELD(struct base_status, "phase", JSON_STRING, phase, 0),
    JSON_FIELD(struct base_status, "reason", JSON_STRING, reason, 0),
    JSON_FIELD(struct base_status, "message", JSON_STRING, message, 0),
    JSON_FIELD(struct base_status, "bootId", JSON_STRING, boot_id, 0),
    JSON_FIELD(struct base_status, "lastTransitionTime", JSON_TIME, last_transition_ms, 0),
    JSON_FIELD(struct base_status, "metaspaceFull", JSON_BOOL, metaspace_full, 0),
    JSON_FIELD(struct base_status, "metaspaceMessage", JSON_STRING, metaspace_message, 0),
    JSON_END,
};

void overlay_done(struct overlay *overlay)
{
    json_release(status_fields, &overlay->status);
    mem_free(overlay->zone);
    *overlay = (struct overlay){0};
}

static bool given(const cJSON *patch, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(patch, key) != NULL;
}

/* Null in a patch is read as absent, which is what it makes of the field. */
static void take_text(const cJSON *patch, const char *key, char **slot, char **read)
{
    if (!given(patch, key))
        return;
    mem_free(*slot);
    *slot = TAKE(*read);
}

static void note_report(struct overlay *overlay, bool other_boot)
{
    if (overlay->awaiting)
        overlay->awaiting = other_boot ? 0 : overlay->awaiting - 1;
    else if (other_boot)
        overlay->boot_is_new = true;
}

static int patch_status(struct overlay *overlay, const cJSON *patch, struct err **err)
{
    struct base_status read = {0}, *status = &overlay->status;
    if (json_read(status_fields, patch, "status", JSON_UNKNOWN_IGNORE, &read, err) < 0)
        return -1;
    if (given(patch, "phase"))
        note_report(overlay,
                    status->boot_id && read.boot_id && !str_eq(status->boot_id, read.boot_id));
    if (given(patch, "lastTransitionTime"))
        status->last_transition_ms = read.last_transition_ms;
    take_text(patch, "phase", &status->phase, &read.phase);
    take_text(patch, "reason", &status->reason, &read.reason);
    take_text(patch, "message", &status->message, &read.message);
    take_text(patch, "bootId", &status->boot_id, &read.boot_id);
    if (given(patch, "metaspaceFull"))
        status->metaspace_full = read.metaspace_full;
    take_text(patch, "metaspaceMessage", &status->metaspace_message, &read.metaspace_message);
    json_release(status_fields, &read);
    return 0;
}

static int patch_zone(struct overlay *overlay, const cJSON *patch, struct err **err)
{
    struct overlay read = {0};
    if (json_read(zone_fields, patch, "spec", JSON_UNKNOWN_IGNORE, &read, err) < 0)
        return -1;
    take_text(patch, "zone", &overlay->zone, &read.zone);
    mem_free(read.zone);
    return 0;
}

int overlay_patch(struct overlay *overlay, enum store_part part, const cJSON *patch,
                  struct err **err)
{
    const char *member = part == STORE_STATUS ? "status" : "spec";
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(patch, member);
    if (!value)
        return 0;
    if (!cJSON_IsObject(value))
        return err_field(err, member, "must be an object");
    return part == STORE_STATUS ? patch_status(overlay, value, err)
                                : patch_zone(overlay, value, err);
}

void overlay_restarted(struct overlay *overlay)
{
    if (overlay->boot_is_new)
        overlay->boot_is_new = false;
    else if (overlay->status.phase)
        overlay->awaiting = REPORTS_AWAITED;
}

cJSON *overlay_document(const struct overlay *overlay, const struct base *pod)
{
    static char not_ready[] = "NotReady", restarted[] = "BaseRestarted",
                why[] = "a container was started anew; its agent has not told of it yet";
    struct base shown = *pod;
    bool ready = str_eq(pod->status.phase, "Ready");
    if (ready && overlay->awaiting)
        shown.status = (struct base_status){.phase = not_ready,
                                            .reason = restarted,
                                            .message = why,
                                            .last_transition_ms = pod->status.last_transition_ms};
    else if (ready && overlay->status.phase)
        shown.status = overlay->status;
    shown.status.boot_id = overlay->status.boot_id;
    if (overlay->zone)
        shown.spec.zone = overlay->zone;
    return base_write(&shown);
}
