/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/users.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

#define NAMESPACE "default"
#define VERSIONS 4
#define RESTARTS 3
#define DEPLOYMENTS 2
#define REPLICAS_MAX 7

static const char *const names[DEPLOYMENTS] = {"provider", "web"};

static uint64_t below(struct world *world, uint64_t bound)
{
    return rand_below(&world->rand, bound);
}

static void on_done(void *user, const struct document *document, const struct err *err)
{
    struct world *world = user;
    (void)document;
    if (err)
        history_note(&world->history, "user: %s", err->message);
}

void users_patch(struct world *world, const char *name, const char *patch)
{
    struct store_key key = {KIND_MODULE_DEPLOYMENT, NAMESPACE, name};
    if (world->by_api) {
        users_apply(world, name, patch);
        return;
    }
    history_note(&world->history, "user: patch %s %s", name, patch);
    store_patch(world->users, &key, STORE_MAIN, patch, NULL, on_done, world);
}

/* Half of the versions come with another jar, too: the same version, other bytes. */
static char *module_json(const char *name, int version, bool other_jar)
{
    return mem_printf("{\"name\":\"%s\",\"version\":\"%d.0.0\",\"url\":\"http://jars/%s-%d.jar\","
                      "\"md5\":\"%032d\",\"sha256\":\"%064d\"}",
                      name, version, name, version, version * 10 + other_jar,
                      version * 10 + other_jar);
}

void users_create(struct world *world, const char *name, int version, int32_t replicas)
{
    AUTO_FREE char *module = module_json(name, version, false);
    AUTO_FREE char *json =
        mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"" NAMESPACE "\"},\"spec\":{"
                   "\"baseDeploymentName\":\"stock\",\"replicas\":%d,\"template\":{\"spec\":{"
                   "\"module\":%s}}}}",
                   name, replicas, module);
    if (world->by_api) {
        AUTO_JSON cJSON *object = json_parse(json, strlen(json), LIMIT_OBJECT, NULL);
        users_apply_object(world, object);
        return;
    }
    history_note(&world->history, "user: create %s %d.0.0 x%d", name, version, replicas);
    store_create(world->users, KIND_MODULE_DEPLOYMENT, json, on_done, world);
}

static void delete_deployment(struct world *world, const char *name)
{
    struct store_key key = {KIND_MODULE_DEPLOYMENT, NAMESPACE, name};
    if (world->by_api) {
        users_call(world, "DeleteModuleDeployment", name, "");
        return;
    }
    history_note(&world->history, "user: delete %s", name);
    store_remove(world->users, &key, NULL, NULL, on_done, world);
}

void users_delete_all(struct world *world)
{
    for (size_t i = 0; i < world->picture.deployments.len; i++) {
        const struct module_deployment *md = world->picture.deployments.entries[i].value;
        if (!md->meta.deletion_ms)
            delete_deployment(world, md->meta.name);
    }
}

/* -- edits -- */

static void release(struct world *world, const char *name)
{
    int version = 1 + (int)below(world, VERSIONS);
    AUTO_FREE char *module = module_json(name, version, world_chance(world, 25));
    AUTO_FREE char *patch =
        mem_printf("{\"spec\":{\"template\":{\"spec\":{\"module\":%s}}}}", module);
    users_patch(world, name, patch);
}

static void scale_to(struct world *world, const char *name, int replicas)
{
    AUTO_FREE char *patch = mem_printf("{\"spec\":{\"replicas\":%d}}", replicas);
    AUTO_FREE char *more = mem_printf(",\"replicas\":%d", replicas);
    if (world->by_api)
        users_call(world, "ScaleModuleDeployment", name, more);
    else
        users_patch(world, name, patch);
}

static void scale(struct world *world, const char *name)
{
    bool symmetric = world_chance(world, 20);
    scale_to(world, name, symmetric ? REPLICAS_SYMMETRIC : (int)below(world, REPLICAS_MAX + 1));
}

static void change_strategy(struct world *world, const char *name)
{
    static const char *const policies[] = {"installThenUninstall", "uninstallThenInstall",
                                           "scaleUpThenScaleDown"};
    static const char *const bounds[] = {"null", "null", "1", "2", "\"50%\""};
    /* One after the other: the order in which arguments are evaluated is the compiler's choice. */
    int batches = (int)below(world, 5), gray = world_chance(world, 30) ? 10 : 0;
    bool beta = world_chance(world, 30), asks = world_chance(world, 40);
    const char *policy = policies[below(world, ARRAY_LEN(policies))];
    const char *scheduling = world_chance(world, 50) ? "scatter" : "stacking";
    const char *unavailable = bounds[below(world, ARRAY_LEN(bounds))];
    AUTO_FREE char *patch =
        mem_printf("{\"spec\":{\"maxUnavailable\":%s,\"operationStrategy\":{\"batchCount\":%d,"
                   "\"useBeta\":%s,\"needConfirm\":%s,"
                   "\"grayTimeBetweenBatchSeconds\":%d,\"upgradePolicy\":\"%s\"},"
                   "\"schedulingStrategy\":{\"schedulingPolicy\":\"%s\"}}}",
                   unavailable, batches, beta ? "true" : "false", asks ? "true" : "false", gray,
                   policy, scheduling);
    users_patch(world, name, patch);
}

/* The same version once more; or the one before. */
static void restart(struct world *world, const char *name)
{
    if (world->by_api) {
        bool undoes = world_chance(world, 50);
        users_call(world, undoes ? "UndoRelease" : "RestartModules", name, "");
        return;
    }
    AUTO_FREE char *patch = mem_printf("{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{"
                                       "\"" ANNOTATION_RESTARTED_AT "\":\"%d\"}}}}}",
                                       1 + (int)below(world, RESTARTS));
    users_patch(world, name, patch);
}

/* How long things may take, and what becomes of a release that fails. */
static void change_patience(struct world *world, const char *name)
{
    static const char *const deadlines[] = {"null", "0", "20", "90"};
    static const char *const drains[] = {"null", "0", "4", "12"};
    static const char *const ready[] = {"null", "0", "3", "15"};
    const char *deadline = deadlines[below(world, ARRAY_LEN(deadlines))];
    const char *drain = drains[below(world, ARRAY_LEN(drains))];
    const char *ready_for = ready[below(world, ARRAY_LEN(ready))];
    bool returns = world_chance(world, 50);
    AUTO_FREE char *patch =
        mem_printf("{\"spec\":{\"progressDeadlineSeconds\":%s,\"minReadySeconds\":%s,"
                   "\"operationStrategy\":{\"drainSeconds\":%s,\"rollbackOnFailure\":%s}}}",
                   deadline, ready_for, drain, returns ? "true" : "false");
    users_patch(world, name, patch);
}

static void confirm(struct world *world, const struct module_deployment *md)
{
    world_gate(world, md->meta.name)->confirmed = true;
    if (world->by_api) {
        AUTO_FREE char *batch = mem_printf(",\"batch\":%d", md->status.release.current_batch);
        users_call(world, "ConfirmBatch", md->meta.name, world_chance(world, 50) ? batch : "");
        return;
    }
    if (world_chance(world, 50)) {
        users_patch(world, md->meta.name, "{\"spec\":{\"pause\":false}}");
        return;
    }
    AUTO_FREE char *patch =
        mem_printf("{\"spec\":{\"confirmBatchNum\":%d}}", md->status.release.current_batch);
    users_patch(world, md->meta.name, patch);
}

static void pause_or_resume(struct world *world, const struct module_deployment *md)
{
    if (md->spec.pause)
        world_gate(world, md->meta.name)->confirmed = true;
    if (world->by_api)
        users_call(world, md->spec.pause ? "ResumeRelease" : "PauseRelease", md->meta.name, "");
    else
        users_patch(world, md->meta.name,
                    md->spec.pause ? "{\"spec\":{\"pause\":false}}"
                                   : "{\"spec\":{\"pause\":true}}");
}

static void give_up(struct world *world, const struct module_deployment *md)
{
    const char *revision = md->status.release.update_revision;
    if (world->by_api) {
        users_call(world, "AbortRelease", md->meta.name, "");
        return;
    }
    AUTO_FREE char *patch =
        mem_printf("{\"metadata\":{\"annotations\":{\"" ANNOTATION_ABORT "\":\"%s\"}}}",
                   revision ? revision : "none");
    users_patch(world, md->meta.name, patch);
}

/* Whether the controller has given it up, or returned from it. */
static bool has_failed(const struct module_deployment *md)
{
    return md->status.release.failed_revision ||
           str_eq(md->status.release.reason, REASON_PROGRESS_DEADLINE_EXCEEDED);
}

void users_resume(struct world *world, const struct module_deployment *md)
{
    const struct release_status *release = &md->status.release;
    if (world->by_api) {
        users_call(world, "ResumeRelease", md->meta.name, "");
        return;
    }
    AUTO_FREE char *patch =
        mem_printf("{\"metadata\":{\"annotations\":{\"" ANNOTATION_RESUME "\":\"%s\"}}}",
                   release->failed_revision ? release->failed_revision : release->update_revision);
    users_patch(world, md->meta.name, patch);
}

static void edit(struct world *world, const struct module_deployment *md)
{
    uint64_t what = below(world, 24);
    bool waits = str_eq(md->status.release.reason, REASON_WAITING_FOR_CONFIRMATION);
    if (waits && what < 10)
        confirm(world, md);
    else if (has_failed(md) && what < 8)
        users_resume(world, md);
    else if (what < 6)
        release(world, md->meta.name);
    else if (what < 11)
        scale(world, md->meta.name);
    else if (what < 15)
        change_strategy(world, md->meta.name);
    else if (what < 18)
        pause_or_resume(world, md);
    else if (what < 19)
        give_up(world, md);
    else if (what < 21)
        restart(world, md->meta.name);
    else if (what < 23)
        change_patience(world, md->meta.name);
    else
        delete_deployment(world, md->meta.name);
}

void users_act(struct world *world)
{
    const char *name = names[below(world, DEPLOYMENTS)];
    const struct module_deployment *md = map_get(&world->picture.deployments, name);
    int version = 1 + (int)below(world, VERSIONS);
    int32_t replicas = (int32_t)below(world, REPLICAS_MAX + 1);
    if (!md)
        users_create(world, name, version, replicas);
    else if (!md->meta.deletion_ms)
        edit(world, md);
}

static void delete_module(struct world *world, const struct module *module)
{
    struct store_key key = {KIND_MODULE, NAMESPACE, module->meta.name};
    history_note(&world->history, "user: delete Module %s", module->meta.name);
    store_remove(world->users, &key, NULL, NULL, on_done, world);
}

void users_delete_module(struct world *world)
{
    const struct map *modules = &world->picture.modules;
    if (modules->len)
        delete_module(world, modules->entries[below(world, modules->len)].value);
}

const struct module *users_find_replaced(const struct world *world)
{
    const struct map *modules = &world->picture.modules;
    for (size_t i = 0; i < modules->len; i++) {
        const struct module *successor = modules->entries[i].value;
        if (successor->spec.replaces && map_get(modules, successor->spec.replaces))
            return map_get(modules, successor->spec.replaces);
    }
    return NULL;
}

void users_delete_replaced(struct world *world)
{
    const struct module *module = users_find_replaced(world);
    if (module)
        delete_module(world, module);
}

void users_touch(struct world *world)
{
    static const enum object_kind kinds[] = {KIND_MODULE_DEPLOYMENT, KIND_MODULE_REPLICASET,
                                             KIND_MODULE, KIND_BASE};
    const struct picture *picture = &world->picture;
    const struct map *maps[] = {&picture->deployments, &picture->revisions, &picture->modules,
                                &picture->base_objects};
    size_t which = (size_t)below(world, ARRAY_LEN(kinds));
    if (!maps[which]->len)
        return;
    const char *name = maps[which]->entries[below(world, maps[which]->len)].key;
    struct store_key key = {kinds[which], NAMESPACE, name};
    AUTO_FREE char *patch = mem_printf("{\"metadata\":{\"annotations\":{\"touched\":\"%d\"}}}",
                                       (int)below(world, 1000));
    store_patch(world->users, &key, STORE_MAIN, patch, NULL, on_done, world);
}

/* -- calm -- */

static int32_t bases_alive(const struct world *world)
{
    int32_t count = 0;
    for (size_t i = 0; i < world->picture.bases.len; i++)
        count += !world->picture.bases.items[i]->dead;
    return count;
}

static void settle(struct world *world, const struct module_deployment *md)
{
    const char *name = md->meta.name;
    if (md->spec.replicas > bases_alive(world))
        scale_to(world, name, bases_alive(world));
    /* Where nothing can move within it, somebody gives way in the end. */
    if (md->spec.max_unavailable.kind != INT_OR_PERCENT_UNSET && world_chance(world, 3))
        users_patch(world, name, "{\"spec\":{\"maxUnavailable\":null}}");
    bool aborted = json_map_get(&md->meta.annotations, ANNOTATION_ABORT) != NULL;
    if (aborted && world->by_api)
        users_call(world, "ResumeRelease", name, "");
    else if (aborted)
        users_patch(world, name,
                    "{\"metadata\":{\"annotations\":{\"" ANNOTATION_ABORT "\":null}}}");
    if (str_eq(md->status.release.reason, REASON_WAITING_FOR_CONFIRMATION))
        confirm(world, md);
    else if (md->spec.pause)
        pause_or_resume(world, md);
    else if (has_failed(md) && world_chance(world, 50))
        users_resume(world, md);
    else if (md->status.release.progress == PROGRESS_ABORTED)
        release(world, name);
}

void users_settle(struct world *world)
{
    for (size_t i = 0; i < world->picture.deployments.len; i++) {
        const struct module_deployment *md = world->picture.deployments.entries[i].value;
        if (!md->meta.deletion_ms)
            settle(world, md);
    }
}
