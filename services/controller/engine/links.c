/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/links.h"

#include "lib/base/str.h"
#include "lib/model/labels.h"

void instance_join_revision(struct instance *instance, struct revision *revision)
{
    instance->revision = revision;
    instance->index = (int32_t)revision->instances.len;
    VEC_PUSH(&revision->instances, instance);
}

void instance_leave_revision(struct instance *instance)
{
    struct revision *revision = instance->revision;
    struct instance *last = revision->instances.items[revision->instances.len - 1];
    revision->instances.items[instance->index] = last;
    last->index = instance->index;
    revision->instances.len--;
}

void instance_join_base(struct instance *instance, struct base_state *base, int64_t now_ms)
{
    instance->base = base;
    instance->unlabelled_ms = now_ms;
    VEC_PUSH(&base->instances, instance);
}

bool replaces_meant(const struct module *module, const struct module *old)
{
    const char *uid = json_map_get(&module->meta.annotations, ANNOTATION_REPLACES_UID);
    return uid ? str_eq(uid, old->meta.uid) : old->meta.creation_ms <= module->meta.creation_ms;
}

static void count(int32_t *counter, bool *counted, bool holds)
{
    *counter += (int)holds - (int)*counted;
    *counted = holds;
}

void instance_recount(struct instance *instance, bool present)
{
    struct instance_counted *counted = &instance->counted;
    struct revision *revision = instance->revision;
    enum module_phase phase = instance->module->status.phase;
    bool existing = present && !instance_deleting(instance);
    if (revision) {
        count(&revision->existing, &counted->existing, existing);
        count(&revision->available, &counted->available, existing && phase == MODULE_AVAILABLE);
        count(&revision->failed, &counted->failed, existing && phase == MODULE_FAILED);
        count(&revision->waiting_way, &counted->waiting_way,
              existing && instance_refused_beside(instance));
        count(&revision->replaced, &counted->replaced, existing && instance->replaced_by);
        revision->terminating = (int32_t)revision->instances.len - revision->existing;
    }
    if (instance->base)
        count(&instance->base->module_count, &counted->on_base, present);
}
