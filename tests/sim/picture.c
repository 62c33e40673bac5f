/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/picture.h"

#include <stdio.h>

#include "lib/base/assert.h"
#include "lib/base/str.h"

/* How one kind is kept. */
struct keeping {
    size_t map; /* offset in struct picture */
    void *(*read)(const cJSON *json, struct err **err);
    void (*free)(void *object);
};

#define KEEPING(type, reading)                                                                     \
    static void *read_##type(const cJSON *json, struct err **err)                                  \
    {                                                                                              \
        return reading;                                                                            \
    }                                                                                              \
    static void free_##type(void *object)                                                          \
    {                                                                                              \
        type##_free(object);                                                                       \
    }

KEEPING(module_deployment, module_deployment_read(json, JSON_UNKNOWN_IGNORE, err))
KEEPING(module_replicaset, module_replicaset_read(json, err))
KEEPING(module, module_read(json, err))
KEEPING(base, base_read(json, err))

static const struct keeping keepings[KIND_MAX_] = {
    [KIND_MODULE_DEPLOYMENT] = {offsetof(struct picture, deployments), read_module_deployment,
                                free_module_deployment},
    [KIND_MODULE_REPLICASET] = {offsetof(struct picture, revisions), read_module_replicaset,
                                free_module_replicaset},
    [KIND_MODULE] = {offsetof(struct picture, modules), read_module, free_module},
    [KIND_BASE] = {offsetof(struct picture, base_objects), read_base, free_base},
};

static struct map *map_of(struct picture *picture, const struct keeping *keeping)
{
    return (struct map *)(void *)((char *)picture + keeping->map);
}

void picture_change(struct picture *picture, const struct record *before,
                    const struct record *after)
{
    const struct record *one = after ? after : before;
    const struct keeping *keeping = &keepings[one->kind];
    if (one->kind == KIND_SERVICE && after)
        (void)map_put(&picture->services, one->name, picture);
    else if (one->kind == KIND_SERVICE)
        (void)map_remove(&picture->services, one->name);
    if (!keeping->read)
        return;
    struct map *map = map_of(picture, keeping);
    void *was = NULL;
    if (after) {
        AUTO_JSON cJSON *json = record_tree(after, NULL);
        void *object = keeping->read(json, NULL);
        ASSERT(object);
        was = map_put(map, one->name, object);
    } else {
        was = map_remove(map, one->name);
    }
    if (was)
        keeping->free(was);
}

void picture_done(struct picture *picture)
{
    for (int kind = 0; kind < KIND_MAX_; kind++) {
        if (!keepings[kind].read)
            continue;
        struct map *map = map_of(picture, &keepings[kind]);
        for (size_t i = 0; i < map->len; i++)
            keepings[kind].free(map->entries[i].value);
        map_done(map);
    }
    map_done(&picture->services);
    VEC_DONE(&picture->bases);
}

struct sim_base *picture_base(const struct picture *picture, const char *name)
{
    for (size_t i = 0; i < picture->bases.len; i++)
        if (!picture->bases.items[i]->dead && str_eq(picture->bases.items[i]->name, name))
            return picture->bases.items[i];
    return NULL;
}

const struct module_deployment *picture_owner(const struct picture *picture,
                                              const struct module *module)
{
    const struct owner_reference *rs = meta_owner(&module->meta);
    const struct module_replicaset *revision = rs ? map_get(&picture->revisions, rs->name) : NULL;
    const struct owner_reference *owner = revision ? meta_owner(&revision->meta) : NULL;
    return owner ? map_get(&picture->deployments, owner->name) : NULL;
}

/* -- for people -- */

static void print_deployment(const struct module_deployment *md)
{
    const struct release_status *release = &md->status.release;
    (void)printf(
        "ModuleDeployment %s%s: %s x%d%s%s, batches %d; %s (%s) batch %d of %d of %s: %s\n",
        md->meta.name, md->meta.deletion_ms ? " (going)" : "", md->spec.template.module.version,
        md->spec.replicas, md->spec.pause ? ", pause" : "",
        md->spec.strategy.need_confirm ? ", confirm" : "", md->spec.strategy.batch_count,
        release_progress_name(release->progress), release->reason ? release->reason : "",
        release->current_batch, release->real_batch_count,
        release->update_revision ? release->update_revision : "-",
        release->message ? release->message : "");
}

static void print_module(const struct module *module)
{
    (void)printf(
        "Module %s%s: %s %s on %s, %s %s%s%s\n", module->meta.name,
        module->meta.deletion_ms ? " (going)" : "", module->spec.module.name,
        module->spec.module.version, module->spec.base_name,
        module_phase_name(module->status.phase), module->status.reason ? module->status.reason : "",
        module->spec.replaces ? ", for " : "", module->spec.replaces ? module->spec.replaces : "");
}

static void print_base(const struct picture *picture, const struct sim_base *base)
{
    static const char *const states[] = {
        [SIM_ACTIVE] = "active", [SIM_INACTIVE] = "inactive", [SIM_BROKEN] = "broken"};
    const struct base *object = map_get(&picture->base_objects, base->name);
    (void)printf("base %s, %s%s:", base->name,
                 !object                ? "unknown"
                 : object->status.phase ? object->status.phase
                                        : "new",
                 base->jvm_down ? ", JVM down" : "");
    for (size_t i = 0; i < base->modules.len; i++)
        (void)printf(" %s %s %s", base->modules.items[i].name, base->modules.items[i].version,
                     states[base->modules.items[i].state]);
    for (size_t i = 0; object && i < object->meta.labels.len; i++)
        (void)printf(" [%s]", object->meta.labels.items[i].key);
    (void)printf("\n");
}

void picture_print(const struct picture *picture)
{
    for (size_t i = 0; i < picture->deployments.len; i++)
        print_deployment(picture->deployments.entries[i].value);
    for (size_t i = 0; i < picture->revisions.len; i++) {
        const struct module_replicaset *rs = picture->revisions.entries[i].value;
        (void)printf("ModuleReplicaSet %s: x%d\n", rs->meta.name, rs->spec.replicas);
    }
    for (size_t i = 0; i < picture->modules.len; i++)
        print_module(picture->modules.entries[i].value);
    for (size_t i = 0; i < picture->bases.len; i++)
        if (!picture->bases.items[i]->dead)
            print_base(picture, picture->bases.items[i]);
}
