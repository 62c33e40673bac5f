/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_TEST_OBJECTS_H
#define KOUPLELESS_CONTROLLER_ENGINE_TEST_OBJECTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/action.h"
#include "services/controller/engine/plan_deployment.h"
#include "services/controller/engine/rollback.h"
#include "services/controller/engine/view.h"

/*
 * The objects of the kit (engine_test_kit.h), linked and counted as the controller's cache does it.
 */
#define KIT_MAX 64

struct kit {
    struct module_deployment *md;
    struct revision *revisions[KIT_MAX];
    size_t revision_count;
    struct base_state *bases[KIT_MAX];
    size_t base_count, foreign_count; /* the last of them are of another base Deployment */
    const char *owner_conflict, *bases_problem;
    bool bases_unknown;
    bool template_missing;
    int64_t now_ms, planning_since_ms, status_written_ms;
};

/* A literal that says nothing. */
_Noreturn static inline void kit_typo(const char *where, const char *word)
{
    assert_failed(where, 0, word);
}

static inline int64_t kit_number(const char *text)
{
    int64_t number = 0;
    if (!str_parse_int64(text, INT64_MIN, INT64_MAX, &number))
        kit_typo("number", text);
    return number;
}

/* -- parts -- */

static inline void kit_template(struct module_template_spec *template, const char *version)
{
    const char *zone = strchr(version, '^');
    AUTO_FREE char *digest = mem_strndup(version + 2, strcspn(version + 2, "^"));
    template->module.name = mem_strdup("web");
    template->module.version = mem_strndup(version, 2);
    template->module.md5 = *digest ? mem_strdup(digest) : NULL;
    template->module.url = mem_printf("http://jars/%s.jar", version);
    if (zone)
        json_map_set(&template->base_selector, "zone", zone + 1);
}

/* What kit_template() was told. Owned. */
static inline char *kit_version(const struct module_template_spec *template)
{
    const char *md5 = template->module.md5, *zone = json_map_get(&template->base_selector, "zone");
    return mem_printf("%s%s%s%s", template->module.version, md5 ? md5 : "", zone ? "^" : "",
                      zone ? zone : "");
}

static inline void kit_template_done(struct module_template_spec *template)
{
    mem_free(template->module.name);
    mem_free(template->module.version);
    mem_free(template->module.url);
    mem_free(template->module.md5);
    json_map_done(&template->base_selector);
    *template = (struct module_template_spec){0};
}

/* The name that the revision of @version has. Owned. */
static inline char *kit_revision_name(const char *version)
{
    struct module_template_spec template = {0};
    kit_template(&template, version);
    AUTO_FREE char *hash = template_hash(&template, NULL);
    kit_template_done(&template);
    return mem_printf("web-%s", hash);
}

static inline struct revision *kit_revision(const struct kit *kit, const char *version)
{
    for (size_t i = 0; i < kit->revision_count; i++) {
        AUTO_FREE char *own = kit_version(&kit->revisions[i]->rs->spec.template);
        if (str_eq(own, version))
            return kit->revisions[i];
    }
    return NULL;
}

static inline struct revision *kit_add_revision(struct kit *kit, const char *version,
                                                int32_t number, int32_t replicas)
{
    ASSERT(kit->revision_count < KIT_MAX);
    struct module_replicaset *rs = NEW(struct module_replicaset);
    rs->meta.name = kit_revision_name(version);
    AUTO_FREE char *text = mem_printf("%d", number);
    json_map_set(&rs->meta.labels, LABEL_REVISION, text);
    kit_template(&rs->spec.template, version);
    rs->spec.replicas = replicas;
    struct revision *revision = NEW(struct revision);
    revision->rs = rs;
    kit->revisions[kit->revision_count++] = revision;
    return revision;
}

static inline struct base_state *kit_base(const struct kit *kit, const char *name)
{
    for (size_t i = 0; i < kit->base_count; i++)
        if (str_eq(kit->bases[i]->base->meta.name, name))
            return kit->bases[i];
    return NULL;
}

static inline struct base_state *kit_add_base(struct kit *kit, const char *name)
{
    ASSERT(kit->base_count < KIT_MAX);
    struct base *base = NEW(struct base);
    base->meta.name = mem_strdup(name);
    base->meta.uid = mem_printf("uid-%s", name);
    base->spec.ip = mem_strdup("10.0.0.1");
    struct base_state *state = NEW(struct base_state);
    state->base = base;
    state->ready = true;
    kit->bases[kit->base_count++] = state;
    return state;
}

static inline struct instance *kit_instance(const struct kit *kit, const char *name)
{
    for (size_t r = 0; r < kit->revision_count; r++)
        for (size_t i = 0; i < kit->revisions[r]->instances.len; i++)
            if (str_eq(kit->revisions[r]->instances.items[i]->module->meta.name, name))
                return kit->revisions[r]->instances.items[i];
    return NULL;
}

static inline struct instance *kit_add_instance(struct kit *kit, struct revision *revision,
                                                const char *base)
{
    struct module *module = NEW(struct module);
    const struct module_spec *wanted = &revision->rs->spec.template.module;
    AUTO_FREE char *version = kit_version(&revision->rs->spec.template);
    module->meta.name = mem_printf("%s@%s", version, base);
    module->spec.module.name = mem_strdup("web");
    module->spec.module.version = mem_strdup(wanted->version);
    module->spec.module.md5 = mem_strdup(wanted->md5);
    module->spec.module.url = mem_strdup(wanted->url);
    module->spec.base_name = mem_strdup(base);
    struct instance *instance = NEW(struct instance);
    instance->module = module;
    instance->revision = revision;
    instance->base = kit_base(kit, base);
    instance->index = (int32_t)revision->instances.len;
    VEC_PUSH(&revision->instances, instance);
    return instance;
}

static inline struct module *kit_module(struct instance *instance)
{
    return (struct module *)(uintptr_t)
        instance->module; /* the kit owns what the engine only reads */
}

static inline struct module_replicaset *kit_rs(struct revision *revision)
{
    return (struct module_replicaset *)(uintptr_t)revision->rs;
}

static inline void kit_set_phase(struct instance *instance, enum module_phase phase)
{
    struct module_instance_status *status = &kit_module(instance)->status;
    status->phase = phase;
    mem_replace(&status->phase_name, module_phase_name(phase));
}

static inline void kit_free_instance(struct instance *instance)
{
    module_free(kit_module(instance));
    mem_free(instance->operation.code);
    mem_free(instance->operation.reason);
    mem_free(instance->operation.message);
    mem_free(instance->operation.digest);
    mem_free(instance->unhealthy_message);
    mem_free(instance->reported_digest);
    mem_free(instance);
}

static inline void kit_free_names(struct json_strings *names)
{
    for (size_t i = 0; i < names->len; i++)
        mem_free(names->items[i]);
    mem_free(names->items);
    *names = (struct json_strings){0};
}

static inline void kit_add_name(struct json_strings *names, const char *name)
{
    names->items = mem_resize(names->items, names->len + 1, sizeof(char *));
    names->items[names->len++] = mem_strdup(name);
}

static inline void kit_free_revision(struct revision *revision)
{
    for (size_t i = 0; i < revision->instances.len; i++)
        kit_free_instance(revision->instances.items[i]);
    VEC_DONE(&revision->instances);
    kit_free_names(&revision->place.names);
    kit_free_names(&revision->evict.names);
    mem_free(revision->place.explanation);
    mem_free(revision->evict.explanation);
    module_replicaset_free(kit_rs(revision));
    mem_free(revision);
}

static inline void kit_free_base(struct base_state *state)
{
    VEC_DONE(&state->instances);
    base_free((struct base *)(uintptr_t)state->base);
    mem_free(state);
}

static inline void kit_done(struct kit *kit)
{
    for (size_t i = 0; i < kit->revision_count; i++)
        kit_free_revision(kit->revisions[i]);
    for (size_t i = 0; i < kit->base_count; i++)
        kit_free_base(kit->bases[i]);
    module_deployment_free(kit->md);
    *kit = (struct kit){0};
}

/* -- counters and links, as the controller's cache keeps them -- */

static inline void kit_link(struct kit *kit)
{
    for (size_t b = 0; b < kit->base_count; b++)
        kit->bases[b]->instances.len = 0;
    for (size_t r = 0; r < kit->revision_count; r++)
        for (size_t i = 0; i < kit->revisions[r]->instances.len; i++) {
            struct instance *instance = kit->revisions[r]->instances.items[i];
            instance->replaces = instance->replaced_by = NULL;
            instance->index = (int32_t)i;
            instance->base = kit_base(kit, instance->module->spec.base_name);
            if (instance->base)
                VEC_PUSH(&instance->base->instances, instance);
        }
    for (size_t r = 0; r < kit->revision_count; r++)
        for (size_t i = 0; i < kit->revisions[r]->instances.len; i++) {
            struct instance *instance = kit->revisions[r]->instances.items[i];
            struct instance *old = instance->module->spec.replaces && !instance_deleting(instance)
                                       ? kit_instance(kit, instance->module->spec.replaces)
                                       : NULL;
            if (!old || old->module->meta.creation_ms > instance->module->meta.creation_ms)
                continue; /* taken back: its name is used anew, by who takes the place of this one */
            instance->replaces = old;
            if (!old->replaced_by)
                old->replaced_by = instance;
        }
}

static inline void kit_count_instance(struct revision *revision, const struct instance *instance)
{
    enum module_phase phase = instance->module->status.phase;
    if (instance->base)
        instance->base->module_count++;
    if (instance_deleting(instance)) {
        revision->terminating++;
        return;
    }
    revision->existing++;
    revision->available += phase == MODULE_AVAILABLE;
    revision->failed += phase == MODULE_FAILED;
    revision->replaced += instance->replaced_by != NULL;
    revision->waiting_way += instance_refused_beside(instance);
}

static inline void kit_recount(struct kit *kit)
{
    kit_link(kit);
    for (size_t b = 0; b < kit->base_count; b++)
        kit->bases[b]->module_count = 0;
    for (size_t r = 0; r < kit->revision_count; r++) {
        struct revision *revision = kit->revisions[r];
        revision->existing = revision->available = revision->terminating = 0;
        revision->failed = revision->replaced = revision->waiting_way = 0;
        for (size_t i = 0; i < revision->instances.len; i++)
            kit_count_instance(revision, revision->instances.items[i]);
    }
}

static inline struct deployment_view kit_view(const struct kit *kit)
{
    const struct module_template_spec *asked =
        kit->template_missing ? NULL : &kit->md->spec.template;
    const struct revision *failed;
    const struct module_template_spec *template =
        rollback_template(kit->md, asked, kit->revisions, kit->revision_count, &failed);
    return (struct deployment_view){
        .md = kit->md,
        .template = template,
        .failed = failed,
        .revisions = kit->revisions,
        .revision_count = kit->revision_count,
        .bases = kit->bases,
        .base_count = kit->base_count - kit->foreign_count,
        .owner_conflict = kit->owner_conflict,
        .bases_unknown = kit->bases_unknown,
        .bases_problem = kit->bases_problem,
        .now_ms = kit->now_ms,
        .wall_ms = kit->now_ms,
        .planning_since_ms = kit->planning_since_ms,
        .status_written_ms = kit->status_written_ms,
    };
}

#endif
