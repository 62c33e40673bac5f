/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CONTROLLER_ENGINE_TEST_WORLD_H
#define KOUPLELESS_CONTROLLER_ENGINE_TEST_WORLD_H

#include "lib/base/rand.h"
#include "services/controller/engine/engine_test_kit.h"
#include "services/controller/engine/plan_module.h"
#include "services/controller/engine/plan_replicaset.h"
#include "services/controller/engine/traffic.h"

/*
 * A toy world around the plan functions: it carries their actions out on the structs of the kit, as the
 * executor, the scheduler and the agents would. What is really on a base is kept apart from what is
 * reported of it. Faults come only while `faults` is set.
 */
#define WORLD_VERSIONS 4

struct world_base {
    const char *name;
    bool installed[WORLD_VERSIONS + 1]; /* by number of the version */
    char jar[WORLD_VERSIONS + 1];       /* its digest; one version is there once */
    int active;                         /* version that serves, or 0 */
    int64_t left_traffic_ms;            /* when its label went */
};

struct world {
    struct kit kit;
    struct rand rand;
    struct world_base truth[KIT_MAX]; /* in the order of kit.bases */
    bool web_path;                    /* versions can't run side by side */
    bool tight;      /* nor has a base the metaspace for two of them, but does not tell */
    int bad_version; /* its installs fail; or 0 */
    bool faults;
    bool gone;          /* the ModuleDeployment */
    int base_names;     /* given so far */
    int64_t created;    /* Modules */
    struct str log;     /* what was done, the latest last */
    const char *broken; /* the invariant that does not hold, or NULL */
};

#define WORLD_LOG_MAX (1u << 20)
#define WORLD_ROUND_MS 2500

static inline bool world_chance(struct world *world, uint64_t percent)
{
    return rand_below(&world->rand, 100) < percent;
}

static inline void world_hold(struct world *world, bool holds, const char *invariant)
{
    if (!holds && !world->broken)
        world->broken = invariant;
}

static inline int world_version(const struct instance *instance)
{
    return instance->module->spec.module.version[1] - '0';
}

static inline char world_digest(const struct instance *instance)
{
    const char *md5 = instance->module->spec.module.md5;
    return md5 ? *md5 : '-';
}

/* What is really on the base of @instance; NULL where that is gone. */
static inline struct world_base *world_truth(struct world *world, const struct instance *instance)
{
    for (size_t i = 0; i < world->kit.base_count; i++)
        if (world->kit.bases[i] == instance->base)
            return &world->truth[i];
    return NULL;
}

/* -- traffic: "web" is the only module -- */

static inline bool world_has_traffic(const struct base_state *base)
{
    return json_map_get(&base->base->meta.labels, LABEL_TRAFFIC_PREFIX "web") != NULL;
}

/* I9: whether an instance on @base is Available and stays. */
static inline bool world_serves(const struct base_state *base)
{
    for (size_t i = 0; i < base->instances.len; i++)
        if (base->instances.items[i]->module->status.phase == MODULE_AVAILABLE &&
            !instance_deleting(base->instances.items[i]))
            return true;
    return false;
}

/* -- bases -- */

static inline void world_add_base(struct world *world)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                        "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                        "s", "t", "u", "v", "w", "x", "y", "z"};
    if (world->base_names == ARRAY_LEN(names))
        return;
    struct base_state *state = kit_add_base(&world->kit, names[world->base_names]);
    struct base *base = (struct base *)(uintptr_t)state->base;
    json_map_set(&base->meta.labels, "zone", world->base_names % 3 ? "x" : NULL);
    world->truth[world->kit.base_count - 1] =
        (struct world_base){.name = names[world->base_names++]};
    kit_recount(&world->kit);
}

static inline void world_lose_base(struct world *world, size_t at)
{
    struct kit *kit = &world->kit;
    kit_free_base(kit->bases[at]);
    kit->base_count--;
    kit->bases[at] = kit->bases[kit->base_count];
    world->truth[at] = world->truth[kit->base_count];
    kit_recount(kit);
}

static inline void world_restart_base(struct world *world, size_t at)
{
    world->truth[at] = (struct world_base){.name = world->truth[at].name};
}

/* -- operations -- */

static inline int64_t world_drain_ms(const struct world *world)
{
    return (int64_t)world->kit.md->spec.strategy.drain_seconds * 1000;
}

/* Whether who is to be taken off the base of @instance, itself or what it replaces, has had its time to drain. */
static inline bool world_drained(struct world *world, const struct instance *instance,
                                 bool in_place)
{
    const struct instance *leaving = in_place ? instance->replaces : instance;
    const struct world_base *base = world_truth(world, instance);
    return leaving->module->status.phase != MODULE_AVAILABLE || world_has_traffic(instance->base) ||
           world->kit.now_ms >= base->left_traffic_ms + world_drain_ms(world);
}

static inline void world_start(struct world *world, struct instance *instance,
                               enum operation_type type)
{
    struct operation *operation = &instance->operation;
    bool in_place = type == OPERATION_INSTALL && instance->replaces &&
                    instance->module->spec.upgrade_way == WAY_IN_PLACE;
    world_hold(world, operation->state != OPERATION_RUNNING, "one operation at a time");
    if (instance->base && (in_place || type == OPERATION_UNINSTALL))
        world_hold(world,
                   !world_has_traffic(instance->base) ||
                       (!in_place && world_serves(instance->base)),
                   "I9: what leaves a base is out of traffic first");
    if (instance->base && (in_place || type == OPERATION_UNINSTALL))
        world_hold(world, world_drained(world, instance, in_place),
                   "what was in traffic has had its time to drain");
    if (!instance->base)
        return;
    if (operation->type != type)
        operation->failures = operation->unanswered = 0;
    operation->type = type;
    operation->state = OPERATION_RUNNING;
    operation->started_ms = world->kit.now_ms;
}

static inline void world_outcome(struct world *world, struct instance *instance, bool answered,
                                 const char *code, const char *reason)
{
    struct operation *operation = &instance->operation;
    operation->state = code ? OPERATION_FAILED : OPERATION_SUCCEEDED;
    operation->ended_ms = world->kit.now_ms;
    operation->failures = code ? operation->failures + answered : 0;
    operation->unanswered = answered ? 0 : operation->unanswered + 1;
    mem_replace(&operation->code, code);
    mem_replace(&operation->reason, reason);
    mem_replace(&operation->message, code ? code : "");
    if (!code)
        instance->reported = REPORTED_NOTHING;
}

/* As the agent does it: what is there under the same version stays, unless its place is to be taken.
 * Return: the reason why it failed, or NULL. */
static inline const char *world_install(struct world *world, struct world_base *base,
                                        const struct instance *instance)
{
    int version = world_version(instance);
    bool in_place = instance->module->spec.upgrade_way == WAY_IN_PLACE && instance->replaces;
    for (int other = 1; other <= WORLD_VERSIONS; other++) {
        if (other == version || !base->installed[other])
            continue;
        if (in_place) {
            base->installed[other] = false;
            base->active = base->active == other ? 0 : base->active;
        } else if (world->web_path) {
            return "WEB_PATH_IN_USE";
        } else if (world->tight) {
            return "METASPACE_FULL";
        }
    }
    if (in_place || !base->installed[version])
        base->jar[version] = world_digest(instance);
    base->installed[version] = true;
    base->active = base->active ? base->active : version;
    return NULL;
}

static inline void world_finish(struct world *world, struct instance *instance)
{
    struct world_base *base = world_truth(world, instance);
    int version = world_version(instance);
    if (!base || (world->faults && world_chance(world, 5))) {
        world_outcome(world, instance, false, "Arklet.NetworkError", NULL);
        return;
    }
    if (world->faults && world_chance(world, 20)) {
        world_outcome(world, instance, true, "Arklet.InstallBizFailed", NULL);
        return;
    }
    const char *reason = NULL;
    if (instance->operation.type == OPERATION_INSTALL && version == world->bad_version) {
        reason = "MODULE_START_FAILED";
    } else if (instance->operation.type == OPERATION_INSTALL) {
        reason = world_install(world, base, instance);
    } else if (instance->operation.type == OPERATION_UNINSTALL) {
        base->installed[version] = false;
        base->active = base->active == version ? 0 : base->active;
    } else if (base->installed[version]) {
        base->active = version;
    } else {
        reason = "BIZ_NOT_FOUND";
    }
    bool lost = world->faults && world_chance(world, 5); /* done, but nobody knows */
    if (lost)
        world_outcome(world, instance, false, "Arklet.NetworkError", NULL);
    else
        world_outcome(world, instance, true, reason ? "Arklet.InstallBizFailed" : NULL, reason);
}

static inline void world_report(struct world *world, struct instance *instance)
{
    struct world_base *base = world_truth(world, instance);
    int version = world_version(instance);
    if (!base || !instance->base->ready)
        return;
    instance->reported = !base->installed[version] ? REPORTED_ABSENT
                         : base->active == version ? REPORTED_ACTIVE
                                                   : REPORTED_INACTIVE;
    instance->reported_ms = world->kit.now_ms;
}

/* -- the scheduler -- */

static inline void world_clear_answer(struct placement *placement)
{
    kit_free_names(&placement->names);
    if (placement->state != PLACEMENT_ASKED)
        placement->state = PLACEMENT_NONE;
}

static inline bool world_is_free(const struct world *world, const struct base_state *base,
                                 const struct revision *revision)
{
    if (!base_eligible(base, &revision->rs->spec.template))
        return false;
    for (size_t r = 0; r < world->kit.revision_count; r++)
        for (size_t i = 0; i < world->kit.revisions[r]->instances.len; i++)
            if (world->kit.revisions[r]->instances.items[i]->base == base)
                return false;
    return true;
}

static inline void world_answer(struct world *world, struct revision *revision, bool evict)
{
    struct placement *placement = evict ? &revision->evict : &revision->place;
    if (placement->state != PLACEMENT_ASKED)
        return;
    placement->state = PLACEMENT_ANSWERED;
    placement->answered_ms = world->kit.now_ms;
    placement->offered = 0;
    mem_replace(&placement->explanation, NULL);
    kit_free_names(&placement->names);
    if (world->faults && world_chance(world, 5)) {
        placement->state = PLACEMENT_FAILED;
        mem_replace(&placement->explanation, "SchedulerUnavailable: no answer");
        return;
    }
    size_t count = evict ? revision->instances.len : world->kit.base_count;
    size_t first = count ? rand_below(&world->rand, count) : 0;
    for (size_t n = 0; n < count && (int32_t)placement->names.len < placement->asked; n++) {
        size_t i = (first + n) % count;
        const struct instance *instance = evict ? revision->instances.items[i] : NULL;
        if (evict && !instance_deleting(instance) && !instance->replaced_by)
            kit_add_name(&placement->names, instance->module->meta.name);
        else if (!evict && world_is_free(world, world->kit.bases[i], revision))
            kit_add_name(&placement->names, world->kit.bases[i]->base->meta.name);
    }
    placement->offered = (int32_t)placement->names.len;
    if ((int32_t)placement->names.len < placement->asked)
        mem_replace(&placement->explanation, "NoCapacity: too little");
}

/* -- actions -- */

static inline struct revision *world_revision(struct world *world, const char *name)
{
    struct deployment_view view = kit_view(&world->kit);
    return view_revision(&view, name);
}

static inline void world_create_module(struct world *world, const struct action *action)
{
    struct revision *revision = world_revision(world, action->name);
    AUTO_FREE char *version = kit_version(&revision->rs->spec.template);
    AUTO_FREE char *name = mem_printf("%s@%s", version, action->base);
    if (!kit_base(&world->kit, action->base) || kit_instance(&world->kit, name))
        return; /* as AlreadyExists: seen again later */
    struct instance *instance = kit_add_instance(&world->kit, revision, action->base);
    struct module *module = kit_module(instance);
    module->meta.creation_ms = ++world->created;
    instance->unlabelled_ms = world->kit.now_ms;
    module->spec.replaces = mem_strdup(action->replaces);
    module->spec.upgrade_way = action->way;
    mem_replace(&module->spec.upgrade_way_reason, action->reason);
}

static inline void world_remove_instance(struct world *world, struct instance *instance)
{
    struct world_base *base = world_truth(world, instance);
    const struct instance *successor = instance->replaced_by;
    world_hold(world,
               !base || !base->installed[world_version(instance)] ||
                   (successor && instance_overwrites(successor)),
               "a Module that is released is off its base, or overwritten");
    struct revision *revision = instance->revision;
    for (size_t i = 0; i < revision->instances.len; i++)
        if (revision->instances.items[i] == instance) {
            VEC_REMOVE_SWAP(&revision->instances, i);
            break;
        }
    kit_free_instance(instance);
}

static inline void world_remove_revision(struct world *world, struct revision *revision)
{
    world_hold(world, revision->instances.len == 0, "a revision that is deleted has no instances");
    struct kit *kit = &world->kit;
    for (size_t i = 0; i < kit->revision_count; i++)
        if (kit->revisions[i] == revision)
            kit->revisions[i] = kit->revisions[--kit->revision_count];
    kit_free_revision(revision);
}

static inline void world_on_instance(struct world *world, struct instance *instance,
                                     struct action *action)
{
    struct module *module = kit_module(instance);
    if (action->type == ACTION_SET_WAY) {
        instance->operation.state = OPERATION_NONE;
        module->spec.upgrade_way = action->way;
        mem_replace(&module->spec.upgrade_way_reason, action->reason);
    } else if (action->type == ACTION_DELETE_MODULE) {
        module->meta.deletion_ms = instance->going_ms = world->kit.now_ms;
    } else if (action->type == ACTION_INSTALL) {
        world_start(world, instance, OPERATION_INSTALL);
    } else if (action->type == ACTION_UNINSTALL) {
        world_start(world, instance, OPERATION_UNINSTALL);
    } else if (action->type == ACTION_SWITCH) {
        world_start(world, instance, OPERATION_SWITCH);
    } else if (action->type == ACTION_WRITE_MODULE_STATUS) {
        struct module_instance_status before = module->status;
        module->status = *action->module_status;
        *action->module_status = before;
    } else if (action->type == ACTION_RELEASE_MODULE) {
        world_remove_instance(world, instance);
    }
}

static inline void world_on_revision(struct world *world, struct revision *revision,
                                     const struct action *action)
{
    AUTO_FREE char *number = mem_printf("%d", action->number);
    struct module_replicaset *rs = kit_rs(revision);
    if (action->type == ACTION_SET_REPLICAS) {
        world_hold(world, action->number >= 0, "no negative number of instances");
        rs->spec.replicas = action->number;
    } else if (action->type == ACTION_RENEW_REPLICASET) {
        json_map_set(&rs->meta.labels, LABEL_REVISION, number);
        AUTO_FREE char *url = mem_strdup(kit_view(&world->kit).template->module.url);
        mem_replace(&rs->spec.template.module.url, url);
    } else if (action->type == ACTION_SET_FAILED) {
        json_map_set(&rs->meta.annotations, ANNOTATION_FAILED, action->message);
    } else if (action->type == ACTION_LEARN_WEB_PATH) {
        json_map_set(&rs->meta.annotations, ANNOTATION_WEB_PATH_IN_USE, "true");
    } else if (action->type == ACTION_DELETE_REPLICASET) {
        world_remove_revision(world, revision);
    } else if (action->type == ACTION_PLACE || action->type == ACTION_EVICT) {
        struct placement *placement =
            action->type == ACTION_PLACE ? &revision->place : &revision->evict;
        world_hold(world, action->number > 0, "a question is about at least one");
        placement->state = PLACEMENT_ASKED;
        placement->asked = action->number;
    } else if (action->type == ACTION_FORGET_PLACE) {
        world_clear_answer(&revision->place);
    } else if (action->type == ACTION_FORGET_EVICT) {
        world_clear_answer(&revision->evict);
    }
}

static inline void world_leave_traffic(struct world *world, const struct base_state *state)
{
    for (size_t i = 0; i < state->instances.len; i++)
        state->instances.items[i]->unlabelled_ms = world->kit.now_ms;
    for (size_t i = 0; i < world->kit.base_count; i++)
        if (world->kit.bases[i] == state)
            world->truth[i].left_traffic_ms = world->kit.now_ms;
}

static inline void world_label(struct world *world, const struct action *action)
{
    struct base_state *state = kit_base(&world->kit, action->name);
    struct base *base = (struct base *)(uintptr_t)state->base;
    bool before = world_has_traffic(state);
    for (size_t i = 0; i < action->labels.len; i++) {
        const struct json_pair *label = &action->labels.items[i];
        json_map_set(&base->meta.labels, label->key, *label->value ? label->value : NULL);
    }
    if (before && !world_has_traffic(state))
        world_leave_traffic(world, state);
}

static inline void world_on_deployment(struct world *world, struct action *action)
{
    struct kit *kit = &world->kit;
    if (action->type == ACTION_CREATE_REPLICASET) {
        AUTO_FREE char *version = kit_version(kit_view(kit).template);
        kit_add_revision(kit, version, action->number, 0);
    } else if (action->type == ACTION_SET_PAUSE) {
        kit->md->spec.pause = action->number;
        kit->md->spec.confirm_batch_num = action->number ? 0 : kit->md->spec.confirm_batch_num;
        kit->md->meta.generation++;
    } else if (action->type == ACTION_SET_SCALE) {
        kit->md->spec.replicas = action->number;
        kit_equal_scale(kit);
        kit->md->meta.generation++;
    } else if (action->type == ACTION_END_RESUME) {
        json_map_set(&kit->md->meta.annotations, ANNOTATION_RESUME, NULL);
    } else if (action->type == ACTION_WRITE_STATUS) {
        kit_write_status(kit, action);
        kit->status_written_ms = kit->now_ms;
    } else if (action->type == ACTION_ADD_FINALIZER) {
        kit_add_name(&kit->md->meta.finalizers, FINALIZER_DEPLOYMENT);
        kit_equal_scale(kit);
    } else if (action->type == ACTION_REMOVE_FINALIZER) {
        world->gone = true;
    }
}

static inline void world_apply(struct world *world, struct action *action)
{
    struct revision *revision = world_revision(world, action->name);
    struct instance *instance = kit_instance(&world->kit, action->name);
    if (action->type == ACTION_EVENT || action->type == ACTION_REQUEUE)
        return;
    if (action->type == ACTION_LABEL_BASE)
        world_label(world, action);
    else if (action->type == ACTION_CREATE_MODULE)
        world_create_module(world, action);
    else if (revision)
        world_on_revision(world, revision, action);
    else if (instance)
        world_on_instance(world, instance, action);
    else if (!*action->name || action->type == ACTION_CREATE_REPLICASET)
        world_on_deployment(world, action);
    kit_recount(&world->kit);
}

/* Carries @plan out; with faults, sometimes only its beginning. */
static inline void world_carry_out(struct world *world, struct plan *plan)
{
    size_t count = plan->actions.len;
    if (count && world->faults && world_chance(world, 5))
        count = rand_below(&world->rand, count);
    AUTO_FREE char *text = kit_plan_text(plan, false);
    if (*text)
        str_printf(&world->log, "%lld  %s\n", (long long)world->kit.now_ms, text);
    for (size_t i = 0; i < count; i++)
        world_apply(world, &plan->actions.items[i]);
}

static inline void world_plan_deployment(struct world *world)
{
    if (world->gone)
        return;
    struct deployment_view view = kit_view(&world->kit);
    struct plan plan = {0};
    plan_deployment(&view, &plan);
    if (!plan_changes(&plan))
        plan_replicasets(&view, &plan);
    world_carry_out(world, &plan);
    plan_done(&plan);
}

static inline void world_plan_module(struct world *world, const struct instance *instance)
{
    const struct kit *kit = &world->kit;
    struct deployment_view whole = kit_view(kit);
    AUTO_FREE char *update = whole.template ? update_revision_name(kit->md, whole.template) : NULL;
    struct module_view view = {
        .instance = instance,
        .wanted = !kit->md->meta.deletion_ms && update &&
                  str_eq(update, instance->revision->rs->meta.name),
        .going = kit->md->meta.deletion_ms != 0,
        .drain_ms = world_drain_ms(world),
        .now_ms = kit->now_ms,
        .wall_ms = kit->now_ms,
    };
    struct plan plan = {0};
    plan_module(&view, &plan);
    world_carry_out(world, &plan);
    plan_done(&plan);
}

static inline void world_plan_traffic(struct world *world, const struct base_state *base)
{
    struct plan plan = {0};
    plan_traffic(base, world->kit.now_ms, &plan);
    world_carry_out(world, &plan);
    plan_done(&plan);
    world_hold(world, world->faults || !world_has_traffic(base) || world_serves(base),
               "I9: traffic goes where an instance is Available");
}

/* The controller is started anew: what it had in memory only is gone. */
static inline void world_restart_controller(struct world *world)
{
    world->kit.planning_since_ms = world->kit.now_ms;
    for (size_t r = 0; r < world->kit.revision_count; r++) {
        struct revision *revision = world->kit.revisions[r];
        revision->place.state = revision->evict.state = PLACEMENT_NONE;
        world_clear_answer(&revision->place);
        world_clear_answer(&revision->evict);
        mem_replace(&revision->place.explanation, NULL);
        mem_replace(&revision->evict.explanation, NULL);
        for (size_t i = 0; i < revision->instances.len; i++) {
            struct instance *instance = revision->instances.items[i];
            struct operation *operation = &instance->operation;
            mem_free(operation->code);
            mem_free(operation->reason);
            mem_free(operation->message);
            *operation = (struct operation){.failures = instance->module->status.attempts};
            instance->reported = REPORTED_NOTHING;
            instance->unlabelled_ms = instance->going_ms = world->kit.now_ms;
        }
    }
    kit_recount(&world->kit);
}

/* Everything that can happen does, once; @plan plans the deployment. */
static inline void world_round(struct world *world, void (*plan)(struct world *world))
{
    struct kit *kit = &world->kit;
    plan(world);
    for (size_t r = 0; r < kit->revision_count; r++) {
        struct revision *revision = kit->revisions[r];
        for (size_t i = revision->instances.len; i-- > 0;) {
            if (i >= revision->instances.len)
                continue; /* several went at once */
            struct instance *instance = revision->instances.items[i];
            if (instance->operation.state == OPERATION_RUNNING)
                world_finish(world, instance);
            else
                world_report(world, instance);
            kit_recount(kit);
            world_plan_module(world, instance);
        }
        world_answer(world, revision, true);
        world_answer(world, revision, false);
    }
    for (size_t b = 0; b < kit->base_count; b++)
        world_plan_traffic(world, kit->bases[b]);
    kit->now_ms += WORLD_ROUND_MS;
}

/* Prints the end of @log, line by line: print_error() cuts what is long. */
static inline void world_print_log(const struct str *log)
{
    const char *at = str_text(log);
    for (at += log->len > 5000 ? log->len - 5000 : 0; *at;) {
        size_t len = strcspn(at, "\n");
        print_error("%.*s\n", (int)len, at);
        at += len + (at[len] == '\n');
    }
}

/* Return: whether all invariants held; says which not. */
static inline bool world_end(struct world *world, uint64_t seed)
{
    bool held = !world->broken;
    if (!held) {
        world_print_log(&world->log);
        print_error("seed %llu does not hold: %s\n", (unsigned long long)seed, world->broken);
    }
    str_done(&world->log);
    kit_done(&world->kit);
    return held;
}

#endif
