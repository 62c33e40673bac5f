/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bases whose agents fell silent. A base is not ready after base_silent_ms without a report, and gone
 * after base_gone_ms: its Base object is deleted, its Modules with it, and they are placed elsewhere
 * where replicas are counted. Silence is counted from the moment when this controller begins to act at the
 * earliest: neither one that was away nor one that stood by blames anybody.
 */
#include <string.h>

#include "lib/base/str.h"
#include "services/controller/controller_internal.h"
#include "services/controller/documents.h"

#define LOOK_EVERY_MS 1000

/* Figures in messages change with each report: written where what they are about does. */
static bool differs(const struct base_status *now, const struct base_status *wanted)
{
    if (!str_eq(now->phase, wanted->phase) || !str_eq(now->reason, wanted->reason))
        return true;
    return wanted->boot_id && (!str_eq(now->boot_id, wanted->boot_id) ||
                               now->metaspace_full != wanted->metaspace_full);
}

static uint64_t status_hash(const struct base_status *status)
{
    AUTO_FREE char *text =
        mem_printf("%s %s %s %d", status->phase, status->reason ? status->reason : "",
                   status->boot_id ? status->boot_id : "", status->metaspace_full);
    uint64_t hash = str_hash(text, strlen(text));
    return hash ? hash : 1;
}

static void patch_reported(cJSON *status, const struct base_status *wanted)
{
    patch_text(status, "bootId", wanted->boot_id);
    cJSON_AddItemToObject(status, "metaspaceFull",
                          wanted->metaspace_full ? cJSON_CreateTrue() : cJSON_CreateNull());
    patch_text(status, "metaspaceMessage", wanted->metaspace_message);
}

void liveness_write_base(struct controller *controller, const struct base *base,
                         struct sent_status *sent, const struct base_status *wanted)
{
    const struct base_status *now = &base->status;
    const struct sent_status next = {status_hash(wanted), str_eq(wanted->phase, "Ready")};
    /* What was sent is on its way, and would stand there: what is seen may be as wanted only because it is older. */
    bool turns_back = sent && sent->hash && sent->hash != next.hash;
    if (!differs(now, wanted) && !turns_back)
        return;
    bool other_phase =
        !str_eq(now->phase, wanted->phase) || (turns_back && sent->ready != next.ready);
    if (sent)
        *sent = next;
    AUTO_JSON cJSON *json = cJSON_CreateObject();
    cJSON *status = cJSON_AddObjectToObject(json, "status");
    char since[TIME_TEXT_SIZE];
    cJSON_AddStringToObject(status, "phase", wanted->phase);
    patch_text(status, "reason", wanted->reason);
    patch_text(status, "message", wanted->message);
    if (wanted->boot_id)
        patch_reported(status, wanted);
    if (other_phase)
        cJSON_AddStringToObject(status, "lastTransitionTime",
                                time_format(loop_wall_ms(controller->loop), since));
    controller_patch(controller, KIND_BASE, &base->meta, STORE_STATUS, json_text(json));
}

static void look_at(struct controller *controller, struct cached_base *base, int64_t now_ms)
{
    int64_t silent_ms = now_ms - base->last_report_ms;
    /* A Pod that is being deleted may hang on a node that is lost; a Base goes when it is asked to. */
    bool going = base->base->meta.deletion_ms != 0 && !store_bases_are_pods(controller->store);
    if (silent_ms >= controller->options.base_gone_ms && !going) {
        log_warn(controller->log, "base is gone", LOG_STR("base", base->key),
                 LOG_INT("silent_ms", silent_ms));
        controller_remove(controller, KIND_BASE, &base->base->meta);
        base->last_report_ms = now_ms; /* asked once; again if that failed */
    } else if (silent_ms >= controller->options.base_silent_ms && base->view.ready) {
        AUTO_FREE char *message =
            mem_printf("no report of its agent for %lld s", (long long)silent_ms / 1000);
        static char not_ready[] = "NotReady", silent[] = "AgentSilent";
        liveness_write_base(
            controller, base->base, &base->sent,
            &(struct base_status){.phase = not_ready, .reason = silent, .message = message});
    }
}

static void on_look(struct loop_timer *timer)
{
    struct controller *controller = CONTAINER_OF(timer, struct controller, liveness);
    int64_t now_ms = loop_now_ms(controller->loop);
    for (size_t i = 0; i < controller->cache.bases.len; i++)
        look_at(controller, controller->cache.bases.entries[i].value, now_ms);
    agents_sweep(controller);
    loop_timer_start(controller->loop, timer, now_ms + LOOK_EVERY_MS);
}

void liveness_start(struct controller *controller)
{
    int64_t now_ms = loop_now_ms(controller->loop);
    for (size_t i = 0; i < controller->cache.bases.len; i++)
        ((struct cached_base *)controller->cache.bases.entries[i].value)->last_report_ms = now_ms;
    loop_timer_init(&controller->liveness, on_look);
    loop_timer_start(controller->loop, &controller->liveness, now_ms + LOOK_EVERY_MS);
}
