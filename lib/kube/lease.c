/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/lease.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"

#define MICRO_TIME_SIZE (TIME_TEXT_SIZE + 8)
#define PROMISE_MAX_MS 3600000 /* what a broken holder may hold others up */

const struct kube_resource kube_leases = {
    .group = "coordination.k8s.io", .version = "v1", .plural = "leases", .kind = "Lease"};

/* Of a Lease, what counts. */
struct stored {
    struct stored_metadata {
        char *version;
    } metadata;
    struct stored_spec {
        char *holder;
        int64_t seconds, transitions;
    } spec;
};

static const struct json_field metadata_fields[] = {
    JSON_FIELD(struct stored_metadata, "resourceVersion", JSON_STRING, version, JSON_REQUIRED),
    JSON_END,
};

static const struct json_field spec_fields[] = {
    JSON_FIELD(struct stored_spec, "holderIdentity", JSON_STRING, holder, 0),
    JSON_FIELD(struct stored_spec, "leaseDurationSeconds", JSON_INT64, seconds, 0),
    JSON_FIELD(struct stored_spec, "leaseTransitions", JSON_INT64, transitions, 0),
    JSON_END,
};

static const struct json_field lease_fields[] = {
    JSON_FIELD_OBJECT(struct stored, "metadata", metadata, metadata_fields, JSON_REQUIRED),
    JSON_FIELD_OBJECT(struct stored, "spec", spec, spec_fields, 0),
    JSON_END,
};

void kube_lease_init(struct kube_lease *lease, const char *identity)
{
    *lease = (struct kube_lease){.identity = mem_strdup(identity)};
}

void kube_lease_done(struct kube_lease *lease)
{
    mem_free(lease->identity);
    mem_free(lease->holder);
    mem_free(lease->version);
    *lease = (struct kube_lease){0};
}

/* -- what to do -- */

static bool is_ours(const struct kube_lease *lease)
{
    return str_eq(lease->holder, lease->identity);
}

bool kube_lease_held(const struct kube_lease *lease)
{
    return lease->epoch && lease->state == KUBE_LEASE_PRESENT && is_ours(lease);
}

static bool is_taken_from_us(const struct kube_lease *lease)
{
    return lease->epoch && lease->state == KUBE_LEASE_PRESENT && !is_ours(lease);
}

int64_t kube_lease_lost_ms(const struct kube_lease *lease)
{
    return lease->epoch ? lease->renewed_ms + KUBE_LEASE_GIVE_UP_MS : TIME_NEVER;
}

/* Another holds it: a look now and then, until nothing has changed for as long as was promised. */
static enum kube_lease_step wait_for_other(const struct kube_lease *lease, int64_t *ret_at_ms)
{
    int64_t look_ms = lease->asked_ms + KUBE_LEASE_RETRY_MS;
    int64_t over_ms = lease->changed_ms + lease->promised_ms;
    bool looks = look_ms < over_ms;
    *ret_at_ms = looks ? look_ms : over_ms;
    return looks ? KUBE_LEASE_LOOK : KUBE_LEASE_PATCH;
}

enum kube_lease_step kube_lease_next(const struct kube_lease *lease, int64_t now_ms,
                                     int64_t *ret_at_ms)
{
    *ret_at_ms = now_ms;
    if (now_ms >= kube_lease_lost_ms(lease) || is_taken_from_us(lease))
        return KUBE_LEASE_LOST;
    switch (lease->state) {
    case KUBE_LEASE_UNKNOWN:
        *ret_at_ms = lease->asked ? lease->asked_ms + KUBE_LEASE_RETRY_MS : now_ms;
        return KUBE_LEASE_LOOK;
    case KUBE_LEASE_ABSENT:
        return KUBE_LEASE_CREATE;
    case KUBE_LEASE_PRESENT:
        break;
    }
    if (lease->epoch)
        *ret_at_ms = lease->renewed_ms + KUBE_LEASE_RENEW_MS;
    if (str_empty(lease->holder) || is_ours(lease))
        return KUBE_LEASE_PATCH;
    return wait_for_other(lease, ret_at_ms);
}

/* -- what is written -- */

/* Of the type MicroTime: exactly six digits. */
static const char *micro_time(int64_t wall_ms, char buf[MICRO_TIME_SIZE])
{
    int64_t rest_ms = wall_ms % 1000;
    char *zone = strchr(time_format(wall_ms - rest_ms, buf), 'Z');
    snprintf(zone, (size_t)(buf + MICRO_TIME_SIZE - zone), ".%03d000Z", (int)rest_ms);
    return buf;
}

static cJSON *add_spec(cJSON *json, const char *holder, int64_t promised_s, int64_t wall_ms)
{
    char now[MICRO_TIME_SIZE];
    cJSON *spec = cJSON_AddObjectToObject(json, "spec");
    cJSON_AddStringToObject(spec, "holderIdentity", holder);
    cJSON_AddNumberToObject(spec, "leaseDurationSeconds", (double)promised_s);
    cJSON_AddStringToObject(spec, "renewTime", micro_time(wall_ms, now));
    return spec;
}

char *kube_lease_body(const struct kube_lease *lease, const char *namespace, const char *name,
                      int64_t wall_ms)
{
    bool absent = lease->state == KUBE_LEASE_ABSENT;
    cJSON *json = cJSON_CreateObject(), *metadata = cJSON_AddObjectToObject(json, "metadata");
    cJSON_AddStringToObject(metadata, "name", name);
    cJSON_AddStringToObject(metadata, "namespace", namespace);
    if (!absent)
        cJSON_AddStringToObject(metadata, "resourceVersion", lease->version);
    cJSON *spec = add_spec(json, lease->identity, KUBE_LEASE_MS / 1000, wall_ms);
    if (absent || !is_ours(lease)) {
        char now[MICRO_TIME_SIZE];
        cJSON_AddStringToObject(spec, "acquireTime", micro_time(wall_ms, now));
        cJSON_AddNumberToObject(spec, "leaseTransitions",
                                absent ? 0 : (double)(lease->transitions + 1));
    }
    return json_text_take(json);
}

char *kube_lease_hand_back(const struct kube_lease *lease, int64_t wall_ms)
{
    cJSON *json = cJSON_CreateObject(), *metadata = cJSON_AddObjectToObject(json, "metadata");
    cJSON_AddStringToObject(metadata, "resourceVersion", lease->version);
    add_spec(json, "", 1, wall_ms);
    return json_text_take(json);
}

/* -- what came back -- */

static int read_lease(const char *body, size_t body_bytes, struct stored *out, struct err **err)
{
    AUTO_ERR struct err *why = NULL;
    AUTO_JSON cJSON *json = json_parse(body, body_bytes, LIMIT_HTTP_BODY, &why);
    *out = (struct stored){0};
    if (json && json_read(lease_fields, json, "", JSON_UNKNOWN_IGNORE, out, &why) == 0)
        return 0;
    return err_set(err, ERR_DATA_LOSS, "the API server sent what is no Lease: %s", why->message);
}

static int64_t promise(int64_t seconds)
{
    if (seconds <= 0)
        return KUBE_LEASE_MS;
    return seconds < PROMISE_MAX_MS / 1000 ? seconds * 1000 : PROMISE_MAX_MS;
}

static void became_holder(struct kube_lease *lease, int64_t asked_ms)
{
    lease->renewed_ms = asked_ms;
    if (!lease->epoch && !str_parse_int64(lease->version, 1, INT64_MAX, &lease->epoch))
        lease->epoch = 1; /* no version as all servers have them: not told apart from others' */
}

int kube_lease_saw(struct kube_lease *lease, enum kube_lease_step step, const char *body,
                   size_t body_bytes, int64_t asked_ms, int64_t now_ms, struct err **err)
{
    struct stored stored;
    lease->asked = true;
    lease->asked_ms = asked_ms;
    lease->state = KUBE_LEASE_UNKNOWN;
    if (read_lease(body, body_bytes, &stored, err) < 0)
        return -1;
    if (!str_eq(lease->version, stored.metadata.version))
        lease->changed_ms = now_ms;
    mem_free(lease->version);
    mem_free(lease->holder);
    lease->version = stored.metadata.version;
    lease->holder = stored.spec.holder;
    lease->promised_ms = promise(stored.spec.seconds);
    lease->transitions = stored.spec.transitions;
    lease->state = KUBE_LEASE_PRESENT;
    bool in_time = lease->epoch || now_ms < asked_ms + KUBE_LEASE_GIVE_UP_MS;
    if (step != KUBE_LEASE_LOOK && is_ours(lease) && in_time)
        became_holder(lease, asked_ms);
    return 0;
}

void kube_lease_failed(struct kube_lease *lease, enum kube_lease_step step, const struct err *err,
                       int64_t asked_ms)
{
    lease->asked = true;
    lease->asked_ms = asked_ms;
    lease->state = step == KUBE_LEASE_LOOK && err->code == ERR_NOT_FOUND ? KUBE_LEASE_ABSENT
                                                                         : KUBE_LEASE_UNKNOWN;
}
