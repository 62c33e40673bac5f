/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of the plans to the scheduler, and how they get the answers. */
#include "services/controller/engine/forecast_internal.h"

#include "lib/base/assert.h"
#include "lib/model/labels.h"

/* Names that the plan gets of an answer at once, where it may be parted. */
#define PORTION 400

/* -- what was named stands first among its like: plans look it up one after the other, from the front -- */

static void base_first(struct forecast *f, const char *name, size_t at)
{
    struct forecast_base *base = map_get(&f->all_bases, name);
    if (!base || at >= f->bases.len || base->at >= f->bases.len ||
        f->bases.items[base->at] != &base->view)
        return;
    struct base_state *other = f->bases.items[at];
    f->bases.items[at] = &base->view;
    f->bases.items[base->at] = other;
    CONTAINER_OF(other, struct forecast_base, view)->at = base->at;
    base->at = at;
}

static void instance_first(const struct forecast *f, struct revision *revision, const char *name,
                           size_t at)
{
    struct forecast_instance *instance = map_get(&f->instances, name);
    if (!instance || instance->view.revision != revision || at >= revision->instances.len)
        return;
    struct instance *other = revision->instances.items[at];
    revision->instances.items[at] = &instance->view;
    revision->instances.items[instance->view.index] = other;
    other->index = instance->view.index;
    instance->view.index = (int32_t)at;
}

static void names_first(struct forecast *f, struct revision *revision, enum action_type type)
{
    bool place = type == ACTION_PLACE;
    const struct json_strings *names = place ? &revision->place.names : &revision->evict.names;
    for (size_t i = 0; i < names->len; i++) {
        if (place)
            base_first(f, names->items[i], i);
        else
            instance_first(f, revision, names->items[i], i);
    }
}

/* -- questions and answers -- */

static struct forecast_revision *revision_of(struct revision *view)
{
    return CONTAINER_OF(view, struct forecast_revision, view);
}

static struct placement *placement_of(struct revision *view, enum action_type type)
{
    return type == ACTION_PLACE ? &view->place : &view->evict;
}

static struct forecast_answered *answered_of(struct revision *view, enum action_type type)
{
    struct forecast_revision *revision = revision_of(view);
    return type == ACTION_PLACE ? &revision->placed : &revision->evicted;
}

static bool is_asked(struct revision *view, enum action_type type)
{
    return placement_of(view, type)->state == PLACEMENT_ASKED;
}

/*
 * Whether the plan may get the answer in portions: it looks each name up from the front of its list, which for
 * long answers takes long. Not where instances move to other bases: those go in waves, as wide as the answer.
 */
static bool may_be_parted(const struct forecast *f, const struct revision *view,
                          enum action_type type)
{
    struct deployment_view all = forecast__view(f);
    const struct revision *update = f->update_name ? view_revision(&all, f->update_name) : NULL;
    if (!update || view == update || f->md->meta.deletion_ms) {
        for (size_t i = 0; type == ACTION_PLACE && i < f->revisions.len; i++)
            if (f->revisions.items[i] != view && f->revisions.items[i]->instances.len)
                return false;
        return true;
    }
    return type == ACTION_EVICT &&
           f->md->spec.strategy.upgrade_policy != UPGRADE_SCALE_UP_THEN_SCALE_DOWN &&
           !json_map_get(&update->rs->meta.annotations, ANNOTATION_WEB_PATH_IN_USE) &&
           !str_eq(update->rs->spec.template.module.version,
                   view->rs->spec.template.module.version);
}

/* Gives the plan what it has not got yet of the answer, or a portion of that. */
static void hand_on(struct forecast *f, struct revision *view, enum action_type type)
{
    struct placement *placement = placement_of(view, type);
    struct forecast_answered *answered = answered_of(view, type);
    size_t left = answered->names.len - answered->handed;
    bool parted = left > PORTION && may_be_parted(f, view, type);
    size_t count = parted ? PORTION : left;
    placement->names.items = mem_alloc(count * sizeof(char *));
    placement->names.len = count;
    placement->offered = (int32_t)answered->names.len;
    for (size_t i = 0; i < count; i++, answered->handed++)
        placement->names.items[i] = TAKE(answered->names.items[answered->handed]);
    bool enough = parted || (int64_t)count >= placement->asked;
    mem_replace(&placement->explanation, enough ? NULL : answered->explanation);
    placement->state = PLACEMENT_ANSWERED;
    placement->answered_ms = f->now_ms;
    names_first(f, view, type);
    f->dirty = true;
}

/* Whether what is asked is what is left of the last answer. */
static bool goes_on(const struct forecast *f, struct revision *view, enum action_type type)
{
    const struct forecast_answered *answered = answered_of(view, type);
    return answered->handed < answered->names.len && answered->at_ms == f->now_ms &&
           placement_of(view, type)->asked == answered->count - (int32_t)answered->handed;
}

/* Whether it was not asked yet, or may be answered in another way by now. */
static bool is_new(const struct forecast *f, struct revision *view, enum action_type type)
{
    const struct forecast_answered *last = answered_of(view, type);
    return last->change != f->change || last->count != placement_of(view, type)->asked;
}

bool forecast__find_question(struct forecast *f)
{
    static const enum action_type types[] = {ACTION_PLACE, ACTION_EVICT};
    for (size_t i = 0; i < f->revisions.len * ARRAY_LEN(types); i++) {
        struct revision *view = f->revisions.items[i / ARRAY_LEN(types)];
        enum action_type type = types[i % ARRAY_LEN(types)];
        if (!is_asked(view, type))
            continue;
        if (goes_on(f, view, type)) {
            hand_on(f, view, type);
            return true;
        }
        if (!is_new(f, view, type))
            continue;
        f->asking = true;
        f->question = (struct scheduling_question){
            .type = type,
            .revision = view,
            .count = placement_of(view, type)->asked,
            .policy = f->md->spec.scheduling_policy,
            .bases = f->bases.items,
            .base_count = f->bases.len,
        };
        return true;
    }
    return false;
}

bool forecast__waits_for_room(const struct forecast *f)
{
    for (size_t i = 0; i < f->revisions.len && !f->running; i++)
        if (is_asked(f->revisions.items[i], ACTION_PLACE) ||
            is_asked(f->revisions.items[i], ACTION_EVICT))
            return true;
    return false;
}

const struct scheduling_question *forecast_question(const struct forecast *f)
{
    ASSERT(f->asking);
    return &f->question;
}

void forecast_answer(struct forecast *f, char *const *names, size_t count, const char *explanation)
{
    ASSERT(f->asking);
    f->asking = false;
    enum action_type type = f->question.type;
    for (size_t i = 0; i < f->revisions.len; i++) {
        struct revision *view = f->revisions.items[i];
        if (view != f->question.revision)
            continue;
        struct forecast_answered *answered = answered_of(view, type);
        forecast__free_names(&answered->names);
        mem_replace(&answered->explanation, explanation);
        answered->change = f->change;
        answered->count = f->question.count;
        answered->at_ms = f->now_ms;
        answered->handed = 0;
        answered->names.items = mem_alloc(count * sizeof(char *));
        answered->names.len = count;
        for (size_t n = 0; n < count; n++)
            answered->names.items[n] = mem_strdup(names[n]);
        hand_on(f, view, type);
    }
}
