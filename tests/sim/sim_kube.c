/* SPDX-License-Identifier: Apache-2.0 */
/* A call takes effect some time after it was made, its answer comes later still, or its time runs out. */
#include "tests/sim/sim_kube.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/list.h"
#include "lib/base/str.h"
#include "services/controller/store/merge_patch.h"

struct kube_client {
    struct sim_kube *kube;
    struct sim_kube_reach *reach;
    struct list calls;
    bool dead, ending;
};

struct call {
    struct list node;
    struct kube_client *client;
    struct loop_timer timer, deadline;
    enum kube_verb verb;
    char *body;   /* of the request; owned */
    char *answer; /* owned; NULL with err, or before it took effect */
    struct err *err;
    kube_done_fn done;
    void *user;
};

static bool chance(const struct sim_kube *kube, int32_t per_mille)
{
    return per_mille > 0 && rand_below(kube->rand, 1000) < (uint64_t)per_mille;
}

static int64_t due_ms(const struct sim_kube *kube)
{
    return loop_now_ms(kube->loop) +
           (int64_t)rand_below(kube->rand, (uint64_t)kube->faults->call_ms + 1);
}

static void end_call(struct call *call)
{
    struct sim_kube *kube = call->client->kube;
    const struct kube_answer answer = {200, call->answer, call->answer ? strlen(call->answer) : 0};
    loop_timer_stop(kube->loop, &call->timer);
    loop_timer_stop(kube->loop, &call->deadline);
    list_remove(&call->node);
    call->done(call->user, call->err ? NULL : &answer, call->err);
    mem_free(call->body);
    mem_free(call->answer);
    err_free(call->err);
    mem_free(call);
}

static void fail(struct call *call, enum err_code code, const char *why)
{
    if (!call->err)
        err_set(&call->err, code, "%s", why);
}

/* -- the server -- */

static void stamp(struct sim_kube *kube)
{
    AUTO_FREE char *version = mem_printf("%lld", (long long)++kube->version);
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(kube->lease, "metadata");
    cJSON_DeleteItemFromObjectCaseSensitive(metadata, "resourceVersion");
    cJSON_AddStringToObject(metadata, "resourceVersion", version);
}

static void create(struct sim_kube *kube, struct call *call)
{
    if (kube->lease) {
        fail(call, ERR_EXISTS, "there is one");
        return;
    }
    kube->lease = json_parse(call->body, strlen(call->body), LIMIT_OBJECT, NULL);
    stamp(kube);
}

static void patch(struct sim_kube *kube, struct call *call)
{
    AUTO_JSON cJSON *changes = json_parse(call->body, strlen(call->body), LIMIT_OBJECT, NULL);
    if (!kube->lease) {
        fail(call, ERR_NOT_FOUND, "there is none");
        return;
    }
    if (!str_eq(json_get_string(changes, "metadata.resourceVersion"),
                json_get_string(kube->lease, "metadata.resourceVersion"))) {
        fail(call, ERR_CONFLICT, "somebody was quicker");
        return;
    }
    (void)merge_patch_member(kube->lease, "spec",
                             cJSON_GetObjectItemCaseSensitive(changes, "spec"));
    stamp(kube);
}

static void take_effect(struct call *call)
{
    struct sim_kube *kube = call->client->kube;
    if (chance(kube, kube->faults->refused)) {
        fail(call, ERR_UNAVAILABLE, "the server does not answer");
        return;
    }
    if (call->verb == KUBE_CREATE)
        create(kube, call);
    else if (call->verb == KUBE_MERGE_PATCH)
        patch(kube, call);
    else if (!kube->lease)
        fail(call, ERR_NOT_FOUND, "there is none");
    if (!call->err)
        call->answer = json_text(kube->lease);
    if (call->verb != KUBE_GET && chance(kube, kube->faults->answer_lost))
        fail(call, ERR_DATA_LOSS, "the answer of the server was lost");
}

/* -- time -- */

static bool is_over(const struct call *call)
{
    return call->answer || call->err;
}

/* Who is cut off learns nothing but that its time is over. */
static void on_due(struct loop_timer *timer)
{
    struct call *call = CONTAINER_OF(timer, struct call, timer);
    struct sim_kube *kube = call->client->kube;
    if (call->client->reach->cut)
        return;
    if (is_over(call)) {
        end_call(call);
        return;
    }
    take_effect(call);
    loop_timer_start(kube->loop, &call->timer, due_ms(kube));
}

static void on_deadline(struct loop_timer *timer)
{
    struct call *call = CONTAINER_OF(timer, struct call, deadline);
    err_free(TAKE(call->err));
    fail(call, ERR_TIMEOUT, "no answer in time");
    end_call(call);
}

void sim_kube_end(struct sim_kube_reach *reach, bool gently)
{
    struct kube_client *client = reach->client;
    bool arrives = gently && !reach->cut;
    client->dead = !arrives;
    client->ending = true;
    while (!list_empty(&client->calls)) {
        struct call *call = LIST_ENTRY(client->calls.next, struct call, node);
        if (!is_over(call) && (arrives || (!reach->cut && chance(client->kube, 500))))
            take_effect(call);
        if (!arrives)
            fail(call, ERR_CANCELLED, "the program has ended");
        end_call(call);
    }
}

/* -- what lib/kube has -- */

int kube_client_new(struct kube_client **out, const struct kube_config *config,
                    const char *user_agent, struct log *log, struct err **err)
{
    (void)user_agent;
    (void)log;
    (void)err;
    struct sim_kube_reach *reach =
        CONTAINER_OF((struct kube_config *)(uintptr_t)config, struct sim_kube_reach, config);
    struct kube_client *client = NEW(struct kube_client);
    client->kube = reach->kube;
    client->reach = reach;
    reach->client = client;
    list_init(&client->calls);
    *out = client;
    return 0;
}

void kube_send(struct kube_client *client, const struct kube_request *request, kube_done_fn done,
               void *user)
{
    struct call *call = NEW(struct call);
    *call = (struct call){.client = client,
                          .verb = request->verb,
                          .body = mem_strdup(request->body),
                          .done = done,
                          .user = user};
    list_init(&call->node);
    list_append(&client->calls, &call->node);
    loop_timer_init(&call->timer, on_due);
    loop_timer_init(&call->deadline, on_deadline);
    if (client->dead)
        fail(call, ERR_CANCELLED, "the program has ended");
    else if (client->ending)
        take_effect(call);
    if (client->ending) {
        end_call(call);
        return;
    }
    loop_timer_start(client->kube->loop, &call->timer, due_ms(client->kube));
    loop_timer_start(client->kube->loop, &call->deadline,
                     loop_now_ms(client->kube->loop) + request->timeout_ms);
}

void kube_client_free(struct kube_client *client)
{
    sim_kube_end(client->reach, /* gently= */ false);
    client->reach->client = NULL;
    mem_free(client);
}
