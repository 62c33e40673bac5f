/* SPDX-License-Identifier: Apache-2.0 */
/* What plans decide, carried out on the copy: as the executor, the agents and the bases would. */
#include "services/controller/engine/forecast_internal.h"

#include <string.h>

#include "lib/model/labels.h"
#include "services/controller/engine/links.h"
#include "services/controller/engine/plan_service.h"

static struct forecast_instance *instance_of(struct instance *view)
{
    return CONTAINER_OF(view, struct forecast_instance, view);
}

static void set_off(struct forecast *f, struct forecast_instance *instance, bool off)
{
    instance->off = off;
    forecast__count_serving(f, instance);
}

/* -- operations -- */

static bool takes_place(const struct forecast_instance *instance)
{
    return instance->view.replaces && instance->module->spec.upgrade_way == WAY_IN_PLACE;
}

static void start_operation(struct forecast *f, struct forecast_instance *instance,
                            enum operation_type type)
{
    struct operation *operation = &instance->view.operation;
    if (!instance->base)
        return;
    int64_t takes_ms = type == OPERATION_INSTALL  ? f->times.install_ms
                       : type == OPERATION_SWITCH ? f->times.switch_ms
                       : instance->off            ? 0 /* another one has taken its place */
                                                  : f->times.uninstall_ms;
    if (type == OPERATION_INSTALL && takes_place(instance))
        forecast__record_step(f, instance, FORECAST_REPLACE);
    else if (type != OPERATION_UNINSTALL || !instance->off)
        forecast__record_step(f, instance,
                              type == OPERATION_INSTALL  ? FORECAST_INSTALL
                              : type == OPERATION_SWITCH ? FORECAST_SWITCH
                                                         : FORECAST_UNINSTALL);
    if (type == OPERATION_INSTALL && takes_place(instance))
        set_off(f, instance_of(instance->view.replaces), true);
    if (type == OPERATION_UNINSTALL)
        set_off(f, instance, true);
    operation->type = type;
    f->running++;
    operation->state = OPERATION_RUNNING;
    operation->started_ms = f->now_ms;
    forecast__record_touched(f, instance->base, true);
    forecast__start_timer(f, f->now_ms + takes_ms, TIMER_OPERATION, instance);
    forecast__dirty_around(f, instance);
}

/* Another version of the module has the traffic of the base. */
static bool is_beside(const struct forecast_instance *instance)
{
    const struct instance *old = instance->view.replaces;
    return old && old->base == instance->view.base && instance_of(instance->view.replaces)->serving;
}

void forecast__end_operation(struct forecast *f, struct forecast_instance *instance)
{
    struct operation *operation = &instance->view.operation;
    f->running--;
    operation->state = OPERATION_SUCCEEDED;
    operation->ended_ms = f->moved_ms = f->now_ms;
    operation->failures = operation->unanswered = 0;
    operation->successes++;
    operation->duration_ms = (int32_t)(f->now_ms - operation->started_ms);
    if (operation->type == OPERATION_INSTALL)
        set_off(f, instance, false);
    instance->view.reported = operation->type == OPERATION_UNINSTALL ? REPORTED_ABSENT
                              : operation->type == OPERATION_INSTALL && is_beside(instance)
                                  ? REPORTED_INACTIVE
                                  : REPORTED_ACTIVE;
    instance->view.reported_ms = f->now_ms;
    instance->view.unhealthy = false;
    instance_recount(&instance->view, true);
    forecast__record_touched(f, instance->base, false);
    forecast__dirty_around(f, instance);
}

/* -- actions -- */

static void write_module_status(struct forecast *f, struct forecast_instance *instance,
                                struct action *action)
{
    enum module_phase before = instance->module->status.phase;
    struct module_instance_status old = instance->module->status;
    instance->module->status = *action->module_status;
    *action->module_status = old;
    instance_recount(&instance->view, true);
    forecast__count_serving(f, instance);
    enum module_phase now = instance->module->status.phase;
    forecast__dirty_around(f, instance);
    if ((before == MODULE_AVAILABLE) != (now == MODULE_AVAILABLE)) {
        f->change++;
        forecast__dirty_base_of(f, instance);
    }
}

static void delete_module(struct forecast *f, struct forecast_instance *instance)
{
    if (instance_deleting(&instance->view))
        return;
    instance->module->meta.deletion_ms = instance->view.going_ms = f->now_ms;
    instance_recount(&instance->view, true);
    f->change++;
    forecast__dirty_around(f, instance);
    forecast__dirty_base_of(f, instance);
    forecast__unlink(f, instance);
}

static void set_way(struct forecast *f, struct forecast_instance *instance, struct action *action)
{
    instance->view.operation.state = OPERATION_NONE;
    instance->module->spec.upgrade_way = action->way;
    mem_free(instance->module->spec.upgrade_way_reason);
    instance->module->spec.upgrade_way_reason = TAKE(action->reason);
    instance_recount(&instance->view, true);
    f->change++;
    forecast__dirty_around(f, instance);
    forecast__dirty_base_of(f, instance);
}

static bool apply_to_instance(struct forecast *f, struct forecast_instance *instance,
                              struct action *action)
{
    switch (action->type) {
    case ACTION_SET_WAY:
        set_way(f, instance, action);
        return true;
    case ACTION_DELETE_MODULE:
        delete_module(f, instance);
        return true;
    case ACTION_INSTALL:
        start_operation(f, instance, OPERATION_INSTALL);
        return true;
    case ACTION_UNINSTALL:
        start_operation(f, instance, OPERATION_UNINSTALL);
        return true;
    case ACTION_SWITCH:
        start_operation(f, instance, OPERATION_SWITCH);
        return true;
    case ACTION_WRITE_MODULE_STATUS:
        write_module_status(f, instance, action);
        return true;
    case ACTION_RELEASE_MODULE:
        forecast__remove_module(f, instance);
        f->dirty = true;
        return true;
    default:
        return false;
    }
}

static void ask(struct placement *placement, int32_t count_asked)
{
    placement->state = PLACEMENT_ASKED;
    placement->asked = count_asked;
}

static void forget(struct placement *placement)
{
    forecast__free_names(&placement->names);
    if (placement->state != PLACEMENT_ASKED)
        placement->state = PLACEMENT_NONE;
}

/* With the url of what is released, which may be its own. */
static void renew(const struct forecast *f, struct module_replicaset *rs, const char *number)
{
    struct deployment_view view = forecast__view(f);
    AUTO_FREE char *url = mem_strdup(view.template->module.url);
    json_map_set(&rs->meta.labels, LABEL_REVISION, number);
    mem_replace(&rs->spec.template.module.url, url);
}

/* What would come then is the release of another revision. */
static void set_failed(struct forecast *f, struct module_replicaset *rs, const char *why)
{
    json_map_set(&rs->meta.annotations, ANNOTATION_FAILED, why);
    if (why && str_eq(rs->meta.name, f->update_name)) {
        forecast__record_hold(f, REASON_ROLLED_BACK, why);
        f->given_up = true;
    }
}

static bool apply_to_revision(struct forecast *f, struct revision *revision, struct action *action)
{
    struct module_replicaset *rs = CONTAINER_OF(revision, struct forecast_revision, view)->rs;
    AUTO_FREE char *number = mem_printf("%d", action->number);
    switch (action->type) {
    case ACTION_SET_REPLICAS:
        rs->spec.replicas = action->number;
        return true;
    case ACTION_RENEW_REPLICASET:
        renew(f, rs, number);
        return true;
    case ACTION_SET_FAILED:
        set_failed(f, rs, action->message);
        return true;
    case ACTION_LEARN_WEB_PATH:
        json_map_set(&rs->meta.annotations, ANNOTATION_WEB_PATH_IN_USE, "true");
        return true;
    case ACTION_WRITE_REPLICASET_STATUS:
        rs->status = action->replicaset_status;
        revision->status_written_ms = f->now_ms;
        return false;
    case ACTION_DELETE_REPLICASET:
        forecast__remove_revision(f, revision);
        return true;
    case ACTION_PLACE:
        ask(&revision->place, action->number);
        return true;
    case ACTION_EVICT:
        ask(&revision->evict, action->number);
        return true;
    case ACTION_FORGET_PLACE:
        forget(&revision->place);
        return true;
    case ACTION_FORGET_EVICT:
        forget(&revision->evict);
        return true;
    default:
        return false;
    }
}

/* From when their label goes instances have their time to drain. */
static void note_unlabelled(struct forecast *f, struct forecast_base *base, const char *label)
{
    const char *module_name = label + strlen(LABEL_TRAFFIC_PREFIX);
    for (size_t i = 0; i < base->view.instances.len; i++)
        if (str_eq(base->view.instances.items[i]->module->spec.module.name, module_name))
            base->view.instances.items[i]->unlabelled_ms = f->now_ms;
}

bool forecast__apply_to_base(struct forecast *f, struct forecast_base *base,
                             const struct action *action)
{
    if (action->type != ACTION_LABEL_BASE)
        return false;
    for (size_t i = 0; i < action->labels.len; i++) {
        const struct json_pair *label = &action->labels.items[i];
        if (!*label->value && str_starts_with(label->key, LABEL_TRAFFIC_PREFIX))
            note_unlabelled(f, base, label->key);
        json_map_set(&base->base->meta.labels, label->key, *label->value ? label->value : NULL);
    }
    for (size_t i = 0; i < base->view.instances.len; i++) {
        struct instance *instance = base->view.instances.items[i];
        if (instance_deleting(instance) || instance->replaces)
            forecast__dirty_module(f, instance_of(instance)); /* it may wait for that */
    }
    return true;
}

static void add_finalizer(struct module_deployment *md)
{
    struct json_strings *finalizers = &md->meta.finalizers;
    finalizers->items = mem_resize(finalizers->items, finalizers->len + 1, sizeof(char *));
    finalizers->items[finalizers->len++] = mem_strdup(FINALIZER_DEPLOYMENT);
}

/* Both numbers, and which it was when they were made equal (scale.h). */
static void set_scale(struct module_deployment *md, int32_t replicas)
{
    AUTO_FREE char *number = mem_printf("%d", replicas);
    md->spec.replicas = replicas;
    md->spec.scale_replicas = replicas;
    md->spec.scale_replicas_set = replicas >= 0;
    json_map_set(&md->meta.annotations, ANNOTATION_SCALED, number);
}

static void write_status(struct forecast *f, struct action *action)
{
    struct module_deployment_status before = f->md->status;
    f->md->status = *action->status;
    *action->status = before;
    f->status_written_ms = f->now_ms;
    forecast__record_release(f);
}

static bool apply_to_deployment(struct forecast *f, struct action *action)
{
    struct module_deployment *md = f->md;
    switch (action->type) {
    case ACTION_CREATE_REPLICASET:
        forecast__create_revision(f, action);
        return true;
    case ACTION_SET_PAUSE:
        md->spec.pause = action->number;
        md->spec.confirm_batch_num = action->number ? 0 : md->spec.confirm_batch_num;
        md->meta.generation++;
        return true;
    case ACTION_SET_SCALE:
        set_scale(md, action->number);
        md->meta.generation++;
        return true;
    case ACTION_END_RESUME:
        json_map_set(&md->meta.annotations, ANNOTATION_RESUME, NULL);
        return true;
    case ACTION_WRITE_STATUS:
        write_status(f, action);
        return true;
    case ACTION_ADD_FINALIZER:
        add_finalizer(md);
        set_scale(md, md->spec.replicas);
        return true;
    case ACTION_REMOVE_FINALIZER:
        f->removed = true;
        return false;
    default:
        return false;
    }
}

static struct forecast_service *find_service(const struct forecast *f, const char *name)
{
    for (size_t i = 0; i < f->services.len; i++)
        if (str_eq(f->services.items[i]->service->meta.name, name))
            return CONTAINER_OF(f->services.items[i], struct forecast_service, view);
    return NULL;
}

static bool apply_to_service(struct forecast *f, const struct action *action)
{
    struct forecast_service *present = find_service(f, action->name);
    if (action->type != ACTION_CREATE_SERVICE && action->type != ACTION_UPDATE_SERVICE &&
        action->type != ACTION_DELETE_SERVICE)
        return false;
    if (present) {
        VEC_DROP(&f->services, &present->view);
        forecast__free_service(present);
    }
    if (action->type != ACTION_DELETE_SERVICE)
        forecast_add_service(f, service_wanted(f->md, &f->asked));
    return true;
}

bool forecast__apply(struct forecast *f, struct action *action, struct forecast_instance *own)
{
    if (action->type == ACTION_EVENT || action->type == ACTION_REQUEUE)
        return false;
    if (action->type == ACTION_CREATE_MODULE) {
        forecast__create_module(f, action);
        return true;
    }
    struct forecast_instance *instance = own;
    if (!own || !str_eq(own->module->meta.name, action->name))
        instance = *action->name ? map_get(&f->instances, action->name) : NULL;
    if (instance)
        return apply_to_instance(f, instance, action);
    struct revision *revision = *action->name ? forecast__find_revision(f, action->name) : NULL;
    if (revision)
        return apply_to_revision(f, revision, action);
    return apply_to_service(f, action) || apply_to_deployment(f, action);
}
