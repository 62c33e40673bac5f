/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/replay.h"

#include <string.h>

#include "lib/base/str.h"

static void item_done(struct replay_item *item)
{
    json_release(module_spec_fields, &item->module);
    json_strings_done(&item->args);
    mem_free(item->restart);
    mem_free(item->message);
}

void replay_plan_done(struct replay_plan *plan)
{
    for (size_t i = 0; i < plan->len; i++)
        item_done(&plan->items[i]);
    VEC_DONE(plan);
}

/* -- the baseline -- */

static struct replay_item *find(const struct replay_plan *plan, const char *name,
                                const char *version)
{
    for (size_t i = 0; i < plan->len; i++)
        if (str_eq(plan->items[i].module.name, name) &&
            str_eq(plan->items[i].module.version, version))
            return &plan->items[i];
    return NULL;
}

/* What was not declared now may be anything. */
static bool may_be(const char *declared, const char *known)
{
    return str_empty(declared) || str_eq(declared, known);
}

static bool is_same_jar(const struct module_spec *wanted, const struct record *record)
{
    return record->digest && str_eq(wanted->url, record->source) &&
           may_be(wanted->md5, record->md5) && may_be(wanted->sha256, record->digest);
}

void replay_add(struct replay_plan *plan, const struct module_spec *wanted,
                const struct record *record, const struct trials *trials)
{
    if (find(plan, wanted->name, wanted->version))
        return;
    struct replay_item item = {0};
    module_spec_copy(&item.module, wanted);
    if (record) {
        if (is_same_jar(wanted, record)) {
            mem_replace(&item.module.sha256, record->digest);
            item.restart = mem_strdup(record->restart);
        }
        item.inactive = record->inactive;
        json_strings_copy(&item.args, &record->args);
    }
    AUTO_FREE char *identity = mem_printf("%s:%s", wanted->name, wanted->version);
    item.crashes = trials_crashes(trials, identity, item.module.sha256);
    VEC_PUSH(plan, item);
}

void replay_add_record(struct replay_plan *plan, const char *identity, const struct record *record,
                       const struct trials *trials)
{
    const char *colon = strchr(identity, ':');
    if (!colon)
        return;
    AUTO_FREE char *name = mem_strndup(identity, (size_t)(colon - identity));
    const struct module_spec wanted = {
        .name = name,
        .version = (char *)(uintptr_t)(colon + 1),
        .url = record->source ? record->source : record->url,
        .md5 = record->md5,
        .sha256 = record->digest,
    };
    replay_add(plan, &wanted, record, trials);
}

bool replay_has(const struct replay_plan *plan, const char *identity)
{
    for (size_t i = 0; i < plan->len; i++)
        if (record_version(identity, plan->items[i].module.name))
            return true;
    return false;
}

bool replay_names(const struct replay_plan *plan, const char *identity)
{
    for (size_t i = 0; i < plan->len; i++)
        if (str_eq(record_version(identity, plan->items[i].module.name),
                   plan->items[i].module.version))
            return true;
    return false;
}

/* -- waves -- */

static bool is_suspect(const struct replay_item *item)
{
    return item->crashes == TRIAL_CRASHES_MAX - 1;
}

/* Of the same module, in an earlier wave; of two that would be in one, the active one goes first, or who was named first. */
static bool goes_before(const struct replay_item *a, const struct replay_item *b)
{
    bool same_module = a != b && str_eq(a->module.name, b->module.name);
    bool counts = a->fate == REPLAY_WAITS && !is_suspect(a);
    bool first = a->inactive != b->inactive ? !a->inactive : a < b;
    return same_module && counts && first;
}

static int wave_of(const struct replay_plan *plan, const struct replay_item *item)
{
    int wave = 0;
    for (size_t i = 0; i < plan->len; i++)
        wave += goes_before(&plan->items[i], item);
    return wave;
}

static void leave_out(struct replay_item *item)
{
    if (item->crashes < TRIAL_CRASHES_MAX || item->fate != REPLAY_WAITS)
        return;
    item->fate = REPLAY_LEFT_OUT;
    item->message = mem_strdup(TRIAL_REFUSAL);
}

void replay_order(struct replay_plan *plan)
{
    int last = 0;
    for (size_t i = 0; i < plan->len; i++)
        leave_out(&plan->items[i]);
    for (size_t i = 0; i < plan->len; i++) {
        struct replay_item *item = &plan->items[i];
        item->wave = wave_of(plan, item);
        last = item->wave > last ? item->wave : last;
    }
    for (size_t i = 0; i < plan->len; i++)
        if (plan->items[i].fate == REPLAY_WAITS && is_suspect(&plan->items[i]))
            plan->items[i].wave = ++last;
}

/* -- step by step -- */

static const struct biz *there(const struct replay_item *item, const struct biz_list *modules)
{
    const struct biz *biz = biz_list_find(modules, item->module.name, item->module.version);
    return biz_runs(biz) ? biz : NULL;
}

bool replay_misses(const struct replay_item *item)
{
    return item->fate == REPLAY_WAITS || item->fate == REPLAY_FAILED ||
           item->fate == REPLAY_LEFT_OUT;
}

bool replay_look(struct replay_plan *plan, const struct biz_list *modules)
{
    bool changed = false;
    for (size_t i = 0; i < plan->len; i++) {
        struct replay_item *item = &plan->items[i];
        if (!replay_misses(item) || !there(item, modules))
            continue;
        item->fate = REPLAY_THERE;
        mem_free(TAKE(item->message));
        changed = true;
    }
    return changed;
}

/* The one to install next: of the earliest wave. */
static const struct replay_item *first_waiting(const struct replay_plan *plan)
{
    const struct replay_item *first = NULL;
    for (size_t i = 0; i < plan->len; i++) {
        const struct replay_item *item = &plan->items[i];
        if (item->fate == REPLAY_WAITS && (!first || item->wave < first->wave))
            first = item;
    }
    return first;
}

static bool any_runs(const struct replay_plan *plan)
{
    for (size_t i = 0; i < plan->len; i++)
        if (plan->items[i].fate == REPLAY_RUNS)
            return true;
    return false;
}

/* Whether it was the active one of several versions; where that is not known it may be any. */
static bool was_active(const struct replay_plan *plan, const struct replay_item *item)
{
    size_t others = 0;
    for (size_t i = 0; i < plan->len; i++) {
        const struct replay_item *other = &plan->items[i];
        if (other == item || !str_eq(other->module.name, item->module.name))
            continue;
        if (!other->inactive)
            return false;
        others++;
    }
    return others > 0 && !item->inactive;
}

/* A version that had the traffic, and does not have it: some bases give it to the last one installed. */
static struct replay_item *to_be_switched(const struct replay_plan *plan,
                                          const struct biz_list *modules)
{
    for (size_t i = 0; i < plan->len; i++) {
        struct replay_item *item = &plan->items[i];
        const struct biz *biz = item->fate == REPLAY_THERE ? there(item, modules) : NULL;
        if (biz && biz->state == BIZ_DEACTIVATED && !item->switched && was_active(plan, item))
            return item;
    }
    return NULL;
}

struct replay_next replay_next(const struct replay_plan *plan, const struct biz_list *modules,
                               bool on_trial)
{
    const struct replay_item *first = first_waiting(plan);
    if (any_runs(plan) || (first && is_suspect(first) && on_trial))
        return (struct replay_next){.step = REPLAY_WAIT};
    if (first)
        return (struct replay_next){.step = REPLAY_INSTALL, .wave = first->wave};
    struct replay_item *item = to_be_switched(plan, modules);
    return (struct replay_next){.step = item ? REPLAY_SWITCH : REPLAY_OVER, .item = item};
}

void replay_put_off(struct replay_plan *plan)
{
    for (size_t i = 0; i < plan->len; i++)
        if (plan->items[i].fate == REPLAY_RUNS)
            plan->items[i].fate = REPLAY_WAITS;
}

bool replay_shown(const struct replay_plan *plan, const struct biz_list *modules)
{
    for (size_t i = 0; i < plan->len; i++)
        if (plan->items[i].fate == REPLAY_THERE && !there(&plan->items[i], modules))
            return false;
    return true;
}

/* -- what came of it -- */

struct replay_counts replay_count(const struct replay_plan *plan)
{
    struct replay_counts counts = {0};
    for (size_t i = 0; i < plan->len; i++) {
        enum replay_fate fate = plan->items[i].fate;
        counts.wanted += fate != REPLAY_UNWANTED;
        counts.installed += fate == REPLAY_THERE;
        counts.failed += fate == REPLAY_FAILED;
        counts.left_out += fate == REPLAY_LEFT_OUT;
    }
    return counts;
}

char *replay_problem(const struct replay_plan *plan)
{
    struct replay_counts counts = replay_count(plan);
    int others = counts.failed + counts.left_out - 1;
    for (size_t i = 0; i < plan->len; i++) {
        const struct replay_item *item = &plan->items[i];
        if (item->fate != REPLAY_FAILED && item->fate != REPLAY_LEFT_OUT)
            continue;
        AUTO_FREE char *more = others ? mem_printf("; and %d more", others) : mem_strdup("");
        return mem_printf("module %s %s was not brought back: %s%s", item->module.name,
                          item->module.version, item->message, more);
    }
    return NULL;
}

char *replay_progress(const struct replay_plan *plan)
{
    struct replay_counts counts = replay_count(plan);
    return mem_printf("modules that belong here are brought back: %d of %d are there",
                      counts.installed, counts.wanted);
}
