/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of the present: objects that come and go, linked and counted as the controller's cache does it. */
#include "services/controller/engine/forecast_internal.h"

#include "lib/base/assert.h"
#include "lib/model/labels.h"
#include "services/controller/engine/links.h"
#include "services/controller/engine/rollback.h"

static struct forecast_instance *instance_of(struct instance *view)
{
    return CONTAINER_OF(view, struct forecast_instance, view);
}

static struct forecast_revision *revision_of(struct revision *view)
{
    return CONTAINER_OF(view, struct forecast_revision, view);
}

struct deployment_view forecast__view(const struct forecast *f)
{
    const struct revision *failed;
    const struct module_template_spec *template = rollback_template(
        f->md, f->has_template ? &f->asked : NULL, f->revisions.items, f->revisions.len, &failed);
    return (struct deployment_view){
        .md = f->md,
        .template = template,
        .failed = failed,
        .revisions = f->revisions.items,
        .revision_count = f->revisions.len,
        .bases = f->bases.items,
        .base_count = f->bases.len,
        .services = f->services.items,
        .service_count = f->services.len,
        .owner_conflict = f->owner,
        .bases_unknown = f->bases_unknown,
        .bases_problem = f->bases_problem,
        .now_ms = f->now_ms,
        .wall_ms = f->now_ms,
        .status_written_ms = f->status_written_ms,
    };
}

/* -- who serves -- */

void forecast__count_serving(struct forecast *f, struct forecast_instance *instance)
{
    struct forecast_base *base = instance->base;
    if (!base)
        return;
    bool serves = base->view.ready && instance->view.revision && !instance->gone &&
                  !instance->off && instance->module->status.phase == MODULE_AVAILABLE;
    if (serves == instance->serving)
        return;
    int32_t before = base->serving;
    instance->serving = serves;
    base->serving += serves ? 1 : -1;
    f->serving += (base->serving > 0) - (before > 0);
}

/* -- links -- */

static void link_replacement(struct forecast *f, struct forecast_instance *instance)
{
    const struct module *module = instance->module;
    struct forecast_instance *old =
        str_empty(module->spec.replaces) || instance_deleting(&instance->view)
            ? NULL
            : map_get(&f->instances, module->spec.replaces);
    if (!old || old == instance || old->view.replaced_by || !replaces_meant(module, old->module))
        return;
    instance->view.replaces = &old->view;
    old->view.replaced_by = &instance->view;
    instance_recount(&old->view, true);
    forecast__dirty_module(f, old);
}

void forecast__unlink(struct forecast *f, struct forecast_instance *instance)
{
    struct instance *old = instance->view.replaces;
    if (!old)
        return;
    instance->view.replaces = NULL;
    old->replaced_by = NULL;
    instance_recount(old, true);
    forecast__dirty_module(f, instance_of(old));
}

void forecast__dirty_around(struct forecast *f, struct forecast_instance *instance)
{
    f->dirty = true;
    forecast__dirty_module(f, instance);
    if (instance->view.replaces)
        forecast__dirty_module(f, instance_of(instance->view.replaces));
    if (instance->view.replaced_by)
        forecast__dirty_module(f, instance_of(instance->view.replaced_by));
}

void forecast__dirty_base_of(struct forecast *f, const struct forecast_instance *instance)
{
    if (instance->base)
        forecast__dirty_base(f, instance->base);
}

/* -- objects that come and go -- */

void forecast_add_base(struct forecast *f, struct base *taken)
{
    struct forecast_base *base = NEW(struct forecast_base);
    base->view.base = base->base = taken;
    base->view.ready = str_eq(taken->status.phase, "Ready");
    base->view.terminating = taken->meta.deletion_ms != 0;
    map_put(&f->all_bases, taken->meta.name, base);
    if (base_belongs(&base->view, f->md->spec.base_deployment_name))
        VEC_PUSH(&f->bases, &base->view);
}

void forecast_add_revision(struct forecast *f, struct module_replicaset *taken)
{
    struct forecast_revision *revision = NEW(struct forecast_revision);
    revision->view.rs = revision->rs = taken;
    revision->placed.change = revision->evicted.change = -1;
    VEC_PUSH(&f->revisions, &revision->view);
}

void forecast_add_service(struct forecast *f, struct service *taken)
{
    struct forecast_service *service = NEW(struct forecast_service);
    service->view.service = service->service = taken;
    VEC_PUSH(&f->services, &service->view);
}

struct revision *forecast__find_revision(const struct forecast *f, const char *name)
{
    for (size_t i = 0; i < f->revisions.len; i++)
        if (str_eq(f->revisions.items[i]->rs->meta.name, name))
            return f->revisions.items[i];
    return NULL;
}

static struct forecast_instance *add_module(struct forecast *f, struct module *taken,
                                            struct revision *revision)
{
    struct forecast_instance *instance = NEW(struct forecast_instance);
    instance->view.module = instance->module = taken;
    instance->view.operation.failures = taken->status.attempts;
    instance->view.going_ms = taken->meta.deletion_ms ? f->now_ms : 0;
    if (revision)
        instance_join_revision(&instance->view, revision);
    struct forecast_base *base =
        str_empty(taken->spec.base_name) ? NULL : map_get(&f->all_bases, taken->spec.base_name);
    if (base && str_eq(base->base->meta.uid, taken->spec.base_uid)) {
        instance->base = base;
        instance_join_base(&instance->view, &base->view, f->now_ms);
    }
    VEC_PUSH(&f->all_instances, instance);
    map_put(&f->instances, taken->meta.name, instance);
    instance_recount(&instance->view, true);
    forecast__count_serving(f, instance);
    if (revision)
        forecast__dirty_module(f, instance);
    f->change++;
    return instance;
}

void forecast_add_module(struct forecast *f, struct module *taken, const char *revision)
{
    forecast__guess_report(f, add_module(f, taken, forecast__find_revision(f, revision)));
}

void forecast__link(struct forecast *f)
{
    for (size_t i = 0; i < f->all_instances.len; i++)
        link_replacement(f, f->all_instances.items[i]);
}

void forecast__create_module(struct forecast *f, struct action *action)
{
    struct revision *revision = forecast__find_revision(f, action->name);
    const struct forecast_base *base = map_get(&f->all_bases, action->base);
    if (!revision || !base)
        return;
    char *name = module_instance_name(revision->rs->meta.name, base->base->meta.uid);
    if (map_get(&f->instances, name)) { /* as AlreadyExists: made when that one is gone */
        mem_free(name);
        return;
    }
    struct module *module = NEW(struct module);
    module->meta.name = name;
    module->meta.namespace = mem_strdup(f->md->meta.namespace);
    module->meta.creation_ms = f->now_ms;
    module_spec_copy(&module->spec.module, &revision->rs->spec.template.module);
    module->spec.base_name = mem_strdup(action->base);
    module->spec.base_uid = mem_strdup(base->base->meta.uid);
    module->spec.replaces = TAKE(action->replaces);
    json_map_set(&module->meta.annotations, ANNOTATION_REPLACES_UID, action->replaces_uid);
    module->spec.upgrade_way = action->way;
    module->spec.upgrade_way_reason = TAKE(action->reason);
    struct forecast_instance *instance = add_module(f, module, revision);
    link_replacement(f, instance);
    forecast__dirty_around(f, instance);
    if (action->way == WAY_IN_PLACE)
        forecast__dirty_base_of(f, instance);
}

/* Those of the same module on the base of @gone, which may have waited for it to leave. */
static void dirty_same_module(struct forecast *f, const struct forecast_instance *gone)
{
    for (size_t i = 0; i < gone->base->view.instances.len; i++) {
        struct instance *instance = gone->base->view.instances.items[i];
        if (str_eq(instance->module->spec.module.name, gone->module->spec.module.name))
            forecast__dirty_module(f, instance_of(instance));
    }
}

void forecast__remove_module(struct forecast *f, struct forecast_instance *instance)
{
    struct instance *successor = instance->view.replaced_by;
    forecast__unlink(f, instance);
    if (successor) {
        successor->replaces = NULL;
        forecast__dirty_module(f, instance_of(successor));
    }
    instance_leave_revision(&instance->view);
    instance_recount(&instance->view, false);
    if (instance->base) {
        VEC_DROP(&instance->base->view.instances, &instance->view);
        dirty_same_module(f, instance);
    }
    map_remove(&f->instances, instance->module->meta.name);
    if (instance->module->spec.upgrade_way == WAY_IN_PLACE)
        forecast__dirty_base_of(f, instance); /* who was there before may have the traffic back */
    instance->gone = true;
    forecast__count_serving(f, instance);
    f->change++;
}

void forecast__create_revision(struct forecast *f, const struct action *action)
{
    struct module_replicaset *rs = NEW(struct module_replicaset);
    struct deployment_view view = forecast__view(f);
    AUTO_FREE char *number = mem_printf("%d", action->number);
    rs->meta.name = mem_strdup(action->name);
    rs->meta.namespace = mem_strdup(f->md->meta.namespace);
    json_map_set(&rs->meta.labels, LABEL_REVISION, number);
    rs->spec.base_deployment_name = mem_strdup(f->md->spec.base_deployment_name);
    module_template_spec_copy(&rs->spec.template, view.template);
    forecast_add_revision(f, rs);
}

void forecast__free_names(struct json_strings *names)
{
    for (size_t i = 0; i < names->len; i++)
        mem_free(names->items[i]);
    mem_free(names->items);
    *names = (struct json_strings){0};
}

static void free_revision(struct forecast_revision *revision)
{
    forecast__free_names(&revision->view.place.names);
    forecast__free_names(&revision->view.evict.names);
    mem_free(revision->view.place.explanation);
    mem_free(revision->view.evict.explanation);
    VEC_DONE(&revision->view.instances);
    module_replicaset_free(revision->rs);
    mem_free(revision);
}

void forecast__remove_revision(struct forecast *f, struct revision *revision)
{
    ASSERT(revision->instances.len == 0);
    VEC_DROP(&f->revisions, revision);
    free_revision(revision_of(revision));
}

/* -- its end -- */

void forecast__free_service(struct forecast_service *service)
{
    service_free(service->service);
    mem_free(service);
}

static void free_instance(struct forecast_instance *instance)
{
    struct operation *operation = &instance->view.operation;
    mem_free(operation->code);
    mem_free(operation->reason);
    mem_free(operation->message);
    mem_free(operation->digest);
    mem_free(instance->view.unhealthy_message);
    mem_free(instance->view.reported_digest);
    module_free(instance->module);
    mem_free(instance);
}

void forecast__world_done(struct forecast *f)
{
    for (size_t i = 0; i < f->all_instances.len; i++)
        free_instance(f->all_instances.items[i]);
    for (size_t i = 0; i < f->revisions.len; i++)
        free_revision(revision_of(f->revisions.items[i]));
    for (size_t i = 0; i < f->all_bases.len; i++) {
        struct forecast_base *base = f->all_bases.entries[i].value;
        VEC_DONE(&base->view.instances);
        base_free(base->base);
        mem_free(base);
    }
    for (size_t i = 0; i < f->services.len; i++)
        forecast__free_service(CONTAINER_OF(f->services.items[i], struct forecast_service, view));
    VEC_DONE(&f->all_instances);
    VEC_DONE(&f->revisions);
    VEC_DONE(&f->bases);
    VEC_DONE(&f->services);
    map_done(&f->all_bases);
    map_done(&f->instances);
    module_deployment_free(f->md);
}
