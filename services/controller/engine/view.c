/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/view.h"

#include <string.h>

#include "lib/base/str.h"
#include "lib/model/labels.h"

bool deployment_was_first(const struct object_meta *a, const struct object_meta *b)
{
    bool a_began = meta_has_finalizer(a, FINALIZER_DEPLOYMENT);
    if (a_began != meta_has_finalizer(b, FINALIZER_DEPLOYMENT))
        return a_began;
    if (a->creation_ms != b->creation_ms)
        return a->creation_ms < b->creation_ms;
    return strcmp(a->uid, b->uid) < 0;
}

struct revision *view_revision(const struct deployment_view *view, const char *name)
{
    for (size_t i = 0; i < view->revision_count; i++)
        if (str_eq(view->revisions[i]->rs->meta.name, name))
            return view->revisions[i];
    return NULL;
}

bool instance_deleting(const struct instance *instance)
{
    return instance->module->meta.deletion_ms != 0;
}

static bool refused_beside_for(const struct instance *instance, const char *reason)
{
    const struct operation *operation = &instance->operation;
    return instance->replaces && instance->module->spec.upgrade_way == WAY_SIDE_BY_SIDE &&
           operation->type == OPERATION_INSTALL && operation->state == OPERATION_FAILED &&
           str_eq(operation->reason, reason);
}

bool instance_refused_for_metaspace(const struct instance *instance)
{
    return refused_beside_for(instance, "METASPACE_FULL");
}

bool instance_refused_beside(const struct instance *instance)
{
    return refused_beside_for(instance, "WEB_PATH_IN_USE") ||
           instance_refused_for_metaspace(instance);
}

bool instance_serves(const struct instance *instance)
{
    return instance->module->status.phase == MODULE_AVAILABLE && !instance->unhealthy &&
           instance->base && instance->base->ready && !instance_deleting(instance);
}

bool instance_may_serve(const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    return instance->module->status.phase == MODULE_AVAILABLE ||
           instance->reported == REPORTED_ACTIVE ||
           (operation->type == OPERATION_SWITCH && operation->state != OPERATION_NONE);
}

bool instance_was_available(const struct instance *instance)
{
    enum module_phase phase = instance->module->status.phase;
    return phase == MODULE_AVAILABLE || phase == MODULE_UNAVAILABLE;
}

bool instance_has_been_there(const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    bool installed =
        operation->type == OPERATION_INSTALL && operation->state == OPERATION_SUCCEEDED;
    bool switched = operation->type == OPERATION_SWITCH && operation->state != OPERATION_NONE;
    return instance_was_available(instance) || installed || switched;
}

bool instance_superseded(const struct instance *instance, const struct revision *update)
{
    const struct instance *old = instance->replaces;
    return old && instance->revision != update && !instance_deleting(old) &&
           (instance->module->status.phase != MODULE_AVAILABLE || old->revision == update);
}

bool instance_overwrites(const struct instance *successor)
{
    const struct instance *old = successor->replaces;
    const struct module_instance_spec *spec = &successor->module->spec;
    return old && spec->upgrade_way == WAY_IN_PLACE &&
           str_eq(spec->base_name, old->module->spec.base_name) &&
           module_same_version(&spec->module, &old->module->spec.module);
}

bool instance_failed_to_replace(const struct instance *successor)
{
    const struct operation *operation = &successor->operation;
    return operation->type == OPERATION_INSTALL && operation->state == OPERATION_FAILED &&
           !operation->unanswered && (operation->restored || !instance_overwrites(successor));
}

/* Whether another Module of its name and version is on its base, be it one that leaves. */
static bool has_double(const struct instance *instance)
{
    for (size_t i = 0; i < instance->base->instances.len; i++) {
        const struct instance *other = instance->base->instances.items[i];
        if (other != instance &&
            module_same_version(&other->module->spec.module, &instance->module->spec.module))
            return true;
    }
    return false;
}

bool instance_report_overtook(const struct instance *instance)
{
    const struct operation *operation = &instance->operation;
    bool there = instance->reported == REPORTED_ACTIVE || instance->reported == REPORTED_INACTIVE;
    return there && operation->type == OPERATION_INSTALL &&
           instance->reported_ms >= operation->started_ms && instance->base &&
           !has_double(instance);
}

bool base_belongs(const struct base_state *state, const char *deployment)
{
    return str_eq(state->base->spec.deployment, deployment);
}

bool base_adopts(const struct base_state *base, const char *module)
{
    for (size_t i = 0; base->originals && i < base->originals->len; i++)
        if (str_eq(base->originals->items[i]->module->spec.module.name, module))
            return true;
    return false;
}

bool base_selected(const struct base_state *state, const struct module_template_spec *template)
{
    const struct json_map *selector = &template->base_selector;
    for (size_t i = 0; i < selector->len; i++)
        if (!str_eq(json_map_get(&state->base->meta.labels, selector->items[i].key),
                    selector->items[i].value))
            return false;
    return true;
}

bool base_fits(const struct base_state *state, const struct module_template_spec *template)
{
    return state->ready && !state->terminating && !str_empty(state->base->spec.ip) &&
           base_selected(state, template);
}

bool base_eligible(const struct base_state *state, const struct module_template_spec *template)
{
    const struct base_spec *spec = &state->base->spec;
    bool room = !spec->max_module_count_set || state->module_count < spec->max_module_count;
    return room && !state->base->status.metaspace_full && base_fits(state, template);
}
