/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/traffic.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/plan_module.h"

#define ON "true"

static char *label_of(const char *module)
{
    return mem_printf(LABEL_TRAFFIC_PREFIX "%s", module);
}

static bool runs_still(const struct instance *old, const struct operation *replacement)
{
    bool seen = old->reported == REPORTED_ACTIVE &&
                old->reported_ms >= replacement->ended_ms + REPORT_SETTLE_MS;
    return replacement->restored || seen;
}

/* Whether the install of @successor has failed, and @old runs as before. */
static bool was_spared(const struct instance *old, const struct instance *successor)
{
    const struct operation *operation = &successor->operation;
    return operation->type == OPERATION_INSTALL && operation->state == OPERATION_FAILED &&
           !operation->unanswered && runs_still(old, operation);
}

static bool leaves_in_place(const struct instance *instance)
{
    return instance_deleting(instance) && instance->module->spec.upgrade_way == WAY_IN_PLACE;
}

/* Whether some are on their way out again that were to take the place of others: there seldom are. */
static bool has_leaving(const struct base_state *base)
{
    for (size_t i = 0; i < base->instances.len; i++)
        if (leaves_in_place(base->instances.items[i]))
            return true;
    return false;
}

/* Whether one was to take the place of @old and leaves: what it has left of @old, that does not say of itself yet. */
static bool may_be_overrun(const struct instance *old)
{
    for (size_t i = 0; i < old->base->instances.len; i++) {
        const struct instance *other = old->base->instances.items[i];
        if (leaves_in_place(other) && !was_spared(old, other) &&
            str_eq(other->module->spec.replaces, old->module->meta.name))
            return true;
    }
    return false;
}

/*
 * When @old is to be out of traffic for its successor in place, mono; TIME_NEVER: not for that. From the
 * first moment on, for the successor is about to be installed; but where that has failed and the old version
 * runs as before, it serves until the next attempt.
 */
static int64_t makes_way_at(const struct instance *old)
{
    const struct instance *successor = old->replaced_by;
    if (!successor || successor->module->spec.upgrade_way != WAY_IN_PLACE)
        return TIME_NEVER;
    return was_spared(old, successor) ? operation_retry_at(&successor->operation) : 0;
}

/* @leaving: has_leaving() of its base. */
static bool serves(const struct instance *instance, bool leaving, int64_t now_ms)
{
    return instance->module->status.phase == MODULE_AVAILABLE && !instance_deleting(instance) &&
           now_ms < makes_way_at(instance) && !(leaving && may_be_overrun(instance));
}

bool traffic_wanted(const struct base_state *base, const char *module, int64_t now_ms)
{
    bool leaving = has_leaving(base);
    for (size_t i = 0; i < base->instances.len; i++) {
        const struct instance *instance = base->instances.items[i];
        if (serves(instance, leaving, now_ms) && str_eq(instance->module->spec.module.name, module))
            return true;
    }
    return false;
}

bool traffic_leaving(const struct base_state *base, const char *module, int64_t now_ms)
{
    AUTO_FREE char *label = label_of(module);
    return json_map_get(&base->base->meta.labels, label) && !traffic_wanted(base, module, now_ms);
}

static bool had_traffic(const struct instance *instance)
{
    enum module_phase phase = instance->module->status.phase;
    return phase == MODULE_AVAILABLE || phase == MODULE_UNAVAILABLE ||
           phase == MODULE_TERMINATING || /* what it was before is not known any more */
           instance_may_serve(instance);
}

/* Whether @leaving was to overwrite one of its own version that had traffic: its uninstall takes that one off. */
static bool takes_off_another(const struct instance *leaving)
{
    const struct module_instance_spec *spec = &leaving->module->spec;
    for (size_t i = 0; leaves_in_place(leaving) && i < leaving->base->instances.len; i++) {
        const struct instance *old = leaving->base->instances.items[i];
        if (str_eq(spec->replaces, old->module->meta.name) && had_traffic(old) &&
            module_same_version(&spec->module, &old->module->spec.module))
            return true;
    }
    return false;
}

int64_t traffic_drained_at(const struct instance *instance, int64_t drain_ms)
{
    if (!instance->base || !drain_ms || !(had_traffic(instance) || takes_off_another(instance)))
        return 0;
    AUTO_FREE char *label = label_of(instance->module->spec.module.name);
    bool labelled = json_map_get(&instance->base->base->meta.labels, label) != NULL;
    return (labelled ? instance->going_ms : instance->unlabelled_ms) + drain_ms;
}

void traffic_end(const struct instance *instance, struct plan *plan)
{
    const struct module_instance_spec *spec = &instance->module->spec;
    if (instance->base_ended || str_empty(spec->base_name) || str_empty(spec->base_uid))
        return;
    AUTO_FREE char *label = label_of(spec->module.name);
    struct action *action = plan_add(plan, ACTION_END_TRAFFIC, instance->module->meta.name);
    json_map_set(&action->labels, label, "");
}

/* The labels that are to be on, and what has to be looked at again. */
static void find_serving(const struct base_state *base, int64_t now_ms, struct map *serving,
                         struct plan *plan)
{
    bool leaving = has_leaving(base);
    for (size_t i = 0; i < base->instances.len; i++) {
        struct instance *instance = base->instances.items[i];
        if (!serves(instance, leaving, now_ms))
            continue;
        AUTO_FREE char *label = label_of(instance->module->spec.module.name);
        if (label_key_is_valid(label)) /* Modules that people wrote are not checked */
            map_put(serving, label, instance);
        if (makes_way_at(instance) != TIME_NEVER)
            plan_requeue(plan, makes_way_at(instance));
    }
}

/* Those that a write may have changed, though its outcome is not known: each is written as it is to be. */
static void settle_doubts(const struct base_state *base, const struct map *serving,
                          struct json_map *changes)
{
    for (size_t i = 0; i < base->doubted.len; i++) {
        const char *label = base->doubted.items[i].key;
        bool wanted = map_get(serving, label) != NULL;
        bool kept = str_starts_with(label, LABEL_TRAFFIC_PREFIX) &&
                    base_adopts(base, label + strlen(LABEL_TRAFFIC_PREFIX));
        if (wanted || !kept)
            json_map_set(changes, label, wanted ? ON : "");
    }
}

void plan_traffic(const struct base_state *base, int64_t now_ms, struct plan *plan)
{
    const struct json_map *labels = &base->base->meta.labels;
    struct map serving = {0};
    struct json_map changes = {0};
    find_serving(base, now_ms, &serving, plan);
    settle_doubts(base, &serving, &changes);
    for (size_t i = 0; i < labels->len; i++) {
        const struct json_pair *label = &labels->items[i];
        if (original_is_pod_label(label->key) && !base->originals)
            json_map_set(&changes, label->key, "");
        if (!str_starts_with(label->key, LABEL_TRAFFIC_PREFIX))
            continue;
        bool wanted = map_get(&serving, label->key) != NULL;
        if (wanted && str_eq(label->value, ON))
            map_remove(&serving, label->key);
        else if (!wanted && !base_adopts(base, label->key + strlen(LABEL_TRAFFIC_PREFIX)))
            json_map_set(&changes, label->key, "");
    }
    for (size_t i = 0; i < serving.len; i++)
        json_map_set(&changes, serving.entries[i].key, ON);
    map_done(&serving);
    if (changes.len)
        plan_add(plan, ACTION_LABEL_BASE, base->base->meta.name)->labels = changes;
}
