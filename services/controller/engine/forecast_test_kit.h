/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_FORECAST_TEST_KIT_H
#define KOUPLELESS_CONTROLLER_ENGINE_FORECAST_TEST_KIT_H

#include "services/controller/engine/engine_test_objects.h"
#include "services/controller/engine/forecast_internal.h"

/*
 * A copy of the present, part by part, for tests of how a forecast changes it; whole releases are in forecast_test.c.
 * ModuleDeployment "web" of base Deployment "stock" asks for version v1; revisions and instances are named as in the kit.
 */
#define COPY_NOW_MS 1000000

static inline struct forecast *copy_new(int32_t replicas)
{
    struct module_deployment *md = NEW(struct module_deployment);
    md->meta.name = mem_strdup("web");
    md->meta.namespace = mem_strdup("shop");
    md->meta.uid = mem_strdup("uid-web");
    md->spec.base_deployment_name = mem_strdup("stock");
    md->spec.replicas = replicas;
    kit_template(&md->spec.template, "v1");
    const struct forecast_times times = {
        .install_ms = 5000, .switch_ms = 100, .uninstall_ms = 1000};
    return forecast_new(md, &md->spec.template, &times, COPY_NOW_MS);
}

static inline struct forecast_base *copy_add_base(struct forecast *f, const char *name)
{
    struct base *base = NEW(struct base);
    base->meta.name = mem_strdup(name);
    base->meta.uid = mem_printf("uid-%s", name);
    base->spec.ip = mem_strdup("10.0.0.1");
    base->spec.deployment = mem_strdup("stock");
    base->status.phase = mem_strdup("Ready");
    forecast_add_base(f, base);
    return map_get(&f->all_bases, name);
}

static inline struct revision *copy_add_revision(struct forecast *f, const char *version)
{
    struct module_replicaset *rs = NEW(struct module_replicaset);
    rs->meta.name = kit_revision_name(version);
    kit_template(&rs->spec.template, version);
    forecast_add_revision(f, rs);
    return forecast__find_revision(f, rs->meta.name);
}

/* "v1@a" on base a, which is there or not. Of no revision where @revision is NULL: another ModuleDeployment's. */
static inline struct module *copy_module(const char *version, const char *base,
                                         enum module_phase phase)
{
    struct module *module = NEW(struct module);
    module->meta.name = mem_printf("%s@%s", version, base);
    module->meta.uid = mem_printf("uid-%s@%s", version, base);
    module->spec.module.name = mem_strdup("web");
    module->spec.module.version = mem_strndup(version, 2);
    module->spec.base_name = mem_strdup(base);
    module->spec.base_uid = mem_printf("uid-%s", base);
    module->status.phase = phase;
    return module;
}

/* @module_taken, which is there from then on. */
static inline struct forecast_instance *
copy_add(struct forecast *f, const struct revision *revision, struct module *module_taken)
{
    AUTO_FREE char *name = mem_strdup(module_taken->meta.name);
    forecast_add_module(f, module_taken, revision ? revision->rs->meta.name : NULL);
    return map_get(&f->instances, name);
}

/* Carries out an action of @type about @name. Return: whether that may call for another plan. */
static inline bool copy_do(struct forecast *f, enum action_type type, const char *name,
                           int32_t number)
{
    struct plan plan = {0};
    plan_add(&plan, type, name)->number = number;
    bool again = forecast__apply(f, &plan.actions.items[0], NULL);
    plan_done(&plan);
    return again;
}

#endif
