/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/trials.h"

#include "lib/base/mem.h"
#include "lib/base/str.h"

struct trial {
    char *digest;
    int32_t crashes;
    bool running, over; /* neither: it is not on trial */
    int64_t over_ms;    /* mono */
};

static const struct json_field trial_fields[] = {
    JSON_FIELD(struct trial, "sha256", JSON_STRING, digest, JSON_REQUIRED),
    JSON_FIELD(struct trial, "crashes", JSON_INT32, crashes, 0),
    JSON_FIELD(struct trial, "running", JSON_BOOL, running, 0),
    JSON_FIELD(struct trial, "over", JSON_BOOL, over, 0),
    JSON_END,
};

static void trial_free(struct trial *trial)
{
    json_release(trial_fields, trial);
    mem_free(trial);
}

static struct trial *trial_at(const struct trials *trials, size_t i)
{
    return trials->by_identity.entries[i].value;
}

void trials_done(struct trials *trials)
{
    for (size_t i = 0; i < trials->by_identity.len; i++)
        trial_free(trial_at(trials, i));
    map_done(&trials->by_identity);
}

void trials_begin(struct trials *trials, const char *identity, const char *digest)
{
    struct trial *trial = map_get(&trials->by_identity, identity);
    if (!trial) {
        trial = NEW(struct trial);
        map_put(&trials->by_identity, identity, trial);
    }
    if (!str_eq(trial->digest, digest)) {
        mem_replace(&trial->digest, digest);
        trial->crashes = 0;
    }
    trial->running = true;
    trial->over = false;
}

void trials_over(struct trials *trials, const char *identity, int64_t now_ms)
{
    struct trial *trial = map_get(&trials->by_identity, identity);
    if (!trial || !trial->running)
        return;
    trial->running = false;
    trial->over = true;
    trial->over_ms = now_ms;
}

bool trials_forget(struct trials *trials, const char *identity)
{
    struct trial *trial = map_remove(&trials->by_identity, identity);
    if (!trial)
        return false;
    trial_free(trial);
    return true;
}

bool trials_lived(struct trials *trials, int64_t now_ms)
{
    bool changed = false;
    for (size_t i = trials->by_identity.len; i-- > 0;) { /* a removal moves the last one here */
        const struct trial *trial = trial_at(trials, i);
        if (!trial->over || now_ms - trial->over_ms < TRIAL_LIVES_MS)
            continue;
        AUTO_FREE char *identity = mem_strdup(trials->by_identity.entries[i].key);
        changed |= trials_forget(trials, identity);
    }
    return changed;
}

/* Whose fault it may be: that of what ran, else of what was just over. */
static bool suspected(const struct trial *trial, bool one_ran)
{
    return one_ran ? trial->running : trial->over;
}

bool trials_died(struct trials *trials)
{
    bool one_ran = false, changed = false;
    int32_t suspects = 0;
    for (size_t i = 0; i < trials->by_identity.len; i++)
        one_ran |= trial_at(trials, i)->running;
    for (size_t i = 0; i < trials->by_identity.len; i++)
        suspects += suspected(trial_at(trials, i), one_ran);
    int32_t most = suspects == 1 ? TRIAL_CRASHES_MAX : TRIAL_CRASHES_MAX - 1;
    for (size_t i = 0; i < trials->by_identity.len; i++) {
        struct trial *trial = trial_at(trials, i);
        changed |= trial->running || trial->over;
        if (suspected(trial, one_ran) && trial->crashes < most)
            trial->crashes++;
        trial->running = trial->over = false;
    }
    return changed;
}

void trials_orphaned(struct trials *trials, int64_t now_ms)
{
    for (size_t i = 0; i < trials->by_identity.len; i++)
        trials_over(trials, trials->by_identity.entries[i].key, now_ms);
}

bool trials_pending(const struct trials *trials)
{
    for (size_t i = 0; i < trials->by_identity.len; i++)
        if (trial_at(trials, i)->running || trial_at(trials, i)->over)
            return true;
    return false;
}

int trials_crashes(const struct trials *trials, const char *identity, const char *digest)
{
    const struct trial *trial = map_get(&trials->by_identity, identity);
    return trial && str_eq(trial->digest, digest) ? trial->crashes : 0;
}

cJSON *trials_write(const struct trials *trials)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < trials->by_identity.len; i++)
        cJSON_AddItemToObject(json, trials->by_identity.entries[i].key,
                              json_write(trial_fields, trial_at(trials, i)));
    return json;
}

void trials_read(const cJSON *json, struct trials *trials)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        struct trial *trial = NEW(struct trial);
        bool read = cJSON_IsObject(item) &&
                    json_read(trial_fields, item, "", JSON_UNKNOWN_IGNORE, trial, NULL) == 0;
        struct trial *before = read ? map_put(&trials->by_identity, item->string, trial) : trial;
        if (before)
            trial_free(before);
    }
}
