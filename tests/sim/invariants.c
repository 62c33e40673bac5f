/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/invariants.h"

#include "lib/base/str.h"
#include "lib/model/labels.h"
#include "services/controller/engine/batches.h"
#include "services/controller/engine/disruption.h"

/* The i-th of all Modules. */
static const struct module *module_at(const struct picture *picture, size_t i)
{
    return picture->modules.entries[i].value;
}

static const char *revision_of(const struct module *module)
{
    const struct owner_reference *owner = meta_owner(&module->meta);
    return owner ? owner->name : NULL;
}

/* -- I1 -- */

/* Whether an earlier Module is for the same module on the same base. */
static bool counted_before(const struct picture *picture, size_t at)
{
    const struct module *module = module_at(picture, at);
    for (size_t i = 0; i < at; i++)
        if (str_eq(module_at(picture, i)->spec.base_uid, module->spec.base_uid) &&
            str_eq(module_at(picture, i)->spec.module.name, module->spec.module.name))
            return true;
    return false;
}

char *i1_capacity(const struct picture *picture)
{
    for (size_t b = 0; b < picture->base_objects.len; b++) {
        const struct base *base = picture->base_objects.entries[b].value;
        int32_t count = 0;
        for (size_t i = 0; i < picture->modules.len; i++)
            count += str_eq(module_at(picture, i)->spec.base_uid, base->meta.uid) &&
                     !counted_before(picture, i);
        if (base->spec.max_module_count_set && count > base->spec.max_module_count)
            return mem_printf("I1: base %s has %d modules, %d is the most", base->meta.name, count,
                              base->spec.max_module_count);
    }
    return NULL;
}

/* -- I3 -- */

static bool takes_place_of(const struct module *successor, const struct module *old)
{
    return str_eq(successor->spec.replaces, old->meta.name);
}

char *i3_one_instance(const struct picture *picture)
{
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *a = module_at(picture, i);
        for (size_t k = 0; k < i; k++) {
            const struct module *b = module_at(picture, k);
            if (!a->meta.deletion_ms && !b->meta.deletion_ms &&
                str_eq(a->spec.base_uid, b->spec.base_uid) &&
                module_same_version(&a->spec.module, &b->spec.module) && !takes_place_of(a, b) &&
                !takes_place_of(b, a))
                return mem_printf("I3: Modules %s and %s are for the same", b->meta.name,
                                  a->meta.name);
        }
    }
    return NULL;
}

/* -- I4 -- */

static bool same_release(const struct release_status *a, const struct release_status *b)
{
    return str_eq(a->update_revision, b->update_revision) &&
           a->target_replicas == b->target_replicas &&
           a->planned_batch_count == b->planned_batch_count &&
           a->planned_use_beta == b->planned_use_beta &&
           a->original_delta_replicas == b->original_delta_replicas &&
           a->original_updated_replicas == b->original_updated_replicas;
}

char *i4_gate(const struct module_deployment *before, const struct module_deployment *after,
              bool asked, bool confirmed)
{
    const struct release_status *was = &before->status.release, *is = &after->status.release;
    if (!same_release(was, is) || is->current_batch <= was->current_batch ||
        was->current_batch == 0 || after->meta.deletion_ms)
        return NULL;
    if (is->current_batch != was->current_batch + 1)
        return mem_printf("I4: ModuleDeployment %s goes from batch %d to %d", after->meta.name,
                          was->current_batch, is->current_batch);
    if (asked && !confirmed)
        return mem_printf("I4: batch %d of ModuleDeployment %s begins, %d was not confirmed",
                          is->current_batch, after->meta.name, was->current_batch);
    return NULL;
}

static bool waits(const struct release_status *release)
{
    return str_eq(release->reason, REASON_WAITING_FOR_CONFIRMATION);
}

/* Whether a batch ends with the change from @was to @is. */
static bool batch_ends(const struct release_status *was, const struct release_status *is)
{
    bool next = is->current_batch > was->current_batch && !waits(was);
    bool asks = waits(is) && !waits(was);
    bool completes = is->progress == PROGRESS_COMPLETED && was->progress != PROGRESS_COMPLETED;
    return same_release(was, is) && was->current_batch && (next || asks || completes);
}

static int64_t age_ms(const struct module *module, const struct ready_rule *rule)
{
    return rule->now_ms - since_available_ms(rule->since, module);
}

static bool is_too_young(const struct module *module, const struct ready_rule *rule)
{
    return module->status.phase == MODULE_AVAILABLE && !module->meta.deletion_ms &&
           age_ms(module, rule) < rule->least_ms - rule->late_ms;
}

char *i4_ready(const struct picture *picture, const struct module_deployment *before,
               const struct module_deployment *after, const struct ready_rule *rule)
{
    const struct release_status *was = &before->status.release, *is = &after->status.release;
    bool ends = batch_ends(was, is) && !after->meta.deletion_ms;
    for (size_t i = 0; ends && i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        /* What has come to be Available just now may be later than the decision. */
        if (str_eq(revision_of(module), is->update_revision) && is_too_young(module, rule) &&
            age_ms(module, rule) > rule->late_ms)
            return mem_printf(
                "I4: batch %d of ModuleDeployment %s ends, Module %s is Available for %lld ms",
                was->current_batch, after->meta.name, module->meta.name,
                (long long)age_ms(module, rule));
    }
    return NULL;
}

char *i4_old_stays(const struct picture *picture, const struct module *old,
                   const struct ready_rule *rule)
{
    bool serves_still = old->status.phase == MODULE_AVAILABLE;
    const struct module_deployment *md = serves_still ? picture_owner(picture, old) : NULL;
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *successor = module_at(picture, i);
        if (md && str_eq(successor->spec.replaces, old->meta.name) &&
            str_eq(revision_of(successor), md->status.release.update_revision) &&
            successor->spec.upgrade_way != WAY_IN_PLACE && is_too_young(successor, rule))
            return mem_printf(
                "I4: Module %s goes, %s in its stead is Available for %lld ms", old->meta.name,
                successor->meta.name,
                (long long)(rule->now_ms - since_available_ms(rule->since, successor)));
    }
    return NULL;
}

/* Instances of the update revision that the batch allows. */
static int32_t allowed(const struct release_status *release)
{
    int32_t before = release->original_updated_replicas;
    int32_t up =
        before + batches_end(release->original_delta_replicas, release->planned_batch_count,
                             release->planned_use_beta, release->current_batch);
    int32_t most = up < release->target_replicas ? up : release->target_replicas;
    if (release->progress == PROGRESS_COMPLETED)
        return release->target_replicas;
    return most > before ? most : before;
}

static bool is_restart(const struct picture *picture, const struct module *module)
{
    const struct module_replicaset *rs = map_get(&picture->revisions, revision_of(module));
    return rs && template_restart(&rs->spec.template);
}

/* Whether what is @there is the same of before, which @module is to restart in place. */
static bool is_to_restart(const struct picture *picture, const struct module *module,
                          const struct sim_module *there)
{
    const struct module *old =
        module->spec.replaces ? map_get(&picture->modules, module->spec.replaces) : NULL;
    return old && module->spec.upgrade_way == WAY_IN_PLACE && is_restart(picture, module) &&
           module_same_version(&old->spec.module, &module->spec.module) &&
           !str_eq(there->restart, revision_of(module));
}

static bool runs(const struct picture *picture, const struct module *module)
{
    const struct sim_base *base = picture_base(picture, module->spec.base_name);
    const struct sim_module *there =
        base ? sim_base_find(base, module->spec.module.name, module->spec.module.version) : NULL;
    const char *md5 = module->spec.module.md5 ? module->spec.module.md5 : "";
    return there && there->state != SIM_BROKEN && str_eq(there->jar, md5) &&
           !is_to_restart(picture, module, there);
}

/* The Module that @operation installs on @base; NULL: it is about to go, or gone. */
static const struct module *installed_by(const struct picture *picture, const struct sim_base *base,
                                         const struct sim_operation *operation)
{
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        bool other =
            !str_empty(operation->restart) && !str_eq(operation->restart, revision_of(module));
        if (operation->type == SIM_INSTALL && !module->meta.deletion_ms && !other &&
            str_eq(module->spec.base_name, base->name) &&
            str_eq(module->spec.module.name, operation->name) &&
            str_eq(module->spec.module.version, operation->version) &&
            str_eq(module->spec.module.md5, operation->jar))
            return module;
    }
    return NULL;
}

static bool serves(const struct picture *picture, const struct module *module)
{
    const struct sim_base *base = picture_base(picture, module->spec.base_name);
    const struct sim_module *there =
        base ? sim_base_find(base, module->spec.module.name, module->spec.module.version) : NULL;
    return there && there->state == SIM_ACTIVE;
}

/* Modules that wait for another way, since they were refused where they are, do not run: they go when another is
 * made elsewhere, and these two writes go out together. */
char *i4_numbers(const struct picture *picture, const struct sim_base *base,
                 const struct sim_operation *operation)
{
    const struct module *begun = installed_by(picture, base, operation);
    const struct module_deployment *md = begun ? picture_owner(picture, begun) : NULL;
    const struct release_status *release = md ? &md->status.release : NULL;
    const char *revision = begun ? revision_of(begun) : NULL;
    int32_t count = 1;
    if (!release || md->meta.deletion_ms || release->target_replicas == REPLICAS_SYMMETRIC ||
        !str_eq(release->update_revision, revision))
        return NULL;
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        count += module != begun && !module->meta.deletion_ms && runs(picture, module) &&
                 str_eq(revision_of(module), revision);
    }
    if (count <= allowed(release))
        return NULL;
    return mem_printf("I4: Module %s is number %d of its revision, batch %d allows %d",
                      begun->meta.name, count, release->current_batch, allowed(release));
}

/* -- I8 -- */

char *i8_leads_alone(const struct candidate *candidate, const struct candidate *other,
                     int64_t now_ms)
{
    if (other == candidate || !candidate_leads(other) || other->awakes_ms >= now_ms)
        return NULL;
    return mem_printf("I8: %s leads, and so does %s", candidate->host, other->host);
}

char *i8_epoch_grows(const struct candidate *candidate, int64_t last)
{
    if (candidate->epoch > last)
        return NULL;
    return mem_printf("I8: %s leads with epoch %lld after %lld", candidate->host,
                      (long long)candidate->epoch, (long long)last);
}

char *i8_only_leaders(const struct candidate *candidate, const char *what)
{
    return candidate_leads(candidate)
               ? NULL
               : mem_printf("I8: %s %s, and does not lead", candidate->host, what);
}

char *i8_not_deposed(const struct sim_base *base, const struct sim_operation *operation,
                     int64_t before)
{
    if (operation->epoch >= before)
        return NULL;
    return mem_printf("I8: %s does with %s what a leader of epoch %lld wants, after %lld",
                      base->name, operation->name, (long long)operation->epoch, (long long)before);
}

/* -- I10 -- */

static bool stood_for(const struct picture *picture, const struct module *gone)
{
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *other = module_at(picture, i);
        if (other != gone && !str_eq(other->meta.uid, gone->meta.uid) &&
            str_eq(other->spec.base_uid, gone->spec.base_uid) &&
            module_same_version(&other->spec.module, &gone->spec.module))
            return true;
    }
    return false;
}

char *i10_runs_until_released(const struct picture *picture, const struct module *gone)
{
    const struct sim_base *base = picture_base(picture, gone->spec.base_name);
    const struct base *object = map_get(&picture->base_objects, gone->spec.base_name);
    bool known = object && str_eq(object->meta.uid, gone->spec.base_uid);
    const struct sim_module *there =
        base ? sim_base_find(base, gone->spec.module.name, gone->spec.module.version) : NULL;
    if (!known || object->meta.deletion_ms || !there || there->state == SIM_BROKEN ||
        stood_for(picture, gone))
        return NULL;
    return mem_printf("I10: Module %s is gone, and %s %s still runs on %s", gone->meta.name,
                      there->name, there->version, base->name);
}

/* -- I9 -- */

/* An Available instance of the module that the operation leaves alone. */
static bool served_by_another(const struct picture *picture, const struct sim_base *base,
                              const struct sim_operation *operation)
{
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        if (str_eq(module->spec.base_name, base->name) &&
            str_eq(module->spec.module.name, operation->name) &&
            !str_eq(module->spec.module.version, operation->version) &&
            module->status.phase == MODULE_AVAILABLE && !operation->in_place)
            return true;
    }
    return false;
}

/* Whether it takes something off that serves. */
static bool takes_off(const struct sim_base *base, const struct sim_operation *operation)
{
    const struct sim_module *there = sim_base_find(base, operation->name, operation->version);
    if (operation->type == SIM_UNINSTALL)
        return there && there->state == SIM_ACTIVE;
    return operation->type == SIM_INSTALL && operation->in_place &&
           sim_base_serves(base, operation->name) &&
           !(there && str_eq(there->jar, operation->jar) && !sim_restart_due(operation, there));
}

#define RESTART_KNOWN_MS 30000

/* Whether what served beside it may have gone with the JVM just now: whoever decides knows of that later. */
static bool restarted_lately(const struct sim_base *base)
{
    return base->went_ms && loop_now_ms(base->options.loop) - base->went_ms < RESTART_KNOWN_MS;
}

char *i9_out_of_traffic(const struct picture *picture, const struct sim_base *base,
                        const struct sim_operation *operation)
{
    const struct base *object = map_get(&picture->base_objects, base->name);
    AUTO_FREE char *label = mem_printf(LABEL_TRAFFIC_PREFIX "%s", operation->name);
    if (!object || !json_map_get(&object->meta.labels, label) || !takes_off(base, operation) ||
        served_by_another(picture, base, operation) || restarted_lately(base))
        return NULL;
    return mem_printf("I9: %s %s is taken off %s, which has its traffic", operation->name,
                      operation->version, base->name);
}

/* -- I2 -- */

int32_t i2_required(const struct module_deployment *md)
{
    const struct module_deployment_spec *spec = &md->spec;
    if (md->meta.deletion_ms || spec->replicas == REPLICAS_SYMMETRIC ||
        spec->max_unavailable.kind == INT_OR_PERCENT_UNSET)
        return 0;
    bool gap = spec->strategy.upgrade_policy == UPGRADE_UNINSTALL_THEN_INSTALL;
    int32_t required =
        spec->replicas - disruption_limit(&spec->max_unavailable, spec->replicas, gap);
    return required > 0 ? required : 0;
}

/*
 * Whether what @operation uninstalls has been on its way off @base for @drain_ms, beside another version: the label was
 * on for that one, and went while the uninstall was under way.
 */
static bool left_to_another(const struct picture *picture, const struct sim_base *base,
                            const struct sim_operation *operation, int64_t drain_ms)
{
    bool left = false, another = false;
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        int64_t going_ms = module->meta.deletion_ms;
        bool here = str_eq(module->spec.base_name, base->name) &&
                    str_eq(module->spec.module.name, operation->name);
        bool same = here && str_eq(module->spec.module.version, operation->version);
        left |= same && going_ms && loop_wall_ms(base->options.loop) - going_ms >= drain_ms;
        another |= here && !same && !going_ms;
    }
    return operation->type == SIM_UNINSTALL && left && another;
}

char *i9_drained(const struct picture *picture, const struct sim_base *base,
                 const struct sim_operation *operation, int64_t since_ms, int64_t drain_ms)
{
    if (since_ms >= drain_ms || !takes_off(base, operation) ||
        served_by_another(picture, base, operation) || restarted_lately(base) ||
        left_to_another(picture, base, operation, drain_ms))
        return NULL;
    return mem_printf("I9: %s %s is taken off %s %lld ms after its label, not %lld",
                      operation->name, operation->version, base->name, (long long)since_ms,
                      (long long)drain_ms);
}

/* Whether what is taken off has moved: another one serves in its stead. */
static bool has_moved(const struct picture *picture, const struct sim_base *base,
                      const struct sim_operation *operation)
{
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *successor = module_at(picture, i);
        const struct module *old =
            successor->spec.replaces ? map_get(&picture->modules, successor->spec.replaces) : NULL;
        if (old && str_eq(old->spec.base_name, base->name) &&
            str_eq(old->spec.module.name, operation->name) &&
            str_eq(old->spec.module.version, operation->version) &&
            successor->spec.upgrade_way == WAY_OTHER_BASE && serves(picture, successor))
            return true;
    }
    return false;
}

char *i2_available(const struct picture *picture, const struct sim_base *base,
                   const struct sim_operation *operation, int32_t required)
{
    int32_t serving = 0;
    for (size_t i = 0; i < picture->bases.len; i++)
        serving += picture->bases.items[i] != base &&
                   sim_base_serves(picture->bases.items[i], operation->name);
    if (!takes_off(base, operation) || serving >= required || has_moved(picture, base, operation))
        return NULL;
    return mem_printf("I2: %s is taken off %s, and only %d others serve; %d have to",
                      operation->name, base->name, serving, required);
}

/* -- I5 -- */

static int32_t eligible_bases(const struct picture *picture, const char *deployment)
{
    int32_t count = 0;
    for (size_t i = 0; i < picture->bases.len; i++)
        count += !picture->bases.items[i]->dead &&
                 str_eq(picture->bases.items[i]->deployment, deployment);
    return count;
}

static char *deployment_converged(const struct picture *picture, const struct module_deployment *md)
{
    const struct release_status *release = &md->status.release;
    int32_t wanted = md->spec.replicas == REPLICAS_SYMMETRIC
                         ? eligible_bases(picture, md->spec.base_deployment_name)
                         : md->spec.replicas;
    int32_t count = 0;
    if (release->progress != PROGRESS_COMPLETED)
        return mem_printf("I5: ModuleDeployment %s is %s (%s)", md->meta.name,
                          release_progress_name(release->progress),
                          release->reason ? release->reason : "");
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        if (picture_owner(picture, module) != md)
            continue;
        count++;
        if (!str_eq(revision_of(module), release->update_revision))
            return mem_printf("I5: Module %s is of another revision", module->meta.name);
        if (!release->failed_revision &&
            !str_eq(module->spec.module.version, md->spec.template.module.version))
            return mem_printf("I5: Module %s is of another version", module->meta.name);
    }
    if (count == wanted && md->status.available_replicas == wanted)
        return NULL;
    return mem_printf("I5: ModuleDeployment %s has %d Modules, %d available, %d are wanted",
                      md->meta.name, count, md->status.available_replicas, wanted);
}

/* Of everything on the bases, and their labels. @which: the invariant. */
static char *bases_converged(const struct picture *picture, const char *which)
{
    size_t running = 0, labels = 0;
    for (size_t i = 0; i < picture->bases.len; i++)
        running += picture->bases.items[i]->modules.len;
    for (size_t i = 0; i < picture->base_objects.len; i++) {
        const struct base *base = picture->base_objects.entries[i].value;
        if (!picture_base(picture, base->meta.name))
            return mem_printf("%s: base %s is gone, its object is not", which, base->meta.name);
        for (size_t k = 0; k < base->meta.labels.len; k++)
            labels += str_starts_with(base->meta.labels.items[k].key, LABEL_TRAFFIC_PREFIX);
    }
    if (running != picture->modules.len)
        return mem_printf("%s: %zu modules run, %zu Modules are there", which, running,
                          picture->modules.len);
    if (labels != picture->modules.len)
        return mem_printf("%s: %zu modules have traffic, %zu are there", which, labels,
                          picture->modules.len);
    return NULL;
}

char *i5_converged(const struct picture *picture)
{
    for (size_t i = 0; i < picture->modules.len; i++) {
        const struct module *module = module_at(picture, i);
        if (module->meta.deletion_ms || module->status.phase != MODULE_AVAILABLE ||
            !picture_owner(picture, module))
            return mem_printf("I5: Module %s is %s%s", module->meta.name,
                              module_phase_name(module->status.phase),
                              picture_owner(picture, module) ? "" : ", and nobody's");
        if (!runs(picture, module) || !serves(picture, module))
            return mem_printf("I5: Module %s is Available, and does not serve", module->meta.name);
    }
    for (size_t i = 0; i < picture->deployments.len; i++) {
        char *why = deployment_converged(picture, picture->deployments.entries[i].value);
        if (why)
            return why;
    }
    return bases_converged(picture, "I5");
}

/* -- I6 -- */

char *i6_nothing_left(const struct picture *picture)
{
    const struct {
        const char *what;
        const struct map *map;
    } maps[] = {{"ModuleDeployment", &picture->deployments},
                {"ModuleReplicaSet", &picture->revisions},
                {"Module", &picture->modules},
                {"Service", &picture->services}};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        if (maps[i].map->len)
            return mem_printf("I6: %s %s is left", maps[i].what, maps[i].map->entries[0].key);
    return bases_converged(picture, "I6");
}
