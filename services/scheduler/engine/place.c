/* SPDX-License-Identifier: Apache-2.0 */
#include "services/scheduler/engine/place.h"

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "services/scheduler/engine/spread.h"

#define EXPLANATION_MAX 1024

/* REFUSALS: the base can take an instance. */
static enum place_refusal refusal_of(const struct place_base *base)
{
    if (!base->ready)
        return REFUSED_NOT_READY;
    if (base->terminating)
        return REFUSED_TERMINATING;
    if (!base->has_ip)
        return REFUSED_NO_IP;
    if (!base->agent_reachable)
        return REFUSED_AGENT_UNREACHABLE;
    if (base->has_module)
        return REFUSED_MODULE_PRESENT;
    if (!base->selector_matches)
        return REFUSED_SELECTOR_MISMATCH;
    if (base->metaspace_full)
        return REFUSED_METASPACE_FULL;
    if (base->max_module_count != PLACE_UNLIMITED && base->module_count >= base->max_module_count)
        return REFUSED_FULL;
    return REFUSALS;
}

static struct spread_item item_of(const struct place_base *base, enum place_policy policy,
                                  bool candidate)
{
    if (policy == PLACE_STACKING) /* no spread: all in one zone and node */
        return (struct spread_item){
            .name = base->name, .rank = -(int64_t)base->module_count, .candidate = candidate};
    return (struct spread_item){
        .name = base->name,
        .zone = base->zone,
        .node = base->node,
        .rank = base->module_count,
        .weight = base->has_module,
        .candidate = candidate,
    };
}

void place(const struct place_base *bases, size_t count, enum place_policy policy, size_t wanted,
           struct place_answer *out)
{
    ASSERT(count < UINT32_MAX);
    *out = (struct place_answer){0};
    size_t eligible = 0;
    struct spread_item *items = mem_alloc(count * sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        enum place_refusal refusal = refusal_of(&bases[i]);
        items[i] = item_of(&bases[i], policy, refusal == REFUSALS);
        if (refusal == REFUSALS)
            eligible++;
        else
            out->refused[refusal]++;
    }
    size_t most = wanted < eligible ? wanted : eligible;
    if (most) {
        out->chosen = mem_alloc(most * sizeof(*out->chosen));
        out->chosen_len = spread_choose(items, count, NAME_ASCENDING, most, out->chosen);
    }
    mem_free(items);
}

void place_answer_done(struct place_answer *answer)
{
    mem_free(answer->chosen);
    *answer = (struct place_answer){0};
}

const char *place_refusal_name(enum place_refusal refusal)
{
    static const char *const names[] = {
#define X(id, name) [id] = name,
        PLACE_REFUSAL_MAP(X)
#undef X
    };
    ASSERT(refusal < REFUSALS);
    return names[refusal];
}

size_t place_refusals_by_count(const struct place_answer *answer, enum place_refusal out[REFUSALS])
{
    size_t len = 0;
    for (int reason = 0; reason < REFUSALS; reason++) {
        if (!answer->refused[reason])
            continue;
        size_t at = len++;
        for (; at && answer->refused[out[at - 1]] < answer->refused[reason]; at--)
            out[at] = out[at - 1];
        out[at] = (enum place_refusal)reason;
    }
    return len;
}

char *place_explain(const struct place_answer *answer, size_t wanted)
{
    enum place_refusal reasons[REFUSALS];
    size_t kinds = place_refusals_by_count(answer, reasons), refused = 0;
    for (size_t i = 0; i < kinds; i++)
        refused += answer->refused[reasons[i]];

    struct str text = STR_INIT(EXPLANATION_MAX);
    str_printf(&text, "%zu of %zu placed", answer->chosen_len, wanted);
    if (refused)
        str_printf(&text, "; %zu base%s refused: ", refused, refused == 1 ? "" : "s");
    for (size_t i = 0; i < kinds; i++)
        str_printf(&text, "%s%zu %s", i ? ", " : "", answer->refused[reasons[i]],
                   place_refusal_name(reasons[i]));
    if (!refused && answer->chosen_len < wanted)
        str_add(&text, answer->chosen_len ? "; there are no more bases" : "; there are no bases");
    return str_take(&text);
}
