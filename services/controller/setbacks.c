/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans that could not be carried out. Their keys are planned anew after a while that doubles with each failure in a
 * row, and not before: what makes a key dirty meanwhile is looked at then. What the store refuses, as for rights
 * that are missing, is told by the ModuleDeployments that wait for it.
 */
#include "lib/base/backoff.h"
#include "services/controller/controller_internal.h"

#define RETRY_FIRST_MS 500
#define RETRY_MAX_MS 5000          /* a server that is away: the store has tried for a while, too */
#define REFUSED_RETRY_MAX_MS 30000 /* until somebody mends what is wrong */

struct setback {
    int attempts;
    int64_t retry_ms;
};

/* The same again makes no difference before something else has changed. */
static bool is_refusal(const struct err *err)
{
    switch (err->code) {
    case ERR_DENIED:
    case ERR_PRECONDITION: /* a definition that is missing, or of another version */
    case ERR_UNAUTHENTICATED:
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_UNIMPLEMENTED:
        return true;
    default:
        return false;
    }
}

/* What the plan of @work_key is for. */
static void tell(struct controller *controller, const char *work_key, struct deployment *deployment,
                 const struct err *why)
{
    if (deployment && why)
        cache_refuse_write(&controller->cache, deployment, work_key, why->message);
    else if (deployment)
        cache_take_write(&controller->cache, deployment, work_key);
}

/* @why: NULL where it is over. */
static void tell_all(struct controller *controller, const char *work_key, const struct err *why)
{
    if (work_key[0] != BASE_KEY) {
        tell(controller, work_key, executor_deployment(controller, work_key), why);
        return;
    }
    struct cached_base *base = map_get(&controller->cache.bases, work_key + 2);
    for (size_t i = 0; base && i < base->view.instances.len; i++) {
        struct revision *revision = base->view.instances.items[i]->revision;
        if (revision)
            tell(controller, work_key,
                 CONTAINER_OF(revision, struct cached_revision, view)->deployment, why);
    }
}

int64_t setbacks_add(struct controller *controller, const char *work_key, const struct err *why)
{
    struct setback *setback = map_get(&controller->setbacks, work_key);
    if (!setback) {
        setback = NEW(struct setback);
        map_put(&controller->setbacks, work_key, setback);
    }
    bool refused = is_refusal(why);
    int64_t now_ms = loop_now_ms(controller->loop);
    /* Somebody was faster: neither a failure nor the end of one. */
    bool conflict = why->code == ERR_CONFLICT;
    if (!conflict)
        setback->attempts++;
    setback->retry_ms = now_ms + backoff_ms(conflict ? 1 : setback->attempts, RETRY_FIRST_MS,
                                            refused ? REFUSED_RETRY_MAX_MS : RETRY_MAX_MS, NULL);
    if (!conflict)
        log_warn(controller->log, "write failed, planned anew", LOG_STR("key", work_key),
                 LOG_INT("after_ms", setback->retry_ms - now_ms), LOG_ERR(why));
    if (refused)
        tell_all(controller, work_key, why);
    return setback->retry_ms;
}

void setbacks_end(struct controller *controller, const char *work_key)
{
    struct setback *setback = map_remove(&controller->setbacks, work_key);
    if (!setback)
        return;
    mem_free(setback);
    tell_all(controller, work_key, NULL);
}

int64_t setbacks_until_ms(const struct controller *controller, const char *work_key)
{
    const struct setback *setback = map_get(&controller->setbacks, work_key);
    return setback ? setback->retry_ms : 0;
}

void setbacks_free(struct controller *controller)
{
    for (size_t i = 0; i < controller->setbacks.len; i++)
        mem_free(controller->setbacks.entries[i].value);
    map_done(&controller->setbacks);
}
