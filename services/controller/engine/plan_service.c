/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/plan_service.h"

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/release_status.h"

/* -- what is wanted -- */

char *service_name(const char *module)
{
    return mem_printf("%s-service", module);
}

static void add_label(struct service *service, const char *key, const char *value)
{
    AUTO_FREE char *encoded = label_value(value);
    json_map_set(&service->meta.labels, key, encoded);
}

static void add_owner(struct service *service, const struct module_deployment *md)
{
    struct owner_reference *owner = NEW(struct owner_reference);
    *owner = (struct owner_reference){
        .kind = mem_strdup(kind_name(KIND_MODULE_DEPLOYMENT)),
        .name = mem_strdup(md->meta.name),
        .uid = mem_strdup(md->meta.uid),
        .controller = true,
    };
    service->meta.owners = (struct json_array){owner, 1};
}

struct service *service_wanted(const struct module_deployment *md,
                               const struct module_template_spec *template)
{
    const struct service_strategy *strategy = &md->spec.strategy.service;
    struct service *service = NEW(struct service);
    service->meta.name = service_name(template->module.name);
    service->meta.namespace = mem_strdup(md->meta.namespace);
    add_label(service, LABEL_MODULE_NAME, template->module.name);
    add_label(service, LABEL_MODULE_DEPLOYMENT, md->meta.name);
    add_label(service, LABEL_DEPLOYMENT_NAME, md->spec.base_deployment_name);
    add_owner(service, md);
    service->spec.type = mem_strdup("NodePort");
    AUTO_FREE char *traffic = mem_printf(LABEL_TRAFFIC_PREFIX "%s", template->module.name);
    json_map_set(&service->spec.selector, traffic, "true");
    struct service_port *port = NEW(struct service_port);
    *port = (struct service_port){
        .name = mem_strdup("http"),
        .protocol = mem_strdup("TCP"),
        .port = strategy->port,
        .target_port = mem_printf("%d", strategy->target_port),
    };
    service->spec.ports = (struct json_array){port, 1};
    return service;
}

static bool port_equal(const struct service_port *a, const struct service_port *b)
{
    return str_eq(a->name, b->name) && str_eq(a->protocol, b->protocol) && a->port == b->port &&
           str_eq(a->target_port, b->target_port);
}

static bool has_all(const struct json_map *map, const struct json_map *wanted)
{
    for (size_t i = 0; i < wanted->len; i++)
        if (!str_eq(json_map_get(map, wanted->items[i].key), wanted->items[i].value))
            return false;
    return true;
}

static bool as_wanted(const struct service *service, const struct service *wanted)
{
    const struct service_spec *a = &service->spec, *b = &wanted->spec;
    return str_eq(a->type, b->type) && a->selector.len == b->selector.len &&
           has_all(&a->selector, &b->selector) && a->ports.len == 1 &&
           port_equal(a->ports.items, b->ports.items) &&
           has_all(&service->meta.labels, &wanted->meta.labels);
}

/* -- what is there -- */

/* With a template. */
static bool is_wanted(const struct deployment_view *view)
{
    return view->md->spec.strategy.service.enable_module_service && !view->owner_conflict &&
           view->md->status.release.update_revision;
}

static const struct service *find_service(const struct deployment_view *view, const char *name)
{
    for (size_t i = 0; i < view->service_count; i++)
        if (str_eq(view->services[i]->service->meta.name, name))
            return view->services[i]->service;
    return NULL;
}

/* Whether instances of the module that the Service of @name is for are still there. */
static bool is_needed(const struct deployment_view *view, const char *name)
{
    for (size_t i = 0; i < view->revision_count; i++) {
        const struct revision *revision = view->revisions[i];
        AUTO_FREE char *own = service_name(revision->rs->spec.template.module.name);
        if (revision->instances.len && str_eq(own, name))
            return true;
    }
    return false;
}

/* Why the Service of @name is not made, or NULL. */
static const struct service_refusal *refusal_of(const struct deployment_view *view,
                                                const char *name)
{
    const struct service_refusal *refusal = view->service_refusal;
    return refusal && str_eq(refusal->name, name) ? refusal : NULL;
}

/* -- the plan -- */

static void remove_unneeded(const struct deployment_view *view, const char *wanted,
                            struct plan *plan)
{
    const struct object_meta *md = &view->md->meta;
    bool enabled = view->md->spec.strategy.service.enable_module_service && !md->deletion_ms;
    for (size_t i = 0; i < view->service_count; i++) {
        const struct object_meta *meta = &view->services[i]->service->meta;
        bool kept = enabled && (str_eq(meta->name, wanted) || is_needed(view, meta->name));
        if (!kept && !meta->deletion_ms)
            plan_add(plan, ACTION_DELETE_SERVICE, meta->name);
    }
}

static void remove_last(const struct deployment_view *view, struct plan *plan)
{
    for (size_t i = 0; i < view->revision_count; i++)
        if (view->revisions[i]->instances.len)
            return;
    remove_unneeded(view, NULL, plan);
}

/* Once for each message: the condition remembers what was told. */
static void report_refusal(const struct deployment_view *view,
                           const struct service_refusal *refusal, struct plan *plan)
{
    const struct condition *told = status_condition(&view->md->status, CONDITION_SERVICE_READY);
    if (refusal->reason && !(told && str_eq(told->message, refusal->message)))
        plan_event(plan, "", true, refusal->reason, mem_strdup(refusal->message));
}

void plan_service(const struct deployment_view *view, struct plan *plan)
{
    if (view->md->meta.deletion_ms) {
        remove_last(view, plan);
        return;
    }
    if (!view->template)
        return;
    AUTO_FREE char *name = service_name(view->template->module.name);
    remove_unneeded(view, name, plan);
    if (!is_wanted(view))
        return;
    const struct service *service = find_service(view, name);
    const struct service_refusal *refusal = refusal_of(view, name);
    struct service *wanted = service_wanted(view->md, view->template);
    bool right = service && (service->meta.deletion_ms || as_wanted(service, wanted));
    service_free(wanted);
    if (right)
        return;
    if (refusal)
        report_refusal(view, refusal, plan);
    if (refusal && view->now_ms < refusal->at_ms + SERVICE_RETRY_MS)
        plan_requeue(plan, refusal->at_ms + SERVICE_RETRY_MS);
    else
        plan_add(plan, service ? ACTION_UPDATE_SERVICE : ACTION_CREATE_SERVICE, name);
}

void service_set_condition(const struct deployment_view *view,
                           struct module_deployment_status *status)
{
    if (!view->template)
        return;
    if (!is_wanted(view)) {
        status_drop_condition(status, CONDITION_SERVICE_READY);
        return;
    }
    AUTO_FREE char *name = service_name(view->template->module.name);
    const struct service_refusal *refusal = refusal_of(view, name);
    if (refusal && refusal->reason)
        status_set_condition(status, CONDITION_SERVICE_READY, false, refusal->reason,
                             refusal->message, view->wall_ms);
    else if (find_service(view, name))
        status_set_condition(status, CONDITION_SERVICE_READY, true, "ServiceMade", name,
                             view->wall_ms);
}
