/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on a base though no Module says so (engine/leftover.h) is uninstalled, one at a time. Where that
 * fails or nobody answers the next report tells, and it is tried again.
 */
#include "koupleless/agent/v1/agent.pb-c.h"
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"
#include "services/controller/engine/leftover.h"

#define REMOVAL_DEADLINE_MS 120000

typedef Koupleless__Agent__V1__InstalledModule InstalledModule;

/* An uninstall of one, and its outcome on its way to the loop. */
struct removal {
    struct loop_event event;
    struct controller *controller;
    char *base_key, *base_uid;
    char *name, *version;
    bool succeeded;
    char *error;
};

static void note_removal(struct removal *removal, struct cached_base *base)
{
    struct controller *controller = removal->controller;
    base->removing = false;
    if (!removal->succeeded) {
        log_warn(controller->log, "leftover not uninstalled", LOG_STR("base", base->key),
                 LOG_STR("module", removal->name), LOG_STR("version", removal->version),
                 LOG_STR("error", removal->error));
        return;
    }
    log_info(controller->log, "leftover uninstalled", LOG_STR("base", base->key),
             LOG_STR("module", removal->name), LOG_STR("version", removal->version));
    AUTO_FREE char *message =
        mem_printf("%s:%s ran here though no Module said so", removal->name, removal->version);
    char reason[] = "LeftoverUninstalled";
    struct action event = {.type = ACTION_EVENT, .reason = reason, .message = message};
    events_write(controller, KIND_BASE, &base->base->meta, &event, 0);
}

static void on_removed(struct loop_event *event)
{
    struct removal *removal = CONTAINER_OF(event, struct removal, event);
    struct controller *controller = removal->controller;
    controller->in_flight--;
    struct cached_base *base = map_get(&controller->cache.bases, removal->base_key);
    if (base && str_eq(base->base->meta.uid, removal->base_uid))
        note_removal(removal, base);
    mem_free(removal->base_key);
    mem_free(removal->base_uid);
    mem_free(removal->name);
    mem_free(removal->version);
    mem_free(removal->error);
    mem_free(removal);
}

static void on_rpc_done(void *user, const ProtobufCMessage *response, const struct err *err)
{
    struct removal *removal = user;
    const Koupleless__Agent__V1__UninstallModuleResponse *answer = (const void *)response;
    const Koupleless__Agent__V1__Operation *operation = answer ? answer->operation : NULL;
    removal->succeeded =
        operation &&
        operation->state == KOUPLELESS__AGENT__V1__OPERATION_STATE__OPERATION_STATE_SUCCEEDED;
    if (!removal->succeeded)
        removal->error = mem_strdup(err                             ? err->message
                                    : operation && operation->error ? operation->error->message
                                                                    : "it runs still");
    loop_post(removal->controller->loop, &removal->event);
}

static void uninstall(struct controller *controller, struct cached_base *base,
                      const InstalledModule *module)
{
    AUTO_ERR struct err *err = NULL;
    struct rpc_channel *channel = agents_channel(controller, base->base->spec.agent_address, &err);
    if (!channel)
        return; /* what is wrong with the address is told of every Module there */
    struct removal *removal = NEW(struct removal);
    removal->event.fn = on_removed;
    removal->controller = controller;
    removal->base_key = mem_strdup(base->key);
    removal->base_uid = mem_strdup(base->base->meta.uid);
    removal->name = mem_strdup(module->name);
    removal->version = mem_strdup(module->version);
    base->removing = true;
    controller->in_flight++;

    /* Without an id: the same leftover may come back. */
    Koupleless__Agent__V1__UninstallModuleRequest request =
        KOUPLELESS__AGENT__V1__UNINSTALL_MODULE_REQUEST__INIT;
    request.name = module->name;
    request.version = module->version;
    request.target_base = base->key;
    request.epoch = controller->epoch;
    struct rpc_options options = {.deadline_ms = REMOVAL_DEADLINE_MS};
    rpc_unary(channel, &koupleless__agent__v1__agent_service__descriptor, "UninstallModule",
              &request.base, &options, on_rpc_done, removal);
}

static bool goes(const struct controller *controller, const struct cached_base *base,
                 const InstalledModule *module)
{
    struct leftover_view view = {
        .name = module->name,
        .version = module->version,
        .instances = base->view.instances.items,
        .instance_count = base->view.instances.len,
        .adopts = base_adopts(&base->view, module->name),
        .owner = cache_owner(&controller->cache, base->group, module->name),
    };
    return !str_eq(module->state, "resolved") && leftover_goes(&view);
}

void leftovers_look(struct controller *controller, struct cached_base *base,
                    const Koupleless__Controller__V1__ReportRequest *report)
{
    bool answers = report->ready && !report->leaving && report->modules_known;
    if (!answers || base->removing || base->base->meta.deletion_ms || controller->stopping)
        return;
    for (size_t i = 0; i < report->n_modules && !base->removing; i++)
        if (goes(controller, base, report->modules[i]))
            uninstall(controller, base, report->modules[i]);
}
