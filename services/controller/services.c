/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services that can't be made. Only those with our label are watched, so that the controller never holds all
 * of a cluster's: that another one has the name is learnt from the create, and whose it is by a look at it.
 */
#include "lib/base/str.h"
#include "services/controller/controller_internal.h"
#include "services/controller/documents.h"

/* A look at the Service that has the name, on its way to the loop. */
struct look {
    struct loop_event event;
    struct controller *controller;
    char *deployment_key, *name;
    struct service *found; /* NULL: it is gone, or can't be read */
    struct err *err;
};

/* Whether it is for this deployment to have: ours, but for its labels, which somebody has taken off; or the original's. */
static bool is_to_be_ours(struct controller *controller, struct deployment *deployment,
                          const struct service *service)
{
    const struct owner_reference *owner = meta_owner(&service->meta);
    struct deployment_view view = cache_view(&controller->cache, deployment, 0);
    return (owner && str_eq(owner->uid, deployment->md->meta.uid)) ||
           (view.template && original_made(service, view.template->module.name));
}

/* With its labels it is seen, and put right. */
static void reclaim(struct controller *controller, const struct deployment *deployment,
                    const struct service *service)
{
    struct deployment_view view =
        cache_view(&controller->cache, (struct deployment *)(uintptr_t)deployment, 0);
    if (view.template)
        controller_patch(controller, KIND_SERVICE, &service->meta, STORE_MAIN,
                         patch_service(view.md, view.template, service));
}

static void report_conflict(struct controller *controller, struct deployment *deployment,
                            const struct look *look)
{
    const struct owner_reference *owner = look->found ? meta_owner(&look->found->meta) : NULL;
    AUTO_FREE char *whose = owner ? mem_printf("belongs to %s %s", owner->kind, owner->name)
                                  : mem_strdup("does not belong to this ModuleDeployment");
    AUTO_FREE char *message =
        mem_printf("Service %s is there already and %s; it is left alone", look->name, whose);
    cache_refuse_service(&controller->cache, deployment, look->name, "ServiceConflict", message);
}

static void on_looked(struct loop_event *event)
{
    struct look *look = CONTAINER_OF(event, struct look, event);
    struct controller *controller = look->controller;
    controller->in_flight--;
    struct deployment *deployment = map_get(&controller->cache.deployments, look->deployment_key);
    bool gone = look->err && look->err->code == ERR_NOT_FOUND;
    if (deployment && look->found && is_to_be_ours(controller, deployment, look->found))
        reclaim(controller, deployment, look->found);
    else if (deployment && gone)
        cache_offer_service(&controller->cache, deployment);
    else if (look->err) /* nobody knows whose it is: asked again with the next attempt to make it */
        controller_log_failure(controller, "look at a Service", look->err);
    else if (deployment)
        report_conflict(controller, deployment, look);
    service_free(look->found);
    err_free(look->err);
    mem_free(look->deployment_key);
    mem_free(look->name);
    mem_free(look);
}

static void on_got(void *user, const struct document *document, const struct err *err)
{
    struct look *look = user;
    look->err = err_copy(err);
    AUTO_JSON cJSON *json =
        document ? cJSON_ParseWithLength(document->json, document->json_len) : NULL;
    look->found = json ? service_read(json, NULL) : NULL;
    loop_post(look->controller->loop, &look->event);
}

static void look_at(struct controller *controller, const struct deployment *deployment,
                    const char *name)
{
    struct look *look = NEW(struct look);
    look->event.fn = on_looked;
    look->controller = controller;
    look->deployment_key = mem_strdup(deployment->key);
    look->name = mem_strdup(name);
    controller->in_flight++;
    struct store_key key = {KIND_SERVICE, deployment->md->meta.namespace, name};
    store_get(controller->store, &key, on_got, look);
}

bool services_refused(struct controller *controller, const char *deployment_key, const char *name,
                      const struct err *err)
{
    struct deployment *deployment = map_get(&controller->cache.deployments, deployment_key);
    bool exists = err->code == ERR_EXISTS;
    bool refused = err->code == ERR_INVALID || err->code == ERR_DENIED;
    if (!deployment || (!exists && !refused))
        return false;
    AUTO_FREE char *message = mem_printf("Service %s: %s", name, err->message);
    const struct service_refusal *before = &deployment->service_refusal;
    bool known = exists && str_eq(before->name, name) && before->reason;
    AUTO_FREE char *known_reason = known ? mem_strdup(before->reason) : NULL;
    AUTO_FREE char *known_message = known ? mem_strdup(before->message) : NULL;
    cache_refuse_service(&controller->cache, deployment, name,
                         refused ? "ServiceRefused" : known_reason,
                         refused ? message : known_message);
    if (exists)
        look_at(controller, deployment, name);
    return true;
}
