/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of the plans to the scheduler, and how they get the answers. */
#include "services/controller/engine/forecast_internal.h"

#include "lib/base/assert.h"
#include "lib/model/labels.h"

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
        if (!is_asked(view, type) || !is_new(f, view, type))
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

/* The revision that the question is about. */
static struct revision *asking(const struct forecast *f)
{
    for (size_t i = 0; i < f->revisions.len; i++)
        if (f->revisions.items[i] == f->question.revision)
            return f->revisions.items[i];
    ASSERT(false);
    return NULL;
}

void forecast_answer(struct forecast *f, char *const *names, size_t count, const char *explanation)
{
    ASSERT(f->asking);
    f->asking = false;
    struct revision *view = asking(f);
    struct forecast_answered *answered = answered_of(view, f->question.type);
    answered->change = f->change;
    answered->count = f->question.count;
    struct placement *placement = placement_of(view, f->question.type);
    placement->names.items = mem_alloc(count * sizeof(char *));
    placement->names.len = count;
    for (size_t i = 0; i < count; i++)
        placement->names.items[i] = mem_strdup(names[i]);
    placement->offered = (int32_t)count;
    bool enough = (int64_t)count >= placement->asked;
    mem_replace(&placement->explanation, enough ? NULL : explanation);
    placement->state = PLACEMENT_ANSWERED;
    placement->answered_ms = f->now_ms;
    f->dirty = true;
}
