/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jars that agents fetch before their turn (engine/prefetch.h). All of it is in memory, and nothing waits for it: what
 * fails, or is forgotten by a restart, is fetched by the install. An agent that has fetched the jar already answers at
 * once, so it may be asked again.
 *
 * Few are out at once, for all agents fetch from the same store, and none is begun while calls for operations wait.
 */
#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"

/* One call, and its outcome on the way to the loop. */
struct prefetching {
    struct loop_event event;
    struct controller *controller;
    char *deployment, *base; /* their keys */
    char *revision;          /* name */
    char *id;
    int64_t asked_ms;
    bool running, failed, useless; /* useless: the agent can't, or keeps no jars */
    char *error;
};

static void call(struct prefetching *one, const struct revision *update,
                 const struct base_state *base);

static void free_one(struct prefetching *one)
{
    mem_free(one->deployment);
    mem_free(one->base);
    mem_free(one->revision);
    mem_free(one->id);
    mem_free(one->error);
    mem_free(one);
}

/* -- outcomes -- */

/* The deployment, while it releases what was asked for. */
static struct deployment *deployment_of(const struct prefetching *one)
{
    struct deployment *deployment = map_get(&one->controller->cache.deployments, one->deployment);
    return deployment && str_eq(deployment->prefetch.revision, one->revision) ? deployment : NULL;
}

static void note_end(const struct prefetching *one, struct deployment *deployment)
{
    struct controller *controller = one->controller;
    if (one->error || !(one->running || one->useless))
        metric_add(controller->prefetched[!one->error], 1);
    if (one->useless && deployment)
        deployment->prefetch.useless = true;
    if (one->failed && deployment)
        deployment->prefetch.failures++;
    if (one->error)
        log_warn(controller->log, "prefetch failed, left to the install",
                 LOG_STR("base", one->base), LOG_STR("revision", one->revision),
                 LOG_STR("error", one->error));
}

/* Whether the agent did wait and still fetches, for what is released still. Return: it was asked again. */
static bool ask_again(struct prefetching *one, struct deployment *deployment)
{
    struct controller *controller = one->controller;
    const struct cached_base *base = map_get(&controller->cache.bases, one->base);
    bool waited = loop_now_ms(controller->loop) - one->asked_ms >= AGENT_WAIT_MS / 2;
    if (!one->running || !waited || !deployment || !base || controller->stopping)
        return false;
    struct deployment_view view =
        cache_view(&controller->cache, deployment, loop_wall_ms(controller->loop));
    const struct revision *update = prefetch_update(&view, &deployment->prefetch);
    if (!update || !str_eq(update->rs->meta.name, one->revision))
        return false;
    call(one, update, &base->view);
    return true;
}

/* Those that found no room, or had to let operations go first. */
static void begin_waiting(struct controller *controller)
{
    struct map *waiting = &controller->prefetches_waiting;
    for (size_t i = waiting->len; i-- > 0 && controller->prefetches < LIMIT_PREFETCHES;) {
        AUTO_FREE char *key = mem_strdup(waiting->entries[i].key); /* it may be taken out */
        struct deployment *deployment = map_get(&controller->cache.deployments, key);
        if (!deployment) {
            map_remove(waiting, key);
            continue;
        }
        struct deployment_view view =
            cache_view(&controller->cache, deployment, loop_wall_ms(controller->loop));
        prefetches_begin(controller, deployment, &view);
    }
}

static void on_outcome(struct loop_event *event)
{
    struct prefetching *one = CONTAINER_OF(event, struct prefetching, event);
    struct controller *controller = one->controller;
    struct deployment *deployment = deployment_of(one);
    controller->in_flight--;
    controller->prefetches--;
    if (ask_again(one, deployment))
        return;
    note_end(one, deployment);
    free_one(one);
    begin_waiting(controller);
}

static void read_operation(struct prefetching *one,
                           const Koupleless__Agent__V1__Operation *operation)
{
    one->running =
        operation->state < KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED;
    one->failed =
        operation->state == KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_FAILED;
    one->useless = operation->url_passed_through;
    if (one->failed)
        one->error = mem_strdup(operation->error ? operation->error->message : "no reason given");
}

static void on_rpc_done(void *user, const ProtobufCMessage *message, const struct err *err)
{
    struct prefetching *one = user;
    const Koupleless__Agent__V1__PrefetchModuleResponse *response = (const void *)message;
    one->running = one->failed = one->useless = false;
    if (response && response->operation)
        read_operation(one, response->operation);
    else
        one->error = mem_strdup(err ? err->message : "no operation in the answer");
    one->useless = one->useless || (err && err->code == ERR_UNIMPLEMENTED);
    loop_post(one->controller->loop, &one->event);
}

/* -- calls -- */

static void call(struct prefetching *one, const struct revision *update,
                 const struct base_state *base)
{
    struct controller *controller = one->controller;
    AUTO_ERR struct err *err = NULL;
    Koupleless__Module__V1__ModuleSpec module =
        agents_module_message(&update->rs->spec.template.module);
    Google__Protobuf__Duration wait = agents_wait();
    struct rpc_options options = {.deadline_ms = AGENT_DEADLINE_MS};
    Koupleless__Agent__V1__PrefetchModuleRequest request =
        KOUPLELESS__AGENT__V1__PREFETCH_MODULE_REQUEST__INIT;
    request.operation_id = one->id;
    request.module = &module;
    request.wait = &wait;
    request.target_base = one->base;
    request.epoch = controller->epoch;
    one->asked_ms = loop_now_ms(controller->loop);
    controller->in_flight++;
    controller->prefetches++;
    struct rpc_channel *channel = agents_channel(controller, base->base->spec.agent_address, &err);
    if (channel)
        rpc_unary(channel, &koupleless__agent__v1__agent_service__descriptor, "PrefetchModule",
                  &request.base, &options, on_rpc_done, one);
    else
        on_rpc_done(one, NULL, err);
}

static void begin_one(struct controller *controller, const struct deployment *deployment,
                      const struct revision *update, struct base_state *base)
{
    const struct cached_base *cached = CONTAINER_OF(base, struct cached_base, view);
    if (cached->unreached || str_empty(base->base->spec.agent_address))
        return;
    struct prefetching *one = NEW(struct prefetching);
    one->event.fn = on_outcome;
    one->controller = controller;
    one->deployment = mem_strdup(deployment->key);
    one->base = mem_strdup(cached->key);
    one->revision = mem_strdup(update->rs->meta.name);
    /* With the time, for an agent remembers how one of an earlier release of the same revision ended. */
    one->id = mem_printf("%s-prefetch-%llx-%llx", update->rs->meta.uid,
                         (unsigned long long)controller->life,
                         (unsigned long long)loop_now_ms(controller->loop));
    call(one, update, base);
}

void prefetches_begin(struct controller *controller, struct deployment *deployment,
                      const struct deployment_view *view)
{
    const struct revision *update = prefetch_update(view, &deployment->prefetch);
    bool wanted = update && !controller->stopping;
    struct base_state *base = NULL;
    while (wanted && controller->prefetches < LIMIT_PREFETCHES &&
           list_empty(&controller->calls_waiting) &&
           (base = prefetch_next(view, update, &deployment->prefetch)))
        begin_one(controller, deployment, update, base);
    bool more = wanted && deployment->prefetch.at < view->base_count;
    if (more)
        map_put(&controller->prefetches_waiting, deployment->key, controller);
    else
        map_remove(&controller->prefetches_waiting, deployment->key);
}
